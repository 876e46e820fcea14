#pragma once
// A log is a value that is handed down, never a global: two hosts in one process have two logs.

#include <cstdint>
#include <string_view>

namespace sac {

enum class LogLevel : int32_t { debug = 0, info = 1, warning = 2, error = 3 };

/// Where messages go. Copyable; `sink` may be null (silent). The sink may be called from any thread.
struct Log {
    void (*sink)(void *user, LogLevel level, const char *message) = nullptr;
    void *user = nullptr;

    void write(LogLevel level, const char *message) const {
        if (sink) sink(user, level, message);
    }

    /// A log that prints warnings and errors (and more if `minimum` says so) to stderr.
    static Log to_stderr(LogLevel minimum = LogLevel::warning);
};

}  // namespace sac
