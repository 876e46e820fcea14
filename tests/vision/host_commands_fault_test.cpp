// labels: tsan bad_input
// Mode C with a host that makes mistakes, throws commands away, or ends in the middle of it.

#include <chrono>
#include <thread>

#include "plugins/vision/saccade_debug.h"
#include "tests/support/fault.h"
#include "tests/support/files.h"
#include "tests/vision/host_commands_support.h"

using namespace sac;
using namespace sac::test;

namespace {

bool contains(const std::string &text, const char *word) { return text.find(word) != std::string::npos; }

}  // namespace

TEST_CASE("every wrong field of a frame that is to be recorded is refused by name") {
    const TempDir folder;
    write_color_model(folder / "colors");
    Faults faults;
    CommandsHost c;
    REQUIRE(c.host.create_patched([&](vk::DeviceFunctions &fn) { faults.patch(fn); }) == SAC_OK);
    c.host.load(folder / "colors");
    ColorFrame planes(SAC_FORMAT_RGBA8, 8, 1, 1, 0), textured(SAC_FORMAT_RGBA8, 8, 1, 1, 0);
    EngineImage image(c.engine, textured, VK_FORMAT_R8G8B8A8_UNORM, VK_IMAGE_LAYOUT_GENERAL);
    const sac_vk_commands good = c.commands.begin();
    const uint64_t dispatches = faults.calls("CmdDispatch"), barriers = faults.calls("CmdPipelineBarrier");
    const auto refuse = [&](const sac_frame *frame, const sac_vk_commands *into, sac_result code, const char *word) {
        CHECK(c.host.sac.record_frame(c.host.context, frame, into) == code);
        CHECK_MESSAGE(contains(c.host.last_error(), word), c.host.last_error());
    };
    const auto wrong = [&](auto change, const char *word, sac_result code = SAC_ERROR_INVALID_ARGUMENT) {
        sac_vk_commands into = good;
        change(into);
        refuse(&planes.frame, &into, code, word);
    };
    refuse(nullptr, &good, SAC_ERROR_INVALID_ARGUMENT, "frame is null");
    refuse(&planes.frame, nullptr, SAC_ERROR_INVALID_ARGUMENT, "commands is null");
    wrong([](sac_vk_commands &w) { w.type = SAC_TYPE_FRAME; }, "commands.type");
    wrong([](sac_vk_commands &w) { w.size = 8; }, "commands.size");
    wrong([&](sac_vk_commands &w) { w.next = &good; }, "commands.next", SAC_ERROR_UNSUPPORTED);
    wrong([](sac_vk_commands &w) { w.command_buffer = nullptr; }, "commands.command_buffer is null");
    wrong([](sac_vk_commands &w) { ++w.queue_family; }, "commands.queue_family is");
    wrong([](sac_vk_commands &w) { w.reserved = 7; }, "commands.reserved is 7");
    wrong([](sac_vk_commands &w) { w.done_semaphore = 0; }, "commands.done_semaphore is null");
    wrong([](sac_vk_commands &w) { w.done_value = 0; }, "commands.done_value is 0");
    sac_frame frame = planes.frame;
    frame.rotation = 45;
    refuse(&frame, &good, SAC_ERROR_INVALID_ARGUMENT, "frame.rotation");
    frame = planes.frame;
    frame.planes[0] = nullptr;
    refuse(&frame, &good, SAC_ERROR_INVALID_ARGUMENT, "frame.planes[0]");
    const auto wrong_image = [&](auto change, const char *word) {
        image.put(textured);
        change(image.desc());
        refuse(&textured.frame, &good, SAC_ERROR_INVALID_ARGUMENT, word);
    };
    wrong_image([&](sac_vk_image &i) { i.wait_semaphore = good.done_semaphore; }, "frame.image.wait_semaphore is set");
    wrong_image([&](sac_vk_image &i) { i.signal_semaphore = good.done_semaphore; },
                "frame.image.signal_semaphore is set");
    wrong_image([](sac_vk_image &i) { i.image = 0; }, "frame.image.image");
    wrong_image([](sac_vk_image &i) { i.queue_family = 77; }, "frame.image.queue_family is 77");
    CHECK(faults.calls("CmdDispatch") == dispatches);
    CHECK(faults.calls("CmdPipelineBarrier") == barriers);
    CHECK(c.host.statistics().submitted == 0);

    REQUIRE(c.record(planes.frame, good) == SAC_OK);
    c.commands.submit();
    c.expect([](const sac_snapshot *snapshot) { check_color(snapshot, 8, 1, 1, 0); });
    wrong([](sac_vk_commands &) {}, "commands.done_value is 1, and commands.done_semaphore has reached 1 already");
}

