// What the GPU draws: exact where it can be said what is right, goldens for the rest.
#include <doctest/doctest.h>

#include <array>
#include <cmath>

#include "engine/canvas.h"
#include "tests/engine/pictures.h"
#include "tests/support/device.h"

using namespace sac;
using namespace sac::engine;
using namespace sac::test;

namespace {

std::unique_ptr<Canvas> new_canvas() {
    auto canvas = Canvas::create(device(), memory());
    REQUIRE_MESSAGE(canvas.ok(), canvas.error().message);
    return std::move(*canvas);
}

Image draw(Canvas &canvas, const Frame &frame, const overlay::Overlay &overlay, VkExtent2D extent = {},
           float scale = 0) {
    auto image = canvas.draw(frame, overlay, extent, scale);
    REQUIRE_MESSAGE(image.ok(), image.error().message);
    return std::move(*image);
}

std::array<int, 3> color_at(const Image &image, uint32_t x, uint32_t y) {
    const uint8_t *p = image.at(x, y);
    return {p[0], p[1], p[2]};
}

std::array<int, 3> color_of(const std::array<uint8_t, 4> &c) { return {c[0], c[1], c[2]}; }

}  // namespace

TEST_CASE("a picture at its own size is drawn as it is") {
    const auto canvas = new_canvas();
    for (const auto &[w, h] : {std::pair{64u, 48u}, {1u, 1u}, {131u, 67u}, {37u, 200u}}) {
        const Image image = pattern(w, h);
        CHECK(largest_difference(draw(*canvas, frame_of(image), {}), image) <= 1);
    }
}

TEST_CASE("every format of a frame gives the picture's colors") {
    const auto canvas = new_canvas();
    // One color, with YUV numbers worked out by hand from BT.601, limited range: Y = 81, U = 90, V = 240 is (254, 0,
    // 0).
    std::vector<uint8_t> luma(16 * 10, 81), u(8 * 5, 90), v(8 * 5, 240), uv, yuyv;
    for (size_t i = 0; i < u.size(); ++i) uv.insert(uv.end(), {90, 240});
    for (size_t i = 0; i < luma.size() / 2; ++i) yuyv.insert(yuyv.end(), {81, 90, 81, 240});
    std::vector<uint8_t> rgb, bgra;
    for (size_t i = 0; i < luma.size(); ++i) {
        rgb.insert(rgb.end(), {254, 0, 0});
        bgra.insert(bgra.end(), {0, 0, 254, 7});
    }
    Frame frame;
    frame.width = 16;
    frame.height = 10;
    const auto expect_red = [&](PixelFormat format, std::array<Plane, 3> planes) {
        frame.format = format;
        frame.planes = planes;
        CAPTURE(pixel_format_name(format));
        CHECK(largest_difference(draw(*canvas, frame, {}), flat(16, 10, 254, 0, 0)) <= 1);
        Image on_cpu(16, 10);
        std::copy_n(to_rgba(frame).get(), on_cpu.pixels.size(), on_cpu.pixels.data());
        CHECK(largest_difference(on_cpu, flat(16, 10, 254, 0, 0)) <= 1);
    };
    expect_red(PixelFormat::i420, {Plane{luma.data(), 16}, Plane{u.data(), 8}, Plane{v.data(), 8}});
    expect_red(PixelFormat::nv12, {Plane{luma.data(), 16}, Plane{uv.data(), 16}});
    expect_red(PixelFormat::yuyv, {Plane{yuyv.data(), 32}});
    expect_red(PixelFormat::rgb, {Plane{rgb.data(), 48}});
    expect_red(PixelFormat::bgra, {Plane{bgra.data(), 64}});
}

