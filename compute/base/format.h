#pragma once
// printf-style formatting into std::string, checked by the compiler (the C++20 library here has no std::format yet).

#include <string>

namespace sac {

#if defined(__MINGW32__)
__attribute__((format(gnu_printf, 1, 2)))  // the C++ library there brings a printf of its own, which knows %zu
#elif defined(__GNUC__)
__attribute__((format(printf, 1, 2)))
#endif
std::string
format(const char *pattern, ...);

}  // namespace sac
