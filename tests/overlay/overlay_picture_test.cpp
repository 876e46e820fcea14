// What hosts get from sac.overlay/1: the same pixels as the house engine draws, in every format and layout, turned and
// placed as the host shows its frame.
#include <doctest/doctest.h>

#include <array>
#include <cmath>

#include "engine/canvas.h"
#include "tests/engine/pictures.h"
#include "tests/overlay/overlay_host.h"
#include "tests/support/device.h"

using namespace sac;
using namespace sac::test;
using engine::Image;

namespace {

constexpr VkFormat coded_formats[] = {VK_FORMAT_R8G8B8A8_UNORM, VK_FORMAT_B8G8R8A8_UNORM,
                                      VK_FORMAT_A2B10G10R10_UNORM_PACK32};
constexpr VkFormat linear_formats[] = {VK_FORMAT_R8G8B8A8_SRGB, VK_FORMAT_B8G8R8A8_SRGB, VK_FORMAT_R16G16B16A16_SFLOAT};
constexpr VkImageLayout layouts[] = {
    VK_IMAGE_LAYOUT_GENERAL,
    VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL,
    VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL,
    VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL,
    VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL,
    VK_IMAGE_LAYOUT_PRESENT_SRC_KHR,
};

Image draw_by_engine(const engine::Frame &frame, const overlay::Overlay &what, float scale = 0) {
    static const auto canvas = [] {
        auto created = engine::Canvas::create(device(), memory());
        REQUIRE(created.ok());
        return std::move(*created);
    }();
    auto drawn = canvas->draw(frame, what, {}, scale);
    REQUIRE(drawn.ok());
    return std::move(*drawn);
}

// The overlay of sample_overlay() as a snapshot and a line.
struct Sample {
    HandSnapshot snapshot;
    const char *const line = "12.5 ms";
    Sample(uint32_t width, uint32_t height) : snapshot(width, height) {
        const auto w = static_cast<float>(width), h = static_cast<float>(height);
        snapshot.add(0.1f * w, 0.3f * h, 0.55f * w, 0.7f * h, 16, "dog", 0.78f);
        snapshot.add(0.4f * w, 0.25f * h, 0.95f * w, 0.6f * h, 2, "car", 0.91f);
    }
    sac_overlay overlay() {
        sac_overlay what = snapshot.overlay();
        what.lines = &line;
        what.line_count = 1;
        return what;
    }
};

std::array<int, 3> color_at(const Image &image, uint32_t x, uint32_t y) {
    const uint8_t *p = image.at(x, y);
    return {p[0], p[1], p[2]};
}

std::array<int, 3> color_of(uint32_t class_id) {
    const auto c = overlay::class_color(class_id);
    return {c[0], c[1], c[2]};
}

// Mean difference of the colors of all pixels.
double mean_difference(const Image &a, const Image &b) {
    double sum = 0;
    for (size_t i = 0; i < a.pixels.size(); ++i) sum += std::abs(a.pixels[i] - b.pixels[i]);
    return sum / static_cast<double>(a.pixels.size()) * 4 / 3;
}

// The share of colors that differ by more than that.
double share_above(const Image &a, const Image &b, int difference) {
    size_t count = 0;
    for (size_t i = 0; i < a.pixels.size(); ++i) count += std::abs(a.pixels[i] - b.pixels[i]) > difference;
    return static_cast<double>(count) / static_cast<double>(a.pixels.size()) * 4 / 3;
}

}  // namespace

