// labels: host_only
// Host evaluation of shape arithmetic against values worked out by hand.
#include "compute/ops/host_math.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

using namespace sac;
using namespace sac::host;

namespace {

using Ints = std::vector<int64_t>;

HostTensor ints(Shape shape, const Ints &values) { return HostTensor::from_int64s(std::move(shape), values); }
HostTensor floats(Shape shape, const std::vector<float> &values) {
    return HostTensor::from_floats(std::move(shape), values);
}
/// 0, 1, 2, ... of a shape.
HostTensor counted(const Shape &shape) {
    Ints values(static_cast<size_t>(element_count(shape)));
    for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<int64_t>(i);
    return ints(shape, values);
}

}  // namespace

TEST_CASE("binary operators broadcast, in integers and floats") {
    const HostTensor a = ints({2, 1}, {7, -7}), b = ints({3}, {2, -2, 3});
    CHECK(binary(Binary::add, a, b)->to_int64s() == Ints{9, 5, 10, -5, -9, -4});
    CHECK(binary(Binary::sub, a, b)->to_int64s() == Ints{5, 9, 4, -9, -5, -10});
    CHECK(binary(Binary::mul, a, b)->to_int64s() == Ints{14, -14, 21, -14, 14, -21});
    CHECK(binary(Binary::div, a, b)->to_int64s() == Ints{3, -3, 2, -3, 3, -2});
    CHECK(binary(Binary::mod, a, b)->to_int64s() == Ints{1, -1, 1, 1, -1, 2});
    CHECK(binary(Binary::min, a, b)->to_int64s() == Ints{2, -2, 3, -7, -7, -7});
    CHECK(binary(Binary::max, a, b)->to_int64s() == Ints{7, 7, 7, 2, -2, 3});
    CHECK(binary(Binary::pow, ints({2}, {2, -3}), ints({}, {3}))->to_int64s() == Ints{8, -27});
    const auto equal = binary(Binary::equal, a, ints({}, {7}));
    CHECK(equal->dtype == DType::boolean);
    CHECK(equal->to_int64s() == Ints{1, 0});
    CHECK(binary(Binary::less, a, b)->to_int64s() == Ints{0, 0, 0, 1, 1, 1});
    CHECK(binary(Binary::add, floats({2}, {0.5f, 1}), floats({1}, {2}))->to_floats() == std::vector<float>{2.5f, 3});
    CHECK(binary(Binary::add, a, b)->shape == Shape{2, 3});
}

TEST_CASE("binary operators that cannot be") {
    CHECK(!binary(Binary::add, ints({2}, {1, 2}), ints({3}, {1, 2, 3})).ok());
    CHECK(!binary(Binary::add, ints({1}, {1}), floats({1}, {1})).ok());
    CHECK(!binary(Binary::div, ints({1}, {1}), ints({1}, {0})).ok());
    CHECK(!binary(Binary::mod, ints({1}, {1}), ints({1}, {0})).ok());
    const int64_t least = std::numeric_limits<int64_t>::min();
    CHECK(binary(Binary::div, ints({1}, {least}), ints({1}, {-1}))->to_int64s() == Ints{least});  // wraps
    CHECK(binary(Binary::mod, ints({1}, {least}), ints({1}, {-1}))->to_int64s() == Ints{0});
}

TEST_CASE("unary operators") {
    CHECK(unary(Unary::floor, floats({3}, {1.5f, -1.5f, 2}))->to_floats() == std::vector<float>{1, -2, 2});
    CHECK(unary(Unary::ceil, floats({3}, {1.5f, -1.5f, 2}))->to_floats() == std::vector<float>{2, -1, 2});
    CHECK(unary(Unary::round, floats({3}, {0.5f, 1.5f, -2.5f}))->to_floats() == std::vector<float>{0, 2, -2});
    CHECK(unary(Unary::neg, ints({2}, {3, -4}))->to_int64s() == Ints{-3, 4});
    CHECK(unary(Unary::abs, ints({2}, {3, -4}))->to_int64s() == Ints{3, 4});
    CHECK(!unary(Unary::sqrt, ints({1}, {4})).ok());
}