TEST_CASE("calls of one mode are refused in the others") {
    const TempDir folder;
    write_color_model(folder / "colors");
    ColorFrame picture(SAC_FORMAT_RGBA8, 8, 1, 1, 0);
    CommandsHost c;
    {
        TestHost host;
        c.engine.lend(host);
        host.table.lock_queue = nullptr;
        host.table.unlock_queue = nullptr;
        CHECK(host.sac.create_context(&host.desc, &host.context) == SAC_ERROR_INVALID_ARGUMENT);
        CHECK_MESSAGE(contains(host.last_error(), "host.lock_queue"), host.last_error());
    }
    c.create();
    c.host.load(folder / "colors");
    CHECK(c.host.sac.submit_frame(c.host.context, &picture.frame) == SAC_ERROR_UNSUPPORTED);
    CHECK_MESSAGE(contains(c.host.last_error(), "record_frame"), c.host.last_error());
    const auto &debug = *static_cast<const sac_debug_api *>(c.host.sac.get_extension(c.host.context, "sac.debug/1"));
    for (const uint32_t mode : {SAC_RUN_FROZEN, SAC_RUN_PAUSED}) {
        CHECK(debug.set_run_mode(c.host.context, mode) == SAC_ERROR_UNSUPPORTED);
        CHECK_MESSAGE(contains(c.host.last_error(), "SAC_MODE_HOST_COMMANDS"), c.host.last_error());
    }
    CHECK(debug.set_run_mode(c.host.context, SAC_RUN_LIVE) == SAC_OK);
    CHECK(debug.step_frame(c.host.context) == SAC_ERROR_INVALID_STATE);
    CHECK(debug.replay_frame(c.host.context) == SAC_ERROR_INVALID_STATE);
    auto hold = make_struct<sac_inspection>(SAC_TYPE_INSPECTION);
    hold.flags = SAC_INSPECT_HOLD;
    CHECK(debug.set_inspection(c.host.context, &hold) == SAC_ERROR_UNSUPPORTED);
    CHECK_MESSAGE(contains(c.host.last_error(), "SAC_MODE_HOST_COMMANDS"), c.host.last_error());

    const sac_vk_commands into = c.commands.begin();
    TestHost own;
    REQUIRE(own.create() == SAC_OK);
    own.load(folder / "colors");
    CHECK(own.sac.record_frame(own.context, &picture.frame, &into) == SAC_ERROR_UNSUPPORTED);
    CHECK_MESSAGE(contains(own.last_error(), "submit_frame"), own.last_error());
    Engine engine;
    TestHost shared;
    engine.lend(shared);
    REQUIRE(shared.create() == SAC_OK);
    shared.load(folder / "colors");
    CHECK(shared.sac.record_frame(shared.context, &picture.frame, &into) == SAC_ERROR_UNSUPPORTED);
    CHECK_MESSAGE(contains(shared.last_error(), "submit_frame"), shared.last_error());
}

TEST_CASE("commands that are thrown away are recognised: their frame failed, and no other's result is taken for it") {
    const TempDir folder;
    write_color_model(folder / "colors");
    CommandsHost c;
    c.create();
    c.host.load(folder / "colors");
    std::atomic<uint64_t> released = 0;
    uint64_t good = 0, thrown = 0;
    // More than there are slots, so that what was thrown away comes where something was executed and the other way.
    for (uint32_t i = 0; i < 3 * SAC_MAX_RECORDED + 1; ++i) {
        CAPTURE(i);
        ColorFrame picture(SAC_FORMAT_RGBA8, 8, i % 4, 1, i % 3);
        count_releases(picture.frame, released);
        REQUIRE(c.record(picture.frame) == SAC_OK);
        if (i % 3 == 1) {
            c.commands.throw_away();
            const sac_snapshot *snapshot = nullptr;
            CHECK(c.host.sac.wait_result(c.host.context, c.host.seen, 60000, &snapshot) == SAC_ERROR_INVALID_STATE);
            CHECK_MESSAGE(contains(c.host.last_error(), "were not executed"), c.host.last_error());
            ++thrown;
        } else {
            c.commands.submit();
            c.expect([&](const sac_snapshot *snapshot) {
                check_color(snapshot, 8, i % 4, 1, i % 3);
                CHECK(snapshot->dropped_failed == thrown);
            });
            ++good;
        }
        c.settle();
        CHECK(released == i + 1);
    }
    // In the middle of others in flight.
    ColorFrame picture(SAC_FORMAT_RGBA8, 8, 2, 1, 2);
    count_releases(picture.frame, released);
    for (int i = 0; i < 3; ++i) REQUIRE(c.record(picture.frame) == SAC_OK);
    c.commands.submit();
    c.commands.wait();
    c.commands.throw_away();
    c.commands.submit();
    c.settle();
    const sac_statistics statistics = c.host.statistics();
    CHECK(statistics.finished == good + 2);
    CHECK(statistics.dropped_failed == thrown + 1);
    CHECK(released == statistics.submitted);
}

