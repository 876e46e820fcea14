// Conv of 3 x 3 windows of stride 1 by Winograd's F(4x4, 3x3): 36 products for 16 outputs in place of 144 (Lavin and
// Gray, Fast Algorithms for Convolutional Neural Networks, 2015). Tiles of the image are transformed, multiplied by
// transformed weights in 36 products of the matrix core, and transformed back; all of it in f32, whatever the tensors
// are.
#include "compute/ops/conv2d.h"

namespace sac::ops {

namespace {

constexpr int64_t points = 36, side = 4;
// Tiles are taken so many at a time that what is between the steps stays in a cache, and small.
constexpr int64_t chunk_bytes = 4 << 20;

// Of G g G', to which a window's g is transformed (shaders/include/winograd.glsl has the points), the element `point`,
// row by row, is the sum of these times g's elements.
std::array<double, 9> factors_of(int64_t point) {
    static const double half = std::sqrt(0.5), two = std::sqrt(2.0);
    const double g[6][3] = {{1, 0, 0},
                            {-1 / 1.5, -half / 1.5, -0.5 / 1.5},
                            {-1 / 1.5, half / 1.5, -0.5 / 1.5},
                            {1.0 / 6, two / 6, 2.0 / 6},
                            {1.0 / 6, -two / 6, 2.0 / 6},
                            {0, 0, 1}};
    std::array<double, 9> factors;
    for (size_t y = 0; y < 3; ++y)
        for (size_t x = 0; x < 3; ++x) factors[3 * y + x] = g[point / 6][y] * g[point % 6][x];
    return factors;
}

// The matrix of in_channels by out_channels of one of the points.
std::vector<float> pack(const ConvolutionNode &conv, int tile_columns, int64_t point) {
    const std::array<double, 9> factors = factors_of(point);
    const auto *weights = reinterpret_cast<const float *>(conv.weights.bytes);
    return pack_matrix(quads_of(conv.in_channels), conv.out_channels, tile_columns, {}, [&](int64_t channel) {
        return [&, channel](int64_t column) {
            if (channel >= conv.in_channels) return 0.0f;
            const float *window = weights + (column * conv.in_channels + channel) * 9;
            double sum = 0;
            for (size_t i = 0; i < 9; ++i) sum += factors[i] * window[i];
            return static_cast<float>(sum);
        };
    });
}

struct Tiles {
    int64_t h, w, count;  // of the output, of all images
    int64_t chunk;        // at a time
};

Tiles tiles_of(const ConvolutionNode &conv) {
    Tiles tiles = {};
    tiles.h = (conv.window.out_h + side - 1) / side;
    tiles.w = (conv.window.out_w + side - 1) / side;
    tiles.count = conv.batch * tiles.h * tiles.w;
    const int64_t bytes = points * 16 * (quads_of(conv.in_channels) + quads_of(conv.out_channels));
    const int64_t most = std::max<int64_t>(96, chunk_bytes / bytes);
    const int64_t chunks = (tiles.count + most - 1) / most;
    tiles.chunk = round_up((tiles.count + chunks - 1) / chunks, 48);  // a multiple of the matrix core's rows
    tiles.chunk = std::min(tiles.chunk, tiles.count);
    return tiles;
}

void dispatch_input(PlanContext &ctx, const ConvolutionNode &conv, const MatrixProduct &whole, const Tiles &tiles,
                    int64_t first, const MatrixProduct &product) {
    Dispatch dispatch;
    dispatch.kernel = choose_kernel(ctx, "conv2d_winograd_input", {"_t", ""}, {whole.source});
    dispatch.bindings = {reads(whole.source), writes(product.source)};
    const int64_t count = product.rows * whole.in_quads;
    dispatch.push_words({word(count), word(product.rows), word(first), word(tiles.h), word(tiles.w),
                         word(whole.in_quads), word(whole.source_stride), word(whole.source_offset),
                         word(conv.window.in_h), word(conv.window.in_w), word(conv.window.pad_top),
                         word(conv.window.pad_left)});
    dispatch.groups = {word((count + 63) / 64), 1, 1};
    ctx.dispatch(std::move(dispatch));
}

void dispatch_output(PlanContext &ctx, const ConvolutionNode &conv, const MatrixProduct &whole, const Tiles &tiles,
                     int64_t first, const MatrixProduct &product, StorageId bias) {
    const Epilogue &epilogue = whole.epilogue;
    const auto clamp = as_clamp(epilogue);
    Dispatch dispatch;
    const StorageId other = epilogue.residual ? ctx.residual_storage() : bias;
    const std::string_view variant = epilogue_variants(epilogue)[0];
    const std::string texel = "_t" + std::string(variant);
    dispatch.kernel =
        choose_kernel(ctx, "conv2d_winograd_output", {texel, variant}, {product.destination, bias, other});
    dispatch.bindings = {reads(product.destination), reads(bias)};
    if (!clamp) dispatch.bindings.push_back(epilogue.residual ? reads_in_place(other) : reads(other));
    dispatch.bindings.push_back(writes_part(whole.destination));  // the chunk's rows
    const int64_t count = product.rows * quads_of(conv.out_channels);
    dispatch.push_words({word(count), word(product.rows), word(first), word(tiles.h), word(tiles.w),
                         word(conv.out_channels), word(whole.destination_stride), word(whole.destination_offset),
                         epilogue.residual ? 1u : 0u, epilogue.residual ? word(whole.residual_stride) : 0,
                         word(whole.residual_offset), word(conv.window.out_h), word(conv.window.out_w),
                         static_cast<uint32_t>(epilogue.activation)});
    dispatch.push_float(clamp ? clamp->low : epilogue.a).push_float(clamp ? clamp->high : epilogue.b);
    dispatch.groups = {word((count + 63) / 64), 1, 1};
    ctx.dispatch(std::move(dispatch));
}

Status plan_winograd(PlanContext &ctx, const ConvolutionNode &conv, const MatrixProduct &whole, MatrixProduct product,
                     const ProductTile &tile) {
    const Tiles tiles = tiles_of(conv);
    product.source = ctx.temporary(ctx.node().name + ".tiles", points * tiles.chunk * 4 * product.k_quads, DType::f32);
    product.destination =
        ctx.temporary(ctx.node().name + ".products", points * tiles.chunk * 4 * product.destination_stride, DType::f32);
    const StorageId weights = upload_weights(ctx, product, tile);
    const StorageId bias = ctx.upload(
        ctx.node().name + ".bias", round_up(conv.out_channels, 4),
        [bias = conv.bias, count = static_cast<size_t>(conv.out_channels)]() mutable {
            bias.resize(count);
            return bias;
        },
        DType::f32);
    for (int64_t first = 0; first < tiles.count; first += tiles.chunk) {
        product.rows = std::min(tiles.chunk, tiles.count - first);
        dispatch_input(ctx, conv, whole, tiles, first, product);
        dispatch_product(ctx, product, tile, weights);
        dispatch_output(ctx, conv, whole, tiles, first, product, bias);
    }
    return {};
}

}  // namespace

void add_winograd_candidates(PlanContext &ctx, const ConvolutionNode &conv, const MatrixProduct &whole,
                             std::vector<KernelCandidate> &candidates) {
    const Window &w = conv.window;
    if (w.kernel_h != 3 || w.kernel_w != 3 || w.stride_y != 1 || w.stride_x != 1 || w.dilation_y != 1 ||
        w.dilation_x != 1 || conv.group != 1)
        return;
    const Tiles tiles = tiles_of(conv);
    MatrixProduct product;
    product.source = product.destination = whole.source;  // until they are made
    product.rows = tiles.chunk;
    product.k_quads = product.in_quads = product.source_stride = whole.in_quads;
    product.columns = conv.out_channels;
    product.destination_stride = quads_of(conv.out_channels);
    product.batches = points;
    // What is told as done is the convolution, not the fewer products.
    product.depth = whole.flops() / (2 * static_cast<double>(points * tiles.count * conv.out_channels));
    product.pack = [conv](int tile_columns, int64_t first, int64_t) {
        return pack(conv, tile_columns, first / conv.out_channels);
    };
    // Nanoseconds of a texel's 6 x 6 tile in a transform; of a dispatch; of a byte of weights. CPU: measured on
    // llvmpipe, two cores. GPU: a guess, by 400 GB/s.
    const bool cpu = ctx.caps().is_cpu;
    const double input_tile = cpu ? 40 : 1.5, output_tile = input_tile, dispatch = cpu ? 9000 : 5000,
                 weight_byte = cpu ? 0.1 : 0.0025;
    const auto count = static_cast<double>(tiles.count);
    const double chunks = std::ceil(count / static_cast<double>(tiles.chunk));
    // Halves are asked for to save memory, and these weights take eight times that of the window's: only if measured.
    const double unless_half = whole.half ? std::numeric_limits<double>::infinity() : 1;
    const int64_t texels = points * tiles.chunk * std::max(product.k_quads, product.destination_stride);
    if (16 * texels > static_cast<int64_t>(ctx.caps().limits.maxStorageBufferRange)) return;
    for (const ProductTile &tile : product_tiles(ctx, product)) {
        if (tile.part < product.columns) continue;  // weights that cannot be bound as a whole
        const auto bytes =
            static_cast<double>(points * 16 * packed_texels(product.k_quads, product.columns, tile.columns));
        const double cost =
            unless_half * (tile.cost * chunks + count * static_cast<double>(product.k_quads) * input_tile +
                           count * static_cast<double>(product.destination_stride) * output_tile +
                           chunks * (3 * dispatch + bytes * weight_byte));
        candidates.push_back({std::string("winograd ") + tile.name, cost, [&ctx, conv, whole, product, tile] {
                                  return plan_winograd(ctx, conv, whole, product, tile);
                              }});
    }
}

}  // namespace sac::ops
