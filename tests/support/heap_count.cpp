#include "tests/support/heap_count.h"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {
thread_local uint64_t allocations = 0;
thread_local bool may_fail = false;
std::atomic<int64_t> until = -1;  // allocations that still succeed; negative: nothing is armed
std::atomic<bool> failed = false;

bool fails() {
    if (!may_fail || until < 0 || until.fetch_sub(1) != 0) return false;
    failed = true;
    return true;
}
}  // namespace

void *operator new(size_t size) {
    ++allocations;
    if (!fails())
        if (void *memory = std::malloc(size ? size : 1)) return memory;
    throw std::bad_alloc();
}
void *operator new(size_t size, const std::nothrow_t &) noexcept {
    ++allocations;
    return std::malloc(size ? size : 1);
}
void operator delete(void *memory) noexcept { std::free(memory); }
void operator delete(void *memory, size_t) noexcept { std::free(memory); }
void operator delete(void *memory, const std::nothrow_t &) noexcept { std::free(memory); }

namespace sac::test {
uint64_t heap_allocations() { return allocations; }

void let_heap_fail_here() { may_fail = true; }

FailingHeap::FailingHeap(uint64_t n) {
    failed = false;
    until = static_cast<int64_t>(n);
}
FailingHeap::~FailingHeap() { until = -1; }
bool FailingHeap::fired() const { return failed; }
}  // namespace sac::test
