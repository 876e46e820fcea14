// ConvTranspose: y[n, m, o] = act(b[m] + sum over c of m's group, k and i with o + pad = i stride + k dilation, of
// x[n, c, i] w[c, m, k] + residual[n, m, o]) (https://onnx.ai/onnx/operators/onnx__ConvTranspose.html).
// x is N x C x [[D x] H x] W, w is C x M/group x [[kernel_d x] kernel_h x] kernel_w.
//
// Output pixels of one phase (the same remainder by the stride) are a convolution of stride 1 with some of the taps.
// One group: these run on the matrix core, all phases side by side as channels or one after the other, and are
// interleaved (depth_to_space.comp). Else each output gathers its taps (conv_transpose.comp).
#include <numeric>

#include "compute/ops/copy.h"
#include "compute/ops/depth_to_space.h"
#include "compute/ops/matrix_product.h"

namespace sac::ops {

namespace {

struct Transposed {
    std::array<WindowAxis, 3> axes;  // depth, height, width
    int64_t batch = 1, in_channels = 1, out_channels = 1, group = 1;
    HostTensor weights;
    std::vector<float> bias;

    int64_t taps() const { return axes[0].kernel * axes[1].kernel * axes[2].kernel; }
    // `out_channel` counts within the input channel's group.
    float weight(int64_t in_channel, int64_t out_channel, int64_t tap) const {
        const auto *values = reinterpret_cast<const float *>(weights.bytes);
        return values[(in_channel * weights.shape[1] + out_channel) * taps() + tap];
    }
    int64_t in_pixels() const { return batch * axes[0].in * axes[1].in * axes[2].in; }
    int64_t out_pixels() const { return batch * axes[0].out * axes[1].out * axes[2].out; }
    double flops() const {
        return 2.0 * static_cast<double>(in_pixels()) * static_cast<double>(element_count(weights.shape));
    }
};

Status infer(InferContext &ctx) {
    const Shape &x = ctx.shape(0), &w = ctx.shape(1);
    if (x.size() < 3 || x.size() > 5) return ctx.unsupported("an input of shape " + to_string(x));
    if (w.size() != x.size()) return ctx.error("weights " + to_string(w) + " for an input " + to_string(x));
    const std::span<const int64_t> sides = std::span(w).subspan(2);
    const std::vector<int64_t> declared = ctx.node().ints_or("kernel_shape", {});
    if (!declared.empty() && !std::equal(declared.begin(), declared.end(), sides.begin(), sides.end())) {
        return ctx.error("attribute kernel_shape is " + to_string(declared) + ", the weights are " + to_string(w));
    }
    const int64_t group = ctx.node().int_or("group", 1);
    if (group < 1 || x[1] < 1 || w[0] != x[1] || x[1] % group != 0 || w[1] < 1) {
        return ctx.error(format("%lld groups with an input %s and weights %s", static_cast<long long>(group),
                                to_string(x).c_str(), to_string(w).c_str()));
    }
    const Shape channels = {w[1] * group};
    if (has_own_input(ctx, 2) && ctx.shape(2) != channels) {
        return ctx.error("a bias " + to_string(ctx.shape(2)) + " for weights " + to_string(w));
    }
    SAC_ASSIGN(const auto axes, read_transposed_window(ctx.node(), x, sides));
    ctx.set_output(0, ctx.input(0).dtype, window_output(Window::of(axes), x, channels[0]));
    return {};
}

LayoutChoice layouts(const Graph &, const Node &node) {
    return {std::vector<Layout>(node.inputs.size(), Layout::c4), Layout::c4};
}

Result<Transposed> read(const PlanContext &ctx) {
    const Shape &x = ctx.input(0).shape, &w = ctx.input(1).shape;
    if (!ctx.input(1).constant) return ctx.unsupported("weights that are not constant");
    Transposed conv;
    SAC_ASSIGN(conv.axes, read_transposed_window(ctx.node(), x, std::span(w).subspan(2)));
    conv.batch = x[0];
    conv.in_channels = x[1];
    conv.group = ctx.node().int_or("group", 1);
    conv.out_channels = w[1] * conv.group;
    conv.weights = ctx.input(1).constant->as_f32();
    if (has_own_input(ctx, 2)) {
        if (!ctx.input(2).constant) return ctx.unsupported("a bias that is not constant");
        conv.bias = ctx.input(2).constant->to_floats();
    }
    if (padded_element_count(x, Layout::c4) >= int64_t{1} << 31 ||
        padded_element_count(ctx.output().shape, Layout::c4) >= int64_t{1} << 31) {
        return ctx.unsupported("an input of shape " + to_string(x) + ": too many pixels");
    }
    // An axis that does nothing joins the batch: two are enough then.
    if (conv.axes[0].is_pointwise() && conv.axes[0].in == conv.axes[0].out) {
        conv.batch *= conv.axes[0].in;
        conv.axes[0] = {};
    }
    return conv;
}

// --- Phases on the matrix core ---

// Along an axis: which input pixels the taps of some phases reach, from the one that holds their output.
struct Reach {
    int64_t first_phase = 0, phases = 1;
    int64_t low = 0, high = 0, dilation = 1;

