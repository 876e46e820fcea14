// Reduces a Dense tensor seen as outer x axis x inner along its axis; an invocation makes four neighbouring results.
// The result is multiplied by `scale` (a mean: 1 / axis). The axis: at most 500,000; longer ones in two passes.
// Bindings: src, dst. Dispatch: x = ceil(ceil(outer inner / 4) / 64).
#version 450
#pragma kernel reduce_sum_f32 OP=0
#pragma kernel reduce_sum_f16 OP=0 STORAGE_F16
#pragma kernel reduce_max_f32 OP=1
#pragma kernel reduce_max_f16 OP=1 STORAGE_F16
#pragma kernel reduce_min_f32 OP=2
#pragma kernel reduce_min_f16 OP=2 STORAGE_F16
#pragma kernel reduce_prod_f32 OP=3
#pragma kernel reduce_prod_f16 OP=3 STORAGE_F16
#pragma kernel reduce_sum_square_f32 OP=4
#pragma kernel reduce_sum_square_f16 OP=4 STORAGE_F16
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "dispatch.glsl"
#include "storage.glsl"

layout(local_size_x = 64) in;

IN4(0, src);
OUT4(1, dst);

PUSH {
    uint group_base;
    uint results;  // outer * inner
    uint axis, inner;
    float scale;
} pc;

#if OP == 1
#define START vec4(-uintBitsToFloat(0x7f800000u))
#define COMBINE(a, b) max(a, b)
#elif OP == 2
#define START vec4(uintBitsToFloat(0x7f800000u))
#define COMBINE(a, b) min(a, b)
#elif OP == 3
#define START vec4(1.0)
#define COMBINE(a, b) ((a) * (b))
#else
#define START vec4(0.0)
#define COMBINE(a, b) ((a) + (b))
#endif

void main() {
    if (INVOCATION_X * 4u >= pc.results) return;
    uvec4 line;
    [[unroll]] for (uint k = 0u; k < 4u; ++k) {
        const uint result = min(INVOCATION_X * 4u + k, pc.results - 1u);
        line[k] = result / pc.inner * pc.axis * pc.inner + result % pc.inner;
    }
    // Eight running results: fewer loop trips (a few drivers allow 65,535 of them) and less rounding.
    vec4 running[8] = vec4[8](START, START, START, START, START, START, START, START);
    uint i = 0u;
    do {
        [[unroll]] for (uint part = 0u; part < 8u; ++part) {
            const bool inside = i < pc.axis;
            vec4 value;
            [[unroll]] for (uint k = 0u; k < 4u; ++k) value[k] = LOAD1(src, line[k] + (inside ? i : 0u) * pc.inner);
#if OP == 4
            value *= value;
#endif
            running[part] = COMBINE(running[part], inside ? value : START);
            ++i;
        }
    } while (i < pc.axis);
    [[unroll]] for (uint part = 0u; part < 4u; ++part) running[part] = COMBINE(running[part], running[part + 4u]);
    STORE4(dst, INVOCATION_X, COMBINE(COMBINE(running[0], running[1]), COMBINE(running[2], running[3])) * pc.scale);
}
