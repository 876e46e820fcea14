#pragma once
// The matrix core on the host's side: products with constant weights, which convolutions and linear layers share, and
// with weights that are packed on the device (matmul.cpp). Kernels: conv2d.comp, gemm.comp (on include/matrix_tile.glsl
// and matrix_block.glsl), conv3d.comp (on the former).

#include "compute/ops/window.h"

namespace sac {

/// Columns of a panel of packed weights: 8 lanes x `tile_columns`.
inline int64_t panel_columns(int tile_columns) { return 8 * tile_columns; }
/// Texels of a panel (bias included) of a matrix of 4 k_quads rows.
inline int64_t panel_texels(int64_t k_quads, int tile_columns) { return (2 + 8 * k_quads) * tile_columns; }
inline int64_t panels_of(int64_t columns, int tile_columns) {
    return (columns + panel_columns(tile_columns) - 1) / panel_columns(tile_columns);
}
/// Texels of all panels.
inline int64_t packed_texels(int64_t k_quads, int64_t columns, int tile_columns) {
    return panels_of(columns, tile_columns) * panel_texels(k_quads, tile_columns);
}

/// Packs a matrix of 4 k_quads rows for the kernels of matrix_panel.glsl: `row(k)(column)` gives an element (only
/// asked for columns that exist; zero for a k that does not), `bias` is empty or has a number a column.
template <class Row>
std::vector<float> pack_matrix(int64_t k_quads, int64_t columns, int tile_columns, std::span<const float> bias,
                               const Row &row) {
    std::vector<float> packed(static_cast<size_t>(4 * packed_texels(k_quads, columns, tile_columns)), 0.0f);
    float *out = packed.data();
    for (int64_t first = 0; first < columns; first += panel_columns(tile_columns)) {
        const int64_t count = std::min(panel_columns(tile_columns), columns - first);
        if (!bias.empty()) std::copy_n(bias.data() + first, count, out);
        out += panel_columns(tile_columns);
        for (int64_t quad = 0; quad < k_quads; ++quad) {
            for (int64_t k = 0; k < 4; ++k) {
                const auto element = row(4 * quad + k);
                for (int64_t column = 0; column < count; ++column)
                    out[4 * (column % tile_columns * 8 + column / tile_columns) + k] = element(first + column);
            }
            out += 4 * panel_columns(tile_columns);
        }
    }
    return packed;
}

/// Gives the weights of columns [first, first + columns), packed by pack_matrix for tiles of `tile_columns`. The
/// columns of several products count one product after another, and are asked for a product at a time. Called when they
/// are uploaded, on any thread; owns what it reads.
using PackWeights = std::function<std::vector<float>(int tile_columns, int64_t first, int64_t columns)>;

/// A product with constant weights: rows x 4 k_quads times 4 k_quads x columns.
struct MatrixProduct {
    StorageId source = 0, destination = 0;
    int64_t rows = 0, k_quads = 0, columns = 0;
    double depth = 0;      ///< multiply-adds that the operator asks for, for each row and column: without padding
    int64_t in_quads = 0;  ///< texels of a source row or pixel that are read; without a window: k_quads
    std::optional<Window> window;  ///< a convolution: its k_quads are taps() in_quads; else a plain product
    // Texels of whole rows, and where the ones concerned begin in them: groups of channels.
    int64_t source_stride = 0, source_offset = 0;
    int64_t skip_at = 0, skip = 0;  ///< without a window: texels of a source row from skip_at on lie `skip` further
    int64_t destination_stride = 0, destination_offset = 0;
    int64_t residual_stride = 0, residual_offset = 0;
    /// Products of the same shape, whose rows lie one product after another, with weights of their own. No window then.
    int64_t batches = 1;
    bool repeats_rows = false;  ///< all of these products are of the same rows
    bool half = false;          ///< source, weights and destination are f16
    Epilogue epilogue;          ///< its residual is the node's
    PackWeights pack;

    double flops() const { return 2 * static_cast<double>(batches * rows) * depth * static_cast<double>(columns); }
};

/// A tiling of the matrix core, as a kernel variant that a device has and a product's shapes allow.
struct ProductTile {
    const char *name = "";  ///< the tiling's
    std::string kernel;
    int columns = 4;      ///< of a lane: the weights are packed for them
    int64_t rows = 32;    ///< of a workgroup
    bool full = false;    ///< with the whole epilogue: any activation, and the residual
    int64_t part = 0;     ///< the product's columns that are done at once: as many as have weights that can be bound
    double cost = 0;      ///< expected nanoseconds
    double share_ns = 0;  ///< the same of one row and column
};

/// Never empty.
std::vector<ProductTile> product_tiles(PlanContext &ctx, const MatrixProduct &product);
/// The packed weights for a tile, as a storage: of all columns.
StorageId upload_weights(PlanContext &ctx, const MatrixProduct &product, const ProductTile &tile);
/// Appends the dispatch. `weights` are packed for the tile; the product's rows may be some of those it was made for.
void dispatch_product(PlanContext &ctx, const MatrixProduct &product, const ProductTile &tile, StorageId weights);

/// The name of the product as a problem for a Tuning.
std::string describe_problem(const MatrixProduct &product);
/// The tiles as candidates, whose plans are upload_weights and dispatch_product for each part of the columns; they may
/// not outlive `ctx`.
std::vector<KernelCandidate> product_candidates(PlanContext &ctx, const MatrixProduct &product);
/// Plans the product by the best of its candidates.
Status plan_product(PlanContext &ctx, const MatrixProduct &product);

}  // namespace sac
