// Resize in the modes that sum any number of elements along an axis, against the definition by neighbours and
// coefficients in ONNX's documents, and against results that stand there: cubic, antialiased, cropped; one to four axes
// of any kind.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tests/ops/indices.h"

using namespace sac;
using namespace sac::test;

namespace {

using List = std::vector<int64_t>;

struct Case {
    Shape x = {1, 3, 7, 5}, y = {1, 3, 11, 8};
    std::string mode = "cubic", coordinate = "half_pixel", nearest = "round_prefer_floor";
    double a = -0.75;
    bool antialias = false, exclude = false;
    std::vector<float> roi = {};
    float extrapolation = 0;
    std::vector<float> scales = {};  ///< empty: by sizes

    double scale(size_t axis) const {
        return scales.empty() ? static_cast<double>(y[axis]) / static_cast<double>(x[axis])
                              : static_cast<double>(scales[axis]);
    }
};

struct Tap {
    int64_t index;
    double weight;
};
struct Taps {
    std::vector<Tap> all;
    bool outside = false;
};

double cubic(double x, double a) {
    x = std::abs(x);
    if (x <= 1) return (a + 2) * x * x * x - (a + 3) * x * x + 1;
    return x < 2 ? a * x * x * x - 5 * a * x * x + 8 * a * x - 4 * a : 0;
}

// Coefficients of the nearest elements, in order of place; `ratio` is how far the source is beyond the left one of the
// middle two, above 0 and up to 1.
std::vector<double> coefficients(const Case &c, double ratio, double scale) {
    if (c.mode == "nearest") {
        if (ratio == 1 || c.nearest == "ceil") return {0, 1};
        if (c.nearest == "floor") return {1, 0};
        const bool left = c.nearest == "round_prefer_floor" ? ratio <= 0.5 : ratio < 0.5;
        return {left ? 1.0 : 0.0, left ? 0.0 : 1.0};
    }
    const double stretch = c.antialias ? std::min(scale, 1.0) : 1, radius = c.mode == "linear" ? 1 : 2;
    const auto first = static_cast<int64_t>(std::floor(-radius / stretch) + 1);
    std::vector<double> result;
    for (int64_t i = first; i < 2 - first; ++i) {
        const double distance = (static_cast<double>(i) - ratio) * stretch;
        result.push_back(c.mode == "linear" ? std::max(0.0, 1 - std::abs(distance)) : cubic(distance, c.a));
    }
    const double sum = std::accumulate(result.begin(), result.end(), 0.0);
    for (double &value : result) value /= sum;
    return result;
}

Taps taps_of(const Case &c, size_t axis, int64_t i) {
    const double in = static_cast<double>(c.x[axis]), scale = c.scale(axis), out = scale * in,
                 x = static_cast<double>(i);
    double at = (x + 0.5) / scale - 0.5;
    if (c.coordinate == "align_corners") at = out == 1 ? 0 : x * (in - 1) / (out - 1);
    if (c.coordinate == "asymmetric") at = x / scale;
    if (c.coordinate == "pytorch_half_pixel" && c.y[axis] == 1) at = 0;
    if (c.coordinate == "half_pixel_symmetric") at += in / 2 * (1 - static_cast<double>(c.y[axis]) / out);
    if (c.coordinate == "tf_crop_and_resize") {
        const double begin = static_cast<double>(c.roi[axis]), end = static_cast<double>(c.roi[c.x.size() + axis]);
        at = out == 1 ? (begin + end) / 2 * (in - 1) : begin * (in - 1) + x * (end - begin) * (in - 1) / (out - 1);
        if (at < 0 || at > in - 1) return {{}, true};
    }
    const double whole = std::floor(at), ratio = at == whole ? 1 : at - whole;
    const std::vector<double> weights = coefficients(c, ratio, scale);
    // The nearest elements, of equals the left.
    std::vector<int64_t> places;
    const auto count = static_cast<int64_t>(weights.size());
    for (int64_t p = static_cast<int64_t>(whole) - count - 1; p <= static_cast<int64_t>(whole) + count + 1; ++p)
        places.push_back(p);
    std::stable_sort(places.begin(), places.end(), [&](int64_t p, int64_t q) {
        return std::abs(at - static_cast<double>(p)) < std::abs(at - static_cast<double>(q));
    });
    places.resize(weights.size());
    std::sort(places.begin(), places.end());
    Taps taps;
    double sum = 0;
    for (size_t k = 0; k < places.size(); ++k) {
        const bool is_outside = places[k] < 0 || places[k] >= c.x[axis];
        const double weight = c.exclude && is_outside ? 0 : weights[k];
        taps.all.push_back({std::clamp<int64_t>(places[k], 0, c.x[axis] - 1), weight});
        sum += weight;
    }
    for (Tap &tap : taps.all) tap.weight /= sum;
    return taps;
}

Reference reference(const Case &c) {
    return [=](const std::vector<Array> &in) {
        Array y(c.y);
        for_each_index(c.y, [&](const List &at, int64_t flat) {
            std::vector<Tap> terms = {{0, 1}};
            bool outside = false;
            for (size_t axis = 0; axis < at.size(); ++axis) {
                const Taps taps = taps_of(c, axis, at[axis]);
                outside = outside || taps.outside;
                std::vector<Tap> next;
                for (const Tap &term : terms)
                    for (const Tap &tap : taps.all)
                        if (tap.weight != 0)
                            next.push_back({term.index * c.x[axis] + tap.index, term.weight * tap.weight});
                terms = std::move(next);
            }
            y[flat] = 0;
            for (const Tap &term : terms) y[flat] += term.weight * in[0][term.index];
            if (outside) y[flat] = static_cast<double>(c.extrapolation);
        });
        return std::vector<Array>{y};
    };
}

OpCase op_of(const Case &c) {
    OpCase op{.type = "Resize", .inputs = {runtime(c.x, 1)}};
    op.inputs.push_back(c.roi.empty() ? absent() : constant_values({static_cast<int64_t>(c.roi.size())}, c.roi));
    if (c.scales.empty()) {
        op.inputs.push_back(absent());
        op.inputs.push_back(integers(c.y));
    } else {
        op.inputs.push_back(constant_values({static_cast<int64_t>(c.scales.size())}, c.scales));
    }
    op.opset = 19;
    op.attributes = {{"mode", c.mode},
                     {"coordinate_transformation_mode", c.coordinate},
                     {"nearest_mode", c.nearest},
                     {"cubic_coeff_a", static_cast<float>(c.a)},
                     {"antialias", int64_t{c.antialias}},
                     {"exclude_outside", int64_t{c.exclude}},
                     {"extrapolation_value", c.extrapolation}};
    return op;
}

void check(const Case &c) {
    INFO("Resize of ", to_string(c.x), " to ", to_string(c.y), ", ", c.mode, ", ", c.coordinate, ", ", c.nearest,
         std::string(c.antialias ? ", antialias" : ""), std::string(c.exclude ? ", exclude_outside" : ""));
    check_op(op_of(c), reference(c));
}

}  // namespace

