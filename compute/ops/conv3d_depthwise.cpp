// Conv over three axes with as many groups as input and output channels: y[n, c, o] = act(b[c] + sum over k of x[n, c,
// o stride + k dilation - pad] w[c, 0, k] + residual[n, c, o]). Four channels a texel, four output pixels an
// invocation.
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

Status plan_depthwise3d(PlanContext &ctx, const ConvolutionNode &conv) {
    const Window &w = conv.window;
    const Epilogue &epilogue = ctx.node().epilogue;
    if (!reducible(conv.taps(), 0))
        return ctx.unsupported("weights " + to_string(ctx.input(1).shape) + ": too long a sum");
    const int64_t quads = quads_of(conv.out_channels);
    const StorageId weights =
        ctx.upload(ctx.node().name + ".weights", quads * (1 + conv.taps()) * 4, [conv] { return pack(conv); });
    const StorageId source = ctx.input_storage(0), other = epilogue.residual ? ctx.residual_storage() : weights;
    const DepthwiseVariant variant = choose_depthwise(ctx, "conv3d_depthwise", w, {source, weights, other});
    const int64_t blocks_w = (w.out_w + variant.block_w - 1) / variant.block_w;
    const int64_t blocks_h = (w.out_h + variant.block_h - 1) / variant.block_h;
    const int64_t count = conv.batch * w.out_d * blocks_h * blocks_w * quads;
    const auto clamp = as_clamp(epilogue);

    const PlanContext::Place place = ctx.output_place();
    Dispatch dispatch;
    dispatch.kernel = variant.kernel;
    dispatch.bindings = {reads(source), reads(weights)};
    if (!clamp) dispatch.bindings.push_back(epilogue.residual ? reads_in_place(other) : reads(other));
    dispatch.bindings.push_back(writes(place.storage));
    dispatch.push_words({word(count), word(conv.out_channels), word(blocks_w), word(blocks_h), word(quads),
                         word(place.stride), word(place.offset), epilogue.residual ? 1u : 0u,
                         epilogue.residual ? word(quads) : 0, 0, static_cast<uint32_t>(epilogue.activation)});
    dispatch.push_float(clamp ? clamp->low : epilogue.a).push_float(clamp ? clamp->high : epilogue.b);
    push_window(dispatch, w);
    dispatch.groups = {word((count + 63) / 64), 1, 1};
    dispatch.flops = 2.0 * static_cast<double>(conv.taps() * conv.out_channels * conv.out_pixels());
    ctx.dispatch(std::move(dispatch));
    return {};
}

}  // namespace sac::ops
