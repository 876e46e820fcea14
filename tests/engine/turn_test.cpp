// Pictures that are turned and mirrored: on the GPU as pixel by pixel here, and boxes with them.
#include <doctest/doctest.h>

#include <algorithm>

#include "engine/canvas.h"
#include "engine/io/source.h"
#include "engine/io/video_writer.h"
#include "tests/engine/pictures.h"
#include "tests/support/device.h"
#include "tests/support/files.h"

using namespace sac;
using namespace sac::engine;
using namespace sac::test;

namespace {

// Clockwise by 90 degrees: what was on the left is at the top... of the right-hand end.
Image turned_once(const Image &from) {
    Image to(from.height, from.width);
    for (uint32_t y = 0; y < from.height; ++y)
        for (uint32_t x = 0; x < from.width; ++x) std::copy_n(from.at(x, y), 4, to.at(from.height - 1 - y, x));
    return to;
}

Image mirrored(const Image &from) {
    Image to(from.width, from.height);
    for (uint32_t y = 0; y < from.height; ++y)
        for (uint32_t x = 0; x < from.width; ++x) std::copy_n(from.at(x, y), 4, to.at(from.width - 1 - x, y));
    return to;
}

Image turned(Image image, Turn turn) {
    for (uint32_t i = 0; i < turn.rotation / 90; ++i) image = turned_once(image);
    return turn.mirror ? mirrored(image) : image;
}

std::vector<Turn> all_turns() {
    std::vector<Turn> turns;
    for (const uint32_t rotation : {0u, 90u, 180u, 270u})
        for (const bool mirror : {false, true}) turns.push_back({rotation, mirror});
    return turns;
}

}  // namespace

TEST_CASE("a frame is drawn upright, at its own size and smaller") {
    auto canvas = Canvas::create(device(), memory());
    REQUIRE(canvas.ok());
    const Image stored = pattern(74, 46);
    for (const Turn turn : all_turns()) {
        CAPTURE(turn.rotation);
        CAPTURE(turn.mirror);
        Frame frame = frame_of(stored);
        frame.turn = turn;
        const Image upright = turned(stored, turn);
        const auto drawn = (*canvas)->draw(frame, {});
        REQUIRE(drawn.ok());
        CHECK(largest_difference(*drawn, upright) <= 1);
        const VkExtent2D half = {upright.width / 2, upright.height / 2};
        const auto small = (*canvas)->draw(frame, {}, half), expected = (*canvas)->draw(frame_of(upright), {}, half);
        REQUIRE(small.ok());
        REQUIRE(expected.ok());
        CHECK(largest_difference(*small, *expected) <= 1);
    }
}

TEST_CASE("planes of YUV are turned together, odd sizes too") {
    auto canvas = Canvas::create(device(), memory());
    REQUIRE(canvas.ok());
    constexpr uint32_t w = 31, h = 18, cw = 16, ch = 9;
    std::vector<uint8_t> luma(w * h), chroma(2 * cw * ch);
    for (size_t i = 0; i < luma.size(); ++i) luma[i] = static_cast<uint8_t>(40 + i * 7 % 180);
    for (size_t i = 0; i < chroma.size(); ++i) chroma[i] = static_cast<uint8_t>(100 + i / (2 * cw) * 6);
    Frame frame;
    frame.format = PixelFormat::nv12;
    frame.width = w;
    frame.height = h;
    frame.planes = {Plane{luma.data(), w}, Plane{chroma.data(), 2 * cw}};
    const auto plain = (*canvas)->draw(frame, {});
    REQUIRE(plain.ok());
    for (const Turn turn : all_turns()) {
        CAPTURE(turn.rotation);
        frame.turn = turn;
        const auto drawn = (*canvas)->draw(frame, {});
        REQUIRE(drawn.ok());
        CHECK(largest_difference(*drawn, turned(*plain, turn)) <= 1);
    }
}

TEST_CASE("boxes go where their pixels go") {
    constexpr uint32_t w = 7, h = 5;
    for (const Turn turn : all_turns()) {
        CAPTURE(turn.rotation);
        CAPTURE(turn.mirror);
        Image stored = flat(w, h, 0, 0, 0);
        for (uint32_t y = 1; y < 3; ++y)
            for (uint32_t x = 2; x < 6; ++x) *stored.at(x, y) = 255;
        const auto [x1, y1, x2, y2] = to_upright({2, 1, 6, 3}, turn, w, h);
        const Image upright = turned(stored, turn);
        for (uint32_t y = 0; y < upright.height; ++y)
            for (uint32_t x = 0; x < upright.width; ++x) {
                const float cx = static_cast<float>(x) + 0.5f, cy = static_cast<float>(y) + 0.5f;
                CHECK((*upright.at(x, y) == 255) == (cx > x1 && cx < x2 && cy > y1 && cy < y2));
            }
    }
}

TEST_CASE("one turn after another is one turn") {
    const Image stored = pattern(6, 4);
    for (const Turn first : all_turns())
        for (const Turn second : all_turns())
            CHECK(largest_difference(turned(turned(stored, first), second), turned(stored, first.then(second))) == 0);
}

TEST_CASE("a video that says how it is turned is, and a turn that is asked for comes after it") {
    const TempDir dir;
    const std::string path = (dir / "clip.mp4").string();
    auto writer = VideoWriter::create(path, 64, 48, 10);
    REQUIRE(writer.ok());
    for (uint32_t i = 0; i < 3; ++i) REQUIRE((*writer)->write(pattern(64, 48)).ok());
    REQUIRE((*writer)->finish().ok());
    // The matrix of the track's header (ISO 14496-12, 8.3.2), as a telephone held upright writes it: 90 degrees.
    std::vector<uint8_t> bytes = read_bytes(path);
    const std::string tag = "tkhd";
    const auto header = std::search(bytes.begin(), bytes.end(), tag.begin(), tag.end());
    REQUIRE(header != bytes.end());
    const std::vector<uint8_t> matrix = {0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    std::copy(matrix.begin(), matrix.end(), header + 4 + 40);
    write_bytes(path, bytes.data(), bytes.size());

    SourceOptions options;
    for (const Turn asked : {Turn{}, Turn{90, false}, Turn{270, true}}) {
        options.turn = asked;
        const auto source = Source::open(path, options);
        REQUIRE_MESSAGE(source.ok(), source.error().message);
        const auto frame = (*source)->next();
        REQUIRE(frame.ok());
        REQUIRE(frame->has_value());
        CHECK((*frame)->turn == Turn{(90 + asked.rotation) % 360, asked.mirror});
        CHECK((*frame)->width == 64);
        CHECK((*frame)->upright_width() == (asked.rotation == 90 || asked.rotation == 270 ? 64 : 48));
    }
}
