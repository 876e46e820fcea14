// Rows of a Dense tensor, one after another, into rows of another length: padded with a constant, cut off, or as they are.
// An invocation owns four neighbouring elements of the destination, of one row or several:
//   dst[row, column] = column < copied ? src[src_offset + row src_row + column] : fill
// Bindings: src, dst. Dispatch: x = ceil(texels / 64), texels: ceil(rows dst_row / 4).
#version 450
#pragma kernel copy_rows_f32
#pragma kernel copy_rows_f32_t TEXEL needs=texel
#pragma kernel copy_rows_f16 STORAGE_F16
#pragma kernel copy_rows_f16_t STORAGE_F16 TEXEL needs=texel
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "dispatch.glsl"
#include "storage.glsl"

layout(local_size_x = 64) in;

IN4(0, src);
OUT4(1, dst);

PUSH {
    uint group_base;
    uint texels, rows;
    uint src_offset, src_row, dst_row;  // elements
    uint copied;                        // of a row
    float fill;
} pc;

void main() {
    if (INVOCATION_X >= pc.texels) return;
    const uvec2 place = divide(INVOCATION_X * 4u, pc.dst_row);
    uint row = place.x, column = place.y;
    vec4 result;
    [[unroll]] for (uint i = 0u; i < 4u; ++i) {
        const bool exists = column < pc.copied && row < pc.rows;
        const float value = LOAD1(src, exists ? pc.src_offset + row * pc.src_row + column : 0u);
        result[i] = exists ? value : pc.fill;
        const bool ends = ++column == pc.dst_row;
        row += ends ? 1u : 0u;
        column = ends ? 0u : column;
    }
    STORE4(dst, INVOCATION_X, result);
}