TEST_CASE("a host gets what the engine draws, from every layout to every layout") {
    OverlayHost host;
    const Image picture = pattern(200, 150);
    const Image expected = draw_by_engine(frame_of(picture), sample_overlay(200, 150));
    Sample sample(200, 150);
    for (const VkFormat format : coded_formats) {
        CAPTURE(format);
        HostImage image(format, {200, 150});
        const Image first = composite(host, image, picture, sample.overlay());
        CHECK(largest_difference(first, expected) <= (format == VK_FORMAT_A2B10G10R10_UNORM_PACK32 ? 2 : 1));
        for (const VkImageLayout in : layouts)
            for (const VkImageLayout out : layouts) {
                CAPTURE(in);
                CAPTURE(out);
                const Image drawn = composite(host, image, picture, sample.overlay(), [&](sac_overlay_target &t) {
                    t.layout_in = in;
                    t.layout_out = out;
                });
                CHECK(largest_difference(drawn, first) == 0);
            }
    }
}

TEST_CASE("it is the same on every device that the host has lent, whoever submits the frames") {
    const Image picture = pattern(200, 150);
    const Image expected = draw_by_engine(frame_of(picture), sample_overlay(200, 150));
    Sample sample(200, 150);
    for (const auto mode : {SAC_MODE_OWN_QUEUE, SAC_MODE_SHARED_QUEUE, SAC_MODE_HOST_COMMANDS}) {
        CAPTURE(mode);
        OverlayHost host(nullptr, mode);
        HostImage image(VK_FORMAT_R8G8B8A8_UNORM, {200, 150});
        CHECK(largest_difference(composite(host, image, picture, sample.overlay()), expected) <= 1);
    }
}

TEST_CASE("attachments that blend light look like the others: the same where opaque, nearly so at edges") {
    OverlayHost host;
    const Image picture = pattern(200, 150);
    const Image expected = draw_by_engine(frame_of(picture), sample_overlay(200, 150));
    Sample sample(200, 150);
    for (const VkFormat format : linear_formats) {
        CAPTURE(format);
        HostImage image(format, {200, 150});
        const Image drawn = composite(host, image, picture, sample.overlay());
        // A single alpha for three channels is furthest off where a rounded corner of a saturated color is cut.
        CHECK(largest_difference(drawn, expected) <= 64);
        CHECK(share_above(drawn, expected, 8) < 0.006);
        CHECK(share_above(drawn, expected, 16) < 0.0002);
        CHECK(mean_difference(drawn, expected) < 0.3);
        // The upper edge of the dog's box, and the background of its label.
        for (const auto &[x, y] : {std::pair{60u, 45u}, {60u, 46u}, {21u, 40u}}) {
            const auto at = color_at(drawn, x, y), wanted = color_at(expected, x, y);
            CHECK(wanted == color_of(16));
            for (size_t i = 0; i < 3; ++i) CHECK(std::abs(at[i] - wanted[i]) <= 1);
        }
    }
}

TEST_CASE("a mutable _SRGB image drawn to as _UNORM looks the same") {
    OverlayHost host;
    const Image picture = pattern(200, 150);
    const Image expected = draw_by_engine(frame_of(picture), sample_overlay(200, 150));
    Sample sample(200, 150);
    HostImage image(VK_FORMAT_R8G8B8A8_SRGB, {200, 150}, VK_IMAGE_CREATE_MUTABLE_FORMAT_BIT);
    const Image drawn = composite(host, image, picture, sample.overlay(),
                                  [](sac_overlay_target &t) { t.format = VK_FORMAT_R8G8B8A8_UNORM; });
    CHECK(largest_difference(drawn, expected) <= 1);
}

TEST_CASE("boxes land where the host shows the frame, however it is turned") {
    OverlayHost host;
    const Image stored = pattern(200, 150);
    Sample sample(200, 150);
    for (const uint32_t rotation : {0u, 90u, 180u, 270u})
        for (const bool mirror : {false, true}) {
            CAPTURE(rotation);
            CAPTURE(mirror);
            engine::Frame frame = frame_of(stored);
            frame.turn = {rotation, mirror};
            overlay::Overlay upright = sample_overlay(200, 150);
            for (overlay::OverlayBox &box : upright.boxes) {
                const auto [x1, y1, x2, y2] =
                    engine::to_upright({box.x1, box.y1, box.x2, box.y2}, frame.turn, 200, 150);
                box.x1 = x1, box.y1 = y1, box.x2 = x2, box.y2 = y2;
            }
            const Image below = draw_by_engine(frame, {});
            HostImage image(VK_FORMAT_R8G8B8A8_UNORM, {below.width, below.height});
            const Image drawn = composite(host, image, below, sample.overlay(), [&](sac_overlay_target &t) {
                t.rotation = rotation;
                t.mirror = mirror;
            });
            CHECK(largest_difference(drawn, draw_by_engine(frame, upright)) == 0);
        }
}

