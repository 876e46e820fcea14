// Gemm and MatMul by a constant against plain loops: every tile, odd and prime sizes, every epilogue.
#include <doctest/doctest.h>

#include "tests/support/op_runner.h"

using namespace sac;
using namespace sac::test;

namespace {

struct Sizes {
    int64_t m = 1, k = 1, n = 1;
    bool transposed = false;
    float alpha = 1, beta = 1;
    Shape c = {};  ///< empty: none
};

void check_gemm(const Sizes &s, const Epilogue &epilogue = {}) {
    INFO(s.m << " x " << s.k << " x " << s.n << std::string(s.transposed ? " transposed" : ""));
    OpCase op;
    op.type = "Gemm";
    op.inputs = {runtime({s.m, s.k}, 1), constant(s.transposed ? Shape{s.n, s.k} : Shape{s.k, s.n}, 2)};
    if (!s.c.empty()) op.inputs.push_back(constant(s.c, 3));
    if (epilogue.residual) op.inputs.push_back(with_nan(runtime({s.m, s.n}, 4)));
    op.attributes = {{"transB", int64_t{s.transposed}}, {"alpha", s.alpha}, {"beta", s.beta}};
    op.epilogue = epilogue;
    check_op(op, [&](const std::vector<Array> &in) {
        Array y({s.m, s.n});
        const int64_t columns = s.c.empty() ? 0 : element_count(s.c);
        for (int64_t m = 0; m < s.m; ++m)
            for (int64_t n = 0; n < s.n; ++n) {
                double sum = 0;
                for (int64_t k = 0; k < s.k; ++k)
                    sum += in[0][m * s.k + k] * in[1][s.transposed ? n * s.k + k : k * s.n + n];
                sum *= static_cast<double>(s.alpha);
                if (columns) sum += static_cast<double>(s.beta) * in[2][columns == 1 ? 0 : n];
                y[m * s.n + n] = activate(epilogue, sum, epilogue.residual ? in.back()[m * s.n + n] : 0);
            }
        return std::vector<Array>{y};
    });
}

}  // namespace

TEST_CASE("gemm: a row, a few, and tiles of them") {
    check_gemm({.m = 1, .k = 512, .n = 1000, .transposed = true, .c = {1000}});
    check_gemm({.m = 1, .k = 7, .n = 5});
    check_gemm({.m = 4, .k = 13, .n = 33, .c = {1, 33}});
    check_gemm({.m = 5, .k = 13, .n = 17, .alpha = 0.5f, .beta = -2, .c = {17}});
    check_gemm({.m = 32, .k = 64, .n = 32, .transposed = true, .c = {1}});
    check_gemm({.m = 48, .k = 20, .n = 64});
    check_gemm({.m = 71, .k = 29, .n = 131, .c = {131}});
    check_gemm({.m = 131, .k = 37, .n = 271, .c = {271}});  // several of the largest blocks
}

TEST_CASE("gemm: epilogues") {
    for (const Activation activation : {Activation::relu, Activation::silu}) {
        for (const bool residual : {false, true}) {
            check_gemm({.m = 3, .k = 8, .n = 12}, {activation, 0, 0, residual});
            check_gemm({.m = 32, .k = 8, .n = 12}, {activation, 0, 0, residual});
            check_gemm({.m = 48, .k = 8, .n = 64}, {activation, 0, 0, residual});
        }
    }
}

TEST_CASE("gemm: two computed matrices, and what is added") {
    for (const bool transposed : {false, true}) {
        for (const Shape &c : {Shape{}, Shape{13}, Shape{11, 13}}) {
            INFO("two matrices", std::string(transposed ? ", transposed" : ""), ", plus ", to_string(c));
            OpCase op{.type = "Gemm",
                      .inputs = {runtime({11, 7}, 1), runtime(transposed ? Shape{13, 7} : Shape{7, 13}, 2)},
                      .attributes = {{"transB", int64_t{transposed}}}};
            if (!c.empty()) op.inputs.push_back(c.size() == 1 ? constant(c, 3) : runtime(c, 3));
            check_op(op, [&](const std::vector<Array> &in) {
                Array y({11, 13});
                for (int64_t m = 0; m < 11; ++m)
                    for (int64_t n = 0; n < 13; ++n) {
                        double sum = c.empty() ? 0 : in[2][c.size() == 1 ? n : m * 13 + n];
                        for (int64_t k = 0; k < 7; ++k)
                            sum += in[0][m * 7 + k] * in[1][transposed ? n * 7 + k : k * 13 + n];
                        y[m * 13 + n] = sum;
                    }
                return std::vector<Array>{y};
            });
        }
    }
}

