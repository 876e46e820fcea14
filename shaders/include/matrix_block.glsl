// The matrix core for GPUs: a block of BLOCK_ROWS rows by 8 TILE_COLUMNS columns, through shared memory.
//
// All invocations bring STEP_QUADS texels of every row and column into one of two buffers, while the block before lies in
// the other: one barrier a step, and the next step's loads are under way during the products. Weights and rows are loaded
// in the order in which they lie in memory. matrix_panel.glsl has the weights' packing; column c of lane l is at
// `position` 8 c + l of the panel, and stays there in shared memory.
//
// Who multiplies:
//   COOPMAT     subgroups, by cooperative matrices: matrix_coopmat.glsl
//   otherwise       invocations, in registers: matrix_registers.glsl
//
// The including kernel defines what it knows of the left matrix. TILE_SLOTS texels of it are an invocation's to load: of
// rows SLOT_ROW(0), ..., all at texel SLOT_QUAD of the step.
#ifndef SAC_MATRIX_BLOCK_GLSL
#define SAC_MATRIX_BLOCK_GLSL

#include "matrix_panel.glsl"

SAC_WORD4 load_slot(int slot);  // of the current step; zero for a k that does not exist
void next_step();               // the slots move on by STEP_QUADS texels

#define BLOCK_COLUMNS (8 * TILE_COLUMNS)
#ifdef COOPMAT
#include "matrix_coopmat.glsl"
#else
#include "matrix_registers.glsl"
#endif

layout(local_size_x = BLOCK_INVOCATIONS) in;

#define TILE_SLOTS (BLOCK_ROWS * STEP_QUADS / BLOCK_INVOCATIONS)
#define WEIGHT_SLOTS (BLOCK_COLUMNS * STEP_QUADS / BLOCK_INVOCATIONS)
#define SLOT_QUAD (gl_LocalInvocationID.x % uint(STEP_QUADS))
#define SLOT_IN_BLOCK(slot) ((uint(slot) * uint(BLOCK_INVOCATIONS) + gl_LocalInvocationID.x) / uint(STEP_QUADS))
#define SLOT_ROW(slot) (tile_row * uint(BLOCK_ROWS) + SLOT_IN_BLOCK(slot))

SAC_WORD4 row_words[TILE_SLOTS], weight_words[WEIGHT_SLOTS];

// `first` is the step's first texel of the panel's weights, of `texels`.
void load_step(uint first, uint texels) {
    [[unroll]] for (int i = 0; i < TILE_SLOTS; ++i) row_words[i] = load_slot(i);
    next_step();
    [[unroll]] for (int i = 0; i < WEIGHT_SLOTS; ++i) {
        const uint texel = first + uint(i) * uint(BLOCK_INVOCATIONS) + gl_LocalInvocationID.x;
        const bool exists = texel < texels;
        const SAC_WORD4 word = weights[PANEL_BEGIN + PANEL_BIAS + (exists ? texel : 0u)];
        weight_words[i] = exists ? word : SAC_WORD4(0);
    }
}

// The whole product, stored.
void block_product() {
    const uint texels = pc.panel_size - PANEL_BIAS;
    const uint step_texels = BLOCK_COLUMNS * STEP_QUADS;
    block_begin();
    load_step(0u, texels);
    uint first = 0u, parity = 0u;  // which of the buffers
    do {
        [[unroll]] for (int i = 0; i < TILE_SLOTS; ++i) {
            block_rows[parity * uint(ROWS_SIZE) + ROW_PLACE(SLOT_IN_BLOCK(i), SLOT_QUAD)] = SHARED_WORD(row_words[i]);
        }
        [[unroll]] for (int i = 0; i < WEIGHT_SLOTS; ++i) {
            const uint texel = uint(i) * uint(BLOCK_INVOCATIONS) + gl_LocalInvocationID.x;
            block_weights[parity * uint(WEIGHTS_SIZE) +
                          WEIGHT_PLACE(texel % uint(BLOCK_COLUMNS), texel / uint(BLOCK_COLUMNS))] =
                SHARED_WORD(weight_words[i]);
        }
        barrier();
        first += step_texels;
        load_step(first, texels);
        block_step(parity * uint(ROWS_SIZE), parity * uint(WEIGHTS_SIZE));
        parity = 1u - parity;
    } while (first < texels);
    block_store();
}

#endif
