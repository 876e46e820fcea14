#include "plugins/overlay/overlay.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace sac::overlay {

namespace {

using Color = std::array<uint8_t, 4>;
constexpr Color halo = {0, 0, 0, 90};  // round boxes, so that they stand out from any picture

uint8_t to_srgb(float linear) {
    const float c = std::clamp(linear, 0.f, 1.f);
    const float s = c <= 0.0031308f ? 12.92f * c : 1.055f * std::pow(c, 1 / 2.4f) - 0.055f;
    return static_cast<uint8_t>(std::lround(s * 255));
}

float to_linear(uint8_t srgb) {
    const float s = static_cast<float>(srgb) / 255;
    return s <= 0.04045f ? s / 12.92f : std::pow((s + 0.055f) / 1.055f, 2.4f);
}

// The frame of pixels between a rectangle and the one `width` further in.
void add_frame(float x1, float y1, float x2, float y2, float width, const Color &color, std::vector<Shape> &out) {
    const float w = std::min({width, (x2 - x1) / 2, (y2 - y1) / 2});
    const auto add = [&](float a, float b, float c, float d) { out.push_back({{a, b, c, d}, {}, color, 0, 0}); };
    add(x1, y1, x2, y1 + w);
    add(x1, y2 - w, x2, y2);
    add(x1, y1 + w, x1 + w, y2 - w);
    add(x2 - w, y1 + w, x2, y2 - w);
}

bool overlap(const Rect &a, const Rect &b) {
    return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

// Sizes of a line of text in pixels.
struct TextSize {
    explicit TextSize(float scale)
        : unit(1.5f * scale), pad(std::round(4 * scale)), height(std::round(Font::cap_height * unit) + 2 * pad) {}
    float unit;    // pixels a unit of the font
    float pad;     // round the capitals
    float height;  // of a label
};

void add_label(const Font &font, std::string_view text, const Rect &at, const TextSize &size, const Color &background,
               const Color &color, std::vector<Shape> &out) {
    out.push_back({{at.x, at.y, at.x + at.width, at.y + at.height}, {size.unit * 1.5f, 0, 0, 0}, background, 0, 0});
    add_text(font, text, at.x + size.pad, at.y + at.height - size.pad, size.unit, color, out);
}

}  // namespace

Rect letterbox(uint32_t picture_width, uint32_t picture_height, uint32_t target_width, uint32_t target_height) {
    const float pw = static_cast<float>(picture_width), ph = static_cast<float>(picture_height);
    const float tw = static_cast<float>(target_width), th = static_cast<float>(target_height);
    const float scale = std::min(tw / pw, th / ph);
    const float w = std::max(1.f, std::round(pw * scale)), h = std::max(1.f, std::round(ph * scale));
    return {std::floor((tw - w) / 2), std::floor((th - h) / 2), w, h};
}

float overlay_scale(uint32_t width, uint32_t height) {
    // Steps of a third give letters whose strokes differ by half a pixel.
    return std::clamp(std::floor(static_cast<float>(std::min(width, height)) / 640 * 3) / 3, 1.f, 16.f);
}

Color class_color(uint32_t class_id) {
    const float hue = static_cast<float>(std::fmod(0.42 + 2.399963229728653 * class_id, 2 * std::numbers::pi));
    const float lightness = class_id % 2 ? 0.72f : 0.8f, chroma = 0.17f;
    const float a = chroma * std::cos(hue), b = chroma * std::sin(hue);
    const float l = std::pow(lightness + 0.3963377774f * a + 0.2158037573f * b, 3.f);
    const float m = std::pow(lightness - 0.1055613458f * a - 0.0638541728f * b, 3.f);
    const float s = std::pow(lightness - 0.0894841775f * a - 1.2914855480f * b, 3.f);
    return {to_srgb(4.0767416621f * l - 3.3077115913f * m + 0.2309699292f * s),
            to_srgb(-1.2684380046f * l + 2.6097574011f * m - 0.3413193965f * s),
            to_srgb(-0.0041960863f * l - 0.7034186147f * m + 1.7076147010f * s), 255};
}

Color text_color(const Color &background) {
    const float luminance =
        0.2126f * to_linear(background[0]) + 0.7152f * to_linear(background[1]) + 0.0722f * to_linear(background[2]);
    return luminance > 0.18f ? Color{0, 0, 0, 255} : Color{255, 255, 255, 255};  // the contrast is equal at 0.179
}

void add_text(const Font &font, std::string_view text, float x, float y, float pixels_a_unit, const Color &color,
              std::vector<Shape> &out) {
    const float stroke = Font::stroke_width * pixels_a_unit, half = stroke / 2;
    float at = x + half;
    while (!text.empty()) {
        const Glyph &g = font.glyph(next_code_point(text));
        if (g.count) {
            // Whole and half pixels for the origin, so that the same letter always looks the same and stems are crisp.
            const float origin = std::round(at - half) + half, base = std::round(y) - half;
            const float reach = half + 1;
            Shape shape;
            shape.rect = {origin + g.left * pixels_a_unit - reach, base - g.top * pixels_a_unit - reach,
                          origin + g.right * pixels_a_unit + reach, base - g.bottom * pixels_a_unit + reach};
            shape.form = {origin, base, pixels_a_unit, half};
            shape.color = color;
            shape.first_stroke = g.first;
            shape.stroke_count = g.count;
            out.push_back(shape);
        }
        at += g.advance * pixels_a_unit;
    }
}

std::array<float, 4> turn_box(const std::array<float, 4> &box, uint32_t rotation, bool mirror, float width,
                              float height) {
    const auto [x1, y1, x2, y2] = box;
    std::array<float, 4> turned = box;
    if (rotation == 90) turned = {height - y2, x1, height - y1, x2};
    if (rotation == 180) turned = {width - x2, height - y2, width - x1, height - y1};
    if (rotation == 270) turned = {y1, width - x2, y2, width - x1};
    if (mirror) {
        const float across = rotation % 180 ? height : width;
        turned = {across - turned[2], turned[1], across - turned[0], turned[3]};
    }
    return turned;
}

void layout_overlay(const Font &font, const Overlay &overlay, uint32_t picture_width, uint32_t picture_height,
                    const Rect &where, const Rect &target, const Style &style, std::vector<Shape> &out) {
    const float sx = where.width / static_cast<float>(picture_width);
    const float sy = where.height / static_cast<float>(picture_height);
    const float line = style.line_width > 0 ? style.line_width : std::max(2.f, std::round(2 * style.scale));
    const float edge = std::max(1.f, std::round(style.scale));
    const TextSize size(style.scale);
    const float right = target.x + target.width, bottom = target.y + target.height;

    struct Placed {
        float x1, y1, x2, y2;
    };
    std::vector<Placed> boxes;
    boxes.reserve(overlay.boxes.size());
    for (const OverlayBox &box : overlay.boxes) {
        const auto x = [&](float v) {
            return std::round(where.x + std::clamp(v, 0.f, static_cast<float>(picture_width)) * sx);
        };
        const auto y = [&](float v) {
            return std::round(where.y + std::clamp(v, 0.f, static_cast<float>(picture_height)) * sy);
        };
        Placed p = {x(box.x1), y(box.y1), x(box.x2), y(box.y2)};
        p.x2 = std::max(p.x2, p.x1 + 1);
        p.y2 = std::max(p.y2, p.y1 + 1);
        boxes.push_back(p);
        if (!style.boxes) continue;
        const Color color = class_color(box.class_id);
        add_frame(p.x1 - edge, p.y1 - edge, p.x2 + edge, p.y2 + edge, edge, halo, out);
        add_frame(p.x1, p.y1, p.x2, p.y2, line, color, out);
        if (p.x2 - p.x1 > 4 * line && p.y2 - p.y1 > 4 * line)
            add_frame(p.x1 + line, p.y1 + line, p.x2 - line, p.y2 - line, edge, halo, out);
    }

    std::vector<Rect> labels;
    for (size_t i = 0; i < boxes.size(); ++i) {
        const OverlayBox &box = overlay.boxes[i];
        if (box.text.empty()) continue;
        const Placed &p = boxes[i];
        const float width = std::round(font.width(box.text) * size.unit) + 2 * size.pad;
        const auto inside = [&](float x, float y) {
            return Rect{std::clamp(x, target.x, std::max(target.x, right - width)),
                        std::clamp(y, target.y, std::max(target.y, bottom - size.height)), width, size.height};
        };
        // In order of preference: on the box, in its upper corner, under it, in its lower corner, to the right on it.
        const Rect candidates[] = {inside(p.x1, p.y1 - size.height), inside(p.x1, p.y1), inside(p.x1, p.y2),
                                   inside(p.x1, p.y2 - size.height), inside(p.x2 - width, p.y1 - size.height)};
        const auto free = std::find_if(std::begin(candidates), std::end(candidates), [&](const Rect &candidate) {
            return std::none_of(labels.begin(), labels.end(),
                                [&](const Rect &other) { return overlap(candidate, other); });
        });
        const Rect &at = free == std::end(candidates) ? candidates[0] : *free;
        labels.push_back(at);
        const Color background = class_color(box.class_id);
        add_label(font, box.text, at, size, background, text_color(background), out);
    }

    float y = bottom - size.pad;
    for (auto status = overlay.status.rbegin(); status != overlay.status.rend(); ++status) {
        if (status->empty()) continue;
        y -= size.height;
        const float width = std::round(font.width(*status) * size.unit) + 2 * size.pad;
        add_label(font, *status, {target.x + size.pad, y, width, size.height}, size, {0, 0, 0, 170},
                  {255, 255, 255, 255}, out);
    }
}

}  // namespace sac::overlay
