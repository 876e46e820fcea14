#pragma once
// What references in double precision are made with.

#include <cstdint>
#include <span>
#include <vector>

namespace sac::test {

/// SplitMix64 (Steele, Lea, Flood 2014): the same numbers on every machine.
class Random {
public:
    explicit Random(uint64_t seed) : state_(seed) {}
    uint64_t bits();
    /// Uniform in [low, high).
    double uniform(double low, double high);
    /// Uniform in [0, count).
    uint64_t below(uint64_t count);

private:
    uint64_t state_;
};

/// `count` floats, uniform in [low, high).
std::vector<float> random_floats(size_t count, uint64_t seed, double low = -1, double high = 1);

/// ‖actual − expected‖ / ‖expected‖ over all elements, in double (the norm of the difference where expected is all
/// zero). Infinite where the lengths differ or either side is not finite.
double relative_error(std::span<const float> actual, std::span<const double> expected);
double relative_error(std::span<const float> actual, std::span<const float> expected);

/// Largest |actual − expected|; infinite in the same cases.
double largest_error(std::span<const float> actual, std::span<const double> expected);

/// Halves and back: what a tensor looks like after storage as binary16.
std::vector<float> rounded_to_half(std::span<const float> values);
std::vector<uint16_t> to_half(std::span<const float> values);
std::vector<float> from_half(std::span<const uint16_t> values);

}  // namespace sac::test
