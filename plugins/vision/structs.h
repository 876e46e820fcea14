#pragma once
// Structs on their way through the C ABI: checked by type, size, tail and `next` before anything of them is believed.

#include <cstring>
#include <type_traits>

#include "compute/base/format.h"
#include "compute/base/result.h"

namespace sac::vision {

/// What every struct of the ABI begins with.
struct StructHeader {
    uint32_t type, size;
    const void *next;
};

/// A struct longer than this is a wrong size, not a newer header's.
inline constexpr uint32_t longest_struct = 1 << 16;

/// What else a struct carries: a host may ask for what this version lacks, but the plugin's own results say only more.
enum class Chain { refused, passed_over };

/// Checks the header of `given`, of which this version knows `known` bytes. `name` is the argument, as in "frame".
Status check_struct(const void *given, uint32_t type, size_t known, const char *name, Chain chain = Chain::refused);

/// Copies an input struct: what is not given in it is zero.
template <class T>
Status read_struct(const T *given, uint32_t type, const char *name, T &copy) {
    static_assert(std::is_trivially_copyable_v<T>);
    SAC_TRY(check_struct(given, type, sizeof(T), name));
    std::memcpy(&copy, given, sizeof(T));
    return {};
}

/// Fills an output struct of the caller's: type, size and next stay, a tail unknown to this version becomes zero.
template <class T>
Status write_struct(T *given, uint32_t type, const char *name, const T &filled) {
    static_assert(std::is_trivially_copyable_v<T>);
    SAC_TRY(check_struct(given, type, sizeof(T), name));
    StructHeader header;
    std::memcpy(&header, static_cast<const void *>(given), sizeof header);
    std::memset(static_cast<void *>(given), 0, header.size);
    std::memcpy(static_cast<void *>(given), &filled, sizeof(T));
    std::memcpy(static_cast<void *>(given), &header, sizeof header);
    return {};
}

/// Copies text into a field of fixed size, cut at the end of a UTF-8 character where it is too long.
void copy_text(char *field, size_t capacity, std::string_view text);
template <size_t capacity>
void copy_text(char (&field)[capacity], std::string_view text) {
    copy_text(field, capacity, text);
}

}  // namespace sac::vision
