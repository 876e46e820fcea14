// Reshape, Flatten, Squeeze, Unsqueeze, Identity and Dropout (outside of training): y has x's elements in x's order
// under another shape. Nothing is dispatched: y lies where x lies.
//   Reshape    y.shape = input 1 (0 copies a dimension unless allowzero, -1 is worked out)
//   Flatten    y.shape = [product before axis, product from axis]
//   Squeeze    without `axes` (attribute, from opset 13 input 1), or without every dimension of 1
//   Unsqueeze  with dimensions of 1 at `axes` (attribute, from opset 13 input 1) of y
//   Dropout    its second output, the mask of what was kept, is all ones
#include <algorithm>

#include "compute/ops/op_common.h"

namespace sac::ops {

namespace {

using Tensors = Result<std::vector<HostTensor>>;
using Inputs = std::span<const HostTensor *const>;

// A tensor's shape with the axes that are named (by inputs or attributes) changed.
Result<Shape> reshape_shape(const Node &node, const Shape &from, std::span<const int64_t> to) {
    return host::reshaped(from, to, node.int_or("allowzero", 0) != 0);
}

Result<Shape> flatten_shape(const Node &node, const Shape &from) {
    const auto rank = static_cast<int64_t>(from.size());
    const int64_t given = node.int_or("axis", 1), axis = given < 0 ? given + rank : given;
    if (axis < 0 || axis > rank)
        return Error(Code::invalid_file, "axis " + std::to_string(given) + " of " + to_string(from));
    const auto middle = static_cast<size_t>(axis);
    return Shape{product(from, 0, middle), product(from, middle, from.size())};
}

Result<Shape> squeeze_shape(const Shape &from, std::span<const int64_t> axes) {
    std::vector<bool> drop(from.size(), false);
    for (size_t i = 0; axes.empty() && i < from.size(); ++i) drop[i] = from[i] == 1;
    for (const int64_t given : axes) {
        SAC_ASSIGN(const int64_t axis, host::normalize_axis(given, from.size()));
        if (from[static_cast<size_t>(axis)] != 1) {
            return Error(Code::invalid_file, "axis " + std::to_string(given) + " of " + to_string(from) + " is not 1");
        }
        drop[static_cast<size_t>(axis)] = true;
    }
    Shape to;
    for (size_t i = 0; i < from.size(); ++i) {
        if (!drop[i]) to.push_back(from[i]);
    }
    return to;
}

Result<Shape> unsqueeze_shape(const Shape &from, std::span<const int64_t> axes) {
    if (axes.empty() || axes.size() > 64) return Error(Code::invalid_file, "has no axes, or too many");
    std::vector<bool> added(from.size() + axes.size(), false);
    for (const int64_t given : axes) {
        SAC_ASSIGN(const int64_t axis, host::normalize_axis(given, added.size()));
        if (added[static_cast<size_t>(axis)])
            return Error(Code::invalid_file, "names axis " + std::to_string(given) + " twice");
        added[static_cast<size_t>(axis)] = true;
    }
    Shape to;
    auto next = from.begin();
    for (const bool is_added : added) to.push_back(is_added ? 1 : *next++);
    return to;
}

// `list` is what the second input or the attribute `axes` holds.
Result<Shape> shape_after(const Node &node, const Shape &from, std::span<const int64_t> list) {
    if (node.type == "Reshape") return reshape_shape(node, from, list);
    if (node.type == "Flatten") return flatten_shape(node, from);
    if (node.type == "Squeeze") return squeeze_shape(from, list);
    if (node.type == "Unsqueeze") return unsqueeze_shape(from, list);
    return from;
}

Status infer(InferContext &ctx) {
    const Node &node = ctx.node();
    std::vector<int64_t> list = node.ints_or(node.type == "Reshape" ? "shape" : "axes", {});
    if (ctx.has_input(1)) { SAC_ASSIGN(list, ctx.int_values(1)); }
    auto to = shape_after(node, ctx.shape(0), list);
    if (!to.ok()) return to.error();
    if (element_count(*to) != element_count(ctx.shape(0))) {
        return ctx.error("makes " + to_string(*to) + " of " + to_string(ctx.shape(0)));
    }
    ctx.set_output(0, ctx.input(0).dtype, std::move(to).value());
    return {};
}

Status infer_dropout(InferContext &ctx) {
    if (ctx.has_input(2)) {
        SAC_ASSIGN(const auto training, ctx.int_values(2));
        const bool drops = !ctx.has_input(1) || !ctx.input(1).constant || ctx.input(1).constant->to_floats().at(0) != 0;
        if (!training.empty() && training[0] != 0 && drops) return ctx.unsupported("input training_mode is true");
    }
    const Shape &shape = ctx.shape(0);
    const DType type = ctx.input(0).dtype;
    ctx.set_output(0, type, shape);
    if (ctx.node().outputs.size() < 2 || ctx.node().outputs[1] == no_value) return {};
    const int64_t count = element_count(shape);
    if (!ctx.spend(8 * static_cast<uint64_t>(count))) return ctx.unsupported("too large a mask");
    const std::vector<int64_t> ones(static_cast<size_t>(count), 1);
    ctx.set_constant(1, host::from_integers(ctx.node().opset < 10 ? type : DType::boolean, shape, ones));
    return {};
}

Tensors evaluate(const Node &node, Inputs inputs) {
    std::vector<int64_t> list = node.ints_or(node.type == "Reshape" ? "shape" : "axes", {});
    if (inputs.size() > 1 && inputs[1] && inputs[1]->bytes && node.type != "Dropout") list = inputs[1]->to_int64s();
    SAC_ASSIGN(Shape to, shape_after(node, inputs[0]->shape, list));
    return std::vector<HostTensor>{host::reshape(*inputs[0], std::move(to))};
}

// In C4 the memory stays the same as long as batch, channels and the number of pixels do.
LayoutChoice layouts(const Graph &graph, const Node &node) {
    const Value &x = graph.values[node.inputs[0]];
    const Shape &from = x.shape, &to = graph.values[node.outputs[0]].shape;
    const bool keeps = from.size() > 1 && to.size() > 1 && from[0] == to[0] && from[1] == to[1];
    const Layout layout = keeps ? x.layout : Layout::dense;
    return {std::vector<Layout>(node.inputs.size(), layout), layout};
}

Status plan(PlanContext &ctx) {
    ctx.alias_output(0, 0);
    return {};
}

}  // namespace

SAC_OPERATOR(reshape) = {.type = "Reshape", .infer = infer, .evaluate = evaluate, .layouts = layouts, .plan = plan};
SAC_OPERATOR(flatten) = {.type = "Flatten", .infer = infer, .evaluate = evaluate, .layouts = layouts, .plan = plan};
SAC_OPERATOR(squeeze) = {.type = "Squeeze", .infer = infer, .evaluate = evaluate, .layouts = layouts, .plan = plan};
SAC_OPERATOR(unsqueeze) = {.type = "Unsqueeze", .infer = infer, .evaluate = evaluate, .layouts = layouts, .plan = plan};
SAC_OPERATOR(identity) = {.type = "Identity", .infer = infer, .evaluate = evaluate, .layouts = layouts, .plan = plan};
SAC_OPERATOR(dropout) = {
    .type = "Dropout", .infer = infer_dropout, .evaluate = evaluate, .layouts = layouts, .plan = plan};

}  // namespace sac::ops
