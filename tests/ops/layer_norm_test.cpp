// LayerNormalization against plain loops: rows of any length, over one axis and several.
#include <doctest/doctest.h>

#include <cmath>

#include "tests/ops/indices.h"

using namespace sac;
using namespace sac::test;

namespace {

struct Case {
    Shape x;
    std::optional<int64_t> axis = {};
    bool bias = true;
    double low = -1, high = 1;
    float epsilon = 1e-5f;
};

void check_norm(const Case &c) {
    const auto rank = static_cast<int64_t>(c.x.size());
    const int64_t given = c.axis.value_or(-1), axis = given < 0 ? given + rank : given;
    const Shape sizes(c.x.begin() + axis, c.x.end());
    const int64_t length = element_count(sizes), rows = element_count(c.x) / length;
    INFO("LayerNormalization of ", to_string(c.x), " from axis ", axis);
    OpCase op{.type = "LayerNormalization",
              .inputs = {runtime(c.x, 1, c.low, c.high), constant(sizes, 2, 0.5, 2), constant(sizes, 3)},
              .attributes = {{"epsilon", c.epsilon}},
              .opset = 17};
    if (!c.bias) op.inputs.pop_back();
    if (c.axis) op.attributes["axis"] = *c.axis;
    check_op(op, [&](const std::vector<Array> &in) {
        Array y(c.x);
        for (int64_t row = 0; row < rows; ++row) {
            double mean = 0, variance = 0;
            for (int64_t i = 0; i < length; ++i) mean += in[0][row * length + i] / static_cast<double>(length);
            for (int64_t i = 0; i < length; ++i)
                variance += std::pow(in[0][row * length + i] - mean, 2) / static_cast<double>(length);
            for (int64_t i = 0; i < length; ++i)
                y[row * length + i] =
                    (in[0][row * length + i] - mean) / std::sqrt(variance + static_cast<double>(c.epsilon)) * in[1][i] +
                    (c.bias ? in[2][i] : 0);
        }
        return std::vector<Array>{y};
    });
}

}  // namespace

TEST_CASE("layer norm: rows of whole texels and others") {
    for (const int64_t length : {1, 2, 3, 4, 7, 8, 33, 64, 129, 768}) check_norm({.x = {2, 5, length}});
    check_norm({.x = {197, 64}});
    check_norm({.x = {61, 37}, .bias = false});
    check_norm({.x = {1, 1, 1023}});
    check_norm({.x = {13}});
}

TEST_CASE("layer norm: over several axes") {
    check_norm({.x = {2, 3, 5, 7}, .axis = 1});
    check_norm({.x = {2, 3, 5, 8}, .axis = -2});
    check_norm({.x = {2, 3, 5}, .axis = 0});
}

TEST_CASE("layer norm: rows far from zero, and rows of one number") {
    for (const int64_t length : {3, 96, 1023}) check_norm({.x = {9, length}, .low = 1000, .high = 1001});
    check_norm({.x = {9, 96}, .low = 1e-4, .high = 3e-4, .epsilon = 1e-12f});
    OpCase op{.type = "LayerNormalization",
              .inputs = {constant_values({3, 8}, std::vector<float>(24, 0.75f)), constant({8}, 2), constant({8}, 3)},
              .opset = 17};
    op.inputs[0].kind = OpInput::Kind::runtime;
    check_op(op, [](const std::vector<Array> &in) {
        Array y({3, 8});
        for (int64_t i = 0; i < 24; ++i) y[i] = in[2][i % 8];
        return std::vector<Array>{y};
    });
}

TEST_CASE("layer norm: rows of more than 65,535 elements") {
    check_norm({.x = {2, 100'000}});
    check_norm({.x = {1, 70'001}});
}

TEST_CASE("layer norm: what a file may not say") {
    const auto load = [](std::vector<OpInput> inputs, Attributes attributes = {}, size_t outputs = 1) {
        return load_code({.type = "LayerNormalization",
                          .inputs = std::move(inputs),
                          .attributes = std::move(attributes),
                          .opset = 17,
                          .outputs = outputs});
    };
    CHECK(load({runtime({3, 4}, 1), constant({4}, 2)}) == Code::ok);
    CHECK(load({runtime({3, 4}, 1), constant({5}, 2)}) == Code::invalid_file);
    CHECK(load({runtime({3, 4}, 1), constant({4}, 2), constant({3}, 2)}) == Code::invalid_file);
    CHECK(load({runtime({3, 4}, 1), runtime({4}, 2)}) == Code::unsupported);
    CHECK(load({runtime({3, 4}, 1), constant({4}, 2)}, {{"axis", int64_t{2}}}) == Code::invalid_file);
    CHECK(load({runtime({3, 4}, 1), constant({4}, 2), constant({4}, 3)}, {}, 2) == Code::unsupported);
    CHECK(load({runtime({3, 4}, 1)}) == Code::invalid_file);
}

TEST_CASE("layer norm: every variant was checked") { check_every_variant("ops/layer_norm.comp"); }
