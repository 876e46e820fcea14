// labels: tsan
// Mode C: frames recorded into the host's own commands. Same results as in the other modes, several frames in flight.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "samples/networks/networks.h"
#include "tests/support/device.h"
#include "tests/support/fault.h"
#include "tests/support/files.h"
#include "tests/vision/host_commands_support.h"
#include "tests/vision/inspect_support.h"

using namespace sac;
using namespace sac::test;

namespace {

std::vector<sac_detection> detections_of(const sac_snapshot *snapshot) {
    return {snapshot->detections, snapshot->detections + snapshot->detection_count};
}

// `bound` in pixels and in scores of 0.01.
void check_same(const std::vector<sac_detection> &a, const std::vector<sac_detection> &b, float bound) {
    REQUIRE(a.size() == b.size());
    for (size_t i = 0; i < a.size(); ++i) {
        CHECK(std::abs(a[i].x1 - b[i].x1) <= bound);
        CHECK(std::abs(a[i].y1 - b[i].y1) <= bound);
        CHECK(std::abs(a[i].x2 - b[i].x2) <= bound);
        CHECK(std::abs(a[i].y2 - b[i].y2) <= bound);
        CHECK(std::abs(a[i].score - b[i].score) <= 0.01f * bound);
        CHECK(a[i].class_id == b[i].class_id);
    }
}

void fill_with_noise(ColorFrame &picture, uint32_t seed) {
    for (uint8_t &byte : picture.pixels) byte = static_cast<uint8_t>((seed = seed * 1664525u + 1013904223u) >> 24);
}

// As many boxes as `count`, so that frames can be told from one another by their timings.
void color_cells(ColorFrame &picture, uint32_t cell, uint32_t count) {
    const uint32_t side = 4 * cell;
    std::fill(picture.pixels.begin(), picture.pixels.end(), uint8_t{0});
    for (uint32_t i = 0; i < count; ++i)
        for (uint32_t y = 0; y < cell; ++y)
            for (uint32_t x = 0; x < cell; ++x)
                picture.pixels[((i / 4 * cell + y) * side + i % 4 * cell + x) * 4 + i % 3] = 255;
}

std::vector<sac_frame_timing> timings_of(const CommandsHost &c) {
    const auto &debug = *static_cast<const sac_debug_api *>(c.host.sac.get_extension(c.host.context, "sac.debug/1"));
    std::vector<sac_frame_timing> timings(SAC_FRAME_TIMINGS);
    uint32_t count = 0;
    REQUIRE(debug.get_frame_timings(c.host.context, 0, timings.data(), SAC_FRAME_TIMINGS, &count) == SAC_OK);
    timings.resize(count);
    return timings;
}

sac_context_info info_of(const TestHost &host) {
    auto info = make_struct<sac_context_info>(SAC_TYPE_CONTEXT_INFO);
    REQUIRE(host.sac.get_context_info(host.context, &info) == SAC_OK);
    return info;
}

}  // namespace

