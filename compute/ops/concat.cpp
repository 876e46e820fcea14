// Concat: the inputs one after the other along `axis`; all other axes agree
// (https://onnx.ai/onnx/operators/onnx__Concat.html).
#include "compute/ops/copy.h"

namespace sac::ops {

namespace {

Status infer(InferContext &ctx) {
    Shape y = ctx.shape(0);
    const int64_t fallback = ctx.node().opset < 4 ? 1 : y.empty() ? 0 : INT64_MAX;
    SAC_ASSIGN(const int64_t axis, host::normalize_axis(ctx.node().int_or("axis", fallback), y.size()));
    const auto along = static_cast<size_t>(axis);
    for (size_t i = 1; i < ctx.input_count(); ++i) {
        if (!ctx.has_input(i)) return ctx.error("input " + std::to_string(i) + " is missing");
        Shape other = ctx.shape(i);
        if (other.size() != y.size()) return ctx.error("joins " + to_string(y) + " and " + to_string(other));
        const int64_t size = other[along];
        other[along] = y[along];
        if (other != y) return ctx.error("joins " + to_string(y) + " and " + to_string(ctx.shape(i)));
        if (ctx.input(i).dtype != ctx.input(0).dtype) return ctx.error("joins tensors of different types");
        y[along] += size;
    }
    ctx.set_output(0, ctx.input(0).dtype, std::move(y));
    return {};
}

Result<std::vector<HostTensor>> evaluate(const Node &node, std::span<const HostTensor *const> inputs) {
    SAC_ASSIGN(HostTensor y, host::concat(inputs, node.int_or("axis", 1)));
    return std::vector<HostTensor>{std::move(y)};
}

// What computes an input may have written it in its place already (PlanContext::output_place).
// C4 if an input that is computed is, dense otherwise.
LayoutChoice layouts(const Graph &graph, const Node &node) {
    Layout layout = Layout::dense;
    for (const ValueId id : node.inputs) {
        const Value &x = graph.values[id];
        if (!x.constant && x.shape.size() > 1 && x.layout == Layout::c4) layout = Layout::c4;
    }
    return {std::vector<Layout>(node.inputs.size(), layout), layout};
}

Status plan(PlanContext &ctx) {
    const Value &y = ctx.output();
    SAC_ASSIGN(const int64_t axis, host::normalize_axis(ctx.node().int_or("axis", 1), y.shape.size()));
    const bool channels = y.layout == Layout::c4 && axis == 1;
    const MemoryView to = view_of(y);
    const size_t along = to.axis_of[static_cast<size_t>(axis)];
    int64_t begin = 0;
    for (size_t i = 0; i < ctx.node().inputs.size(); ++i) {
        const Value &x = ctx.input(i);
        const int64_t size = x.shape[static_cast<size_t>(axis)];
        if (size == 0) continue;
        if (ctx.input_is_placed(i)) {
            begin += size;
            continue;
        }
        if (channels) {
            dispatch_channels(ctx, {input_as(ctx, i, y.layout), ctx.output_storage(), rows_of(y.shape), size,
                                    y.shape[1], 0, 1, begin, size});
        } else {
            const MemoryView from = view_of(x.shape, y.layout);
            BoxCopy copy = {input_as(ctx, i, y.layout),
                            ctx.output_storage(),
                            to.shape,
                            std::vector<int64_t>(to.shape.size(), 0),
                            from.shape,
                            from.strides,
                            0,
                            std::nullopt};
            copy.begin[along] = begin;
            SAC_TRY(dispatch_copy(ctx, std::move(copy)));
        }
        begin += size;
    }
    return {};
}

}  // namespace

SAC_OPERATOR(concat) = {.type = "Concat", .infer = infer, .evaluate = evaluate, .layouts = layouts, .plan = plan};

}  // namespace sac::ops
