// Layer normalisation of rows of whole texels: y = (x - mean) / sqrt(variance + epsilon) weight + bias. One invocation a row,
// in workgroups of 8, or with GROUP one workgroup of 64. The variance is that of differences from the mean, which is known first: the row is
// read three times, from the cache. Everything is told from the row's first element, so that rows far from zero lose
// nothing by the rounding of their mean. Lanes beyond `channels` stay zero.
// Bindings: src, weights (`quads` texels of weights, then as many of biases), dst.
// Dispatch: x = ceil(rows / 8), GROUP: rows. quads: at most 20,000; GROUP: 1,300,000.
#version 450
#pragma kernel layer_norm_rows_f32
#pragma kernel layer_norm_rows_f32_t TEXEL needs=texel
#pragma kernel layer_norm_rows_f16 STORAGE_F16
#pragma kernel layer_norm_rows_f16_t STORAGE_F16 TEXEL needs=texel
#pragma kernel layer_norm_group_f32 GROUP
#pragma kernel layer_norm_group_f32_t GROUP TEXEL needs=texel
#pragma kernel layer_norm_group_f16 GROUP STORAGE_F16
#pragma kernel layer_norm_group_f16_t GROUP STORAGE_F16 TEXEL needs=texel
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "dispatch.glsl"
#include "storage.glsl"

#ifdef GROUP
#define GROUP_SIZE 64
#else
#define GROUP_SIZE 8  // few rows still are work for several cores
#endif
layout(local_size_x = GROUP_SIZE) in;

IN4(0, src);
IN4(1, weights);
OUT4(2, dst);

PUSH {
    uint group_base;
    uint rows, quads, channels;
    float epsilon;
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

bvec4 lanes(uint quad) { return lessThan(quad * 4u + uvec4(0, 1, 2, 3), uvec4(pc.channels)); }

float row_sum(vec4 sums) {
    float sum = sums.x + sums.y + sums.z + sums.w;
#ifdef GROUP
    barrier();
    partial[FIRST] = sum;
    barrier();
    sum = 0.0;
    [[unroll]] for (uint i = 0u; i < 64u; ++i) sum += partial[i];
#endif
    return sum;
}

void main() {
#ifndef GROUP
    if (ROW >= pc.rows) return;
#endif
    const uint first = ROW * pc.quads;
    const float origin = LOAD4(src, first).x;
    // All invocations turn equally often; texels beyond the row count as zero.
    vec4 sums = vec4(0.0);
    uint base = 0u;
    do {
        const uint quad = base + FIRST;
        sums += mix(vec4(0.0), LOAD4(src, first + min(quad, pc.quads - 1u)) - origin, lanes(quad));
        base += STEP;
    } while (base < pc.quads);
    const float mean = row_sum(sums) / float(pc.channels);
    sums = vec4(0.0);
    base = 0u;
    do {
        const uint quad = base + FIRST;
        const vec4 x = mix(vec4(0.0), LOAD4(src, first + min(quad, pc.quads - 1u)) - origin - mean, lanes(quad));
        sums += x * x;
        base += STEP;
    } while (base < pc.quads);
    const float scale = 1.0 / sqrt(row_sum(sums) / float(pc.channels) + pc.epsilon);
    base = 0u;
    do {
        const uint quad = base + FIRST;
        if (quad < pc.quads) {
            const vec4 x = (LOAD4(src, first + quad) - origin - mean) * scale;
            const vec4 y = x * LOAD4(weights, quad) + LOAD4(weights, pc.quads + quad);
            STORE4(dst, first + quad, mix(vec4(0.0), y, lanes(quad)));
        }
        base += STEP;
    } while (base < pc.quads);
}
