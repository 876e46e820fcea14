// MaxPool and AveragePool over N x C x [H x] W, windows as a convolution's
// (https://onnx.ai/onnx/operators/onnx__MaxPool.html):
//   MaxPool      y[n, c, o] = max over k inside x of x[n, c, o stride + k dilation - pad]
//   AveragePool  y[n, c, o] = sum of the same / their number, or, with count_include_pad, / the number of window
//                positions that lie in x or its padding
#include <algorithm>

#include "compute/ops/copy.h"
#include "compute/ops/window.h"

namespace sac::ops {

namespace {

Result<Window> pool_window(const Node &node, const Shape &x) {
    if (x.size() > 4) return Error(Code::unsupported, "an input of shape " + to_string(x));
    SAC_ASSIGN(Window window, read_window(node, x, node.ints_or("kernel_shape", {})));
    const int64_t reach_h = (window.kernel_h - 1) * window.dilation_y + 1;
    const int64_t reach_w = (window.kernel_w - 1) * window.dilation_x + 1;
    if (std::max(window.pad_top, window.pad_bottom) >= reach_h ||
        std::max(window.pad_left, window.pad_right) >= reach_w) {
        return Error(Code::invalid_file, "attribute pads is as large as the window: a maximum or mean of nothing");
    }
    return window;
}

Status infer(InferContext &ctx) {
    const Shape &x = ctx.shape(0);
    SAC_ASSIGN(const Window window, pool_window(ctx.node(), x));
    ctx.set_output(0, ctx.input(0).dtype, window_output(window, x, x[1]));
    if (ctx.node().type == "MaxPool" && ctx.node().outputs.size() > 1 && ctx.node().outputs[1] != no_value)
        ctx.set_output(1, DType::i64, window_output(window, x, x[1]));
    return {};
}

LayoutChoice layouts(const Graph &, const Node &) { return {{Layout::c4}, Layout::c4}; }

// The usual windows of MaxPool, unrolled; false for others.
bool plan_window(PlanContext &ctx, const Window &w) {
    constexpr int64_t block_w = 4, block_h = 2;  // output pixels of an invocation
    const bool square = w.kernel_h == w.kernel_w && w.stride_y == w.stride_x && w.dilation_y == 1 && w.dilation_x == 1;
    // A window clamped to the image must still be a part of itself.
    const bool reaches = std::max({w.pad_top, w.pad_left, w.pad_bottom, w.pad_right}) < w.kernel_h;
    if (!square || !reaches || ctx.node().type != "MaxPool") return false;
    const Shape &x = ctx.input(0).shape;
    const StorageId source = ctx.input_storage(0);
    const std::string size = "_k" + std::to_string(w.kernel_h) + "s" + std::to_string(w.stride_y), any = size + "_any";
    Dispatch dispatch;
    dispatch.kernel = choose_kernel(ctx, "pool2d_window", {size, any}, {source});
    if (!ctx.available(dispatch.kernel, {})) return false;
    const PlanContext::Place place = ctx.output_place();
    const int64_t quads = quads_of(x[1]);
    const int64_t blocks_w = (w.out_w + block_w - 1) / block_w, blocks_h = (w.out_h + block_h - 1) / block_h;
    const int64_t count = x[0] * blocks_h * blocks_w * quads;
    dispatch.bindings = {reads(source), writes(place.storage)};
    dispatch.push_words({word(count), word(quads), word(blocks_w), word(blocks_h), word(place.stride),
                         word(place.offset), word(w.in_h), word(w.in_w), word(w.out_h), word(w.out_w), word(w.pad_top),
                         word(w.pad_left)});
    dispatch.groups = {word((count + 63) / 64), 1, 1};
    ctx.dispatch(std::move(dispatch));
    return true;
}

Status plan(PlanContext &ctx) {
    const Shape &x = ctx.input(0).shape, &y = ctx.output().shape;
    SAC_ASSIGN(const Window w, pool_window(ctx.node(), x));
    if (ctx.node().outputs.size() > 1 && ctx.node().outputs[1] != no_value) {
        return ctx.unsupported("indices of the maxima for anything but a MaxUnpool of the same window");
    }
    if (!reducible(w.kernel_h, w.kernel_w)) return ctx.unsupported("a window of too many pixels");
    if (plan_window(ctx, w)) return {};
    const bool maximum = ctx.node().type == "MaxPool";
    const bool count_pad = !maximum && ctx.node().int_or("count_include_pad", 0) != 0;
    const int64_t quads = quads_of(x[1]), count = rows_of(y) * quads;
    const StorageId source = ctx.input_storage(0);
    const PlanContext::Place place = ctx.output_place();
    Dispatch dispatch;
    dispatch.kernel = choose_kernel(ctx, maximum ? "pool2d_max" : "pool2d_average", {"_t", ""}, {source});
    dispatch.bindings = {reads(source), writes(place.storage)};
    dispatch.push_words({word(count),
                         word(x[1]),
                         word(quads),
                         0,
                         word(place.stride),
                         word(place.offset),
                         word(w.in_h),
                         word(w.in_w),
                         word(w.out_h),
                         word(w.out_w),
                         word(w.kernel_h),
                         word(w.kernel_w),
                         word(w.stride_y),
                         word(w.stride_x),
                         word(w.dilation_y),
                         word(w.dilation_x),
                         word(w.pad_top),
                         word(w.pad_left),
                         word(w.in_h + (count_pad ? w.pad_bottom : 0)),
                         word(w.in_w + (count_pad ? w.pad_right : 0)),
                         count_pad ? 1u : 0u});
    dispatch.groups = {word((count + 63) / 64), 1, 1};
    ctx.dispatch(std::move(dispatch));
    return {};
}

}  // namespace

SAC_OPERATOR(max_pool) = {.type = "MaxPool", .infer = infer, .layouts = layouts, .plan = plan};
SAC_OPERATOR(average_pool) = {.type = "AveragePool", .infer = infer, .layouts = layouts, .plan = plan};

}  // namespace sac::ops