TEST_CASE("matrix and range of YUV are obeyed") {
    const auto canvas = new_canvas();
    std::vector<uint8_t> luma(8 * 8, 120), u(4 * 4, 100), v(4 * 4, 180);
    Frame frame;
    frame.format = PixelFormat::i420;
    frame.width = frame.height = 8;
    frame.planes = {Plane{luma.data(), 8}, Plane{u.data(), 4}, Plane{v.data(), 4}};
    for (const YuvMatrix matrix : {YuvMatrix::bt601, YuvMatrix::bt709}) {
        for (const bool full : {false, true}) {
            frame.matrix = matrix;
            frame.full_range = full;
            const double kr = matrix == YuvMatrix::bt601 ? 0.299 : 0.2126,
                         kb = matrix == YuvMatrix::bt601 ? 0.114 : 0.0722;
            const double y = full ? 120.0 : (120 - 16) * 255.0 / 219, scale = full ? 1 : 255.0 / 224;
            const double cb = (100 - 128) * scale, cr = (180 - 128) * scale;
            const double red = y + 2 * (1 - kr) * cr, blue = y + 2 * (1 - kb) * cb;
            const double green = (y - kr * red - kb * blue) / (1 - kr - kb);
            const std::array<int, 3> got = color_at(draw(*canvas, frame, {}), 4, 4);
            CHECK(std::abs(got[0] - red) <= 1);
            CHECK(std::abs(got[1] - green) <= 1);
            CHECK(std::abs(got[2] - blue) <= 1);
        }
    }
}

TEST_CASE("strides longer than a row, and another size for each frame") {
    const auto canvas = new_canvas();
    for (const uint32_t width : {20u, 33u, 7u}) {
        const Image wide = pattern(64, 16);
        Frame frame = frame_of(wide);
        frame.width = width;  // the rest of each row is padding
        Image expected(width, 16);
        for (uint32_t y = 0; y < 16; ++y) std::copy_n(wide.at(0, y), width * 4, expected.at(0, y));
        CHECK(largest_difference(draw(*canvas, frame, {}), expected) <= 1);
    }
}

TEST_CASE("a picture made smaller is an average, one with other proportions has bars") {
    const auto canvas = new_canvas();
    Image stripes(256, 64);
    for (uint32_t y = 0; y < 64; ++y)
        for (uint32_t x = 0; x < 256; ++x) std::fill_n(stripes.at(x, y), 3, x % 2 ? 255 : 0);
    const Image small = draw(*canvas, frame_of(stripes), {}, {64, 64});
    const auto bar = color_at(small, 32, 4);
    CHECK(bar[0] <= 26);  // the dark background
    const auto middle = color_at(small, 30, 32);
    CHECK(std::abs(middle[0] - 128) <= 3);
    CHECK(std::abs(middle[1] - 128) <= 3);
}

TEST_CASE("a box is exact to the pixel") {
    const auto canvas = new_canvas();
    const Image grey = flat(200, 150, 128, 128, 128);
    overlay::Overlay overlay;
    overlay.boxes.push_back({40, 30, 160, 120, 9, ""});
    const Image drawn = draw(*canvas, frame_of(grey), overlay, {}, 1);
    const auto inside = color_of(overlay::class_color(9));
    // Two pixels of color, one darker pixel of halo on either side, the picture beyond.
    for (const uint32_t x : {60u, 100u, 150u}) {
        CHECK(color_at(drawn, x, 28) == std::array{128, 128, 128});
        CHECK(color_at(drawn, x, 29)[0] == doctest::Approx(83).epsilon(0.02));
        CHECK(color_at(drawn, x, 30) == inside);
        CHECK(color_at(drawn, x, 31) == inside);
        CHECK(color_at(drawn, x, 32)[0] == doctest::Approx(83).epsilon(0.02));
        CHECK(color_at(drawn, x, 33) == std::array{128, 128, 128});
        CHECK(color_at(drawn, x, 118) == inside);
        CHECK(color_at(drawn, x, 119) == inside);
        CHECK(color_at(drawn, x, 121) == std::array{128, 128, 128});
    }
    for (const uint32_t y : {50u, 90u}) {
        CHECK(color_at(drawn, 38, y) == std::array{128, 128, 128});
        CHECK(color_at(drawn, 40, y) == inside);
        CHECK(color_at(drawn, 41, y) == inside);
        CHECK(color_at(drawn, 43, y) == std::array{128, 128, 128});
        CHECK(color_at(drawn, 158, y) == inside);
        CHECK(color_at(drawn, 159, y) == inside);
        CHECK(color_at(drawn, 161, y) == std::array{128, 128, 128});
    }
}

