// Softmax along one axis and along flattened ones, against plain loops.
#include <doctest/doctest.h>

#include <cmath>

#include "tests/ops/indices.h"

using namespace sac;
using namespace sac::test;

namespace {

void check_softmax(const Shape &x, std::optional<int64_t> axis, int opset, int64_t outer, int64_t length,
                   int64_t inner) {
    INFO("Softmax of ", to_string(x), " as ", outer, " x ", length, " x ", inner);
    OpCase op{.type = "Softmax", .inputs = {runtime(x, 1, -6, 6)}, .opset = opset};
    if (axis) op.attributes["axis"] = *axis;
    check_op(op, [&](const std::vector<Array> &in) {
        Array y(x);
        for (int64_t row = 0; row < outer * inner; ++row) {
            const int64_t first = row / inner * length * inner + row % inner;
            double highest = -1e30, sum = 0;
            for (int64_t i = 0; i < length; ++i) highest = std::max(highest, in[0][first + i * inner]);
            for (int64_t i = 0; i < length; ++i) sum += std::exp(in[0][first + i * inner] - highest);
            for (int64_t i = 0; i < length; ++i)
                y[first + i * inner] = std::exp(in[0][first + i * inner] - highest) / sum;
        }
        return std::vector<Array>{y};
    });
}

}  // namespace

TEST_CASE("softmax: one axis") {
    check_softmax({2, 5, 3, 7}, 1, 13, 2, 5, 21);
    check_softmax({2, 5, 3, 8}, 3, 13, 30, 8, 1);
    check_softmax({2, 5, 3, 7}, {}, 13, 30, 7, 1);
    check_softmax({2, 5, 3, 7}, -2, 13, 10, 3, 7);
    check_softmax({1, 1000}, 1, 13, 1, 1000, 1);
    check_softmax({3, 261}, -1, 13, 3, 261, 1);
    check_softmax({100, 12}, -1, 13, 100, 12, 1);
    check_softmax({5}, 0, 13, 1, 5, 1);
    check_softmax({1, 3}, 0, 13, 1, 1, 3);
}

TEST_CASE("softmax: axes flattened together, before opset 13") {
    check_softmax({2, 5, 3, 7}, {}, 11, 2, 105, 1);
    check_softmax({2, 5, 2, 2}, 2, 11, 10, 4, 1);
    check_softmax({2, 9, 1, 1}, 1, 11, 2, 9, 1);
    check_softmax({4, 6}, {}, 7, 4, 6, 1);
}

TEST_CASE("softmax: a reduction of more than 65,535 steps") {
    check_softmax({1, 70001}, 1, 13, 1, 70001, 1);
    CHECK(load_code({.type = "Softmax", .inputs = {runtime({2, 70001, 2}, 1)}, .attributes = {{"axis", int64_t{1}}}}) ==
          Code::unsupported);
    CHECK(load_code({.type = "Softmax", .inputs = {runtime({2, 3}, 1)}, .attributes = {{"axis", int64_t{2}}}}) ==
          Code::invalid_file);
}

TEST_CASE("softmax: every variant was checked") {
    check_every_variant("ops/softmax.comp");
    check_every_variant("ops/softmax_dense.comp");
}
