// labels: tsan bad_input
// Tracks through the C ABI: ids in snapshots, what begins them anew, what is refused.

#include <doctest/doctest.h>

#include <limits>

#include "tests/support/files.h"
#include "tests/vision/abi_support.h"

using namespace sac::test;

namespace {

struct Tracked {
    Tracked() {
        write_color_model(folder / "colors");
        write_color_model(folder / "others", "others");
        REQUIRE(host.create() == SAC_OK);
        host.load(folder / "colors");
        picture.frame.timestamp_ns = 1'000'000'000;
    }
    sac_result set(const sac_track_settings &settings) { return host.sac.set_track_settings(host.context, &settings); }
    // The ids of the next frame's boxes.
    std::vector<uint32_t> ids(uint64_t step_ns = 50'000'000) {
        picture.frame.timestamp_ns += step_ns;
        const sac_snapshot *snapshot = host.run(picture.frame);
        REQUIRE(snapshot != nullptr);
        std::vector<uint32_t> ids;
        for (uint32_t i = 0; i < snapshot->detection_count; ++i) ids.push_back(snapshot->detections[i].track_id);
        CHECK(host.sac.release_result(host.context, snapshot) == SAC_OK);
        return ids;
    }
    // A cell's brightness is its score.
    void paint(uint32_t column, uint32_t row, uint8_t green) {
        for (uint32_t y = 8 * row; y < 8 * row + 8; ++y)
            for (uint32_t x = 8 * column; x < 8 * column + 8; ++x) picture.pixels[(y * 32 + x) * 3 + 1] = green;
    }

    const TempDir folder;
    TestHost host;
    ColorFrame picture{SAC_FORMAT_RGB8, 8, 1, 2, 1};
    sac_track_settings on = [] {
        auto settings = make_struct<sac_track_settings>(SAC_TYPE_TRACK_SETTINGS);
        settings.enabled = 1;
        return settings;
    }();
};

using Ids = std::vector<uint32_t>;

}  // namespace

TEST_CASE("detections get track ids where that is wanted") {
    Tracked t;
    CHECK(t.ids() == Ids{0});
    CHECK(t.ids() == Ids{0});
    REQUIRE(t.set(t.on) == SAC_OK);
    CHECK(t.ids() == Ids{0});
    for (int i = 0; i < 3; ++i) CHECK(t.ids() == Ids{1});
    CHECK(t.ids(1'900'000'000) == Ids{1});
    CHECK(t.ids(2'100'000'000) == Ids{0});
    CHECK(t.ids() == Ids{2});

    REQUIRE(t.set(t.on) == SAC_OK);  // another source
    CHECK(t.ids() == Ids{0});
    CHECK(t.ids() == Ids{3});
    t.host.load(t.folder / "others");
    CHECK(t.ids() == Ids{0});
    CHECK(t.ids() == Ids{4});

    auto settings = t.on;
    settings.min_hits = 1;
    settings.max_hidden_ms = 100;
    REQUIRE(t.set(settings) == SAC_OK);
    CHECK(t.ids() == Ids{5});
    CHECK(t.ids(110'000'000) == Ids{6});
    settings.enabled = 0;
    REQUIRE(t.set(settings) == SAC_OK);
    CHECK(t.ids() == Ids{0});
}

TEST_CASE("weak boxes are detections where they go on with a track") {
    Tracked t;
    REQUIRE(t.set(t.on) == SAC_OK);
    t.paint(3, 0, 100);  // score 0.39 under a threshold of 0.5: never a box of its own
    CHECK(t.ids() == Ids{0});
    CHECK(t.ids() == Ids{1});
    t.paint(1, 2, 100);
    CHECK(t.ids() == Ids{1});
    CHECK(t.ids() == Ids{1});
    t.paint(1, 2, 50);  // 0.2: below half of the threshold
    CHECK(t.ids().empty());
    auto settings = t.on;
    settings.weak_score = 0.1f;
    REQUIRE(t.set(settings) == SAC_OK);
    t.paint(1, 2, 255);
    CHECK(t.ids() == Ids{0});
    CHECK(t.ids() == Ids{2});
    t.paint(1, 2, 50);
    CHECK(t.ids() == Ids{2});
    settings.weak_score = 1;
    settings.min_hits = 1;
    REQUIRE(t.set(settings) == SAC_OK);
    t.paint(1, 2, 255);
    CHECK(t.ids() == Ids{3});
    t.paint(1, 2, 100);
    CHECK(t.ids().empty());
}

TEST_CASE("wrong settings are refused, and those before stay") {
    Tracked t;
    REQUIRE(t.set(t.on) == SAC_OK);
    CHECK(t.ids() == Ids{0});
    const auto refuse = [&](auto change, const char *word) {
        auto wrong = t.on;
        change(wrong);
        CHECK(t.set(wrong) < 0);
        CHECK_MESSAGE(t.host.last_error().find(word) != std::string::npos, t.host.last_error());
    };
    refuse([](sac_track_settings &s) { s.type = SAC_TYPE_DETECT_SETTINGS; }, "settings.type");
    refuse([](sac_track_settings &s) { s.size = 32; }, "settings.size");
    refuse([](sac_track_settings &s) { s.slot = 1; }, "settings.slot");
    refuse([](sac_track_settings &s) { s.enabled = 2; }, "settings.enabled");
    refuse([](sac_track_settings &s) { s.min_hits = 101; }, "settings.min_hits");
    refuse([](sac_track_settings &s) { s.max_hidden_ms = 60001; }, "settings.max_hidden_ms");
    refuse([](sac_track_settings &s) { s.weak_score = -0.1f; }, "settings.weak_score");
    refuse([](sac_track_settings &s) { s.weak_score = std::numeric_limits<float>::quiet_NaN(); }, "weak_score");
    refuse([](sac_track_settings &s) { s.reserved = 1; }, "settings.reserved");
    CHECK(t.host.sac.set_track_settings(t.host.context, nullptr) == SAC_ERROR_INVALID_ARGUMENT);
    CHECK(t.ids() == Ids{1});
}
