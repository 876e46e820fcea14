#pragma once
// Whether a context still works: the first error that ends it stays.

#include <atomic>
#include <mutex>
#include <optional>

#include "compute/base/result.h"

namespace sac::vision {

/// [thread] any.
class Health {
public:
    /// True if `error` ends the context (a lost device); the first such one is kept.
    bool report(const Error &error) noexcept {
        if (error.code != Code::device_lost) return false;
        const std::lock_guard lock(mutex_);
        try {
            if (!error_) error_ = error;
        } catch (...) { error_ = Error(Code::device_lost, "device lost"); }  // needs no memory
        lost_ = true;
        return true;
    }
    bool good() const { return !lost_; }
    Status status() const {
        if (good()) return {};
        const std::lock_guard lock(mutex_);
        return *error_;
    }

private:
    mutable std::mutex mutex_;
    std::optional<Error> error_;
    std::atomic<bool> lost_ = false;
};

}  // namespace sac::vision
