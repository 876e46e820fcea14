// Softmax along rows of whole texels: the channels of a C4 tensor, or the last axis of a Dense one if it is a multiple of
// four. One invocation a row, or with GROUP one workgroup of 64 (long rows). Lanes beyond `channels` stay zero.
// Bindings: src, dst. Dispatch: x = ceil(rows / 64), GROUP: rows. quads: at most 20,000; GROUP: 1,300,000.
#version 450
#pragma kernel softmax_rows_f32
#pragma kernel softmax_rows_f32_t TEXEL needs=texel
#pragma kernel softmax_rows_f16 STORAGE_F16
#pragma kernel softmax_rows_f16_t STORAGE_F16 TEXEL needs=texel
#pragma kernel softmax_group_f32 GROUP
#pragma kernel softmax_group_f32_t GROUP TEXEL needs=texel
#pragma kernel softmax_group_f16 GROUP STORAGE_F16
#pragma kernel softmax_group_f16_t GROUP STORAGE_F16 TEXEL needs=texel
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "dispatch.glsl"
#include "storage.glsl"

layout(local_size_x = 64) in;

IN4(0, src);
OUT4(1, dst);

PUSH {
    uint group_base;
    uint rows, quads, channels;
} pc;

#ifdef GROUP
#define ROW GROUP_X
#define FIRST gl_LocalInvocationID.x
#define STEP 64u
shared float partial[64];
#else
#define ROW INVOCATION_X
#define FIRST 0u
#define STEP 1u
#endif

#define infinity uintBitsToFloat(0x7f800000u)

vec4 row_texel(uint row, uint quad) {
    const bvec4 exists = lessThan(quad * 4u + uvec4(0, 1, 2, 3), uvec4(pc.channels));
    const vec4 texel = LOAD4(src, row * pc.quads + min(quad, pc.quads - 1u));
    return mix(vec4(-infinity), texel, exists);
}

void main() {
    const uint row = ROW;
#ifndef GROUP
    if (row >= pc.rows) return;
#endif
    // All invocations turn equally often (see the README of shaders); texels beyond the row are -inf.
    vec4 highest = vec4(-infinity);
    uint base = 0u;
    do {
        highest = max(highest, row_texel(row, base + FIRST));
        base += STEP;
    } while (base < pc.quads);
    float peak = max(max(highest.x, highest.y), max(highest.z, highest.w));
#ifdef GROUP
    partial[FIRST] = peak;
    barrier();
    [[unroll]] for (uint i = 0u; i < 64u; ++i) peak = max(peak, partial[i]);
    barrier();
#endif
    vec4 sums = vec4(0.0);
    base = 0u;
    do {
        sums += exp(row_texel(row, base + FIRST) - peak);
        base += STEP;
    } while (base < pc.quads);
    float total = sums.x + sums.y + sums.z + sums.w;
#ifdef GROUP
    partial[FIRST] = total;
    barrier();
    total = 0.0;
    [[unroll]] for (uint i = 0u; i < 64u; ++i) total += partial[i];
#endif
    const float scale = 1.0 / total;
    base = 0u;
    do {
        const uint quad = base + FIRST;
        if (quad < pc.quads) STORE4(dst, row * pc.quads + quad, exp(row_texel(row, quad) - peak) * scale);
        base += STEP;
    } while (base < pc.quads);
}