TEST_CASE("gemm: gelu in both spellings") {
    check_gemm({.m = 3, .k = 8, .n = 12}, {Activation::gelu, 0, 0, false});
    check_gemm({.m = 37, .k = 48, .n = 67, .alpha = 4}, {Activation::gelu, 0, 0, true});
    check_gemm({.m = 37, .k = 48, .n = 67, .alpha = 4}, {Activation::gelu_tanh, 0, 0, false});
}

TEST_CASE("gemm: a reduction of more than 65,535 steps") { check_gemm({.m = 5, .k = 70001, .n = 3}); }

TEST_CASE("linear: rows of tokens, with bias, activation and residual") {
    for (const Shape &x : {Shape{2, 9, 16}, Shape{1, 145, 64}, Shape{2, 3, 5, 8}, Shape{1, 1, 12}}) {
        for (const bool bias : {false, true}) {
            for (const Epilogue &epilogue :
                 {Epilogue{}, Epilogue{Activation::relu, 0, 0, true}, Epilogue{Activation::silu, 0, 0, false}}) {
                INFO("Linear of ", to_string(x), bias ? " with a bias" : "",
                     epilogue.residual ? " and a residual" : "");
                const int64_t k = x.back(), n = 20, rows = element_count(x) / k;
                Shape y = x;
                y.back() = n;
                const bool transposed = x.size() == 4;
                OpCase op{.type = "Linear",
                          .inputs = {runtime(x, 1), constant(transposed ? Shape{n, k} : Shape{k, n}, 2)},
                          .attributes = {{"transB", int64_t{transposed}}},
                          .opset = 1,
                          .domain = "saccade",
                          .epilogue = epilogue};
                if (bias) op.inputs.push_back(constant({n}, 3));
                if (epilogue.residual) op.inputs.push_back(runtime(y, 4));
                check_op(op, [&](const std::vector<Array> &in) {
                    Array out(y);
                    for (int64_t row = 0; row < rows; ++row)
                        for (int64_t column = 0; column < n; ++column) {
                            double sum = bias ? in[2][column] : 0;
                            for (int64_t i = 0; i < k; ++i)
                                sum += in[0][row * k + i] * in[1][transposed ? column * k + i : i * n + column];
                            const int64_t at = row * n + column;
                            out[at] = activate(epilogue, sum, epilogue.residual ? in.back()[at] : 0);
                        }
                    return std::vector<Array>{out};
                });
            }
        }
    }
    const auto load = [](const Shape &x, const Shape &w) {
        return load_code(
            {.type = "Linear", .inputs = {runtime(x, 1), constant(w, 2)}, .opset = 1, .domain = "saccade"});
    };
    CHECK(load({1, 3, 4}, {4, 8}) == Code::ok);
    CHECK(load({1, 3, 4}, {4, 7}) == Code::invalid_file);
    CHECK(load({1, 3, 5}, {5, 8}) == Code::invalid_file);
    CHECK(load({1, 3, 4}, {8, 8}) == Code::invalid_file);
}

TEST_CASE("gemm: what a file may not say") {
    const auto error_of = [](std::vector<OpInput> inputs, Attributes attributes = {}) {
        const Status status =
            load_op({.type = "Gemm", .inputs = std::move(inputs), .attributes = std::move(attributes)});
        REQUIRE(!status.ok());
        CHECK_MESSAGE(status.error().message.find("Gemm 'node'") != std::string::npos, status.error().message);
        return status.error();
    };
    CHECK(error_of({runtime({3, 4}, 1), constant({5, 6}, 2)}).code == Code::invalid_file);
    CHECK(error_of({runtime({3, 4, 1}, 1), constant({4, 6}, 2)}).code == Code::invalid_file);
    CHECK(error_of({runtime({3, 4}, 1), constant({4, 6}, 2), constant({5}, 3)}).code == Code::invalid_file);
    CHECK(error_of({runtime({3, 4}, 1), constant({4, 6}, 2), constant({3, 6}, 3)}).code == Code::unsupported);
    CHECK(error_of({runtime({3, 4}, 1), runtime({4, 6}, 2)}, {{"alpha", 2.0f}}).code == Code::unsupported);
    CHECK(error_of({runtime({4, 3}, 1), constant({4, 6}, 2)}, {{"transA", int64_t{1}}}).code == Code::unsupported);
    CHECK(error_of({runtime({3, 4}, 1)}).code == Code::invalid_file);
    CHECK(error_of({constant({3, 0}, 1), constant({0, 6}, 2)}).code == Code::unsupported);
    CHECK(error_of({constant({0, 4}, 1), constant({4, 6}, 2)}).code == Code::unsupported);
}

TEST_CASE("gemm: every variant was checked") { check_every_variant("ops/gemm.comp"); }
