// labels: no_asan
// Handing over a frame and taking a result takes no memory from the heap once frames of that size have been seen.

#include <doctest/doctest.h>

#include <cstdlib>
#include <new>

#include "tests/support/files.h"
#include "tests/vision/abi_support.h"

namespace {
thread_local uint64_t allocations = 0;
}

// The whole program's, counted by thread.
void *operator new(size_t size) {
    ++allocations;
    if (void *memory = std::malloc(size ? size : 1)) return memory;
    throw std::bad_alloc();
}
void operator delete(void *memory) noexcept { std::free(memory); }
void operator delete(void *memory, size_t) noexcept { std::free(memory); }

using namespace sac::test;

TEST_CASE("submit, acquire and release allocate nothing after warm-up") {
    const TempDir folder;
    write_color_model(folder / "colors");
    TestHost host;
    REQUIRE(host.create() == SAC_OK);
    host.load(folder / "colors");
    ColorFrame picture(SAC_FORMAT_RGB8, 40, 2, 1, 0);
    const uint64_t before = allocations;
    void *const counted = ::operator new(7);  // a call that may not be left out
    CHECK(allocations == before + 1);
    ::operator delete(counted);

    // The three staging buffers are made where one frame is in progress, one pending, and one comes.
    for (int i = 0; i < 50; ++i) REQUIRE(host.sac.submit_frame(host.context, &picture.frame) == SAC_OK);

    uint64_t submitting = 0, taking = 0;
    for (int i = 0; i < 60; ++i) {
        if (i % 2) picture.frame.release = [](void *, uint64_t) {};
        const uint64_t start = allocations;
        const sac_result submitted = host.sac.submit_frame(host.context, &picture.frame);
        const uint64_t middle = allocations;
        picture.frame.release = nullptr;
        REQUIRE(submitted == SAC_OK);
        const sac_snapshot *snapshot = nullptr;
        if (i % 3 == 0) REQUIRE(host.sac.wait_result(host.context, host.seen, 60000, &snapshot) == SAC_OK);
        if (snapshot) host.seen = snapshot->sequence;
        const uint64_t waited = allocations;
        const sac_snapshot *newest = nullptr;
        const sac_result acquired = host.sac.acquire_result(host.context, 0, &newest);
        if (newest) host.sac.release_result(host.context, newest);
        const uint64_t end = allocations;
        REQUIRE(acquired >= 0);
        if (snapshot) CHECK(host.sac.release_result(host.context, snapshot) == SAC_OK);
        submitting += middle - start;
        taking += end - waited;
    }
    CHECK(submitting == 0);
    CHECK(taking == 0);
}
