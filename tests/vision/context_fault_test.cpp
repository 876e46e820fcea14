// labels: bad_input
// A device that is lost and memory that runs out, at any call: an error, never a crash, and everything can be
// destroyed.

#include <doctest/doctest.h>

#include "tests/support/fault.h"
#include "tests/support/files.h"
#include "tests/vision/abi_support.h"

using namespace sac;
using namespace sac::test;

namespace {

sac_context_info context_info(const TestHost &host) {
    auto info = make_struct<sac_context_info>(SAC_TYPE_CONTEXT_INFO);
    REQUIRE(host.sac.get_context_info(host.context, &info) == SAC_OK);
    return info;
}

}  // namespace

TEST_CASE("a device lost while working on a frame ends the context's work, not the program") {
    const TempDir folder;
    write_color_model(folder / "colors");
    for (const char *function : {"QueueSubmit", "WaitSemaphores"}) {
        CAPTURE(function);
        Faults faults;
        {
            TestHost host;
            REQUIRE(host.create_patched([&](vk::DeviceFunctions &fn) { faults.patch(fn); }) == SAC_OK);
            host.load(folder / "colors");
            ColorFrame picture(SAC_FORMAT_RGB8, 8, 2, 1, 0);
            const sac_snapshot *kept = host.run(picture.frame);
            check_color(kept, 8, 2, 1, 0);

            faults.arm(0, VK_ERROR_DEVICE_LOST, true, function);
            CHECK(host.run(picture.frame) == nullptr);
            CHECK(faults.fired());
            CHECK(host.last_error().find("VK_ERROR_DEVICE_LOST") != std::string::npos);
            CHECK(context_info(host).state == SAC_ERROR_DEVICE_LOST);
            CHECK(host.sac.submit_frame(host.context, &picture.frame) == SAC_ERROR_DEVICE_LOST);
            const sac_snapshot *snapshot = nullptr;
            CHECK(host.sac.acquire_result(host.context, host.seen, &snapshot) == SAC_ERROR_DEVICE_LOST);
            CHECK(host.sac.wait_result(host.context, host.seen, 60000, &snapshot) == SAC_ERROR_DEVICE_LOST);
            CHECK(host.load_result(folder / "colors") == SAC_ERROR_DEVICE_LOST);
            check_color(kept, 8, 2, 1, 0);  // what was there stays readable
            CHECK(host.sac.release_result(host.context, kept) == SAC_OK);
            CHECK(host.statistics().dropped_failed == 1);
            CHECK(host.destroy() == SAC_OK);
        }
        CHECK(faults.live().empty());
    }
}

TEST_CASE("memory that runs out at any call gives an error, and nothing is left behind") {
    const TempDir folder;
    write_color_model(folder / "colors");
    ColorFrame picture(SAC_FORMAT_RGB8, 8, 2, 1, 0);
    bool fired = true;
    uint32_t failed_contexts = 0, failed_models = 0, failed_frames = 0;
    for (uint64_t n = 0; fired; n += n < 40 ? 1 : 7) {
        CAPTURE(n);
        Faults faults;
        {
            TestHost host;
            const sac_result created = host.create_patched([&](vk::DeviceFunctions &fn) {
                faults.patch(fn);
                faults.arm(n, VK_ERROR_OUT_OF_DEVICE_MEMORY);
            });
            if (created != SAC_OK) {
                CHECK(created == SAC_ERROR_OUT_OF_MEMORY);
                CHECK_FALSE(host.last_error().empty());
                ++failed_contexts;
            } else {
                const sac_result loaded = host.load_result(folder / "colors");
                if (loaded != SAC_OK) {
                    CHECK(loaded == SAC_ERROR_OUT_OF_MEMORY);
                    CHECK_FALSE(host.last_error().empty());
                    ++failed_models;
                } else if (const sac_snapshot *snapshot = host.run(picture.frame)) {
                    check_color(snapshot, 8, 2, 1, 0);
                    CHECK(host.sac.release_result(host.context, snapshot) == SAC_OK);
                } else {
                    CHECK(host.last_error().find("OUT_OF_DEVICE_MEMORY") != std::string::npos);
                    ++failed_frames;
                    // The next frame goes through: there was no memory for one moment.
                    const sac_snapshot *next = host.run(picture.frame);
                    check_color(next, 8, 2, 1, 0);
                    CHECK(host.sac.release_result(host.context, next) == SAC_OK);
                }
                CHECK(host.destroy() == SAC_OK);
            }
        }
        fired = faults.fired();
        CHECK_MESSAGE(faults.live().empty(), faults.fired_in());
    }
    CHECK(failed_contexts > 0);
    CHECK(failed_models > 0);
    CHECK(failed_frames > 0);
}

TEST_CASE("after warm-up a frame allocates no device memory and builds no pipeline") {
    const TempDir folder;
    write_color_model(folder / "colors");
    Faults faults;
    {
        TestHost host;
        REQUIRE(host.create_patched([&](vk::DeviceFunctions &fn) { faults.patch(fn); }) == SAC_OK);
        host.load(folder / "colors");
        ColorFrame picture(SAC_FORMAT_RGB8, 8, 2, 1, 0);
        const auto run = [&] {
            const sac_snapshot *snapshot = host.run(picture.frame);
            check_color(snapshot, 8, 2, 1, 0);
            CHECK(host.sac.release_result(host.context, snapshot) == SAC_OK);
        };
        for (int i = 0; i < 6; ++i) run();
        const sac_context_info before = context_info(host);
        const uint64_t allocations = faults.calls("AllocateMemory");
        const uint64_t pipelines = faults.calls("CreateComputePipelines"), sets = faults.calls("UpdateDescriptorSets");
        const uint64_t recordings = faults.calls("BeginCommandBuffer");
        for (int i = 0; i < 50; ++i) run();
        const sac_context_info after = context_info(host);
        CHECK(after.driver_allocations == before.driver_allocations);
        CHECK(after.pipelines_built == before.pipelines_built);
        CHECK(faults.calls("AllocateMemory") == allocations);
        CHECK(faults.calls("CreateComputePipelines") == pipelines);
        CHECK(faults.calls("UpdateDescriptorSets") == sets);
        CHECK(faults.calls("BeginCommandBuffer") == recordings);  // recorded once, replayed
    }
}
