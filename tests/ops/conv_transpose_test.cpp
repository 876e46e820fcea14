// ConvTranspose against plain loops that scatter: phases on the matrix core, gathered taps, one to three axes.
#include <doctest/doctest.h>

#include <set>

#include "compute/session.h"
#include "tests/ops/conv_reference.h"
#include "tests/ops/indices.h"
#include "tests/support/device.h"
#include "tests/support/model.h"

using namespace sac;
using namespace sac::test;

namespace {

using List = std::vector<int64_t>;

struct Sizes {
    Shape x = {1, 3, 5, 5};
    int64_t out_channels = 4, group = 1;
    List kernel = {3, 3}, strides = {2, 2}, dilations = {1, 1}, pads = {1, 1, 1, 1}, padding = {0, 0};
    List out = {};  ///< empty: by the formula

    Shape y() const {
        Shape shape = {x[0], out_channels};
        const size_t axes = kernel.size();
        for (size_t i = 0; i < axes; ++i) {
            shape.push_back(!out.empty() ? out[i]
                                         : strides[i] * (x[2 + i] - 1) + padding[i] + (kernel[i] - 1) * dilations[i] +
                                               1 - pads[i] - pads[axes + i]);
        }
        return shape;
    }
};

Reference reference(const Sizes &s, bool bias, const Epilogue &epilogue) {
    return [=](const std::vector<Array> &in) {
        Array y(s.y());
        const Array &x = in[0], &w = in[1];
        const int64_t in_group = s.x[1] / s.group, out_group = s.out_channels / s.group;
        for_each_index(x.shape, [&](const std::vector<int64_t> &at, int64_t flat) {
            for (int64_t m = 0; m < out_group; ++m) {
                Shape taps(s.kernel.begin(), s.kernel.end());
                for_each_index(taps, [&](const std::vector<int64_t> &tap, int64_t flat_tap) {
                    std::vector<int64_t> to = {at[0], at[1] / in_group * out_group + m};
                    for (size_t i = 0; i < tap.size(); ++i) {
                        const int64_t o = at[2 + i] * s.strides[i] + tap[i] * s.dilations[i] - s.pads[i];
                        if (o < 0 || o >= y.shape[2 + i]) return;
                        to.push_back(o);
                    }
                    int64_t place = 0;
                    for (size_t i = 0; i < to.size(); ++i) place = place * y.shape[i] + to[i];
                    y[place] += x[flat] * w[(at[1] * out_group + m) * element_count(taps) + flat_tap];
                });
            }
        });
        for_each_index(y.shape, [&](const std::vector<int64_t> &at, int64_t flat) {
            const double sum = y[flat] + (bias ? in[2][at[1]] : 0);
            y[flat] = activate(epilogue, sum, epilogue.residual ? in.back()[flat] : 0);
        });
        return std::vector<Array>{y};
    };
}

OpCase transposed_case(const Sizes &s, bool bias = true, const Epilogue &epilogue = {}) {
    OpCase op;
    op.type = "ConvTranspose";
    Shape w = {s.x[1], s.out_channels / s.group};
    w.insert(w.end(), s.kernel.begin(), s.kernel.end());
    op.inputs = {runtime(s.x, 1), constant(w, 2)};
    if (bias) op.inputs.push_back(constant({s.out_channels}, 3));
    if (epilogue.residual) op.inputs.push_back(with_nan(runtime(s.y(), 4, -2, 2)));
    op.epilogue = epilogue;
    op.attributes = {{"group", s.group},         {"kernel_shape", s.kernel}, {"strides", s.strides},
                     {"dilations", s.dilations}, {"pads", s.pads},           {"output_padding", s.padding}};
    return op;
}

void check_transposed(const Sizes &s, bool bias = true, const Epilogue &epilogue = {}) {
    INFO("ConvTranspose of ", to_string(s.x), " to ", to_string(s.y()), ", kernel ", to_string(s.kernel), ", strides ",
         to_string(s.strides), ", group ", s.group, ", activation ", static_cast<int>(epilogue.activation),
         std::string(epilogue.residual ? " with residual" : ""));
    check_op(transposed_case(s, bias, epilogue), reference(s, bias, epilogue));
}

}  // namespace

