// Conv of one group against plain loops: every tile, odd and prime sizes, strides, dilations, paddings, epilogues.
#include <doctest/doctest.h>

#include "compute/session.h"
#include "tests/ops/conv_reference.h"
#include "tests/support/device.h"
#include "tests/support/model.h"

using namespace sac;
using namespace sac::test;

TEST_CASE("conv2d: windows of every kind") {
    check_conv({.channels = 3, .h = 17, .w = 13, .out_channels = 24, .stride_y = 2, .stride_x = 2});
    check_conv({.n = 2, .channels = 5, .h = 11, .w = 7, .out_channels = 37});
    check_conv({.channels = 1, .h = 1, .w = 1, .out_channels = 1});
    check_conv({.channels = 6,
                .h = 9,
                .w = 10,
                .out_channels = 5,
                .kernel_h = 2,
                .kernel_w = 5,
                .pad_top = 0,
                .pad_left = 3,
                .pad_bottom = 1,
                .pad_right = 2});
    check_conv({.channels = 4,
                .h = 19,
                .w = 23,
                .out_channels = 7,
                .stride_y = 3,
                .stride_x = 1,
                .dilation_y = 2,
                .dilation_x = 3,
                .pad_top = 2,
                .pad_left = 0,
                .pad_bottom = 0,
                .pad_right = 5});
    check_conv({.channels = 3,
                .h = 29,
                .w = 31,
                .out_channels = 16,
                .kernel_h = 7,
                .kernel_w = 7,
                .stride_y = 2,
                .stride_x = 2,
                .pad_top = 3,
                .pad_left = 3,
                .pad_bottom = 3,
                .pad_right = 3});
    check_conv({.channels = 8, .h = 5, .w = 6, .out_channels = 8}, false);
}

TEST_CASE("conv2d: rows and columns that fill tiles, and that do not") {
    check_conv({.channels = 16, .h = 12, .w = 16, .out_channels = 32});
    check_conv({.channels = 16, .h = 8, .w = 8, .out_channels = 64});  // 64 rows: tiles of 16 x 64
    check_conv({.channels = 12, .h = 7, .w = 7, .out_channels = 131});
    check_conv({.channels = 9, .h = 13, .w = 12, .out_channels = 133}, true, {Activation::relu, 0, 0, true});
    check_conv({.channels = 12, .h = 4, .w = 4, .out_channels = 64}, true, {Activation::silu});
    check_conv({.channels = 12, .h = 4, .w = 4, .out_channels = 64}, true, {Activation::relu, 0, 0, true});
}

TEST_CASE("conv2d: a single pixel's window is a matrix product") {
    for (const int64_t stride : {1, 2}) {
        check_conv({.n = 2,
                    .channels = 24,
                    .h = 13,
                    .w = 11,
                    .out_channels = 19,
                    .kernel_h = 1,
                    .kernel_w = 1,
                    .stride_y = stride,
                    .stride_x = stride,
                    .pad_top = 0,
                    .pad_left = 0,
                    .pad_bottom = 0,
                    .pad_right = 0});
    }
    check_conv({.channels = 7, .h = 3, .w = 3, .out_channels = 5, .kernel_h = 1, .kernel_w = 1});  // padded: not one
}

TEST_CASE("conv2d: channels that no weight looks at") {
    const ConvSizes sizes = {.n = 2,
                             .channels = 27,
                             .h = 5,
                             .w = 7,
                             .out_channels = 21,
                             .kernel_h = 1,
                             .kernel_w = 1,
                             .pad_top = 0,
                             .pad_left = 0,
                             .pad_bottom = 0,
                             .pad_right = 0};
    struct Range {
        size_t first, last;
    };
    // None; before; after; between; of several gaps the widest; all.
    const std::vector<std::vector<Range>> cases = {{{4, 6}},  {{0, 9}},          {{13, 27}},
                                                   {{7, 18}}, {{0, 4}, {9, 17}}, {{4, 8}, {12, 20}, {24, 27}},
                                                   {{0, 26}}, {{0, 27}}};
    for (const auto &ranges : cases) {
        OpCase op = conv_case(sizes);
        for (size_t i = 0; i < op.inputs[1].values.size(); ++i)
            for (const Range &range : ranges)
                if (i % 27 >= range.first && i % 27 < range.last) op.inputs[1].values[i] = 0;
        op.dense = false;
        check_op(op, conv_reference(sizes));
    }
}

TEST_CASE("conv2d: epilogues") {
    for (const Epilogue &epilogue : all_epilogues()) {
        check_conv({.channels = 5, .h = 6, .w = 7, .out_channels = 6}, true, epilogue);
    }
    check_conv({.channels = 5,
                .h = 3,
                .w = 3,
                .out_channels = 6,
                .kernel_h = 1,
                .kernel_w = 1,
                .pad_top = 0,
                .pad_left = 0,
                .pad_bottom = 0,
                .pad_right = 0},
               false, {Activation::hard_swish, 0, 0, true});
}

TEST_CASE("conv2d: a reduction of more than 65,535 steps") {
    // 8211 x 3 x 3 products a pixel: beyond what a loop of one invocation may count to on some drivers, were it a
    // scalar one.
    OpCase op = conv_case({.channels = 8211, .h = 3, .w = 3, .out_channels = 2});
    op.c4 = false;
    check_op(op, conv_reference({.channels = 8211, .h = 3, .w = 3, .out_channels = 2}));
}

