// Conv of 3 x 3 windows of stride 1 against plain loops, as Winograd's F(4x4, 3x3) by every tile of the matrix core.
// What is expected to be slower is run as well: check_conv takes each candidate in turn.
#include <doctest/doctest.h>

#include "compute/onnx/model_writer.h"
#include "tests/ops/conv_reference.h"
#include "tests/ops/every_candidate.h"
#include "tests/support/device.h"

using namespace sac;
using namespace sac::test;

TEST_CASE("winograd: images that tiles of four fill, and that they do not") {
    check_conv({.channels = 16, .h = 16, .w = 12, .out_channels = 32});
    check_conv({.n = 3, .channels = 5, .h = 7, .w = 13, .out_channels = 37});
    check_conv({.channels = 1, .h = 1, .w = 1, .out_channels = 1});
    check_conv({.channels = 67, .h = 3, .w = 29, .out_channels = 9}, false);
}

TEST_CASE("winograd: padding of every side, and none") {
    check_conv({.channels = 6, .h = 9, .w = 10, .out_channels = 5, .pad_top = 0, .pad_left = 2, .pad_right = 0});
    check_conv({.channels = 4,
                .h = 6,
                .w = 6,
                .out_channels = 8,
                .pad_top = 0,
                .pad_left = 0,
                .pad_bottom = 0,
                .pad_right = 0});
    check_conv({.channels = 4,
                .h = 5,
                .w = 4,
                .out_channels = 8,
                .pad_top = 3,
                .pad_left = 3,
                .pad_bottom = 3,
                .pad_right = 3});
}

TEST_CASE("winograd: epilogues") {
    for (const Epilogue &epilogue : all_epilogues()) {
        check_conv({.channels = 5, .h = 6, .w = 7, .out_channels = 6}, true, epilogue);
    }
}

TEST_CASE("winograd: so many tiles that they are taken in parts") {
    check_conv({.channels = 3, .h = 173, .w = 190, .out_channels = 5}, true, {Activation::relu});
}

TEST_CASE("winograd: long sums stay within the bound") {
    check_conv({.channels = 1031, .h = 8, .w = 8, .out_channels = 33});
}

TEST_CASE("winograd: what lies between its steps can be bound, or it is no candidate") {
    onnx::ModelWriter model(13);
    const std::vector<int64_t> same = {1, 1, 1, 1};
    model.input("x", {1, 64, 32, 32});
    model.floats("w", {32, 64, 3, 3}, random_floats(32 * 64 * 9, 1));
    model.node("Conv", {"x", "w"}, {"y"}, {{"pads", same}});
    model.output("y");
    // 64 tiles: 36,864 texels of them, 18,720 of weights for a panel of 32 columns; the image has 16,384.
    const auto candidates = [&](uint32_t views, uint32_t range) {
        std::vector<std::string> found = plan_every_candidate(model, views, range);
        std::erase_if(found, [](const std::string &name) { return !name.starts_with("winograd"); });
        return found;
    };
    const size_t all = candidates(1u << 27, 1u << 27).size();
    CHECK(all > 0);
    const size_t without_views = candidates(20'000, 1u << 27).size();
    CHECK(without_views > 0);
    if (device().caps().satisfies("texel,shuffle8")) CHECK(without_views < all);
    CHECK(candidates(1u << 27, 500'000).empty());
}

TEST_CASE("winograd: every variant was checked") {
    check_every_variant("ops/conv2d_winograd_input.comp");
    check_every_variant("ops/conv2d_winograd_output.comp");
}
