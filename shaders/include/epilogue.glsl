// What a kernel does to its sums before it stores them. Needs pc.activation, activation_a, activation_b.
//   FULL_EPILOGUE  activation(sum + residual), any kind; needs a binding `residual` and pc.has_residual, residual_stride
//                  and residual_offset.
//   with GATE      those kinds alone that bounded(x, low, high) * clamp(slope x + offset, floor, ceiling) can do: all but
//                  the sigmoid's family.
//   with GELU      GELU alone, in both spellings.
//   otherwise      bounded(sum, a, b) alone, which serves none (-inf, inf), relu (0, inf) and clip.
// Worth variants: where branches are masks all kinds are computed for every element, which costs as much as 24 products.
#ifndef SAC_EPILOGUE_GLSL
#define SAC_EPILOGUE_GLSL

#ifdef FULL_EPILOGUE
vec4 residual_texel(uint row, uint quad) {
    const bool has = pc.has_residual != 0u;
    const vec4 texel = LOAD4(residual, has ? row * pc.residual_stride + pc.residual_offset + quad : 0u);
    return has ? texel : vec4(0.0);
}
#ifdef GELU
#define EPILOGUE(sum, row, quad) sac_gelu(sum + residual_texel(row, quad), pc.activation == ACT_GELU_TANH)
#elif defined(GATE)
// One number each, before the loops: the same for all elements.
float gate_infinity = uintBitsToFloat(0x7f800000u);
bool gate_leaky = pc.activation == ACT_LEAKY_RELU, gate_swish = pc.activation == ACT_HARD_SWISH;
bool gate_sigmoid = pc.activation == ACT_HARD_SIGMOID, gate_clip = pc.activation == ACT_CLIP;
float gate_low = gate_sigmoid ? 1.0 : pc.activation == ACT_RELU ? 0.0 : gate_clip ? pc.activation_a : -gate_infinity;
float gate_high = gate_sigmoid ? 1.0 : gate_clip ? pc.activation_b : gate_infinity;
// Steep enough that any x but the tiniest is on one side or the other.
float gate_steep = pc.activation_a < 1.0 ? 1e30 : -1e30;
float gate_slope = gate_sigmoid ? pc.activation_a : gate_swish ? 1.0 / 6.0 : gate_leaky ? gate_steep : 0.0;
float gate_offset = gate_sigmoid ? pc.activation_b : gate_swish ? 0.5 : gate_leaky ? 0.0 : 1.0;
float gate_floor = gate_leaky ? min(pc.activation_a, 1.0) : gate_swish || gate_sigmoid ? 0.0 : 1.0;
float gate_ceiling = gate_leaky ? max(pc.activation_a, 1.0) : 1.0;
vec4 gated(vec4 x) {
    return bounded(x, gate_low, gate_high) * clamp(gate_slope * x + gate_offset, gate_floor, gate_ceiling);
}
#define EPILOGUE(sum, row, quad) gated(sum + residual_texel(row, quad))
#else
#define EPILOGUE(sum, row, quad) \
    activate(sum + residual_texel(row, quad), pc.activation, pc.activation_a, pc.activation_b)
#endif
#else
#define EPILOGUE(sum, row, quad) bounded(sum, pc.activation_a, pc.activation_b)
#endif

// Which lanes of a texel are channels and not padding.
bvec4 lanes_below(uint quad, uint channels) { return lessThan(quad * 4u + uvec4(0, 1, 2, 3), uvec4(channels)); }

#endif
