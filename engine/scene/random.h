#pragma once
// Random numbers that are the same with every compiler and library.

#include <cmath>
#include <cstdint>

namespace sac::engine {

/// SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA 2014). Cheap to copy.
class Random {
public:
    explicit Random(uint64_t seed) : state_(seed) {}

    uint64_t next() { return mix(state_ += golden); }
    /// A generator of its own for one thing: what is drawn from it moves nothing else.
    Random stream(uint64_t name) const { return Random(mix(state_ ^ mix(name * golden + 1))); }

    /// [0, 1) in steps of 2^-24, exact as a float.
    float uniform() { return static_cast<float>(next() >> 40) * 0x1p-24f; }
    float uniform(float low, float high) { return low + (high - low) * uniform(); }
    /// Every factor is as likely: half of the draws lie below the geometric mean. Both bounds above 0.
    float log_uniform(float low, float high) { return low * std::pow(high / low, uniform()); }
    /// [0, count), count above 0.
    uint32_t below(uint32_t count) { return static_cast<uint32_t>((next() >> 32) * count >> 32); }
    bool chance(float probability) { return uniform() < probability; }
    float sign() { return next() >> 63 ? 1.f : -1.f; }

private:
    static constexpr uint64_t golden = 0x9e3779b97f4a7c15;
    static uint64_t mix(uint64_t z) {
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
    }
    uint64_t state_;
};

}  // namespace sac::engine
