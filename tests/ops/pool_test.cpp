// Pooling and reductions against plain loops.
#include <doctest/doctest.h>

#include <cmath>

#include "compute/session.h"
#include "tests/ops/indices.h"
#include "tests/support/device.h"
#include "tests/support/model.h"

using namespace sac;
using namespace sac::test;

namespace {

struct PoolSizes {
    Shape x = {2, 5, 11, 13};
    int64_t kernel_h = 3, kernel_w = 3, stride_y = 2, stride_x = 2, dilation = 1;
    int64_t pad_top = 1, pad_left = 1, pad_bottom = 1, pad_right = 1;
    bool ceil = false, count_pad = false;
    int64_t out_h = 6, out_w = 7;  ///< written down, so that the shape is checked too
};

void check_pool(const std::string &type, const PoolSizes &s) {
    INFO(type, " of ", to_string(s.x), ", window ", s.kernel_h, " x ", s.kernel_w);
    using List = std::vector<int64_t>;
    OpCase op{.type = type, .inputs = {runtime(s.x, 1)}};
    op.attributes = {{"kernel_shape", List{s.kernel_h, s.kernel_w}},
                     {"strides", List{s.stride_y, s.stride_x}},
                     {"pads", List{s.pad_top, s.pad_left, s.pad_bottom, s.pad_right}},
                     {"ceil_mode", int64_t{s.ceil}}};
    if (type == "MaxPool") op.attributes["dilations"] = List{s.dilation, s.dilation};
    if (type == "AveragePool") op.attributes["count_include_pad"] = int64_t{s.count_pad};
    check_op(op, [&](const std::vector<Array> &in) {
        Array y({s.x[0], s.x[1], s.out_h, s.out_w});
        for_each_index(y.shape, [&](const std::vector<int64_t> &at, int64_t flat) {
            double sum = 0, highest = -std::numeric_limits<double>::infinity();
            int64_t taps = 0;
            for (int64_t ky = 0; ky < s.kernel_h; ++ky)
                for (int64_t kx = 0; kx < s.kernel_w; ++kx) {
                    const int64_t iy = at[2] * s.stride_y + ky * s.dilation - s.pad_top;
                    const int64_t ix = at[3] * s.stride_x + kx * s.dilation - s.pad_left;
                    const bool inside = iy >= 0 && ix >= 0 && iy < s.x[2] && ix < s.x[3];
                    const bool padding = iy < s.x[2] + s.pad_bottom && ix < s.x[3] + s.pad_right;
                    if (inside || (s.count_pad && padding)) ++taps;
                    if (!inside) continue;
                    sum += in[0].at(at[0], at[1], iy, ix);
                    highest = std::max(highest, in[0].at(at[0], at[1], iy, ix));
                }
            y[flat] = type == "MaxPool" ? highest : sum / static_cast<double>(taps);
        });
        return std::vector<Array>{y};
    });
}

void check_reduce(const std::string &type, const Shape &x, std::vector<int64_t> axes, bool keep,
                  bool as_input = false) {
    INFO(type, " of ", to_string(x), " over ", to_string(axes));
    OpCase op{.type = type, .inputs = {runtime(x, 1, 0.5, 1.5)}};
    const bool is_global = type.starts_with("Global");
    std::vector<bool> reduced(x.size(), axes.empty() && !is_global);
    for (const int64_t axis : axes)
        reduced[static_cast<size_t>(axis < 0 ? axis + static_cast<int64_t>(x.size()) : axis)] = true;
    for (size_t i = 2; is_global && i < x.size(); ++i) reduced[i] = true;
    if (!is_global) op.attributes["keepdims"] = int64_t{keep};
    if (as_input) {
        op.inputs.push_back(integers(axes));
    } else if (!axes.empty()) {
        op.attributes["axes"] = axes;
    }
    Shape kept, y;
    for (size_t i = 0; i < x.size(); ++i) {
        kept.push_back(reduced[i] ? 1 : x[i]);
        if (!reduced[i] || keep) y.push_back(kept[i]);
    }
    op.c4 = y.size() > 1;
    check_op(op, [&](const std::vector<Array> &in) {
        const bool maximum = type.ends_with("Max") || type == "GlobalMaxPool", minimum = type == "ReduceMin";
        Array out(kept);
        if (maximum || minimum) std::fill(out.values.begin(), out.values.end(), maximum ? -1e30 : 1e30);
        if (type == "ReduceProd") std::fill(out.values.begin(), out.values.end(), 1);
        for_each_index(x, [&](const std::vector<int64_t> &index, int64_t flat) {
            double &to = out[flat_index(kept, index)];
            const double value = in[0][flat];
            if (maximum)
                to = std::max(to, value);
            else if (minimum)
                to = std::min(to, value);
            else if (type == "ReduceProd")
                to *= value;
            else if (type == "ReduceSumSquare")
                to += value * value;
            else
                to += value;
        });
        const double count = static_cast<double>(element_count(x)) / static_cast<double>(element_count(kept));
        if (type == "ReduceMean" || type == "GlobalAveragePool") {
            for (double &value : out.values) value /= count;
        }
        out.shape = y;
        return std::vector<Array>{out};
    });
}

}  // namespace