TEST_CASE("destroy_context waits for commands that are still to be done") {
    const TempDir folder;
    write_color_model(folder / "colors");
    CommandsHost c;
    c.create();
    c.host.load(folder / "colors");
    auto gate = vk::Timeline::create(*c.engine.device, "gate");
    REQUIRE(gate.ok());
    std::atomic<uint64_t> released = 0;
    ColorFrame picture(SAC_FORMAT_RGBA8, 8, 2, 1, 2);
    count_releases(picture.frame, released);
    for (int i = 0; i < 3; ++i) REQUIRE(c.record(picture.frame) == SAC_OK);
    const vk::SemaphorePoint behind = {(*gate)->handle(), 1};
    for (int i = 0; i < 3; ++i) c.commands.submit({&behind, 1});
    std::thread opener([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(300));
        c.engine.signal(behind);
    });
    CHECK(c.host.destroy() == SAC_OK);
    opener.join();
    CHECK(released == 3);
    const auto reached = c.commands.timeline().reached();
    REQUIRE(reached.ok());
    CHECK(*reached == 3);
    CHECK(c.engine.locks.errors.empty());
}

TEST_CASE("commands that are never done are given up two seconds after destroy_context was called") {
    const TempDir folder;
    write_color_model(folder / "colors");
    CommandsHost c;
    c.create();
    c.host.load(folder / "colors");
    std::atomic<uint64_t> released = 0;
    ColorFrame picture(SAC_FORMAT_RGBA8, 8, 2, 1, 2);
    count_releases(picture.frame, released);
    for (int i = 0; i < 3; ++i) REQUIRE(c.record(picture.frame) == SAC_OK);
    CHECK(c.host.load_result(folder / "colors") == SAC_OK);  // nothing of theirs stands in the queue
    const auto start = std::chrono::steady_clock::now();
    CHECK(c.host.destroy() == SAC_OK);
    const auto took = std::chrono::steady_clock::now() - start;
    CHECK(took >= std::chrono::seconds(2));
    CHECK(took < std::chrono::seconds(30));
    CHECK(released == 3);
    REQUIRE(c.engine.locks.errors.size() == 3);
    CHECK_MESSAGE(contains(c.engine.locks.errors[0], "commands.done_semaphore has not reached 1"),
                  c.engine.locks.errors[0]);
}

TEST_CASE("record_frame beside destroy_context: what was taken is released once") {
    const TempDir folder;
    write_color_model(folder / "colors");
    for (int round = 0; round < 4; ++round) {
        CommandsHost c;
        c.create();
        c.host.load(folder / "colors");
        const sac_context context = c.host.context;
        std::atomic<uint64_t> released = 0, taken = 0;
        sac_result last = SAC_OK;
        std::thread writer([&] {
            ColorFrame picture(SAC_FORMAT_RGB8, 8, 2, 1, 0);
            count_releases(picture.frame, released);
            for (;;) {
                const sac_vk_commands into = c.commands.begin();
                while ((last = c.host.sac.record_frame(context, &picture.frame, &into)) == SAC_NOT_READY)
                    std::this_thread::yield();
                c.commands.submit();  // empty if it was refused
                if (last != SAC_OK) break;
                ++taken;
            }
        });
        while (taken < 10) std::this_thread::yield();
        std::this_thread::sleep_for(std::chrono::microseconds(300 * round));
        CHECK(c.host.destroy() == SAC_OK);
        writer.join();
        CHECK((last == SAC_ERROR_CANCELLED || last == SAC_ERROR_NOT_FOUND));
        CHECK(released == taken);
    }
}

