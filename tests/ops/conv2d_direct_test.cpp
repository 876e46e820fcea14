// Conv of few input channels against plain loops. What is expected to be slower is run as well: check_conv takes each
// candidate in turn.
#include <doctest/doctest.h>

#include "tests/ops/conv_reference.h"

using namespace sac;
using namespace sac::test;

TEST_CASE("conv2d_direct: one to four channels, unrolled and not") {
    for (const int64_t channels : {1, 2, 3, 4}) {
        for (const int64_t stride : {1, 2}) {
            for (const Epilogue &epilogue :
                 {Epilogue{}, Epilogue{Activation::leaky_relu, 0.1f, 0, true}, Epilogue{Activation::silu}}) {
                check_conv(
                    {.channels = channels, .h = 11, .w = 9, .out_channels = 13, .stride_y = stride, .stride_x = stride},
                    true, epilogue);
            }
        }
    }
}

TEST_CASE("conv2d_direct: windows of every kind") {
    check_conv({.n = 3, .channels = 3, .h = 1, .w = 2, .out_channels = 24});
    check_conv({.n = 2,
                .channels = 3,
                .h = 19,
                .w = 23,
                .out_channels = 7,
                .kernel_h = 5,
                .kernel_w = 2,
                .stride_y = 3,
                .stride_x = 1,
                .dilation_y = 2,
                .dilation_x = 3,
                .pad_top = 2,
                .pad_left = 0,
                .pad_bottom = 0,
                .pad_right = 5},
               false, {Activation::tanh});
}

TEST_CASE("conv2d_direct: every variant was checked") { check_every_variant("ops/conv2d_direct.comp"); }