TEST_CASE("pool2d: windows") {
    for (const std::string type : {"MaxPool", "AveragePool"}) {
        check_pool(type, {});
        check_pool(type, {.x = {1, 8, 12, 12},
                          .kernel_h = 2,
                          .kernel_w = 2,
                          .pad_top = 0,
                          .pad_left = 0,
                          .pad_bottom = 0,
                          .pad_right = 0,
                          .out_h = 6,
                          .out_w = 6});
        check_pool(type, {.x = {1, 3, 7, 9},
                          .kernel_h = 3,
                          .kernel_w = 2,
                          .stride_y = 1,
                          .stride_x = 3,
                          .pad_top = 2,
                          .pad_left = 0,
                          .pad_bottom = 1,
                          .pad_right = 1,
                          .out_h = 8,
                          .out_w = 3});
        // Rounded up: the last windows hang over the end; one that would begin beyond it is left out.
        check_pool(type, {.x = {1, 4, 10, 8},
                          .pad_top = 0,
                          .pad_left = 1,
                          .pad_bottom = 0,
                          .pad_right = 1,
                          .ceil = true,
                          .out_h = 5,
                          .out_w = 5});
        check_pool(type, {.x = {1, 4, 4, 4},
                          .kernel_h = 1,
                          .kernel_w = 1,
                          .stride_y = 3,
                          .stride_x = 4,
                          .pad_top = 0,
                          .pad_left = 0,
                          .pad_bottom = 0,
                          .pad_right = 0,
                          .ceil = true,
                          .out_h = 2,
                          .out_w = 1});
    }
    for (const int64_t side : {1, 2, 9}) {
        check_pool("MaxPool", {.x = {2, 7, side, 13},
                               .stride_y = 1,
                               .stride_x = 1,
                               .pad_top = 1,
                               .pad_left = 1,
                               .pad_bottom = 1,
                               .pad_right = 1,
                               .out_h = side,
                               .out_w = 13});
    }
    check_pool("MaxPool", {.x = {1, 6, 12, 11}, .dilation = 2, .out_h = 5, .out_w = 5});
    check_pool("AveragePool", {.count_pad = true});
    check_pool("AveragePool", {.x = {1, 4, 10, 8},
                               .pad_top = 0,
                               .pad_left = 1,
                               .pad_bottom = 1,
                               .pad_right = 0,
                               .ceil = true,
                               .count_pad = true,
                               .out_h = 5,
                               .out_w = 4});
}

