// Gather: y[before..., i..., after...] = x[before..., indices[i...], after...]
// (https://onnx.ai/onnx/operators/onnx__Gather.html). The indices must be known when the network is loaded: each run of
// evenly spaced ones is a copy.
#include "compute/ops/copy.h"

namespace sac::ops {

namespace {

Status infer(InferContext &ctx) {
    const Shape &x = ctx.shape(0), &indices = ctx.shape(1);
    SAC_ASSIGN(const int64_t axis, host::normalize_axis(ctx.node().int_or("axis", 0), x.size()));
    if (is_float(ctx.input(1).dtype)) return ctx.error("has indices that are not integers");
    if (x.size() + indices.size() > 16) return ctx.unsupported("indices of shape " + to_string(indices));
    Shape y(x.begin(), x.begin() + axis);
    y.insert(y.end(), indices.begin(), indices.end());
    y.insert(y.end(), x.begin() + axis + 1, x.end());
    ctx.set_output(0, ctx.input(0).dtype, std::move(y));
    return {};
}

Result<std::vector<HostTensor>> evaluate(const Node &node, std::span<const HostTensor *const> inputs) {
    SAC_ASSIGN(HostTensor y, host::gather(*inputs[0], *inputs[1], node.int_or("axis", 0)));
    return std::vector<HostTensor>{std::move(y)};
}

Status plan(PlanContext &ctx) {
    constexpr size_t most_runs = 256;
    const Shape &x = ctx.input(0).shape;
    SAC_ASSIGN(const int64_t axis, host::normalize_axis(ctx.node().int_or("axis", 0), x.size()));
    if (!ctx.input(1).constant) return ctx.unsupported("indices that are not constant");
    if (element_count(ctx.output().shape) == 0) return ctx.unsupported("an output without elements");
    const auto along = static_cast<size_t>(axis);
    std::vector<int64_t> indices = ctx.input(1).constant->to_int64s();
    for (int64_t &index : indices) {
        if (index < -x[along] || index >= x[along]) {
            return ctx.error("takes index " + std::to_string(index) + " of axis " + std::to_string(axis) + " of " +
                             to_string(x));
        }
        index += index < 0 ? x[along] : 0;
    }
    const int64_t before = product(x, 0, along), after = product(x, along + 1, x.size());
    const auto count = static_cast<int64_t>(indices.size());
    size_t runs = 0;
    for (size_t first = 0, end; first < indices.size(); first = end) {
        const int64_t step = first + 1 < indices.size() ? indices[first + 1] - indices[first] : 1;
        for (end = first + 1; end < indices.size() && indices[end] - indices[end - 1] == step; ++end) {}
        if (++runs > most_runs) return ctx.unsupported("more than 256 runs of evenly spaced indices");
        SAC_TRY(dispatch_copy(ctx, {ctx.input_storage(0),
                                    ctx.output_storage(),
                                    {before, count, after},
                                    {0, static_cast<int64_t>(first), 0},
                                    {before, static_cast<int64_t>(end - first), after},
                                    {x[along] * after, step * after, 1},
                                    indices[first] * after,
                                    std::nullopt}));
    }
    return {};
}

}  // namespace

SAC_OPERATOR(gather) = {.type = "Gather", .min_inputs = 2, .infer = infer, .evaluate = evaluate, .plan = plan};

}  // namespace sac::ops
