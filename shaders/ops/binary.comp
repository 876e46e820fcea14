// a (op) b on whole texels, then clamp: tensors of one shape in any layout, and broadcasting in C4.
// An output texel is (image, pixel, quad); an operand's texel is image * n + pixel * p + quad * q by its own strides, 0 where it
// broadcasts; `splat` where it has one channel for all. Dense tensors of one shape: one image, one pixel, all texels quads.
// Bindings: a, b, dst. Dispatch: x = ceil(count / 64).
#version 450
#pragma kernel binary_add_f32 OP=0
#pragma kernel binary_add_f32_t OP=0 TEXEL needs=texel
#pragma kernel binary_add_f16 OP=0 STORAGE_F16
#pragma kernel binary_add_f16_t OP=0 STORAGE_F16 TEXEL needs=texel
#pragma kernel binary_sub_f32 OP=1
#pragma kernel binary_sub_f32_t OP=1 TEXEL needs=texel
#pragma kernel binary_sub_f16 OP=1 STORAGE_F16
#pragma kernel binary_sub_f16_t OP=1 STORAGE_F16 TEXEL needs=texel
#pragma kernel binary_mul_f32 OP=2
#pragma kernel binary_mul_f32_t OP=2 TEXEL needs=texel
#pragma kernel binary_mul_f16 OP=2 STORAGE_F16
#pragma kernel binary_mul_f16_t OP=2 STORAGE_F16 TEXEL needs=texel
#pragma kernel binary_div_f32 OP=3
#pragma kernel binary_div_f32_t OP=3 TEXEL needs=texel
#pragma kernel binary_div_f16 OP=3 STORAGE_F16
#pragma kernel binary_div_f16_t OP=3 STORAGE_F16 TEXEL needs=texel
#pragma kernel binary_max_f32 OP=4
#pragma kernel binary_max_f32_t OP=4 TEXEL needs=texel
#pragma kernel binary_max_f16 OP=4 STORAGE_F16
#pragma kernel binary_max_f16_t OP=4 STORAGE_F16 TEXEL needs=texel
#pragma kernel binary_min_f32 OP=5
#pragma kernel binary_min_f32_t OP=5 TEXEL needs=texel
#pragma kernel binary_min_f16 OP=5 STORAGE_F16
#pragma kernel binary_min_f16_t OP=5 STORAGE_F16 TEXEL needs=texel
#pragma kernel binary_pow_f32 OP=6
#pragma kernel binary_pow_f32_t OP=6 TEXEL needs=texel
#pragma kernel binary_pow_f16 OP=6 STORAGE_F16
#pragma kernel binary_pow_f16_t OP=6 STORAGE_F16 TEXEL needs=texel
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "dispatch.glsl"
#include "storage.glsl"
#include "activation.glsl"
#include "binary.glsl"

layout(local_size_x = 64) in;

IN4(0, a);
IN4(1, b);
OUT4(2, dst);

PUSH {
    uint group_base;
    uint count;  // output texels
    uint pixels, quads;  // of one image, of one pixel
    uint channels;  // lanes beyond are padding; Dense: 4 * quads
    uint dst_stride, dst_offset;  // texels: a pixel's stride, where its channels begin
    uint a_n, a_p, a_q, a_offset, a_splat;
    uint b_n, b_p, b_q, b_offset, b_splat;
    float clamp_low, clamp_high;  // (-inf, inf): none
} pc;

void main() {
    if (INVOCATION_X >= pc.count) return;
    const uvec2 row = divide(INVOCATION_X, pc.quads);  // (image and pixel, quad)
    const uvec2 image = divide(row.x, pc.pixels);
    const vec4 left = LOAD4(a, image.x * pc.a_n + image.y * pc.a_p + row.y * pc.a_q + pc.a_offset);
    const vec4 right = LOAD4(b, image.x * pc.b_n + image.y * pc.b_p + row.y * pc.b_q + pc.b_offset);
    const vec4 value = combine(pc.a_splat != 0u ? left.xxxx : left, pc.b_splat != 0u ? right.xxxx : right);
    // Kept apart from clamp, which may lose a NaN.
    const bool clamps = !(isinf(pc.clamp_low) && isinf(pc.clamp_high));
    const vec4 result = clamps ? bounded(value, pc.clamp_low, pc.clamp_high) : value;
    const bvec4 exists = lessThan(row.y * 4u + uvec4(0, 1, 2, 3), uvec4(pc.channels));
    STORE4(dst, row.x * pc.dst_stride + pc.dst_offset + row.y, mix(vec4(0.0), result, exists));
}