TEST_CASE("frames recorded by the plugin find what submitted ones find, from planes and from images") {
    const TempDir folder;
    write_layers_model(folder / "layers");
    CommandsHost c;
    c.create();
    CHECK(info_of(c.host).mode == SAC_MODE_HOST_COMMANDS);
    c.host.load(folder / "layers");
    TestHost own;  // mode D
    REQUIRE(own.create() == SAC_OK);
    own.load(folder / "layers");
    auto settings = make_struct<sac_detect_settings>(SAC_TYPE_DETECT_SETTINGS);
    settings.score_threshold = 0.01f;
    REQUIRE(own.sac.set_detect_settings(own.context, &settings) == SAC_OK);
    REQUIRE(c.host.sac.set_detect_settings(c.host.context, &settings) == SAC_OK);
    size_t found = 0;
    for (const uint32_t format : {SAC_FORMAT_RGB8, SAC_FORMAT_RGBA8})
        for (uint32_t seed = 0; seed < 5; ++seed) {
            CAPTURE(format);
            CAPTURE(seed);
            ColorFrame picture(format, 8 + seed, 1, 2, 0);  // a new size each time
            fill_with_noise(picture, seed);
            const sac_snapshot *expected = own.run(picture.frame);
            REQUIRE(expected);
            const auto boxes = detections_of(expected);
            found += boxes.size();
            CHECK(own.sac.release_result(own.context, expected) == SAC_OK);
            // By the same kernels on the same device: the same to the last bit. Images go through another one.
            float bound = 0;
            const auto check = [&](const sac_snapshot *snapshot) { check_same(detections_of(snapshot), boxes, bound); };
            REQUIRE(c.record(picture.frame) == SAC_OK);
            c.commands.submit();
            c.expect(check);
            if (format != SAC_FORMAT_RGBA8) continue;
            EngineImage image(c.engine, picture, VK_FORMAT_R8G8B8A8_UNORM, VK_IMAGE_LAYOUT_GENERAL);
            image.put(picture);
            bound = 1e-4f;
            REQUIRE(c.record(picture.frame) == SAC_OK);
            c.commands.submit();
            c.expect(check);
        }
    CHECK(found > 10);
}

TEST_CASE("images go through the host's commands in every format and layout, and are handed on in the one asked for") {
    const TempDir folder;
    write_color_model(folder / "colors");
    CommandsHost c;
    c.create();
    c.host.load(folder / "colors");
    uint32_t column = 0;
    std::atomic<uint64_t> released = 0;
    for (const VkFormat format :
         {VK_FORMAT_R8G8B8A8_UNORM, VK_FORMAT_R8G8B8A8_SRGB, VK_FORMAT_B8G8R8A8_UNORM, VK_FORMAT_B8G8R8A8_SRGB})
        for (const VkImageLayout layout : {VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL, VK_IMAGE_LAYOUT_GENERAL,
                                           VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL}) {
            CAPTURE(format);
            CAPTURE(layout);
            column = (column + 1) % 4;
            const bool bgra = format == VK_FORMAT_B8G8R8A8_UNORM || format == VK_FORMAT_B8G8R8A8_SRGB;
            ColorFrame picture(bgra ? SAC_FORMAT_BGRA8 : SAC_FORMAT_RGBA8, 8, column, 1, 2);
            EngineImage image(c.engine, picture, format, layout);
            image.put(picture);
            const bool changes = layout == VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL;
            if (changes) image.desc().layout_out = VK_IMAGE_LAYOUT_GENERAL;
            count_releases(picture.frame, released);
            const uint64_t before = released;
            REQUIRE(c.record(picture.frame) == SAC_OK);
            CHECK(released == before);
            c.commands.submit();
            c.expect([&](const sac_snapshot *snapshot) { check_color(snapshot, 8, column, 1, 2); });
            c.settle();
            CHECK(released == before + 1);
            image.use_again(changes ? VK_IMAGE_LAYOUT_GENERAL : layout);
        }
}