TEST_CASE("transpose, gather, concat, slice and expand move whole elements of any type") {
    const HostTensor x = counted({2, 3, 2});
    CHECK(transpose(x, Ints{2, 0, 1})->to_int64s() == Ints{0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11});
    CHECK(!transpose(x, Ints{0, 1}).ok());
    CHECK(!transpose(x, Ints{0, 1, 1}).ok());

    CHECK(gather(x, ints({2}, {-1, 0}), 1)->to_int64s() == Ints{4, 5, 0, 1, 10, 11, 6, 7});
    CHECK(gather(x, ints({}, {1}), 0)->shape == Shape{3, 2});
    CHECK(!gather(x, ints({1}, {3}), 1).ok());
    CHECK(!gather(x, ints({1}, {-4}), 1).ok());

    const HostTensor a = ints({2, 1}, {1, 2}), b = ints({2, 2}, {3, 4, 5, 6});
    const HostTensor *list[] = {&a, &b};
    CHECK(concat(list, -1)->to_int64s() == Ints{1, 3, 4, 2, 5, 6});
    CHECK(!concat(list, 0).ok());

    const auto sliced = [&](const Ints &starts, const Ints &ends, const Ints &axes, const Ints &steps) {
        auto ranges = slice_ranges(x.shape, starts, ends, axes, steps);
        REQUIRE(ranges.ok());
        return slice(x, *ranges);
    };
    CHECK(sliced({1}, {INT64_MAX}, {1}, {}).to_int64s() == Ints{2, 3, 4, 5, 8, 9, 10, 11});
    CHECK(sliced({-1}, {INT64_MIN}, {1}, {-1}).to_int64s() == Ints{4, 5, 2, 3, 0, 1, 10, 11, 8, 9, 6, 7});
    CHECK(sliced({2}, {0}, {1}, {-2}).to_int64s() == Ints{4, 5, 10, 11});
    CHECK(sliced({0}, {INT64_MAX}, {1}, {INT64_MAX}).to_int64s() == Ints{0, 1, 6, 7});
    CHECK(sliced({2}, {1}, {1}, {}).shape == Shape{2, 0, 2});
    CHECK(!slice_ranges(x.shape, Ints{0}, Ints{1}, Ints{3}, Ints{}).ok());
    CHECK(!slice_ranges(x.shape, Ints{0}, Ints{1}, Ints{0}, Ints{0}).ok());
    CHECK(!slice_ranges(x.shape, Ints{0, 0}, Ints{1, 1}, Ints{1, -2}, Ints{}).ok());

    CHECK(expand(ints({2, 1}, {1, 2}), {2, 3})->to_int64s() == Ints{1, 1, 1, 2, 2, 2});
    CHECK(!expand(ints({2, 1}, {1, 2}), {3, 3}).ok());
}

TEST_CASE("reshapes") {
    CHECK(*reshaped({2, 3, 4}, Ints{0, -1}, false) == Shape{2, 12});
    CHECK(*reshaped({2, 3, 4}, Ints{4, 6}, false) == Shape{4, 6});
    CHECK(*reshaped({0, 3}, Ints{3, 0}, true) == Shape{3, 0});
    CHECK(!reshaped({2, 3}, Ints{-1, -1}, false).ok());
    CHECK(!reshaped({2, 3}, Ints{4, -1}, false).ok());
    CHECK(!reshaped({2, 3}, Ints{5}, false).ok());
    CHECK(!reshaped({2}, Ints{1, 0}, false).ok());
    CHECK(!reshaped({2, 3}, Ints{INT64_MAX, 2, -1}, false).ok());
}

TEST_CASE("casts saturate instead of being undefined, and keep what fits") {
    const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
    const HostTensor x = floats({5}, {1.9f, -1.9f, inf, -inf, nan});
    CHECK(cast(x, DType::i8).to_int64s() == Ints{1, -1, 127, -128, 0});
    CHECK(cast(x, DType::i64).to_int64s() == Ints{1, -1, INT64_MAX, INT64_MIN, 0});
    CHECK(cast(x, DType::boolean).to_int64s() == Ints{1, 1, 1, 1, 1});
    CHECK(cast(ints({2}, {3, -1}), DType::f32).to_floats() == std::vector<float>{3, -1});
    CHECK(cast(floats({2}, {1.0009765625f, 65504}), DType::f16).to_floats() ==
          std::vector<float>{1.0009765625f, 65504});
    CHECK(cast(floats({1}, {1.00390625f}), DType::bf16).to_floats() == std::vector<float>{1});  // ties to even
    CHECK(where(binary(Binary::equal, ints({2}, {1, 2}), ints({}, {1})).value(), ints({1}, {10}), ints({2}, {20, 30}))
              ->to_int64s() == Ints{10, 30});
}
