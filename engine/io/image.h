#pragma once
// Stills: read by stb_image, written by stb_image_write.

#include <string>
#include <vector>

#include "compute/base/result.h"
#include "engine/io/frame.h"

namespace sac::engine {

/// Pixels as sRGB-coded RGBA bytes, rows tightly packed, from the upper left corner.
struct Image {
    uint32_t width = 0, height = 0;
    std::vector<uint8_t> pixels;  ///< width * height * 4

    Image() = default;
    Image(uint32_t w, uint32_t h) : width(w), height(h), pixels(size_t{w} * h * 4, 255) {}
    const uint8_t *at(uint32_t x, uint32_t y) const { return pixels.data() + (size_t{y} * width + x) * 4; }
    uint8_t *at(uint32_t x, uint32_t y) { return pixels.data() + (size_t{y} * width + x) * 4; }
};

/// Longest side of a picture that is read; the ABI's limit too.
inline constexpr uint32_t max_image_side = 16384;

/// Reads JPEG, PNG, BMP, TGA, GIF (its first picture), PSD, PNM or HDR as RGBA. Greys are spread, 16 bits become 8, and
/// alpha is left out: colors are taken as they are stored. Errors name the file and the reason: not_found, io_error,
/// invalid_file (empty, truncated, damaged, not a picture) or unsupported (larger than max_image_side).
Result<Image> read_image(const std::string &path);

/// The same from a file's bytes; `name` stands for the file in errors.
Result<Image> decode_image(const std::vector<uint8_t> &bytes, const std::string &name);

/// The bytes of a PNG, or of a JPEG with `quality` 1 to 100. Alpha is left out. Error invalid_argument: no pixels.
Result<std::vector<uint8_t>> encode_png(const Image &image);
Result<std::vector<uint8_t>> encode_jpeg(const Image &image, int quality);

/// Writes a .png, or a .jpg of quality 92, to a temporary name beside `path` and renames it, so that a reader never
/// sees half of it. Error unsupported: another ending; io_error: the file cannot be written.
Status write_image(const std::string &path, const Image &image);

/// True if write_image knows the ending.
bool can_write_image(const std::string &path);

/// The image as a frame that shares its memory.
Frame to_frame(std::shared_ptr<const Image> image, std::string source);

/// True if the name ends like a picture that read_image knows.
bool has_image_ending(const std::string &path);

}  // namespace sac::engine
