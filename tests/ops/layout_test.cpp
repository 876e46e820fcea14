// The conversions of the layout pass, and operators that only rename memory: Reshape, Flatten, Squeeze, Unsqueeze,
// Identity, Dropout; BatchNormalization, which is a depthwise convolution of one pixel.
#include <doctest/doctest.h>

#include <cmath>

#include "compute/session.h"
#include "tests/ops/indices.h"

using namespace sac;
using namespace sac::test;

namespace {

using List = std::vector<int64_t>;

Reference renamed(const Shape &y) {
    return [=](const std::vector<Array> &in) {
        Array out = in[0];
        out.shape = y;
        return std::vector<Array>{out};
    };
}

void check_renamed(OpCase op, const Shape &y) {
    INFO(op.type, " of ", to_string(op.inputs[0].shape), " to ", to_string(y));
    op.c4 = y.size() > 1;
    check_op(op, renamed(y));
}

}  // namespace

TEST_CASE("to_c4, to_dense, convert: every shape and type") {
    for (const Shape &shape : {Shape{2, 5, 3, 7}, Shape{2, 5, 4, 7}, Shape{1, 3, 16}, Shape{3, 8}, Shape{3, 5},
                               Shape{1, 5}, Shape{2, 8, 1, 1}, Shape{2, 1, 3, 3}, Shape{1, 4, 5, 4}}) {
        check_conversions(shape);
    }
}

TEST_CASE("reshape") {
    const auto reshape = [](const Shape &x, const List &to, const Shape &y) {
        check_renamed({.type = "Reshape", .inputs = {runtime(x, 1), integers(to)}}, y);
    };
    reshape({2, 5, 3, 7}, {2, 5, 21}, {2, 5, 21});  // C4 stays
    reshape({2, 5, 3, 7}, {0, -1}, {2, 105});
    reshape({2, 5, 3, 7}, {-1}, {210});
    reshape({2, 6}, {3, 2, 2}, {3, 2, 2});
    check_renamed({.type = "Flatten", .inputs = {runtime({2, 5, 3}, 1)}}, {2, 15});
    check_renamed({.type = "Flatten", .inputs = {runtime({2, 5, 1, 1}, 1)}}, {2, 5});
    check_renamed({.type = "Flatten", .inputs = {runtime({2, 5, 3}, 1)}, .attributes = {{"axis", int64_t{-1}}}},
                  {10, 3});
    check_renamed({.type = "Squeeze", .inputs = {runtime({2, 5, 1, 1}, 1), integers({2, -1})}}, {2, 5});
    check_renamed(
        {.type = "Squeeze", .inputs = {runtime({1, 5, 1, 3}, 1)}, .attributes = {{"axes", List{0}}}, .opset = 11},
        {5, 1, 3});
    check_renamed({.type = "Squeeze", .inputs = {runtime({1, 5, 1, 3}, 1)}}, {5, 3});
    check_renamed({.type = "Unsqueeze", .inputs = {runtime({5, 3}, 1), integers({0, -1})}}, {1, 5, 3, 1});
    check_renamed({.type = "Unsqueeze", .inputs = {runtime({5, 3}, 1)}, .attributes = {{"axes", List{1}}}, .opset = 11},
                  {5, 1, 3});
    check_renamed({.type = "Identity", .inputs = {runtime({5, 3}, 1)}}, {5, 3});
    check_renamed({.type = "Dropout", .inputs = {runtime({2, 5, 3}, 1)}}, {2, 5, 3});
}

TEST_CASE("reshape: what a file may not say") {
    const auto code = [](const char *type, const List &list) {
        return load_code({.type = type, .inputs = {runtime({2, 6}, 1), integers(list)}});
    };
    CHECK(code("Reshape", {5, 2}) == Code::invalid_file);
    CHECK(code("Reshape", {-1, -1}) == Code::invalid_file);
    CHECK(code("Reshape", {-1, 5}) == Code::invalid_file);
    CHECK(code("Reshape", {-2, 6}) == Code::invalid_file);
    CHECK(code("Reshape", {int64_t{1} << 62, 4}) == Code::invalid_file);
    CHECK(code("Squeeze", {1}) == Code::invalid_file);
    CHECK(code("Squeeze", {2}) == Code::invalid_file);
    CHECK(code("Unsqueeze", {4}) == Code::invalid_file);
    CHECK(code("Unsqueeze", {0, 0}) == Code::invalid_file);
    CHECK(load_code({.type = "Flatten", .inputs = {runtime({2, 6}, 1)}, .attributes = {{"axis", int64_t{3}}}}) ==
          Code::invalid_file);
}

TEST_CASE("batch normalization") {
    for (const Shape &x : {Shape{2, 5, 3, 7}, Shape{3, 6}, Shape{1, 9, 11}}) {
        const int64_t c = x[1];
        OpCase op{.type = "BatchNormalization",
                  .inputs = {runtime(x, 1), constant({c}, 2, 0.5, 2), constant({c}, 3), constant({c}, 4),
                             constant({c}, 5, 0.1, 2)},
                  .attributes = {{"epsilon", 1e-3f}}};
        check_op(op, [&](const std::vector<Array> &in) {
            Array y(x);
            for_each_index(x, [&](const std::vector<int64_t> &at, int64_t flat) {
                const double scale = in[1][at[1]] / std::sqrt(in[4][at[1]] + static_cast<double>(1e-3f));
                y[flat] = (in[0][flat] - in[3][at[1]]) * scale + in[2][at[1]];
            });
            return std::vector<Array>{y};
        });
    }
    const Status wrong = load_op(
        {.type = "BatchNormalization",
         .inputs = {runtime({2, 5, 3}, 1), constant({5}, 2), constant({5}, 3), constant({4}, 4), constant({5}, 5)}});
    REQUIRE(!wrong.ok());
    CHECK(wrong.error().message.find("input 3") != std::string::npos);
}

TEST_CASE("to_c4, to_dense, convert: every variant was checked") {
    check_every_variant("ops/to_c4.comp");
    check_every_variant("ops/to_dense.comp");
    check_every_variant("ops/convert.comp");
}
