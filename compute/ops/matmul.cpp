// MatMul: y[..., m, n] = sum over k of a[..., m, k] b[..., k, n], batches broadcast
// (https://onnx.ai/onnx/operators/onnx__MatMul.html). By a constant matrix: the matrix core (gemm.comp), where rows are
// whole texels. Two computed tensors: the same, once b is packed on the device (matmul_pack.comp), or matmul.comp.
// saccade.MatMul, which fusion makes, has b's axes taken in the order of its attribute perm: b is not transposed
// before.
#include "compute/ops/matmul.h"

#include <array>
#include <numeric>

#include "compute/ops/copy.h"
#include "compute/ops/matrix_product.h"

namespace sac::ops {

namespace {

// Shapes of two axes and more: a vector is a row on the left, a column on the right. Steps are in elements, by axis.
struct Operands {
    Shape a, b, batch;  // batch: the output's, broadcast
    std::vector<int64_t> a_steps, b_steps;
    int64_t m = 1, k = 1, n = 1;
    Shape y;

    int64_t k_step() const { return b_steps[b_steps.size() - 2]; }
    int64_t column_step() const { return b_steps.back(); }
};

std::vector<int64_t> dense_steps(const Shape &shape) { return view_of(shape, Layout::dense).strides; }

Result<Operands> read(const Node &node, const Shape &a, const Shape &b) {
    if (a.empty() || b.empty()) return Error(Code::invalid_file, "multiplies a scalar");
    std::vector<int64_t> perm(b.size());
    std::iota(perm.begin(), perm.end(), 0);
    if (!node.domain.empty()) perm = node.ints_or("perm", {});
    if (!host::is_permutation(perm, b.size()))
        return Error(Code::invalid_file, "attribute perm is " + to_string(perm) + " for " + to_string(b));
    Operands o;
    o.a = a;
    const std::vector<int64_t> steps = dense_steps(b);
    for (const int64_t axis : perm) {
        o.b.push_back(b[static_cast<size_t>(axis)]);
        o.b_steps.push_back(steps[static_cast<size_t>(axis)]);
    }
    if (a.size() == 1) o.a.insert(o.a.begin(), 1);
    if (b.size() == 1) {
        o.b.push_back(1);
        o.b_steps.push_back(1);
    }
    o.a_steps = dense_steps(o.a);
    o.m = o.a[o.a.size() - 2];
    o.k = o.a.back();
    o.n = o.b.back();
    if (o.b[o.b.size() - 2] != o.k)
        return Error(Code::invalid_file, "multiplies " + to_string(a) + " by " + to_string(o.b));
    SAC_ASSIGN(o.batch, host::broadcast(Shape(o.a.begin(), o.a.end() - 2), Shape(o.b.begin(), o.b.end() - 2)));
    o.y = o.batch;
    if (a.size() > 1) o.y.push_back(o.m);
    if (b.size() > 1) o.y.push_back(o.n);
    return o;
}

Status infer(InferContext &ctx) {
    SAC_ASSIGN(Operands o, read(ctx.node(), ctx.shape(0), ctx.shape(1)));
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
    const bool c4 = a.size() == 2 && node.domain.empty() && is_linear(a, graph.values[node.inputs[1]]);
    const Layout layout = c4 ? Layout::c4 : Layout::dense;
    return {std::vector<Layout>(node.inputs.size(), layout), layout};
}

// A batch axis: its size, and how far it steps in a and in b (0 where they broadcast).
struct Batch {
    int64_t size = 1, a = 0, b = 0;
};

// Two of them, the outer and the inner one; nothing if operands broadcast over more.
std::optional<std::array<Batch, 2>> batches_of(const Operands &o) {
    std::vector<Batch> axes(o.batch.size());
    const auto fill = [&](const Shape &shape, const std::vector<int64_t> &steps, int64_t Batch::*step) {
        const size_t count = shape.size() - 2, missing = axes.size() - count;
        for (size_t i = 0; i < count; ++i) axes[missing + i].*step = shape[i] == 1 ? 0 : steps[i];
    };
    for (size_t i = 0; i < axes.size(); ++i) axes[i].size = o.batch[i];
    fill(o.a, o.a_steps, &Batch::a);
    fill(o.b, o.b_steps, &Batch::b);
    // Axes that step as one become one.
    std::vector<Batch> merged;
    for (const Batch &next : axes) {
        if (next.size == 1) continue;
        if (!merged.empty() && merged.back().a == next.a * next.size && merged.back().b == next.b * next.size) {
            merged.back() = {merged.back().size * next.size, next.a, next.b};
        } else {
            merged.push_back(next);
        }
    }
    if (merged.size() > 2) return std::nullopt;
    merged.insert(merged.begin(), 2 - merged.size(), Batch());
    return std::array<Batch, 2>{merged[0], merged[1]};
}

// By matmul.comp, which reads both operands as they are, b's axes in order.
Status plan_unpacked(PlanContext &ctx, Operands o) {
    StorageId b = ctx.input_storage(1);
    if (o.b_steps != dense_steps(o.b)) {
        const StorageId copied = ctx.temporary(ctx.node().name + ".transposed", element_count(o.b));
        SAC_TRY(dispatch_copy(ctx, {b, copied, o.b, Shape(o.b.size(), 0), o.b, o.b_steps, 0, std::nullopt}));
        b = copied;
        o.b_steps = dense_steps(o.b);
    }
    const std::array<Batch, 2> batches = *batches_of(o);
    const StorageId a = ctx.input_storage(0);
    const int64_t elements = element_count(o.y);
    const bool aligned = o.n % 4 == 0;
    const int64_t count = aligned ? elements / (o.m * o.n) * quads_of(o.m) * (o.n / 4) : quads_of(elements);
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

// Nanoseconds of a dispatch, and of a texel that is packed or copied. CPU: measured on llvmpipe, two cores. GPU: a
// guess, by 400 GB/s.
struct Costs {
    double dispatch, pack_aligned, pack, copy;
};
constexpr Costs cpu_costs = {30000, 7, 10, 10}, gpu_costs = {5000, 0.08, 0.16, 0.08};

double cost_unpacked(bool cpu, const Operands &o) {
    const Costs &costs = cpu ? cpu_costs : gpu_costs;
    const int64_t of_a_row = element_count(o.y) / o.m * o.k;
    const auto products = static_cast<double>(of_a_row), m = static_cast<double>(o.m);
    // GFLOP/s on llvmpipe; aligned, of blocks of four rows.
    const double rows = o.n % 4 ? m : 4 * std::ceil(m / 4), speed = !cpu ? 300 : o.n % 4 ? 3 : 14;
    double cost = costs.dispatch + 2 * products * rows / speed;
    if (o.b_steps != dense_steps(o.b))
        cost += costs.dispatch + 6 * costs.copy * static_cast<double>(quads_of(element_count(o.b)));
    return cost;
}

// The product by the matrix core, with b to be packed for it.
struct Packed {
    Operands o;
    std::array<Batch, 2> batches;  // without those that are further rows by the same b
    int64_t rows = 0, count = 1;   // of a batch; batches
    bool copies_a = false;         // rows do not begin at whole texels, or batches do not follow each other evenly
    bool copies_y = false;
    bool aligned = false;  // b is read by whole texels
    MatrixProduct product;
};

std::optional<Packed> packed_of(PlanContext &ctx, const Operands &o) {
    auto batches = batches_of(o);
    if (!batches) return std::nullopt;
    Packed p{.o = o, .batches = *batches, .rows = o.m};
    Batch &outer = p.batches[0], &inner = p.batches[1];
    if (inner.b == 0 && inner.a == o.m * o.k) {
        p.rows *= inner.size;
        inner = outer;
        outer = {};
    }
    p.count = outer.size * inner.size;
    p.copies_a = o.k % 4 != 0 || (outer.size > 1 && outer.a != inner.a * inner.size);
    p.copies_y = o.n % 4 != 0;
    const bool whole_steps = outer.b % 4 == 0 && inner.b % 4 == 0;
    p.aligned = whole_steps && ((o.column_step() == 1 && o.n % 4 == 0 && o.k_step() % 4 == 0) ||
                                (o.k_step() == 1 && o.k % 4 == 0 && o.column_step() % 4 == 0));
    MatrixProduct &product = p.product;
    product.source = product.destination = ctx.input_storage(0);  // until they are made
    product.rows = p.rows;
    product.k_quads = product.in_quads = product.source_stride = quads_of(o.k);
    product.columns = o.n;
    product.depth = static_cast<double>(o.k);
    product.destination_stride = quads_of(o.n);
    product.batches = p.count;
    product.repeats_rows = !p.copies_a && inner.a == 0 && p.count > 1;
    product.half = ctx.half();
    return p;
}

// The left operand in rows of whole texels, batch after batch.
Result<StorageId> rows_of_a(PlanContext &ctx, const Packed &p) {
    const StorageId a = ctx.input_storage(0);
    if (!p.copies_a) return a;
    const int64_t depth = 4 * p.product.k_quads;
    const Shape shape = {p.batches[0].size, p.batches[1].size, p.rows, depth};
    const StorageId rows = ctx.temporary(ctx.node().name + ".rows", element_count(shape));
    SAC_TRY(dispatch_copy(ctx, {a,
                                rows,
                                shape,
                                {0, 0, 0, 0},
                                {shape[0], shape[1], p.rows, p.o.k},
                                {p.batches[0].a, p.batches[1].a, p.o.k, 1},
                                0,
                                0.0f}));
    return rows;
}

StorageId pack_b(PlanContext &ctx, const Packed &p, const ProductTile &tile) {
    const Operands &o = p.o;
    const StorageId b = ctx.input_storage(1);
    const int64_t k_quads = p.product.k_quads, panels = panels_of(o.n, tile.columns);
    const int64_t count = p.count * panels * k_quads * 2 * tile.columns;
    const StorageId packed =
        ctx.temporary(ctx.node().name + ".packed", p.count * 4 * packed_texels(k_quads, o.n, tile.columns));
    Dispatch dispatch;
    dispatch.kernel = choose_kernel(ctx, p.aligned ? "matmul_pack_aligned" : "matmul_pack", {"_t", ""}, {b});
    dispatch.bindings = {reads(b), writes(packed)};
    dispatch.push_words({word(count), word(tile.columns), word(k_quads), word(panels),
                         word(panel_texels(k_quads, tile.columns)), word(o.k), word(o.n), word(p.batches[1].size),
                         word(p.batches[0].b), word(p.batches[1].b), word(o.k_step()), word(o.column_step()),
                         o.column_step() == 1 && o.n % 4 == 0 ? 0u : 1u});
    dispatch.groups = {word((count + 63) / 64), 1, 1};
    ctx.dispatch(std::move(dispatch));
    return packed;
}

Status plan_packed(PlanContext &ctx, Packed p, const ProductTile &tile) {
    MatrixProduct &product = p.product;
    SAC_ASSIGN(product.source, rows_of_a(ctx, p));
    const StorageId weights = pack_b(ctx, p, tile);
    const int64_t rows = p.count * p.rows, padded = 4 * product.destination_stride;
    product.destination = p.copies_y ? ctx.temporary(ctx.node().name + ".y", rows * padded) : ctx.output_storage();
    dispatch_product(ctx, product, tile, weights);
    if (!p.copies_y) return {};
    return dispatch_copy(ctx, {product.destination,
                               ctx.output_storage(),
                               {rows, p.o.n},
                               {0, 0},
                               {rows, p.o.n},
                               {padded, 1},
                               0,
                               std::nullopt});
}

void add_packed(PlanContext &ctx, const Operands &o, std::vector<KernelCandidate> &candidates) {
    const auto p = packed_of(ctx, o);
    if (!p || !reducible(1, p->product.k_quads)) return;
    const vk::Caps &caps = ctx.caps();
    if (p->count > caps.limits.maxComputeWorkGroupCount[1]) return;
    const Costs &costs = caps.is_cpu ? cpu_costs : gpu_costs;
    const double pack = p->aligned ? costs.pack_aligned : costs.pack;
    const auto texels_of_a = static_cast<double>(p->count * p->rows * p->product.k_quads);
    const auto texels_of_y = static_cast<double>(p->count * p->rows * p->product.destination_stride);
    const int64_t texel = p->product.half ? 8 : 16;
    for (const ProductTile &tile : product_tiles(ctx, p->product)) {
        const int64_t texels = p->count * packed_texels(p->product.k_quads, o.n, tile.columns);
        if (tile.part < o.n || static_cast<uint64_t>(texels * texel) > caps.limits.maxStorageBufferRange) continue;
        double cost = tile.cost + 2 * costs.dispatch + pack * static_cast<double>(texels);
        if (p->copies_a) cost += costs.dispatch + costs.copy * texels_of_a;
        if (p->copies_y) cost += costs.dispatch + costs.copy * texels_of_y;
        candidates.push_back({tile.name, cost, [&ctx, p = *p, tile] { return plan_packed(ctx, p, tile); }});
    }
}

Status plan(PlanContext &ctx) {
    SAC_ASSIGN(const Operands o, read(ctx.node(), ctx.input(0).shape, ctx.input(1).shape));
    if (element_count(o.y) == 0 || o.k == 0) return ctx.unsupported("an input without elements");
    if (ctx.node().domain.empty() && is_linear(ctx.input(0).shape, ctx.input(1))) {
        return plan_constant_product(ctx, element_count(o.a) / o.k, o.k, o.n, false, 1, {});
    }
    std::vector<KernelCandidate> candidates;
    Operands ordered = o;
    ordered.b_steps = dense_steps(o.b);
    const auto batches = batches_of(ordered);
    if (batches && o.k <= 65'000) {
        candidates.push_back(
            {"unpacked", cost_unpacked(ctx.caps().is_cpu, o), [&ctx, &o] { return plan_unpacked(ctx, o); }});
    }
    add_packed(ctx, o, candidates);
    if (candidates.empty()) {
        if (!batches)
            return ctx.unsupported("batches " + to_string(o.batch) + " that broadcast over more than two axes");
        return ctx.unsupported("a sum over " + std::to_string(o.k) + " products");
    }
    std::string problem =
        format("matmul %s %s by %s", ctx.half() ? "f16" : "f32", to_string(o.a).c_str(), to_string(o.b).c_str());
    if (o.b_steps != ordered.b_steps) problem += " transposed " + to_string(o.b_steps);
    return ctx.choose(std::move(problem), candidates);
}

}  // namespace

SAC_OPERATOR(matmul) = {.type = "MatMul", .min_inputs = 2, .infer = infer, .layouts = layouts, .plan = plan};
SAC_OPERATOR(matmul_permuted) = {
    .type = "MatMul", .domain = "saccade", .min_inputs = 2, .infer = infer, .layouts = layouts, .plan = plan};

}  // namespace sac::ops