TEST_CASE("resize_taps: cubic in every coordinate mode") {
    for (const std::string coordinate :
         {"half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric", "half_pixel_symmetric"}) {
        for (const bool exclude : {false, true}) {
            check({.coordinate = coordinate, .exclude = exclude});
            check({.y = {1, 3, 4, 3}, .coordinate = coordinate, .a = -0.5, .exclude = exclude});
        }
        check({.x = {2, 5, 3, 4}, .y = {2, 5, 1, 4}, .coordinate = coordinate});
        check({.x = {1, 4, 5, 4}, .y = {1, 4, 7, 5}, .coordinate = coordinate, .scales = {1, 1, 1.5f, 1.3f}});
    }
    check({.x = {1, 2, 1, 1}, .y = {1, 2, 3, 5}});
}

TEST_CASE("resize_taps: antialiased") {
    for (const std::string mode : {"linear", "cubic"}) {
        for (const bool exclude : {false, true}) {
            check({.x = {1, 5, 23, 17}, .y = {1, 5, 7, 5}, .mode = mode, .antialias = true, .exclude = exclude});
            check({.x = {2, 3, 8, 6}, .y = {2, 3, 4, 9}, .mode = mode, .antialias = true, .exclude = exclude});
            check({.x = {1, 4, 97, 3}, .y = {1, 4, 2, 3}, .mode = mode, .antialias = true, .exclude = exclude});
        }
        check({.x = {1, 4, 9, 9}, .y = {1, 4, 5, 5}, .mode = mode, .antialias = true, .scales = {1, 1, 0.6f, 0.6f}});
    }
    check({.x = {1, 3, 9, 9}, .y = {1, 3, 4, 4}, .mode = "nearest", .nearest = "floor", .antialias = true});
}