TEST_CASE("record_frame is for one thread at a time") {
    const TempDir folder;
    write_color_model(folder / "colors");
    CommandsHost c;
    c.create();
    c.host.load(folder / "colors");
    ColorFrame picture(SAC_FORMAT_RGBA8, 600, 2, 1, 0);  // takes a while to be copied
    REQUIRE(c.record(picture.frame) == SAC_OK);
    std::atomic<bool> stop = false;
    std::atomic<uint64_t> refused = 0;
    std::thread other([&] {
        sac_frame nothing = {};  // refused in any case, but told apart by why
        while (!stop) refused += c.host.sac.record_frame(c.host.context, &nothing, nullptr) == SAC_ERROR_INVALID_STATE;
    });
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    uint64_t recorded = 1;
    while (refused == 0 && std::chrono::steady_clock::now() < end) {
        const sac_vk_commands into = c.commands.begin();
        sac_result result = SAC_NOT_READY;
        while (result == SAC_NOT_READY || result == SAC_ERROR_INVALID_STATE)
            result = c.host.sac.record_frame(c.host.context, &picture.frame, &into);
        REQUIRE(result == SAC_OK);
        ++recorded;
        c.commands.submit();
    }
    stop = true;
    other.join();
    c.commands.submit();
    CHECK(refused > 0);
    c.settle();
    CHECK(c.host.statistics().finished == recorded);
}

TEST_CASE("a device lost while frames are in flight ends the context's work, not the program") {
    const TempDir folder;
    write_color_model(folder / "colors");
    Faults faults;
    {
        CommandsHost c;
        REQUIRE(c.host.create_patched([&](vk::DeviceFunctions &fn) { faults.patch(fn); }) == SAC_OK);
        c.host.load(folder / "colors");
        std::atomic<uint64_t> released = 0;
        ColorFrame picture(SAC_FORMAT_RGBA8, 8, 2, 1, 0);
        count_releases(picture.frame, released);
        for (int i = 0; i < 3; ++i) REQUIRE(c.record(picture.frame) == SAC_OK);
        faults.arm(0, VK_ERROR_DEVICE_LOST, true, "WaitSemaphores");
        for (int i = 0; i < 3; ++i) c.commands.submit();
        const sac_snapshot *snapshot = nullptr;
        c.settle();
        CHECK(released == 3);
        CHECK(c.host.statistics().dropped_failed >= 1);
        while (c.host.sac.acquire_result(c.host.context, c.host.seen, &snapshot) == SAC_OK) {
            c.host.seen = snapshot->sequence;
            CHECK(c.host.sac.release_result(c.host.context, snapshot) == SAC_OK);
        }
        CHECK(c.host.sac.wait_result(c.host.context, c.host.seen, 60000, &snapshot) == SAC_ERROR_DEVICE_LOST);
        const sac_vk_commands into = c.commands.begin();
        CHECK(c.host.sac.record_frame(c.host.context, &picture.frame, &into) == SAC_ERROR_DEVICE_LOST);
        c.commands.wait();
        CHECK(c.host.destroy() == SAC_OK);
    }
    CHECK(faults.live().empty());
}

TEST_CASE("memory that runs out at any call: the frame is refused with nothing recorded, or was not taken yet") {
    const TempDir folder;
    write_color_model(folder / "colors");
    bool fired = true;
    uint32_t refused = 0;
    for (uint64_t n = 0; fired; n += n < 25 ? 1 : 4) {
        CAPTURE(n);
        Faults faults;
        {
            CommandsHost c;
            REQUIRE(c.host.create_patched([&](vk::DeviceFunctions &fn) { faults.patch(fn); }) == SAC_OK);
            c.host.load(folder / "colors");
            ColorFrame planes(SAC_FORMAT_RGBA8, 8, 2, 1, 2), textured(SAC_FORMAT_RGBA8, 8, 3, 1, 1);
            EngineImage image(c.engine, textured, VK_FORMAT_R8G8B8A8_UNORM, VK_IMAGE_LAYOUT_GENERAL);
            image.put(textured);
            faults.arm(n, VK_ERROR_OUT_OF_DEVICE_MEMORY);
            const auto attempt = [&](const sac_frame &frame) {
                const sac_vk_commands into = c.commands.begin();
                const uint64_t submitted = c.host.statistics().submitted;
                sac_result result = c.record(frame, into);
                if (result != SAC_OK) {
                    ++refused;
                    CHECK(result == SAC_ERROR_OUT_OF_MEMORY);
                    CHECK(c.host.statistics().submitted == submitted);
                    result = c.record(frame, into);  // the one after it goes through
                }
                REQUIRE(result == SAC_OK);
                c.commands.submit();
                c.settle();
            };
            attempt(planes.frame);
            attempt(textured.frame);
            CHECK(c.host.statistics().finished + c.host.statistics().dropped_failed == 2);
            fired = faults.fired();
            faults.disarm();
            REQUIRE(c.record(planes.frame) == SAC_OK);
            c.commands.submit();
            c.settle();
            CHECK(c.host.statistics().finished >= 1);
            c.commands.wait();
        }
        CHECK(faults.live().empty());
    }
    CHECK(refused >= 5);
}
