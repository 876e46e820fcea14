// labels: bad_input tsan
// sac.debug/1, version 2: settings that change live, frames held, stepped and run again, and how long they took.

#include <doctest/doctest.h>

#include <algorithm>
#include <thread>

#include "tests/support/device.h"
#include "tests/support/fault.h"
#include "tests/support/files.h"
#include "tests/vision/inspect_support.h"

using namespace sac;
using namespace sac::test;

namespace {

/// Pictures for the color model: 4 x 4 cells of 8 pixels, a bright one for each of the classes 0, 1 and 2 at (class, 0)
/// and a dim one at (class, 2).
struct Cells {
    std::vector<uint8_t> pixels = std::vector<uint8_t>(32 * 32 * 3, 0);
    sac_frame frame = make_struct<sac_frame>(SAC_TYPE_FRAME);
    Cells() {
        for (uint32_t c = 0; c < 3; ++c) {
            fill(c, 0, c, 255);
            fill(c, 2, c, 64);
        }
        frame.width = frame.height = 32;
        frame.format = SAC_FORMAT_RGB8;
        frame.planes[0] = pixels.data();
        frame.strides[0] = 96;
    }
    Cells(const Cells &) = delete;
    Cells &operator=(const Cells &) = delete;
    void fill(uint32_t column, uint32_t row, uint32_t channel, uint8_t value) {
        for (uint32_t y = row * 8; y < row * 8 + 8; ++y)
            for (uint32_t x = column * 8; x < column * 8 + 8; ++x) pixels[(y * 32 + x) * 3 + channel] = value;
    }
};

void set(const Tool &tool, float score, float iou, uint32_t most) {
    auto settings = make_struct<sac_detect_settings>(SAC_TYPE_DETECT_SETTINGS);
    settings.score_threshold = score;
    settings.iou_threshold = iou;
    settings.max_detections = most;
    REQUIRE(tool.host.sac.set_detect_settings(tool.host.context, &settings) == SAC_OK);
}

void filter(const Tool &tool, const std::vector<uint32_t> &words) {
    REQUIRE(tool.debug->set_class_filter(tool.host.context, words.data(), static_cast<uint32_t>(words.size())) ==
            SAC_OK);
}

/// The classes of the newest snapshot, best first.
std::vector<uint32_t> newest_classes(Tool &tool) {
    const sac_snapshot *snapshot = nullptr;
    REQUIRE(tool.host.sac.acquire_result(tool.host.context, 0, &snapshot) == SAC_OK);
    std::vector<uint32_t> classes;
    for (uint32_t i = 0; i < snapshot->detection_count; ++i) classes.push_back(snapshot->detections[i].class_id);
    tool.release(snapshot);
    return classes;
}

uint64_t newest_frame(Tool &tool) {
    const sac_snapshot *snapshot = nullptr;
    REQUIRE(tool.host.sac.acquire_result(tool.host.context, 0, &snapshot) == SAC_OK);
    const uint64_t id = snapshot->frame_id;
    tool.release(snapshot);
    return id;
}

/// Waits until the statistics have accounted for every frame.
sac_statistics settled(const Tool &tool) {
    for (int i = 0; i < 6000; ++i) {
        const sac_statistics s = tool.host.statistics();
        if (s.finished + s.dropped_newer + s.dropped_failed == s.submitted) return s;
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    FAIL("frames are still under way after a minute");
    return {};
}

}  // namespace

TEST_CASE("thresholds and classes change from frame to frame, and a frame says what it was computed with") {
    const TempDir folder;
    write_color_model(folder / "colors");
    Tool tool;
    sac_detect_state state = tool.detect_state();
    CHECK(state.model_id == 0);
    CHECK(state.score_threshold == 0);
    const uint32_t id = tool.host.load(folder / "colors");
    state = tool.detect_state();
    CHECK(state.model_id == id);
    CHECK(state.score_threshold == 0.5f);
    CHECK(state.iou_threshold == 0.45f);
    CHECK(state.max_detections == 100);
    CHECK(state.set_score_threshold == 0);
    CHECK(state.is_filtered == 0);

    const Cells cells;
    tool.run(cells.frame);
    CHECK(newest_classes(tool).size() == 3);
    sac_frame_timing timing = tool.timings().back();
    CHECK(timing.score_threshold == 0.5f);
    CHECK(timing.detection_count == 3);
    CHECK(timing.candidate_count == 3);
    CHECK((timing.flags & SAC_FRAME_FILTERED) == 0);

    set(tool, 0.2f, 0.6f, 7);
    state = tool.detect_state();
    CHECK(state.score_threshold == 0.2f);
    CHECK(state.set_score_threshold == 0.2f);
    CHECK(state.iou_threshold == 0.6f);
    CHECK(state.set_iou_threshold == 0.6f);
    CHECK(state.max_detections == 7);
    CHECK(state.set_max_detections == 7);
    tool.run(cells.frame);
    CHECK(newest_classes(tool).size() == 6);
    timing = tool.timings().back();
    CHECK(timing.score_threshold == 0.2f);
    CHECK(timing.iou_threshold == 0.6f);
    CHECK(timing.max_detections == 7);
    CHECK(timing.detection_count == 6);

    // Classes 1 and 2, of which the best two are left, though class 0 has boxes as good.
    filter(tool, {6});
    set(tool, 0.2f, 0, 2);
    tool.run(cells.frame);
    std::vector<uint32_t> classes = newest_classes(tool);
    std::sort(classes.begin(), classes.end());
    CHECK(classes == std::vector<uint32_t>{1, 2});
    timing = tool.timings().back();
    CHECK((timing.flags & SAC_FRAME_FILTERED));
    CHECK(timing.max_detections == 2);
    CHECK(timing.detection_count == 2);
    CHECK(timing.candidate_count == 6);
    set(tool, 0.2f, 0, 0);
    tool.run(cells.frame);
    CHECK(newest_classes(tool).size() == 4);
    CHECK(tool.detect_state().is_filtered == 1);
    filter(tool, {0, ~0u});  // classes 32 and more, of which there are none
    tool.run(cells.frame);
    CHECK(newest_classes(tool).empty());
    uint32_t words[3] = {7, 7, 7}, count = 0;
    CHECK(tool.debug->get_class_filter(tool.host.context, nullptr, 0, &count) == SAC_OK);
    CHECK(count == 2);
    CHECK(tool.debug->get_class_filter(tool.host.context, words, 3, &count) == SAC_OK);
    CHECK(count == 2);
    CHECK(words[0] == 0);
    CHECK(words[1] == ~0u);
    CHECK(words[2] == 7);
    CHECK(tool.debug->get_class_filter(tool.host.context, words, 1, &count) == SAC_OK);
    CHECK(count == 1);

    // They are in force for the next model too.
    filter(tool, {1});
    tool.host.load(folder / "colors", SAC_MODEL_FP16);
    tool.run(cells.frame);
    CHECK(newest_classes(tool) == std::vector<uint32_t>{0, 0});
    filter(tool, {});
    set(tool, 0, 0, 0);
    tool.run(cells.frame);
    CHECK(newest_classes(tool).size() == 3);
    CHECK(tool.debug->get_class_filter(tool.host.context, nullptr, 0, &count) == SAC_OK);
    CHECK(count == 0);
}

TEST_CASE("frames leave their times") {
    const TempDir folder;
    write_color_model(folder / "colors");
    Tool tool;
    tool.host.load(folder / "colors");
    CHECK(tool.timings().empty());
    ColorFrame picture(SAC_FORMAT_RGBA8, 20, 1, 2, 0);
    uint64_t last = 0;
    for (uint64_t i = 1; i <= 40; ++i) {
        picture.frame.frame_id = 100 + i;
        const uint64_t before = tool.host.sac.now_ns();
        const uint64_t sequence = tool.run(picture.frame);
        const std::vector<sac_frame_timing> newer = tool.timings(last);
        REQUIRE(newer.size() == 1);  // no later than its snapshot
        const sac_frame_timing &t = newer[0];
        last = t.index;
        CHECK(t.index == i);
        CHECK(t.sequence == sequence);
        CHECK(t.frame_id == 100 + i);
        CHECK(t.result == SAC_OK);
        CHECK(t.model_id == tool.running().model_id);
        CHECK(before <= t.submitted_ns);
        CHECK(t.submitted_ns <= t.started_ns);
        CHECK(t.started_ns <= t.queued_ns);
        CHECK(t.queued_ns < t.done_ns);
        CHECK(t.done_ns <= t.finished_ns);
        CHECK(t.finished_ns <= tool.host.sac.now_ns());
        if (i > 5) CHECK((t.flags & SAC_FRAME_RECORDED) == 0);
        if (!device().caps().timestamps) {
            CHECK(t.gpu_us == 0);
            continue;
        }
        CHECK(t.preprocess_us > 0);
        CHECK(t.network_us > 0);
        CHECK(t.head_us > 0);
        CHECK(t.gpu_us == doctest::Approx(t.preprocess_us + t.network_us + t.head_us).epsilon(1e-3));
        CHECK(static_cast<double>(t.gpu_us) * 1e3 <= static_cast<double>(t.done_ns - t.queued_ns) * 1.05);
    }
    // More than are remembered; a part of them, the oldest first.
    for (uint32_t i = 0; i < SAC_FRAME_TIMINGS; ++i) tool.run(picture.frame);
    const std::vector<sac_frame_timing> all = tool.timings();
    REQUIRE(all.size() == SAC_FRAME_TIMINGS);
    for (size_t i = 0; i < all.size(); ++i) CHECK(all[i].index == 41 + i);
    sac_frame_timing some[3] = {};
    uint32_t count = 0;
    CHECK(tool.debug->get_frame_timings(tool.host.context, 100, some, 2, &count) == SAC_OK);
    CHECK(count == 2);
    CHECK(some[0].index == 101);
    CHECK(some[1].index == 102);
    CHECK(some[2].index == 0);
    CHECK(tool.timings(all.back().index).empty());
    CHECK(tool.timings(UINT64_MAX).empty());
    CHECK(tool.debug->get_frame_timings(tool.host.context, 0, nullptr, 0, nullptr) == SAC_ERROR_INVALID_ARGUMENT);
}

TEST_CASE("frames that fail are told with their error") {
    const TempDir folder;
    write_color_model(folder / "colors");
    Tool tool;
    tool.host.destroy();
    tool.host.desc.snapshot_count = 2;
    REQUIRE(tool.host.create() == SAC_OK);
    tool.host.load(folder / "colors");
    REQUIRE(tool.watch({"cells"}) == SAC_OK);
    ColorFrame picture(SAC_FORMAT_RGBA8, 8, 1, 2, 0);
    std::vector<const sac_snapshot *> held;
    for (int i = 0; i < 5; ++i)
        if (const sac_snapshot *snapshot = tool.host.run(picture.frame)) held.push_back(snapshot);
    const sac_statistics statistics = settled(tool);
    CHECK(statistics.dropped_failed > 0);
    const std::vector<sac_frame_timing> timings = tool.timings();
    REQUIRE(timings.size() == 5);
    CHECK(timings[4].result == SAC_ERROR_OUT_OF_MEMORY);
    CHECK(timings[4].sequence == 0);
    CHECK(timings[4].done_ns > 0);
    CHECK(timings[0].result == SAC_OK);
    CHECK(static_cast<size_t>(std::count_if(timings.begin(), timings.end(), [](const sac_frame_timing &t) {
              return t.result == SAC_OK;
          })) == held.size());
    uint64_t count = 0;  // the failed frame's tensors are nobody's
    CHECK(tool.debug->read_tensor(tool.host.context, "cells", nullptr, 0, &count, nullptr) == SAC_NOT_READY);
    for (const sac_snapshot *snapshot : held) tool.release(snapshot);
}

TEST_CASE("a frame is frozen, run again, stepped and let go") {
    const TempDir folder;
    write_color_model(folder / "colors");
    Tool tool;
    tool.host.load(folder / "colors");
    const auto &debug = *tool.debug;
    const sac_context context = tool.host.context;
    ColorFrame red(SAC_FORMAT_RGB8, 8, 0, 0, 0), green(SAC_FORMAT_RGB8, 20, 1, 1, 1), blue(SAC_FORMAT_RGB8, 8, 2, 2, 2);
    red.frame.frame_id = 1, green.frame.frame_id = 2, blue.frame.frame_id = 3;
    const auto submit = [&](const ColorFrame &picture) {
        CHECK(tool.host.sac.submit_frame(context, &picture.frame) == SAC_OK);
    };
    const auto expect = [&](uint64_t frame, uint32_t color) {
        CHECK(newest_frame(tool) == frame);
        CHECK(newest_classes(tool) == std::vector<uint32_t>{color});
    };

    // Without SAC_INSPECT_HOLD, the frame that comes next is held.
    tool.run(red.frame);
    CHECK(tool.run_state().is_held == 0);
    CHECK(debug.replay_frame(context) == SAC_ERROR_INVALID_STATE);
    CHECK(debug.step_frame(context) == SAC_ERROR_INVALID_STATE);
    REQUIRE(debug.set_run_mode(context, SAC_RUN_PAUSED) == SAC_OK);
    tool.run(green.frame);
    expect(2, 1);
    settled(tool);
    sac_run_state state = tool.run_state();
    CHECK(state.mode == SAC_RUN_PAUSED);
    CHECK(state.is_held == 1);
    CHECK(state.held_frame_id == 2);

    // Others are dropped, and nothing runs.
    const uint64_t sequence = tool.host.seen;
    submit(red);
    sac_statistics statistics = settled(tool);
    submit(blue);
    statistics = settled(tool);
    CHECK(statistics.submitted == 4);
    CHECK(statistics.finished == 2);
    CHECK(statistics.dropped_newer == 2);
    CHECK(statistics.newest_sequence == sequence);

    // Run again: a new snapshot of the same frame, with the settings of now.
    REQUIRE(debug.replay_frame(context) == SAC_OK);
    CHECK(tool.wait(tool.host.seen) == sequence + 1);
    expect(2, 1);
    set(tool, 1, 0, 0);
    filter(tool, {1});
    REQUIRE(debug.replay_frame(context) == SAC_OK);
    tool.wait(tool.host.seen);
    CHECK(newest_frame(tool) == 2);
    CHECK(newest_classes(tool).empty());
    set(tool, 0, 0, 0);
    filter(tool, {});
    REQUIRE(debug.replay_frame(context) == SAC_OK);
    tool.wait(tool.host.seen);
    expect(2, 1);
    CHECK((tool.timings().back().flags & SAC_FRAME_REPLAYED));
    CHECK(tool.timings().back().frame_id == 2);

    // One at a time.
    REQUIRE(debug.step_frame(context) == SAC_OK);
    CHECK(tool.run_state().steps_due == 1);
    submit(blue);
    tool.wait(tool.host.seen);
    expect(3, 2);
    settled(tool);
    CHECK(tool.run_state().steps_due == 0);
    CHECK(tool.run_state().held_frame_id == 3);
    submit(red);
    statistics = settled(tool);
    CHECK(statistics.newest_sequence == tool.host.seen);

    // Frozen: the held frame runs for each that comes.
    REQUIRE(debug.set_run_mode(context, SAC_RUN_FROZEN) == SAC_OK);
    for (int i = 0; i < 5; ++i) {
        submit(i % 2 ? red : green);
        tool.wait(tool.host.seen);
        expect(3, 2);
    }
    statistics = settled(tool);
    CHECK(statistics.submitted == 11);
    CHECK(statistics.finished == 3);
    CHECK(statistics.dropped_newer == 8);
    CHECK(statistics.dropped_failed == 0);
    state = tool.run_state();
    CHECK(state.replayed == 3 + 5);
    CHECK(state.stepped == 1);
    CHECK(state.replays_due == 0);

    // A model that takes the other's place runs on the held frame.
    const uint32_t id = tool.host.load(folder / "colors", SAC_MODEL_FP16);
    REQUIRE(debug.replay_frame(context) == SAC_OK);
    tool.wait(tool.host.seen);
    expect(3, 2);
    CHECK(tool.timings().back().model_id == id);

    REQUIRE(debug.set_run_mode(context, SAC_RUN_LIVE) == SAC_OK);
    CHECK(tool.run(red.frame) > 0);
    expect(1, 0);
    settled(tool);
    CHECK(tool.run_state().is_held == 0);
    CHECK(debug.set_run_mode(context, 3) == SAC_ERROR_INVALID_ARGUMENT);
    CHECK(tool.host.last_error().find("mode") != std::string::npos);
    CHECK(debug.get_run_state(context, nullptr) == SAC_ERROR_INVALID_ARGUMENT);
}

TEST_CASE("the newest frame is kept where that is asked for") {
    const TempDir folder;
    write_color_model(folder / "colors");
    Tool tool;
    tool.host.load(folder / "colors");
    REQUIRE(tool.watch({"cells"}, SAC_INSPECT_HOLD) == SAC_OK);
    for (uint32_t i = 0; i < 6; ++i) {
        // Of changing sizes, so that staging buffers grow around the one that is held; one is lent.
        ColorFrame picture(SAC_FORMAT_RGB8, 8 + 10 * i, i % 4, 1, i % 3);
        picture.frame.frame_id = i;
        if (i == 4) picture.frame.release = [](void *, uint64_t) {};
        tool.run(picture.frame);
        settled(tool);
        CHECK(tool.run_state().held_frame_id == i);
        std::fill(picture.pixels.begin(), picture.pixels.end(), uint8_t{0});  // the plugin has a copy
        const std::vector<float> before = tool.tensor("cells");
        REQUIRE(tool.debug->replay_frame(tool.host.context) == SAC_OK);
        tool.wait(tool.host.seen);
        CHECK(newest_frame(tool) == i);
        CHECK(newest_classes(tool) == std::vector<uint32_t>{i % 3});
        CHECK(tool.tensor("cells") == before);
    }
    REQUIRE(tool.debug->set_run_mode(tool.host.context, SAC_RUN_FROZEN) == SAC_OK);
    ColorFrame other(SAC_FORMAT_RGB8, 8, 0, 0, 0);
    other.frame.frame_id = 77;
    CHECK(tool.run(other.frame) > 0);
    CHECK(newest_frame(tool) == 5);
    REQUIRE(tool.debug->set_run_mode(tool.host.context, SAC_RUN_LIVE) == SAC_OK);
    REQUIRE(tool.watch({}) == SAC_OK);
    tool.run(other.frame);
    settled(tool);
    CHECK(tool.run_state().is_held == 0);
}

TEST_CASE("the class filter is checked") {
    Tool tool;
    const uint32_t word = 1;
    uint32_t count = 0;
    CHECK(tool.debug->set_class_filter(tool.host.context, nullptr, 1) == SAC_ERROR_INVALID_ARGUMENT);
    CHECK(tool.host.last_error().find("words") != std::string::npos);
    CHECK(tool.debug->set_class_filter(tool.host.context, &word, 1025) == SAC_ERROR_INVALID_ARGUMENT);
    CHECK(tool.host.last_error().find("word_count") != std::string::npos);
    CHECK(tool.debug->get_class_filter(tool.host.context, nullptr, 0, nullptr) == SAC_ERROR_INVALID_ARGUMENT);
    CHECK(tool.debug->get_class_filter(tool.host.context, nullptr, 0, &count) == SAC_OK);
    CHECK(tool.debug->get_detect_state(tool.host.context, nullptr) == SAC_ERROR_INVALID_ARGUMENT);
}

TEST_CASE("what cannot be looked at is told to the log, and frames go on") {
    const TempDir folder;
    write_color_model(folder / "colors");
    ColorFrame picture(SAC_FORMAT_RGB8, 8, 2, 1, 0);
    for (const char *function : {"CreateBuffer", "CreateQueryPool"}) {
        if (std::string(function) == "CreateQueryPool" && !device().caps().timestamps) continue;
        CAPTURE(function);
        Faults faults;
        {
            Tool tool;
            tool.host.destroy();
            REQUIRE(tool.host.create_patched([&](vk::DeviceFunctions &fn) { faults.patch(fn); }) == SAC_OK);
            tool.host.load(folder / "colors");
            tool.run(picture.frame);
            faults.arm(0, VK_ERROR_OUT_OF_DEVICE_MEMORY, false, function);
            const uint32_t profile = device().caps().timestamps ? SAC_INSPECT_PROFILE : 0;
            REQUIRE(tool.watch({"cells"}, profile) == SAC_OK);
            tool.run(picture.frame);
            CHECK(faults.fired());
            const std::vector<std::string> logged = tool.host.logged();
            CHECK(std::any_of(logged.begin(), logged.end(), [](const std::string &line) {
                return line.find("VK_ERROR_OUT_OF_DEVICE_MEMORY") != std::string::npos;
            }));
            uint64_t count = 0;
            CHECK(tool.debug->read_tensor(tool.host.context, "cells", nullptr, 0, &count, nullptr) ==
                  SAC_ERROR_NOT_FOUND);
            CHECK(tool.memory().watched_bytes == 0);
            REQUIRE(tool.watch({"cells"}, profile) == SAC_OK);  // asked for again, it is there
            tool.run(picture.frame);
            CHECK(tool.tensor("cells").size() == 8 * 16);
            CHECK(tool.host.statistics().dropped_failed == 0);
            tool.host.destroy();
        }
        CHECK(faults.live().empty());
    }
}
