#include "compute/ops/matrix_product.h"

namespace sac {

namespace {

constexpr int64_t piece_elements = 1 << 19;  // of weights that are packed at a time

// The tilings of the kernels conv2d, conv3d and gemm. A name's first number is the rows of a workgroup; the second the
// columns of a lane where tiles stay in registers (include/matrix_tile.glsl), of a workgroup where blocks go through
// shared memory (include/matrix_block.glsl).
struct Tiling {
    const char *name, *suffix;  // of the kernel's name
    int columns;                // of a lane
    int64_t rows;
    bool texel;      // reads source and weights through texel views
    bool only_full;  // there is no variant that only clamps
    // GFLOP/s in the inside of a large product; 0: only for who measures it, if it is there at all. CPU: llvmpipe on
    // two cores of 2.6 GHz. GPU: not measured; what could be expected of one of 10 TFLOP/s in float. Products of halves
    // are for who measures: sixteen of them are added as halves, which end at 65,504.
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
    {"half 64x64", "_h64x64", 8, 64, false, false, 1, 1, 0},
    {"half 128x64", "_h128x64", 8, 128, false, false, 1, 1, 0},
    {"coopmat 32x32", "_c32x32", 4, 32, false, false, 0, 0, 12000},
    {"coopmat 64x64", "_c64x64", 8, 64, false, false, 0, 0, 25000},
    {"coopmat 128x128", "_c128x128", 16, 128, false, false, 0, 0, 40000},
    // By subgroups of 64; and of 8, each 8 x 8 x 8 at a time, which newer CPU drivers offer.
    {"coopmat 32x32 of 64", "_c32x32s64", 4, 32, false, false, 0, 0, 12000},
    {"coopmat 64x64 of 64", "_c64x64s64", 8, 64, false, false, 0, 0, 25000},
    {"coopmat 128x128 of 64", "_c128x128s64", 16, 128, false, false, 0, 0, 40000},
    {"coopmat 32x32 of 8", "_c32x32s8", 4, 32, false, false, 0, 0, 3000},
};

// A GPU is busy with two workgroups on each multiprocessor; how many it has, Vulkan does not tell. Fewer workgroups
// leave some of it idle.
constexpr double busy_groups = 2 * 32;

// What the tiling computes, with the rows and columns beyond the matrix. On llvmpipe the address of a tap costs as much
// as the products of one and a half texels, the bias and the results of a tile as those of four.
double expected_cost(const Tiling &tiling, const MatrixProduct &product, bool cpu) {
    const double speed = !cpu ? tiling.gpu : product.window ? tiling.conv_cpu : tiling.gemm_cpu;
    if (speed == 0) return std::numeric_limits<double>::infinity();
    const int64_t columns = panel_columns(tiling.columns);
    const int64_t row_tiles = (product.rows + tiling.rows - 1) / tiling.rows;
    const auto groups = static_cast<double>(product.batches * row_tiles * panels_of(product.columns, tiling.columns));
    const double taps = static_cast<double>(product.k_quads) / static_cast<double>(product.in_quads);
    const double quads = static_cast<double>(product.k_quads) + (product.window ? 1.5 * taps : 0.0) + 4.0;
    return 8.0 * (cpu ? groups : std::max(groups, busy_groups)) * static_cast<double>(tiling.rows * columns) * quads /
           speed;
}

const char *stem_of(const MatrixProduct &product) {
    if (!product.window) return "gemm";
    return product.window->has_depth() ? "conv3d" : "conv2d";
}

// Columns of whose weights a binding of the kernel can hold all, in whole panels; 0: not even one panel.
int64_t columns_at_once(const vk::Caps &caps, const MatrixProduct &product, const ProductTile &tile, bool texels) {
    const int64_t panel = product.batches * panel_texels(product.k_quads, tile.columns);
    const uint64_t bytes = std::min<uint64_t>(caps.limits.maxStorageBufferRange, caps.max_allocation);
    int64_t most = static_cast<int64_t>(bytes / (product.half ? 8 : 16)) / panel;
    if (texels) most = std::min(most, static_cast<int64_t>(caps.limits.maxTexelBufferElements) / panel);
    if (most == 0) return 0;
    const int64_t panels = panels_of(product.columns, tile.columns), parts = (panels + most - 1) / most;
    return (panels + parts - 1) / parts * panel_columns(tile.columns);
}

// The product of columns [first, first + columns) alone.
MatrixProduct part_of(const MatrixProduct &product, int64_t first, int64_t columns) {
    MatrixProduct part = product;
    part.columns = columns;
    part.destination_offset += first / 4;
    part.residual_offset += first / 4;
    part.pack = [pack = product.pack, first](int tile_columns, int64_t from, int64_t count) {
        return pack(tile_columns, first + from, count);
    };
    return part;
}

}  // namespace

std::vector<ProductTile> product_tiles(PlanContext &ctx, const MatrixProduct &product) {
    const StorageId other = product.epilogue.residual ? ctx.residual_storage() : product.source;
    // Of rows that are still to be made there is no storage yet that could tell whether a view holds them.
    const int64_t row_texels =
        product.window ? 0 : (product.repeats_rows ? 1 : product.batches) * product.rows * product.source_stride;
    const bool viewed = row_texels <= static_cast<int64_t>(ctx.caps().limits.maxTexelBufferElements);
    std::vector<ProductTile> tiles;
    for (const Tiling &tiling : tilings) {
        if (tiling.texel && !viewed) continue;
        ProductTile tile = {tiling.name, {}, tiling.columns, tiling.rows};
        const std::string stem = std::string(stem_of(product)) + (product.half ? "_f16" : "_f32");
        std::vector<std::string_view> epilogues = epilogue_variants(product.epilogue);
        if (tiling.only_full) epilogues = {"_full"};
        for (const std::string_view epilogue : epilogues) {
            tile.full = !epilogue.empty();
            (tile.kernel = stem).append(tiling.suffix).append(epilogue);
            if (ctx.available(tile.kernel, {product.source, other})) break;
        }
        if (!ctx.available(tile.kernel, {product.source, other})) continue;
        tile.part = columns_at_once(ctx.caps(), product, tile, tiling.texel);
        if (tile.part == 0) {
            if (*tiling.suffix != '\0') continue;
            tile.part = product.columns;  // there is nothing else: the memory planner tells that it does not fit
        }
        const double dispatch = ctx.caps().is_cpu ? 9000 : 5000;    // nanoseconds
        const int64_t further = (product.columns - 1) / tile.part;  // dispatches, after the first
        tile.cost = expected_cost(tiling, product, ctx.caps().is_cpu) + dispatch * static_cast<double>(further);
        tile.share_ns = tile.cost / static_cast<double>(product.rows * product.columns);
        tiles.push_back(std::move(tile));
    }
    return tiles;
}

StorageId upload_weights(PlanContext &ctx, const MatrixProduct &product, const ProductTile &tile) {
    const std::string name = ctx.node().name + ".weights";
    const DType type = product.half ? DType::f16 : DType::f32;
    const int64_t panels = panels_of(product.columns, tile.columns);
    const int64_t panel = 4 * panel_texels(product.k_quads, tile.columns);
    // In pieces, for all cores: some panels of the product, or of several products one.
    const bool several = product.batches > 1;
    const int64_t at_once = several ? panels : std::clamp(piece_elements / panel, int64_t{1}, panels);
    const int64_t width = several ? product.columns : at_once * panel_columns(tile.columns);
    const auto pack = [pack = product.pack, tile_columns = tile.columns, columns = product.batches * product.columns,
                       width](int64_t piece) {
        return pack(tile_columns, piece * width, std::min(width, columns - piece * width));
    };
    return ctx.upload(name, product.batches * panels * panel, at_once * panel, pack, type);
}

void dispatch_product(PlanContext &ctx, const MatrixProduct &product, const ProductTile &tile, StorageId weights) {
    const Epilogue &epilogue = product.epilogue;
    Dispatch dispatch;
    dispatch.kernel = tile.kernel;
    dispatch.bindings = {reads(product.source), reads(weights)};
    // Without a residual the weights stand in for it: a texel of them is read and left out.
    if (tile.full)
        dispatch.bindings.push_back(epilogue.residual ? reads_in_place(ctx.residual_storage()) : reads(weights));
    const bool part = quads_of(product.columns) != product.destination_stride;
    dispatch.bindings.push_back(part ? writes_part(product.destination) : writes(product.destination));
    const int64_t panels = panels_of(product.columns, tile.columns);
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
        dispatch.push_words({product.repeats_rows ? 0u : word(product.rows * product.source_stride),
                             word(panels * panel), word(product.rows * product.destination_stride),
                             word(product.skip_at), word(product.skip)});
    }
    dispatch.groups = {word(row_tiles * panels), word(product.batches), 1};
    dispatch.flops = product.flops();
    dispatch.expected_ns = tile.share_ns * static_cast<double>(product.rows * product.columns);
    ctx.dispatch(std::move(dispatch));
}

std::string describe_problem(const MatrixProduct &product) {
    std::string text = stem_of(product);
    text += product.half ? " f16" : " f32";
    text += format(" %lldx%lldx%lld", static_cast<long long>(product.rows), 4 * static_cast<long long>(product.k_quads),
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

std::vector<KernelCandidate> product_candidates(PlanContext &ctx, const MatrixProduct &product) {
    std::vector<KernelCandidate> candidates;
    for (const ProductTile &tile : product_tiles(ctx, product)) {
        candidates.push_back({tile.name, tile.cost, [&ctx, product, tile]() -> Status {
                                  for (int64_t first = 0; first < product.columns; first += tile.part) {
                                      const int64_t columns = std::min(tile.part, product.columns - first);
                                      const MatrixProduct part = part_of(product, first, columns);
                                      dispatch_product(ctx, part, tile, upload_weights(ctx, part, tile));
                                  }
                                  return {};
                              }});
    }
    return candidates;
}

Status plan_product(PlanContext &ctx, const MatrixProduct &product) {
    return ctx.choose(describe_problem(product), product_candidates(ctx, product));
}

}  // namespace sac
