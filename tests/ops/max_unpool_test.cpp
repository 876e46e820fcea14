// MaxPoolTaps and MaxUnpoolTaps, which fusion makes of MaxPool with indices and "MaxUnpool", against plain loops.
#include <doctest/doctest.h>

#include <limits>

#include "tests/ops/indices.h"

using namespace sac;
using namespace sac::test;

namespace {

using List = std::vector<int64_t>;

struct Sizes {
    Shape x = {2, 5, 10, 8};
    List kernel = {2, 2}, strides = {2, 2}, pads = {0, 0, 0, 0};
    bool ceil = false;
    List out = {5, 4};  ///< written down, so that the shape is checked too

    Shape y() const { return {x[0], x[1], out[0], out[1]}; }
    Attributes attributes() const {
        return {{"kernel_shape", kernel}, {"strides", strides}, {"pads", pads}, {"ceil_mode", int64_t{ceil}}};
    }
};

std::vector<Array> pooled(const Sizes &s, const Array &x) {
    Array y(s.y()), taps(s.y());
    for_each_index(y.shape, [&](const List &at, int64_t flat) {
        y[flat] = -std::numeric_limits<double>::infinity();
        for (int64_t k = 0; k < s.kernel[0] * s.kernel[1]; ++k) {
            const int64_t iy = at[2] * s.strides[0] + k / s.kernel[1] - s.pads[0];
            const int64_t ix = at[3] * s.strides[1] + k % s.kernel[1] - s.pads[1];
            if (iy < 0 || ix < 0 || iy >= s.x[2] || ix >= s.x[3] || x.at(at[0], at[1], iy, ix) <= y[flat]) continue;
            y[flat] = x.at(at[0], at[1], iy, ix);
            taps[flat] = static_cast<double>(k);
        }
    });
    return {y, taps};
}

void check(const Sizes &s) {
    INFO("MaxPoolTaps of ", to_string(s.x), " to ", to_string(s.y()));
    OpCase pool{.type = "MaxPoolTaps", .inputs = {runtime(s.x, 1)}, .attributes = s.attributes(), .opset = 1};
    pool.domain = "saccade";
    pool.outputs = 2;
    check_op(pool, [&](const std::vector<Array> &in) { return pooled(s, in[0]); });

    // Any taps whose pixel exists will do; those of a pooling have one.
    OpCase unpool{.type = "MaxUnpoolTaps",
                  .inputs = {runtime(s.y(), 2), runtime(s.y(), 3)},
                  .attributes = s.attributes(),
                  .opset = 1};
    unpool.domain = "saccade";
    unpool.attributes["output"] = List{s.x[2], s.x[3]};
    Array image(s.x);
    const auto values = random_floats(image.values.size(), 4);
    std::copy(values.begin(), values.end(), image.values.begin());
    const Array taps = pooled(s, image)[1];
    for (size_t i = 0; i < taps.values.size(); ++i) unpool.inputs[1].values[i] = static_cast<float>(taps.values[i]);
    check_op(unpool, [&](const std::vector<Array> &in) {
        Array y(s.x);
        for_each_index(in[0].shape, [&](const List &at, int64_t flat) {
            const auto k = static_cast<int64_t>(in[1][flat]);
            const int64_t iy = at[2] * s.strides[0] + k / s.kernel[1] - s.pads[0];
            const int64_t ix = at[3] * s.strides[1] + k % s.kernel[1] - s.pads[1];
            y.at(at[0], at[1], iy, ix) = in[0][flat];
        });
        return std::vector<Array>{y};
    });
}

}  // namespace

TEST_CASE("max_unpool: windows beside one another, overlapping, with gaps, padded") {
    check({});
    check({.x = {1, 7, 9, 5}, .out = {4, 2}});  // a last row and column that no window reaches
    check({.x = {1, 7, 9, 5}, .ceil = true, .out = {5, 3}});
    check({.x = {1, 4, 11, 13}, .kernel = {3, 3}, .strides = {2, 2}, .pads = {1, 1, 1, 1}, .out = {6, 7}});
    check({.x = {1, 3, 7, 8}, .kernel = {3, 2}, .strides = {1, 3}, .pads = {2, 0, 0, 1}, .out = {7, 3}});
    check({.x = {3, 1, 5, 7}, .kernel = {1, 2}, .strides = {2, 4}, .out = {3, 2}});
}

TEST_CASE("max_unpool: of equals the first, also where all are the least") {
    OpCase pool{.type = "MaxPoolTaps", .inputs = {runtime({1, 2, 4, 4}, 1)}, .opset = 1};
    pool.attributes = Sizes().attributes();
    pool.domain = "saccade";
    pool.outputs = 2;
    std::fill(pool.inputs[0].values.begin(), pool.inputs[0].values.end(), std::numeric_limits<float>::lowest() / 1e36f);
    pool.inputs[0].values[5] = 2;  // the last of the first window
    check_op(pool, [&](const std::vector<Array> &in) {
        Sizes s{.x = {1, 2, 4, 4}, .out = {2, 2}};
        return pooled(s, in[0]);
    });
}

TEST_CASE("max_unpool: what a file may not say") {
    const auto code = [](Shape x, Shape indices, Attributes attributes, std::vector<int64_t> shape = {}) {
        OpCase op{.type = "MaxUnpool",
                  .inputs = {runtime(std::move(x), 1), runtime(std::move(indices), 2)},
                  .attributes = std::move(attributes)};
        if (!shape.empty()) op.inputs.push_back(integers(std::move(shape)));
        return load_code(op);
    };
    const Attributes two = {{"kernel_shape", List{2, 2}}, {"strides", List{2, 2}}};
    CHECK(code({1, 2, 3, 3}, {1, 2, 3, 3}, two) == Code::unsupported);  // indices of no pooling
    CHECK(code({1, 2, 3, 3}, {1, 2, 3, 4}, two) == Code::invalid_file);
    CHECK(code({1, 2, 3, 3}, {1, 2, 3, 3}, {}) == Code::invalid_file);
    CHECK(code({1, 2, 3, 3}, {1, 2, 3, 3}, {{"kernel_shape", List{2, 2}}, {"pads", List{9, 9, 9, 9}}}) ==
          Code::invalid_file);
    CHECK(code({1, 2, 3, 3}, {1, 2, 3, 3}, two, {1, 2, 5, 6}) == Code::invalid_file);
    CHECK(code({1, 2, 3, 3}, {1, 2, 3, 3}, two, {1, 3, 6, 6}) == Code::invalid_file);
}

TEST_CASE("max_unpool: every variant was checked") {
    check_every_variant("ops/pool2d_taps.comp");
    check_every_variant("ops/unpool2d.comp");
}
