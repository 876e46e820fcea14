#include "compute/ops/builtin_ops.h"

// Adding an operator is one line here: the name of its definition, `SAC_OPERATOR(<name>) = {...};` in namespace
// sac::ops, which the operator's own file ends with.
#define SAC_BUILTIN_OPERATORS(X) \
    X(cast)                      \
    X(constant)                  \
    X(constant_of_shape)         \
    X(conv2d)                    \
    X(dropout)                   \
    X(equal)                     \
    X(flatten)                   \
    X(gemm)                      \
    X(identity)                  \
    X(range)                     \
    X(reshape)                   \
    X(shape)                     \
    X(size)                      \
    X(squeeze)                   \
    X(unsqueeze)                 \
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