TEST_CASE("pool2d: what a file may not say") {
    using List = std::vector<int64_t>;
    const auto code = [](Attributes attributes, size_t outputs = 1) {
        const Status status = load_op({.type = "MaxPool",
                                       .inputs = {runtime({1, 4, 8, 8}, 1)},
                                       .attributes = std::move(attributes),
                                       .outputs = outputs});
        REQUIRE(!status.ok());
        return status.error().code;
    };
    CHECK(code({}) == Code::invalid_file);
    CHECK(code({{"kernel_shape", List{0, 3}}}) == Code::invalid_file);
    CHECK(code({{"kernel_shape", List{3, 3, 3}}}) == Code::invalid_file);
    CHECK(code({{"kernel_shape", List{9, 3}}}) == Code::invalid_file);
    CHECK(code({{"kernel_shape", List{2, 2}}, {"pads", List{2, 0, 0, 0}}}) == Code::invalid_file);
    CHECK(code({{"kernel_shape", List{2, 2}}}, 2) == Code::unsupported);
}

TEST_CASE("pool2d: an input without elements is refused") {
    for (const char *type : {"MaxPool", "AveragePool"}) {
        for (const int64_t size : {2, 7}) {  // a window that is unrolled, and one that is not
            for (const Shape &x : {Shape{1, 0, 8, 8}, Shape{0, 4, 8, 8}}) {
                onnx::ModelWriter model(13);
                const std::vector<int64_t> window = {size, size};
                model.floats("none", x, {});
                model.node(type, {"none"}, {"y"}, {{"kernel_shape", window}}, "pool");
                model.output("y");
                const auto plan = make_plan(import_model(model), device().caps(), kernels(), {});
                REQUIRE(!plan.ok());
                CHECK_MESSAGE(plan.error().code == Code::unsupported, plan.error().message);
                CHECK_MESSAGE(plan.error().message.find("'pool'") != std::string::npos, plan.error().message);
            }
        }
    }
}

TEST_CASE("pool_global: all pixels of an image") {
    for (const std::string type : {"GlobalAveragePool", "GlobalMaxPool"}) {
        check_reduce(type, {2, 37, 7, 5}, {}, true);
        check_reduce(type, {1, 4, 1, 1}, {}, true);
        check_reduce(type, {3, 5, 9}, {}, true);
        check_reduce(type, {1, 3, 301, 307}, {}, true);  // 92,407 pixels: more than a loop may count to on some drivers
    }
    check_reduce("ReduceMean", {2, 6, 5, 7}, {2, 3}, true);
    check_reduce("ReduceMean", {2, 6, 5, 7}, {-1, -2}, false);
    check_reduce("ReduceMax", {1, 9, 4, 4}, {2, 3}, true);
}

TEST_CASE("reduce: any axes") {
    for (const std::string type :
         {"ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceSumSquare"}) {
        const bool as_input = type == "ReduceSum";  // opset 13
        check_reduce(type, {3, 5, 7}, {1}, true, as_input);
        check_reduce(type, {2, 3, 4, 5}, {0, 2}, false, as_input);
        check_reduce(type, {3, 7}, {-1}, false, as_input);
        check_reduce(type, {2, 3, 2}, {}, false);
        check_reduce(type, {1, 3, 1}, {0, 2}, true, as_input);
    }
    check_reduce("ReduceMean", {2, 70001}, {1}, true);
}

TEST_CASE("reduce: axes that are not there") {
    CHECK(load_code({.type = "ReduceMean",
                     .inputs = {runtime({2, 3}, 1)},
                     .attributes = {{"axes", std::vector<int64_t>{2}}}}) == Code::invalid_file);
    CHECK(load_code({.type = "ReduceSum", .inputs = {runtime({2, 600001}, 1), integers({1})}}) == Code::unsupported);
    CHECK(load_code({.type = "GlobalAveragePool", .inputs = {runtime({2, 3}, 1)}}) == Code::invalid_file);
}

TEST_CASE("pool2d, pool_global, reduce: every variant was checked") {
    check_every_variant("ops/pool2d.comp");
    check_every_variant("ops/pool2d_window.comp");
    check_every_variant("ops/pool_global.comp");
    check_every_variant("ops/reduce.comp");
}
