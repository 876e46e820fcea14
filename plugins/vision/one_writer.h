#pragma once
// Calls that are for one thread at a time.

#include <atomic>

namespace sac::vision {

/// As long as it lives, others find that they are not alone.
class OneWriter {
public:
    explicit OneWriter(std::atomic_flag &flag) : flag_(flag), alone_(!flag.test_and_set(std::memory_order_acquire)) {}
    ~OneWriter() {
        if (alone_) flag_.clear(std::memory_order_release);
    }
    OneWriter(const OneWriter &) = delete;
    OneWriter &operator=(const OneWriter &) = delete;
    bool alone() const { return alone_; }

private:
    std::atomic_flag &flag_;
    const bool alone_;
};

}  // namespace sac::vision
