#pragma once
// What convolutions and poolings share: windows and their padding.

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

/// True if the kernels can sum so many terms: all loops of an invocation together may count to 65,535 on some drivers.
inline bool reducible(int64_t taps, int64_t in_quads) { return taps * (2 + in_quads) < 65535; }

}  // namespace sac
