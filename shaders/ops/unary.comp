// Functions of one element, on whole texels of any layout. Pad lanes stay zero.
// Families, for devices that compute every branch of a switch: ACTIVATION (the kinds of activation.glsl), SIMPLE, MATH, GELU.
// Bindings: src, dst (the same buffer is allowed). Dispatch: x = ceil(count / 64).
#version 450
#pragma kernel unary_activation_f32 FAMILY=0
#pragma kernel unary_activation_f32_t FAMILY=0 TEXEL needs=texel
#pragma kernel unary_activation_f16 FAMILY=0 STORAGE_F16
#pragma kernel unary_activation_f16_t FAMILY=0 STORAGE_F16 TEXEL needs=texel
#pragma kernel unary_simple_f32 FAMILY=1
#pragma kernel unary_simple_f32_t FAMILY=1 TEXEL needs=texel
#pragma kernel unary_simple_f16 FAMILY=1 STORAGE_F16
#pragma kernel unary_simple_f16_t FAMILY=1 STORAGE_F16 TEXEL needs=texel
#pragma kernel unary_math_f32 FAMILY=2
#pragma kernel unary_math_f32_t FAMILY=2 TEXEL needs=texel
#pragma kernel unary_math_f16 FAMILY=2 STORAGE_F16
#pragma kernel unary_math_f16_t FAMILY=2 STORAGE_F16 TEXEL needs=texel
#pragma kernel unary_gelu_f32 FAMILY=3
#pragma kernel unary_gelu_f32_t FAMILY=3 TEXEL needs=texel
#pragma kernel unary_gelu_f16 FAMILY=3 STORAGE_F16
#pragma kernel unary_gelu_f16_t FAMILY=3 STORAGE_F16 TEXEL needs=texel
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "activation.glsl"
#include "dispatch.glsl"
#include "storage.glsl"

layout(local_size_x = 64) in;

IN4(0, src);
OUT4(1, dst);

PUSH {
    uint group_base;
    uint count;  // texels
    uint quads, channels;  // a pixel's texels and channels; Dense: count, 4 * count
    uint kind;
    float a, b;
} pc;

#if FAMILY == 0
vec4 apply(vec4 x) { return activate(x, pc.kind, pc.a, pc.b); }
#elif FAMILY == 1
vec4 apply(vec4 x) {
    switch (pc.kind) {
        case 0u: return pc.a * x + pc.b;
        case 1u: return -x;
        case 2u: return abs(x);
        case 3u: return floor(x);
        case 4u: return ceil(x);
        case 5u: return roundEven(x);
        case 6u: return sign(x);
        case 7u: return 1.0 / x;
        case 8u: return sqrt(x);
        default: return x;
    }
}
#elif FAMILY == 3
vec4 apply(vec4 x) { return sac_gelu(x, pc.kind == 1u); }
#else
// Abramowitz and Stegun 7.1.26: off by 1.5e-7 at most.
vec4 error_function(vec4 x) {
    const vec4 t = 1.0 / (1.0 + 0.3275911 * abs(x));
    const vec4 p = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
    return sign(x) * (1.0 - p * exp(-x * x));
}

vec4 apply(vec4 x) {
    switch (pc.kind) {
        case 0u: return exp(x);
        case 1u: return log(x);
        case 2u: return error_function(x);
        case 3u: return max(x, 0.0) + log(1.0 + exp(-abs(x)));                  // softplus
        case 5u: return mix(x, pc.a * (exp(min(x, 0.0)) - 1.0), lessThan(x, vec4(0.0)));  // elu
        case 6u: return sin(x);
        case 7u: return cos(x);
        default: return x;
    }
}
#endif

void main() {
    if (INVOCATION_X >= pc.count) return;
    const uint quad = divide(INVOCATION_X, pc.quads).y;
    const bvec4 exists = lessThan(quad * 4u + uvec4(0, 1, 2, 3), uvec4(pc.channels));
    STORE4(dst, INVOCATION_X, mix(vec4(0.0), apply(LOAD4(src, INVOCATION_X)), exists));
}
