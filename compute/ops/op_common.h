#pragma once
// What operators share: reading nodes, and choosing kernels by name.

#include <cmath>
#include <limits>

#include "compute/base/format.h"
#include "compute/graph/operator.h"
#include "compute/ops/host_math.h"

namespace sac {

/// Texels that hold `elements`.
inline int64_t quads_of(int64_t elements) { return (elements + 3) / 4; }

/// A number that shape inference has checked, as a push constant.
inline uint32_t word(int64_t value) { return static_cast<uint32_t>(value); }

/// The product of the axes [first, last).
inline int64_t product(const Shape &shape, size_t first, size_t last) {
    int64_t result = 1;
    for (size_t i = first; i < last; ++i) result *= shape[i];
    return result;
}

/// "conv2d_f32" or "conv2d_f16", and what follows.
inline std::string kernel_name(const PlanContext &ctx, std::string_view stem, std::string_view rest = "") {
    std::string name(stem);
    name += ctx.half() ? "_f16" : "_f32";
    return name += rest;
}

/// The first of `rests` whose variant of `stem` can be used with these storages; the last one if none can.
inline std::string choose_kernel(const PlanContext &ctx, std::string_view stem,
                                 std::initializer_list<std::string_view> rests,
                                 std::initializer_list<StorageId> storages) {
    std::string name;
    for (const std::string_view rest : rests) {
        name = kernel_name(ctx, stem, rest);
        if (ctx.available(name, storages)) break;
    }
    return name;
}

inline Binding reads(StorageId storage) { return {.storage = storage}; }
inline Binding writes(StorageId storage) { return {.storage = storage, .write = true}; }
/// See Binding: of elements that only this dispatch writes / where each invocation reads what it then writes.
inline Binding writes_part(StorageId storage) { return {.storage = storage, .write = true, .part = true}; }
inline Binding reads_in_place(StorageId storage) { return {.storage = storage, .in_place = true}; }

/// Inputs of the operator itself, without the residual that fusion may have appended.
template <class Context>
size_t own_input_count(const Context &ctx) {
    return ctx.node().inputs.size() - (ctx.node().epilogue.residual ? 1 : 0);
}

/// True if the operator's own input i is there (and is not the residual of its epilogue).
template <class Context>
bool has_own_input(const Context &ctx, size_t i) {
    return i < own_input_count(ctx) && ctx.has_input(i);
}

/// A clamp that does the epilogue's activation alone, if one does.
struct Clamp {
    float low = -std::numeric_limits<float>::infinity(), high = std::numeric_limits<float>::infinity();
};
inline std::optional<Clamp> as_clamp(const Epilogue &epilogue) {
    if (epilogue.residual) return std::nullopt;
    switch (epilogue.activation) {
        case Activation::none: return Clamp{};
        case Activation::relu: return Clamp{0, std::numeric_limits<float>::infinity()};
        case Activation::clip: return Clamp{epilogue.a, epilogue.b};
        default: return std::nullopt;
    }
}

/// The suffixes of the kernel variants that can do an epilogue, the cheapest first (shaders/include/epilogue.glsl). All
/// but the empty one take a residual, and the activation with its numbers as they are.
inline std::vector<std::string_view> epilogue_variants(const Epilogue &epilogue) {
    if (as_clamp(epilogue)) return {""};
    switch (epilogue.activation) {
        case Activation::none:
        case Activation::relu:
        case Activation::clip:
        case Activation::leaky_relu:
        case Activation::hard_sigmoid:
        case Activation::hard_swish: return {"_gate", "_full"};
        case Activation::gelu:
        case Activation::gelu_tanh: return {"_gelu", "_full"};
        default: return {"_full"};
    }
}

}  // namespace sac