    int64_t taps() const { return (high - low) / dilation + 1; }
};

// The tap that lies at `at` input pixels from an output of `phase`; nothing if there is none.
std::optional<int64_t> tap_at(const WindowAxis &axis, int64_t phase, int64_t at) {
    const int64_t distance = phase + axis.pad_begin - at * axis.stride;
    if (distance < 0 || distance % axis.dilation != 0) return std::nullopt;
    const int64_t tap = distance / axis.dilation;
    return tap < axis.kernel ? std::optional(tap) : std::nullopt;
}

Reach reach_of(const WindowAxis &axis, int64_t first_phase, int64_t phases) {
    Reach reach{first_phase, phases, 0, 0, 1};
    bool any = false;
    for (int64_t phase = first_phase; phase < first_phase + phases; ++phase) {
        for (int64_t tap = 0; tap < axis.kernel; ++tap) {
            const int64_t distance = phase + axis.pad_begin - tap * axis.dilation;
            if (distance % axis.stride != 0) continue;
            const int64_t at = distance / axis.stride;
            reach.low = any ? std::min(reach.low, at) : at;
            reach.high = any ? std::max(reach.high, at) : at;
            any = true;
        }
    }
    if (phases == 1) reach.dilation = axis.dilation / std::gcd(axis.dilation, axis.stride);
    return reach;
}

using Reaches = std::array<Reach, 3>;

Reaches reaches_of(const Transposed &conv, const std::array<int64_t, 3> &first, const std::array<int64_t, 3> &phases) {
    Reaches reaches;
    for (size_t i = 0; i < 3; ++i) reaches[i] = reach_of(conv.axes[i], first[i], phases[i]);
    return reaches;
}

// Saturates: dilated windows may reach far.
int64_t taps_of(const Reaches &reaches) {
    return element_count({reaches[0].taps(), reaches[1].taps(), reaches[2].taps()});
}

// Where the phases go before they are interleaved: a pixel for each block of the output.
struct Blocks {
    PlanContext::Place place;
    std::array<int64_t, 3> size = {1, 1, 1}, strides = {1, 1, 1};
    int64_t phases = 1, phase_quads = 1;
    int64_t pixels = 1;  // of all images