TEST_CASE("conv_transpose: as U-Nets and generators have it") {
    check_transposed({.x = {1, 16, 7, 9}, .out_channels = 8, .kernel = {2, 2}, .pads = {0, 0, 0, 0}});
    check_transposed({.x = {2, 6, 5, 3}, .out_channels = 5, .kernel = {2, 2}, .pads = {0, 0, 0, 0}}, false);
    check_transposed({.x = {1, 12, 6, 5}, .out_channels = 40, .kernel = {4, 4}});
    check_transposed({.x = {1, 12, 6, 5}, .out_channels = 3, .kernel = {4, 4}});
    check_transposed({.x = {2, 7, 4, 6}, .out_channels = 9, .padding = {1, 1}});
    check_transposed(
        {.x = {1, 12, 1, 1}, .out_channels = 34, .kernel = {4, 4}, .strides = {1, 1}, .pads = {0, 0, 0, 0}});
    check_transposed({.x = {1, 5, 3, 4}, .out_channels = 6, .kernel = {5, 3}, .strides = {1, 1}});
}

TEST_CASE("conv_transpose: windows of every kind") {
    check_transposed({.x = {1, 5, 7, 3}, .out_channels = 7, .kernel = {3, 5}, .strides = {3, 2}, .pads = {0, 2, 1, 0}});
    // Fewer taps than strides: outputs that are the bias alone.
    check_transposed({.x = {1, 4, 3, 5}, .out_channels = 6, .kernel = {1, 2}, .strides = {3, 5}, .pads = {0, 0, 0, 0}});
    check_transposed({.x = {1, 4, 3, 5},
                      .out_channels = 33,
                      .kernel = {1, 2},
                      .strides = {2, 3},
                      .pads = {0, 0, 0, 0},
                      .padding = {1, 2}});
    // Padding that cuts off whole pixels, and an end that no tap reaches.
    check_transposed({.x = {1, 3, 5, 6}, .out_channels = 35, .kernel = {2, 2}, .pads = {3, 1, 2, 2}});
    check_transposed({.x = {1, 3, 4, 4}, .out_channels = 5, .kernel = {2, 2}, .pads = {0, 0, 0, 0}, .padding = {5, 7}});
    // Dilations with and without a factor in common with the stride.
    check_transposed({.x = {1, 6, 5, 6}, .out_channels = 36, .dilations = {2, 3}});
    check_transposed({.x = {1, 6, 5, 6},
                      .out_channels = 4,
                      .kernel = {3, 4},
                      .strides = {4, 6},
                      .dilations = {6, 4},
                      .pads = {2, 3, 1, 0}});
    check_transposed({.x = {1, 3, 4, 4}, .out_channels = 4, .kernel = {3, 3}, .strides = {1, 1}, .dilations = {2, 1}});
    check_transposed({.x = {1, 1, 1, 1}, .out_channels = 1, .kernel = {1, 1}, .strides = {1, 1}, .pads = {0, 0, 0, 0}});
}

TEST_CASE("conv_transpose: groups, and a group for each channel") {
    check_transposed({.x = {1, 8, 5, 4}, .out_channels = 16, .group = 2});
    check_transposed({.x = {2, 6, 5, 4}, .out_channels = 9, .group = 3, .kernel = {4, 4}});
    check_transposed({.x = {1, 10, 3, 3}, .out_channels = 20, .group = 10});
    // Bilinear upsampling as FCN has it; a bed of nails is one with a single tap.
    check_transposed(
        {.x = {1, 7, 5, 4}, .out_channels = 7, .group = 7, .kernel = {8, 8}, .strides = {4, 4}, .pads = {2, 2, 2, 2}});
    check_transposed(
        {.x = {2, 5, 3, 7}, .out_channels = 5, .group = 5, .kernel = {1, 1}, .pads = {0, 0, 0, 0}, .padding = {1, 1}},
        false);
    check_transposed({.x = {1, 6, 5, 6},
                      .out_channels = 6,
                      .group = 6,
                      .kernel = {3, 2},
                      .strides = {4, 3},
                      .dilations = {6, 5},
                      .pads = {0, 3, 1, 2}});
}

