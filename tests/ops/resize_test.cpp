// Resize and Upsample against plain loops: every coordinate and rounding mode, up and down, by scales and by sizes.
#include <doctest/doctest.h>

#include <cmath>

#include "tests/ops/indices.h"

using namespace sac;
using namespace sac::test;

namespace {

struct Sizes {
    Shape x = {2, 5, 4, 6}, y = {2, 5, 8, 12};
    std::string coordinate = "half_pixel", nearest = "round_prefer_floor";
    bool linear = false;
};

// Where output i of an axis looks, for a scale of out / in.
double source_of(const std::string &mode, int64_t i, int64_t in, int64_t out) {
    const double x = static_cast<double>(i), scale = static_cast<double>(out) / static_cast<double>(in);
    if (mode == "align_corners") return out == 1 ? 0 : x * static_cast<double>(in - 1) / static_cast<double>(out - 1);
    if (mode == "asymmetric") return x / scale;
    if (mode == "tf_half_pixel_for_nn") return (x + 0.5) / scale;
    if (mode == "pytorch_half_pixel" && out == 1) return 0;
    return (x + 0.5) / scale - 0.5;
}

double rounded(const std::string &mode, double x) {
    if (mode == "floor") return std::floor(x);
    if (mode == "ceil") return std::ceil(x);
    return mode == "round_prefer_ceil" ? std::floor(x + 0.5) : std::ceil(x - 0.5);
}

Reference resized(const Sizes &s) {
    return [=](const std::vector<Array> &in) {
        Array y(s.y);
        // One axis is a sum of two sources.
        struct Tap {
            int64_t first, second;
            double weight;
        };
        const auto tap = [&](int64_t i, int64_t from, int64_t to) {
            const double last = static_cast<double>(from - 1), at = source_of(s.coordinate, i, from, to);
            const double inside = std::clamp(s.linear ? at : rounded(s.nearest, at), 0.0, last);
            const auto first = static_cast<int64_t>(inside);
            return Tap{first, std::min(first + 1, from - 1), inside - static_cast<double>(first)};
        };
        const bool flat = s.x.size() == 3;
        const int64_t in_h = flat ? 1 : s.x[2], out_h = flat ? 1 : s.y[2], in_w = s.x.back(), out_w = s.y.back();
        for (int64_t plane = 0; plane < s.x[0] * s.x[1]; ++plane)
            for (int64_t oy = 0; oy < out_h; ++oy)
                for (int64_t ox = 0; ox < out_w; ++ox) {
                    const Tap v = tap(oy, in_h, out_h), h = tap(ox, in_w, out_w);
                    const auto pixel = [&](int64_t iy, int64_t ix) { return in[0][(plane * in_h + iy) * in_w + ix]; };
                    const double top = pixel(v.first, h.first) * (1 - h.weight) + pixel(v.first, h.second) * h.weight;
                    const double bottom =
                        pixel(v.second, h.first) * (1 - h.weight) + pixel(v.second, h.second) * h.weight;
                    y[(plane * out_h + oy) * out_w + ox] = top * (1 - v.weight) + bottom * v.weight;
                }
        return std::vector<Array>{y};
    };
}

void check_resize(const Sizes &s, bool by_sizes) {
    INFO("Resize of ", to_string(s.x), " to ", to_string(s.y), ", ", s.coordinate, ", ", s.nearest, s.linear ? 1 : 0);
    OpCase op{.type = "Resize", .inputs = {runtime(s.x, 1), absent()}};
    if (by_sizes) {
        op.inputs.push_back(absent());
        op.inputs.push_back(integers(s.y));
    } else {
        std::vector<float> scales;
        for (size_t i = 0; i < s.x.size(); ++i) {
            scales.push_back(static_cast<float>(s.y[i]) / static_cast<float>(s.x[i]));
        }
        op.inputs.push_back(constant_values({static_cast<int64_t>(scales.size())}, scales));
    }
    op.attributes = {{"mode", std::string(s.linear ? "linear" : "nearest")},
                     {"coordinate_transformation_mode", s.coordinate},
                     {"nearest_mode", s.nearest}};
    check_op(op, resized(s));
}

}  // namespace