TEST_CASE("a frame shown in a part of the target: nothing outside of it changes") {
    OverlayHost host;
    const Image grey = flat(300, 200, 128, 128, 128);
    HostImage image(VK_FORMAT_B8G8R8A8_UNORM, {300, 200});
    HandSnapshot snapshot(400, 320);
    snapshot.add(0, 0, 400, 320, 9, "all of the frame", 0.5f);
    snapshot.add(100, 80, 200, 160, 4, "", 0.5f);
    sac_overlay what = snapshot.overlay();
    what.flags = SAC_OVERLAY_BOXES | SAC_OVERLAY_LABELS;
    const auto area = [](float x, float y, float width, float height) {
        return [=](sac_overlay_target &t) { t.area_x = x, t.area_y = y, t.area_width = width, t.area_height = height; };
    };
    const Image drawn = composite(host, image, grey, what, area(50.5f, 20.25f, 200, 160));
    size_t outside = 0;
    for (uint32_t y = 0; y < 200; ++y)
        for (uint32_t x = 0; x < 300; ++x)
            if (x < 50 || x > 250 || y < 20 || y > 180) outside += color_at(drawn, x, y) != std::array{128, 128, 128};
    CHECK(outside == 0);
    // Half the size: from (100.5, 60.25) to (150.5, 100.25), on whole pixels.
    CHECK(color_at(drawn, 101, 80) == color_of(4));
    CHECK(color_at(drawn, 102, 80) == color_of(4));
    CHECK(color_at(drawn, 104, 80) == std::array{128, 128, 128});
    CHECK(color_at(drawn, 120, 60) == color_of(4));
    CHECK(color_at(drawn, 150, 80) == color_of(4));
    CHECK(color_at(drawn, 120, 99) == color_of(4));
    CHECK(color_at(drawn, 51, 100) == color_of(9));  // the frame's own edge

    // Shown larger than the target: the inner box at twice the size, the label where it can be read.
    const Image zoomed = composite(host, image, grey, what, area(-150, -110, 800, 640));
    CHECK(color_at(zoomed, 50, 100) == color_of(4));
    CHECK(color_at(zoomed, 52, 100) != color_of(4));
    size_t labelled = 0;
    for (uint32_t y = 0; y < 200; ++y)
        for (uint32_t x = 0; x < 300; ++x) labelled += color_at(zoomed, x, y) == color_of(9);
    CHECK(labelled > 500);

    CHECK(largest_difference(composite(host, image, grey, what, area(300, 0, 100, 100)), grey) == 0);
    CHECK(largest_difference(composite(host, image, grey, what, area(-100, -100, 100, 100)), grey) == 0);
}

TEST_CASE("opacity, line width and scale") {
    OverlayHost host;
    const Image grey = flat(200, 150, 128, 128, 128);
    HostImage image(VK_FORMAT_R8G8B8A8_UNORM, {200, 150});
    HandSnapshot snapshot(200, 150);
    snapshot.add(40, 30, 160, 120, 9, "", 0.5f);
    sac_overlay what = snapshot.overlay();
    what.flags = SAC_OVERLAY_BOXES;
    CHECK(color_at(composite(host, image, grey, what), 60, 30) == color_of(9));
    what.opacity = 0.25f;
    const auto quarter = color_at(composite(host, image, grey, what), 60, 30), full = color_of(9);
    for (size_t i = 0; i < 3; ++i) CHECK(std::abs(quarter[i] - (128 * 3 + full[i]) / 4.0) <= 1);
    what.opacity = 0;
    what.line_width = 7;
    const Image thick = composite(host, image, grey, what);
    CHECK(color_at(thick, 100, 36) == full);
    CHECK(color_at(thick, 100, 38) == std::array{128, 128, 128});
    what.line_width = 0;
    what.scale = 3;
    const Image large = composite(host, image, grey, what);
    CHECK(color_at(large, 100, 35) == full);
    CHECK(color_at(large, 100, 40) == std::array{128, 128, 128});
}

