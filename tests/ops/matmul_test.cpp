// MatMul against plain loops: two computed tensors, a constant on either side, batches that broadcast, vectors.
#include <doctest/doctest.h>

#include "tests/ops/indices.h"

using namespace sac;
using namespace sac::test;

namespace {

void check_matmul(const OpInput &a, const OpInput &b, const Shape &y) {
    INFO("MatMul of ", to_string(a.shape), " and ", to_string(b.shape));
    OpCase op{.type = "MatMul", .inputs = {a, b}};
    op.c4 = y.size() > 1;
    check_op(op, [&](const std::vector<Array> &in) {
        Shape left = a.shape, right = b.shape, full = y;
        if (left.size() == 1) {
            left.insert(left.begin(), 1);
            full.insert(full.end() - (b.shape.size() > 1 ? 1 : 0), 1);
        }
        if (right.size() == 1) {
            right.push_back(1);
            full.push_back(1);
        }
        Array out(full);
        for_each_index(full, [&](const std::vector<int64_t> &at, int64_t flat) {
            std::vector<int64_t> la = at, rb = at;
            for (int64_t k = 0; k < left.back(); ++k) {
                la.back() = k;
                rb[rb.size() - 2] = k;
                out[flat] += in[0][flat_index(left, la)] * in[1][flat_index(right, rb)];
            }
        });
        out.shape = y;
        return std::vector<Array>{out};
    });
}

}  // namespace

TEST_CASE("matmul: two computed tensors") {
    check_matmul(runtime({5, 7}, 1), runtime({7, 3}, 2), {5, 3});
    check_matmul(runtime({5, 7}, 1), runtime({7, 12}, 2), {5, 12});
    check_matmul(runtime({2, 3, 5, 7}, 1), runtime({2, 3, 7, 4}, 2), {2, 3, 5, 4});
    check_matmul(runtime({2, 3, 5, 7}, 1), runtime({7, 4}, 2), {2, 3, 5, 4});
    check_matmul(runtime({2, 1, 5, 7}, 1), runtime({3, 7, 9}, 2), {2, 3, 5, 9});
    check_matmul(runtime({2, 1, 3, 4}, 1), runtime({1, 3, 4, 8}, 2), {2, 3, 3, 8});
    check_matmul(runtime({2, 3, 1, 5}, 1), runtime({3, 5, 6}, 2), {2, 3, 1, 6});
}

TEST_CASE("matmul: a constant on one side") {
    check_matmul(runtime({37, 13}, 1), constant({13, 29}, 2), {37, 29});
    check_matmul(runtime({2, 9, 16}, 1), constant({16, 24}, 2), {2, 9, 24});
    check_matmul(runtime({2, 9, 15}, 1), constant({15, 24}, 2), {2, 9, 24});
    check_matmul(runtime({2, 9, 16}, 1), constant({2, 16, 5}, 2), {2, 9, 5});
    check_matmul(constant({9, 16}, 1), runtime({3, 16, 5}, 2), {3, 9, 5});
}

TEST_CASE("matmul: vectors") {
    check_matmul(runtime({7}, 1), runtime({7, 5}, 2), {5});
    check_matmul(runtime({2, 3, 7}, 1), runtime({7}, 2), {2, 3});
    check_matmul(runtime({7}, 1), runtime({2, 7, 4}, 2), {2, 4});
}

TEST_CASE("matmul: a reduction of more than 65,535 steps") {
    check_matmul(runtime({2, 70001}, 1), constant({70001, 3}, 2), {2, 3});
    CHECK(load_code({.type = "MatMul", .inputs = {runtime({2, 70001}, 1), runtime({70001, 3}, 2)}}) ==
          Code::unsupported);
}

TEST_CASE("matmul: shapes that do not fit") {
    CHECK(load_code({.type = "MatMul", .inputs = {runtime({2, 3}, 1), runtime({4, 3}, 2)}}) == Code::invalid_file);
    CHECK(load_code({.type = "MatMul", .inputs = {runtime({2, 2, 3}, 1), runtime({3, 3, 4}, 2)}}) ==
          Code::invalid_file);
    CHECK(load_code({.type = "MatMul", .inputs = {runtime({2, 1, 2, 2, 3}, 1), runtime({1, 2, 1, 3, 4}, 2)}}) ==
          Code::unsupported);
}

TEST_CASE("matmul: every variant was checked") { check_every_variant("ops/matmul.comp"); }
