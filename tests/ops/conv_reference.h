#pragma once
// Conv in plain loops and double precision: what the three kinds of convolution are compared with.

#include "tests/support/op_runner.h"

namespace sac::test {

struct ConvSizes {
    int64_t n = 1, channels = 3, h = 5, w = 5;  ///< of the input
    int64_t out_channels = 4, group = 1;
    int64_t kernel_h = 3, kernel_w = 3;
    int64_t stride_y = 1, stride_x = 1;
    int64_t dilation_y = 1, dilation_x = 1;
    int64_t pad_top = 1, pad_left = 1, pad_bottom = 1, pad_right = 1;

    int64_t out_h() const { return (h + pad_top + pad_bottom - (kernel_h - 1) * dilation_y - 1) / stride_y + 1; }
    int64_t out_w() const { return (w + pad_left + pad_right - (kernel_w - 1) * dilation_x - 1) / stride_x + 1; }
};

/// A Conv node of those sizes with random input, weights and (if asked for) bias and residual.
OpCase conv_case(const ConvSizes &sizes, bool bias = true, const Epilogue &epilogue = {});

/// The node's output for the case's inputs.
Reference conv_reference(const ConvSizes &sizes, bool bias = true, const Epilogue &epilogue = {});

/// Runs one such case.
void check_conv(const ConvSizes &sizes, bool bias = true, const Epilogue &epilogue = {});

/// Every activation once, with and without a residual.
std::vector<Epilogue> all_epilogues();

}  // namespace sac::test
