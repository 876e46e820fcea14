// MatMul: y[..., m, n] = sum over k of a[..., m, k] b[..., k, n], batches broadcast
// (https://onnx.ai/onnx/operators/onnx__MatMul.html). By a constant matrix: the matrix core (gemm.comp), where rows are
// whole texels. Otherwise matmul.comp.
#include "compute/ops/matmul.h"

#include "compute/ops/copy.h"

namespace sac::ops {

namespace {

// Shapes of two axes and more: a vector is a row on the left, a column on the right.
struct Operands {
    Shape a, b, batch;  // batch: the output's, broadcast
    int64_t m = 1, k = 1, n = 1;
    Shape y;
};

Result<Operands> read(const Shape &a, const Shape &b) {
    if (a.empty() || b.empty()) return Error(Code::invalid_file, "multiplies a scalar");
    Operands o{a, b, {}, 1, 1, 1, {}};
    if (a.size() == 1) o.a.insert(o.a.begin(), 1);
    if (b.size() == 1) o.b.push_back(1);
    o.m = o.a[o.a.size() - 2];
    o.k = o.a.back();
    o.n = o.b.back();
    if (o.b[o.b.size() - 2] != o.k)
        return Error(Code::invalid_file, "multiplies " + to_string(a) + " by " + to_string(b));
    SAC_ASSIGN(o.batch, host::broadcast(Shape(o.a.begin(), o.a.end() - 2), Shape(o.b.begin(), o.b.end() - 2)));
    o.y = o.batch;
    if (a.size() > 1) o.y.push_back(o.m);
    if (b.size() > 1) o.y.push_back(o.n);
    return o;
}

Status infer(InferContext &ctx) {
    SAC_ASSIGN(Operands o, read(ctx.shape(0), ctx.shape(1)));
    ctx.set_output(0, ctx.input(0).dtype, std::move(o.y));
    return {};
}

// A constant matrix on the right, and rows that begin at whole texels (C4 sees to that where there are two axes).
bool is_linear(const Shape &a, const Value &b) {
    if (!b.constant || b.shape.size() != 2) return false;
    return a.size() == 2 || (a.size() > 2 && b.shape[0] % 4 == 0 && b.shape[1] % 4 == 0);
}

LayoutChoice layouts(const Graph &graph, const Node &node) {
    const Shape &a = graph.values[node.inputs[0]].shape;
    const bool c4 = a.size() == 2 && is_linear(a, graph.values[node.inputs[1]]);
    const Layout layout = c4 ? Layout::c4 : Layout::dense;
    return {std::vector<Layout>(node.inputs.size(), layout), layout};
}

// A batch axis: its size, and how far it steps in a and in b (0 where they broadcast).
struct Batch {
    int64_t size = 1, a = 0, b = 0;
};

std::vector<Batch> batches_of(const Operands &o) {
    std::vector<Batch> batches(o.batch.size());
    const auto fill = [&](const Shape &shape, int64_t matrix, int64_t Batch::*step) {
        int64_t stride = matrix;
        const size_t axes = shape.size() - 2;
        for (size_t i = 0; i < axes; ++i) {
            const int64_t size = shape[axes - 1 - i];
            batches[batches.size() - 1 - i].*step = size == 1 ? 0 : stride;
            stride *= size;
        }
    };
    for (size_t i = 0; i < batches.size(); ++i) batches[i].size = o.batch[i];
    fill(o.a, o.m * o.k, &Batch::a);
    fill(o.b, o.k * o.n, &Batch::b);
    // Axes that step as one become one.
    std::vector<Batch> merged;
    for (const Batch &next : batches) {
        if (next.size == 1) continue;
        if (!merged.empty() && merged.back().a == next.a * next.size && merged.back().b == next.b * next.size) {
            merged.back() = {merged.back().size * next.size, next.a, next.b};
        } else {
            merged.push_back(next);
        }
    }
    return merged;
}

Status plan(PlanContext &ctx) {
    SAC_ASSIGN(const Operands o, read(ctx.input(0).shape, ctx.input(1).shape));
    if (element_count(o.y) == 0 || o.k == 0) return ctx.unsupported("an input without elements");
    if (is_linear(ctx.input(0).shape, ctx.input(1))) {
        return plan_constant_product(ctx, element_count(o.a) / o.k, o.k, o.n, false, 1, {});
    }
    if (o.k > 65'000) return ctx.unsupported("a sum over " + std::to_string(o.k) + " products");
    std::vector<Batch> batches = batches_of(o);
    if (batches.size() > 2)
        return ctx.unsupported("batches " + to_string(o.batch) + " that broadcast over more than two axes");
    batches.insert(batches.begin(), 2 - batches.size(), Batch());
    const int64_t elements = element_count(o.y);
    const bool aligned = o.n % 4 == 0;
    const int64_t count = aligned ? batches[0].size * batches[1].size * quads_of(o.m) * (o.n / 4) : quads_of(elements);
    const StorageId a = ctx.input_storage(0), b = ctx.input_storage(1);
    Dispatch dispatch;
    dispatch.kernel = choose_kernel(ctx, aligned ? "matmul_aligned" : "matmul", {"_t", ""}, {a, b});
    dispatch.bindings = {reads(a), reads(b), writes(ctx.output_storage())};
    dispatch.push_words({word(count), word(elements), word(o.m), word(o.k), word(o.n), word(batches[1].size),
                         word(batches[0].a), word(batches[1].a), word(batches[0].b), word(batches[1].b)});
    dispatch.groups = {word((count + 63) / 64), 1, 1};
    dispatch.flops = 2.0 * static_cast<double>(elements) * static_cast<double>(o.k);
    ctx.dispatch(std::move(dispatch));
    return {};
}

}  // namespace

SAC_OPERATOR(matmul) = {.type = "MatMul", .min_inputs = 2, .infer = infer, .layouts = layouts, .plan = plan};

}  // namespace sac::ops
