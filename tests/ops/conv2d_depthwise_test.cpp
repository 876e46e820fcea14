// Conv with a filter a channel, against plain loops.
#include <doctest/doctest.h>

#include "tests/ops/conv_reference.h"

using namespace sac;
using namespace sac::test;

namespace {

ConvSizes depthwise(int64_t channels, int64_t h, int64_t w, int64_t side, int64_t stride) {
    const int64_t pad = side / 2;
    return {.channels = channels,
            .h = h,
            .w = w,
            .out_channels = channels,
            .group = channels,
            .kernel_h = side,
            .kernel_w = side,
            .stride_y = stride,
            .stride_x = stride,
            .pad_top = pad,
            .pad_left = pad,
            .pad_bottom = pad,
            .pad_right = pad};
}

}  // namespace

TEST_CASE("conv2d_depthwise: unrolled windows") {
    for (const int64_t side : {3, 5}) {
        for (const int64_t stride : {1, 2}) {
            for (const Epilogue &epilogue :
                 {Epilogue{}, Epilogue{Activation::hard_swish, 0, 0, true}, Epilogue{Activation::silu}}) {
                check_conv(depthwise(24, 16, 12, side, stride), true, epilogue);
                check_conv(depthwise(7, 11, 13, side, stride), true, epilogue);
                check_conv(depthwise(3, 1, 2, side, stride), false, epilogue);
            }
        }
    }
}

TEST_CASE("conv2d_depthwise: windows of every kind") {
    check_conv({.n = 3,
                .channels = 5,
                .h = 9,
                .w = 10,
                .out_channels = 5,
                .group = 5,
                .kernel_h = 2,
                .kernel_w = 7,
                .stride_y = 1,
                .stride_x = 3,
                .pad_top = 0,
                .pad_left = 3,
                .pad_bottom = 1,
                .pad_right = 2});
    check_conv({.channels = 8,
                .h = 13,
                .w = 12,
                .out_channels = 8,
                .group = 8,
                .dilation_y = 2,
                .dilation_x = 3,
                .pad_top = 2,
                .pad_left = 0,
                .pad_bottom = 2,
                .pad_right = 3});
    check_conv({.channels = 6,
                .h = 13,
                .w = 12,
                .out_channels = 6,
                .group = 6,
                .kernel_h = 1,
                .kernel_w = 1,
                .pad_top = 0,
                .pad_left = 0,
                .pad_bottom = 0,
                .pad_right = 0});
    check_conv({.n = 2,
                .channels = 9,
                .h = 8,
                .w = 8,
                .out_channels = 9,
                .group = 9,
                .stride_y = 2,
                .stride_x = 2,
                .pad_top = 0,
                .pad_left = 0});
}

TEST_CASE("conv2d_depthwise: epilogues") {
    for (const Epilogue &epilogue : all_epilogues()) {
        check_conv({.channels = 6, .h = 5, .w = 7, .out_channels = 6, .group = 6, .kernel_w = 2}, true, epilogue);
        check_conv(depthwise(6, 5, 7, 3, 1), true, epilogue);
    }
}

TEST_CASE("conv2d_depthwise: a reduction of more than 65,535 steps is refused") {
    const Status status = load_op(conv_case(
        {.channels = 1, .h = 300, .w = 300, .out_channels = 1, .group = 1, .kernel_h = 257, .kernel_w = 257}));
    REQUIRE(!status.ok());
    CHECK(status.error().code == Code::unsupported);
}

TEST_CASE("conv2d_depthwise: every variant was checked") { check_every_variant("ops/conv2d_depthwise.comp"); }
