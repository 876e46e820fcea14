// What a kernel does to its sums before it stores them. Needs pc.activation, activation_a, activation_b.
//   FULL_EPILOGUE  activation(sum + residual), any kind; needs a binding `residual` and pc.has_residual, residual_stride
//                  and residual_offset.
//   otherwise      clamp(sum, a, b) alone, which serves none (-inf, inf), relu (0, inf) and clip. Worth a variant: where
//                  branches are masks all kinds are computed for every element, which costs as much as 24 products.
#ifndef SAC_EPILOGUE_GLSL
#define SAC_EPILOGUE_GLSL

#ifdef FULL_EPILOGUE
vec4 residual_texel(uint row, uint quad) {
    const bool has = pc.has_residual != 0u;
    const vec4 texel = LOAD4(residual, has ? row * pc.residual_stride + pc.residual_offset + quad : 0u);
    return has ? texel : vec4(0.0);
}
#define EPILOGUE(sum, row, quad) \
    activate(sum + residual_texel(row, quad), pc.activation, pc.activation_a, pc.activation_b)
#else
#define EPILOGUE(sum, row, quad) clamp(sum, pc.activation_a, pc.activation_b)
#endif

// Which lanes of a texel are channels and not padding.
bvec4 lanes_below(uint quad, uint channels) { return lessThan(quad * 4u + uvec4(0, 1, 2, 3), uvec4(channels)); }

#endif
