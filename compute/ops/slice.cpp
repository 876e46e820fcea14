// Parts of a tensor:
//   Slice  y[i] = x[start + i step] on each axis that is named (attributes until opset 9, inputs 1 to 4 after)
//   Split  y_k = the k-th part along `axis`; sizes in `split` (attribute, from opset 13 input 1) or even
// (https://onnx.ai/onnx/operators/onnx__Slice.html, onnx__Split.html)
#include "compute/ops/copy.h"

namespace sac::ops {

namespace {

using Tensors = Result<std::vector<HostTensor>>;
using Inputs = std::span<const HostTensor *const>;
using Ranges = std::vector<host::SliceRange>;

// What Slice's attributes or inputs say; `list(i)` gives the integers of an input that is there, nothing for one left
// out.
template <class List>
Result<Ranges> slice_ranges(const Node &node, const Shape &x, const List &list) {
    if (node.opset < 10) {
        return host::slice_ranges(x, node.ints_or("starts", {}), node.ints_or("ends", {}), node.ints_or("axes", {}),
                                  {});
    }
    SAC_ASSIGN(const std::vector<int64_t> starts, list(1));
    SAC_ASSIGN(const std::vector<int64_t> ends, list(2));
    SAC_ASSIGN(const std::vector<int64_t> axes, list(3));
    SAC_ASSIGN(const std::vector<int64_t> steps, list(4));
    return host::slice_ranges(x, starts, ends, axes, steps);
}

Shape sizes_of(const Ranges &ranges) {
    Shape shape;
    for (const auto &range : ranges) shape.push_back(range.count);
    return shape;
}

Status infer_slice(InferContext &ctx) {
    if (ctx.node().opset >= 10 && !(ctx.has_input(1) && ctx.has_input(2))) return ctx.error("has no starts or no ends");
    SAC_ASSIGN(const Ranges ranges,
               slice_ranges(ctx.node(), ctx.shape(0), [&](size_t i) -> Result<std::vector<int64_t>> {
                   if (!ctx.has_input(i)) return std::vector<int64_t>();
                   return ctx.int_values(i);
               }));
    ctx.set_output(0, ctx.input(0).dtype, sizes_of(ranges));
    return {};
}

Tensors evaluate_slice(const Node &node, Inputs inputs) {
    SAC_ASSIGN(const Ranges ranges, slice_ranges(node, inputs[0]->shape, [&](size_t i) -> Result<std::vector<int64_t>> {
                   if (i >= inputs.size() || !inputs[i]->bytes) return std::vector<int64_t>();
                   return inputs[i]->to_int64s();
               }));
    return std::vector<HostTensor>{host::slice(*inputs[0], ranges)};
}

// Sizes of the parts.
Result<std::vector<int64_t>> split_sizes(const Node &node, const Shape &x, int64_t axis, std::vector<int64_t> given) {
    const int64_t size = x[static_cast<size_t>(axis)], parts = static_cast<int64_t>(node.outputs.size());
    if (given.empty()) {
        const int64_t each = (size + parts - 1) / parts;  // the last part may be smaller
        for (int64_t i = 0; i < parts; ++i) given.push_back(std::min(each, size - i * each));
    }
    int64_t sum = 0;
    for (const int64_t part : given) {
        if (part < 0 || part > size)
            return Error(Code::invalid_file, "splits " + to_string(x) + " into " + to_string(given));
        sum += part;
    }
    if (sum != size || static_cast<int64_t>(given.size()) != parts) {
        return Error(Code::invalid_file, "splits axis " + std::to_string(axis) + " of " + to_string(x) + " into " +
                                             to_string(given) + " for " + std::to_string(parts) + " outputs");
    }
    return given;
}

Status infer_split(InferContext &ctx) {
    const Shape &x = ctx.shape(0);
    SAC_ASSIGN(const int64_t axis, host::normalize_axis(ctx.node().int_or("axis", 0), x.size()));
    std::vector<int64_t> given = ctx.node().ints_or("split", {});
    if (ctx.has_input(1)) { SAC_ASSIGN(given, ctx.int_values(1)); }
    SAC_ASSIGN(const auto sizes, split_sizes(ctx.node(), x, axis, given));
    for (size_t i = 0; i < sizes.size(); ++i) {
        Shape y = x;
        y[static_cast<size_t>(axis)] = sizes[i];
        ctx.set_output(i, ctx.input(0).dtype, std::move(y));
    }
    return {};
}

Tensors evaluate_split(const Node &node, Inputs inputs) {
    const Shape &x = inputs[0]->shape;
    SAC_ASSIGN(const int64_t axis, host::normalize_axis(node.int_or("axis", 0), x.size()));
    std::vector<int64_t> given = node.ints_or("split", {});
    if (inputs.size() > 1 && inputs[1]->bytes) given = inputs[1]->to_int64s();
    SAC_ASSIGN(const auto sizes, split_sizes(node, x, axis, given));
    std::vector<HostTensor> parts;
    int64_t start = 0;
    for (const int64_t size : sizes) {
        Ranges ranges;
        for (const int64_t all : x) ranges.push_back({0, 1, all});
        ranges[static_cast<size_t>(axis)] = {start, 1, size};
        parts.push_back(host::slice(*inputs[0], ranges));
        start += size;
    }
    return parts;
}

LayoutChoice layouts(const Graph &graph, const Node &node) {
    const Value &x = graph.values[node.inputs[0]];
    return {{x.layout}, x.layout};
}

// Output `index` is x at the ranges, in x's layout.
Status copy_ranges(PlanContext &ctx, const Ranges &ranges, size_t index) {
    const Value &x = ctx.input(0), &y = ctx.output(index);
    if (element_count(y.shape) == 0) return ctx.unsupported("an output without elements");
    const bool c4 = x.layout == Layout::c4;
    bool channels_only = c4;
    for (size_t axis = 0; axis < ranges.size(); ++axis) {
        channels_only = channels_only && (axis == 1 || (ranges[axis].step == 1 && y.shape[axis] == x.shape[axis]));
    }
    const bool whole_channels = c4 && y.shape[1] == x.shape[1] && ranges[1].step == 1;
    if (channels_only) {
        const PlanContext::Place place = ctx.output_place(index);
        dispatch_channels(ctx, {ctx.input_storage(0), place.storage, rows_of(y.shape), x.shape[1], 4 * place.stride,
                                ranges[1].start, ranges[1].step, 4 * place.offset, ranges[1].count});
        return {};
    }
    // In memory order. Where some of the channels are wanted of some of the pixels, the pad lanes are filled with
    // zeros.
    const MemoryView from = view_of(x), to = view_of(y);
    BoxCopy copy = {ctx.input_storage(0),
                    ctx.output_storage(index),
                    to.shape,
                    std::vector<int64_t>(to.shape.size(), 0),
                    to.shape,
                    from.strides,
                    0,
                    std::nullopt};
    for (size_t axis = 0; axis < ranges.size(); ++axis) {
        if (axis == 1 && whole_channels) continue;
        const size_t at = to.axis_of[axis];
        copy.offset += ranges[axis].start * from.strides[at];
        if (ranges[axis].count > 1) copy.stride[at] *= ranges[axis].step;
        copy.size[at] = ranges[axis].count;
    }
    if (c4 && !whole_channels) copy.fill = 0.0f;
    return dispatch_copy(ctx, std::move(copy));
}

Status plan_slice(PlanContext &ctx) {
    SAC_ASSIGN(const Ranges ranges,
               slice_ranges(ctx.node(), ctx.input(0).shape, [&](size_t i) -> Result<std::vector<int64_t>> {
                   if (!ctx.has_input(i)) return std::vector<int64_t>();
                   return ctx.input(i).constant->to_int64s();
               }));
    return copy_ranges(ctx, ranges, 0);
}

Status plan_split(PlanContext &ctx) {
    const Shape &x = ctx.input(0).shape;
    SAC_ASSIGN(const int64_t axis, host::normalize_axis(ctx.node().int_or("axis", 0), x.size()));
    const auto along = static_cast<size_t>(axis);
    Ranges ranges;
    for (const int64_t all : x) ranges.push_back({0, 1, all});
    int64_t start = 0;
    for (size_t i = 0; i < ctx.node().outputs.size(); ++i) {
        if (ctx.node().outputs[i] == no_value) return ctx.unsupported("an output that is left out");
        ranges[along] = {start, 1, ctx.output(i).shape[along]};
        SAC_TRY(copy_ranges(ctx, ranges, i));
        start += ranges[along].count;
    }
    return {};
}

}  // namespace

SAC_OPERATOR(slice) = {
    .type = "Slice", .infer = infer_slice, .evaluate = evaluate_slice, .layouts = layouts, .plan = plan_slice};
SAC_OPERATOR(split) = {
    .type = "Split", .infer = infer_split, .evaluate = evaluate_split, .layouts = layouts, .plan = plan_split};

}  // namespace sac::ops