TEST_CASE("conv_transpose: one axis and three") {
    check_transposed({.x = {2, 5, 11},
                      .out_channels = 6,
                      .kernel = {4},
                      .strides = {2},
                      .dilations = {1},
                      .pads = {1, 1},
                      .padding = {0}});
    check_transposed({.x = {1, 4, 13},
                      .out_channels = 8,
                      .group = 2,
                      .kernel = {3},
                      .strides = {3},
                      .dilations = {2},
                      .pads = {0, 2},
                      .padding = {1}});
    const Sizes cube{.x = {1, 5, 3, 4, 2},
                     .out_channels = 6,
                     .kernel = {2, 2, 2},
                     .strides = {2, 2, 2},
                     .dilations = {1, 1, 1},
                     .pads = {0, 0, 0, 0, 0, 0},
                     .padding = {0, 0, 0}};
    check_transposed(cube);
    Sizes other = cube;
    other.kernel = {3, 4, 2};
    other.strides = {2, 1, 3};
    other.dilations = {3, 1, 2};
    other.pads = {1, 0, 1, 2, 1, 0};
    other.padding = {1, 0, 1};
    check_transposed(other);
    other.kernel = {1, 3, 3};
    other.strides = {1, 2, 2};
    other.dilations = {1, 1, 1};
    other.pads = {0, 1, 1, 0, 1, 1};
    other.padding = {0, 0, 0};
    check_transposed(other);  // nothing happens along the depth
    other.x = {1, 6, 3, 3, 3};
    other.group = 6;
    other.kernel = {3, 3, 3};
    other.strides = {2, 2, 2};
    other.pads = {1, 1, 1, 1, 1, 1};
    check_transposed(other);
}

TEST_CASE("conv_transpose: epilogues") {
    for (const Epilogue &epilogue : all_epilogues()) {
        check_transposed({.x = {1, 5, 3, 4}, .out_channels = 6}, true, epilogue);
    }
    const Epilogue with_residual{Activation::hard_swish, 0, 0, true};
    check_transposed({.x = {1, 8, 3, 4}, .out_channels = 8}, true, with_residual);
    check_transposed({.x = {1, 6, 3, 4}, .out_channels = 6, .group = 3}, true, with_residual);
    check_transposed({.x = {1, 8, 3, 4}, .out_channels = 8, .group = 2}, true, with_residual);
    check_transposed({.x = {1, 6, 3, 4}, .out_channels = 6, .group = 6}, true, with_residual);
    check_transposed({.x = {1, 5, 3, 3}, .out_channels = 6, .kernel = {3, 3}, .strides = {1, 1}}, true, with_residual);
}

TEST_CASE("conv_transpose: automatic padding, and sizes that are asked for") {
    const auto run = [](Attributes attributes, Sizes sizes) {
        OpCase op = transposed_case(sizes);
        for (const char *key : {"pads", "output_padding"}) op.attributes.erase(key);
        for (auto &[key, value] : attributes) op.attributes[key] = value;
        check_op(op, reference(sizes, true, {}));
    };
    // Of 5 taps over a stride of 2, 3 pixels are too many.
    run({{"auto_pad", std::string("SAME_UPPER")}}, {.kernel = {5, 5}, .pads = {1, 1, 2, 2}, .out = {10, 10}});
    run({{"auto_pad", std::string("SAME_LOWER")}}, {.kernel = {5, 5}, .pads = {2, 2, 1, 1}, .out = {10, 10}});
    run({{"auto_pad", std::string("VALID")}}, {.pads = {0, 0, 0, 0}});
    run({{"output_shape", List{10, 8}}}, {.pads = {1, 2, 0, 1}, .out = {10, 8}});
    run({{"output_shape", List{10, 8}}, {"auto_pad", std::string("SAME_UPPER")}},
        {.pads = {0, 1, 1, 2}, .out = {10, 8}});
    run({{"output_shape", List{13, 12}}, {"output_padding", List{1, 0}}}, {.pads = {0, 0, 0, 0}, .out = {13, 12}});
}

TEST_CASE("conv_transpose: a reduction of more than 65,535 steps") {
    const Sizes sizes{.x = {1, 17011, 1, 2}, .out_channels = 2, .kernel = {4, 4}};
    OpCase op = transposed_case(sizes);
    op.c4 = false;
    check_op(op, reference(sizes, true, {}));
}

