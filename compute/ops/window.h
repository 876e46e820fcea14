#pragma once
// Windows that slide over spatial axes: of convolutions, of transposed convolutions and of poolings.

#include <array>

#include "compute/ops/op_common.h"

namespace sac {

/// A window along one axis. Pixels and steps of pixels; the kernel's side is that without dilation.
struct WindowAxis {
    int64_t in = 1, kernel = 1, stride = 1, dilation = 1, pad_begin = 0, pad_end = 0, out = 1;

    /// True if every output pixel is the window's own input pixel.
    bool is_pointwise() const { return kernel == 1 && stride == 1 && pad_begin == 0 && pad_end == 0; }
};

/// A sliding window over one to three spatial axes (of those that are missing, first depth and then height, all is 1).
struct Window {
    int64_t in_d = 1, in_h = 1, in_w = 1, out_d = 1, out_h = 1, out_w = 1;
    int64_t kernel_d = 1, kernel_h = 1, kernel_w = 1;
    int64_t stride_z = 1, stride_y = 1, stride_x = 1;
    int64_t dilation_z = 1, dilation_y = 1, dilation_x = 1;
    int64_t pad_front = 0, pad_top = 0, pad_left = 0, pad_back = 0, pad_bottom = 0, pad_right = 0;

    static Window of(const std::array<WindowAxis, 3> &axes);  ///< depth, height, width
    std::array<WindowAxis, 3> axes() const;

    bool is_pointwise() const;  ///< one pixel of stride 1 without padding
    /// True if depth takes part: two axes are not enough.
    bool has_depth() const { return in_d != 1 || out_d != 1 || kernel_d != 1; }
    int64_t taps() const { return kernel_d * kernel_h * kernel_w; }
};

/// Reads auto_pad, ceil_mode, dilations, pads and strides of a node over an input N x C x [[D x] H x] W and computes
/// the output's size (https://onnx.ai/onnx/operators/onnx__Conv.html, onnx__MaxPool.html). `kernel` are the window's
/// sides. The error's message has no node name yet: unsupported or invalid_file.
Result<Window> read_window(const Node &node, const Shape &input, std::span<const int64_t> kernel);

/// The same of a transposed convolution, whose window slides over the output: output o of an axis is the sum over taps
/// k with o = i stride + k dilation - pad_begin. Also reads output_padding and output_shape
/// (https://onnx.ai/onnx/operators/onnx__ConvTranspose.html).
Result<std::array<WindowAxis, 3>> read_transposed_window(const Node &node, const Shape &input,
                                                         std::span<const int64_t> kernel);

/// The window over two axes where one of three does nothing, or two do; the window itself where all are needed:
///   1 x h x w  over each slice of the depth, which joins `batch`
///   d x 1 x 1  over images of in_d by in_h in_w pixels
Window merge_axes(const Window &window, int64_t &batch);

/// The shape N x channels x [[out_d x] out_h x] out_w of the window's output; `input` gives N and the rank.
Shape window_output(const Window &window, const Shape &input, int64_t channels);

/// Appends a window over three axes as push constants: sizes of input and output, sides with strides in their upper
/// halves, dilations, pads; each for depth, height and width.
void push_window(Dispatch &dispatch, const Window &window);

/// True if the kernels can sum so many terms: all loops of an invocation together may count to 65,535 on some drivers.
inline bool reducible(int64_t taps, int64_t in_quads) { return taps * (2 + in_quads) < 65535; }

}  // namespace sac
