#pragma once
// Activations that kernels apply as their epilogue. Numbers agree with shaders/include/activation.glsl (a test
// compares).

#include <cstdint>

namespace sac {

enum class Activation : uint32_t {
    none = 0,
    relu = 1,
    clip = 2,        ///< min(max(x, a), b)
    leaky_relu = 3,  ///< x < 0 ? a x : x
    sigmoid = 4,
    hard_sigmoid = 5,  ///< min(max(a x + b, 0), 1)
    hard_swish = 6,    ///< x min(max(x / 6 + 1 / 2, 0), 1)
    silu = 7,
    tanh = 8,
    gelu = 9,        ///< x P(X < x) of a normal X; this one and the next only by products (Gemm, Linear)
    gelu_tanh = 10,  ///< the same, approximated by tanh
};

/// What a node's kernel does to its result before it is stored: act(x + residual).
struct Epilogue {
    Activation activation = Activation::none;
    float a = 0, b = 0;
    bool residual = false;  ///< the node's last input is added before the activation
};

}  // namespace sac
