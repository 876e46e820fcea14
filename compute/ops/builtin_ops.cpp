#include "compute/ops/builtin_ops.h"

// Adding an operator is one line here: the name of its definition, `SAC_OPERATOR(<name>) = {...};` in namespace
// sac::ops, which the operator's own file ends with.
#define SAC_BUILTIN_OPERATORS(X) \
    X(abs)                       \
    X(add)                       \
    X(attention)                 \
    X(average_pool)              \
    X(batch_normalization)       \
    X(cast)                      \
    X(ceil)                      \
    X(channel_gather)            \
    X(clip)                      \
    X(concat)                    \
    X(constant)                  \
    X(constant_of_shape)         \
    X(conv2d)                    \
    X(conv_transpose)            \
    X(convert)                   \
    X(cos)                       \
    X(depth_to_space)            \
    X(div)                       \
    X(dropout)                   \
    X(elu)                       \
    X(equal)                     \
    X(erf)                       \
    X(exp)                       \
    X(expand)                    \
    X(flatten)                   \
    X(floor)                     \
    X(gather)                    \
    X(gelu)                      \
    X(gemm)                      \
    X(global_average_pool)       \
    X(global_max_pool)           \
    X(hard_sigmoid)              \
    X(hard_swish)                \
    X(identity)                  \
    X(layer_normalization)       \
    X(leaky_relu)                \
    X(linear)                    \
    X(log)                       \
    X(matmul)                    \
    X(matmul_permuted)           \
    X(max)                       \
    X(max_pool)                  \
    X(max_pool_taps)             \
    X(max_unpool)                \
    X(max_unpool_taps)           \
    X(min)                       \
    X(mul)                       \
    X(neg)                       \
    X(pad)                       \
    X(pow)                       \
    X(range)                     \
    X(reciprocal)                \
    X(reduce_max)                \
    X(reduce_mean)               \
    X(reduce_min)                \
    X(reduce_prod)               \
    X(reduce_sum)                \
    X(reduce_sum_square)         \
    X(relu)                      \
    X(reshape)                   \
    X(resize)                    \
    X(round)                     \
    X(shape)                     \
    X(sigmoid)                   \
    X(sign)                      \
    X(sin)                       \
    X(size)                      \
    X(slice)                     \
    X(softmax)                   \
    X(softplus)                  \
    X(space_to_depth)            \
    X(split)                     \
    X(sqrt)                      \
    X(squeeze)                   \
    X(sub)                       \
    X(tanh)                      \
    X(to_c4)                     \
    X(to_dense)                  \
    X(transpose)                 \
    X(unsqueeze)                 \
    X(upsample)                  \
    X(where)

namespace sac {

#define SAC_DECLARE(name) extern const Operator name;
namespace ops {
SAC_BUILTIN_OPERATORS(SAC_DECLARE)
}
#undef SAC_DECLARE

std::span<const Operator *const> builtin_operators() {
#define SAC_ADDRESS(name) &ops::name,
    static const Operator *const table[] = {SAC_BUILTIN_OPERATORS(SAC_ADDRESS)};
#undef SAC_ADDRESS
    return table;
}

const Operator *find_builtin_operator(std::string_view domain, std::string_view type, int opset) {
    if (domain == "ai.onnx") domain = "";
    const Operator *found = nullptr;
    for (const Operator *op : builtin_operators())
        if (type == op->type && domain == op->domain && opset >= op->since && opset <= op->until &&
            (!found || op->since > found->since))
            found = op;
    return found;
}

}  // namespace sac
