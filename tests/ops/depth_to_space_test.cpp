// DepthToSpace and SpaceToDepth against plain loops.
#include <doctest/doctest.h>

#include "tests/ops/indices.h"

using namespace sac;
using namespace sac::test;

namespace {

// Which channel of x, and which pixel of its block, y's channel c at phase (i, j) is.
int64_t deep_channel(bool crd, int64_t c, int64_t i, int64_t j, int64_t b, int64_t channels) {
    return crd ? (c * b + i) * b + j : (i * b + j) * channels + c;
}

void check_up(Shape x, int64_t b, const std::string &mode) {
    INFO("DepthToSpace of ", to_string(x), ", blocks of ", b, ", ", mode);
    OpCase op{.type = "DepthToSpace", .inputs = {runtime(x, 1)}};
    op.attributes = {{"blocksize", b}, {"mode", mode}};
    check_op(op, [&](const std::vector<Array> &in) {
        Array y({x[0], x[1] / (b * b), x[2] * b, x[3] * b});
        for_each_index(y.shape, [&](const std::vector<int64_t> &at, int64_t flat) {
            const int64_t from = deep_channel(mode == "CRD", at[1], at[2] % b, at[3] % b, b, y.shape[1]);
            y[flat] = in[0].at(at[0], from, at[2] / b, at[3] / b);
        });
        return std::vector<Array>{y};
    });
}

void check_down(Shape x, int64_t b, const std::string &mode) {
    INFO("SpaceToDepth of ", to_string(x), ", blocks of ", b, ", ", mode);
    OpCase op{.type = "SpaceToDepth", .inputs = {runtime(x, 1)}};
    op.attributes["blocksize"] = b;
    if (mode != "DCR") op.attributes["mode"] = mode;
    check_op(op, [&](const std::vector<Array> &in) {
        Array y({x[0], x[1] * b * b, x[2] / b, x[3] / b});
        for_each_index(x, [&](const std::vector<int64_t> &at, int64_t flat) {
            const int64_t to = deep_channel(mode == "CRD", at[1], at[2] % b, at[3] % b, b, x[1]);
            y.at(at[0], to, at[2] / b, at[3] / b) = in[0][flat];
        });
        return std::vector<Array>{y};
    });
}

}  // namespace

TEST_CASE("depth_to_space: both modes, whole texels and not") {
    for (const std::string mode : {"DCR", "CRD"}) {
        check_up({2, 16, 3, 5}, 2, mode);
        check_up({1, 27, 7, 1}, 3, mode);
        check_up({1, 75, 1, 2}, 5, mode);
        check_up({3, 8, 1, 1}, 2, mode);
        check_up({1, 5, 4, 3}, 1, mode);
        check_up({1, 64, 17, 13}, 2, mode);
    }
}

TEST_CASE("space_to_depth: both modes, whole texels and not") {
    for (const std::string mode : {"DCR", "CRD"}) {
        check_down({2, 4, 6, 10}, 2, mode);
        check_down({1, 3, 14, 4}, 2, mode);
        check_down({1, 7, 9, 6}, 3, mode);
        check_down({2, 1, 5, 5}, 5, mode);
        check_down({1, 12, 26, 34}, 2, mode);
    }
}

TEST_CASE("depth_to_space: what a file may not say") {
    const auto code = [](const char *type, Shape x, Attributes attributes) {
        return load_code({.type = type, .inputs = {runtime(std::move(x), 1)}, .attributes = std::move(attributes)});
    };
    CHECK(code("DepthToSpace", {1, 8, 3, 3}, {{"blocksize", int64_t{2}}}) == Code::ok);
    CHECK(code("DepthToSpace", {1, 8, 3, 3}, {}) == Code::invalid_file);
    CHECK(code("DepthToSpace", {1, 8, 3, 3}, {{"blocksize", int64_t{3}}}) == Code::invalid_file);
    CHECK(code("DepthToSpace", {1, 8, 3, 3}, {{"blocksize", int64_t{-2}}}) == Code::invalid_file);
    CHECK(code("DepthToSpace", {1, 8, 3}, {{"blocksize", int64_t{2}}}) == Code::invalid_file);
    CHECK(code("DepthToSpace", {1, 8, 3, 3}, {{"blocksize", int64_t{2}}, {"mode", std::string("DRC")}}) ==
          Code::invalid_file);
    CHECK(code("SpaceToDepth", {1, 8, 3, 4}, {{"blocksize", int64_t{2}}}) == Code::invalid_file);
    CHECK(code("SpaceToDepth", {1, 8, 4, 4}, {{"blocksize", int64_t{1} << 40}}) == Code::unsupported);
}

TEST_CASE("space_to_depth: every variant was checked") { check_every_variant("ops/space_to_depth.comp"); }
