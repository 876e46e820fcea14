// LayerNormalization: y = (x - mean) / sqrt(variance + epsilon) scale + bias, mean and variance over the axes from
// `axis` on (https://onnx.ai/onnx/operators/onnx__LayerNormalization.html). Scale and bias must be constant.
#include "compute/ops/copy.h"

namespace sac::ops {

namespace {

// x as rows of the axes that are normalised.
struct Rows {
    int64_t count = 1, length = 1;
};

Result<Rows> rows_of_node(const Node &node, const Shape &x) {
    SAC_ASSIGN(const int64_t axis, host::normalize_axis(node.int_or("axis", -1), x.size()));
    const auto at = static_cast<size_t>(axis);
    return Rows{product(x, 0, at), product(x, at, x.size())};
}

Status infer(InferContext &ctx) {
    SAC_ASSIGN(const Rows rows, rows_of_node(ctx.node(), ctx.shape(0)));
    for (size_t i = 1; i < 3; ++i) {
        if (!ctx.has_input(i)) continue;
        if (element_count(ctx.shape(i)) != rows.length)
            return ctx.error(format("has %s of shape %s for rows of %lld elements", i == 1 ? "a scale" : "a bias",
                                    to_string(ctx.shape(i)).c_str(), static_cast<long long>(rows.length)));
        if (!ctx.input(i).constant) return ctx.unsupported("a scale or bias that is not constant");
    }
    const auto &outputs = ctx.node().outputs;
    for (size_t i = 1; i < outputs.size(); ++i)
        if (outputs[i] != no_value) return ctx.unsupported("an output of mean or deviation");
    ctx.set_output(0, ctx.input(0).dtype, ctx.shape(0));
    return {};
}

// Rows of C4 are those of its channels, where it has no other axes.
LayoutChoice layouts(const Graph &graph, const Node &node) {
    const Value &x = graph.values[node.inputs[0]];
    const auto rows = rows_of_node(node, x.shape);
    const bool channels = x.shape.size() == 2 && rows.ok() && rows->count == x.shape[0];
    const Layout layout = channels ? x.layout : Layout::dense;
    return {std::vector<Layout>(node.inputs.size(), layout), layout};
}

// The scale's texels, then the bias's.
StorageId upload_weights(PlanContext &ctx, int64_t length) {
    const HostTensor scale = *ctx.input(1).constant;
    const std::optional<HostTensor> bias = ctx.has_input(2) ? ctx.input(2).constant : std::nullopt;
    const auto padded = static_cast<size_t>(round_up(length, 4));
    return ctx.upload(ctx.node().name + ".weights", static_cast<int64_t>(2 * padded), [scale, bias, padded] {
        std::vector<float> weights = scale.to_floats();
        weights.resize(padded, 0.0f);
        if (bias) {
            const std::vector<float> values = bias->to_floats();
            weights.insert(weights.end(), values.begin(), values.end());
        }
        weights.resize(2 * padded, 0.0f);
        return weights;
    });
}

Status plan(PlanContext &ctx) {
    const Value &x = ctx.input(0);
    if (element_count(x.shape) == 0) return ctx.unsupported("an input without elements");
    SAC_ASSIGN(const Rows rows, rows_of_node(ctx.node(), x.shape));
    const int64_t quads = quads_of(rows.length);
    // A workgroup for a row, but where barriers are slow and reads of neighbours gain nothing.
    const bool group = quads > (ctx.available("layer_norm_rows_f32_t") ? 20'000 : 16);
    if (quads > 1'300'000) return ctx.unsupported("rows of " + std::to_string(rows.length) + " elements");
    // Where rows do not begin at whole texels, copies of x and y do.
    const bool direct = x.layout == Layout::c4 || rows.length % 4 == 0 || rows.count == 1;
    StorageId source = ctx.input_storage(0), destination = ctx.output_storage();
    if (!direct) {
        const StorageId padded = ctx.temporary(ctx.node().name + ".rows", rows.count * 4 * quads);
        SAC_TRY(dispatch_copy(
            ctx,
            {source, padded, {rows.count, 4 * quads}, {0, 0}, {rows.count, rows.length}, {rows.length, 1}, 0, 0.0f}));
        source = padded;
        destination = ctx.temporary(ctx.node().name + ".y", rows.count * 4 * quads);
    }
    Dispatch dispatch;
    dispatch.kernel = choose_kernel(ctx, group ? "layer_norm_group" : "layer_norm_rows", {"_t", ""}, {source});
    dispatch.bindings = {reads(source), reads(upload_weights(ctx, rows.length)), writes(destination)};
    dispatch.push_words({word(rows.count), word(quads), word(rows.length)});
    dispatch.push_float(ctx.node().float_or("epsilon", 1e-5f));
    dispatch.groups = {word(group ? rows.count : (rows.count + 7) / 8), 1, 1};
    ctx.dispatch(std::move(dispatch));
    if (direct) return {};
    return dispatch_copy(ctx, {destination,
                               ctx.output_storage(),
                               {rows.count, rows.length},
                               {0, 0},
                               {rows.count, rows.length},
                               {4 * quads, 1},
                               0,
                               std::nullopt});
}

}  // namespace

SAC_OPERATOR(layer_normalization) = {
    .type = "LayerNormalization", .min_inputs = 2, .infer = infer, .layouts = layouts, .plan = plan};

}  // namespace sac::ops
