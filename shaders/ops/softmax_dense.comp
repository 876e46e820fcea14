// Softmax along any axis of a Dense tensor seen as outer x axis x inner. An invocation makes four neighbouring elements and
// sums up the axis for each of them: the fallback where softmax.comp does not fit. The axis: at most 32,000.
// Bindings: src, dst. Dispatch: x = ceil(ceil(elements / 4) / 64).
#version 450
#pragma kernel softmax_dense_f32
#pragma kernel softmax_dense_f32_t TEXEL needs=texel
#pragma kernel softmax_dense_f16 STORAGE_F16
#pragma kernel softmax_dense_f16_t STORAGE_F16 TEXEL needs=texel
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "dispatch.glsl"
#include "storage.glsl"

layout(local_size_x = 64) in;

IN4(0, src);
OUT4(1, dst);

PUSH {
    uint group_base;
    uint elements, axis, inner;
} pc;

void main() {
    const uint first = INVOCATION_X * 4u;
    if (first >= pc.elements) return;
    uvec4 line;  // where each element's axis begins
    vec4 value;
    [[unroll]] for (uint k = 0u; k < 4u; ++k) {
        const uint element = min(first + k, pc.elements - 1u);
        line[k] = element / (pc.axis * pc.inner) * pc.axis * pc.inner + element % pc.inner;
        value[k] = LOAD1(src, element);
    }
    vec4 peak = vec4(-uintBitsToFloat(0x7f800000u)), total = vec4(0.0);
    uint i = 0u;
    do {
        [[unroll]] for (uint k = 0u; k < 4u; ++k) peak[k] = max(peak[k], LOAD1(src, line[k] + i * pc.inner));
    } while (++i < pc.axis);
    i = 0u;
    do {
        vec4 x;
        [[unroll]] for (uint k = 0u; k < 4u; ++k) x[k] = LOAD1(src, line[k] + i * pc.inner);
        total += exp(x - peak);
    } while (++i < pc.axis);
    STORE4(dst, INVOCATION_X, exp(value - peak) / total);
}