TEST_CASE("letters are sharp at any size: the edge of a stem is one pixel wide") {
    const auto canvas = new_canvas();
    const Image black = flat(400, 300, 0, 0, 0);
    for (const float scale : {1.f, 2.f, 4.f, 8.f}) {
        overlay::Overlay overlay;
        overlay.status = {"I"};
        const Image drawn = draw(*canvas, frame_of(black), overlay, {}, scale);
        // Along a row through the middle of the letter, count what is neither dark nor fully lit.
        const uint32_t row = 300 - static_cast<uint32_t>(std::round(4 * scale)) * 2 - static_cast<uint32_t>(5 * scale);
        int lit = 0, between = 0;
        for (uint32_t x = 0; x < 400; ++x) {
            const int value = drawn.at(x, row)[0];
            lit += value >= 250;
            between += value >= 30 && value < 250;
        }
        const double stroke = 0.95 * 1.5 * scale;
        CAPTURE(scale);
        CHECK(between <= 2);
        CHECK(lit + between >= stroke - 1);
        CHECK(lit + between <= stroke + 2);
    }
}

TEST_CASE("many boxes after few: the buffers grow") {
    const auto canvas = new_canvas();
    const Image grey = flat(320, 240, 100, 100, 100);
    overlay::Overlay overlay;
    CHECK(largest_difference(draw(*canvas, frame_of(grey), overlay), grey) <= 1);
    for (uint32_t i = 0; i < 300; ++i) {
        const uint32_t column = i % 20, row = i / 20;
        const float x = static_cast<float>(column) * 16, y = static_cast<float>(row) * 16;
        overlay.boxes.push_back({x, y, x + 12, y + 12, i, "object " + std::to_string(i)});
    }
    CHECK(largest_difference(draw(*canvas, frame_of(grey), overlay), grey) > 50);
    CHECK(largest_difference(draw(*canvas, frame_of(grey), {}), grey) <= 1);
}

TEST_CASE("a picture beyond the device's limit is refused with its size") {
    const auto canvas = new_canvas();
    const Image image = pattern(4, 4);
    const uint32_t limit = device().caps().limits.maxImageDimension2D;
    const auto drawn = canvas->draw(frame_of(image), {}, {limit + 1, 4});
    REQUIRE(!drawn.ok());
    CHECK(drawn.error().code == Code::unsupported);
    CHECK(drawn.error().message.find(std::to_string(limit + 1)) != std::string::npos);
    CHECK(largest_difference(draw(*canvas, frame_of(image), {}), image) <= 1);  // and nothing is broken by it
}

TEST_CASE("goldens") {
    const auto canvas = new_canvas();
    expect_golden(draw(*canvas, frame_of(pattern(200, 150)), sample_overlay(200, 150), {}, 1), "overlay_1x", 4);
    expect_golden(draw(*canvas, frame_of(pattern(200, 150)), sample_overlay(200, 150), {480, 320}, 2), "overlay_2x", 4);
    overlay::Overlay letters;
    letters.status = {"!\"#$%&'()*+,-./0123456789:;<=>?", "@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_",
                      "`abcdefghijklmnopqrstuvwxyz{|}~"};
    expect_golden(draw(*canvas, frame_of(flat(300, 70, 40, 60, 90)), letters, {}, 1), "letters", 4);
}
