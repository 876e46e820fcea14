#include "plugins/overlay/font.h"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cmath>
#include <numbers>

namespace sac::overlay {

namespace {

// One string a character, from '!' to '~'. M x y: start here. L x y: line. q and Q: quarter of a circle with and
// against the clock. h and H: half of one. a x y degrees: any arc, positive against the clock. d x y: a dot.
constexpr const char *paths[] = {
    "M0 7 L0 2.2 d0 0",                                                                                // !
    "M0 7 L0 5 M1.4 7 L1.4 5",                                                                         // "
    "M1 0.4 L1.7 6.6 M2.9 0.4 L3.6 6.6 M0 2.3 L4.4 2.3 M0.2 4.7 L4.6 4.7",                             // #
    "M3.7 5.4 Q2.1 7 L1.7 7 H1.7 3.6 L2.2 3.6 h2.2 0 L1.6 0 q0 1.6 M1.9 8 L1.9 -1",                    // $
    "M1.1 7 h1.1 4.6 h1.1 7 M4.3 2.4 h4.3 0 h4.3 2.4 M4.5 7 L0.9 0",                                   // %
    "M4.4 0 L0.75 4.75 a1.9 7 -130 a2.6 4.4 -165 L1.1 3.6 a1.8 0 150 Q4.1 2.3 L4.1 2.9",               // &
    "M0 7 L0 5",                                                                                       // '
    "M2.2 8 a2.2 -1.4 100",                                                                            // (
    "M0 8 a0 -1.4 -100",                                                                               // )
    "M1.5 7 L1.5 4 M0.2 6.25 L2.8 4.75 M0.2 4.75 L2.8 6.25",                                           // *
    "M0 3.2 L3.6 3.2 M1.8 1.4 L1.8 5",                                                                 // +
    "M0.5 0.2 L0 -1.3",                                                                                // ,
    "M0 3 L2.4 3",                                                                                     // -
    "d0 0",                                                                                            // .
    "M0 -1 L2.8 8",                                                                                    // /
    "M3.8 5.1 Q1.9 7 Q0 5.1 L0 1.9 Q1.9 0 Q3.8 1.9 L3.8 5.1",                                          // 0
    "M0.5 5.4 L2.3 7 L2.3 0",                                                                          // 1
    "M0 5.1 q1.9 7 q3.8 5.1 a3.334 3.853 -41 L0 0 L3.8 0",                                             // 2
    "M0.15 5.45 q1.7 7 L1.9 7 h1.9 3.7 L1.3 3.7 M1.9 3.7 h1.9 0 L1.75 0 q0 1.75",                      // 3
    "M3 0 L3 7 L0 2 L4 2",                                                                             // 4
    "M3.5 7 L0.3 7 L0.3 4.2 L1.75 4.2 h1.75 0 L1.6 0 q0 1.6",                                          // 5
    "M3.8 2.3 Q1.9 4.2 Q0 2.3 L0 1.9 Q1.9 0 Q3.8 1.9 L3.8 2.3 M0 2.2 L0 5.1 q1.9 7 a3.55 6.05 -60",    // 6
    "M0 7 L3.8 7 L1.3 0",                                                                              // 7
    "M1.9 7 h1.9 3.6 h1.9 7 M1.9 3.6 h1.9 0 h1.9 3.6",                                                 // 8
    "M0 4.7 Q1.9 2.8 Q3.8 4.7 L3.8 5.1 Q1.9 7 Q0 5.1 L0 4.7 M3.8 4.8 L3.8 1.9 q1.9 0 a0.25 0.95 -60",  // 9
    "d0 0 d0 4.2",                                                                                     // :
    "d0.5 4.2 M0.5 0.2 L0 -1.3",                                                                       // ;
    "M3.2 5.6 L0 3.2 L3.2 0.8",                                                                        // <
    "M0 4.2 L3.4 4.2 M0 2.2 L3.4 2.2",                                                                 // =
    "M0 5.6 L3.2 3.2 L0 0.8",                                                                          // >
    "M0 5.3 q1.7 7 h1.7 3.6 L1.7 2.2 d1.7 0",                                                          // ?
    ("M4.1 3.2 Q2.9 4.4 Q1.7 3.2 Q2.9 2 Q4.1 3.2 M4.1 4.4 L4.1 2.9 Q4.95 2.05 Q5.8 2.9 L5.8 3.6 Q2.9 6.5 Q0 3.6 "
     "L0 2.9 Q2.9 0 a4.6 0.5 36"),                                                                   // @
    "M0 0 L2.2 7 L4.4 0 M0.8 2.4 L3.6 2.4",                                                          // A
    "M0 0 L0 7 L2.1 7 h2.1 3.6 L0 3.6 M2.1 3.6 h2.1 0 L0 0",                                         // B
    "M4 5 Q2 7 Q0 5 L0 2 Q2 0 Q4 2",                                                                 // C
    "M0 0 L0 7 L1.6 7 q4 4.6 L4 2.4 q1.6 0 L0 0",                                                    // D
    "M3.6 7 L0 7 L0 0 L3.6 0 M0 3.6 L3 3.6",                                                         // E
    "M3.6 7 L0 7 L0 0 M0 3.6 L3 3.6",                                                                // F
    "M4 5 Q2 7 Q0 5 L0 2 Q2 0 Q4 2 L4 3.2 L2.4 3.2",                                                 // G
    "M0 0 L0 7 M4 0 L4 7 M0 3.6 L4 3.6",                                                             // H
    "M0 0 L0 7",                                                                                     // I
    "M3.2 7 L3.2 1.6 q1.6 0 q0 1.6",                                                                 // J
    "M0 0 L0 7 M4 7 L0 2.8 M1.4 4.3 L4 0",                                                           // K
    "M0 7 L0 0 L3.4 0",                                                                              // L
    "M0 0 L0 7 L2.5 3 L5 7 L5 0",                                                                    // M
    "M0 0 L0 7 L4 0 L4 7",                                                                           // N
    "M4 5 Q2 7 Q0 5 L0 2 Q2 0 Q4 2 L4 5",                                                            // O
    "M0 0 L0 7 L2.1 7 h2.1 3.2 L0 3.2",                                                              // P
    "M4 5 Q2 7 Q0 5 L0 2 Q2 0 Q4 2 L4 5 M2.4 1.6 L4.2 -0.4",                                         // Q
    "M0 0 L0 7 L2.1 7 h2.1 3.2 L0 3.2 M2.2 3.2 L4 0",                                                // R
    "M3.7 5.4 Q2.1 7 L1.7 7 H1.7 3.6 L2.2 3.6 h2.2 0 L1.6 0 q0 1.6",                                 // S
    "M0 7 L4 7 M2 7 L2 0",                                                                           // T
    "M0 7 L0 2 Q2 0 Q4 2 L4 7",                                                                      // U
    "M0 7 L2.2 0 L4.4 7",                                                                            // V
    "M0 7 L1.4 0 L3 5.5 L4.6 0 L6 7",                                                                // W
    "M0 0 L4 7 M0 7 L4 0",                                                                           // X
    "M0 7 L2 3.4 L4 7 M2 3.4 L2 0",                                                                  // Y
    "M0 7 L4 7 L0 0 L4 0",                                                                           // Z
    "M1.4 8 L0 8 L0 -1.4 L1.4 -1.4",                                                                 // [
    "M0 8 L2.8 -1",                                                                                  // backslash
    "M0 8 L1.4 8 L1.4 -1.4 L0 -1.4",                                                                 // ]
    "M0 4.4 L1.5 7 L3 4.4",                                                                          // ^
    "M0 -1 L4 -1",                                                                                   // _
    "M0 7.4 L0.9 6",                                                                                 // `
    "M3.6 5 L3.6 0 M3.6 3.2 Q1.8 5 Q0 3.2 L0 1.8 Q1.8 0 Q3.6 1.8",                                   // a
    "M0 7 L0 0 M0 3.2 q1.8 5 q3.6 3.2 L3.6 1.8 q1.8 0 q0 1.8",                                       // b
    "M3.46 3.9 a1.8 5 67.2 Q0 3.2 L0 1.8 Q1.8 0 a3.46 1.1 67.2",                                     // c
    "M3.6 7 L3.6 0 M3.6 3.2 Q1.8 5 Q0 3.2 L0 1.8 Q1.8 0 Q3.6 1.8",                                   // d
    "M0 2.6 L3.6 2.6 L3.6 3.2 Q1.8 5 Q0 3.2 L0 1.8 Q1.8 0 a3.36 0.9 60",                             // e
    "M2.7 7 L2.5 7 Q0.9 5.4 L0.9 0 M0 4.8 L2.4 4.8",                                                 // f
    "M3.6 5 L3.6 -0.3 q1.9 -2 L1.7 -2 a0.3 -1.4 -45 M3.6 3.2 Q1.8 5 Q0 3.2 L0 1.8 Q1.8 0 Q3.6 1.8",  // g
    "M0 7 L0 0 M0 3.2 q1.8 5 q3.6 3.2 L3.6 0",                                                       // h
    "M0 5 L0 0 d0 6.9",                                                                              // i
    "M1.3 5 L1.3 -0.7 q0 -2 d1.3 6.9",                                                               // j
    "M0 7 L0 0 M3.2 5 L0 1.9 M1.2 3 L3.4 0",                                                         // k
    "M0 7 L0 1.3 Q1.3 0",                                                                            // l
    "M0 5 L0 0 M0 3.6 q1.4 5 q2.8 3.6 L2.8 0 M2.8 3.6 q4.2 5 q5.6 3.6 L5.6 0",                       // m
    "M0 5 L0 0 M0 3.2 q1.8 5 q3.6 3.2 L3.6 0",                                                       // n
    "M3.6 3.2 Q1.8 5 Q0 3.2 L0 1.8 Q1.8 0 Q3.6 1.8 L3.6 3.2",                                        // o
    "M0 5 L0 -2 M0 3.2 q1.8 5 q3.6 3.2 L3.6 1.8 q1.8 0 q0 1.8",                                      // p
    "M3.6 5 L3.6 -2 M3.6 3.2 Q1.8 5 Q0 3.2 L0 1.8 Q1.8 0 Q3.6 1.8",                                  // q
    "M0 5 L0 0 M0 3.4 q1.6 5 L2.3 5",                                                                // r
    "M3.2 3.8 Q2 5 L1.4 5 H1.4 2.6 L2 2.6 h2 0 L1.2 0 q0 1.2",                                       // s
    "M0.9 6.6 L0.9 1.5 Q2.4 0 M0 4.8 L2.4 4.8",                                                      // t
    "M0 5 L0 1.8 Q1.8 0 Q3.6 1.8 M3.6 5 L3.6 0",                                                     // u
    "M0 5 L1.75 0 L3.5 5",                                                                           // v
    "M0 5 L1.3 0 L2.6 4 L3.9 0 L5.2 5",                                                              // w
    "M0 0 L3.4 5 M0 5 L3.4 0",                                                                       // x
    "M0 5 L1.8 0 M3.6 5 L1.08 -2 L0.2 -2",                                                           // y
    "M0 5 L3.4 5 L0 0 L3.4 0",                                                                       // z
    "M1.8 8 Q0.9 7.1 L0.9 4.2 q0 3.3 q0.9 2.4 L0.9 -0.5 Q1.8 -1.4",                                  // {
    "M0 8 L0 -1.4",                                                                                  // |
    "M0 8 q0.9 7.1 L0.9 4.2 Q1.8 3.3 Q0.9 2.4 L0.9 -0.5 q0 -1.4",                                    // }
    "M0 2.7 a1.8 3.1 -100 a3.6 3.5 100",                                                             // ~
};
static_assert(std::size(paths) == '~' - ' ');

constexpr float letter_space = 1.75f;  // between the middle lines of two glyphs' outermost strokes
constexpr float word_space = 2.6f;

// Reads one path into strokes.
class PathReader {
public:
    PathReader(std::string_view path, std::vector<Stroke> &out)
        : at_(path.data()), end_(path.data() + path.size()), out_(out) {}

