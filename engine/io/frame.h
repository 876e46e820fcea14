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

/// One picture. Cheap to copy: `owner` keeps the memory behind the planes alive. Immutable, any thread.
struct Frame {
    PixelFormat format = PixelFormat::rgba;
    uint32_t width = 0, height = 0;  ///< pixels; chroma planes are (n + 1) / 2
    std::array<Plane, 3> planes;     ///< rgb, rgba, bgra, yuyv: one; nv12: Y, UV; i420: Y, U, V
    YuvMatrix matrix = YuvMatrix::bt601;
    bool full_range = false;   ///< of YUV
    std::string source;        ///< file it came from
    uint64_t index = 0;        ///< within the source, from 0
    int64_t timestamp_ns = 0;  ///< within the source
    std::shared_ptr<const void> owner;
};

/// Bytes of RGBA from a frame of any format, tightly packed (width · height · 4), on the CPU. For tests and for writing
/// files, never on a frame's way.
std::shared_ptr<uint8_t[]> to_rgba(const Frame &frame);

}  // namespace sac::engine
