// MatMul against plain loops: two computed tensors, a constant on either side, batches that broadcast, vectors.
#include <doctest/doctest.h>

#include "compute/onnx/model_writer.h"
#include "tests/ops/every_candidate.h"
#include "tests/ops/indices.h"
#include "tests/support/device.h"

using namespace sac;
using namespace sac::test;

namespace {

// With a `perm`, saccade.MatMul: by b with its axes in that order.
void check_matmul(const OpInput &a, const OpInput &b, const Shape &y, const std::vector<int64_t> &perm = {}) {
    INFO("MatMul of ", to_string(a.shape), " and ", to_string(b.shape), " transposed by ", to_string(perm));
    OpCase op{.type = "MatMul", .inputs = {a, b}};
    if (!perm.empty()) {
        op.domain = "saccade";
        op.opset = 1;
        op.attributes = {{"perm", perm}};
    }
    op.c4 = y.size() > 1;
    check_op(op, [&](const std::vector<Array> &in) {
        Shape left = a.shape, right = b.shape, full = y;
        for (size_t i = 0; i < perm.size(); ++i) right[i] = b.shape[static_cast<size_t>(perm[i])];
        const auto in_order = [&](const std::vector<int64_t> &at) {
            std::vector<int64_t> from = at;
            for (size_t i = 0; i < perm.size(); ++i)
                from[static_cast<size_t>(perm[i])] = at[at.size() - perm.size() + i];
            return from;
        };
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
                out[flat] += in[0][flat_index(left, la)] *
                             in[1][perm.empty() ? flat_index(right, rb) : flat_index(b.shape, in_order(rb))];
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
    check_matmul(runtime({3, 1, 1}, 1), runtime({3, 1, 1}, 2), {3, 1, 1});
    check_matmul(runtime({37, 131}, 1), runtime({131, 151}, 2), {37, 151});
    check_matmul(runtime({3, 33, 8}, 1), runtime({3, 8, 68}, 2), {3, 33, 68});
    check_matmul(runtime({2, 3, 17, 12}, 1), runtime({2, 1, 12, 20}, 2), {2, 3, 17, 20});  // more rows by the same b
    check_matmul(runtime({2, 1, 17, 12}, 1), runtime({2, 3, 12, 20}, 2), {2, 3, 17, 20});  // the same rows: copied
    check_matmul(runtime({17, 12}, 1), runtime({2, 3, 12, 20}, 2), {2, 3, 17, 20});        // the same rows: read again
    check_matmul(runtime({3, 5, 8}, 1), runtime({2, 1, 8, 4}, 2), {2, 3, 5, 4});
}

TEST_CASE("matmul: the matrix core does what is not tiny") {
    const auto a = runtime({8, 64, 64}, 1), b = runtime({8, 64, 64}, 2);
    check_matmul(a, b, {8, 64, 64});
    check_matmul(a, b, {8, 64, 64}, {0, 2, 1});
}

TEST_CASE("matmul: by a tensor whose axes lie in another order") {
    check_matmul(runtime({5, 7}, 1), runtime({3, 7}, 2), {5, 3}, {1, 0});
    check_matmul(runtime({5, 8}, 1), runtime({12, 8}, 2), {5, 12}, {1, 0});
    check_matmul(runtime({5, 8}, 1), runtime({13, 8}, 2), {5, 13}, {1, 0});
    check_matmul(runtime({2, 3, 9, 8}, 1), runtime({2, 10, 3, 8}, 2), {2, 3, 9, 10}, {0, 2, 3, 1});
    check_matmul(runtime({2, 3, 9, 5}, 1), runtime({2, 10, 3, 5}, 2), {2, 3, 9, 10}, {0, 2, 3, 1});
    check_matmul(runtime({2, 3, 9, 10}, 1), runtime({2, 10, 3, 8}, 2), {2, 3, 9, 8}, {0, 2, 1, 3});
    check_matmul(runtime({2, 3, 4}, 1), runtime({5, 4, 2}, 2), {2, 3, 5}, {2, 1, 0});
    const auto load = [](std::vector<int64_t> perm) {
        return load_code({.type = "MatMul",
                          .inputs = {runtime({2, 3, 4}, 1), runtime({2, 5, 4}, 2)},
                          .attributes = {{"perm", std::move(perm)}},
                          .opset = 1,
                          .domain = "saccade"});
    };
    CHECK(load({0, 2, 1}) == Code::ok);
    CHECK(load({0, 1, 2}) == Code::invalid_file);
    CHECK(load({0, 1}) == Code::invalid_file);
    CHECK(load({0, 2, 2}) == Code::invalid_file);
    CHECK(load({0, 3, -1}) == Code::invalid_file);
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
    check_matmul(runtime({2, 70001}, 1), runtime({70001, 3}, 2), {2, 3});
    check_matmul(runtime({2, 70004}, 1), runtime({3, 70004}, 2), {2, 3}, {1, 0});
    CHECK(load_code({.type = "MatMul", .inputs = {runtime({1, 270001}, 1), runtime({270001, 1}, 2)}}) ==
          Code::unsupported);
}

TEST_CASE("matmul: rows that are padded to whole texels are read through no view that cannot hold them") {
    onnx::ModelWriter model(13);
    model.input("a", {12000, 5});  // 15,000 texels; 24,000 in rows of two
    model.input("b", {5, 64});
    model.node("MatMul", {"a", "b"}, {"y"});
    model.output("y");
    const size_t all = plan_every_candidate(model, 1u << 27, 1u << 27).size();
    const size_t without_views = plan_every_candidate(model, 20'000, 1u << 27).size();
    CHECK(without_views > 1);
    if (device().caps().satisfies("texel,shuffle8")) CHECK(without_views < all);
}

TEST_CASE("matmul: shapes that do not fit") {
    CHECK(load_code({.type = "MatMul", .inputs = {runtime({2, 3}, 1), runtime({4, 3}, 2)}}) == Code::invalid_file);
    CHECK(load_code({.type = "MatMul", .inputs = {runtime({2, 2, 3}, 1), runtime({3, 3, 4}, 2)}}) ==
          Code::invalid_file);
    CHECK(load_code({.type = "MatMul", .inputs = {runtime({2, 1, 2, 2, 3}, 1), runtime({1, 2, 1, 3, 4}, 2)}}) ==
          Code::unsupported);
}

TEST_CASE("matmul: every variant was checked") {
    check_every_variant("ops/matmul.comp");
    check_every_variant("ops/matmul_pack.comp");
}
