#include "compute/ops/matrix_product.h"

namespace sac {

namespace {

// The tilings of the kernels conv2d, conv3d and gemm. A name's first number is the rows of a workgroup; the second the
// columns of a lane where tiles stay in registers (include/matrix_tile.glsl), of a workgroup where blocks go through
// shared memory (include/matrix_block.glsl).
struct Tiling {
    const char *name, *suffix;  // of the kernel's name
    int columns;                // of a lane
    int64_t rows;
    bool texel;      // reads the weights through a texel view
    bool only_full;  // there is no variant that only clamps
    // GFLOP/s in the inside of a large product; 0: there is no such kernel. CPU: llvmpipe on two cores of 2.6 GHz. GPU:
    // not measured; what could be expected of one of 10 TFLOP/s in float.
    double conv_cpu, gemm_cpu, gpu;
};

constexpr Tiling tilings[] = {
    {"portable", "", 4, 32, false, false, 7, 6, 1000},
    {"1x4", "_t1x4", 4, 1, true, true, 0, 7, 0},
    {"16x8", "_s16x8", 8, 16, true, false, 0, 58, 0},
    {"32x4", "_s32x4", 4, 32, true, false, 84, 61, 0},
    {"24x8", "_s24x8", 8, 24, true, false, 91, 61, 0},
    {"25x8", "_s25x8", 8, 25, true, false, 91, 61, 0},
    {"28x4", "_s28x4", 4, 28, true, false, 84, 61, 0},
    {"32x32", "_b32x32", 4, 32, false, false, 5, 5, 3000},
    {"64x64", "_b64x64", 8, 64, false, false, 5, 5, 6000},
    {"128x64", "_b128x64", 8, 128, false, false, 5, 5, 7000},
    {"128x128", "_b128x128", 16, 128, false, false, 5, 5, 8000},
    {"half 64x64", "_h64x64", 8, 64, false, false, 1, 1, 9000},
    {"half 128x64", "_h128x64", 8, 128, false, false, 1, 1, 11000},
    {"coopmat 32x32", "_c32x32", 4, 32, false, false, 0, 0, 12000},
    {"coopmat 64x64", "_c64x64", 8, 64, false, false, 0, 0, 25000},
    {"coopmat 128x128", "_c128x128", 16, 128, false, false, 0, 0, 40000},
};

// A GPU is busy with two workgroups on each multiprocessor; how many it has, Vulkan does not tell. Fewer workgroups
// leave some of it idle.
constexpr double busy_groups = 2 * 32;

// What the tiling computes, with the rows and columns beyond the matrix.
double expected_cost(const Tiling &tiling, const MatrixProduct &product, bool cpu) {
    const double speed = !cpu ? tiling.gpu : product.window ? tiling.conv_cpu : tiling.gemm_cpu;
    if (speed == 0) return std::numeric_limits<double>::infinity();
    const int64_t columns = panel_columns(tiling.columns);
    const int64_t row_tiles = (product.rows + tiling.rows - 1) / tiling.rows,
                  panels = (product.columns + columns - 1) / columns;
    const auto groups = static_cast<double>(product.batches * row_tiles * panels);
    return 8.0 * (cpu ? groups : std::max(groups, busy_groups)) * static_cast<double>(tiling.rows * columns) *
           static_cast<double>(product.k_quads) / speed;
}

const char *stem_of(const MatrixProduct &product) {
    if (!product.window) return "gemm";
    return product.window->has_depth() ? "conv3d" : "conv2d";
}

StorageId residual_of(PlanContext &ctx, const MatrixProduct &product, StorageId otherwise) {
    return product.epilogue.residual ? ctx.residual_storage() : otherwise;
}

}  // namespace

std::vector<ProductTile> product_tiles(PlanContext &ctx, const MatrixProduct &product) {
    const StorageId other = residual_of(ctx, product, product.source);
    std::vector<ProductTile> tiles;
    for (const Tiling &tiling : tilings) {
        ProductTile tile = {tiling.name, {}, tiling.columns, tiling.rows};
        const std::string stem = std::string(stem_of(product)) + (product.half ? "_f16" : "_f32");
        std::vector<std::string_view> epilogues = epilogue_variants(product.epilogue);
        if (tiling.only_full) epilogues = {"_full"};
        for (const std::string_view epilogue : epilogues) {
            tile.full = !epilogue.empty();
            (tile.kernel = stem).append(tiling.suffix).append(epilogue);
            if (ctx.available(tile.kernel, {product.source, other})) break;
        }
        // Texels of the packed weights also have to fit a texel view; they are not uploaded yet.
        const int64_t texels = product.batches * packed_texels(product.k_quads, product.columns, tile.columns);
        const bool viewable = texels <= static_cast<int64_t>(ctx.caps().limits.maxTexelBufferElements);
        if (!ctx.available(tile.kernel, {product.source, other}) || (tiling.texel && !viewable)) continue;
        tile.cost = expected_cost(tiling, product, ctx.caps().is_cpu);
        tiles.push_back(std::move(tile));
    }
    return tiles;
}

StorageId upload_weights(PlanContext &ctx, const MatrixProduct &product, const ProductTile &tile) {
    return ctx.upload(
        ctx.node().name + ".weights",
        4 * product.batches * packed_texels(product.k_quads, product.columns, tile.columns),
        [pack = product.pack, columns = tile.columns] { return pack(columns); },
        product.half ? DType::f16 : DType::f32);
}

void dispatch_product(PlanContext &ctx, const MatrixProduct &product, const ProductTile &tile, StorageId weights) {
    const Epilogue &epilogue = product.epilogue;
    Dispatch dispatch;
    dispatch.kernel = tile.kernel;
    dispatch.bindings = {reads(product.source), reads(weights)};
    // Without a residual the weights stand in for it: they are finite, and what is read is multiplied by zero.
    if (tile.full) dispatch.bindings.push_back(reads(residual_of(ctx, product, weights)));
    dispatch.bindings.push_back(writes(product.destination));
    const int64_t panels = (product.columns + panel_columns(tile.columns) - 1) / panel_columns(tile.columns);
    const int64_t row_tiles = (product.rows + tile.rows - 1) / tile.rows;
    const int64_t panel = panel_texels(product.k_quads, tile.columns);
    // Few weights stay in the cache whole: then a workgroup's neighbours share its rows, else its panel.
    const bool panels_inner = panels > 1 && panels * panel * 4 * (product.half ? 2 : 4) <= 512 * 1024;
    const bool residual = epilogue.residual;
    dispatch.push_words({word(product.rows), word(product.in_quads), word(product.source_stride),
                         word(product.source_offset), word(product.columns), word(product.destination_stride),
                         word(product.destination_offset), residual ? 1u : 0u,
                         residual ? word(product.residual_stride) : 0, residual ? word(product.residual_offset) : 0,
                         word(panel), word(panels_inner ? panels : row_tiles), panels_inner ? 1u : 0u});
    const Clamp clamp = as_clamp(epilogue).value_or(Clamp{epilogue.a, epilogue.b});
    dispatch.push_words({static_cast<uint32_t>(epilogue.activation)});
    dispatch.push_float(tile.full ? epilogue.a : clamp.low).push_float(tile.full ? epilogue.b : clamp.high);
    if (const auto &w = product.window; w && w->has_depth()) {
        push_window(dispatch, *w);
    } else if (w) {
        dispatch.push_words({word(w->in_h), word(w->in_w), word(w->out_h), word(w->out_w), word(w->kernel_h),
                             word(w->kernel_w), word(w->stride_y), word(w->stride_x), word(w->dilation_y),
                             word(w->dilation_x), word(w->pad_top), word(w->pad_left)});
    } else {
        dispatch.push_words({word(product.rows * product.source_stride), word(panels * panel),
                             word(product.rows * product.destination_stride), word(product.skip_at),
                             word(product.skip)});
    }
    dispatch.groups = {word(row_tiles * panels), word(product.batches), 1};
    dispatch.flops = product.flops();
    ctx.dispatch(std::move(dispatch));
}

std::string describe_problem(const MatrixProduct &product) {
    std::string text = stem_of(product);
    text += product.half ? " f16" : " f32";
    text += format(" %lldx%lldx%lld", static_cast<long long>(product.rows), static_cast<long long>(4 * product.k_quads),
                   static_cast<long long>(product.columns));
    if (product.batches > 1) text += format(" by %lld", static_cast<long long>(product.batches));
    if (const auto &w = product.window) {
        text += format(" image %lldx%lld kernel %lldx%lld stride %lldx%lld dilation %lldx%lld pad %lldx%lld",
                       static_cast<long long>(w->in_h), static_cast<long long>(w->in_w),
                       static_cast<long long>(w->kernel_h), static_cast<long long>(w->kernel_w),
                       static_cast<long long>(w->stride_y), static_cast<long long>(w->stride_x),
                       static_cast<long long>(w->dilation_y), static_cast<long long>(w->dilation_x),
                       static_cast<long long>(w->pad_top), static_cast<long long>(w->pad_left));
        if (w->has_depth()) {
            text +=
                format(" depth %lld kernel %lld stride %lld dilation %lld pad %lld", static_cast<long long>(w->in_d),
                       static_cast<long long>(w->kernel_d), static_cast<long long>(w->stride_z),
                       static_cast<long long>(w->dilation_z), static_cast<long long>(w->pad_front));
        }
    }
    if (product.epilogue.residual)
        text += " residual";
    else if (!as_clamp(product.epilogue))
        text += " activation";
    return text;
}

std::vector<Candidate> product_candidates(PlanContext &ctx, const MatrixProduct &product) {
    std::vector<Candidate> candidates;
    for (const ProductTile &tile : product_tiles(ctx, product)) {
        candidates.push_back({tile.name, tile.cost, [&ctx, product, tile]() -> Status {
                                  dispatch_product(ctx, product, tile, upload_weights(ctx, product, tile));
                                  return {};
                              }});
    }
    return candidates;
}

Status plan_product(PlanContext &ctx, const MatrixProduct &product) {
    return ctx.choose(describe_problem(product), product_candidates(ctx, product));
}

}  // namespace sac