TEST_CASE("flags choose what is drawn") {
    OverlayHost host;
    const Image picture = pattern(240, 160);
    HostImage image(VK_FORMAT_R8G8B8A8_UNORM, {240, 160});
    HandSnapshot snapshot(240, 160);
    snapshot.fields.submitted_ns = 5'000'000;
    snapshot.fields.finished_ns = 26'400'000;
    snapshot.fields.dropped_newer = 3;
    snapshot.fields.dropped_failed = 1;
    snapshot.add(30, 60, 150, 120, 3, "cat", 0.5f, 12);
    sac_overlay what = snapshot.overlay();
    const auto expect = [&](uint32_t flags, const std::string &label, uint32_t color, const std::string &status) {
        CAPTURE(flags);
        what.flags = flags;
        overlay::Overlay wanted;
        if (!label.empty() || (flags & SAC_OVERLAY_BOXES)) wanted.boxes.push_back({30, 60, 150, 120, color, label});
        wanted.status = {status};
        CHECK(largest_difference(composite(host, image, picture, what), draw_by_engine(frame_of(picture), wanted)) <=
              1);
    };
    expect(0, "cat 0.50 #12", 12, "");
    expect(SAC_OVERLAY_DEFAULT, "cat 0.50 #12", 12, "");
    expect(SAC_OVERLAY_BOXES, "", 3, "");
    expect(SAC_OVERLAY_BOXES | SAC_OVERLAY_LABELS, "cat", 3, "");
    expect(SAC_OVERLAY_BOXES | SAC_OVERLAY_SCORES, "0.50", 3, "");
    expect(SAC_OVERLAY_BOXES | SAC_OVERLAY_TRACK_IDS, "#12", 12, "");
    expect(SAC_OVERLAY_STATUS, "", 3, "1 found  21.4 ms  4 dropped");
    // Labels without boxes: no pixel of the frame's lower edge.
    what.flags = SAC_OVERLAY_LABELS;
    const Image labels = composite(host, image, picture, what);
    CHECK(color_at(labels, 32, 55) == color_of(3));
    CHECK(color_at(labels, 100, 119) == color_at(picture, 100, 119));
}

TEST_CASE("nothing to draw changes no pixel, only the layout") {
    OverlayHost host;
    const Image picture = pattern(64, 48);
    HostImage image(VK_FORMAT_R8G8B8A8_UNORM, {64, 48});
    HandSnapshot snapshot(64, 48);
    auto nothing = make_struct<sac_overlay>(SAC_TYPE_OVERLAY);
    const auto change = [](sac_overlay_target &t) { t.layout_out = VK_IMAGE_LAYOUT_GENERAL; };
    CHECK(largest_difference(composite(host, image, picture, nothing), picture) == 0);
    CHECK(largest_difference(composite(host, image, picture, nothing, change), picture) == 0);
    CHECK(largest_difference(composite(host, image, picture, snapshot.overlay(), change), picture) == 0);
    const char *const empty = "";
    nothing.lines = &empty;
    nothing.line_count = 1;
    CHECK(largest_difference(composite(host, image, picture, nothing, change), picture) == 0);
}