    int64_t channels() const { return 4 * phases * phase_quads; }
};

Blocks blocks_of(const Transposed &conv) {
    Blocks blocks;
    blocks.phase_quads = quads_of(conv.out_channels);
    blocks.pixels = conv.batch;
    for (size_t i = 0; i < 3; ++i) {
        blocks.strides[i] = conv.axes[i].stride;
        blocks.size[i] = (conv.axes[i].out + blocks.strides[i] - 1) / blocks.strides[i];
        blocks.phases *= blocks.strides[i];
        blocks.pixels *= blocks.size[i];
    }
    return blocks;
}

// The weights of all phases that the reaches span, side by side: `columns` of them from `first` on.
std::vector<float> pack_phases(const Transposed &conv, const Reaches &reaches, int tile_columns, int64_t first,
                               int64_t columns) {
    const int64_t lanes = round_up(conv.in_channels, 4), phase_columns = round_up(conv.out_channels, 4);
    const int64_t phases = reaches[0].phases * reaches[1].phases * reaches[2].phases;
    std::vector<float> bias(conv.bias.empty() ? 0 : static_cast<size_t>(columns), 0.0f);
    for (size_t column = 0; column < bias.size(); ++column) {
        const size_t channel = (static_cast<size_t>(first) + column) % static_cast<size_t>(phase_columns);
        if (channel < conv.bias.size()) bias[column] = conv.bias[channel];
    }
    return pack_matrix(taps_of(reaches) * lanes / 4, columns, tile_columns, bias, [&](int64_t k) {
        // Where the row's tap lies, along each axis.
        int64_t rest = k / lanes;
        std::array<int64_t, 3> at = {};
        for (size_t i = 3; i-- > 0; rest /= reaches[i].taps())
            at[i] = reaches[i].low + rest % reaches[i].taps() * reaches[i].dilation;
        // The kernel's tap that each phase has there, or -1.
        std::vector<int64_t> taps(static_cast<size_t>(phases), -1);
        for (int64_t phase = 0; phase < phases; ++phase) {
            int64_t left = phase, tap = 0, scale = 1;
            for (size_t i = 3; i-- > 0 && tap >= 0; left /= reaches[i].phases) {
                const auto along = tap_at(conv.axes[i], reaches[i].first_phase + left % reaches[i].phases, at[i]);
                tap = along ? tap + *along * scale : -1;
                scale *= conv.axes[i].kernel;
            }
            taps[static_cast<size_t>(phase)] = tap;
        }
        return [&conv, phase_columns, first, channel = k % lanes, taps = std::move(taps)](int64_t at_column) {
            const int64_t column = first + at_column;
            const int64_t tap = taps[static_cast<size_t>(column / phase_columns)];
            const int64_t out_channel = column % phase_columns;
            const bool exists = tap >= 0 && channel < conv.in_channels && out_channel < conv.out_channels;
            return exists ? conv.weight(channel, out_channel, tap) : 0.0f;
        };
    });
}

// The phases that the reaches span as one product; `first` counts phases. Residuals are added when they are
// interleaved.
MatrixProduct product_of(PlanContext &ctx, const Transposed &conv, const Reaches &reaches, const Blocks &blocks,
                         int64_t first) {
    const int64_t in_quads = quads_of(conv.in_channels), taps = taps_of(reaches);
    int64_t phases = 1, batch = conv.batch;
    std::array<WindowAxis, 3> axes;
    bool pointwise = true;
    for (size_t i = 0; i < 3; ++i) {
        axes[i] = {conv.axes[i].in, reaches[i].taps(), 1, reaches[i].dilation, -reaches[i].low, 0, blocks.size[i]};
        pointwise = pointwise && axes[i].is_pointwise() && axes[i].in == axes[i].out;
        phases *= reaches[i].phases;
    }
    MatrixProduct product;
    product.source = ctx.input_storage(0);
    product.destination = blocks.place.storage;
    product.destination_stride = blocks.place.stride;
    product.destination_offset = blocks.place.offset + first * blocks.phase_quads;
    product.rows = blocks.pixels;
    product.k_quads = taps * in_quads;
    product.columns = phases == 1 ? conv.out_channels : 4 * phases * blocks.phase_quads;
    product.in_quads = in_quads;
    if (!pointwise) product.window = merge_axes(Window::of(axes), batch);
    product.source_stride = in_quads;
    product.residual_stride = blocks.phase_quads;
    product.half = ctx.half();
    product.epilogue = ctx.node().epilogue;
    if (product.epilogue.residual && blocks.phases > 1) product.epilogue = {};
    // What is told as done are the taps that meet an input, however many zeros are beside them.
    product.depth = conv.flops() / (2 * static_cast<double>(blocks.phases * blocks.pixels * conv.out_channels)) *
                    static_cast<double>(phases * conv.out_channels) / static_cast<double>(product.columns);
    product.pack = [conv, reaches](int tile_columns, int64_t first_column, int64_t columns) {
        return pack_phases(conv, reaches, tile_columns, first_column, columns);
    };
    return product;
}

void interleave(PlanContext &ctx, const Transposed &conv, const Blocks &blocks, const PlanContext::Place &place) {
    DepthToSpace shuffle;
    shuffle.source = blocks.place.storage;
    shuffle.destination = place;
    shuffle.batch = conv.batch;
    shuffle.channels = conv.out_channels;
    shuffle.source_channels = blocks.channels();
    shuffle.phase_step = 4 * blocks.phase_quads;
    shuffle.in = blocks.size;
    for (size_t i = 0; i < 3; ++i) shuffle.out[i] = conv.axes[i].out;
    shuffle.block = blocks.strides;
    dispatch_depth_to_space(ctx, shuffle, ctx.node().epilogue.residual);
}

double least_cost(PlanContext &ctx, const MatrixProduct &product) {
    double cost = std::numeric_limits<double>::infinity();
    for (const ProductTile &tile : product_tiles(ctx, product)) cost = std::min(cost, tile.cost);
    return cost;
}

// By one product for each set of reaches.
Status plan_phases(PlanContext &ctx, const Transposed &conv, const std::vector<Reaches> &sets) {
    const PlanContext::Place place = ctx.output_place();
    Blocks blocks = blocks_of(conv);
    blocks.place = place;
    if (blocks.phases > 1) {
        const StorageId storage = ctx.temporary(ctx.node().name + ".phases", blocks.pixels * blocks.channels());
        blocks.place = {storage, blocks.channels() / 4, 0};
    }
    for (size_t i = 0; i < sets.size(); ++i) {
        const MatrixProduct product = product_of(ctx, conv, sets[i], blocks, static_cast<int64_t>(i));
        // The same product of a convolution has other candidates.
        SAC_TRY(ctx.choose(describe_problem(product) + " of phases", product_candidates(ctx, product)));
    }
    if (blocks.phases > 1) interleave(ctx, conv, blocks, place);
    return {};
}

void add_phases(PlanContext &ctx, const Transposed &conv, const char *name, std::vector<Reaches> sets,
                std::vector<KernelCandidate> &candidates) {
    const Blocks blocks = blocks_of(conv);
    constexpr double dispatch = 9000, texel = 1;  // expected nanoseconds; a texel's to interleave it
    const auto phase_texels = static_cast<double>(blocks.pixels * blocks.phases * blocks.phase_quads);
    double cost = blocks.phases > 1 ? dispatch + texel * phase_texels : 0;
    Blocks expected = blocks;
    expected.place.storage = ctx.input_storage(0);  // until there is one
    for (const Reaches &reaches : sets) {
        const int64_t taps = taps_of(reaches);
        if (taps >= 65535 || !reducible(taps, quads_of(conv.in_channels))) return;
        cost += dispatch + least_cost(ctx, product_of(ctx, conv, reaches, expected, 0));
    }
    candidates.push_back({name, cost, [&ctx, &conv, sets = std::move(sets)] { return plan_phases(ctx, conv, sets); }});
}

void add_phase_candidates(PlanContext &ctx, const Transposed &conv, std::vector<KernelCandidate> &candidates) {
    constexpr int64_t most_phases = 64;
    const Blocks blocks = blocks_of(conv);
    if (conv.group != 1 || blocks.phases > most_phases) return;
    const auto &strides = blocks.strides;
    add_phases(ctx, conv, "side by side", {reaches_of(conv, {0, 0, 0}, strides)}, candidates);
    if (blocks.phases == 1) return;
    std::vector<Reaches> each;
    for (int64_t z = 0; z < strides[0]; ++z)
        for (int64_t y = 0; y < strides[1]; ++y)
            for (int64_t x = 0; x < strides[2]; ++x) each.push_back(reaches_of(conv, {z, y, x}, {1, 1, 1}));
    add_phases(ctx, conv, "one by one", std::move(each), candidates);
}

// --- Gathering ---

// For every quad of output channels a texel of bias, then one for each tap and input channel of the group.
std::vector<float> pack_taps(const Transposed &conv) {
    const int64_t group_in = conv.in_channels / conv.group, group_out = conv.out_channels / conv.group;
    const int64_t terms = conv.taps() * group_in;
    std::vector<float> packed(static_cast<size_t>(quads_of(conv.out_channels) * (1 + terms) * 4), 0.0f);
    for (int64_t m = 0; m < conv.out_channels; ++m) {
        float *out = packed.data() + m / 4 * (1 + terms) * 4 + m % 4;
        if (!conv.bias.empty()) *out = conv.bias[static_cast<size_t>(m)];
        for (int64_t term = 0; term < terms; ++term)
            out[4 * (1 + term)] =
                conv.weight(m / group_out * group_in + term % group_in, m % group_out, term / group_in);
    }
    return packed;
}

// The x with x value = 1 modulo `modulus`; they share no factor, and the modulus is small.
int64_t inverse_of(int64_t value, int64_t modulus) {
    for (int64_t x = 1; x < modulus; ++x) {
        if (x * (value % modulus) % modulus == 1) return x;
    }
    return 0;  // modulo 1
}

// Trips through the kernel's loops, for one output.
int64_t gathered_taps(const Transposed &conv) {
    int64_t trips = 1;
    for (const WindowAxis &axis : conv.axes) {
        const int64_t step = axis.stride / std::gcd(axis.stride, axis.dilation);
        trips *= (axis.kernel + step - 1) / step;
    }
    return trips;
}

Status plan_gather(PlanContext &ctx, const Transposed &conv) {
    const Epilogue &epilogue = ctx.node().epilogue;
    const int64_t group_in = conv.in_channels / conv.group, group_out = conv.out_channels / conv.group;
    constexpr int64_t block_w = 4;  // pixels of a row, each a stride from the next, in an invocation
    const WindowAxis &width = conv.axes[2];
    const int64_t quads = quads_of(conv.out_channels), of_phase = (width.out + width.stride - 1) / width.stride;
    const int64_t blocks = (of_phase + block_w - 1) / block_w;
    const int64_t count = conv.out_pixels() / width.out * blocks * width.stride * quads;
    const StorageId weights = ctx.upload(ctx.node().name + ".weights", quads * (1 + conv.taps() * group_in) * 4,
                                         [conv] { return pack_taps(conv); });
    const StorageId source = ctx.input_storage(0), other = epilogue.residual ? ctx.residual_storage() : weights;
    const PlanContext::Place place = ctx.output_place();
    const auto clamp = as_clamp(epilogue);
    const char *stem = group_in == 1 && group_out == 1           ? "conv_transpose_depthwise"
                       : group_in % 4 == 0 && group_out % 4 == 0 ? "conv_transpose_aligned"
                                                                 : "conv_transpose";
    Dispatch dispatch;
    dispatch.kernel = clamp ? choose_kernel(ctx, stem, {"_t", ""}, {source, weights})
                            : choose_kernel(ctx, stem, {"_full_t", "_full"}, {source, weights, other});
    dispatch.bindings = {reads(source), reads(weights)};
    if (!clamp) dispatch.bindings.push_back(epilogue.residual ? reads_in_place(other) : reads(other));
    dispatch.bindings.push_back(writes(place.storage));
    dispatch.push_words({word(count), word(group_in), word(group_out), word(quads_of(conv.in_channels)),
                         word(conv.out_channels), word(place.stride), word(place.offset), word(blocks),
                         epilogue.residual ? 1u : 0u, epilogue.residual ? word(quads) : 0, 0,
                         static_cast<uint32_t>(epilogue.activation)});
    dispatch.push_float(clamp ? clamp->low : epilogue.a).push_float(clamp ? clamp->high : epilogue.b);
    const auto push_axes = [&](const auto &of) {
        for (const WindowAxis &axis : conv.axes) dispatch.push_words({word(of(axis))});
    };
    push_axes([](const WindowAxis &axis) { return axis.in; });
    push_axes([](const WindowAxis &axis) { return axis.out; });
    push_axes([](const WindowAxis &axis) { return axis.kernel | axis.pad_begin << 16; });
    push_axes([](const WindowAxis &axis) { return axis.stride | axis.dilation << 16; });
    push_axes([](const WindowAxis &axis) {
        const int64_t common = std::gcd(axis.stride, axis.dilation), step = axis.stride / common;
        return step | inverse_of(axis.dilation / common, step) << 16;
    });
    dispatch.groups = {word((count + 63) / 64), 1, 1};
    dispatch.flops = conv.flops();
    ctx.dispatch(std::move(dispatch));
    return {};
}

std::string describe(const PlanContext &ctx, const Transposed &conv) {
    std::string text = ctx.half() ? "conv_transpose f16" : "conv_transpose f32";
    text += format(" %lldx%lld to %lld group %lld", static_cast<long long>(conv.batch),
                   static_cast<long long>(conv.in_channels), static_cast<long long>(conv.out_channels),
                   static_cast<long long>(conv.group));
    for (const WindowAxis &axis : conv.axes) {
        text += format(" axis %lld to %lld kernel %lld stride %lld dilation %lld pad %lld",
                       static_cast<long long>(axis.in), static_cast<long long>(axis.out),
                       static_cast<long long>(axis.kernel), static_cast<long long>(axis.stride),
                       static_cast<long long>(axis.dilation), static_cast<long long>(axis.pad_begin));
    }
    if (ctx.node().epilogue.residual)
        text += " residual";
    else if (!as_clamp(ctx.node().epilogue))
        text += " activation";
    return text;
}

Status plan(PlanContext &ctx) {
    SAC_ASSIGN(const Transposed conv, read(ctx));
    const int64_t group_in = conv.in_channels / conv.group, trips = gathered_taps(conv);
    std::vector<KernelCandidate> candidates;
    add_phase_candidates(ctx, conv, candidates);
    if (reducible(trips, group_in)) {
        // By the speed of the matrix core's portable kernel.
        const auto products =
            static_cast<double>(conv.out_pixels() * quads_of(conv.out_channels) * 4 * trips * group_in);
        candidates.push_back({"gather", 2 * products / 6, [&ctx, &conv] { return plan_gather(ctx, conv); }});
    }
    if (candidates.empty()) { return ctx.unsupported("weights " + to_string(ctx.input(1).shape) + ": too long a sum"); }
    return ctx.choose(describe(ctx, conv), candidates);
}

}  // namespace

SAC_OPERATOR(conv_transpose) = {
    .type = "ConvTranspose", .min_inputs = 2, .infer = infer, .layouts = layouts, .plan = plan};

}  // namespace sac::ops
