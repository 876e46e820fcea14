// Conv in many small groups, too narrow for the matrix core: four output channels of a pixel an invocation.
// y[n, m, o] = act(b[m] + sum over c, k of x[n, group(m) C/group + c, o stride + k dilation - pad] w[m, c, k] +
// residual)
#include "compute/ops/conv2d.h"

namespace sac::ops {

namespace {

// For every quad of output channels a texel of bias, then one for each tap and input channel of the group.
std::vector<float> pack(const ConvolutionNode &conv) {
    const int64_t group_in = conv.in_channels / conv.group, terms = conv.taps() * group_in;
    std::vector<float> packed(static_cast<size_t>(quads_of(conv.out_channels) * (1 + terms) * 4), 0.0f);
    for (int64_t m = 0; m < conv.out_channels; ++m) {
        float *out = packed.data() + m / 4 * (1 + terms) * 4 + m % 4;
        if (!conv.bias.empty()) *out = conv.bias[static_cast<size_t>(m)];
        for (int64_t term = 0; term < terms; ++term)
            out[4 * (1 + term)] = conv.weight(m, term % group_in, term / group_in);
    }
    return packed;
}

}  // namespace

Status plan_grouped(PlanContext &ctx, const ConvolutionNode &conv) {
    const Epilogue &epilogue = ctx.node().epilogue;
    const int64_t group_in = conv.in_channels / conv.group, group_out = conv.out_channels / conv.group;
    if (!reducible(conv.taps(), group_in)) {
        return ctx.unsupported("weights " + to_string(ctx.input(1).shape) + ": too long a sum");
    }
    const auto clamp = as_clamp(epilogue);
    const bool aligned = group_in % 4 == 0 && group_out % 4 == 0;
    const int64_t out_quads = quads_of(conv.out_channels);
    const StorageId weights = ctx.upload(ctx.node().name + ".weights", out_quads * (1 + conv.taps() * group_in) * 4,
                                         [conv] { return pack(conv); });
    const int64_t count = conv.out_pixels() * out_quads;

    const StorageId source = ctx.input_storage(0), other = epilogue.residual ? ctx.residual_storage() : weights;
    const PlanContext::Place place = ctx.output_place();
    const std::string_view finish = epilogue_variants(epilogue)[0];
    Dispatch dispatch;
    dispatch.kernel = choose_kernel(ctx, aligned ? "conv2d_grouped_aligned" : "conv2d_grouped",
                                    {std::string("_t").append(finish), finish}, {source, weights, other});
    dispatch.bindings = {reads(source), reads(weights)};
    if (!clamp) dispatch.bindings.push_back(epilogue.residual ? reads_in_place(other) : reads(other));
    dispatch.bindings.push_back(writes(place.storage));
    dispatch.push_words({word(count), word(group_in), word(group_out), word(quads_of(conv.in_channels)),
                         word(conv.out_channels), word(place.stride), word(place.offset), epilogue.residual ? 1u : 0u,
                         epilogue.residual ? word(out_quads) : 0, 0, static_cast<uint32_t>(epilogue.activation)});
    dispatch.push_float(clamp ? clamp->low : epilogue.a).push_float(clamp ? clamp->high : epilogue.b);
    push_window(dispatch, conv.window);
    dispatch.groups = {word((count + 63) / 64), 1, 1};
    dispatch.flops = 2.0 * static_cast<double>(conv.taps() * group_in * conv.out_channels * conv.out_pixels());
    ctx.dispatch(std::move(dispatch));
    return {};
}

}  // namespace sac::ops
