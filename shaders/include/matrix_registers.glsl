// matrix_block.glsl's products in registers: an invocation owns THREAD_ROWS rows and THREAD_COLUMNS columns of the block.
//
//   HALF_PRODUCTS  products and sums of 4 STEP_QUADS of them are halves, at twice the speed where a device packs two
//                  halves; the sums go on in float. Rounding then stays within 1e-3 of the result's norm however
//                  long the sum is. A sum of 4 STEP_QUADS products must be below 65,504.
#ifndef SAC_MATRIX_REGISTERS_GLSL
#define SAC_MATRIX_REGISTERS_GLSL

#ifdef HALF_PRODUCTS
#define SHARED4 f16vec4
#define SHARED_WORD(word) f16vec4(unpackFloat2x16((word).x), unpackFloat2x16((word).y))
#define ROW_PAD (16 / STEP_QUADS)
#else
#define SHARED4 vec4
#define SHARED_WORD(word) sac_unpack4(word)
#define ROW_PAD (8 / STEP_QUADS)
#endif

// Neighbours own neighbouring lanes, then neighbouring parts of a lane's columns, then neighbouring rows. So the eight
// invocations whose 16-byte loads a GPU serves at once read the same row (one address) or eight texels in line, and
// ROW_PAD puts the texels that they store in different banks.
#define ROW_LANES (BLOCK_ROWS / THREAD_ROWS)
#define BLOCK_INVOCATIONS (ROW_LANES * BLOCK_COLUMNS / THREAD_COLUMNS)
#define THREAD_LANE (gl_LocalInvocationID.x & 7u)
#define THREAD_FIRST_COLUMN (gl_LocalInvocationID.x / 8u % uint(TILE_COLUMNS / THREAD_COLUMNS) * uint(THREAD_COLUMNS))
#define THREAD_FIRST_ROW (gl_LocalInvocationID.x / uint(BLOCK_COLUMNS / THREAD_COLUMNS))

#define ROW_PLACE(row, quad) ((quad) * uint(BLOCK_ROWS + ROW_PAD) + (row))
#define WEIGHT_PLACE(position, quad) ((quad) * uint(BLOCK_COLUMNS) + (position))
#define ROWS_SIZE (STEP_QUADS * (BLOCK_ROWS + ROW_PAD))
#define WEIGHTS_SIZE (STEP_QUADS * BLOCK_COLUMNS)
shared SHARED4 block_rows[2 * ROWS_SIZE];
shared SHARED4 block_weights[2 * WEIGHTS_SIZE];

float acc[THREAD_ROWS][THREAD_COLUMNS];

void block_begin() {
    [[unroll]] for (int c = 0; c < THREAD_COLUMNS; c += 4) {
        const vec4 bias = LOAD4(weights, PANEL_BEGIN + LANE_QUAD(THREAD_LANE, THREAD_FIRST_COLUMN + uint(c)));
        [[unroll]] for (int row = 0; row < THREAD_ROWS; ++row) {
            [[unroll]] for (int i = 0; i < 4; ++i) acc[row][c + i] = bias[i];
        }
    }
}

// Adds the products of a buffer, whose halves begin at `rows` and `columns`.
void block_step(uint rows, uint columns) {
    rows += THREAD_FIRST_ROW;
    columns += THREAD_FIRST_COLUMN * 8u + THREAD_LANE;
#ifdef HALF_PRODUCTS
    f16vec4 a[THREAD_ROWS][STEP_QUADS];
    [[unroll]] for (int row = 0; row < THREAD_ROWS; ++row) {
        [[unroll]] for (int quad = 0; quad < STEP_QUADS; ++quad) {
            a[row][quad] = block_rows[rows + ROW_PLACE(uint(row * ROW_LANES), uint(quad))];
        }
    }
    [[unroll]] for (int c = 0; c < THREAD_COLUMNS; ++c) {
        f16vec4 b[STEP_QUADS];
        [[unroll]] for (int quad = 0; quad < STEP_QUADS; ++quad) {
            b[quad] = block_weights[columns + WEIGHT_PLACE(uint(8 * c), uint(quad))];
        }
        [[unroll]] for (int row = 0; row < THREAD_ROWS; ++row) {
            f16vec4 sum = a[row][0] * b[0];
            [[unroll]] for (int quad = 1; quad < STEP_QUADS; ++quad) sum += a[row][quad] * b[quad];
            const f16vec2 pair = sum.xy + sum.zw;
            acc[row][c] += float(pair.x) + float(pair.y);
        }
    }
#else
    [[unroll]] for (int quad = 0; quad < STEP_QUADS; ++quad) {
        vec4 a[THREAD_ROWS];
        [[unroll]] for (int row = 0; row < THREAD_ROWS; ++row) {
            a[row] = block_rows[rows + ROW_PLACE(uint(row * ROW_LANES), uint(quad))];
        }
        [[unroll]] for (int c = 0; c < THREAD_COLUMNS; ++c) {
            const vec4 b = block_weights[columns + WEIGHT_PLACE(uint(8 * c), uint(quad))];
            [[unroll]] for (int k = 0; k < 4; ++k) {
                [[unroll]] for (int row = 0; row < THREAD_ROWS; ++row) acc[row][c] += a[row][k] * b[k];
            }
        }
    }
#endif
}

void block_store() {
    [[unroll]] for (int c = 0; c < THREAD_COLUMNS; c += 4) {
        const uint quad = OUTPUT_QUAD(THREAD_LANE, THREAD_FIRST_COLUMN + uint(c));
        [[unroll]] for (int i = 0; i < THREAD_ROWS; ++i) {
            const uint row = tile_row * uint(BLOCK_ROWS) + uint(i * ROW_LANES) + THREAD_FIRST_ROW;
            STORE_SUM(vec4(acc[i][c], acc[i][c + 1], acc[i][c + 2], acc[i][c + 3]), row, quad)
        }
    }
}

#endif