TEST_CASE("resize_taps: cropped") {
    const std::vector<float> inside = {0, 0, 0.25f, 0.5f, 1, 1, 0.75f, 0.875f};
    const std::vector<float> beyond = {0, 0, -0.25f, 0.5f, 1, 1, 0.75f, 1.25f};
    const std::vector<float> turned = {0, 0, 0.75f, 1, 1, 1, 0.25f, 0};
    for (const std::string mode : {"nearest", "linear", "cubic"}) {
        for (const auto &roi : {inside, beyond, turned}) {
            check({.x = {2, 3, 6, 11},
                   .y = {2, 3, 5, 8},
                   .mode = mode,
                   .coordinate = "tf_crop_and_resize",
                   .nearest = "floor",
                   .roi = roi,
                   .extrapolation = 7.5f});
            check({.x = {1, 3, 6, 11},
                   .y = {1, 3, 1, 6},
                   .mode = mode,
                   .coordinate = "tf_crop_and_resize",
                   .nearest = "ceil",
                   .roi = roi,
                   .extrapolation = -2});
        }
    }
}

TEST_CASE("resize_taps: one axis, three, and such as are no image's") {
    for (const std::string mode : {"nearest", "linear", "cubic"}) {
        check({.x = {2, 5, 9}, .y = {2, 5, 14}, .mode = mode});
        check({.x = {2, 5, 3, 4, 5}, .y = {2, 5, 5, 7, 3}, .mode = mode});
        check({.x = {1, 6, 3, 4, 5}, .y = {1, 6, 6, 4, 10}, .mode = mode});
        check({.x = {1, 3, 2, 3, 2, 3}, .y = {1, 3, 3, 3, 4, 5}, .mode = mode});
        check({.x = {3, 4, 5}, .y = {5, 4, 5}, .mode = mode});        // images
        check({.x = {2, 5, 3, 3}, .y = {3, 8, 3, 7}, .mode = mode});  // images and channels
        check({.x = {7, 5}, .y = {4, 9}, .mode = mode});
    }
    OpCase row = op_of({.x = {13}, .y = {29}});
    row.c4 = false;
    check_op(row, reference({.x = {13}, .y = {29}}));
    check({.x = {1, 4, 3, 3}, .y = {1, 4, 3, 3}});
}

TEST_CASE("resize_taps: some axes, by name, and with their ratio kept") {
    const auto run = [](Case c, List axes, List sizes, const std::string &policy) {
        OpCase op = op_of(c);
        op.inputs = {runtime(c.x, 1), absent(), absent(), integers(std::move(sizes))};
        op.opset = 18;
        op.attributes["axes"] = std::move(axes);
        op.attributes["keep_aspect_ratio_policy"] = policy;
        check_op(op, reference(c));
    };
    run({.y = {1, 3, 11, 8}}, {2, 3}, {11, 8}, "stretch");
    run({.y = {1, 3, 11, 8}}, {-1, 2}, {8, 11}, "stretch");
    // Of 7 x 5: 4 / 7 and 4 / 5.
    const float small = 4.0f / 7, large = 4.0f / 5;
    run({.y = {1, 3, 4, 3}, .scales = {1, 1, small, small}}, {2, 3}, {4, 4}, "not_larger");
    run({.y = {1, 3, 6, 4}, .mode = "linear", .scales = {1, 1, large, large}}, {3, 2}, {4, 4}, "not_smaller");
}

