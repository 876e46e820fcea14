// Pad: y = x with `pads` more elements before and after each axis (fewer, where they are negative), all of one value
// (https://onnx.ai/onnx/operators/onnx__Pad.html). Pads and value: attributes until opset 10, inputs 1 to 3 after.
#include "compute/ops/copy.h"

namespace sac::ops {

namespace {

struct Pads {
    std::vector<int64_t> before, after;  // by axis of x
};

Result<Pads> arrange(const Shape &x, std::span<const int64_t> pads, std::span<const int64_t> axes) {
    const size_t count = axes.empty() ? x.size() : axes.size();
    if (pads.size() != 2 * count) {
        return Error(Code::invalid_file, std::to_string(pads.size()) + " pads for " + std::to_string(count) + " axes");
    }
    Pads result{std::vector<int64_t>(x.size(), 0), std::vector<int64_t>(x.size(), 0)};
    for (size_t i = 0; i < count; ++i) {
        SAC_ASSIGN(const int64_t axis,
                   host::normalize_axis(axes.empty() ? static_cast<int64_t>(i) : axes[i], x.size()));
        for (const int64_t pad : {pads[i], pads[count + i]}) {
            if (pad < -x[static_cast<size_t>(axis)] || pad > int64_t{1} << 30) {
                return Error(Code::invalid_file, "pads of " + std::to_string(pad) + " on " + to_string(x));
            }
        }
        result.before[static_cast<size_t>(axis)] = pads[i];
        result.after[static_cast<size_t>(axis)] = pads[count + i];
    }
    return result;
}

// `list(i)`: the integers of input i, empty if it is left out.
template <class List>
Result<Pads> read(const Node &node, const Shape &x, const List &list) {
    if (node.opset < 11) return arrange(x, node.ints_or(node.opset < 2 ? "paddings" : "pads", {}), {});
    SAC_ASSIGN(const std::vector<int64_t> pads, list(1));
    SAC_ASSIGN(const std::vector<int64_t> axes, list(3));
    return arrange(x, pads, axes);
}

Status infer(InferContext &ctx) {
    Shape y = ctx.shape(0);
    const std::string mode = ctx.node().string_or("mode", "constant");
    if (mode != "constant") return ctx.unsupported("attribute mode '" + mode + "'");
    SAC_ASSIGN(const Pads pads, read(ctx.node(), y, [&](size_t i) -> Result<std::vector<int64_t>> {
                   if (!ctx.has_input(i)) return std::vector<int64_t>();
                   return ctx.int_values(i);
               }));
    if (ctx.has_input(2) && !ctx.input(2).constant) return ctx.unsupported("a value that is not constant");
    for (size_t i = 0; i < y.size(); ++i) y[i] = std::max<int64_t>(0, y[i] + pads.before[i] + pads.after[i]);
    ctx.set_output(0, ctx.input(0).dtype, std::move(y));
    return {};
}

float fill_value(const Node &node, const Value *given) {
    if (node.opset < 11) return node.float_or("value", 0);
    if (!given || !given->constant) return 0;
    const auto values = given->constant->to_floats();
    return values.empty() ? 0 : values[0];
}

// C4 stays, for the spatial axes are axes of memory too; but its pad lanes take no value other than zero.
LayoutChoice layouts(const Graph &graph, const Node &node) {
    const Value &x = graph.values[node.inputs[0]], &y = graph.values[node.outputs[0]];
    const bool has_value = node.inputs.size() > 2 && node.inputs[2] != no_value;
    const float value = fill_value(node, has_value ? &graph.values[node.inputs[2]] : nullptr);
    const bool whole = x.shape.size() > 1 && x.shape[1] % 4 == 0 && y.shape[1] % 4 == 0;
    const Layout layout = value == 0 || whole ? x.layout : Layout::dense;
    return {std::vector<Layout>(node.inputs.size(), layout), layout};
}

Status plan(PlanContext &ctx) {
    const Value &x = ctx.input(0), &y = ctx.output();
    SAC_ASSIGN(const Pads pads, read(ctx.node(), x.shape, [&](size_t i) -> Result<std::vector<int64_t>> {
                   if (!ctx.has_input(i)) return std::vector<int64_t>();
                   return ctx.input(i).constant->to_int64s();
               }));
    if (element_count(y.shape) == 0) return ctx.unsupported("an output without elements");
    const float value = fill_value(ctx.node(), ctx.has_input(2) ? &ctx.input(2) : nullptr);
    const MemoryView from = view_of(x), to = view_of(y);
    BoxCopy copy = {ctx.input_storage(0),
                    ctx.output_storage(),
                    to.shape,
                    std::vector<int64_t>(to.shape.size(), 0),
                    to.shape,
                    from.strides,
                    0,
                    value};
    for (size_t axis = 0; axis < x.shape.size(); ++axis) {
        const size_t at = to.axis_of[axis];
        copy.begin[at] = std::max<int64_t>(pads.before[axis], 0);
        copy.offset += std::max<int64_t>(-pads.before[axis], 0) * from.strides[at];
        copy.size[at] =
            x.shape[axis] + std::min<int64_t>(pads.before[axis], 0) + std::min<int64_t>(pads.after[axis], 0);
        if (copy.size[at] <= 0) return ctx.unsupported("pads that leave nothing of the input");
    }
    return dispatch_copy(ctx, std::move(copy));
}

}  // namespace

SAC_OPERATOR(pad) = {.type = "Pad", .infer = infer, .layouts = layouts, .plan = plan};

}  // namespace sac::ops
