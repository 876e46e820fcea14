// Activations as an epilogue: the kind and its two numbers are push constants, so that one pipeline serves them all.
// The numbers must agree with `enum class Activation` in compute/graph/activation.h.
#ifndef SAC_ACTIVATION_GLSL
#define SAC_ACTIVATION_GLSL

#define ACT_NONE 0u
#define ACT_RELU 1u
#define ACT_CLIP 2u          // bounded(x, a, b)
#define ACT_LEAKY_RELU 3u    // x < 0 ? a x : x
#define ACT_SIGMOID 4u
#define ACT_HARD_SIGMOID 5u  // min(max(a x + b, 0), 1)
#define ACT_HARD_SWISH 6u    // x min(max(x / 6 + 1 / 2, 0), 1)
#define ACT_SILU 7u          // x sigmoid(x)
#define ACT_TANH 8u
#define ACT_GELU 9u          // x P(X < x) of a normal X; of activate() where WITH_GELU is defined
#define ACT_GELU_TANH 10u    // the same, approximated by tanh

// min(max(x, low), high), but that NaN stays NaN, which min and max may lose.
vec4 bounded(vec4 x, float low, float high) {
    const vec4 y = mix(x, vec4(low), lessThan(x, vec4(low)));
    return mix(y, vec4(high), greaterThan(y, vec4(high)));
}

vec4 sac_sigmoid(vec4 x) {
    // exp of a non-positive number only: never overflows, and exact zeros and ones at the ends.
    const vec4 e = exp(-abs(x));
    return mix(e, vec4(1.0), greaterThanEqual(x, vec4(0.0))) / (1.0 + e);
}

// GELU by the error function (Abramowitz and Stegun 7.1.26, off by 1.5e-7 at most), or as
// x sigmoid(2 sqrt(2 / pi) (x + 0.044715 x^3)), which is the spelling with tanh. One exponential serves both.
vec4 sac_gelu(vec4 x, bool by_tanh) {
    const vec4 size = abs(x);
    const vec4 curve = 1.595769122 * size + 0.07135481283 * size * size * size;
    const vec4 e = exp(by_tanh ? -curve : -0.5 * x * x);
    const vec4 t = 1.0 / (1.0 + (by_tanh ? e : 0.231641888 * size));
    const vec4 tail =
        0.5 * t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
    // What lies beyond |x|, and on this side of it: of x < 0 the former.
    const vec4 beyond = e * (by_tanh ? t : tail);
    return x * mix(1.0 - beyond, beyond, lessThan(x, vec4(0.0)));
}

// Selects in place of a switch, and one sigmoid for four kinds: where branches are masks, all kinds are computed for every
// element anyway, and kernels that unroll their epilogue compile much faster so.
vec4 activate(vec4 x, uint kind, float a, float b) {
    const vec4 sigmoid = sac_sigmoid(kind == ACT_TANH ? 2.0 * x : x);
    vec4 y = x;
    y = kind == ACT_RELU ? mix(x, vec4(0.0), lessThan(x, vec4(0.0))) : y;
    y = kind == ACT_CLIP ? bounded(x, a, b) : y;
    y = kind == ACT_LEAKY_RELU ? mix(x, a * x, lessThan(x, vec4(0.0))) : y;
    y = kind == ACT_SIGMOID ? sigmoid : y;
    y = kind == ACT_HARD_SIGMOID ? bounded(a * x + b, 0.0, 1.0) : y;
    y = kind == ACT_HARD_SWISH ? x * clamp(x / 6.0 + 0.5, 0.0, 1.0) : y;
    y = kind == ACT_SILU ? x * sigmoid : y;
    y = kind == ACT_TANH ? 2.0 * sigmoid - 1.0 : y;
#ifdef WITH_GELU
    if (kind >= ACT_GELU) y = sac_gelu(x, kind == ACT_GELU_TANH);
#endif
    return y;
}

#endif
