// labels: host_only
// Every half, and every pair of neighbours, against the plain definition of binary16 in double precision.
#include "compute/base/half.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

using namespace sac;

namespace {

// IEEE 754-2019, section 3.4: sign, exponent biased by 15, ten bits of fraction.
double defined_half(uint16_t h) {
    const int sign = h >> 15, exponent = h >> 10 & 31, fraction = h & 1023;
    double magnitude = 0;
    if (exponent == 31)
        magnitude = fraction ? std::numeric_limits<double>::quiet_NaN() : HUGE_VAL;
    else if (exponent == 0)
        magnitude = std::ldexp(fraction, -24);
    else
        magnitude = std::ldexp(1024 + fraction, exponent - 25);
    return sign ? -magnitude : magnitude;
}

uint32_t bits(float value) { return std::bit_cast<uint32_t>(value); }

}  // namespace

TEST_CASE("each of the 65,536 halves has the value of the definition and comes back as itself") {
    for (uint32_t h = 0; h < 65536; ++h) {
        const auto half = static_cast<uint16_t>(h);
        const float value = half_to_float(half);
        if (std::isnan(defined_half(half))) {
            REQUIRE(std::isnan(value));
            REQUIRE(std::isnan(defined_half(float_to_half(value))));
            REQUIRE((float_to_half(value) >> 15) == (half >> 15));
            continue;
        }
        REQUIRE(static_cast<double>(value) == defined_half(half));
        REQUIRE((bits(value) >> 31) == (h >> 15));  // zeros keep their sign
        REQUIRE(float_to_half(value) == half);
    }
}

TEST_CASE("floats between two halves go to the nearer one, ties to the even one") {
    for (uint32_t h = 0; h < 0x7c00; ++h) {
        const auto low = static_cast<uint16_t>(h), high = static_cast<uint16_t>(h + 1);  // high may be infinity
        const double below = defined_half(low), above = h + 1 == 0x7c00 ? 65536.0 : defined_half(high);
        const auto middle = static_cast<float>((below + above) / 2);  // exact in float
        REQUIRE(static_cast<double>(middle) == (below + above) / 2);
        const uint16_t even = h % 2 ? high : low;
        REQUIRE(float_to_half(middle) == even);
        REQUIRE(float_to_half(std::nextafter(middle, 0.0f)) == low);
        REQUIRE(float_to_half(std::nextafter(middle, 1e9f)) == high);
        REQUIRE(float_to_half(-middle) == (even + 0x8000));
    }
}

TEST_CASE("overflow, infinity and the smallest floats") {
    CHECK(float_to_half(65504.0f) == 0x7bff);
    CHECK(float_to_half(65520.0f) == 0x7c00);
    CHECK(float_to_half(1e30f) == 0x7c00);
    CHECK(float_to_half(-std::numeric_limits<float>::infinity()) == 0xfc00);
    CHECK(float_to_half(std::numeric_limits<float>::denorm_min()) == 0);
    CHECK(float_to_half(-std::numeric_limits<float>::denorm_min()) == 0x8000);
}

TEST_CASE("bfloat16 is the upper half of a float") {
    for (uint32_t b = 0; b < 65536; ++b) REQUIRE(bits(bfloat16_to_float(static_cast<uint16_t>(b))) == b * 65536);
}