TEST_CASE("a target of one pixel, a box without area, numbers that are none") {
    OverlayHost host;
    HostImage pixel(VK_FORMAT_R8G8B8A8_UNORM, {1, 1});
    Sample sample(640, 480);
    CHECK(largest_difference(composite(host, pixel, flat(1, 1, 128, 128, 128), sample.overlay()),
                             flat(1, 1, 128, 128, 128)) > 0);

    const Image grey = flat(100, 100, 128, 128, 128);
    HostImage image(VK_FORMAT_R8G8B8A8_UNORM, {100, 100});
    HandSnapshot snapshot(100, 100);
    snapshot.add(50, 50, 50, 50, 0, nullptr, 0.5f);
    snapshot.add(NAN, 10, 20, 20, 1, "not a number", 0.5f);
    snapshot.add(10, 10, INFINITY, 20, 1, "endless", 0.5f);
    sac_overlay what = snapshot.overlay();
    what.flags = SAC_OVERLAY_BOXES | SAC_OVERLAY_LABELS;
    const Image drawn = composite(host, image, grey, what);
    CHECK(color_at(drawn, 50, 50) != color_at(grey, 50, 50));
    overlay::Overlay one;
    one.boxes.push_back({50, 50, 50, 50, 0, ""});
    CHECK(largest_difference(drawn, draw_by_engine(frame_of(grey), one)) <= 1);
}

TEST_CASE("words: umlauts, damaged bytes, many characters, many lines") {
    OverlayHost host;
    const Image picture = pattern(320, 240);
    HostImage image(VK_FORMAT_R8G8B8A8_UNORM, {320, 240});
    const auto draw = [&](const std::vector<std::string> &lines) {
        std::vector<const char *> pointers;
        for (const std::string &line : lines) pointers.push_back(line.c_str());
        auto what = make_struct<sac_overlay>(SAC_TYPE_OVERLAY);
        what.lines = pointers.data();
        what.line_count = static_cast<uint32_t>(pointers.size());
        return composite(host, image, picture, what);
    };
    const Image question = draw({"M?nchen ? 5"});
    CHECK(largest_difference(question, picture) > 100);
    CHECK(largest_difference(draw({"M\xc3\xbcnchen \xe2\x82\xac 5"}), question) == 0);
    CHECK(largest_difference(draw({"M\xffnchen \xf0\x9f\x90\xb6 5"}), question) == 0);
    overlay::Overlay wanted;
    wanted.status = {"first", "", "M?nchen ? 5"};
    CHECK(largest_difference(draw({"first", "", "M?nchen ? 5"}), draw_by_engine(frame_of(picture), wanted)) <= 1);

    std::string endless;
    while (endless.size() < 10'000) endless += "all work and no play ";
    CHECK(largest_difference(draw({endless}), draw({endless.substr(0, 100)})) == 0);
    const std::vector<std::string> many(SAC_OVERLAY_MAX_LINES, "line");
    CHECK(largest_difference(draw(many), draw({many.begin(), many.begin() + 30})) == 0);
}

TEST_CASE("golden: a frame in a part of a window, turned, with everything on it") {
    OverlayHost host;
    const Image picture = pattern(480, 320);
    HostImage image(VK_FORMAT_B8G8R8A8_UNORM, {480, 320});
    HandSnapshot snapshot(150, 200);
    snapshot.fields.finished_ns = 21'400'000;
    snapshot.add(10, 20, 80, 90, 1, "ball", 0.93f, 4);
    snapshot.add(60, 40, 140, 190, 7, "figure", 0.71f);
    snapshot.add(5, 150, 50, 195, 2, "cone", 0.55f, 5);
    const char *const lines[] = {"a host's own words", "2 m to the left"};
    sac_overlay what = snapshot.overlay();
    what.flags = SAC_OVERLAY_DEFAULT | SAC_OVERLAY_STATUS;
    what.lines = lines;
    what.line_count = 2;
    const Image drawn = composite(host, image, picture, what, [](sac_overlay_target &t) {
        t.rotation = 90;
        t.mirror = 1;
        t.area_x = 40, t.area_y = 10, t.area_width = 400, t.area_height = 300;
    });
    expect_golden(drawn, "overlay_host", 4);
}
