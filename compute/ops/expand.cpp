// Expand: y = x broadcast with the shape that input 1 holds (https://onnx.ai/onnx/operators/onnx__Expand.html).
#include "compute/ops/copy.h"

namespace sac::ops {

namespace {

Status infer(InferContext &ctx) {
    SAC_ASSIGN(const auto wanted, ctx.int_values(1));
    SAC_ASSIGN(Shape y, host::broadcast(ctx.shape(0), wanted));
    ctx.set_output(0, ctx.input(0).dtype, std::move(y));
    return {};
}

Result<std::vector<HostTensor>> evaluate(const Node &, std::span<const HostTensor *const> inputs) {
    SAC_ASSIGN(const Shape shape, host::broadcast(inputs[0]->shape, inputs[1]->to_int64s()));
    SAC_ASSIGN(HostTensor y, host::expand(*inputs[0], shape));
    return std::vector<HostTensor>{std::move(y)};
}

Status plan(PlanContext &ctx) {
    const Shape &x = ctx.input(0).shape, &y = ctx.output().shape;
    if (element_count(y) == 0) return ctx.unsupported("an output without elements");
    const MemoryView from = view_of(x, Layout::dense);
    BoxCopy copy = {ctx.input_storage(0),
                    ctx.output_storage(),
                    y,
                    std::vector<int64_t>(y.size(), 0),
                    y,
                    std::vector<int64_t>(y.size(), 0),
                    0,
                    std::nullopt};
    const size_t missing = y.size() - x.size();
    for (size_t i = 0; i < x.size(); ++i) copy.stride[missing + i] = x[i] == 1 ? 0 : from.strides[i];
    return dispatch_copy(ctx, std::move(copy));
}

}  // namespace

SAC_OPERATOR(expand) = {.type = "Expand", .min_inputs = 2, .infer = infer, .evaluate = evaluate, .plan = plan};

}  // namespace sac::ops