TEST_CASE("resize_taps: the examples of ONNX's documents") {
    const auto run = [](Shape x, Shape y, std::vector<double> expected, Attributes attributes,
                        std::vector<OpInput> rest) {
        OpCase op{.type = "Resize", .inputs = {runtime(x, 1)}, .attributes = std::move(attributes), .opset = 18};
        std::iota(op.inputs[0].values.begin(), op.inputs[0].values.end(), 1.0f);
        op.inputs.insert(op.inputs.end(), rest.begin(), rest.end());
        check_op(op, [&](const std::vector<Array> &) {
            Array out(y);
            out.values = expected;
            return std::vector<Array>{out};
        });
    };
    const auto scaled = [](float scale) {
        return std::vector<OpInput>{absent(), constant_values({4}, {1, 1, scale, scale})};
    };
    const Shape four = {1, 1, 4, 4};
    const Attribute cubic_mode = std::string("cubic"), linear_mode = std::string("linear");
    run(four, {1, 1, 3, 3},
        {1.47119141, 2.78125, 4.08251953, 6.71142578, 8.02148438, 9.32275391, 11.91650391, 13.2265625, 14.52783203},
        {{"mode", cubic_mode}}, scaled(0.8f));
    run(four, {1, 1, 2, 2}, {2.5180721, 4.2858863, 9.589329, 11.357142},
        {{"mode", cubic_mode}, {"antialias", int64_t{1}}}, scaled(0.6f));
    run(four, {1, 1, 2, 2}, {2.875, 4.5, 9.375, 11.0}, {{"mode", linear_mode}, {"antialias", int64_t{1}}},
        scaled(0.6f));
    run({1, 1, 2, 4}, {1, 1, 1, 2}, {2.6666665, 4.3333331}, {{"mode", linear_mode}}, scaled(0.6f));
    run({1, 1, 2, 4}, {1, 1, 1, 2}, {1, 3.142857},
        {{"mode", linear_mode}, {"coordinate_transformation_mode", std::string("align_corners")}}, scaled(0.6f));
    run(four, {1, 1, 3, 3}, {7.6, 7.9, 8.2, 8.8, 9.1, 9.4, 10.0, 10.3, 10.6},
        {{"mode", linear_mode}, {"coordinate_transformation_mode", std::string("tf_crop_and_resize")}},
        {constant_values({8}, {0, 0, 0.4f, 0.6f, 1, 1, 0.6f, 0.8f}), absent(), integers({1, 1, 3, 3})});
}

TEST_CASE("resize_taps: what a file may not say") {
    const auto code = [](OpInput roi, Attributes attributes) {
        attributes["coordinate_transformation_mode"] = std::string("tf_crop_and_resize");
        return load_code({.type = "Resize",
                          .inputs = {runtime({1, 4, 4, 4}, 1), std::move(roi), absent(), integers({1, 4, 5, 5})},
                          .attributes = std::move(attributes)});
    };
    CHECK(code(constant_values({8}, {0, 0, 0, 0, 1, 1, 1, 1}), {}) == Code::ok);
    CHECK(code(absent(), {}) == Code::invalid_file);
    CHECK(code(constant_values({4}, {0, 0, 1, 1}), {}) == Code::invalid_file);
    CHECK(code(constant_values({8}, {0, 0, 0, std::nanf(""), 1, 1, 1, 1}), {}) == Code::invalid_file);
    CHECK(code(constant_values({8}, {0, 0.5f, 0, 0, 1, 1, 1, 1}), {}) == Code::unsupported);
    CHECK(code(runtime({8}, 2), {}) == Code::unsupported);
    // A mean of more elements than a loop may count on some drivers.
    CHECK(load_code({.type = "Resize",
                     .inputs = {runtime({1, 1, 70000, 1}, 1), absent(), absent(), integers({1, 1, 1, 1})},
                     .attributes = {{"mode", std::string("linear")}, {"antialias", int64_t{1}}},
                     .opset = 18}) == Code::unsupported);
}

TEST_CASE("resize_taps: every variant was checked") { check_every_variant("ops/resize_taps.comp"); }
