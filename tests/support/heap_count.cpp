#include "tests/support/heap_count.h"

#include <cstdlib>
#include <new>

namespace {
thread_local uint64_t allocations = 0;
}

void *operator new(size_t size) {
    ++allocations;
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
}  // namespace sac::test
