// Element by element with broadcasting, against plain loops: by texels (binary.comp) and by elements
// (binary_dense.comp).
#include <doctest/doctest.h>

#include <cmath>

#include "tests/ops/indices.h"

using namespace sac;
using namespace sac::test;

namespace {

double apply(const std::string &type, double a, double b) {
    if (type == "Add") return a + b;
    if (type == "Sub") return a - b;
    if (type == "Mul") return a * b;
    if (type == "Div") return a / b;
    if (type == "Max") return std::max(a, b);
    if (type == "Min") return std::min(a, b);
    return std::pow(a, b);
}

const std::vector<std::string> types = {"Add", "Sub", "Mul", "Div", "Max", "Min", "Pow"};

void check_binary(const std::string &type, const OpInput &a, const OpInput &b, const Shape &y) {
    INFO(type, " of ", to_string(a.shape), " and ", to_string(b.shape));
    check_op({.type = type, .inputs = {a, b}}, [&](const std::vector<Array> &in) {
        Array out(y);
        for_each_index(y, [&](const std::vector<int64_t> &index, int64_t flat) {
            out[flat] = apply(type, in[0][flat_index(a.shape, index)], in[1][flat_index(b.shape, index)]);
        });
        return std::vector<Array>{out};
    });
}

// Away from zero, so that quotients and powers stay small.
OpInput positive(Shape shape, uint64_t seed) { return runtime(std::move(shape), seed, 0.5, 2); }

}  // namespace

TEST_CASE("binary: one shape") {
    for (const std::string &type : types) {
        for (const Shape &shape : {Shape{2, 5, 3, 7}, Shape{1, 8, 16}, Shape{3, 6}, Shape{13}}) {
            check_binary(type, positive(shape, 1), positive(shape, 2), shape);
        }
    }
}

TEST_CASE("binary: broadcasting that C4 knows") {
    const Shape y = {2, 6, 3, 5};
    for (const std::string &type : types) { check_binary(type, positive(y, 1), positive({1, 6, 1, 1}, 2), y); }
    for (const Shape &other :
         {Shape{2, 6, 1, 1}, Shape{2, 1, 3, 5}, Shape{1, 1, 3, 5}, Shape{1, 6, 3, 5}, Shape{1, 1, 1, 1}}) {
        check_binary("Sub", positive(y, 1), positive(other, 2), y);
        check_binary("Sub", positive(other, 1), positive(y, 2), y);
        check_binary("Sub", positive(y, 1), constant(other, 2), y);
    }
    check_binary("Sub", positive({2, 1, 3, 5}, 1), positive({1, 6, 1, 1}, 2), y);
    check_binary("Mul", positive(y, 1), constant({6, 1, 1}, 2), y);
    check_binary("Mul", constant({}, 1), positive(y, 2), y);
    check_binary("Mul", positive({2, 1, 3, 5}, 1), positive({2, 1, 3, 5}, 2), {2, 1, 3, 5});
}

TEST_CASE("binary: any broadcasting") {
    for (const std::string &type : types) {
        check_binary(type, positive({3, 5, 7}, 1), positive({5, 1}, 2), {3, 5, 7});
    }
    check_binary("Sub", positive({2, 6, 3, 5}, 1), positive({1, 6, 3, 1}, 2), {2, 6, 3, 5});
    check_binary("Sub", positive({5}, 1), positive({2, 6, 3, 5}, 2), {2, 6, 3, 5});
    check_binary("Sub", positive({2, 1, 3, 1, 2, 3}, 1), positive({4, 1, 2, 1, 1}, 2), {2, 4, 3, 2, 2, 3});
    check_binary("Sub", positive({1, 3}, 1), constant({4, 1}, 2), {4, 3});
}

TEST_CASE("binary: powers of negative numbers and zero") {
    const OpInput x = runtime({2, 5, 3}, 1, -2, 2);
    check_op({.type = "Pow", .inputs = {x, constant_values({}, {3})}}, [](const std::vector<Array> &in) {
        Array y(in[0].shape);
        for (size_t i = 0; i < y.values.size(); ++i) y.values[i] = std::pow(in[0].values[i], 3);
        return std::vector<Array>{y};
    });
    OpInput zeros = runtime({1, 4}, 1, 0, 0);
    check_op({.type = "Pow", .inputs = {zeros, constant_values({1, 4}, {0, 1, 2, 0.5f})}},
             [](const std::vector<Array> &) {
                 Array y({1, 4});
                 y[0] = 1;
                 return std::vector<Array>{y};
             });
}

TEST_CASE("binary: shapes that do not broadcast") {
    const Status status = load_op({.type = "Add", .inputs = {runtime({2, 3}, 1), runtime({2, 4}, 2)}});
    REQUIRE(!status.ok());
    CHECK(status.error().code == Code::invalid_file);
    CHECK(status.error().message.find("Add 'node'") != std::string::npos);
    CHECK(load_code({.type = "Max", .inputs = {runtime({2}, 1), runtime({2}, 2), runtime({2}, 3)}}) ==
          Code::unsupported);
    CHECK(
        load_code({.type = "Sub", .inputs = {runtime({2, 1, 2, 1, 2, 1, 2}, 1), runtime({1, 2, 1, 2, 1, 2, 1}, 2)}}) ==
        Code::unsupported);
}

TEST_CASE("binary: every variant was checked") {
    check_every_variant("ops/binary.comp");
    check_every_variant("ops/binary_dense.comp");
}