TEST_CASE("conv_transpose: a dilation that reaches far takes few products") {
    OpCase op =
        transposed_case({.x = {1, 3, 2, 2}, .kernel = {2, 1}, .dilations = {32768, 1}, .pads = {32768, 0, 0, 0}});
    op.c4 = false;
    check_op(op, reference({.x = {1, 3, 2, 2}, .kernel = {2, 1}, .dilations = {32768, 1}, .pads = {32768, 0, 0, 0}},
                           true, {}));
}

TEST_CASE("conv_transpose: what a file may not say") {
    const auto error_of = [](auto change) {
        OpCase op = transposed_case({});
        change(op);
        const Status status = load_op(op);
        REQUIRE(!status.ok());
        CHECK_MESSAGE(status.error().message.find("ConvTranspose 'node'") != std::string::npos, status.error().message);
        return status.error();
    };
    const auto with = [&](const char *key, Attribute value) {
        return error_of([&](OpCase &op) { op.attributes[key] = std::move(value); });
    };
    CHECK(with("strides", List{0, 1}).message.find("strides") != std::string::npos);
    CHECK(with("dilations", List{1, int64_t{1} << 40}).code == Code::unsupported);
    CHECK(with("pads", List{9, 9, 9, 9}).code == Code::invalid_file);
    CHECK(with("output_padding", List{-1, 0}).message.find("output_padding") != std::string::npos);
    CHECK(with("output_shape", List{0, 4}).code == Code::invalid_file);
    CHECK(with("output_shape", List{4}).message.find("output_shape") != std::string::npos);
    CHECK(with("output_shape", List{int64_t{1} << 40, 4}).code == Code::unsupported);
    CHECK(with("kernel_shape", List{5, 5}).message.find("kernel_shape") != std::string::npos);
    CHECK(with("group", int64_t{2}).message.find("group") != std::string::npos);
    CHECK(with("group", int64_t{0}).code == Code::invalid_file);
    CHECK(error_of([](OpCase &op) { op.inputs[1] = constant({4, 4, 3, 3}, 2); }).code == Code::invalid_file);
    CHECK(error_of([](OpCase &op) { op.inputs[1] = constant({3, 4, 3}, 2); }).code == Code::invalid_file);
    CHECK(error_of([](OpCase &op) { op.inputs[2] = constant({5}, 2); }).message.find("bias") != std::string::npos);
    CHECK(error_of([](OpCase &op) { op.inputs[1] = runtime({3, 4, 3, 3}, 2); }).code == Code::unsupported);
    CHECK(error_of([](OpCase &op) { op.inputs[0] = runtime({1, 3}, 2); }).code == Code::unsupported);
}

TEST_CASE("conv_transpose: an input without elements is refused") {
    for (const int64_t group : {1, 2}) {  // on the matrix core, and gathered
        onnx::ModelWriter model(13);
        model.floats("none", {0, 8, 9, 9}, {});
        model.floats("w", {8, 8, 3, 3}, std::vector<float>(576, 1.0f));
        model.node("ConvTranspose", {"none", "w"}, {"y"}, {{"group", group}}, "conv");
        model.output("y");
        const auto plan = make_plan(import_model(model), device().caps(), kernels(), {});
        REQUIRE(!plan.ok());
        CHECK_MESSAGE(plan.error().code == Code::unsupported, plan.error().message);
        CHECK_MESSAGE(plan.error().message.find("'conv'") != std::string::npos, plan.error().message);
    }
}

TEST_CASE("conv_transpose: every variant was checked") { check_every_variant("ops/conv_transpose.comp"); }

TEST_CASE("depth_to_space: every variant was checked") {
    // Those that leave whole texels as they are belong to shuffles; those with an epilogue were checked above.
    for (const bool outer : {false, true}) {
        OpCase op{.type = "DepthToSpace", .inputs = {runtime({1, 16, 3, 5}, 1)}};
        op.attributes = {{"blocksize", int64_t{2}}, {"mode", std::string(outer ? "CRD" : "DCR")}};
        check_op(op, [&](const std::vector<Array> &in) {
            Array y({1, 4, 6, 10});
            for_each_index(y.shape, [&](const std::vector<int64_t> &at, int64_t flat) {
                const int64_t phase = at[2] % 2 * 2 + at[3] % 2;
                y[flat] = in[0].at(0, outer ? at[1] * 4 + phase : phase * 4 + at[1], at[2] / 2, at[3] / 2);
            });
            return std::vector<Array>{y};
        });
    }
    check_every_variant("ops/depth_to_space.comp");
}