    void read() {
        while (const char command = next_command()) {
            const float x = number(), y = number();
            switch (command) {
                case 'M': break;
                case 'L': out_.push_back({x_, y_, x, y, 0, 0, 0, 0}); break;
                case 'd': out_.push_back({x, y, x, y, 0, 0, 0, 0}); break;
                case 'q': arc(x, y, -90); break;
                case 'Q': arc(x, y, 90); break;
                case 'h': arc(x, y, -180); break;
                case 'H': arc(x, y, 180); break;
                case 'a': arc(x, y, number()); break;
                default: assert(false && "a command that no glyph may have");
            }
            x_ = x;
            y_ = y;
        }
    }

private:
    char next_command() {
        while (*at_ == ' ') ++at_;
        return *at_ ? *at_++ : '\0';
    }
    float number() {
        while (*at_ == ' ') ++at_;
        float value = 0;
        at_ = std::from_chars(at_, end_, value).ptr;  // strtof would want the comma of a host's locale
        return value;
    }
    void arc(float x, float y, float degrees) {
        const float chord_x = x - x_, chord_y = y - y_, chord = std::hypot(chord_x, chord_y);
        const float half_angle = std::abs(degrees) * std::numbers::pi_v<float> / 360;
        const float radius = chord / (2 * std::sin(half_angle));
        // The centre lies to the left of the chord when the arc runs against the clock.
        const float aside = (degrees > 0 ? 0.5f : -0.5f) * chord / std::tan(half_angle) / chord;
        const float cx = (x_ + x) / 2 - chord_y * aside, cy = (y_ + y) / 2 + chord_x * aside;
        if (degrees > 0)
            out_.push_back({x_, y_, x, y, cx, cy, radius, 0});
        else
            out_.push_back({x, y, x_, y_, cx, cy, radius, 0});
    }

