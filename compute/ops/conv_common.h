#pragma once
// What convolutions and poolings share: windows and their padding, and the packing of weights for the matrix core.

#include "compute/ops/op_common.h"

namespace sac {

/// A sliding window over one or two spatial axes (with one axis, h is 1). Pixels and steps of pixels.
struct Window {
    int64_t in_h = 1, in_w = 1, out_h = 1, out_w = 1;
    int64_t kernel_h = 1, kernel_w = 1;
    int64_t stride_y = 1, stride_x = 1;
    int64_t dilation_y = 1, dilation_x = 1;
    int64_t pad_top = 0, pad_left = 0, pad_bottom = 0, pad_right = 0;

    bool is_pointwise() const;  ///< 1 x 1 of stride 1 without padding
};

/// Reads auto_pad, ceil_mode, dilations, pads and strides of a node over an input N x C x [H x] W and computes the
/// output's size (https://onnx.ai/onnx/operators/onnx__Conv.html, onnx__MaxPool.html). `kernel` are the
/// window's sides. The error's message has no node name yet: unsupported or invalid_file.
Result<Window> read_window(const Node &node, const Shape &input, std::span<const int64_t> kernel);

/// The shape N x channels x [out_h x] out_w of the window's output; `input` gives N and the rank.
Shape window_output(const Window &window, const Shape &input, int64_t channels);

/// Columns of a panel of the matrix core: 8 lanes x `tile_columns`.
inline int64_t panel_columns(int tile_columns) { return 8 * tile_columns; }
/// Texels of a panel (bias included) of a matrix of 4 k_quads rows.
inline int64_t panel_texels(int64_t k_quads, int tile_columns) { return (2 + 8 * k_quads) * tile_columns; }
/// Texels of all panels.
inline int64_t packed_texels(int64_t k_quads, int64_t columns, int tile_columns) {
    return (columns + panel_columns(tile_columns) - 1) / panel_columns(tile_columns) *
           panel_texels(k_quads, tile_columns);
}

/// Packs a matrix of 4 k_quads rows for the kernels of matrix_tile.glsl: `row(k)(column)` gives an element (only
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

/// A product with constant weights for the kernel conv2d (with `window`) or gemm (without): rows x 4 k_quads times
/// 4 k_quads x columns.
struct MatrixProduct {
    StorageId source = 0, destination = 0;
    int64_t rows = 0, k_quads = 0, columns = 0;
    int64_t depth = 0;               ///< terms of a sum in the operator: without padding and zeros between groups
    int64_t in_quads = 0;            ///< texels of a source row or pixel that are read; gemm: k_quads
    const Window *window = nullptr;  ///< conv2d: its k_quads are kernel_h kernel_w in_quads
    // Texels of whole rows, and where the ones concerned begin in them: groups of channels.
    int64_t source_stride = 0, source_offset = 0;
    int64_t destination_stride = 0, destination_offset = 0;
    int64_t residual_stride = 0, residual_offset = 0;
};

/// The variant for a product: its name, its tile's columns a lane (the weights are packed for them), a workgroup's
/// rows.
struct ProductVariant {
    std::string kernel;
    int tile_columns = 4;
    int64_t group_rows = 32;
    bool full = false;  ///< with the whole epilogue: any activation, and the residual
};

/// True if the kernels can sum so many terms: all loops of an invocation together may count to 65,535 on some drivers.
inline bool reducible(int64_t taps, int64_t in_quads) { return taps * (2 + in_quads) < 65535; }

/// Chooses by shape, by the node's epilogue and by what the device has.
ProductVariant choose_product(PlanContext &ctx, const MatrixProduct &product);

/// The node's weights for the variant, which `pack` gives by pack_matrix when they are uploaded.
StorageId upload_packed(PlanContext &ctx, const MatrixProduct &product, const ProductVariant &variant,
                        std::function<std::vector<float>()> pack);

/// Appends the dispatch, with the node's epilogue. `weights` as pack_matrix gave them for the variant's tile.
void dispatch_product(PlanContext &ctx, const MatrixProduct &product, const ProductVariant &variant, StorageId weights);

}  // namespace sac
