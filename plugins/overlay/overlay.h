#pragma once
// Where boxes, labels and lines of text go on a picture, and the shapes they are made of. No Vulkan here.

#include <array>
#include <string>
#include <vector>

#include "plugins/overlay/font.h"

namespace sac::overlay {

/// A box on the picture with its label.
struct OverlayBox {
    float x1 = 0, y1 = 0, x2 = 0, y2 = 0;  ///< pixels of the upright picture
    uint32_t class_id = 0;                 ///< chooses the color
    std::string text;                      ///< "dog 0.78"; empty: no label
};

struct Overlay {
    std::vector<OverlayBox> boxes;
    std::vector<std::string> status;  ///< lines in the lower left corner
};

/// An area of the target in pixels.
struct Rect {
    float x = 0, y = 0, width = 0, height = 0;
};

/// How an overlay is drawn.
struct Style {
    float scale = 1;       ///< of lines and letters: overlay_scale(), or a display's own
    float line_width = 0;  ///< of boxes, in pixels of the target; 0: by scale
    bool boxes = true;     ///< false: only their labels
};

/// What the GPU draws: one instance of shaders/overlay/shapes.vert. The layout is the shader's.
struct Shape {
    std::array<float, 4> rect = {};  ///< x1, y1, x2, y2 in pixels of the target
    std::array<float, 4> form =
        {};  ///< glyph: origin x, baseline y, pixels a unit, half the stroke; else {corner radius}
    std::array<uint8_t, 4> color = {255, 255, 255, 255};
    uint32_t first_stroke = 0, stroke_count = 0;  ///< 0 strokes: a rectangle
};

/// The largest area of whole pixels in a target that shows a picture without distortion, in the middle.
Rect letterbox(uint32_t picture_width, uint32_t picture_height, uint32_t target_width, uint32_t target_height);

/// How large lines and letters are drawn on a target of that size: 1 up to about 640 pixels of the shorter side.
float overlay_scale(uint32_t width, uint32_t height);

/// The color of a class: the same in every picture and every run; neighbours differ much (golden angle in OKLCH,
/// https://bottosson.github.io/posts/oklab/).
std::array<uint8_t, 4> class_color(uint32_t class_id);

/// Black or white, whichever can be read on that color.
std::array<uint8_t, 4> text_color(const std::array<uint8_t, 4> &background);

/// Appends the shapes of a line of text whose left edge is at x and whose baseline is at y (pixels of the target).
void add_text(const Font &font, std::string_view text, float x, float y, float pixels_a_unit,
              const std::array<uint8_t, 4> &color, std::vector<Shape> &out);

/// Where a box {x1, y1, x2, y2} of a picture of that size lies once the picture is turned clockwise by `rotation` (0,
/// 90, 180 or 270 degrees) and then, with `mirror`, flipped left to right.
std::array<float, 4> turn_box(const std::array<float, 4> &box, uint32_t rotation, bool mirror, float width,
                              float height);

/// Shapes of the overlay of a picture of that size that is shown in `where`, within a target of `target` pixels. Boxes
/// come on whole pixels, labels are kept inside the target and apart from one another where there is room.
void layout_overlay(const Font &font, const Overlay &overlay, uint32_t picture_width, uint32_t picture_height,
                    const Rect &where, const Rect &target, const Style &style, std::vector<Shape> &out);

}  // namespace sac::overlay
