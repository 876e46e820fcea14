#pragma once
// A stroke font of our own for ASCII 32 to 126. Glyphs are lines and circular arcs, drawn as distances in a shader, so
// text is sharp at any size. Units: capitals are 7 high, small letters 5, descenders 2 deep; y points up from the
// baseline.

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace sac::overlay {

/// A line from (x1, y1) to (x2, y2), or with radius > 0 the arc between them against the clock round (cx, cy), at most
/// half a turn. The layout is the one of shaders/overlay/shapes.frag.
struct Stroke {
    float x1 = 0, y1 = 0, x2 = 0, y2 = 0;
    float cx = 0, cy = 0, radius = 0, unused = 0;
};

struct Glyph {
    uint32_t first = 0, count = 0;                   ///< its strokes in Font::strokes()
    float left = 0, right = 0, bottom = 0, top = 0;  ///< bounds of the strokes' middle lines
    float advance = 0;                               ///< to the next origin
};

/// Built once from a table of strings; immutable, any thread.
class Font {
public:
    static constexpr float cap_height = 7, descent = 2, stroke_width = 0.95f;

    Font();
    std::span<const Stroke> strokes() const { return strokes_; }
    /// Characters without a glyph get that of '?'.
    const Glyph &glyph(char32_t character) const;
    /// Width of a UTF-8 line in units, from the first stroke's left edge to the last one's right edge.
    float width(std::string_view text) const;

private:
    std::vector<Stroke> strokes_;
    std::vector<Glyph> glyphs_;  // from ' ' to '~'
};

/// Takes the next code point from the front of `text`; damaged UTF-8 gives U+FFFD for each byte.
char32_t next_code_point(std::string_view &text);

}  // namespace sac::overlay
