// Conv of one group with at most four input channels, as a network's first layer has: each output channel's sums
// directly (conv2d_direct.comp), where the matrix core would mostly multiply zeros.
#include "compute/ops/conv2d.h"

namespace sac::ops {

namespace {

// A kernel's variant: the input channels that its weights hold, the output pixels of one invocation.
struct Variant {
    std::string kernel;
    int64_t channels = 4, block_w = 4, block_h = 1;
    double speed = 7;  // GFLOP/s on llvmpipe, two cores of 2.6 GHz
};

Variant choose(const PlanContext &ctx, const ConvolutionNode &conv, const MatrixProduct &whole, StorageId other) {
    const Window &w = conv.window;
    const auto epilogues = epilogue_variants(whole.epilogue);
    const bool unrolled = w.kernel_h == 3 && w.kernel_w == 3 && w.stride_y == w.stride_x && w.stride_y <= 2 &&
                          w.dilation_y == 1 && w.dilation_x == 1;
    const int64_t channels = conv.in_channels == 3 ? 3 : 4;
    const std::string size = "_c" + std::to_string(channels) + "k3s" + std::to_string(w.stride_y);
    for (const std::string_view epilogue : epilogues) {
        const std::string kernel = kernel_name(ctx, "conv2d_direct", std::string(size).append(epilogue));
        if (unrolled && ctx.available(kernel, {whole.source, other}))
            return {kernel, channels, 4, w.stride_y == 1 ? 4 : 2, 40};
    }
    return {kernel_name(ctx, "conv2d_direct", epilogues.back())};
}

// For every quad of output channels a texel of bias, then one for each tap and input channel.
std::vector<float> pack(const ConvolutionNode &conv, int64_t channels) {
    const int64_t taps = conv.taps(), quads = quads_of(conv.out_channels), texels = 1 + taps * channels;
    std::vector<float> packed(static_cast<size_t>(quads * texels * 4), 0.0f);
    for (int64_t m = 0; m < conv.out_channels; ++m) {
        float *out = packed.data() + m / 4 * texels * 4 + m % 4;
        if (!conv.bias.empty()) *out = conv.bias[static_cast<size_t>(m)];
        for (int64_t tap = 0; tap < taps; ++tap)
            for (int64_t i = 0; i < conv.in_channels; ++i) out[4 * (1 + tap * channels + i)] = conv.weight(m, i, tap);
    }
    return packed;
}

Status plan_direct(PlanContext &ctx, const ConvolutionNode &conv, const MatrixProduct &whole, const Variant &variant,
                   double expected_ns) {
    const Window &w = conv.window;
    const Epilogue &epilogue = whole.epilogue;
    const auto clamp = as_clamp(epilogue);
    const int64_t quads = quads_of(conv.out_channels);
    const StorageId weights = ctx.upload(ctx.node().name + ".weights", quads * (1 + conv.taps() * variant.channels) * 4,
                                         [conv, channels = variant.channels] { return pack(conv, channels); });
    const int64_t blocks_w = (w.out_w + variant.block_w - 1) / variant.block_w;
    const int64_t blocks_h = (w.out_h + variant.block_h - 1) / variant.block_h;
    const int64_t count = quads * blocks_w * blocks_h * conv.batch;
    Dispatch dispatch;
    dispatch.kernel = variant.kernel;
    dispatch.bindings = {reads(whole.source), reads(weights)};
    if (!clamp)
        dispatch.bindings.push_back(epilogue.residual ? reads_in_place(ctx.residual_storage()) : reads(weights));
    dispatch.bindings.push_back(writes(whole.destination));
    dispatch.push_words({word(count), word(conv.out_channels), word(blocks_w), word(blocks_h),
                         word(whole.source_stride), 0, word(whole.destination_stride), word(whole.destination_offset),
                         epilogue.residual ? 1u : 0u, epilogue.residual ? word(whole.residual_stride) : 0, 0,
                         static_cast<uint32_t>(epilogue.activation)});
    dispatch.push_float(clamp ? clamp->low : epilogue.a).push_float(clamp ? clamp->high : epilogue.b);
    dispatch.push_words({word(w.in_h), word(w.in_w), word(w.out_h), word(w.out_w), word(w.kernel_h), word(w.kernel_w),
                         word(w.stride_y), word(w.stride_x), word(w.dilation_y), word(w.dilation_x), word(w.pad_top),
                         word(w.pad_left)});
    dispatch.groups = {word((count + 63) / 64), 1, 1};
    dispatch.flops = whole.flops();
    dispatch.expected_ns = expected_ns;
    ctx.dispatch(std::move(dispatch));
    return {};
}

}  // namespace

void add_direct_candidate(PlanContext &ctx, const ConvolutionNode &conv, const MatrixProduct &whole,
                          std::vector<KernelCandidate> &candidates) {
    constexpr double gpu_speed = 200;  // a guess, beside those of matrix_product.cpp
    if (conv.in_channels > 4 || !whole.window || conv.taps() >= 16384) return;
    const StorageId other = whole.epilogue.residual ? ctx.residual_storage() : whole.source;
    const Variant variant = choose(ctx, conv, whole, other);
    const int64_t padded = round_up(conv.out_channels, 4);
    const double cost = whole.flops() / static_cast<double>(conv.out_channels) * static_cast<double>(padded) /
                        (ctx.caps().is_cpu ? variant.speed : gpu_speed);
    candidates.push_back(
        {"direct", cost, [&ctx, conv, whole, variant, cost] { return plan_direct(ctx, conv, whole, variant, cost); }});
}

}  // namespace sac::ops
