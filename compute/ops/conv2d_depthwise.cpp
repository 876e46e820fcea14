// Conv with as many groups as input and output channels: y[n, c, o] = act(b[c] + sum over k of x[n, c, o stride + k
// dilation - pad] w[c, 0, k] + residual[n, c, o]). Four channels a texel, a block of output pixels an invocation.
#include "compute/ops/conv2d.h"

namespace sac::ops {

namespace {

// For every quad of channels a texel of bias, then one for each tap.
std::vector<float> pack(const ConvolutionNode &conv) {
    const int64_t taps = conv.taps(), quads = quads_of(conv.out_channels);
    std::vector<float> packed(static_cast<size_t>(quads * (1 + taps) * 4), 0.0f);
    for (int64_t c = 0; c < conv.out_channels; ++c) {
        float *out = packed.data() + c / 4 * (1 + taps) * 4 + c % 4;
        if (!conv.bias.empty()) *out = conv.bias[static_cast<size_t>(c)];
        for (int64_t tap = 0; tap < taps; ++tap) out[4 * (1 + tap)] = conv.weight(c, 0, tap);
    }
    return packed;
}

}  // namespace

DepthwiseVariant choose_depthwise(const PlanContext &ctx, std::string_view stem, const Window &w,
                                  std::initializer_list<StorageId> storages) {
    const bool square = w.kernel_h == w.kernel_w && w.stride_y == w.stride_x && w.dilation_y == 1 && w.dilation_x == 1;
    const std::string size = "_k" + std::to_string(w.kernel_h) + "s" + std::to_string(w.stride_y);
    const auto epilogues = epilogue_variants(ctx.node().epilogue);
    for (const std::string_view epilogue : epilogues) {
        const std::string unrolled = kernel_name(ctx, stem, std::string(size).append(epilogue));
        if (square && ctx.available(unrolled, storages)) return {unrolled, 4, w.stride_y == 1 ? 4 : 2};
    }
    return {choose_kernel(ctx, stem, {std::string("_t").append(epilogues[0]), epilogues[0]}, storages), 4, 1};
}

Status plan_depthwise(PlanContext &ctx, const ConvolutionNode &conv) {
    const Window &w = conv.window;
    const Epilogue &epilogue = ctx.node().epilogue;
    if (conv.taps() >= 65535) return ctx.unsupported("weights " + to_string(ctx.input(1).shape) + ": too long a sum");
    const StorageId weights =
        ctx.upload(ctx.node().name + ".weights", quads_of(conv.out_channels) * (1 + conv.taps()) * 4,
                   [conv] { return pack(conv); });
    const StorageId source = ctx.input_storage(0), other = epilogue.residual ? ctx.residual_storage() : weights;
    const DepthwiseVariant variant = choose_depthwise(ctx, "conv2d_depthwise", w, {source, weights, other});
    const int64_t quads = quads_of(conv.out_channels);
    const int64_t blocks_w = (w.out_w + variant.block_w - 1) / variant.block_w;
    const int64_t blocks_h = (w.out_h + variant.block_h - 1) / variant.block_h;
    const int64_t count = quads * blocks_w * blocks_h * conv.batch;
    const auto clamp = as_clamp(epilogue);
    const uint32_t stride = word(quads), residual_stride = epilogue.residual ? stride : 0;

    const PlanContext::Place place = ctx.output_place();
    Dispatch dispatch;
    dispatch.kernel = variant.kernel;
    dispatch.bindings = {reads(source), reads(weights)};
    if (!clamp) dispatch.bindings.push_back(epilogue.residual ? reads_in_place(other) : reads(other));
    dispatch.bindings.push_back(writes(place.storage));
    dispatch.push_words({word(count), word(conv.out_channels), word(blocks_w), word(blocks_h), stride, 0,
                         word(place.stride), word(place.offset), epilogue.residual ? 1u : 0u, residual_stride, 0,
                         static_cast<uint32_t>(epilogue.activation)});
    dispatch.push_float(clamp ? clamp->low : epilogue.a).push_float(clamp ? clamp->high : epilogue.b);
    dispatch.push_words({word(w.in_h), word(w.in_w), word(w.out_h), word(w.out_w), word(w.kernel_h), word(w.kernel_w),
                         word(w.stride_y), word(w.stride_x), word(w.dilation_y), word(w.dilation_x), word(w.pad_top),
                         word(w.pad_left)});
    dispatch.groups = {word((count + 63) / 64), 1, 1};
    dispatch.flops = 2.0 * static_cast<double>(conv.taps() * conv.out_channels * w.out_h * w.out_w * conv.batch);
    ctx.dispatch(std::move(dispatch));
    return {};
}

}  // namespace sac::ops
