// Reduces each image of a C4 tensor over all its pixels: mean or sum (times `scale`), or maximum.
// A workgroup takes eight quads of one image; eight invocations share the pixels of each quad.
// Bindings: src, dst (N rows of channels). Dispatch: x = N ceil(ceil(channels / 4) / 8). At most 2,000,000 pixels.
#version 450
#pragma kernel pool_global_sum_f32
#pragma kernel pool_global_sum_f32_t TEXEL needs=texel
#pragma kernel pool_global_sum_f16 STORAGE_F16
#pragma kernel pool_global_sum_f16_t STORAGE_F16 TEXEL needs=texel
#pragma kernel pool_global_max_f32 MAXIMUM
#pragma kernel pool_global_max_f32_t MAXIMUM TEXEL needs=texel
#pragma kernel pool_global_max_f16 MAXIMUM STORAGE_F16
#pragma kernel pool_global_max_f16_t MAXIMUM STORAGE_F16 TEXEL needs=texel
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "dispatch.glsl"
#include "storage.glsl"

layout(local_size_x = 64) in;

IN4(0, src);
OUT4(1, dst);

PUSH {
    uint group_base;
    uint pixels;  // of one image
    uint channels, src_stride, src_offset, dst_stride, dst_offset;
    float scale;
} pc;

shared vec4 partial[64];

#ifdef MAXIMUM
#define START vec4(-uintBitsToFloat(0x7f800000u))
#define COMBINE(a, b) max(a, b)
#else
#define START vec4(0.0)
#define COMBINE(a, b) ((a) + (b))
#endif

void main() {
    const uint quads = (pc.channels + 3u) / 4u;
    const uvec2 place = divide(GROUP_X, (quads + 7u) / 8u);  // (image, eight quads)
    const uint quad = place.y * 8u + (gl_LocalInvocationID.x & 7u);
    const uint part = gl_LocalInvocationID.x >> 3;
    const uint image = place.x * pc.pixels * pc.src_stride + pc.src_offset + min(quad, quads - 1u);

    // Four sums keep rounding and the number of loop trips down (a few drivers allow 65,535 of them).
    vec4 sums[4] = vec4[4](START, START, START, START);
    // All invocations turn equally often (see the README of shaders).
    uint base = 0u;
    do {
        [[unroll]] for (uint i = 0u; i < 4u; ++i) {
            const uint pixel = base + part;
            const bool inside = pixel < pc.pixels;
            const vec4 texel = LOAD4(src, image + (inside ? pixel : 0u) * pc.src_stride);
            sums[i] = COMBINE(sums[i], inside ? texel : START);
            base += 8u;
        }
    } while (base < pc.pixels);
    partial[gl_LocalInvocationID.x] = COMBINE(COMBINE(sums[0], sums[1]), COMBINE(sums[2], sums[3]));
    barrier();
    if (part != 0u || quad >= quads) return;
    vec4 result = partial[gl_LocalInvocationID.x];
    [[unroll]] for (uint i = 1u; i < 8u; ++i) result = COMBINE(result, partial[gl_LocalInvocationID.x + 8u * i]);
    const bvec4 exists = lessThan(quad * 4u + uvec4(0, 1, 2, 3), uvec4(pc.channels));
    STORE4(dst, place.x * pc.dst_stride + pc.dst_offset + quad, mix(vec4(0.0), result * pc.scale, exists));
}
