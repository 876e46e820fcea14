// Attention: y = softmax(scale q k' + mask) v, without the matrix of scores in memory: a block of keys at a time, with
// the highest score so far and the sum of the weights carried along ("online softmax", Milakov and Gimelshein 2018,
// https://arxiv.org/abs/1805.02867).
//
// A workgroup makes a tile of rows of one batch (outer, inner: images or windows, and heads) and 32 VALUE_QUADS columns
// of y. Eight neighbouring invocations share TILE_ROWS rows; of a block of 8 KEY_COLUMNS keys each owns every eighth, of
// y VALUE_QUADS texels in a row.
//   SHUFFLE8   a subgroup is these eight: rows of q, highest scores and weights reach the others by subgroupShuffle.
//              Workgroup: 8. Of the scores only the first column of a turn is named by a constant; the others move up.
//   otherwise  by shared memory. Workgroup: 64, eight such groups with rows of their own.
// Rows of q, k, v and y begin at whole texels and are read in whole texels: `quads` of q and k, `value_quads` of v are of
// one head. The mask is added to the scores; its elements have strides of any kind. A key at which it is -inf has no
// weight; a row that has none but such keys is zero.
// Turns of loops: blocks (quads + KEY_COLUMNS + 1), at most 65,535.
// Measured on llvmpipe (two cores of 2.6 GHz, 256-bit vectors), GFLOP/s, 12 heads of 64 columns, 577 and 145 rows:
//   24 rows x 4 key columns: 55, 46;  24 x 8: 55, 43;  16 x 8: 53, 43;  32 x 4: 37, 33. Shuffles by an index that is no
//   constant (subgroupShuffleXor) are fifty times as slow there.
// Bindings: q, k, v, [mask when MASK], dst. MASK without TEXEL: q, one buffer with k and v, mask, dst.
// Dispatch: x = outer inner value_blocks row_tiles.
#version 450
#pragma kernel attention_f32_v1 VALUE_QUADS=1
#pragma kernel attention_f32_v2 VALUE_QUADS=2
#pragma kernel attention_f32_v1_s VALUE_QUADS=1 SHUFFLE8 TEXEL needs=texel,shuffle8
#pragma kernel attention_f32_v2_s VALUE_QUADS=2 SHUFFLE8 TEXEL needs=texel,shuffle8
#pragma kernel attention_f16_v1 VALUE_QUADS=1 STORAGE_F16
#pragma kernel attention_f16_v2 VALUE_QUADS=2 STORAGE_F16
#pragma kernel attention_f16_v1_s VALUE_QUADS=1 STORAGE_F16 SHUFFLE8 TEXEL needs=texel,shuffle8
#pragma kernel attention_f16_v2_s VALUE_QUADS=2 STORAGE_F16 SHUFFLE8 TEXEL needs=texel,shuffle8
#pragma kernel attention_masked_f32_v1 VALUE_QUADS=1 MASK
#pragma kernel attention_masked_f32_v2 VALUE_QUADS=2 MASK
#pragma kernel attention_masked_f32_v1_s VALUE_QUADS=1 MASK SHUFFLE8 TEXEL needs=texel,shuffle8
#pragma kernel attention_masked_f32_v2_s VALUE_QUADS=2 MASK SHUFFLE8 TEXEL needs=texel,shuffle8
#pragma kernel attention_masked_f16_v1 VALUE_QUADS=1 MASK STORAGE_F16
#pragma kernel attention_masked_f16_v2 VALUE_QUADS=2 MASK STORAGE_F16
#pragma kernel attention_masked_f16_v1_s VALUE_QUADS=1 MASK STORAGE_F16 SHUFFLE8 TEXEL needs=texel,shuffle8
#pragma kernel attention_masked_f16_v2_s VALUE_QUADS=2 MASK STORAGE_F16 SHUFFLE8 TEXEL needs=texel,shuffle8
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#ifdef SHUFFLE8
#extension GL_KHR_shader_subgroup_shuffle : require
#endif
#include "dispatch.glsl"
#include "storage.glsl"

#define KEY_COLUMNS 4
#ifdef SHUFFLE8
#define TILE_ROWS 24
#define TILE_GROUPS 1
#define TILE_SLOTS (TILE_ROWS / 8)  // texels of q that an invocation loads for four k
#else
#define TILE_ROWS 4
#define TILE_GROUPS 8
#define TILE_SLOTS TILE_ROWS
#endif
#define VALUE_COLUMNS (4 * VALUE_QUADS)
layout(local_size_x = 8 * TILE_GROUPS) in;

IN4(0, q);
IN4(1, k);
#if defined(MASK) && !defined(TEXEL)
#define v k
IN4(2, mask);
OUT4(3, dst);
#elif defined(MASK)
IN4(2, v);
IN4(3, mask);
OUT4(4, dst);
#else
IN4(2, v);
OUT4(3, dst);
#endif

