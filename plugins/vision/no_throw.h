#pragma once
// Exceptions become errors, also where no memory is left to say so.

#include <exception>
#include <new>

#include "compute/base/result.h"

namespace sac::vision {

/// The exception being handled, as an error. The texts of last resort are short enough for a std::string to hold them
/// without memory.
inline Error error_of_exception() noexcept {
    try {
        try {
            throw;
        } catch (const std::bad_alloc &) {
            return Error(Code::out_of_memory, "no host memory");
        } catch (const std::exception &exception) { return Error(Code::internal, exception.what()); }
    } catch (...) { return Error(Code::internal, "an exception"); }
}

/// Runs `function`, which gives a Status, a Result or another type that is made of an Error.
template <class Function>
auto no_throw(const Function &function) noexcept -> decltype(function()) {
    try {
        return function();
    } catch (...) { return error_of_exception(); }
}

}  // namespace sac::vision
