// labels: tsan
// Frames in, results out: formats, newest wins, snapshots, models that change while frames go through.

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <new>
#include <thread>

#include "compute/vk/device.h"
#include "tests/support/device.h"
#include "tests/support/files.h"
#include "tests/vision/abi_support.h"

using namespace sac;
using namespace sac::test;

namespace {

sac_model_info model_info(const TestHost &host, uint32_t id = 0) {
    auto info = make_struct<sac_model_info>(SAC_TYPE_MODEL_INFO);
    REQUIRE(host.sac.get_model_info(host.context, id, &info) == SAC_OK);
    return info;
}

void release(const TestHost &host, const sac_snapshot *snapshot) {
    CHECK(host.sac.release_result(host.context, snapshot) == SAC_OK);
}

// Counts the calls of a frame's release.
struct Releases {
    std::atomic<uint64_t> calls = 0, cookies = 0;
    void watch(sac_frame &frame) {
        frame.release_user = this;
        frame.release = [](void *user, uint64_t cookie) {
            auto &self = *static_cast<Releases *>(user);
            ++self.calls;
            self.cookies += cookie;
        };
    }
};

void wait_until_done(const TestHost &host) {
    for (int i = 0; i < 6000; ++i) {
        const sac_statistics s = host.statistics();
        if (s.finished + s.dropped_newer + s.dropped_failed == s.submitted) return;
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    FAIL("frames are still under way after a minute");
}

}  // namespace

TEST_CASE("a picture goes in, its boxes come out") {
    const TempDir folder;
    write_color_model(folder / "colors");
    TestHost host;
    REQUIRE(host.create() == SAC_OK);
    const uint32_t id = host.load(folder / "colors");
    const sac_model_info info = model_info(host);
    CHECK(info.state == SAC_MODEL_READY);
    CHECK(info.input_width == 32);
    CHECK(info.input_height == 32);
    CHECK(info.label_count == 3);
    CHECK(std::string(info.name) == "colors");
    CHECK(std::string(info.task) == "detect");
    CHECK(info.score_threshold == 0.5f);
    CHECK(info.iou_threshold == 0.45f);
    CHECK(info.load_ms > 0);

    uint64_t number = 0;
    for (const uint32_t format : {SAC_FORMAT_RGB8, SAC_FORMAT_RGBA8, SAC_FORMAT_BGRA8})
        for (const uint32_t cell : {8u, 40u, 21u})
            for (const uint32_t color : {0u, 1u, 2u}) {
                CAPTURE(format);
                CAPTURE(cell);
                const uint32_t column = (cell + color) % 4, row = (format + color) % 4;
                ColorFrame picture(format, cell, column, row, color);
                picture.frame.frame_id = ++number;
                picture.frame.timestamp_ns = 1000 + number;
                picture.frame.cookie = ~number;
                const uint64_t before = host.sac.now_ns();
                const sac_snapshot *snapshot = host.run(picture.frame);
                check_color(snapshot, cell, column, row, color);
                CHECK(snapshot->type == SAC_TYPE_SNAPSHOT);
                CHECK(snapshot->size == sizeof(sac_snapshot));
                CHECK(snapshot->sequence == number);
                CHECK(snapshot->frame_id == number);
                CHECK(snapshot->timestamp_ns == 1000 + number);
                CHECK(snapshot->cookie == ~number);
                CHECK(snapshot->width == 4 * cell);
                CHECK(snapshot->height == 4 * cell);
                CHECK(snapshot->model_id == id);
                CHECK(snapshot->candidate_count == 1);
                CHECK(snapshot->submitted_ns >= before);
                CHECK(snapshot->finished_ns > snapshot->submitted_ns);
                CHECK(snapshot->finished_ns <= host.sac.now_ns());
                CHECK((snapshot->gpu_us > 0) == device().caps().timestamps);
                release(host, snapshot);
            }
    const sac_statistics statistics = host.statistics();
    CHECK(statistics.submitted == number);
    CHECK(statistics.finished == number);
    CHECK(statistics.dropped_newer == 0);
    CHECK(statistics.dropped_failed == 0);
    CHECK(statistics.newest_sequence == number);
    CHECK(statistics.snapshots_held == 0);
    CHECK(statistics.model_id == id);
}

TEST_CASE("strides, rotation and mirror") {
    const TempDir folder;
    write_color_model(folder / "colors");
    TestHost host;
    REQUIRE(host.create() == SAC_OK);
    host.load(folder / "colors");
    ColorFrame picture(SAC_FORMAT_RGB8, 10, 3, 1, 2);
    const sac_frame good = picture.frame;
    std::vector<uint8_t> wide(40 * 200, 0xEE);
    for (size_t y = 0; y < 40; ++y) std::copy_n(&picture.pixels[y * 120], 120, &wide[y * 200]);
    for (const bool strided : {false, true})
        for (const uint32_t rotation : {0u, 90u, 180u, 270u})
            for (const uint32_t mirror : {0u, 1u}) {
                picture.frame = good;
                if (strided) {
                    picture.frame.planes[0] = wide.data();
                    picture.frame.strides[0] = 200;
                }
                picture.frame.rotation = rotation;
                picture.frame.mirror = mirror;
                const sac_snapshot *snapshot = host.run(picture.frame);
                check_color(snapshot, 10, 3, 1, 2);  // boxes are in pixels of the frame as submitted
                release(host, snapshot);
            }
}

TEST_CASE("planar frames") {
    const TempDir folder;
    write_color_model(folder / "colors");
    TestHost host;
    REQUIRE(host.create() == SAC_OK);
    host.load(folder / "colors");
    // Blue in BT.601, full range: Y 29, U 255, V 107. Black: 0, 128, 128.
    constexpr uint32_t side = 64, half = 32;
    std::vector<uint8_t> y(side * side, 0), u(half * half, 128), v(half * half, 128);
    for (uint32_t row = 16; row < 32; ++row)
        for (uint32_t column = 32; column < 48; ++column) y[row * side + column] = 29;
    for (uint32_t row = 8; row < 16; ++row)
        for (uint32_t column = 16; column < 24; ++column) u[row * half + column] = 255, v[row * half + column] = 107;
    auto frame = make_struct<sac_frame>(SAC_TYPE_FRAME);
    frame.width = frame.height = side;
    frame.color = SAC_COLOR_BT601_FULL;
    frame.format = SAC_FORMAT_I420;
    frame.planes[0] = y.data(), frame.planes[1] = u.data(), frame.planes[2] = v.data();
    frame.strides[0] = side, frame.strides[1] = frame.strides[2] = half;
    const sac_snapshot *snapshot = host.run(frame);
    REQUIRE(snapshot != nullptr);
    REQUIRE(snapshot->detection_count == 1);
    CHECK(snapshot->detections[0].class_id == 2);
    CHECK(snapshot->detections[0].x1 == doctest::Approx(32).epsilon(0.01));
    release(host, snapshot);

    std::vector<uint8_t> uv(half * half * 2);
    for (size_t i = 0; i < u.size(); ++i) uv[2 * i] = u[i], uv[2 * i + 1] = v[i];
    frame.format = SAC_FORMAT_NV12;
    frame.planes[1] = uv.data();
    frame.strides[1] = side;
    snapshot = host.run(frame);
    REQUIRE(snapshot != nullptr);
    REQUIRE(snapshot->detection_count == 1);
    CHECK(snapshot->detections[0].class_id == 2);
    CHECK(snapshot->detections[0].y1 == doctest::Approx(16).epsilon(0.01));
    release(host, snapshot);
}

TEST_CASE("half storage and thresholds at run time") {
    const TempDir folder;
    write_color_model(folder / "colors");
    TestHost host;
    REQUIRE(host.create() == SAC_OK);
    host.load(folder / "colors", SAC_MODEL_FP16);
    ColorFrame picture(SAC_FORMAT_RGBA8, 8, 1, 3, 1);
    const sac_snapshot *snapshot = host.run(picture.frame);
    check_color(snapshot, 8, 1, 3, 1);
    release(host, snapshot);

    // A dim cell next to a bright one: score 0.25^0.6 * 0.25^0.4 = 0.25.
    for (uint32_t y = 0; y < 8; ++y)
        for (uint32_t x = 0; x < 8; ++x) picture.pixels[(y * 32 + x) * 4] = 64;
    auto settings = make_struct<sac_detect_settings>(SAC_TYPE_DETECT_SETTINGS);
    const auto count = [&](float score, uint32_t most) {
        settings.score_threshold = score;
        settings.max_detections = most;
        CHECK(host.sac.set_detect_settings(host.context, &settings) == SAC_OK);
        const sac_snapshot *result = host.run(picture.frame);
        REQUIRE(result != nullptr);
        const uint32_t found = result->detection_count;
        if (found > 0) CHECK(result->detections[0].class_id == 1);  // best first
        release(host, result);
        return found;
    };
    CHECK(count(0, 0) == 1);
    CHECK(count(0.2f, 0) == 2);
    CHECK(count(0.2f, 1) == 1);
    CHECK(count(0.3f, 0) == 1);
    CHECK(count(0, 0) == 1);
}

TEST_CASE("the newest frame wins, and every frame is accounted for and released once") {
    const TempDir folder;
    write_color_model(folder / "slow", "slow", 200);
    TestHost host;
    REQUIRE(host.create() == SAC_OK);
    host.load(folder / "slow");
    Releases releases;
    constexpr uint64_t frames = 60;
    ColorFrame picture(SAC_FORMAT_RGB8, 8, 2, 2, 0);
    const sac_snapshot *snapshot = host.run(picture.frame);  // warms up
    release(host, snapshot);
    for (uint64_t i = 1; i < frames; ++i) {
        picture.frame.frame_id = i;
        picture.frame.cookie = i;
        if (i % 2) releases.watch(picture.frame);
        CHECK(host.sac.submit_frame(host.context, &picture.frame) == SAC_OK);
        picture.frame.release = nullptr;
    }
    wait_until_done(host);
    const sac_statistics statistics = host.statistics();
    CHECK(statistics.submitted == frames);
    CHECK(statistics.dropped_newer > 0);
    CHECK(statistics.dropped_failed == 0);
    CHECK(statistics.finished >= 2);
    CHECK(releases.calls == frames / 2);
    CHECK(releases.cookies == (frames / 2) * (frames / 2));  // 1 + 3 + 5 ...
    REQUIRE(host.sac.acquire_result(host.context, 0, &snapshot) == SAC_OK);
    CHECK(snapshot->frame_id == frames - 1);
    CHECK(snapshot->dropped_newer == statistics.dropped_newer);
    check_color(snapshot, 8, 2, 2, 0);
    release(host, snapshot);
}

TEST_CASE("frames that are left at the end are released") {
    const TempDir folder;
    write_color_model(folder / "slow", "slow", 200);
    Releases releases;
    ColorFrame picture(SAC_FORMAT_RGB8, 8, 2, 2, 0);
    {
        TestHost host;
        REQUIRE(host.create() == SAC_OK);
        host.load(folder / "slow");
        releases.watch(picture.frame);
        for (int i = 0; i < 5; ++i) CHECK(host.sac.submit_frame(host.context, &picture.frame) == SAC_OK);
    }
    CHECK(releases.calls == 5);
}

TEST_CASE("overlapping submits are refused") {
    const TempDir folder;
    write_color_model(folder / "slow", "slow", 100);
    TestHost host;
    REQUIRE(host.create() == SAC_OK);
    host.load(folder / "slow");
    // The release of a frame that was overtaken comes from inside submit_frame: from there it is called once more.
    struct Nested {
        TestHost &host;
        ColorFrame picture{SAC_FORMAT_RGB8, 8, 2, 2, 0};
        std::atomic<int> refused = 0;
        std::thread::id writer = std::this_thread::get_id();
    } nested{host};
    nested.picture.frame.release_user = &nested;
    nested.picture.frame.release = [](void *user, uint64_t) {
        auto &self = *static_cast<Nested *>(user);
        if (std::this_thread::get_id() != self.writer) return;
        const sac_result result = self.host.sac.submit_frame(self.host.context, &self.picture.frame);
        if (result == SAC_ERROR_INVALID_STATE) ++self.refused;
    };
    for (int i = 0; i < 10; ++i) CHECK(host.sac.submit_frame(host.context, &nested.picture.frame) == SAC_OK);
    wait_until_done(host);
    CHECK(nested.refused > 0);
    CHECK(host.last_error().find("one thread at a time") != std::string::npos);
    CHECK(host.statistics().submitted == 10);
}

TEST_CASE("snapshots stay as they are until they are released") {
    const TempDir folder;
    write_color_model(folder / "colors");
    TestHost host;
    host.desc.snapshot_count = 2;
    REQUIRE(host.create() == SAC_OK);
    host.load(folder / "colors");
    std::vector<const sac_snapshot *> held;
    for (uint32_t i = 0; i < 4; ++i) {
        ColorFrame picture(SAC_FORMAT_RGB8, 8, i, i, i % 3);
        const sac_snapshot *snapshot = host.run(picture.frame);
        REQUIRE(snapshot != nullptr);
        held.push_back(snapshot);
    }
    CHECK(host.statistics().snapshots_held == 4);
    ColorFrame picture(SAC_FORMAT_RGB8, 8, 0, 3, 1);
    CHECK(host.run(picture.frame) == nullptr);  // there is no room: the frame fails
    CHECK(host.last_error().find("held") != std::string::npos);
    CHECK(host.statistics().dropped_failed == 1);
    for (uint32_t i = 0; i < 4; ++i) check_color(held[i], 8, i, i, i % 3);

    release(host, held[1]);
    const sac_snapshot *snapshot = host.run(picture.frame);
    check_color(snapshot, 8, 0, 3, 1);
    CHECK(snapshot->dropped_failed == 1);
    for (const uint32_t i : {0u, 2u, 3u}) check_color(held[i], 8, i, i, i % 3);
    // Acquired twice, it is held until it is released twice; there is nothing newer.
    const sac_snapshot *again = nullptr;
    CHECK(host.sac.acquire_result(host.context, 0, &again) == SAC_OK);
    CHECK(again == snapshot);
    CHECK(host.sac.acquire_result(host.context, snapshot->sequence, &again) == SAC_NOT_READY);
    CHECK(again == nullptr);
    CHECK(host.sac.wait_result(host.context, snapshot->sequence, 20, &again) == SAC_TIMEOUT);
    release(host, snapshot);
    release(host, snapshot);
    CHECK(host.sac.release_result(host.context, snapshot) == SAC_ERROR_INVALID_ARGUMENT);
    for (const uint32_t i : {0u, 2u, 3u}) release(host, held[i]);
    CHECK(host.statistics().snapshots_held == 0);
}

TEST_CASE("a network whose input has another name than the card says: both are told") {
    const TempDir folder;
    write_color_model(folder / "model", "model");
    const std::string card = (folder / "model" / "card.json").string(), name = "\"name\": \"";
    std::string text = read_text(card);
    const size_t at = text.find(name, text.find("\"input\""));
    REQUIRE(at != std::string::npos);
    const size_t begin = at + name.size(), end = text.find('"', begin);
    const std::string real = text.substr(begin, end - begin);
    write_text(card, text.replace(begin, end - begin, "another"));
    TestHost host;
    REQUIRE(host.create() == SAC_OK);
    auto desc = make_struct<sac_model_desc>(SAC_TYPE_MODEL_DESC);
    const std::string path = (folder / "model").string();
    desc.folder = path.c_str();
    uint32_t id = 0;
    REQUIRE(host.sac.load_model(host.context, &desc, &id) == SAC_OK);
    sac_model_info info = model_info(host, id);
    for (; info.state == SAC_MODEL_LOADING; info = model_info(host, id))
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    CHECK(info.state == SAC_MODEL_FAILED);
    const std::string error = info.error;
    CHECK_MESSAGE(error.find("no input 'another'") != std::string::npos, error);
    CHECK_MESSAGE(error.find("it has '" + real + "'") != std::string::npos, error);
}

TEST_CASE("models change while frames go through") {
    const TempDir folder;
    write_color_model(folder / "first", "first");
    write_color_model(folder / "second", "second", 60);
    TestHost host;
    REQUIRE(host.create() == SAC_OK);
    const uint32_t first = host.load(folder / "first");
    ColorFrame picture(SAC_FORMAT_RGB8, 8, 2, 1, 0);
    release(host, host.run(picture.frame));

    auto desc = make_struct<sac_model_desc>(SAC_TYPE_MODEL_DESC);
    const std::string path = (folder / "second").string();
    desc.folder = path.c_str();
    uint32_t second = 0;
    REQUIRE(host.sac.load_model(host.context, &desc, &second) == SAC_OK);
    CHECK(second == first + 1);
    uint32_t with_first = 0, with_second = 0;
    while (with_second < 3) {
        const bool ready = model_info(host, second).state == SAC_MODEL_READY;
        const sac_snapshot *snapshot = host.run(picture.frame);
        check_color(snapshot, 8, 2, 1, 0);
        CHECK((snapshot->model_id == first || snapshot->model_id == second));
        if (ready) CHECK(snapshot->model_id == second);
        ++(snapshot->model_id == first ? with_first : with_second);
        release(host, snapshot);
    }
    CHECK(with_first > 0);  // the old one went on until the new one was ready
    CHECK(model_info(host, first).state == SAC_MODEL_REPLACED);
    CHECK(model_info(host).id == second);
    CHECK(host.statistics().dropped_failed == 0);

    // A model that cannot be loaded disturbs nothing.
    CHECK(host.load_result(folder / "nowhere") == SAC_ERROR_NOT_FOUND);
    const sac_model_info failed = model_info(host);
    CHECK(failed.state == SAC_MODEL_FAILED);
    CHECK(failed.result == SAC_ERROR_NOT_FOUND);
    CHECK(std::string(failed.error).find("nowhere") != std::string::npos);
    CHECK(model_info(host, second).state == SAC_MODEL_READY);
    write_text(folder / "first" / "model.onnx", "not a network");
    CHECK(host.load_result(folder / "first") == SAC_ERROR_INVALID_FILE);
    CHECK(std::string(model_info(host).error).find("model.onnx") != std::string::npos);
    const sac_snapshot *snapshot = host.run(picture.frame);
    CHECK(snapshot->model_id == second);
    release(host, snapshot);

    // Of many requests in a row the last is loaded; those that were not begun are given up.
    for (int i = 0; i < 20; ++i) REQUIRE(host.sac.load_model(host.context, &desc, &second) == SAC_OK);
    REQUIRE(host.sac.wait_model(host.context, second, 60000) == SAC_OK);
    CHECK(model_info(host, second).state == SAC_MODEL_READY);
    CHECK(host.statistics().models_loading == 0);
    CHECK(host.sac.wait_model(host.context, second - 1, 0) == SAC_ERROR_CANCELLED);
    auto gone = make_struct<sac_model_info>(SAC_TYPE_MODEL_INFO);
    CHECK(host.sac.get_model_info(host.context, first, &gone) == SAC_ERROR_NOT_FOUND);
}

TEST_CASE("before a model is ready frames are not taken") {
    const TempDir folder;
    write_color_model(folder / "slow", "slow", 200);
    TestHost host;
    REQUIRE(host.create() == SAC_OK);
    ColorFrame picture(SAC_FORMAT_RGB8, 8, 2, 1, 0);
    auto desc = make_struct<sac_model_desc>(SAC_TYPE_MODEL_DESC);
    const std::string path = (folder / "slow").string();
    desc.folder = path.c_str();
    REQUIRE(host.sac.load_model(host.context, &desc, nullptr) == SAC_OK);
    CHECK(host.sac.submit_frame(host.context, &picture.frame) == SAC_NOT_READY);
    CHECK(host.statistics().submitted == 0);
    CHECK(host.sac.wait_model(host.context, 0, 60000) == SAC_OK);
    CHECK(host.sac.submit_frame(host.context, &picture.frame) == SAC_OK);

    TestHost other;  // one that will never have a model
    REQUIRE(other.create() == SAC_OK);
    CHECK(other.load_result(folder / "nowhere") == SAC_ERROR_NOT_FOUND);
    CHECK(other.sac.submit_frame(other.context, &picture.frame) == SAC_ERROR_INVALID_STATE);
    CHECK(other.last_error().find("nowhere") != std::string::npos);
}

TEST_CASE("destroying a context ends calls that wait in it") {
    TestHost host;
    REQUIRE(host.create() == SAC_OK);
    const sac_context context = host.context;
    std::atomic<int> waiting = 0;
    sac_result result = SAC_OK;
    std::thread waiter([&] {
        ++waiting;
        const sac_snapshot *snapshot = nullptr;
        result = host.sac.wait_result(context, 0, 600000, &snapshot);
    });
    while (!waiting) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    CHECK(host.destroy() == SAC_OK);
    waiter.join();
    // It was in the call, or just before it.
    CHECK((result == SAC_ERROR_CANCELLED || result == SAC_ERROR_NOT_FOUND));
}

TEST_CASE("the host's memory and files are used where it has them") {
    const TempDir folder;
    write_color_model(folder / "colors");
    struct Assets {
        std::filesystem::path root;
        std::atomic<int> allocated = 0, freed = 0, read = 0;
    } assets;
    assets.root = folder.path();
    TestHost host;
    host.table.user = &assets;
    host.table.log = nullptr;
    host.table.allocate = [](void *user, uint64_t size, uint64_t alignment) {
        ++static_cast<Assets *>(user)->allocated;
        return ::operator new(size, std::align_val_t(alignment));
    };
    host.table.free = [](void *user, void *memory) {
        ++static_cast<Assets *>(user)->freed;
        ::operator delete(memory, std::align_val_t(64));
    };
    host.table.read_asset = [](void *user, const char *path, void *buffer, uint64_t *size) -> sac_result {
        auto &self = *static_cast<Assets *>(user);
        const std::string name = path;
        if (!name.starts_with("pack:")) return SAC_ERROR_NOT_FOUND;
        const auto file = self.root / name.substr(5);
        if (!std::filesystem::exists(file)) return SAC_ERROR_NOT_FOUND;
        const std::vector<uint8_t> bytes = read_bytes(file);
        if (buffer) {
            std::copy(bytes.begin(), bytes.end(), static_cast<uint8_t *>(buffer));
            ++self.read;
        }
        *size = bytes.size();
        return SAC_OK;
    };
    REQUIRE(host.create() == SAC_OK);
    host.load("pack:colors");
    CHECK(assets.read == 2);  // card and network
    ColorFrame picture(SAC_FORMAT_RGB8, 8, 2, 1, 0);
    const sac_snapshot *snapshot = host.run(picture.frame);
    check_color(snapshot, 8, 2, 1, 0);
    release(host, snapshot);
    CHECK(host.load_result("pack:nothing") == SAC_ERROR_NOT_FOUND);
    CHECK(host.last_error().find("pack:nothing/card.json") != std::string::npos);
    CHECK(host.destroy() == SAC_OK);
    CHECK(assets.allocated > 0);
    CHECK(assets.allocated == assets.freed);
}

TEST_CASE("two contexts side by side") {
    const TempDir folder;
    write_color_model(folder / "colors");
    TestHost hosts[2];
    for (TestHost &host : hosts) {
        REQUIRE(host.create() == SAC_OK);
        host.load(folder / "colors");
    }
    std::vector<std::thread> threads;
    std::atomic<int> good = 0;
    for (uint32_t k = 0; k < 2; ++k)
        threads.emplace_back([&, k] {
            ColorFrame picture(SAC_FORMAT_RGBA8, 8, k, 1, k);
            for (int i = 0; i < 20; ++i) {
                const sac_snapshot *snapshot = hosts[k].run(picture.frame);
                if (!snapshot) continue;
                if (snapshot->detection_count == 1 && snapshot->detections[0].class_id == k) ++good;
                hosts[k].sac.release_result(hosts[k].context, snapshot);
            }
        });
    for (std::thread &thread : threads) thread.join();
    CHECK(good == 40);
    CHECK(hosts[0].destroy() == SAC_OK);
    ColorFrame picture(SAC_FORMAT_RGBA8, 8, 1, 1, 1);  // the other goes on
    const sac_snapshot *snapshot = hosts[1].run(picture.frame);
    check_color(snapshot, 8, 1, 1, 1);
    release(hosts[1], snapshot);
}

TEST_CASE("many readers, one writer") {
    const TempDir folder;
    write_color_model(folder / "colors");
    TestHost host;
    host.desc.snapshot_count = 8;
    REQUIRE(host.create() == SAC_OK);
    host.load(folder / "colors");
    std::atomic<bool> stop = false;
    std::atomic<uint64_t> reads = 0, wrong = 0;
    std::vector<std::thread> readers;
    readers.reserve(3);
    for (int r = 0; r < 3; ++r)
        readers.emplace_back([&] {
            uint64_t seen = 0;
            while (!stop) {
                const sac_snapshot *snapshot = nullptr;
                if (host.sac.acquire_result(host.context, seen, &snapshot) != SAC_OK) {
                    std::this_thread::yield();
                    continue;
                }
                // Frame i has its cell in column i % 4, class i % 3: a snapshot that changed would not fit.
                const uint64_t i = snapshot->frame_id;
                const sac_detection &d = snapshot->detections[0];
                const bool fits = snapshot->sequence > seen && snapshot->detection_count == 1 && d.class_id == i % 3 &&
                                  static_cast<uint64_t>(std::lround(d.x1 / 8)) == i % 4;
                if (!fits) ++wrong;
                ++reads;
                seen = snapshot->sequence;
                host.sac.release_result(host.context, snapshot);
            }
        });
    for (uint64_t i = 0; i < 200; ++i) {
        ColorFrame picture(SAC_FORMAT_RGB8, 8, static_cast<uint32_t>(i % 4), 0, static_cast<uint32_t>(i % 3));
        picture.frame.frame_id = i;
        CHECK(host.sac.submit_frame(host.context, &picture.frame) == SAC_OK);
        if (i % 8 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    wait_until_done(host);
    stop = true;
    for (std::thread &reader : readers) reader.join();
    CHECK(wrong == 0);
    CHECK(reads > 0);
    const sac_statistics s = host.statistics();
    CHECK(s.submitted == 200);
    CHECK(s.dropped_failed == 0);
}