TEST_CASE("conv2d: one spatial axis, and automatic padding") {
    const auto run = [](Shape x, Shape w, Attributes attributes, const ConvSizes &sizes, Shape y) {
        OpCase op;
        op.type = "Conv";
        op.inputs = {runtime(std::move(x), 5), constant(std::move(w), 6)};
        op.attributes = std::move(attributes);
        check_op(op, [&](const std::vector<Array> &in) {
            Array weights = in[1], input = in[0];
            input.shape = {sizes.n, sizes.channels, sizes.h, sizes.w};
            weights.shape = {sizes.out_channels, sizes.channels, sizes.kernel_h, sizes.kernel_w};
            Array out = conv_reference(sizes, false)({input, weights})[0];
            out.shape = y;
            return std::vector<Array>{out};
        });
    };
    const std::vector<int64_t> two = {2}, two_two = {2, 2};
    run({2, 5, 23}, {7, 5, 3}, {{"strides", two}, {"auto_pad", std::string("SAME_UPPER")}},
        {.n = 2,
         .channels = 5,
         .h = 1,
         .w = 23,
         .out_channels = 7,
         .kernel_h = 1,
         .stride_x = 2,
         .pad_top = 0,
         .pad_left = 1,
         .pad_bottom = 0,
         .pad_right = 1},
        {2, 7, 12});
    run({1, 3, 8, 9}, {6, 3, 3, 3}, {{"strides", two_two}, {"auto_pad", std::string("SAME_UPPER")}},
        {.h = 8, .w = 9, .out_channels = 6, .stride_y = 2, .stride_x = 2, .pad_top = 0, .pad_bottom = 1}, {1, 6, 4, 5});
    run({1, 3, 8, 9}, {6, 3, 3, 3}, {{"strides", two_two}, {"auto_pad", std::string("SAME_LOWER")}},
        {.h = 8, .w = 9, .out_channels = 6, .stride_y = 2, .stride_x = 2, .pad_bottom = 0}, {1, 6, 4, 5});
    run({1, 3, 8, 9}, {6, 3, 3, 3}, {{"auto_pad", std::string("VALID")}},
        {.h = 8, .w = 9, .out_channels = 6, .pad_top = 0, .pad_left = 0, .pad_bottom = 0, .pad_right = 0},
        {1, 6, 6, 7});
}

TEST_CASE("conv2d: what a file may not say") {
    const auto error_of = [](auto change) {
        OpCase op = conv_case({});
        change(op);
        const Status status = load_op(op);
        REQUIRE(!status.ok());
        CHECK_MESSAGE(status.error().message.find("Conv 'node'") != std::string::npos, status.error().message);
        return status.error();
    };
    using List = std::vector<int64_t>;
    const auto with = [&](const char *key, Attribute value) {
        return error_of([&](OpCase &op) { op.attributes[key] = std::move(value); });
    };
    CHECK(with("strides", List{0, 1}).message.find("strides") != std::string::npos);
    CHECK(with("strides", List{1, -3}).code == Code::invalid_file);
    CHECK(with("strides", List{1, 1, 1}).message.find("strides") != std::string::npos);
    CHECK(with("dilations", List{int64_t{1} << 40, 1}).message.find("dilations") != std::string::npos);
    CHECK(with("dilations", List{100, 1}).message.find("does not fit") != std::string::npos);
    CHECK(with("pads", List{-1, 0, 0, 0}).message.find("pads") != std::string::npos);
    CHECK(with("pads", List{1, 1}).message.find("pads") != std::string::npos);
    CHECK(with("group", int64_t{0}).message.find("group") != std::string::npos);
    CHECK(with("group", int64_t{2}).message.find("group") != std::string::npos);
    CHECK(with("kernel_shape", List{5, 5}).message.find("kernel_shape") != std::string::npos);
    CHECK(with("auto_pad", std::string("MAYBE")).message.find("auto_pad") != std::string::npos);
    CHECK(error_of([](OpCase &op) { op.inputs[1] = constant({4, 3, 3}, 2); }).code == Code::invalid_file);
    CHECK(error_of([](OpCase &op) { op.inputs[1] = constant({4, 5, 3, 3}, 2); }).code == Code::invalid_file);
    CHECK(error_of([](OpCase &op) { op.inputs[2] = constant({5}, 2); }).message.find("bias") != std::string::npos);
    CHECK(error_of([](OpCase &op) { op.inputs[0] = runtime({1, 3, 5, 5, 5, 5}, 2); }).code == Code::unsupported);
    CHECK(error_of([](OpCase &op) { op.inputs[1] = runtime({4, 3, 3, 3}, 2); }).code == Code::unsupported);
    CHECK(error_of([](OpCase &op) { op.inputs.resize(1); }).code == Code::invalid_file);
}

TEST_CASE("conv2d: an input without elements is refused") {
    onnx::ModelWriter model(13);
    model.floats("none", {0, 8, 9, 9}, {});
    model.floats("w", {8, 8, 3, 3}, std::vector<float>(576, 1.0f));
    model.node("Conv", {"none", "w"}, {"y"}, {}, "conv");
    model.output("y");
    const auto plan = make_plan(import_model(model), device().caps(), kernels(), {});
    REQUIRE(!plan.ok());
    CHECK(plan.error().code == Code::unsupported);
    CHECK_MESSAGE(plan.error().message.find("'conv'") != std::string::npos, plan.error().message);
}

TEST_CASE("conv2d: every variant was checked") { check_every_variant("ops/conv2d.comp"); }
