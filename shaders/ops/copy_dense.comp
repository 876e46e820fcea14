// Strided copy into a box of a Dense tensor of rank 6 at most (smaller ranks: leading ones): transpose, slice, expand, split,
// concat (a dispatch an input) and constant pad. An invocation owns four neighbouring elements of the destination:
//   inside the box   src[src_offset + sum((index - begin) * src_stride)]
//   outside          FILL: the constant; otherwise what was there
// Bindings: src, dst. Dispatch: x = ceil(texels / 64), the texels first_texel .. first_texel + texels - 1 of dst.
#version 450
#pragma kernel copy_dense_f32
#pragma kernel copy_dense_f32_t TEXEL needs=texel
#pragma kernel copy_dense_f16 STORAGE_F16
#pragma kernel copy_dense_f16_t STORAGE_F16 TEXEL needs=texel
#pragma kernel copy_dense_fill_f32 FILL
#pragma kernel copy_dense_fill_f32_t FILL TEXEL needs=texel
#pragma kernel copy_dense_fill_f16 FILL STORAGE_F16
#pragma kernel copy_dense_fill_f16_t FILL STORAGE_F16 TEXEL needs=texel
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "dispatch.glsl"
#include "storage.glsl"

layout(local_size_x = 64) in;

IN4(0, src);
layout(set = 0, binding = 1, std430) buffer dst_block { SAC_WORD4 dst[]; };

PUSH {
    uint group_base;
    uint first_texel, texels;
    int src_offset;
    uint shape[6];  // of dst
    uint begin[6], size[6];  // the box
    int src_stride[6];
    float fill;
} pc;

void main() {
    if (INVOCATION_X >= pc.texels) return;
    const uint texel = pc.first_texel + INVOCATION_X;
#ifdef FILL
    vec4 result = vec4(pc.fill);
#else
    vec4 result = sac_unpack4(dst[texel]);
#endif
    [[unroll]] for (uint i = 0u; i < 4u; ++i) {
        uint rest = texel * 4u + i;
        int at = pc.src_offset;
        bool inside = true;
        [[unroll]] for (int axis = 5; axis >= 0; --axis) {
            const uint next = rest / pc.shape[axis];
            const uint index = rest - next * pc.shape[axis] - pc.begin[axis];  // wraps below the box
            inside = inside && index < pc.size[axis];
            at += int(index) * pc.src_stride[axis];
            rest = next;
        }
        inside = inside && rest == 0u;  // not beyond the last element
        const float value = LOAD1(src, inside ? at : 0);
        result[i] = inside ? value : result[i];
    }
    dst[texel] = sac_pack4(result);
}