PUSH {
    uint group_base;
    uint row_tiles, value_blocks, inner;
    uint rows, keys;          // of a batch
    uint quads, value_quads;  // texels
    // Texels: where the first batch begins, what an outer and an inner one adds, and a row.
    uint q_offset, q_outer, q_inner, q_row;
    uint k_offset, k_outer, k_inner, k_row;
    uint v_offset, v_outer, v_inner, v_row;
    uint dst_offset, dst_outer, dst_inner, dst_row;
    uint mask_offset, mask_outer, mask_inner, mask_row, mask_key;  // elements
    float scale;
    int causal;  // row r takes part in keys up to r + causal; 2^30: in all
} pc;

#define LANE (gl_LocalInvocationID.x & 7u)
#define lowest -3.402823466e38
#define infinity uintBitsToFloat(0x7f800000u)

#ifdef SHUFFLE8
#define SLOT_ROW(slot) (first_row + uint(slot) * 8u + LANE)
#define OF_LANE(x, row, lane) subgroupShuffle(x, lane)
#else
#define SLOT_ROW(slot) (first_row + uint(slot))
#define OF_LANE(x, row, lane) weights[group_row + row][lane]  // where each put its own
shared float weights[8 * TILE_ROWS][8 * KEY_COLUMNS];
#endif

float weight_of(float score, float highest) {
    return floatBitsToUint(score) == 0xff800000u ? 0.0 : exp2(score - highest);
}

