// labels: host_only
// Where boxes, labels and letters are put; no GPU.
#include "plugins/overlay/overlay.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <set>

using namespace sac::overlay;

namespace {

// Rectangles (no glyphs) of a color, alpha included.
std::vector<Shape> rectangles(const std::vector<Shape> &shapes, const std::array<uint8_t, 4> &color) {
    std::vector<Shape> found;
    for (const Shape &s : shapes)
        if (s.stroke_count == 0 && s.color == color) found.push_back(s);
    return found;
}

std::vector<Shape> layout(const Overlay &overlay, uint32_t width, uint32_t height, float scale = 1) {
    std::vector<Shape> shapes;
    const Rect all = {0, 0, static_cast<float>(width), static_cast<float>(height)};
    layout_overlay(Font(), overlay, width, height, all, all, {scale}, shapes);
    return shapes;
}

// The label's background is the one rectangle of the class's color with round corners.
std::vector<Rect> labels(const Overlay &overlay, const std::vector<Shape> &shapes) {
    std::vector<Rect> found;
    std::set<uint32_t> classes;
    for (const OverlayBox &box : overlay.boxes) classes.insert(box.class_id);
    for (const uint32_t c : classes)
        for (const Shape &s : rectangles(shapes, class_color(c)))
            if (s.form[0] > 0) found.push_back({s.rect[0], s.rect[1], s.rect[2] - s.rect[0], s.rect[3] - s.rect[1]});
    return found;
}

}  // namespace

TEST_CASE("letterbox shows the whole picture, undistorted, in the middle, on whole pixels") {
    const Rect wide = letterbox(200, 100, 300, 300);
    CHECK(wide.x == 0);
    CHECK(wide.y == 75);
    CHECK(wide.width == 300);
    CHECK(wide.height == 150);
    const Rect tall = letterbox(100, 300, 640, 480);
    CHECK(tall.width == 160);
    CHECK(tall.height == 480);
    CHECK(tall.x == 240);
    const Rect same = letterbox(333, 77, 333, 77);
    CHECK(same.x == 0);
    CHECK(same.y == 0);
    CHECK(same.width == 333);
    CHECK(same.height == 77);
    const Rect thin = letterbox(10000, 1, 100, 100);
    CHECK(thin.height == 1);
}

TEST_CASE("every printable character has a glyph of its own, inside its line") {
    const Font font;
    std::set<uint32_t> firsts;
    for (char32_t c = U'!'; c <= U'~'; ++c) {
        const Glyph &g = font.glyph(c);
        CAPTURE(static_cast<char>(c));
        CHECK(g.count > 0);
        CHECK(g.left >= -0.5f);
        CHECK(g.right <= 7);
        CHECK(g.right > g.left - 1e-6f);
        CHECK(g.bottom >= -2);
        CHECK(g.top <= 8.01f);
        CHECK(g.advance > g.right);
        CHECK(firsts.insert(g.first).second);
    }
    CHECK(font.glyph(U' ').count == 0);
    CHECK(&font.glyph(U'é') == &font.glyph(U'?'));
    for (char32_t c = U'0'; c <= U'9'; ++c) CHECK(font.glyph(c).advance == font.glyph(U'0').advance);
}

TEST_CASE("arcs keep their radius at both ends") {
    const Font font;
    size_t arcs = 0;
    for (const Stroke &s : font.strokes()) {
        if (s.radius <= 0) continue;
        ++arcs;
        CHECK(std::hypot(s.x1 - s.cx, s.y1 - s.cy) == doctest::Approx(s.radius).epsilon(1e-4));
        CHECK(std::hypot(s.x2 - s.cx, s.y2 - s.cy) == doctest::Approx(s.radius).epsilon(1e-4));
    }
    CHECK(arcs > 100);
}

TEST_CASE("UTF-8 is read by code points, damaged bytes one by one") {
    std::string_view text = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\xb6\xff\xc3";
    const char32_t wanted[] = {U'a', U'é', U'€', U'🐶', 0xfffd, 0xfffd};
    for (const char32_t point : wanted) CHECK(next_code_point(text) == point);
    CHECK(text.empty());
}

TEST_CASE("a line's width is that of its shapes") {
    const Font font;
    std::vector<Shape> shapes;
    add_text(font, "bicycle 0.74", 10, 50, 3, {255, 255, 255, 255}, shapes);
    CHECK(shapes.size() == 11);  // the space has none
    const float right = shapes.back().form[0] + font.glyph(U'4').right * 3 + shapes.back().form[3];
    CHECK(right - 10 == doctest::Approx(font.width("bicycle 0.74") * 3).epsilon(0.01));
    CHECK(font.width("") == 0);
}

