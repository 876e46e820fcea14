// labels: tsan
// Frames that come while their context is being destroyed: each is refused, or taken and given back.

#include <doctest/doctest.h>

#include <chrono>
#include <thread>

#include "plugins/vision/handles.h"
#include "tests/support/files.h"
#include "tests/vision/abi_support.h"

using namespace sac::test;

namespace {

void count_release(sac_frame &frame, std::atomic<uint64_t> &released) {
    frame.release_user = &released;
    frame.release = [](void *user, uint64_t) { ++*static_cast<std::atomic<uint64_t> *>(user); };
}

}  // namespace

TEST_CASE("a frame that comes after the frame thread was told to end is refused") {
    const TempDir folder;
    write_color_model(folder / "colors");
    TestHost host;
    REQUIRE(host.create() == SAC_OK);
    host.load(folder / "colors");
    std::atomic<uint64_t> released = 0;
    ColorFrame picture(SAC_FORMAT_RGB8, 8, 2, 1, 0);
    count_release(picture.frame, released);
    // Where a call of submit_frame is when destroy_context begins on another thread: it has its context already.
    sac::vision::registry().use(host.context.id)->cancel();
    CHECK(host.sac.submit_frame(host.context, &picture.frame) == SAC_ERROR_CANCELLED);
    CHECK(host.last_error().find("destroyed") != std::string::npos);
    CHECK(host.statistics().submitted == 0);
    CHECK(host.destroy() == SAC_OK);
    CHECK(released == 0);
}

TEST_CASE("submit_frame beside destroy_context: what was taken is released once") {
    const TempDir folder;
    write_color_model(folder / "colors");
    for (int round = 0; round < 6; ++round) {
        TestHost host;
        REQUIRE(host.create() == SAC_OK);
        host.load(folder / "colors");
        const sac_context context = host.context;
        std::atomic<uint64_t> released = 0, taken = 0;
        sac_result last = SAC_OK;
        ColorFrame picture(SAC_FORMAT_RGB8, 8, 2, 1, 0);  // lent until its last release: outlives thread and context
        count_release(picture.frame, released);
        std::thread writer([&] {
            while ((last = host.sac.submit_frame(context, &picture.frame)) == SAC_OK) ++taken;
        });
        while (taken < 10) std::this_thread::yield();
        std::this_thread::sleep_for(std::chrono::microseconds(300 * round));
        CHECK(host.destroy() == SAC_OK);
        writer.join();
        CHECK((last == SAC_ERROR_CANCELLED || last == SAC_ERROR_NOT_FOUND));
        CHECK(released == taken);
    }
}
