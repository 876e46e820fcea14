// Resize (from opset 10) and Upsample in all their modes (https://onnx.ai/onnx/operators/onnx__Resize.html), over any
// axes: y[..., i, ...] = sum over j of weight(i, j) x[..., j, ...], an axis after the other; one j for the nearest, two
// for linear, four for cubic, as many as the filter reaches with antialiasing. The sums are tables made at plan time
// (resize_axes.h). Nearest and linear take two neighbouring axes at once (resize2d.comp); all else one at a time
// (resize_taps.comp).
#include "compute/ops/resize_axes.h"

#include <algorithm>

#include "compute/ops/copy.h"

namespace sac::ops {

namespace {

struct Resize {
    ResizeModes modes;
    std::vector<ResizeAxis> axes;
};

// `constant(i)`: input i's value, null if it is left out or empty.
template <class Constant>
Result<Resize> read(const Node &node, const Shape &x, const Constant &constant) {
    const bool has_roi = node.type == "Resize" && node.opset >= 11;
    Resize resize;
    SAC_ASSIGN(resize.modes, read_resize_modes(node));
    ResizeInputs inputs;
    if (has_roi && resize.modes.crops()) { SAC_ASSIGN(inputs.roi, constant(1)); }
    SAC_ASSIGN(inputs.scales, constant(has_roi ? 2 : 1));
    SAC_ASSIGN(inputs.sizes, constant(3));
    SAC_ASSIGN(resize.axes, read_resize_axes(node, resize.modes, x, inputs));
    return resize;
}

Status infer(InferContext &ctx) {
    const Shape &x = ctx.shape(0);
    if (x.empty()) return ctx.unsupported("an input without axes");
    SAC_ASSIGN(const Resize resize, read(ctx.node(), x, [&](size_t i) -> Result<const HostTensor *> {
                   if (!ctx.has_input(i)) return nullptr;
                   if (!ctx.input(i).constant)
                       return ctx.unsupported("a region, scales or sizes that are not constant");
                   return element_count(ctx.shape(i)) == 0 ? nullptr : &*ctx.input(i).constant;
               }));
    Shape y;
    for (const ResizeAxis &axis : resize.axes) y.push_back(axis.out);
    ctx.set_output(0, ctx.input(0).dtype, std::move(y));
    return {};
}

// C4 where channels stay what they are.
LayoutChoice layouts(const Graph &graph, const Node &node) {
    const Shape &x = graph.values[node.inputs[0]].shape, &y = graph.values[node.outputs[0]].shape;
    const Layout layout = x.size() > 1 && x[1] == y[1] ? Layout::c4 : Layout::dense;
    return {std::vector<Layout>(node.inputs.size(), layout), layout};
}

// One or, for resize2d, two neighbouring axes of the tensor as it lies in memory. `second` is after `first`.
struct Pass {
    size_t first = 0;
    std::optional<size_t> second;
};

// The axes that change, each or each pair a pass; those that shrink most come first.
std::vector<Pass> passes_of(std::span<const ResizeAxis> axes, bool pairs) {
    std::vector<Pass> passes;
    for (size_t i = axes.size(); i-- > 0;) {
        if (axes[i].keeps) continue;
        if (pairs && i > 0 && !axes[i - 1].keeps) {
            passes.push_back({i - 1, i});
            --i;
        } else {
            passes.push_back({i, std::nullopt});
        }
    }
    const auto growth = [&](const Pass &pass) {
        const auto of = [&](size_t i) { return static_cast<double>(axes[i].out) / static_cast<double>(axes[i].in); };
        return of(pass.first) * (pass.second ? of(*pass.second) : 1);
    };
    std::stable_sort(passes.begin(), passes.end(), [&](const Pass &a, const Pass &b) { return growth(a) < growth(b); });
    return passes;
}

// From one storage to another; `axes` in memory order, of which those that come before this pass have their new size in
// `shape`. C4: shape is N x spatial..., an element of it a pixel.
struct Step {
    StorageId source = 0;
    PlanContext::Place destination;
    int64_t channels = 0;  // 0: dense
    std::span<const ResizeAxis> axes;
    Shape shape;
    Pass pass;
};

void dispatch_pairs(PlanContext &ctx, const ResizeModes &modes, const Step &step) {
    const size_t last = step.pass.second.value_or(step.pass.first);
    const ResizeAxis rows = step.pass.second ? step.axes[step.pass.first] : ResizeAxis(), &columns = step.axes[last];
    // What lies after the axes is more channels of theirs.
    const int64_t inner = product(step.shape, last + 1, step.shape.size()), quads = quads_of(step.channels) * inner;
    const int64_t pixels = product(step.shape, 0, step.pass.first) * rows.out * columns.out;
    const StorageId tables = ctx.upload(
        ctx.node().name + ".table", 4 * (rows.out + columns.out),
        [modes, rows, columns] {
            std::vector<float> table;
            append_pairs(table, modes, rows);
            append_pairs(table, modes, columns);
            return table;
        },
        DType::f32);
    const bool linear = modes.filter == ResizeModes::Filter::linear;
    Dispatch dispatch;
    dispatch.kernel =
        choose_kernel(ctx, linear ? "resize2d_linear" : "resize2d_nearest", {"_t", ""}, {step.source, tables});
    dispatch.bindings = {reads(step.source), reads(tables), writes(step.destination.storage)};
    dispatch.push_words({word(pixels * quads), word(4 * quads), word(quads), 0, word(step.destination.stride * inner),
                         word(step.destination.offset), word(rows.in), word(columns.in), word(rows.out),
                         word(columns.out)});
    dispatch.groups = {word((pixels * quads + 63) / 64), 1, 1};
    ctx.dispatch(std::move(dispatch));
}

Status dispatch_taps(PlanContext &ctx, const ResizeModes &modes, const Step &step) {
    const ResizeAxis &axis = step.axes[step.pass.first];
    const int64_t inner = product(step.shape, step.pass.first + 1, step.shape.size());
    const int64_t elements = product(step.shape, 0, step.pass.first) * axis.out * inner;
    const int64_t row = 1 + (resize_taps(modes, axis) + 1) / 2;
    const bool dense = step.channels == 0;
    if (4 * row >= 65535) {  // loops of one invocation may count no further on some drivers
        return ctx.unsupported(format("%lld elements become %lld: too long a sum", static_cast<long long>(axis.in),
                                      static_cast<long long>(axis.out)));
    }
    const StorageId table = ctx.upload(
        ctx.node().name + ".table", 4 * axis.out * row, [modes, axis] { return taps_table(modes, axis); }, DType::f32);
    const int64_t count = dense ? quads_of(elements) : elements * quads_of(step.channels);
    Dispatch dispatch;
    dispatch.kernel = choose_kernel(ctx, dense ? "resize_taps_dense" : "resize_taps", {"_t", ""}, {step.source, table});
    dispatch.bindings = {reads(step.source), reads(table), writes(step.destination.storage)};
    dispatch.push_words({word(count), word(axis.in), word(axis.out), word(inner), word(row)});
    if (dense) {
        dispatch.push_words({word(elements)});
    } else {
        dispatch.push_words({word(step.channels), word(step.destination.stride), word(step.destination.offset)});
    }
    dispatch.groups = {word((count + 63) / 64), 1, 1};
    ctx.dispatch(std::move(dispatch));
    return {};
}

Status plan(PlanContext &ctx) {
    const Shape &x = ctx.input(0).shape;
    SAC_ASSIGN(Resize resize, read(ctx.node(), x, [&](size_t i) -> Result<const HostTensor *> {
                   if (!ctx.has_input(i) || element_count(ctx.input(i).shape) == 0) return nullptr;
                   return &*ctx.input(i).constant;
               }));
    const bool c4 = ctx.output().layout == Layout::c4;
    if (c4 && !resize.axes[1].keeps) return ctx.unsupported("a region of the channels");
    const int64_t channels = c4 ? x[1] : 0;
    if (c4) resize.axes.erase(resize.axes.begin() + 1);
    const ResizeModes &modes = resize.modes;
    const bool two_taps = modes.filter == ResizeModes::Filter::nearest ||
                          (modes.filter == ResizeModes::Filter::linear && !modes.antialias);
    const bool pairs = c4 && two_taps && !modes.crops();
    const std::vector<Pass> passes = passes_of(resize.axes, pairs);
    if (passes.empty()) {
        ctx.alias_output(0, 0);
        return {};
    }
    Step step;
    step.source = ctx.input_storage(0);
    step.channels = channels;
    step.axes = resize.axes;
    for (const ResizeAxis &axis : resize.axes) step.shape.push_back(axis.in);
    for (size_t i = 0; i < passes.size(); ++i) {
        step.pass = passes[i];
        Shape after = step.shape;
        for (const auto axis : {std::optional(step.pass.first), step.pass.second})
            if (axis) after[*axis] = resize.axes[*axis].out;
        const int64_t elements = element_count(after) * (c4 ? round_up(channels, 4) : 1);
        if (std::max(elements, element_count(x)) >= int64_t{1} << 31) {
            return ctx.unsupported("an input of shape " + to_string(x) + ": too many elements");
        }
        step.destination = {0, quads_of(channels), 0};
        if (i + 1 < passes.size())
            step.destination.storage = ctx.temporary(ctx.node().name + ".resized", elements);
        else if (c4 && (!pairs || after.size() == step.pass.second.value_or(step.pass.first) + 1))
            step.destination = ctx.output_place();  // pairs copy what lies after them whole
        else
            step.destination.storage = ctx.output_storage();
        if (pairs)
            dispatch_pairs(ctx, modes, step);
        else
            SAC_TRY(dispatch_taps(ctx, modes, step));
        step.source = step.destination.storage;
        step.shape = std::move(after);
    }
    return {};
}

}  // namespace

SAC_OPERATOR(resize) = {.type = "Resize", .since = 10, .infer = infer, .layouts = layouts, .plan = plan};
SAC_OPERATOR(upsample) = {.type = "Upsample", .since = 7, .infer = infer, .layouts = layouts, .plan = plan};

}  // namespace sac::ops
