// labels: bad_input
// The C++ heap fails, at any allocation, under the threads of a context: an error for that frame or model, and the
// threads go on.

#include <doctest/doctest.h>

#include "tests/support/files.h"
#include "tests/support/heap_count.h"
#include "tests/vision/abi_support.h"

using namespace sac::test;

namespace {

// Without the validation layer, which does not survive this. The loading thread tells the log what it has loaded.
void create(TestHost &host) {
    host.desc.flags = 0;
    host.table.log = [](void *, int32_t level, const char *message) {
        if (level == SAC_LOG_INFO && std::string_view(message).find("is ready") != std::string_view::npos)
            let_heap_fail_here();
    };
    REQUIRE(host.create() == SAC_OK);
}

}  // namespace

TEST_CASE("a frame for which no heap is left fails alone") {
    const TempDir folder;
    write_color_model(folder / "colors");
    TestHost host;
    create(host);
    host.load(folder / "colors");
    std::atomic<uint64_t> released = 0;
    uint64_t taken = 0, failed = 0;
    const auto run = [&](uint32_t cell) {
        ColorFrame picture(SAC_FORMAT_RGBA8, cell, 1, 2, 2);
        picture.frame.release_user = &released;
        picture.frame.release = [](void *user, uint64_t) {  // on the frame thread
            ++*static_cast<std::atomic<uint64_t> *>(user);
            let_heap_fail_here();
        };
        const sac_snapshot *snapshot = host.run(picture.frame);
        ++taken;
        if (snapshot) {
            check_color(snapshot, cell, 1, 2, 2);
            CHECK(host.sac.release_result(host.context, snapshot) == SAC_OK);
        }
        return snapshot != nullptr;
    };
    REQUIRE(run(8));  // what the driver compiles is compiled
    bool fired = true;
    for (uint64_t n = 0; fired; ++n) {
        CAPTURE(n);
        bool good = false;
        {
            const FailingHeap heap(n);
            good = run(9 + static_cast<uint32_t>(n));  // a new size: larger buffers, commands recorded anew
            fired = heap.fired();
        }
        if (!good) {
            ++failed;
            CHECK(fired);
            CHECK(host.last_error() == "no host memory");
        }
        REQUIRE(run(8));
    }
    CHECK(failed >= 3);
    CHECK(released == taken);
    const sac_statistics statistics = host.statistics();
    CHECK(statistics.submitted == taken);
    CHECK(statistics.dropped_failed == failed);
    CHECK(statistics.finished == taken - failed);
}

TEST_CASE("a model for which no heap is left fails alone") {
    const TempDir folder;
    write_color_model(folder / "colors");
    TestHost host;
    create(host);
    host.load(folder / "colors");
    ColorFrame picture(SAC_FORMAT_RGB8, 8, 2, 1, 0);
    const auto run = [&] {
        const sac_snapshot *snapshot = host.run(picture.frame);
        check_color(snapshot, 8, 2, 1, 0);
        CHECK(host.sac.release_result(host.context, snapshot) == SAC_OK);
    };
    run();
    bool fired = true;
    uint64_t failed = 0;
    for (uint64_t n = 0; fired; n += n < 20 ? 1 : 17) {
        CAPTURE(n);
        sac_result result = SAC_OK;
        {
            const FailingHeap heap(n);
            result = host.load_result(folder / "colors");
            fired = heap.fired();
        }
        if (result != SAC_OK) {
            ++failed;
            CHECK(fired);
            CHECK(result == SAC_ERROR_OUT_OF_MEMORY);
            CHECK_FALSE(host.last_error().empty());
        }
        run();  // by the model before
    }
    CHECK(failed > 20);
    CHECK(host.statistics().dropped_failed == 0);
    CHECK(host.load_result(folder / "colors") == SAC_OK);
    run();
}
