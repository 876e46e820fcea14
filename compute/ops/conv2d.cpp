// Conv: y[n, m, o] = act(b[m] + sum over c, k of x[n, c, o stride + k dilation - pad] w[m, c, k] + residual[n, m, o])
// (https://onnx.ai/onnx/operators/onnx__Conv.html). x is N x C x [[D x] H x] W, w is M x C/group x [[kernel_d x]
// kernel_h x] kernel_w. Where the window does nothing along the depth, or nothing beside it, it is one of two axes. One
// group: an implicit matrix product (conv2d.comp, conv3d.comp), or a plain one where the window is a single pixel
// (gemm.comp). A few groups: a dispatch for each. Many small ones: conv2d_grouped.cpp. One for each channel:
// conv2d_depthwise.cpp, conv3d_depthwise.cpp.
#include "compute/ops/conv2d.h"

namespace sac::ops {

namespace {

Status infer(InferContext &ctx) {
    const Shape &x = ctx.shape(0), &w = ctx.shape(1);
    if (x.size() < 3 || x.size() > 5) {
        return ctx.unsupported("an input of shape " + to_string(x) +
                               ": only N x C and one to three spatial axes are implemented");
    }
    if (w.size() != x.size()) return ctx.error("weights " + to_string(w) + " for an input " + to_string(x));
    const std::span<const int64_t> sides = std::span(w).subspan(2);
    const std::vector<int64_t> declared = ctx.node().ints_or("kernel_shape", {});
    if (!declared.empty() && !std::equal(declared.begin(), declared.end(), sides.begin(), sides.end())) {
        return ctx.error("attribute kernel_shape is " + to_string(declared) + ", the weights are " + to_string(w));
    }
    const int64_t group = ctx.node().int_or("group", 1);
    if (group < 1 || x[1] % group != 0 || w[0] % group != 0 || w[1] != x[1] / group || w[0] < 1 || x[1] < 1) {
        return ctx.error(format("%lld groups with an input %s and weights %s", static_cast<long long>(group),
                                to_string(x).c_str(), to_string(w).c_str()));
    }
    if (has_own_input(ctx, 2) && ctx.shape(2) != Shape{w[0]}) {
        return ctx.error("a bias " + to_string(ctx.shape(2)) + " for weights " + to_string(w));
    }
    const auto window = read_window(ctx.node(), x, sides);
    if (!window.ok()) return window.error();
    ctx.set_output(0, ctx.input(0).dtype, window_output(*window, x, w[0]));
    return {};
}

LayoutChoice layouts(const Graph &, const Node &node) {
    return {std::vector<Layout>(node.inputs.size(), Layout::c4), Layout::c4};
}

// The texels of an input pixel that the weights of a single-pixel window look at, as at most two runs. A choice of
// channels before the convolution has become zeros in its weights.
struct ReadQuads {
    int64_t first = 0, count = 0;   // texels that are read, the gap left out
    int64_t skip_at = 0, skip = 0;  // from which of them on there is a gap before, of so many
    int64_t channels = 0;           // with weights that are not all zero

