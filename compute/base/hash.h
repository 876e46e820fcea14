#pragma once
// 64-bit FNV-1a: for cache keys, not for security (http://www.isthe.com/chongo/tech/comp/fnv/).

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sac {

inline constexpr uint64_t hash_seed = 0xcbf29ce484222325ull;

inline uint64_t hash_bytes(const void *data, size_t size, uint64_t seed = hash_seed) {
    const auto *bytes = static_cast<const unsigned char *>(data);
    // The analyzer cannot follow a wider number read byte by byte.
    // NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult)
    for (size_t i = 0; i < size; ++i) seed = (seed ^ bytes[i]) * 0x100000001b3ull;
    return seed;
}

inline uint64_t hash_text(std::string_view text, uint64_t seed = hash_seed) {
    return hash_bytes(text.data(), text.size(), seed);
}

}  // namespace sac
