#pragma once
// Result<T>: a value, or an Error that says what went wrong in one sentence. Used everywhere instead of exceptions;
// nothing throws across a room's boundary. Asserts are for our own bugs only.

#include <cassert>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace sac {

/// What kind of thing went wrong. The C ABI's `sac_result` has the same values (a test compares them).
enum class Code : int32_t {
    ok = 0,
    invalid_argument = -1,  ///< a field or argument has a value that is not allowed; the message names it
    invalid_state = -2,     ///< calls in the wrong order
    not_found = -3,         ///< a file, kernel, device or name does not exist
    invalid_file = -4,      ///< a file is truncated, damaged or not of its format
    unsupported = -5,       ///< understood, but not implemented (an operator, a type, a device without a feature)
    out_of_memory = -6,     ///< host or device
    device_lost = -7,       ///< the Vulkan device is gone; only destruction is possible
    vulkan_error = -8,      ///< any other VkResult
    no_device = -9,         ///< no usable Vulkan device
    io_error = -10,         ///< reading or writing failed
    cancelled = -11,
    internal = -12,  ///< a bug of ours
};

const char *code_name(Code code);

struct Error {
    Code code = Code::internal;
    int32_t vk_result = 0;  ///< the VkResult behind it, 0 if none
    std::string message;    ///< one sentence that names the file, node, field or argument

    Error(Code c, std::string text, int32_t vk = 0) : code(c), vk_result(vk), message(std::move(text)) {}

    /// The same error with "context: " before its message.
    Error with_context(std::string_view context) && {
        message.insert(0, ": ");
        message.insert(0, context);
        return std::move(*this);
    }
};

template <class T>
class [[nodiscard]] Result {
public:
    Result(T initial) : state_(std::in_place_index<0>, std::move(initial)) {}
    Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

    bool ok() const { return state_.index() == 0; }
    explicit operator bool() const { return ok(); }

    T &value() & {
        assert(ok());
        return *std::get_if<0>(&state_);
    }
    const T &value() const & {
        assert(ok());
        return *std::get_if<0>(&state_);
    }
    T &&value() && {
        assert(ok());
        return std::move(*std::get_if<0>(&state_));
    }
    T &operator*() & { return value(); }
    const T &operator*() const & { return value(); }
    T &&operator*() && { return std::move(*this).value(); }
    T *operator->() { return &value(); }
    const T *operator->() const { return &value(); }

    const Error &error() const & {
        assert(!ok());
        return *std::get_if<1>(&state_);
    }
    Error &&error() && {
        assert(!ok());
        return std::move(*std::get_if<1>(&state_));
    }

private:
    std::variant<T, Error> state_;
};

/// A Result without a value. `return {};` is success.
template <>
class [[nodiscard]] Result<void> {
public:
    Result() = default;
    Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

    bool ok() const { return state_.index() == 0; }
    explicit operator bool() const { return ok(); }
    const Error &error() const & {
        assert(!ok());
        return *std::get_if<1>(&state_);
    }
    Error &&error() && {
        assert(!ok());
        return std::move(*std::get_if<1>(&state_));
    }

private:
    std::variant<std::monostate, Error> state_;
};

using Status = Result<void>;

}  // namespace sac

#define SAC_CONCAT_(a, b) a##b
#define SAC_CONCAT(a, b) SAC_CONCAT_(a, b)

/// Returns the error of `expression` (a Status or Result) from the enclosing function, if it has one.
#define SAC_TRY(expression)                                                                   \
    do {                                                                                      \
        if (auto sac_try_ = (expression); !sac_try_.ok()) return std::move(sac_try_).error(); \
    } while (0)

/// SAC_ASSIGN(auto x, f()): declares or assigns x from a Result, or returns its error.
#define SAC_ASSIGN(target, expression) SAC_ASSIGN_(SAC_CONCAT(sac_assign_, __LINE__), target, expression)
#define SAC_ASSIGN_(temporary, target, expression)            \
    auto temporary = (expression);                            \
    if (!temporary.ok()) return std::move(temporary).error(); \
    target = std::move(temporary).value()
