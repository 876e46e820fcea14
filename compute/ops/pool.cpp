// MaxPool and AveragePool over N x C x [H x] W, windows as a convolution's (https://onnx.ai/onnx/operators/onnx__MaxPool.html):
//   MaxPool      y[n, c, o] = max over k inside x of x[n, c, o stride + k dilation - pad]
//   AveragePool  y[n, c, o] = sum of the same / their number, or, with count_include_pad, / the number of window
//                positions that lie in x or its padding
#include "compute/ops/conv_common.h"

namespace sac::ops {

namespace {

Result<Window> pool_window(const Node &node, const Shape &x) {
    SAC_ASSIGN(Window window, read_window(node, x, node.ints_or("kernel_shape", {})));
    const int64_t reach_h = (window.kernel_h - 1) * window.dilation_y + 1;
    const int64_t reach_w = (window.kernel_w - 1) * window.dilation_x + 1;
    if (window.pad_top >= reach_h || window.pad_left >= reach_w) {
        return Error(Code::invalid_file, "attribute pads is as large as the window: a maximum or mean of nothing");
    }
    return window;
}

Status infer(InferContext &ctx) {
    const Shape &x = ctx.shape(0);
    SAC_ASSIGN(const Window window, pool_window(ctx.node(), x));
    if (ctx.node().outputs.size() > 1 && ctx.node().outputs[1] != no_value) {
        return ctx.unsupported("a second output (the indices of the maxima)");
    }
    ctx.set_output(0, ctx.input(0).dtype, window_output(window, x, x[1]));
    return {};
}

LayoutChoice layouts(const Graph &, const Node &) { return {{Layout::c4}, Layout::c4}; }

}  // namespace

SAC_OPERATOR(max_pool) = {.type = "MaxPool", .infer = infer, .layouts = layouts};
SAC_OPERATOR(average_pool) = {.type = "AveragePool", .infer = infer, .layouts = layouts};

}  // namespace sac::ops
