// MaxUnpool (https://onnx.ai/onnx/operators/onnx__MaxUnpool.html): the elements of x go where the maxima were from
// which a MaxPool made its indices, all else is zero. Integers do not live on the device: fusion (fuse_pooling.cpp)
// turns the pair into two operators of ours that pass on where in its window each maximum was.
//   MaxPoolTaps    y as MaxPool's, and taps[n, c, o] = ky kernel_w + kx of the first k that holds the maximum, as a
//   float MaxUnpoolTaps  y[n, c, o stride + k - pad] = x[n, c, o] for k = taps[n, c, o]; its attribute `output` gives
//   y's sides
#include "compute/ops/copy.h"
#include "compute/ops/window.h"

namespace sac::ops {

namespace {

// The output's size, if no input says it.
Result<Shape> unpooled_shape(const Node &node, const Shape &x) {
    const auto kernel = node.ints_or("kernel_shape", {});
    const size_t axes = x.size() < 3 ? 0 : x.size() - 2;
    const auto strides = node.ints_or("strides", std::vector<int64_t>(axes, 1));
    const auto pads = node.ints_or("pads", std::vector<int64_t>(2 * axes, 0));
    if (axes == 0 || kernel.size() != axes || strides.size() != axes || pads.size() != 2 * axes) {
        return Error(Code::invalid_file, "a window of " + to_string(kernel) + " over " + to_string(x));
    }
    Shape y(x.begin(), x.begin() + 2);
    constexpr int64_t most = 1 << 15;
    for (size_t i = 0; i < axes; ++i) {
        for (const int64_t value : {kernel[i], strides[i], pads[i], pads[axes + i]})
            if (value < 0 || value > most)
                return Error(Code::invalid_file, "a window's number is " + std::to_string(value));
        y.push_back((x[2 + i] - 1) * strides[i] + kernel[i] - pads[i] - pads[axes + i]);
        if (y.back() < 1) return Error(Code::invalid_file, "makes " + to_string(y) + " of " + to_string(x));
    }
    return y;
}

Status infer_unpool(InferContext &ctx) {
    const Shape &x = ctx.shape(0);
    if (ctx.shape(1) != x) return ctx.error("indices " + to_string(ctx.shape(1)) + " for an input " + to_string(x));
    SAC_ASSIGN(Shape y, unpooled_shape(ctx.node(), x));
    if (ctx.has_input(2)) {
        SAC_ASSIGN(const auto asked, ctx.int_values(2));
        if (asked.size() != x.size() || asked[0] != x[0] || asked[1] != x[1]) {
            return ctx.error("an output of shape " + to_string(asked) + " for an input " + to_string(x));
        }
        for (size_t i = 2; i < x.size(); ++i)
            if (asked[i] < y[i])
                return ctx.error("an output of shape " + to_string(asked) + ", less than " + to_string(y));
        y = asked;
    }
    ctx.set_output(0, ctx.input(0).dtype, std::move(y));
    return {};
}

Status plan_unpool(PlanContext &ctx) {
    return ctx.unsupported("indices that are not those of a MaxPool with the same window and the output's shape");
}

LayoutChoice layouts(const Graph &, const Node &node) {
    return {std::vector<Layout>(node.inputs.size(), Layout::c4), Layout::c4};
}

Status infer_pool_taps(InferContext &ctx) {
    const Shape &x = ctx.shape(0);
    SAC_ASSIGN(const Window w, read_window(ctx.node(), x, ctx.node().ints_or("kernel_shape", {})));
    if (x.size() > 4) return ctx.unsupported("an input of shape " + to_string(x));
    if (ctx.node().outputs.size() != 2) return ctx.error("does not have two outputs");
    for (size_t i = 0; i < 2; ++i) ctx.set_output(i, ctx.input(0).dtype, window_output(w, x, x[1]));
    return {};
}

Status check_window(const PlanContext &ctx, const Window &w) {
    // Numbers of taps are exact in storage of 16 bits up to 2048.
    if (!reducible(w.kernel_h, w.kernel_w) || (ctx.half() && w.taps() > 2048)) {
        return ctx.unsupported("a window of too many pixels");
    }
    return {};
}

Status plan_pool_taps(PlanContext &ctx) {
    const Shape &x = ctx.input(0).shape, &y = ctx.output().shape;
    SAC_ASSIGN(const Window w, read_window(ctx.node(), x, ctx.node().ints_or("kernel_shape", {})));
    SAC_TRY(check_window(ctx, w));
    const StorageId source = ctx.input_storage(0);
    const PlanContext::Place place = ctx.output_place();
    const int64_t count = rows_of(y) * quads_of(x[1]);
    Dispatch dispatch;
    dispatch.kernel = choose_kernel(ctx, "pool2d_taps", {"_t", ""}, {source});
    dispatch.bindings = {reads(source), writes(place.storage), writes(ctx.output_storage(1))};
    dispatch.push_words({word(count), word(x[1]), word(place.stride), word(place.offset), word(w.in_h), word(w.in_w),
                         word(w.out_h), word(w.out_w), word(w.kernel_h), word(w.kernel_w), word(w.stride_y),
                         word(w.stride_x), word(w.dilation_y), word(w.dilation_x), word(w.pad_top), word(w.pad_left)});
    dispatch.groups = {word((count + 63) / 64), 1, 1};
    ctx.dispatch(std::move(dispatch));
    return {};
}

// The window of the pooling from `output` to the input's size.
Result<Window> taken_back(const Node &node, const Shape &x) {
    Shape y = {x[0], x[1]};
    for (const int64_t side : node.ints_or("output", {})) y.push_back(side);
    if (y.size() != x.size() || x.size() > 4 || element_count(y) == 0) {
        return Error(Code::invalid_file, "an output of shape " + to_string(y) + " for an input " + to_string(x));
    }
    SAC_ASSIGN(const Window window, read_window(node, y, node.ints_or("kernel_shape", {})));
    if (window_output(window, y, x[1]) != x || window.dilation_y != 1 || window.dilation_x != 1) {
        return Error(Code::invalid_file, "a window that does not make " + to_string(x) + " of " + to_string(y));
    }
    return window;
}

Status infer_unpool_taps(InferContext &ctx) {
    const Shape &x = ctx.shape(0);
    if (x.size() < 3 || ctx.shape(1) != x) {
        return ctx.error("taps " + to_string(ctx.shape(1)) + " for an input " + to_string(x));
    }
    SAC_ASSIGN(const Window window, taken_back(ctx.node(), x));
    Shape y = {x[0], x[1], window.in_h, window.in_w};
    if (x.size() == 3) y.erase(y.begin() + 2);
    ctx.set_output(0, ctx.input(0).dtype, std::move(y));
    return {};
}

Status plan_unpool_taps(PlanContext &ctx) {
    const Shape &x = ctx.input(0).shape, &y = ctx.output().shape;
    SAC_ASSIGN(const Window w, taken_back(ctx.node(), x));
    SAC_TRY(check_window(ctx, w));
    const StorageId source = ctx.input_storage(0), taps = ctx.input_storage(1);
    const PlanContext::Place place = ctx.output_place();
    const int64_t count = rows_of(y) * quads_of(x[1]);
    Dispatch dispatch;
    dispatch.kernel = choose_kernel(ctx, "unpool2d", {"_t", ""}, {source, taps});
    dispatch.bindings = {reads(source), reads(taps), writes(place.storage)};
    dispatch.push_words({word(count), word(x[1]), word(place.stride), word(place.offset), word(w.out_h), word(w.out_w),
                         word(w.in_h), word(w.in_w), word(w.kernel_h), word(w.kernel_w), word(w.stride_y),
                         word(w.stride_x), word(w.pad_top), word(w.pad_left),
                         word((w.kernel_h + w.stride_y - 1) / w.stride_y),
                         word((w.kernel_w + w.stride_x - 1) / w.stride_x)});
    dispatch.groups = {word((count + 63) / 64), 1, 1};
    ctx.dispatch(std::move(dispatch));
    return {};
}

}  // namespace

SAC_OPERATOR(max_unpool) = {.type = "MaxUnpool", .min_inputs = 2, .infer = infer_unpool, .plan = plan_unpool};
SAC_OPERATOR(max_pool_taps) = {
    .type = "MaxPoolTaps", .domain = "saccade", .infer = infer_pool_taps, .layouts = layouts, .plan = plan_pool_taps};
SAC_OPERATOR(max_unpool_taps) = {.type = "MaxUnpoolTaps",
                                 .domain = "saccade",
                                 .min_inputs = 2,
                                 .infer = infer_unpool_taps,
                                 .layouts = layouts,
                                 .plan = plan_unpool_taps};

}  // namespace sac::ops