    const char *at_, *const end_;
    std::vector<Stroke> &out_;
    float x_ = 0, y_ = 0;
};

// Whether the direction from the centre to (x, y) is on the arc.
bool on_arc(const Stroke &s, float x, float y) {
    const auto cross = [](float ax, float ay, float bx, float by) { return ax * by - ay * bx; };
    return cross(s.x1 - s.cx, s.y1 - s.cy, x, y) >= 0 && cross(x, y, s.x2 - s.cx, s.y2 - s.cy) >= 0;
}

void grow(Glyph &glyph, float x, float y) {
    glyph.left = std::min(glyph.left, x);
    glyph.right = std::max(glyph.right, x);
    glyph.bottom = std::min(glyph.bottom, y);
    glyph.top = std::max(glyph.top, y);
}

}  // namespace

Font::Font() {
    glyphs_.resize('~' - ' ' + 1);
    glyphs_[0].advance = word_space;
    for (size_t i = 0; i < std::size(paths); ++i) {
        Glyph &glyph = glyphs_[i + 1];
        glyph.first = static_cast<uint32_t>(strokes_.size());
        PathReader(paths[i], strokes_).read();
        glyph.count = static_cast<uint32_t>(strokes_.size()) - glyph.first;
        glyph.left = glyph.bottom = 1e9f;
        glyph.right = glyph.top = -1e9f;
        for (uint32_t s = glyph.first; s < glyph.first + glyph.count; ++s) {
            const Stroke &stroke = strokes_[s];
            grow(glyph, stroke.x1, stroke.y1);
            grow(glyph, stroke.x2, stroke.y2);
            if (stroke.radius <= 0) continue;
            for (const auto &[dx, dy] : {std::pair{1.f, 0.f}, {0.f, 1.f}, {-1.f, 0.f}, {0.f, -1.f}})
                if (on_arc(stroke, dx, dy)) grow(glyph, stroke.cx + dx * stroke.radius, stroke.cy + dy * stroke.radius);
        }
        glyph.advance = glyph.right + letter_space;
    }
    // Digits are all as wide as the widest, so that a changing number stands still.
    for (char digit = '0'; digit <= '9'; ++digit) glyphs_[static_cast<size_t>(digit - ' ')].advance = 4 + letter_space;
}

const Glyph &Font::glyph(char32_t character) const {
    if (character < U' ' || character > U'~') character = U'?';
    return glyphs_[character - U' '];
}

float Font::width(std::string_view text) const {
    float width = 0, trailing = 0;
    while (!text.empty()) {
        const Glyph &g = glyph(next_code_point(text));
        width += g.advance;
        trailing = g.count ? g.advance - g.right : 0;
    }
    return width > 0 ? width - trailing + stroke_width : 0;
}

char32_t next_code_point(std::string_view &text) {
    const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char first = byte(0);
    const size_t length = first < 0x80 ? 1 : first >> 5 == 6 ? 2 : first >> 4 == 14 ? 3 : first >> 3 == 30 ? 4 : 0;
    char32_t point = length == 1 ? first : first & (0x7fu >> length);
    bool good = length > 0 && length <= text.size();
    for (size_t i = 1; good && i < length; ++i) {
        good = byte(i) >> 6 == 2;
        point = point << 6 | (byte(i) & 63u);
    }
    text.remove_prefix(good ? length : 1);
    return good ? point : 0xfffd;
}

}  // namespace sac::overlay