TEST_CASE("boxes come on whole pixels of the target and are clipped to the picture") {
    Overlay overlay;
    overlay.boxes.push_back({10.3f, 20.6f, 60.2f, 70.9f, 3, ""});
    overlay.boxes.push_back({-50, -50, 500, 500, 4, ""});
    std::vector<Shape> shapes;
    layout_overlay(Font(), overlay, 100, 100, {50, 10, 200, 200}, {0, 0, 300, 220}, {}, shapes);
    const auto first = rectangles(shapes, class_color(3));
    REQUIRE(first.size() == 4);  // the four sides
    CHECK(first[0].rect == std::array<float, 4>{71, 51, 170, 53});
    CHECK(first[1].rect == std::array<float, 4>{71, 150, 170, 152});
    CHECK(first[2].rect == std::array<float, 4>{71, 53, 73, 150});
    CHECK(first[3].rect == std::array<float, 4>{168, 53, 170, 150});
    const auto second = rectangles(shapes, class_color(4));
    REQUIRE(second.size() == 4);
    CHECK(second[0].rect == std::array<float, 4>{50, 10, 250, 12});
}

TEST_CASE("a box without area still has a pixel") {
    Overlay overlay;
    overlay.boxes.push_back({50, 50, 50, 50, 0, ""});
    const auto sides = rectangles(layout(overlay, 100, 100), class_color(0));
    REQUIRE(!sides.empty());
    CHECK(sides[0].rect == std::array<float, 4>{50, 50, 51, 50.5f});
}

TEST_CASE("labels stay inside the target and apart from one another") {
    Overlay overlay;
    for (uint32_t i = 0; i < 4; ++i)  // four boxes in one place
        overlay.boxes.push_back({100, 100, 200, 200, i, "label " + std::to_string(i)});
    overlay.boxes.push_back({0, 0, 30, 30, 5, "at the top"});
    overlay.boxes.push_back({380, 290, 400, 300, 6, "in the corner"});
    const std::vector<Shape> shapes = layout(overlay, 400, 300);
    const std::vector<Rect> found = labels(overlay, shapes);
    REQUIRE(found.size() == 6);
    for (size_t i = 0; i < found.size(); ++i) {
        CHECK(found[i].x >= 0);
        CHECK(found[i].y >= 0);
        CHECK(found[i].x + found[i].width <= 400);
        CHECK(found[i].y + found[i].height <= 300);
        for (size_t j = 0; j < i; ++j) {
            const bool apart = found[i].x >= found[j].x + found[j].width || found[j].x >= found[i].x + found[i].width ||
                               found[i].y >= found[j].y + found[j].height || found[j].y >= found[i].y + found[i].height;
            CHECK(apart);
        }
    }
}

TEST_CASE("colors of classes are stable, and neighbours differ") {
    CHECK(class_color(7) == class_color(7));
    for (uint32_t c = 0; c < 80; ++c) {
        const auto a = class_color(c), b = class_color(c + 1);
        CHECK(std::abs(a[0] - b[0]) + std::abs(a[1] - b[1]) + std::abs(a[2] - b[2]) > 100);
        const auto text = text_color(a);
        // Contrast by WCAG 2: at least 4.5 to 1.
        const auto linear = [](uint8_t v) {
            const double s = v / 255.0;
            return s <= 0.04045 ? s / 12.92 : std::pow((s + 0.055) / 1.055, 2.4);
        };
        const double luminance = 0.2126 * linear(a[0]) + 0.7152 * linear(a[1]) + 0.0722 * linear(a[2]);
        const double contrast = text[0] ? 1.05 / (luminance + 0.05) : (luminance + 0.05) / 0.05;
        CHECK(contrast > 4.5);
    }
}

TEST_CASE("lines and letters grow with the picture") {
    CHECK(overlay_scale(320, 240) == 1);
    CHECK(overlay_scale(1920, 1280) == 2);
    CHECK(overlay_scale(4000, 3840) == 6);
    Overlay overlay;
    overlay.boxes.push_back({100, 100, 1000, 1000, 1, ""});
    const auto sides = rectangles(layout(overlay, 2000, 2000, 3), class_color(1));
    CHECK(sides.at(0).rect[3] - sides.at(0).rect[1] == 6);
}
