#include "tests/support/ref.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "compute/base/half.h"

namespace sac::test {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

template <class Expected>
double norm_error(std::span<const float> actual, std::span<const Expected> expected) {
    if (actual.size() != expected.size()) return infinity;
    double difference = 0, norm = 0;
    for (size_t i = 0; i < actual.size(); ++i) {
        const double a = actual[i], e = expected[i];
        if (!std::isfinite(a) || !std::isfinite(e)) return infinity;
        difference += (a - e) * (a - e);
        norm += e * e;
    }
    return norm > 0 ? std::sqrt(difference / norm) : std::sqrt(difference);
}

}  // namespace

uint64_t Random::bits() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15ull);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

double Random::uniform(double low, double high) {
    return low + (high - low) * (static_cast<double>(bits() >> 11) * 0x1p-53);
}

uint64_t Random::below(uint64_t count) { return count ? bits() % count : 0; }

std::vector<float> random_floats(size_t count, uint64_t seed, double low, double high) {
    Random random(seed);
    std::vector<float> values(count);
    for (float &value : values) value = static_cast<float>(random.uniform(low, high));
    return values;
}

double relative_error(std::span<const float> actual, std::span<const double> expected) {
    return norm_error(actual, expected);
}
double relative_error(std::span<const float> actual, std::span<const float> expected) {
    return norm_error(actual, expected);
}

double largest_error(std::span<const float> actual, std::span<const double> expected) {
    if (actual.size() != expected.size()) return infinity;
    double largest = 0;
    for (size_t i = 0; i < actual.size(); ++i) {
        const double difference = std::fabs(static_cast<double>(actual[i]) - expected[i]);
        if (!std::isfinite(difference)) return infinity;
        largest = std::max(largest, difference);
    }
    return largest;
}

std::vector<uint16_t> to_half(std::span<const float> values) {
    std::vector<uint16_t> halves(values.size());
    std::transform(values.begin(), values.end(), halves.begin(), float_to_half);
    return halves;
}

std::vector<float> from_half(std::span<const uint16_t> values) {
    std::vector<float> floats(values.size());
    std::transform(values.begin(), values.end(), floats.begin(), half_to_float);
    return floats;
}

std::vector<float> rounded_to_half(std::span<const float> values) { return from_half(to_half(values)); }

}  // namespace sac::test