TEST_CASE("three frames in flight: each gets its own result, in the order of recording") {
    const TempDir folder;
    write_color_model(folder / "colors");
    CommandsHost c;
    c.create();
    c.host.load(folder / "colors");
    ColorFrame picture(SAC_FORMAT_RGBA8, 8, 0, 0, 0);
    SUBCASE("submitted one by one") {
        for (uint32_t round = 0; round < 3; ++round) {
            for (uint32_t i = 0; i < 3; ++i) {
                ColorFrame each(SAC_FORMAT_RGBA8, 8, i, round, i);  // gone before the commands run
                each.frame.frame_id = i;
                REQUIRE(c.record(each.frame) == SAC_OK);
            }
            for (uint32_t i = 0; i < 3; ++i) {
                c.commands.submit();
                c.expect([&](const sac_snapshot *snapshot) {
                    CHECK(snapshot->frame_id == i);
                    check_color(snapshot, 8, i, round, i);
                });
            }
        }
    }
    SUBCASE("all at once, and two in the same commands") {
        for (uint32_t round = 0; round < 5; ++round) {
            for (uint32_t i = 0; i < 4; ++i) {
                color_cells(picture, 8, 4 * (round % 2) + i + 1);
                picture.frame.frame_id = 4 * round + i;
                static sac_vk_commands into;
                if (i % 2 == 0) into = c.commands.begin();
                REQUIRE(c.record(picture.frame, into) == SAC_OK);
            }
            c.commands.submit();
            c.commands.submit();
            c.settle();
        }
        const auto timings = timings_of(c);
        REQUIRE(timings.size() == 20);
        for (uint32_t i = 0; i < timings.size(); ++i) {
            CHECK(timings[i].frame_id == i);
            CHECK(timings[i].sequence == i + 1);
            CHECK(timings[i].detection_count == 4 * (i / 4 % 2) + i % 4 + 1);
            CHECK(timings[i].submitted_ns <= timings[i].started_ns);
            CHECK(timings[i].started_ns <= timings[i].queued_ns);
            CHECK(timings[i].queued_ns <= timings[i].done_ns);
            CHECK(timings[i].done_ns <= timings[i].finished_ns);
            CHECK((timings[i].gpu_us > 0) == device().caps().timestamps);
        }
    }
    const sac_statistics statistics = c.host.statistics();
    CHECK(statistics.finished == statistics.submitted);
    CHECK(statistics.newest_sequence == statistics.submitted);
}

TEST_CASE("with as many frames in flight as there is room for, the next is not taken and nothing is recorded") {
    const TempDir folder;
    write_color_model(folder / "colors");
    Faults faults;
    CommandsHost c;
    REQUIRE(c.host.create_patched([&](vk::DeviceFunctions &fn) { faults.patch(fn); }) == SAC_OK);
    c.host.load(folder / "colors");
    ColorFrame picture(SAC_FORMAT_RGB8, 8, 3, 1, 2);
    std::atomic<uint64_t> released = 0;
    count_releases(picture.frame, released);
    for (uint32_t i = 0; i < SAC_MAX_RECORDED; ++i) REQUIRE(c.record(picture.frame) == SAC_OK);
    const sac_vk_commands more = c.commands.begin();
    const uint64_t dispatches = faults.calls("CmdDispatch"), barriers = faults.calls("CmdPipelineBarrier");
    CHECK(dispatches > 0);
    for (int i = 0; i < 3; ++i) CHECK(c.host.sac.record_frame(c.host.context, &picture.frame, &more) == SAC_NOT_READY);
    CHECK(faults.calls("CmdDispatch") == dispatches);
    CHECK(faults.calls("CmdPipelineBarrier") == barriers);
    CHECK(c.host.statistics().submitted == SAC_MAX_RECORDED);
    CHECK(released == 0);
    c.commands.submit();
    c.expect([&](const sac_snapshot *snapshot) { check_color(snapshot, 8, 3, 1, 2); });
    REQUIRE(c.record(picture.frame, more) == SAC_OK);
    for (uint32_t i = 0; i < SAC_MAX_RECORDED; ++i) c.commands.submit();
    c.settle();
    CHECK(c.host.statistics().finished == SAC_MAX_RECORDED + 1);
    CHECK(released == SAC_MAX_RECORDED + 1);
}

