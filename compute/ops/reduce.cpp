// Reductions over axes: ReduceMean, ReduceSum, ReduceMax, ReduceMin, ReduceProd, ReduceSumSquare; and over all pixels:
// GlobalAveragePool, GlobalMaxPool (https://onnx.ai/onnx/operators/onnx__ReduceMean.html ...). Axes: attribute, or
// input 1 (ReduceSum from opset 13, all from 18); none given: all. In C4 all pixels of an image at once; dense axis by
// axis.
#include <algorithm>

#include "compute/ops/copy.h"

namespace sac::ops {

namespace {

struct Kind {
    const char *type;
    const char *kernel;  // of reduce.comp
    const char *again;   // of the passes after the first
    const char *global;  // of pool_global.comp, null: none
    bool mean = false;
};
constexpr Kind kinds[] = {
    {"ReduceMean", "sum", "sum", "sum", true},        {"ReduceSum", "sum", "sum", "sum", false},
    {"ReduceMax", "max", "max", "max", false},        {"ReduceMin", "min", "min", nullptr, false},
    {"ReduceProd", "prod", "prod", nullptr, false},   {"ReduceSumSquare", "sum_square", "sum", nullptr, false},
    {"GlobalAveragePool", "sum", "sum", "sum", true}, {"GlobalMaxPool", "max", "max", "max", false}};

const Kind &kind_of(const Node &node) {
    for (const Kind &kind : kinds) {
        if (node.type == kind.type) return kind;
    }
    return kinds[0];
}

bool is_global(const Node &node) { return node.type.starts_with("Global"); }

// Which axes of x are reduced; `axes` as given.
Result<std::vector<bool>> reduced_axes(const Node &node, const Shape &x, std::span<const int64_t> axes) {
    std::vector<bool> reduced(x.size(), false);
    if (is_global(node)) {
        for (size_t axis = 2; axis < x.size(); ++axis) reduced[axis] = true;
        return reduced;
    }
    if (axes.empty() && node.int_or("noop_with_empty_axes", 0) == 0) reduced.assign(x.size(), true);
    for (const int64_t given : axes) {
        SAC_ASSIGN(const int64_t axis, host::normalize_axis(given, x.size()));
        reduced[static_cast<size_t>(axis)] = true;
    }
    return reduced;
}

bool keeps(const Node &node) { return is_global(node) || node.int_or("keepdims", 1) != 0; }

Result<std::vector<bool>> reduced_axes(const Graph &graph, const Node &node) {
    std::vector<int64_t> axes = node.ints_or("axes", {});
    if (node.inputs.size() > 1 && node.inputs[1] != no_value) {
        const auto &constant = graph.values[node.inputs[1]].constant;
        if (!constant) return Error(Code::unsupported, "axes that are not constant");
        axes = constant->to_int64s();
    }
    return reduced_axes(node, graph.values[node.inputs[0]].shape, axes);
}

Status infer(InferContext &ctx) {
    const Shape &x = ctx.shape(0);
    if (is_global(ctx.node()) && x.size() < 3) return ctx.error("an input of shape " + to_string(x));
    std::vector<int64_t> axes = ctx.node().ints_or("axes", {});
    if (ctx.has_input(1)) { SAC_ASSIGN(axes, ctx.int_values(1)); }
    SAC_ASSIGN(const auto reduced, reduced_axes(ctx.node(), x, axes));
    Shape y;
    for (size_t axis = 0; axis < x.size(); ++axis) {
        if (!reduced[axis]) y.push_back(x[axis]);
        if (reduced[axis] && keeps(ctx.node())) y.push_back(1);
    }
    ctx.set_output(0, ctx.input(0).dtype, std::move(y));
    return {};
}

// True if it reduces all pixels and nothing else, by a kernel that C4 has.
bool is_over_pixels(const Node &node, const Shape &x, const std::vector<bool> &reduced) {
    if (x.size() < 3 || !kind_of(node).global || reduced[0] || reduced[1]) return false;
    return std::all_of(reduced.begin() + 2, reduced.end(), [](bool is) { return is; });
}

LayoutChoice layouts(const Graph &graph, const Node &node) {
    const Value &x = graph.values[node.inputs[0]];
    const auto reduced = reduced_axes(graph, node);
    const bool pixels = reduced.ok() && is_over_pixels(node, x.shape, *reduced);
    const Layout layout = pixels && (is_global(node) || x.layout == Layout::c4) ? Layout::c4 : Layout::dense;
    return {std::vector<Layout>(node.inputs.size(), layout), layout};
}

Status plan_over_pixels(PlanContext &ctx, const Kind &kind) {
    const Shape &x = ctx.input(0).shape;
    const int64_t pixels = product(x, 2, x.size()), quads = quads_of(x[1]);
    if (pixels > 2'000'000) return ctx.unsupported("an input of shape " + to_string(x) + ": too many pixels");
    const StorageId source = ctx.input_storage(0);
    Dispatch dispatch;
    dispatch.kernel = choose_kernel(ctx, std::string("pool_global_") + kind.global, {"_t", ""}, {source});
    dispatch.bindings = {reads(source), writes(ctx.output_storage())};
    dispatch.push_words({word(pixels), word(x[1]), word(quads), 0, word(quads), 0});
    dispatch.push_float(kind.mean ? 1.0f / static_cast<float>(pixels) : 1.0f);
    dispatch.groups = {word(x[0] * ((quads + 7) / 8)), 1, 1};
    ctx.dispatch(std::move(dispatch));
    return {};
}

// One run of neighbouring axes: outer x axis x inner to outer x inner.
Status dispatch_run(PlanContext &ctx, const char *kernel, StorageId source, StorageId destination, int64_t outer,
                    int64_t axis, int64_t inner, float scale) {
    if (axis > 500'000) return ctx.unsupported("a reduction of " + std::to_string(axis) + " elements");
    Dispatch dispatch;
    dispatch.kernel = kernel_name(ctx, std::string("reduce_") + kernel);
    dispatch.bindings = {reads(source), writes(destination)};
    dispatch.push_words({word(outer * inner), word(axis), word(inner)});
    dispatch.push_float(scale);
    dispatch.groups = {word((quads_of(outer * inner) + 63) / 64), 1, 1};
    ctx.dispatch(std::move(dispatch));
    return {};
}

Status plan(PlanContext &ctx) {
    const Value &x = ctx.input(0);
    const Kind &kind = kind_of(ctx.node());
    if (element_count(x.shape) == 0) return ctx.unsupported("an input without elements");
    if (x.layout == Layout::c4) return plan_over_pixels(ctx, kind);

    std::vector<int64_t> axes = ctx.node().ints_or("axes", {});
    if (ctx.has_input(1)) axes = ctx.input(1).constant->to_int64s();
    SAC_ASSIGN(const auto reduced, reduced_axes(ctx.node(), x.shape, axes));
    // Runs of neighbouring reduced axes, the last one first: each makes a smaller tensor.
    struct Run {
        size_t first, end;
    };
    std::vector<Run> runs;
    for (size_t axis = 0; axis < reduced.size(); ++axis) {
        if (!reduced[axis]) continue;
        if (!runs.empty() && runs.back().end == axis) {
            runs.back().end = axis + 1;
        } else {
            runs.push_back({axis, axis + 1});
        }
    }
    if (runs.empty()) runs.push_back({0, 0});  // an axis of one: a copy, or a square
    Shape shape = x.shape;
    StorageId source = ctx.input_storage(0);
    for (size_t i = runs.size(); i-- > 0;) {
        const auto [first, end] = runs[i];
        const int64_t outer = product(shape, 0, first), axis = product(shape, first, end);
        const int64_t inner = product(shape, end, shape.size());
        const StorageId destination = i == 0 ? ctx.output_storage() : ctx.temporary(x.name + "/reduced", outer * inner);
        // Each pass takes its own mean: a sum between passes could be too large for a half.
        const float scale = kind.mean ? 1.0f / static_cast<float>(axis) : 1.0f;
        const bool is_first = i + 1 == runs.size();
        SAC_TRY(dispatch_run(ctx, is_first ? kind.kernel : kind.again, source, destination, outer, axis, inner, scale));
        std::fill(shape.begin() + static_cast<std::ptrdiff_t>(first), shape.begin() + static_cast<std::ptrdiff_t>(end),
                  1);
        source = destination;
    }
    return {};
}

constexpr Operator reduce(const char *type) { return {.type = type, .infer = infer, .layouts = layouts, .plan = plan}; }

}  // namespace

SAC_OPERATOR(reduce_mean) = reduce("ReduceMean");
SAC_OPERATOR(reduce_sum) = reduce("ReduceSum");
SAC_OPERATOR(reduce_max) = reduce("ReduceMax");
SAC_OPERATOR(reduce_min) = reduce("ReduceMin");
SAC_OPERATOR(reduce_prod) = reduce("ReduceProd");
SAC_OPERATOR(reduce_sum_square) = reduce("ReduceSumSquare");
SAC_OPERATOR(global_average_pool) = reduce("GlobalAveragePool");
SAC_OPERATOR(global_max_pool) = reduce("GlobalMaxPool");

}  // namespace sac::ops
