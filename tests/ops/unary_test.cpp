// Functions of one element against the C library's, in double.
#include <doctest/doctest.h>

#include <cmath>

#include "tests/ops/indices.h"

using namespace sac;
using namespace sac::test;

namespace {

void check_unary(const std::string &type, double low, double high, const std::function<double(double)> &f,
                 const Attributes &attributes = {}) {
    for (const Shape &shape : {Shape{2, 5, 3, 7}, Shape{1, 8, 4}, Shape{3, 6}, Shape{13}}) {
        INFO(type, " of ", to_string(shape));
        check_op({.type = type, .inputs = {runtime(shape, 1, low, high)}, .attributes = attributes},
                 [&](const std::vector<Array> &in) {
                     Array y(shape);
                     for (size_t i = 0; i < y.values.size(); ++i) y.values[i] = f(in[0].values[i]);
                     return std::vector<Array>{y};
                 });
    }
}

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

}  // namespace

TEST_CASE("unary: activations") {
    check_unary("Relu", -2, 2, [](double x) { return std::max(x, 0.0); });
    check_unary("LeakyRelu", -2, 2, [](double x) { return x < 0 ? 0.25 * x : x; }, {{"alpha", 0.25f}});
    check_unary("Sigmoid", -8, 8, sigmoid);
    check_unary("HardSigmoid", -4, 4, [](double x) { return std::min(std::max(0.25 * x + 0.5, 0.0), 1.0); },
                {{"alpha", 0.25f}});
    check_unary("HardSwish", -4, 4, [](double x) { return x * std::min(std::max(x / 6 + 0.5, 0.0), 1.0); });
    check_unary("Tanh", -4, 4, [](double x) { return std::tanh(x); });
}

TEST_CASE("unary: simple functions") {
    check_unary("Neg", -2, 2, [](double x) { return -x; });
    check_unary("Abs", -2, 2, [](double x) { return std::fabs(x); });
    check_unary("Floor", -5, 5, [](double x) { return std::floor(x); });
    check_unary("Ceil", -5, 5, [](double x) { return std::ceil(x); });
    check_unary("Round", -5, 5, [](double x) { return std::nearbyint(x); });
    check_unary("Sign", -5, 5, [](double x) { return x < 0 ? -1.0 : x > 0 ? 1.0 : 0.0; });
    check_unary("Reciprocal", 0.5, 4, [](double x) { return 1 / x; });
    check_unary("Sqrt", 0, 9, [](double x) { return std::sqrt(x); });
}

TEST_CASE("unary: transcendental functions") {
    check_unary("Exp", -4, 4, [](double x) { return std::exp(x); });
    check_unary("Log", 0.1, 10, [](double x) { return std::log(x); });
    check_unary("Erf", -3, 3, [](double x) { return std::erf(x); });
    check_unary("Softplus", -6, 6, [](double x) { return std::log1p(std::exp(x)); });
    check_unary("Elu", -3, 3, [](double x) { return x < 0 ? 0.5 * (std::exp(x) - 1) : x; }, {{"alpha", 0.5f}});
    check_unary("Sin", -3, 3, [](double x) { return std::sin(x); });
    check_unary("Cos", -3, 3, [](double x) { return std::cos(x); });
}

TEST_CASE("unary: gelu") {
    for (const double range : {0.5, 3.0, 9.0}) {
        check_unary("Gelu", -range, range, [](double x) { return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0))); });
        check_unary("Gelu", -range, range,
                    [](double x) {
                        return 0.5 * x * (1 + std::tanh(std::sqrt(2 / 3.14159265358979) * (x + 0.044715 * x * x * x)));
                    },
                    {{"approximate", std::string("tanh")}});
    }
}

TEST_CASE("unary: Clip by attributes and by inputs") {
    const auto clip = [](double low, double high) {
        return [low, high](const std::vector<Array> &in) {
            Array y(in[0].shape);
            for (size_t i = 0; i < y.values.size(); ++i) y.values[i] = std::min(std::max(in[0].values[i], low), high);
            return std::vector<Array>{y};
        };
    };
    const OpInput x = runtime({2, 5, 3, 3}, 1, -8, 8);
    constexpr double infinity = std::numeric_limits<double>::infinity();
    check_op({.type = "Clip", .inputs = {x}, .attributes = {{"min", 0.0f}, {"max", 6.0f}}, .opset = 6}, clip(0, 6));
    check_op({.type = "Clip", .inputs = {x, constant_values({}, {-1}), constant_values({}, {2.5f})}}, clip(-1, 2.5));
    check_op({.type = "Clip", .inputs = {x, absent(), constant_values({}, {2.5f})}}, clip(-infinity, 2.5));
    check_op({.type = "Clip", .inputs = {x, constant_values({}, {-1})}}, clip(-1, infinity));
    CHECK(load_code({.type = "Clip", .inputs = {x, runtime({1}, 2)}}) == Code::unsupported);
    CHECK(load_code({.type = "Clip", .inputs = {x, constant({2}, 2)}}) == Code::invalid_file);
}

TEST_CASE("unary: every variant was checked") { check_every_variant("ops/unary.comp"); }
