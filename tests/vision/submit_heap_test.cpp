// labels: no_asan
// Handing over a frame and taking a result takes no memory from the heap once frames of that size have been seen.

#include <doctest/doctest.h>

#include <new>

#include "tests/support/files.h"
#include "tests/support/heap_count.h"
#include "tests/vision/abi_support.h"

using namespace sac::test;

TEST_CASE("submit, acquire and release allocate nothing after warm-up") {
    const TempDir folder;
    write_color_model(folder / "colors");
    TestHost host;
    REQUIRE(host.create() == SAC_OK);
    host.load(folder / "colors");
    ColorFrame picture(SAC_FORMAT_RGB8, 40, 2, 1, 0);
    const uint64_t before = heap_allocations();
    void *const counted = ::operator new(7);  // a call that may not be left out
    CHECK(heap_allocations() == before + 1);
    ::operator delete(counted);

    // The three staging buffers are made where one frame is in progress, one pending, and one comes.
    for (int i = 0; i < 50; ++i) REQUIRE(host.sac.submit_frame(host.context, &picture.frame) == SAC_OK);

    uint64_t submitting = 0, taking = 0;
    for (int i = 0; i < 60; ++i) {
        if (i % 2) picture.frame.release = [](void *, uint64_t) {};
        const uint64_t start = heap_allocations();
        const sac_result submitted = host.sac.submit_frame(host.context, &picture.frame);
        const uint64_t middle = heap_allocations();
        picture.frame.release = nullptr;
        REQUIRE(submitted == SAC_OK);
        const sac_snapshot *snapshot = nullptr;
        if (i % 3 == 0) REQUIRE(host.sac.wait_result(host.context, host.seen, 60000, &snapshot) == SAC_OK);
        if (snapshot) host.seen = snapshot->sequence;
        const uint64_t waited = heap_allocations();
        const sac_snapshot *newest = nullptr;
        const sac_result acquired = host.sac.acquire_result(host.context, 0, &newest);
        if (newest) host.sac.release_result(host.context, newest);
        const uint64_t end = heap_allocations();
        REQUIRE(acquired >= 0);
        if (snapshot) CHECK(host.sac.release_result(host.context, snapshot) == SAC_OK);
        submitting += middle - start;
        taking += end - waited;
    }
    CHECK(submitting == 0);
    CHECK(taking == 0);
}
