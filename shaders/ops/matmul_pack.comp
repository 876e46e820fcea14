// The right operand of a product of computed Dense tensors, packed as the matrix core wants its weights (matrix_panel.glsl),
// with a bias of zero: panels of 8 TILE_COLUMNS columns, batch after batch. Element (k, column) of a batch lies at
// k k_step + column column_step. Batches have two axes, by steps in elements, 0 where the operand broadcasts.
// An invocation makes four columns of four k: one texel a column.
//   ALIGNED  reads whole texels: of neighbouring columns, or of neighbouring k if `transposed`.
// Bindings: b, dst. Dispatch: x = ceil(count / 64), count: batches panels k_quads 2 TILE_COLUMNS.
#version 450
#pragma kernel matmul_pack_f32
#pragma kernel matmul_pack_f32_t TEXEL needs=texel
#pragma kernel matmul_pack_f16 STORAGE_F16
#pragma kernel matmul_pack_f16_t STORAGE_F16 TEXEL needs=texel
#pragma kernel matmul_pack_aligned_f32 ALIGNED
#pragma kernel matmul_pack_aligned_f32_t ALIGNED TEXEL needs=texel
#pragma kernel matmul_pack_aligned_f16 ALIGNED STORAGE_F16
#pragma kernel matmul_pack_aligned_f16_t ALIGNED STORAGE_F16 TEXEL needs=texel
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "dispatch.glsl"
#include "storage.glsl"

layout(local_size_x = 64) in;

IN4(0, b);
OUT4(1, dst);

PUSH {
    uint group_base;
    uint count;         // invocations with work
    uint tile_columns;  // of a lane
    uint k_quads, panels, panel_size;
    uint k, n;
    uint inner_batches;  // batch = (outer, inner)
    uint outer_step, inner_step, k_step, column_step;
    uint transposed;  // k_step is 1, otherwise column_step is
} pc;

void main() {
    if (INVOCATION_X >= pc.count) return;
    const uvec2 place = divide(INVOCATION_X, 2u * pc.tile_columns);  // (batch, panel and quad of k, lane and columns)
    const uvec2 quad = divide(place.x, pc.k_quads);
    const uvec2 panel = divide(quad.x, pc.panels);
    const uvec2 batch = divide(panel.x, pc.inner_batches);
    const uint first = batch.x * pc.outer_step + batch.y * pc.inner_step;
    const uint lane = place.y & 7u, in_lane = (place.y >> 3) * 4u;
    const uint column = (panel.y * 8u + lane) * pc.tile_columns + in_lane, row = quad.y * 4u;
    vec4 texels[4];  // of a column each
#ifdef ALIGNED
    const bool transposed = pc.transposed != 0u;
    const uint line = transposed ? column : row, lines = transposed ? pc.n : pc.k;
    const uint at = transposed ? row : column, length = transposed ? pc.k : pc.n;
    const uint step = transposed ? pc.column_step : pc.k_step;
    vec4 lines_of[4];
    [[unroll]] for (uint i = 0u; i < 4u; ++i) {
        const bool exists = line + i < lines && at < length;
        const vec4 texel = LOAD4(b, exists ? (first + (line + i) * step + at) / 4u : 0u);
        lines_of[i] = exists ? texel : vec4(0.0);
    }
    [[unroll]] for (uint i = 0u; i < 4u; ++i) {
        const vec4 across = vec4(lines_of[0][i], lines_of[1][i], lines_of[2][i], lines_of[3][i]);
        texels[i] = transposed ? lines_of[i] : across;
    }
#else
    [[unroll]] for (uint i = 0u; i < 4u; ++i) {
        [[unroll]] for (uint j = 0u; j < 4u; ++j) {
            const bool exists = row + j < pc.k && column + i < pc.n;
            const float element =
                LOAD1(b, exists ? first + (row + j) * pc.k_step + (column + i) * pc.column_step : 0u);
            texels[i][j] = exists ? element : 0.0;
        }
    }
#endif
    const uint begin = quad.x * pc.panel_size;
    uint to = begin + 2u * pc.tile_columns + quad.y * 8u * pc.tile_columns + in_lane * 8u + lane;
    [[unroll]] for (uint i = 0u; i < 4u; ++i) {
        STORE4(dst, to, texels[i]);
        to += 8u;
    }
    // The first quad has an invocation for every texel of the bias.
    if (quad.y == 0u) STORE4(dst, begin + place.y, vec4(0.0));
}
