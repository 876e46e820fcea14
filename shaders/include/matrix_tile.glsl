// The matrix core that convolutions and linear layers share: a tile of TILE_ROWS rows by 8 TILE_COLUMNS columns.
//
// Eight neighbouring invocations share the rows of a tile; each of them owns TILE_COLUMNS neighbouring columns.
//   SHUFFLE8   a subgroup is these eight. Invocation r loads four k of row r, and every row reaches the others by
//              subgroupShuffle with a constant lane, so that a row is loaded once and not eight times. Workgroup: 8.
//   otherwise  every invocation loads the rows itself. Workgroup: 8 x TILE_GROUPS, each group with rows of its own.
//
// Weights are packed in panels of 8 TILE_COLUMNS columns, `panel_size` texels each: first the bias of the columns
// (2 TILE_COLUMNS texels), then for every four k, for each c < TILE_COLUMNS, for each lane < 8, one texel: the four
// weights of column panel * 8 TILE_COLUMNS + lane * TILE_COLUMNS + c. Columns and k that do not exist are zero.
//
// Measured on llvmpipe (two cores of 2.6 GHz, 256-bit vectors), GFLOP/s: 3x3 64 at 56 x 56, 1x1 256 to 64 at 56 x 56:
//   32 x 4: 84, 61;  24 x 8: 92, 62;  24 x 4: 82, 59;  16 x 8: 83, 58;  16 x 4 and smaller: below 76;  portable: 7, 6.
//
// Reduction loops are `do ... while`: llvmpipe runs the body of a `for` once more with every lane masked off.
#ifndef SAC_MATRIX_TILE_GLSL
#define SAC_MATRIX_TILE_GLSL

#include "epilogue.glsl"

#ifdef SHUFFLE8
#define TILE_GROUPS 1
#define TILE_SLOTS ((TILE_ROWS + 7) / 8)  // texels of the left matrix that an invocation loads for four k
#define TILE_LANE gl_LocalInvocationID.x
#define TILE_FIRST_ROW (tile_row * TILE_ROWS)
#define SLOT_ROW(slot) (TILE_FIRST_ROW + uint(slot) * 8u + gl_LocalInvocationID.x)
layout(local_size_x = 8) in;
#else
#ifndef TILE_GROUPS
#define TILE_GROUPS 8
#endif
#define TILE_SLOTS TILE_ROWS
#define TILE_LANE (gl_LocalInvocationID.x & 7u)
#define TILE_FIRST_ROW ((tile_row * TILE_GROUPS + (gl_LocalInvocationID.x >> 3)) * TILE_ROWS)
#define SLOT_ROW(slot) (TILE_FIRST_ROW + uint(slot))
layout(local_size_x = 8 * TILE_GROUPS) in;
#endif

#define TILE_QUADS (TILE_COLUMNS / 4)  // texels of output channels that an invocation owns

// Which tile the workgroup takes. Neighbours go on along the rows, so that the panel stays in the cache; or, with few
// weights, along the panels, so that the rows do (`panels_inner`). 16 -> 96 channels at 112 x 112 on llvmpipe,
// two cores: 1.9 against 1.3 ms.
uint tile_row, tile_panel;

float acc[TILE_ROWS][TILE_COLUMNS];

// Where the weights and the results of the product begin: several of one shape may lie one after another.
#ifndef TILE_WEIGHTS
#define TILE_WEIGHTS 0u
#define TILE_DST 0u
#endif

#define FIRST_QUAD ((tile_panel * 8u + TILE_LANE) * TILE_QUADS)

void tile_place() {
    const uvec2 place = divide(GROUP_X, pc.tiles_inner);
    tile_row = pc.panels_inner != 0u ? place.x : place.y;
    tile_panel = pc.panels_inner != 0u ? place.y : place.x;
}

// Sets the accumulators to the bias; returns where the invocation's first weights lie.
int tile_begin(uint panel_size) {
    const uint panel = TILE_WEIGHTS + tile_panel * panel_size;
    [[unroll]] for (int quad = 0; quad < TILE_QUADS; ++quad) {
        const vec4 bias = LOAD4(weights, panel + TILE_LANE * TILE_QUADS + uint(quad));
        [[unroll]] for (int row = 0; row < TILE_ROWS; ++row) {
            [[unroll]] for (int i = 0; i < 4; ++i) acc[row][4 * quad + i] = bias[i];
        }
    }
    return int(panel + 2 * TILE_COLUMNS + TILE_LANE);
}

// Adds four k: `a` holds the rows' texels, `at` is the texel of the invocation's first column.
void tile_step(vec4 a[TILE_SLOTS], inout int at) {
    vec4 b[TILE_COLUMNS];
    [[unroll]] for (int c = 0; c < TILE_COLUMNS; ++c) {
        b[c] = LOAD4(weights, at);
        at += 8;
    }
    [[unroll]] for (int row = 0; row < TILE_ROWS; ++row) {
        [[unroll]] for (int k = 0; k < 4; ++k) {
#ifdef SHUFFLE8
            const float x = subgroupShuffle(a[row / 8][k], uint(row % 8));
#else
            const float x = a[row][k];
#endif
            [[unroll]] for (int c = 0; c < TILE_COLUMNS; ++c) acc[row][c] += x * b[c][k];
        }
    }
}

#define TILE_STORE() \
    [[unroll]] for (int quad_ = 0; quad_ < TILE_QUADS; ++quad_) { \
        const uint quad = FIRST_QUAD + uint(quad_); \
        const bvec4 exists = lanes_below(quad, pc.out_channels); \
        [[unroll]] for (int row_ = 0; row_ < TILE_ROWS; ++row_) { \
            const uint row = TILE_FIRST_ROW + uint(row_); \
            if (exists.x && row < pc.rows) { \
                const vec4 sum = vec4(acc[row_][4 * quad_], acc[row_][4 * quad_ + 1], acc[row_][4 * quad_ + 2], \
                                      acc[row_][4 * quad_ + 3]); \
                STORE4(dst, TILE_DST + row * pc.dst_stride + pc.dst_offset + quad, \
                       mix(vec4(0.0), EPILOGUE(sum, row, quad), exists)); \
            } \
        } \
    }

#endif
