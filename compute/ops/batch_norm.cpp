// BatchNormalization that no convolution took: y[n, c, ...] = x[n, c, ...] s[c] + (b[c] - mean[c] s[c]), s = scale /
// sqrt(var + epsilon) (https://onnx.ai/onnx/operators/onnx__BatchNormalization.html): a depthwise convolution of one
// pixel.
#include "compute/ops/conv2d.h"
#include "compute/ops/copy.h"

namespace sac::ops {

namespace {

Status infer(InferContext &ctx) {
    const Shape &x = ctx.shape(0);
    if (x.size() < 2) return ctx.error("an input of shape " + to_string(x));
    if (ctx.node().int_or("training_mode", 0) != 0) return ctx.unsupported("attribute training_mode");
    for (size_t i = 1; i < 5; ++i) {
        if (ctx.shape(i) != Shape{x[1]}) {
            return ctx.error("input " + std::to_string(i) + " of shape " + to_string(ctx.shape(i)) + " for " +
                             to_string(x));
        }
    }
    ctx.set_output(0, ctx.input(0).dtype, x);
    return {};
}

LayoutChoice layouts(const Graph &, const Node &node) {
    return {std::vector<Layout>(node.inputs.size(), Layout::c4), Layout::c4};
}

Status plan(PlanContext &ctx) {
    const Shape &x = ctx.input(0).shape;
    std::vector<float> p[4];  // scale, b, mean, var
    for (size_t i = 0; i < 4; ++i) {
        if (!ctx.input(i + 1).constant)
            return ctx.unsupported("input " + std::to_string(i + 1) + " that is not constant");
        p[i] = ctx.input(i + 1).constant->to_floats();
    }
    ConvolutionNode conv;
    conv.batch = x[0];
    conv.in_channels = conv.out_channels = conv.group = x[1];
    conv.window.in_h = conv.window.out_h = 1;
    conv.window.in_w = conv.window.out_w = product(x, 2, x.size());
    const double epsilon = static_cast<double>(ctx.node().float_or("epsilon", 1e-5f));
    std::vector<float> scales;
    for (size_t c = 0; c < p[0].size(); ++c) {
        const double scale = static_cast<double>(p[0][c]) / std::sqrt(static_cast<double>(p[3][c]) + epsilon);
        scales.push_back(static_cast<float>(scale));
        conv.bias.push_back(static_cast<float>(static_cast<double>(p[1][c]) - scale * static_cast<double>(p[2][c])));
    }
    conv.weights = HostTensor::from_floats({x[1], 1, 1}, std::move(scales));
    return plan_depthwise(ctx, conv);
}

}  // namespace

SAC_OPERATOR(batch_normalization) = {
    .type = "BatchNormalization", .min_inputs = 5, .infer = infer, .layouts = layouts, .plan = plan};

}  // namespace sac::ops