TEST_CASE("the first frame of a format is not taken until it is prepared for") {
    const TempDir folder;
    write_color_model(folder / "colors");
    CommandsHost c;
    c.create();
    ColorFrame rgb(SAC_FORMAT_RGB8, 8, 1, 1, 0), rgba(SAC_FORMAT_RGBA8, 8, 2, 1, 1);
    sac_vk_commands into = c.commands.begin();
    CHECK(c.host.sac.record_frame(c.host.context, &rgb.frame, &into) == SAC_ERROR_INVALID_STATE);  // no model
    c.host.load(folder / "colors");
    CHECK(c.host.sac.record_frame(c.host.context, &rgb.frame, &into) == SAC_NOT_READY);
    REQUIRE(c.record(rgb.frame, into) == SAC_OK);
    // One in flight that is not submitted yet does not hold up the next kind.
    into = c.commands.begin();
    CHECK(c.host.sac.record_frame(c.host.context, &rgba.frame, &into) == SAC_NOT_READY);
    REQUIRE(c.record(rgba.frame, into) == SAC_OK);
    c.commands.submit();
    c.expect([](const sac_snapshot *snapshot) { check_color(snapshot, 8, 1, 1, 0); });
    c.commands.submit();
    c.expect([](const sac_snapshot *snapshot) { check_color(snapshot, 8, 2, 1, 1); });
    // A model that takes the place of another is prepared for what that one was.
    c.host.load(folder / "colors");
    into = c.commands.begin();
    CHECK(c.host.sac.record_frame(c.host.context, &rgba.frame, &into) == SAC_OK);
    c.commands.submit();
    c.expect([](const sac_snapshot *snapshot) { check_color(snapshot, 8, 2, 1, 1); });
}

TEST_CASE("a model is changed while frames of the one before are in flight") {
    const TempDir folder;
    write_color_model(folder / "first", "first");
    write_color_model(folder / "second", "second", 3);
    CommandsHost c;
    c.create();
    const uint32_t first = c.host.load(folder / "first");
    ColorFrame picture(SAC_FORMAT_RGBA8, 8, 2, 2, 1);
    for (int i = 0; i < 2; ++i) REQUIRE(c.record(picture.frame) == SAC_OK);
    const uint32_t second = c.host.load(folder / "second");
    CHECK(c.host.statistics().model_id == second);
    for (int i = 0; i < 2; ++i) REQUIRE(c.record(picture.frame) == SAC_OK);
    const uint32_t third = c.host.load(folder / "first");
    for (const uint32_t model : {first, first, second, second}) {
        c.commands.submit();
        c.expect([&](const sac_snapshot *snapshot) {
            CHECK(snapshot->model_id == model);
            check_color(snapshot, 8, 2, 2, 1);
        });
    }
    REQUIRE(c.record(picture.frame) == SAC_OK);
    c.commands.submit();
    c.expect([&](const sac_snapshot *snapshot) { CHECK(snapshot->model_id == third); });
}

TEST_CASE("settings, classes and tracks are those of the recording") {
    const TempDir folder;
    write_color_model(folder / "colors");
    CommandsHost c;
    c.create();
    c.host.load(folder / "colors");
    const auto &debug = *static_cast<const sac_debug_api *>(c.host.sac.get_extension(c.host.context, "sac.debug/1"));
    ColorFrame picture(SAC_FORMAT_RGBA8, 8, 0, 0, 0);
    color_cells(picture, 8, 6);  // two of each class
    REQUIRE(c.record(picture.frame) == SAC_OK);
    auto settings = make_struct<sac_detect_settings>(SAC_TYPE_DETECT_SETTINGS);
    settings.max_detections = 4;
    REQUIRE(c.host.sac.set_detect_settings(c.host.context, &settings) == SAC_OK);
    REQUIRE(c.record(picture.frame) == SAC_OK);
    const uint32_t green = 1u << 1;
    REQUIRE(debug.set_class_filter(c.host.context, &green, 1) == SAC_OK);
    REQUIRE(c.record(picture.frame) == SAC_OK);
    for (const uint32_t count : {6u, 4u, 2u}) {
        c.commands.submit();
        c.expect([&](const sac_snapshot *snapshot) {
            CHECK(snapshot->detection_count == count);
            CHECK(snapshot->detections[0].track_id == 0);
        });
    }
    auto tracks = make_struct<sac_track_settings>(SAC_TYPE_TRACK_SETTINGS);
    tracks.enabled = 1;
    REQUIRE(c.host.sac.set_track_settings(c.host.context, &tracks) == SAC_OK);
    for (int i = 0; i < 3; ++i) REQUIRE(c.record(picture.frame) == SAC_OK);
    uint32_t id = 0;
    for (int i = 0; i < 3; ++i) {
        c.commands.submit();
        c.expect([&](const sac_snapshot *snapshot) {
            REQUIRE(snapshot->detection_count == 2);
            CHECK((snapshot->detections[0].track_id != 0) == (i > 0));
            if (i == 1) id = snapshot->detections[0].track_id;
            if (i == 2) CHECK(snapshot->detections[0].track_id == id);
        });
    }
}

