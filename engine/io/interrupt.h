#pragma once
// Ends what waits: a thread that reads from a camera or the net asks it; who no longer wants its frames raises it.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>

namespace sac::engine {

/// Raised once, for good. [thread] any.
class Interrupt {
public:
    using Clock = std::chrono::steady_clock;

    void raise() {
        {
            const std::lock_guard lock(mutex_);
            raised_ = true;
        }
        changed_.notify_all();
    }
    bool raised() const { return raised_; }

    /// Waits until then, or until it is raised: true.
    bool wait_until(Clock::time_point then) {
        std::unique_lock lock(mutex_);
        return changed_.wait_until(lock, then, [this] { return raised_.load(); });
    }
    bool wait_for(Clock::duration time) { return wait_until(Clock::now() + time); }

private:
    std::atomic<bool> raised_ = false;
    std::mutex mutex_;
    std::condition_variable changed_;
};

}  // namespace sac::engine
