#pragma once
// Counts the allocations of this program by operator new, so that a test can say that a call made none, and lets one of
// them fail.

#include <cstdint>

namespace sac::test {

/// Allocations of the calling thread so far.
uint64_t heap_allocations();

/// The calling thread is one whose allocations a FailingHeap counts and fails. Not for threads on which a driver
/// compiles or the validation layer works: those end the program when memory runs out.
void let_heap_fail_here();

/// As long as it lives, the `n`-th (from 0) allocation of those threads throws std::bad_alloc. One at a time.
class FailingHeap {
public:
    explicit FailingHeap(uint64_t n);
    ~FailingHeap();
    FailingHeap(const FailingHeap &) = delete;
    FailingHeap &operator=(const FailingHeap &) = delete;
    bool fired() const;
};

}  // namespace sac::test
