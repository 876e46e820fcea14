// labels: no_asan
// Handing over a frame, working on it and taking a result take no memory from the heap once frames of that size have
// been seen.

#include <doctest/doctest.h>

#include <new>

#include "tests/support/device.h"
#include "tests/support/files.h"
#include "tests/support/heap_count.h"
#include "tests/vision/host_commands_support.h"
#include "tests/vision/inspect_support.h"

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

    // The staging buffers are made where one frame is in progress, one pending, and one comes.
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

TEST_CASE("a frame takes no heap on its thread once all is warm, whatever is looked at") {
    const TempDir folder;
    write_color_model(folder / "colors");
    Tool tool;
    tool.host.destroy();
    tool.host.desc.flags = 0;  // the validation layer takes heap on every thread
    REQUIRE(tool.host.create() == SAC_OK);
    tool.host.load(folder / "colors");
    ColorFrame picture(SAC_FORMAT_RGB8, 20, 1, 2, 0);
    // Lent planes are given back on the frame thread, once in each frame.
    struct Count {
        uint64_t now = 0;
    } count;
    picture.frame.release_user = &count;
    picture.frame.release = [](void *user, uint64_t) { static_cast<Count *>(user)->now = heap_allocations(); };
    const uint32_t profile = device().caps().timestamps ? SAC_INSPECT_PROFILE : 0;
    auto budget = make_struct<sac_budget>(SAC_TYPE_BUDGET);
    budget.host_frame_us = 500;
    for (const int turn : {0, 1, 2, 3}) {
        CAPTURE(turn);
        const bool looking = turn % 2;
        budget.budget_us = turn < 2 ? 0 : 1;  // in slices
        REQUIRE(tool.host.sac.set_budget(tool.host.context, &budget) == SAC_OK);
        REQUIRE(tool.watch({}) == SAC_OK);
        if (looking) REQUIRE(tool.watch({"image", "cells"}, profile | SAC_INSPECT_HOLD) == SAC_OK);
        const uint32_t classes = 7;
        REQUIRE(tool.debug->set_class_filter(tool.host.context, &classes, looking ? 1 : 0) == SAC_OK);
        for (int i = 0; i < 10; ++i) tool.run(picture.frame);
        uint64_t before = count.now, taken = 0;
        for (int i = 0; i < 20; ++i) {
            tool.run(picture.frame);
            taken += count.now - before;
            before = count.now;
        }
        CHECK(taken == 0);
    }
}

TEST_CASE("recording a frame and reading it back take no heap once all is warm, from planes and from images") {
    const TempDir folder;
    write_color_model(folder / "colors");
    CommandsHost c(false);  // the validation layer takes heap on every thread
    c.create();
    c.host.load(folder / "colors");
    ColorFrame planes(SAC_FORMAT_RGB8, 20, 1, 2, 0), textured(SAC_FORMAT_RGBA8, 8, 2, 1, 1);
    EngineImage image(c.engine, textured, VK_FORMAT_R8G8B8A8_UNORM, VK_IMAGE_LAYOUT_GENERAL);
    image.put(textured);
    std::atomic<uint64_t> on_frame_thread = 0;
    for (ColorFrame *picture : {&planes, &textured}) {
        picture->frame.release_user = &on_frame_thread;
        picture->frame.release = [](void *user, uint64_t) {
            *static_cast<std::atomic<uint64_t> *>(user) = heap_allocations();
        };
    }
    const auto run = [&](const sac_frame &frame) {
        const sac_vk_commands into = c.commands.begin();
        sac_result result = SAC_NOT_READY;
        uint64_t taken = 0;
        while (result == SAC_NOT_READY) {
            const uint64_t before = heap_allocations();
            result = c.host.sac.record_frame(c.host.context, &frame, &into);
            taken = heap_allocations() - before;
        }
        REQUIRE(result == SAC_OK);
        c.commands.submit();
        for (sac_statistics now = c.host.statistics(); now.finished < now.submitted; now = c.host.statistics()) {
            const sac_vk_commands more = c.commands.begin();  // for a slice, if there is one
            const uint64_t before = heap_allocations();
            result = c.host.sac.record_slice(c.host.context, &more);
            taken += heap_allocations() - before;
            c.commands.submit();
            c.commands.wait();
            REQUIRE(result >= 0);
        }
        c.settle();
        return taken;
    };
    auto budget = make_struct<sac_budget>(SAC_TYPE_BUDGET);
    for (const uint32_t budget_us : {0u, 1u}) {
        if (budget_us && !device().caps().timestamps) continue;  // slices in a host's commands need them
        budget.budget_us = budget_us;
        REQUIRE(c.host.sac.set_budget(c.host.context, &budget) == SAC_OK);
        for (int i = 0; i < 10; ++i) run(i % 2 ? planes.frame : textured.frame);
        const uint64_t before = on_frame_thread;
        uint64_t taken = 0;
        for (int i = 0; i < 40; ++i) taken += run(i % 2 ? planes.frame : textured.frame);
        CHECK(taken == 0);
        CHECK(on_frame_thread == before);
        CHECK(before > 0);
    }
}
