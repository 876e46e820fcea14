// Conv in groups against plain loops: many small ones (conv2d_grouped.comp), and a few, each on the matrix core.
#include <doctest/doctest.h>

#include "tests/ops/conv_reference.h"

using namespace sac;
using namespace sac::test;

TEST_CASE("conv2d_grouped: a few groups, of whole texels and not") {
    check_conv({.channels = 16, .h = 7, .w = 6, .out_channels = 32, .group = 4});
    check_conv({.n = 2, .channels = 12, .h = 7, .w = 5, .out_channels = 8, .group = 4}, true,
               {Activation::relu, 0, 0, true});
    check_conv({.channels = 6, .h = 7, .w = 6, .out_channels = 9, .group = 3}, false);
    check_conv({.channels = 10, .h = 4, .w = 4, .out_channels = 20, .group = 10});  // a multiplier of two
    check_conv({.channels = 24,
                .h = 4,
                .w = 4,
                .out_channels = 24,
                .group = 2,
                .kernel_h = 1,
                .kernel_w = 1,
                .pad_top = 0,
                .pad_left = 0,
                .pad_bottom = 0,
                .pad_right = 0},
               true, {Activation::sigmoid});
}

TEST_CASE("conv2d_grouped: many groups, of whole texels and not") {
    for (const Epilogue &epilogue :
         {Epilogue{}, Epilogue{Activation::hard_swish, 0, 0, true}, Epilogue{Activation::silu}}) {
        check_conv({.n = 2, .channels = 32, .h = 7, .w = 6, .out_channels = 64, .group = 8}, true, epilogue);
        check_conv({.channels = 18, .h = 5, .w = 9, .out_channels = 12, .group = 6, .kernel_w = 2, .stride_y = 2},
                   false, epilogue);
        check_conv({.channels = 21,
                    .h = 5,
                    .w = 4,
                    .out_channels = 35,
                    .group = 7,
                    .kernel_h = 1,
                    .kernel_w = 1,
                    .pad_top = 0,
                    .pad_left = 0,
                    .pad_bottom = 0,
                    .pad_right = 0},
                   true, epilogue);
    }
}

TEST_CASE("conv2d_grouped: epilogues") {
    for (const Epilogue &epilogue : all_epilogues()) {
        check_conv({.channels = 24, .h = 4, .w = 5, .out_channels = 24, .group = 6}, true, epilogue);
    }
}

TEST_CASE("conv2d_grouped: every variant was checked") { check_every_variant("ops/conv2d_grouped.comp"); }
