// Gemm: y = act(alpha a' b' + beta c + residual), a' is M x K, b' is K x N, c is broadcast to M x N
// (https://onnx.ai/onnx/operators/onnx__Gemm.html); a' and b' are a and b, transposed if transA or transB says so.
// MatMul by a constant matrix: y[..., m, n] = sum over k of a[..., m, k] b[k, n]; with a bias and an epilogue, which
// fusion makes of it: saccade.Linear, y = act(a b + bias + residual), inputs a, b (transposed if transB says so),
// [bias of n numbers], [residual].
// b and c must be constant, c one number a column: a Gemm by a computed b is a MatMul and an Add (split_gemms). Rows
// are rows of C4 tensors, or of dense ones of whole texels.
#include "compute/ops/matmul.h"
#include "compute/ops/matrix_product.h"

namespace sac::ops {

namespace {

Status infer_gemm(InferContext &ctx) {
    const Shape &a = ctx.shape(0), &b = ctx.shape(1);
    if (a.size() != 2 || b.size() != 2) return ctx.error("multiplies " + to_string(a) + " by " + to_string(b));
    const bool trans_a = ctx.node().int_or("transA", 0) != 0, trans_b = ctx.node().int_or("transB", 0) != 0;
    const Shape y = {a[trans_a ? 1 : 0], b[trans_b ? 0 : 1]};
    if (a[trans_a ? 0 : 1] != b[trans_b ? 1 : 0]) {
        return ctx.error("multiplies " + to_string(a) + (trans_a ? " (transposed)" : "") + " by " + to_string(b) +
                         (trans_b ? " (transposed)" : ""));
    }
    if (has_own_input(ctx, 2)) {
        SAC_ASSIGN(const Shape sum, host::broadcast(ctx.shape(2), y));
        if (sum != y) return ctx.error("adds " + to_string(ctx.shape(2)) + " to a product " + to_string(y));
    }
    ctx.set_output(0, ctx.input(0).dtype, y);
    return {};
}

LayoutChoice gemm_layouts(const Graph &, const Node &node) {
    return {std::vector<Layout>(node.inputs.size(), Layout::c4), Layout::c4};
}

// beta c as one number a column, for c of shape [], [1], [N], [1, 1] or [1, N]; with one row, any c is.
Result<std::vector<float>> bias_of(PlanContext &ctx, int64_t rows, int64_t columns) {
    if (!has_own_input(ctx, 2)) return std::vector<float>();
    const Value &c = ctx.input(2);
    if (!c.constant) return ctx.unsupported("an input C that is not constant");
    if (rows > 1 && c.shape.size() == 2 && c.shape[0] != 1) {
        return ctx.unsupported("an input C of shape " + to_string(c.shape) + ", which differs from row to row");
    }
    const float beta = ctx.node().float_or("beta", 1);
    const std::vector<float> values = c.constant->to_floats();
    std::vector<float> bias(static_cast<size_t>(columns));
    for (size_t i = 0; i < bias.size(); ++i) bias[i] = beta * values[values.size() == 1 ? 0 : i];
    return bias;
}

Status plan_gemm(PlanContext &ctx) {
    const Node &node = ctx.node();
    const Shape &a = ctx.input(0).shape, &y = ctx.output().shape;
    if (node.int_or("transA", 0) != 0) return ctx.unsupported("attribute transA");
    if (!ctx.input(1).constant) return ctx.unsupported("an input B that is not constant");
    if (element_count(y) == 0 || a[1] == 0) return ctx.unsupported("an input without elements");
    SAC_ASSIGN(const auto bias, bias_of(ctx, y[0], y[1]));
    return plan_constant_product(ctx, y[0], a[1], y[1], node.int_or("transB", 0) != 0, node.float_or("alpha", 1), bias);
}

// Depth and columns of Linear's matrix, which is transposed if transB says so.
std::pair<int64_t, int64_t> sides_of(const Node &node, const Shape &b) {
    return node.int_or("transB", 0) ? std::pair(b[1], b[0]) : std::pair(b[0], b[1]);
}

Status infer_linear(InferContext &ctx) {
    const Shape &a = ctx.shape(0), &b = ctx.shape(1);
    if (a.size() < 2 || b.size() != 2) return ctx.error("multiplies " + to_string(a) + " by " + to_string(b));
    const auto [depth, columns] = sides_of(ctx.node(), b);
    if (a.back() != depth || depth % 4 || columns % 4)
        return ctx.error("multiplies " + to_string(a) + " by " + to_string(b));
    if (!ctx.input(1).constant) return ctx.unsupported("a matrix that is not constant");
    Shape y = a;
    y.back() = columns;
    if (has_own_input(ctx, 2) && (element_count(ctx.shape(2)) != columns || !ctx.input(2).constant))
        return ctx.error("has a bias of shape " + to_string(ctx.shape(2)));
    ctx.set_output(0, ctx.input(0).dtype, std::move(y));
    return {};
}

Status plan_linear(PlanContext &ctx) {
    const auto [depth, columns] = sides_of(ctx.node(), ctx.input(1).shape);
    if (element_count(ctx.output().shape) == 0 || depth == 0) return ctx.unsupported("an input without elements");
    std::vector<float> bias;
    if (has_own_input(ctx, 2)) bias = ctx.input(2).constant->to_floats();
    return plan_constant_product(ctx, element_count(ctx.output().shape) / columns, depth, columns,
                                 ctx.node().int_or("transB", 0) != 0, 1, bias);
}

}  // namespace

Status plan_constant_product(PlanContext &ctx, int64_t rows, int64_t depth, int64_t columns, bool transposed,
                             float scale, std::span<const float> bias) {
    const int64_t quads = quads_of(depth);
    if (!reducible(1, quads)) return ctx.unsupported("a sum over " + std::to_string(depth) + " products");
    MatrixProduct product;
    product.source = ctx.input_storage(0);
    if (ctx.output().layout == Layout::c4) {
        const PlanContext::Place place = ctx.output_place();
        product.destination = place.storage;
        product.destination_stride = place.stride;
        product.destination_offset = place.offset;
    } else {
        product.destination = ctx.output_storage();
        product.destination_stride = quads_of(columns);
    }
    product.rows = rows;
    product.k_quads = product.in_quads = product.source_stride = quads;
    product.columns = columns;
    product.depth = static_cast<double>(depth);
    product.residual_stride = quads_of(columns);
    product.half = ctx.half();
    product.epilogue = ctx.node().epilogue;
    product.pack = [=, bias = std::vector<float>(bias.begin(), bias.end()), floats = ctx.input(1).constant->as_f32()](
                       int tile_columns, int64_t first, int64_t count) {
        const std::span<const float> b = floats.as<float>();
        const auto part = std::span(bias).subspan(bias.empty() ? 0 : first, bias.empty() ? 0 : count);
        return pack_matrix(quads, count, tile_columns, part, [&](int64_t k) {
            return [&, k](int64_t at) {
                const int64_t column = first + at;
                return k < depth
                           ? scale * b[static_cast<size_t>(transposed ? column * depth + k : k * columns + column)]
                           : 0.0f;
            };
        });
    };
    return plan_product(ctx, product);
}

SAC_OPERATOR(linear) = {
    .type = "Linear", .domain = "saccade", .min_inputs = 2, .infer = infer_linear, .plan = plan_linear};
SAC_OPERATOR(gemm) = {.type = "Gemm", .min_inputs = 2, .infer = infer_gemm, .layouts = gemm_layouts, .plan = plan_gemm};

}  // namespace sac::ops