void main() {
    const uvec2 tile = divide(GROUP_X, pc.row_tiles);
    const uvec2 block = divide(tile.x, pc.value_blocks);
    const uvec2 batch = divide(block.x, pc.inner);
#ifdef SHUFFLE8
    const uint first_row = tile.y * TILE_ROWS;
#else
    const uint group_row = (gl_LocalInvocationID.x >> 3) * TILE_ROWS;
    const uint first_row = tile.y * TILE_ROWS * TILE_GROUPS + group_row;
#endif
    const uint first_quad = (block.y * 8u + LANE) * VALUE_QUADS;
    const uint k_base = pc.k_offset + batch.x * pc.k_outer + batch.y * pc.k_inner;
    const uint v_base = pc.v_offset + batch.x * pc.v_outer + batch.y * pc.v_inner;
    int at_q[TILE_SLOTS];
    [[unroll]] for (int i = 0; i < TILE_SLOTS; ++i) {
        at_q[i] = int(pc.q_offset + batch.x * pc.q_outer + batch.y * pc.q_inner +
                      min(SLOT_ROW(i), pc.rows - 1u) * pc.q_row);
    }
    int at_v[VALUE_QUADS];
    [[unroll]] for (uint i = 0u; i < VALUE_QUADS; ++i) {
        at_v[i] = int(v_base + min(first_quad + i, pc.value_quads - 1u));
    }

    float y[TILE_ROWS][VALUE_COLUMNS];
    float highest[TILE_ROWS], total[TILE_ROWS];  // the total of the invocation's own keys
    [[unroll]] for (int row = 0; row < TILE_ROWS; ++row) {
        [[unroll]] for (int c = 0; c < VALUE_COLUMNS; ++c) y[row][c] = 0.0;
        highest[row] = lowest;
        total[row] = 0.0;
    }
    // The same number of turns for all invocations: of the tile's last row.
    const int reach = int(tile.y * (TILE_ROWS * TILE_GROUPS) + TILE_ROWS * TILE_GROUPS) + pc.causal;
    const uint keys = uint(clamp(reach, 1, int(pc.keys)));

    uint first_key = 0u;
    do {
        float s[TILE_ROWS][KEY_COLUMNS];
        int at_k[KEY_COLUMNS];
        [[unroll]] for (int c = 0; c < KEY_COLUMNS; ++c) {
            [[unroll]] for (int row = 0; row < TILE_ROWS; ++row) s[row][c] = 0.0;
            at_k[c] = int(k_base + min(first_key + uint(c) * 8u + LANE, pc.keys - 1u) * pc.k_row);
        }
        int quad = 0;
        do {
            vec4 a[TILE_SLOTS], b[KEY_COLUMNS];
            [[unroll]] for (int i = 0; i < TILE_SLOTS; ++i) a[i] = LOAD4(q, at_q[i] + quad);
            [[unroll]] for (int c = 0; c < KEY_COLUMNS; ++c) b[c] = LOAD4(k, at_k[c] + quad);
            [[unroll]] for (int row = 0; row < TILE_ROWS; ++row) {
                [[unroll]] for (int i = 0; i < 4; ++i) {
#ifdef SHUFFLE8
                    const float x = subgroupShuffle(a[row / 8][i], uint(row % 8));
#else
                    const float x = a[row][i];
#endif
                    [[unroll]] for (int c = 0; c < KEY_COLUMNS; ++c) s[row][c] += x * b[c][i];
                }
            }
        } while (++quad < int(pc.quads));

        // Scores, in units of log 2, and the highest of the invocation's own.
        const float log2e = 1.44269504089;
        const float scale = pc.scale * log2e;
        float best[TILE_ROWS];
        [[unroll]] for (int row = 0; row < TILE_ROWS; ++row) {
            best[row] = lowest;
            [[unroll]] for (int c = 0; c < KEY_COLUMNS; ++c) {
                const uint key = first_key + uint(c) * 8u + LANE;
                const bool there = key < pc.keys && int(key) - int(first_row) - row <= pc.causal;
                float score = s[row][c] * scale;
#ifdef MASK
                const uint at = pc.mask_offset + batch.x * pc.mask_outer + batch.y * pc.mask_inner +
                                min(first_row + uint(row), pc.rows - 1u) * pc.mask_row +
                                min(key, pc.keys - 1u) * pc.mask_key;
                const float added = LOAD1(mask, int(at));
                // As low as a number can be is not -inf.
                score += floatBitsToUint(added) == 0xff800000u ? added : max(added * log2e, lowest);
#endif
                s[row][c] = there ? score : -infinity;
                best[row] = max(best[row], s[row][c]);
            }
#ifndef SHUFFLE8
            weights[group_row + row][LANE] = best[row];
#endif
        }
#ifndef SHUFFLE8
        barrier();
#endif
        [[unroll]] for (int row = 0; row < TILE_ROWS; ++row) {
            const float old = highest[row];
            [[unroll]] for (uint i = 0u; i < 8u; ++i) highest[row] = max(highest[row], OF_LANE(best[row], row, i));
            const float kept = exp2(old - highest[row]);
            total[row] *= kept;
            [[unroll]] for (int c = 0; c < VALUE_COLUMNS; ++c) y[row][c] *= kept;
        }
#ifndef SHUFFLE8
        barrier();
        [[unroll]] for (int row = 0; row < TILE_ROWS; ++row) {
            [[unroll]] for (int c = 0; c < KEY_COLUMNS; ++c) {
                const float w = weight_of(s[row][c], highest[row]);
                total[row] += w;
                weights[group_row + row][c * 8 + LANE] = w;
            }
        }
        barrier();
#endif
        // Eight keys at a time, as far as there are any.
        int column = 0;
        const int columns = int(min((keys - first_key + 7u) / 8u, uint(KEY_COLUMNS)));
        do {
#ifdef SHUFFLE8
            float weight[TILE_ROWS];
            [[unroll]] for (int row = 0; row < TILE_ROWS; ++row) {
                weight[row] = weight_of(s[row][0], highest[row]);
                total[row] += weight[row];
                [[unroll]] for (int c = 1; c < KEY_COLUMNS; ++c) s[row][c - 1] = s[row][c];
            }
#endif
            [[unroll]] for (int i = 0; i < 8; ++i) {
                const int key = int(min(first_key + uint(8 * column + i), pc.keys - 1u) * pc.v_row);
                vec4 value[VALUE_QUADS];
                [[unroll]] for (int n = 0; n < VALUE_QUADS; ++n) value[n] = LOAD4(v, at_v[n] + key);
                [[unroll]] for (int row = 0; row < TILE_ROWS; ++row) {
#ifdef SHUFFLE8
                    const float x = OF_LANE(weight[row], row, uint(i));
#else
                    const float x = weights[group_row + row][column * 8 + i];
#endif
                    [[unroll]] for (int c = 0; c < VALUE_COLUMNS; ++c) y[row][c] += x * value[c / 4][c % 4];
                }
            }
        } while (++column < columns);
#ifndef SHUFFLE8
        barrier();
#endif
        first_key += 8 * KEY_COLUMNS;
    } while (first_key < keys);

#ifndef SHUFFLE8
    [[unroll]] for (int row = 0; row < TILE_ROWS; ++row) weights[group_row + row][LANE] = total[row];
    barrier();
#endif
    const uint dst_base = pc.dst_offset + batch.x * pc.dst_outer + batch.y * pc.dst_inner;
    [[unroll]] for (int row = 0; row < TILE_ROWS; ++row) {
        float sum = 0.0;
        [[unroll]] for (uint i = 0u; i < 8u; ++i) sum += OF_LANE(total[row], row, i);
        const float inverse = sum == 0.0 ? 0.0 : 1.0 / sum;
        [[unroll]] for (int n = 0; n < VALUE_QUADS; ++n) {
            const uint place = first_quad + uint(n);
            if (first_row + row < pc.rows && place < pc.value_quads) {
                STORE4(dst, dst_base + (first_row + row) * pc.dst_row + place,
                       vec4(y[row][4 * n], y[row][4 * n + 1], y[row][4 * n + 2], y[row][4 * n + 3]) * inverse);
            }
        }
    }
}