TEST_CASE("tensors and times are looked at in one frame in flight at a time") {
    const TempDir folder;
    write_color_model(folder / "colors");
    CommandsHost c;
    c.create();
    c.host.load(folder / "colors");
    const sac_context context = c.host.context;
    const auto &debug = *static_cast<const sac_debug_api *>(c.host.sac.get_extension(context, "sac.debug/1"));
    const char *const names[] = {"image"};
    auto wish = make_struct<sac_inspection>(SAC_TYPE_INSPECTION);
    wish.tensors = names;
    wish.tensor_count = 1;
    const bool stamps = device().caps().timestamps;
    wish.flags = stamps ? uint32_t{SAC_INSPECT_PROFILE} : 0;
    REQUIRE(debug.set_inspection(context, &wish) == SAC_OK);
    ColorFrame picture(SAC_FORMAT_RGBA8, 8, 0, 0, 0);
    auto running = make_struct<sac_running_info>(SAC_TYPE_RUNNING_INFO);
    REQUIRE(debug.get_running_info(context, &running) == SAC_OK);
    const uint32_t dispatches = running.dispatch_count;
    std::vector<float> tensor(3 * 32 * 32);
    uint64_t count = 0, sequence = 0;
    for (uint32_t round = 0; round < 3; ++round) {
        for (uint32_t i = 0; i < 3; ++i) {
            // One more cell in each frame: the mean of the network's input is that of the frame it was taken from.
            color_cells(picture, 8, 3 * round + i + 1);
            REQUIRE(c.record(picture.frame) == SAC_OK);
        }
        for (uint32_t i = 0; i < 3; ++i) c.commands.submit();
        c.settle();
        REQUIRE(debug.read_tensor(context, "image", tensor.data(), tensor.size(), &count, &sequence) == SAC_OK);
        REQUIRE(count == tensor.size());
        CHECK(sequence == 3 * round + 1);  // the first, while the other two were in flight with it
        double sum = 0;
        for (const float value : tensor) sum += static_cast<double>(value);
        CHECK(sum == doctest::Approx(64.0 * (3 * round + 1)).epsilon(1e-5));
        if (stamps) {
            uint32_t times = 0;
            CHECK(debug.read_dispatch_times(context, 1, nullptr, 0, &times, &sequence) == SAC_OK);
            CHECK(times == dispatches);
            CHECK(sequence == 3 * round + 1);
        }
    }
    uint32_t profiled = 0;
    for (const sac_frame_timing &timing : timings_of(c)) profiled += (timing.flags & SAC_FRAME_PROFILED) != 0;
    CHECK(profiled == (stamps ? 3 : 0));
    // Another model, and another wish, while a frame that is looked at is in flight: taken up after it.
    REQUIRE(c.record(picture.frame) == SAC_OK);
    c.host.load(folder / "colors");
    REQUIRE(debug.set_inspection(context, nullptr) == SAC_OK);
    for (int i = 0; i < 2; ++i) REQUIRE(c.record(picture.frame) == SAC_OK);
    for (int i = 0; i < 3; ++i) c.commands.submit();
    c.settle();
    REQUIRE(c.record(picture.frame) == SAC_OK);
    c.commands.submit();
    c.settle();
    auto memory = make_struct<sac_memory_info>(SAC_TYPE_MEMORY_INFO);
    REQUIRE(debug.get_memory_info(context, &memory) == SAC_OK);
    CHECK(memory.watched_bytes == 0);
    CHECK(c.host.statistics().finished == 13);
}

