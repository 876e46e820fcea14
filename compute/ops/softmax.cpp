// Softmax: y[i] = exp(x[i]) / sum of exp(x) along an axis (https://onnx.ai/onnx/operators/onnx__Softmax.html). From
// opset 13 `axis` is one axis, by default the last; before it is the first of those that are flattened together, by
// default 1.
#include "compute/ops/copy.h"

namespace sac::ops {

namespace {

// x as outer x axis x inner.
struct Rows {
    int64_t outer = 1, axis = 1, inner = 1;
};

Result<Rows> rows_along(const Node &node, const Shape &x) {
    const bool one = node.opset >= 13;
    SAC_ASSIGN(const int64_t axis, host::normalize_axis(node.int_or("axis", one ? -1 : 1), x.size()));
    const auto at = static_cast<size_t>(axis), end = one ? at + 1 : x.size();
    return Rows{product(x, 0, at), product(x, at, end), product(x, end, x.size())};
}

Status infer(InferContext &ctx) {
    SAC_TRY(rows_along(ctx.node(), ctx.shape(0)));
    ctx.set_output(0, ctx.input(0).dtype, ctx.shape(0));
    return {};
}

// The channels of each pixel: axis 1 alone, or flattened with axes of one element.
bool is_over_channels(const Rows &rows, const Shape &x) {
    return x.size() > 1 && rows.outer == x[0] && rows.axis == x[1] && rows.inner == product(x, 2, x.size());
}

LayoutChoice layouts(const Graph &graph, const Node &node) {
    const Value &x = graph.values[node.inputs[0]];
    const auto rows = rows_along(node, x.shape);
    const Layout layout =
        x.layout == Layout::c4 && rows.ok() && is_over_channels(*rows, x.shape) ? Layout::c4 : Layout::dense;
    return {{layout}, layout};
}

Status plan(PlanContext &ctx) {
    const Value &x = ctx.input(0);
    SAC_ASSIGN(const Rows rows, rows_along(ctx.node(), x.shape));
    if (element_count(x.shape) == 0) return ctx.unsupported("an input without elements");
    const StorageId source = ctx.input_storage(0);
    const int64_t quads = quads_of(rows.axis), count = rows.outer * rows.inner;
    const bool c4 = x.layout == Layout::c4;
    Dispatch dispatch;
    dispatch.bindings = {reads(source), writes(ctx.output_storage())};
    if (c4 || (rows.inner == 1 && (rows.axis % 4 == 0 || rows.outer == 1))) {
        const bool group = (count < 64 && quads >= 64) || quads > 20'000;
        if (quads > 1'300'000) return ctx.unsupported("an axis of " + std::to_string(rows.axis) + " elements");
        dispatch.kernel = choose_kernel(ctx, group ? "softmax_group" : "softmax_rows", {"_t", ""}, {source});
        dispatch.push_words({word(count), word(quads), word(rows.axis)});
        dispatch.groups = {word(group ? count : (count + 63) / 64), 1, 1};
    } else {
        if (rows.axis > 32'000) return ctx.unsupported("an axis of " + std::to_string(rows.axis) + " elements");
        const int64_t elements = element_count(x.shape);
        dispatch.kernel = choose_kernel(ctx, "softmax_dense", {"_t", ""}, {source});
        dispatch.push_words({word(elements), word(rows.axis), word(rows.inner)});
        dispatch.groups = {word((quads_of(elements) + 63) / 64), 1, 1};
    }
    ctx.dispatch(std::move(dispatch));
    return {};
}

}  // namespace

SAC_OPERATOR(softmax) = {.type = "Softmax", .infer = infer, .layouts = layouts, .plan = plan};

}  // namespace sac::ops
