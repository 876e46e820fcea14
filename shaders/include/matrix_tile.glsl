// The matrix core that convolutions and linear layers share, in registers alone: a tile of TILE_ROWS rows by
// 8 TILE_COLUMNS columns. matrix_panel.glsl has the weights' packing.
//
// Eight neighbouring invocations share the rows of a tile; each of them owns TILE_COLUMNS neighbouring columns.
//   SHUFFLE8   a subgroup is these eight. Invocation r loads four k of row r, and every row reaches the others by
//              subgroupShuffle with a constant lane, so that a row is loaded once and not eight times. Workgroup: 8.
//   otherwise  every invocation loads the rows itself. Workgroup: 8 x TILE_GROUPS, each group with rows of its own.
//
// Measured on llvmpipe (two cores of 2.6 GHz, 256-bit vectors), GFLOP/s: 3x3 64 at 56 x 56, 1x1 256 to 64 at 56 x 56:
//   32 x 4: 84, 61;  24 x 8: 92, 62;  24 x 4: 82, 59;  16 x 8: 83, 58;  16 x 4 and smaller: below 76;  portable: 7, 6.
//
// Reduction loops are `do ... while`: llvmpipe runs the body of a `for` once more with every lane masked off.
#ifndef SAC_MATRIX_TILE_GLSL
#define SAC_MATRIX_TILE_GLSL

#include "matrix_panel.glsl"

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

float acc[TILE_ROWS][TILE_COLUMNS];

// Sets the accumulators to the bias; returns where the invocation's first weights lie.
int tile_begin() {
    [[unroll]] for (int quad = 0; quad < TILE_QUADS; ++quad) {
        const vec4 bias = LOAD4(weights, PANEL_BEGIN + LANE_QUAD(TILE_LANE, 4 * quad));
        [[unroll]] for (int row = 0; row < TILE_ROWS; ++row) {
            [[unroll]] for (int i = 0; i < 4; ++i) acc[row][4 * quad + i] = bias[i];
        }
    }
    return int(PANEL_BEGIN + PANEL_BIAS + TILE_LANE);
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

void tile_store() {
    [[unroll]] for (int c = 0; c < TILE_COLUMNS; c += 4) {
        const uint quad = OUTPUT_QUAD(TILE_LANE, c);
        [[unroll]] for (int i = 0; i < TILE_ROWS; ++i) {
            const uint row = TILE_FIRST_ROW + uint(i);
            STORE_SUM(vec4(acc[i][c], acc[i][c + 1], acc[i][c + 2], acc[i][c + 3]), row, quad)
        }
    }
}

#endif
