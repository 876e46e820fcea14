#include "compute/base/log.h"

#include <cstdio>

namespace sac {
namespace {

template <LogLevel minimum>
void print(void *, LogLevel level, const char *message) {
    static constexpr const char *names[] = {"debug", "info", "warning", "error"};
    if (level >= minimum) std::fprintf(stderr, "saccade %s: %s\n", names[static_cast<int>(level)], message);
}

}  // namespace

Log Log::to_stderr(LogLevel minimum) {
    switch (minimum) {
        case LogLevel::debug: return {print<LogLevel::debug>, nullptr};
        case LogLevel::info: return {print<LogLevel::info>, nullptr};
        case LogLevel::warning: return {print<LogLevel::warning>, nullptr};
        case LogLevel::error: return {print<LogLevel::error>, nullptr};
    }
    return {};
}

}  // namespace sac