    int64_t source(int64_t quad) const { return first + quad + (quad < skip_at ? 0 : skip); }
};

ReadQuads read_quads(const ConvolutionNode &conv) {
    const int64_t quads = quads_of(conv.in_channels);
    std::vector<bool> used(static_cast<size_t>(quads), false);
    ReadQuads read;
    for (int64_t channel = 0; channel < conv.in_channels; ++channel) {
        bool zero = true;
        for (int64_t column = 0; column < conv.out_channels && zero; ++column)
            zero = conv.weight(column, channel, 0) == 0;
        if (zero) continue;
        used[static_cast<size_t>(channel / 4)] = true;
        ++read.channels;
    }
    if (read.channels == 0) return {0, quads, quads, 0, conv.in_channels};
    const auto at = [&](int64_t quad) { return used[static_cast<size_t>(quad)]; };
    int64_t last = quads - 1, gap = 0, widest = 0, gap_end = quads;
    while (!at(read.first)) ++read.first;
    while (!at(last)) --last;
    for (int64_t quad = read.first; quad <= last; ++quad) {
        gap = at(quad) ? 0 : gap + 1;
        if (gap > widest) {
            widest = gap;
            gap_end = quad + 1;
        }
    }
    read.skip = widest;
    read.count = last + 1 - read.first - widest;
    read.skip_at = widest ? gap_end - widest - read.first : read.count;
    return read;
}

// One dispatch for every `join` groups, as a convolution of one group whose weights between different groups are zero.
Status plan_joined(PlanContext &ctx, const ConvolutionNode &conv, int64_t join) {
    const Window &window = conv.window;
    const int64_t in_group = conv.in_channels / conv.group, out_group = conv.out_channels / conv.group;
    const int64_t taps = conv.taps();
    const bool single = window.is_pointwise() && conv.group == 1;
    ReadQuads read = {0, quads_of(join * in_group), 0, 0, in_group};
    if (single) read = read_quads(conv);
    const int64_t in_quads = read.count, lanes = 4 * in_quads;
    if (!reducible(taps, in_quads)) {
        return ctx.unsupported("weights " + to_string(ctx.input(1).shape) + ": too long a sum");
    }
    MatrixProduct product;
    product.source = ctx.input_storage(0);
    const PlanContext::Place place = ctx.output_place();
    product.destination = place.storage;
    product.destination_stride = place.stride;
    product.rows = conv.out_pixels();
    product.k_quads = taps * in_quads;
    product.columns = join * out_group;
    product.depth = static_cast<double>(taps * read.channels);
    product.skip_at = read.skip_at;
    product.skip = read.skip;
    product.in_quads = in_quads;
    if (!window.is_pointwise()) product.window = window;
    product.source_stride = quads_of(conv.in_channels);
    product.residual_stride = quads_of(conv.out_channels);
    product.half = ctx.half();
    product.epilogue = ctx.node().epilogue;
    for (int64_t first = 0; first < conv.group; first += join) {
        product.source_offset = first * in_group / 4 + read.first;
        product.residual_offset = first * out_group / 4;
        product.destination_offset = place.offset + product.residual_offset;
        const int64_t first_column = first * out_group;
        product.pack = [=, k_quads = product.k_quads](int tile_columns, int64_t begin, int64_t columns) {
            const auto bias = conv.bias.empty()
                                  ? std::span<const float>()
                                  : std::span(conv.bias).subspan(static_cast<size_t>(first_column + begin),
                                                                 static_cast<size_t>(columns));
            return pack_matrix(k_quads, columns, tile_columns, bias, [&](int64_t k) {
                const int64_t lane = single ? 4 * read.source(k / 4) + k % 4 : k % lanes;
                return [&, lane, tap = k / lanes](int64_t at) {
                    const int64_t column = begin + at;
                    const int64_t channel = lane - (join == 1 ? 0 : column / out_group * in_group);
                    return channel >= 0 && channel < in_group ? conv.weight(first_column + column, channel, tap) : 0.0f;
                };
            });
        };
        std::vector<KernelCandidate> candidates = product_candidates(ctx, product);
        if (conv.group == 1 && !window.has_depth()) {
            add_winograd_candidates(ctx, conv, product, candidates);
            add_direct_candidate(ctx, conv, product, candidates);
        }
        // The same product of a whole convolution has other candidates.
        const char *part = conv.group > 1 ? " of groups" : "";
        SAC_TRY(ctx.choose(describe_problem(product) + part, candidates));
    }
    return {};
}

Status plan(PlanContext &ctx) {
    SAC_ASSIGN(const ConvolutionNode conv, ConvolutionNode::read(ctx));
    if (conv.group == conv.in_channels && conv.group == conv.out_channels)
        return conv.window.has_depth() ? plan_depthwise3d(ctx, conv) : plan_depthwise(ctx, conv);
    if (conv.out_channels / conv.group < 16 && conv.group > 4) return plan_grouped(ctx, conv);
    // Groups of whole texels are convolutions of their own. Where they are not, as few as possible are joined.
    for (const int64_t join : {1, 2, 4}) {
        const int64_t in = join * conv.in_channels / conv.group, out = join * conv.out_channels / conv.group;
        if (conv.group % join == 0 && in % 4 == 0 && out % 4 == 0) return plan_joined(ctx, conv, join);
    }
    // All groups in one matrix, most of it zero, while that is small.
    return conv.group <= 4 ? plan_joined(ctx, conv, conv.group) : plan_grouped(ctx, conv);
}

}  // namespace

Result<ConvolutionNode> ConvolutionNode::read(const PlanContext &ctx) {
    const Shape &x = ctx.input(0).shape, &w = ctx.input(1).shape;
    if (!ctx.input(1).constant) return ctx.unsupported("weights that are not constant");
    if (element_count(ctx.output().shape) == 0) return ctx.unsupported("an input without elements");
    ConvolutionNode conv;
    const auto window = read_window(ctx.node(), x, std::span(w).subspan(2));
    if (!window.ok()) return window.error();
    conv.batch = x[0];
    conv.window = merge_axes(*window, conv.batch);
    conv.in_channels = x[1];
    conv.out_channels = w[0];
    conv.group = ctx.node().int_or("group", 1);
    conv.weights = ctx.input(1).constant->as_f32();
    if (has_own_input(ctx, 2)) {
        if (!ctx.input(2).constant) return ctx.unsupported("a bias that is not constant");
        conv.bias = ctx.input(2).constant->to_floats();
    }
    if (conv.batch * conv.window.in_d * conv.window.in_h * conv.window.in_w >= (1 << 30)) {
        return ctx.unsupported("an input of shape " + to_string(x) + ": too many pixels");
    }
    return conv;
}

SAC_OPERATOR(conv2d) = {.type = "Conv", .min_inputs = 2, .infer = infer, .layouts = layouts, .plan = plan};

}  // namespace sac::ops
