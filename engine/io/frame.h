#pragma once
// A picture in host memory as decoders give it: no conversion where the GPU can do it.

#include <array>
#include <cstdint>
#include <memory>
#include <string>

namespace sac::engine {

enum class PixelFormat : uint8_t { rgb, rgba, bgra, nv12, i420, yuyv };

const char *pixel_format_name(PixelFormat format);

/// Which YUV it is. Without a word in the file: BT.601 below 720 lines, BT.709 from there on; limited range.
enum class YuvMatrix : uint8_t { bt601, bt709 };

struct Plane {
    const uint8_t *data = nullptr;
    uint32_t stride = 0;  ///< bytes from row to row
};

/// How a stored picture is turned to stand upright: clockwise, then flipped left to right.
struct Turn {
    uint32_t rotation = 0;  ///< degrees: 0, 90, 180 or 270
    bool mirror = false;

    bool sideways() const { return rotation % 180 != 0; }
    /// This turn, then `next`.
    Turn then(Turn next) const;
    bool operator==(const Turn &) const = default;
};

/// One picture. Cheap to copy: `owner` keeps the memory behind the planes alive. Immutable, any thread.
struct Frame {
    PixelFormat format = PixelFormat::rgba;
    uint32_t width = 0, height = 0;  ///< pixels; chroma planes are (n + 1) / 2
    std::array<Plane, 3> planes;     ///< rgb, rgba, bgra, yuyv: one; nv12: Y, UV; i420: Y, U, V
    YuvMatrix matrix = YuvMatrix::bt601;
    bool full_range = false;   ///< of YUV
    Turn turn;                 ///< width and height above are those before it
    std::string source;        ///< what it came from: a file, "camera:0" ...
    uint64_t index = 0;        ///< within the source, from 0
    int64_t timestamp_ns = 0;  ///< within the source
    std::shared_ptr<const void> owner;

    /// Size as it is seen.
    uint32_t upright_width() const { return turn.sideways() ? height : width; }
    uint32_t upright_height() const { return turn.sideways() ? width : height; }
};

/// Where a box {x1, y1, x2, y2} of a stored picture of that size lies on the upright one.
std::array<float, 4> to_upright(const std::array<float, 4> &box, Turn turn, uint32_t stored_width,
                                uint32_t stored_height);

/// Bytes of RGBA from a frame of any format, tightly packed (width · height · 4), on the CPU; not turned. For tests and
/// for writing files, never on a frame's way.
std::shared_ptr<uint8_t[]> to_rgba(const Frame &frame);

}  // namespace sac::engine