TEST_CASE("resize2d: every mode") {
    for (const std::string coordinate :
         {"half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_half_pixel_for_nn"}) {
        check_resize({.coordinate = coordinate, .linear = true}, true);
        check_resize({.y = {2, 5, 2, 3}, .coordinate = coordinate, .linear = true}, false);
        for (const std::string nearest : {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"}) {
            check_resize({.coordinate = coordinate, .nearest = nearest}, false);
            check_resize({.y = {2, 5, 1, 3}, .coordinate = coordinate, .nearest = nearest}, true);
        }
    }
}

TEST_CASE("resize2d: odd sizes, one axis, nothing to do") {
    check_resize({.x = {1, 3, 7, 5}, .y = {1, 3, 11, 13}, .linear = true}, true);
    check_resize({.x = {1, 4, 13, 11}, .y = {1, 4, 5, 7}, .linear = true}, true);
    check_resize({.x = {2, 6, 9}, .y = {2, 6, 18}, .linear = true}, false);
    check_resize({.x = {2, 6, 9}, .y = {2, 6, 9}}, false);
    check_resize({.x = {1, 5, 1, 1}, .y = {1, 5, 4, 3}, .linear = true}, true);
}

TEST_CASE("resize2d: older opsets") {
    const Sizes doubled{.coordinate = "asymmetric", .nearest = "floor"};
    const OpInput x = runtime(doubled.x, 1), scales = constant_values({4}, {1, 1, 2, 2});
    check_op({.type = "Resize", .inputs = {x, scales}, .opset = 10}, resized(doubled));
    check_op({.type = "Upsample", .inputs = {x, scales}, .opset = 9}, resized(doubled));
    check_op(
        {.type = "Upsample", .inputs = {x}, .attributes = {{"scales", std::vector<float>{1, 1, 2, 2}}}, .opset = 7},
        resized(doubled));
}

TEST_CASE("resize2d: what a file may not say") {
    const auto code = [](Attributes attributes, OpInput scales) {
        return load_code({.type = "Resize",
                          .inputs = {runtime({1, 4, 4, 4}, 1), absent(), std::move(scales)},
                          .attributes = std::move(attributes)});
    };
    const OpInput scales = constant_values({4}, {1, 1, 2, 2});
    CHECK(code({}, scales) == Code::ok);
    CHECK(code({{"mode", std::string("lanczos")}}, scales) == Code::unsupported);
    CHECK(code({{"coordinate_transformation_mode", std::string("tf_crop_and_resize")}}, scales) == Code::invalid_file);
    CHECK(code({{"coordinate_transformation_mode", std::string("quarter_pixel")}}, scales) == Code::unsupported);
    CHECK(code({{"nearest_mode", std::string("up")}}, scales) == Code::unsupported);
    CHECK(code({{"mode", std::string("cubic")}, {"cubic_coeff_a", std::nanf("")}}, scales) == Code::invalid_file);
    CHECK(code({{"keep_aspect_ratio_policy", std::string("loose")}}, scales) == Code::unsupported);
    CHECK(code({{"axes", std::vector<int64_t>{2, 4}}}, constant_values({2}, {2, 2})) == Code::invalid_file);
    CHECK(code({}, constant_values({2}, {2, 2})) == Code::invalid_file);
    CHECK(code({}, constant_values({4}, {1, 1, 0, 2})) == Code::invalid_file);
    CHECK(code({}, constant_values({4}, {1, 1, -2, 2})) == Code::invalid_file);
    CHECK(code({}, constant_values({4}, {1, 1, std::nanf(""), 2})) == Code::invalid_file);
    CHECK(code({}, constant_values({4}, {1, 1, 1e30f, 2})) == Code::invalid_file);
    CHECK(code({}, runtime({4}, 2)) == Code::unsupported);
}

TEST_CASE("resize2d: every variant was checked") { check_every_variant("ops/resize2d.comp"); }
