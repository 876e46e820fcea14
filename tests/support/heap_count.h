#pragma once
// Counts the allocations of this program by operator new, so that a test can say that a call made none.

#include <cstdint>

namespace sac::test {

/// Allocations of the calling thread so far.
uint64_t heap_allocations();

}  // namespace sac::test