TEST_CASE("300 frames with several in flight take no more memory, whatever they are") {
    const TempDir folder;
    write_color_model(folder / "colors");
    CommandsHost c;
    c.create();
    c.host.load(folder / "colors");
    ColorFrame large(SAC_FORMAT_RGBA8, 40, 1, 2, 1), small(SAC_FORMAT_RGB8, 8, 3, 0, 2),
        textured(SAC_FORMAT_RGBA8, 8, 0, 0, 0);
    EngineImage image(c.engine, textured, VK_FORMAT_R8G8B8A8_UNORM, VK_IMAGE_LAYOUT_GENERAL);
    image.put(textured);
    ColorFrame *const pictures[] = {&large, &small, &textured};
    sac_context_info before = {};
    for (uint32_t i = 0; i < 300; ++i) {
        REQUIRE(c.record(pictures[i % 3]->frame) == SAC_OK);
        if (i % 2) {
            c.commands.submit();
            c.commands.submit();
        }
        if (i == 20) before = info_of(c.host);
    }
    c.settle();
    const sac_context_info after = info_of(c.host);
    CHECK(after.driver_allocations == before.driver_allocations);
    CHECK(after.device_memory == before.device_memory);
    CHECK(after.pipelines_built == before.pipelines_built);
    CHECK(c.host.statistics().finished == 300);
}

// SACCADE_TEST_RECORDED=500 build/release/bin/test_vision -tc='a network*' prints what recording costs.
TEST_CASE("a network of many layers, several frames of it in flight, gives what it gives when frames are submitted") {
    const char *const wanted = std::getenv("SACCADE_TEST_RECORDED");
    const size_t frames = wanted ? static_cast<size_t>(std::strtoul(wanted, nullptr, 10)) : 8;
    const TempDir folder;
    auto card = nlohmann::json::parse(
        read_text(std::filesystem::path(SACCADE_SOURCE_DIR) / "assets/models/fastestdet/card.json"));
    card["file"] = "model.onnx";
    card["input"]["name"] = "image";
    card["head"]["output"] = "output";
    card["thresholds"]["score"] = 0.01;
    card.erase("sha256");
    write_text(folder / "card.json", card.dump());
    REQUIRE(write_network("fastestdet", 7, (folder / "model.onnx").string()).ok());
    ColorFrame picture(SAC_FORMAT_RGBA8, 80, 1, 1, 1);
    fill_with_noise(picture, 5);
    TestHost own;
    if (wanted) own.desc.flags = 0;
    REQUIRE(own.create() == SAC_OK);
    own.load(folder.path());
    const sac_snapshot *expected = own.run(picture.frame);
    REQUIRE(expected);
    const auto boxes = detections_of(expected);
    CHECK(own.sac.release_result(own.context, expected) == SAC_OK);
    CHECK(own.destroy() == SAC_OK);
    CHECK(boxes.size() > 3);

    CommandsHost c(!wanted);
    c.create();
    c.host.load(folder.path());
    std::vector<double> costs;
    for (size_t i = 0; i < frames; ++i) {
        if (i >= 2) {
            c.commands.submit();
            c.expect([&](const sac_snapshot *snapshot) { check_same(detections_of(snapshot), boxes, 0); });
        }
        const sac_vk_commands into = c.commands.begin();
        if (i == 0) REQUIRE(c.record(picture.frame, into) == SAC_OK);  // prepares
        const auto start = std::chrono::steady_clock::now();
        if (i > 0) REQUIRE(c.host.sac.record_frame(c.host.context, &picture.frame, &into) == SAC_OK);
        const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - start;
        if (i >= SAC_MAX_RECORDED) costs.push_back(took.count());
    }
    c.commands.submit();
    c.commands.submit();
    c.settle();
    CHECK(c.host.statistics().finished == frames);
    std::sort(costs.begin(), costs.end());
    if (wanted && !costs.empty())
        MESSAGE("record_frame: median " << costs[costs.size() / 2] << " us, p99 " << costs[costs.size() * 99 / 100]
                                        << " us, of " << costs.size() << " frames");
}
