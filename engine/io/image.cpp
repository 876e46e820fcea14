#include "engine/io/image.h"

#include <algorithm>
#include <cctype>
#include <climits>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "compute/base/format.h"
#include "engine/io/stb.h"

namespace sac::engine {

namespace fs = std::filesystem;

namespace {

Result<std::vector<uint8_t>> read_file(const std::string &path) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (!fs::exists(status)) return Error(Code::not_found, path + ": no such file");
    if (fs::is_directory(status)) return Error(Code::io_error, path + ": is a folder, not a picture");
    std::ifstream in(path, std::ios::binary | std::ios::ate);
    if (!in) return Error(Code::io_error, path + ": cannot be opened");
    const std::streamoff size = in.tellg();
    if (size < 0 || size > INT_MAX) return Error(Code::unsupported, path + ": is too large for a picture");
    std::vector<uint8_t> bytes(static_cast<size_t>(size));
    in.seekg(0);
    if (!in.read(reinterpret_cast<char *>(bytes.data()), size)) return Error(Code::io_error, path + ": cannot be read");
    return bytes;
}

// stb_image fills the missing rest of a JPEG with grey and calls it a success, so the end marker is looked for here:
// the segments are walked up to the scan, in whose data the bytes FF D9 can only be the marker (ITU-T T.81, B.1.1).
bool jpeg_is_truncated(const std::vector<uint8_t> &b) {
    if (b.size() < 4 || b[0] != 0xff || b[1] != 0xd8) return false;
    size_t at = 2;
    while (at + 4 <= b.size() && b[at] == 0xff) {
        const uint8_t marker = b[at + 1];
        at += 2 + static_cast<size_t>(b[at + 2] << 8 | b[at + 3]);
        if (marker != 0xda) continue;
        constexpr uint8_t end[] = {0xff, 0xd9};
        return at >= b.size() || std::search(b.begin() + static_cast<ptrdiff_t>(at), b.end(), end, end + 2) == b.end();
    }
    return false;  // damaged rather than cut: the decoder says how
}

// stb_image writes past its table where a damaged JPEG's Huffman table claims more than 256 codes, so the tables are
// looked at before (ITU-T T.81, B.2.4.2): segment by segment up to the first scan, and behind that at every marker DHT.
bool jpeg_table_overflows(const std::vector<uint8_t> &b) {
    if (b.size() < 4 || b[0] != 0xff || b[1] != 0xd8) return false;
    const auto byte = [&](size_t i) { return i < b.size() ? size_t{b[i]} : 0; };
    const auto overflows = [&](size_t at, size_t end) {
        while (at < end && at < b.size()) {
            size_t codes = 0;
            for (size_t i = 1; i <= 16; ++i) codes += byte(at + i);
            if (codes > 256) return true;
            at += 17 + codes;
        }
        return false;
    };
    bool in_scan = false;
    for (size_t at = 2; at + 4 <= b.size();) {
        if (b[at] != 0xff || b[at + 1] == 0xff) {
            ++at;
            continue;
        }
        const uint8_t marker = b[at + 1];
        const size_t end = at + 2 + (byte(at + 2) << 8 | byte(at + 3));
        if (marker == 0xc4 && overflows(at + 4, end)) return true;
        in_scan = in_scan || marker == 0xda;
        at = in_scan ? at + 2 : std::max(end, at + 2);
    }
    return false;
}

std::string lower_ending(const std::string &path) {
    std::string ending = fs::path(path).extension().string();
    std::transform(ending.begin(), ending.end(), ending.begin(), [](unsigned char c) { return std::tolower(c); });
    return ending;
}

// `write(sink, user, width, height, rgb)` is one of stb's encoders.
template <class Write>
Result<std::vector<uint8_t>> encode(const Image &image, Write write) {
    if (image.width == 0 || image.height == 0)
        return Error(Code::invalid_argument, "a picture without pixels cannot be encoded");
    std::vector<uint8_t> rgb(size_t{image.width} * image.height * 3), bytes;
    for (size_t i = 0; i < rgb.size() / 3; ++i) std::copy_n(image.pixels.data() + i * 4, 3, rgb.data() + i * 3);
    const auto sink = [](void *user, void *data, int size) {
        auto &out = *static_cast<std::vector<uint8_t> *>(user);
        out.insert(out.end(), static_cast<uint8_t *>(data), static_cast<uint8_t *>(data) + size);
    };
    const int width = static_cast<int>(image.width), height = static_cast<int>(image.height);
    if (!write(+sink, &bytes, width, height, rgb.data()))
        return Error(Code::io_error, "the picture could not be encoded");
    return bytes;
}

}  // namespace

Result<Image> decode_image(const std::vector<uint8_t> &bytes, const std::string &name) {
    if (bytes.empty()) return Error(Code::invalid_file, name + ": the file is empty");
    const int size = static_cast<int>(bytes.size());
    int width = 0, height = 0, channels = 0;
    if (!stbi_info_from_memory(bytes.data(), size, &width, &height, &channels))
        return Error(Code::invalid_file,
                     sac::format("%s: not a picture that can be read (%s)", name.c_str(), stbi_failure_reason()));
    if (width < 1 || height < 1)
        return Error(Code::invalid_file, sac::format("%s: a picture of %d x %d", name.c_str(), width, height));
    if (width > static_cast<int>(max_image_side) || height > static_cast<int>(max_image_side))
        return Error(Code::unsupported, sac::format("%s: %d x %d pixels; the longest side may have %u", name.c_str(),
                                                    width, height, max_image_side));
    if (bytes[0] == 'P' && stbi_is_16_bit_from_memory(bytes.data(), size))
        return Error(Code::unsupported, name + ": a PNM of 16 bits a channel, whose byte order stb_image mistakes");
    if (jpeg_is_truncated(bytes)) return Error(Code::invalid_file, name + ": the JPEG is truncated (no end marker)");
    if (jpeg_table_overflows(bytes))
        return Error(Code::invalid_file, name + ": the JPEG has a Huffman table of more than 256 codes");
    const std::unique_ptr<uint8_t, void (*)(void *)> pixels(
        stbi_load_from_memory(bytes.data(), size, &width, &height, &channels, 4), stbi_image_free);
    if (!pixels)
        return Error(Code::invalid_file,
                     sac::format("%s: damaged or truncated (%s)", name.c_str(), stbi_failure_reason()));
    Image image(static_cast<uint32_t>(width), static_cast<uint32_t>(height));
    std::memcpy(image.pixels.data(), pixels.get(), image.pixels.size());
    for (size_t i = 3; i < image.pixels.size(); i += 4) image.pixels[i] = 255;
    return image;
}

Result<Image> read_image(const std::string &path) {
    SAC_ASSIGN(const std::vector<uint8_t> bytes, read_file(path));
    return decode_image(bytes, path);
}

Result<std::vector<uint8_t>> encode_png(const Image &image) {
    return encode(image, [](auto *sink, void *user, int w, int h, const uint8_t *rgb) {
        return stbi_write_png_to_func(sink, user, w, h, 3, rgb, w * 3);
    });
}

Result<std::vector<uint8_t>> encode_jpeg(const Image &image, int quality) {
    return encode(image, [quality](auto *sink, void *user, int w, int h, const uint8_t *rgb) {
        return stbi_write_jpg_to_func(sink, user, w, h, 3, rgb, quality);
    });
}

Status write_image(const std::string &path, const Image &image) {
    if (!can_write_image(path)) return Error(Code::unsupported, path + ": pictures are written as .png or .jpg");
    auto bytes = lower_ending(path) == ".png" ? encode_png(image) : encode_jpeg(image, 92);
    if (!bytes) return std::move(bytes).error().with_context(path);
    const std::string temporary = path + ".part";
    std::FILE *file = std::fopen(temporary.c_str(), "wb");
    if (!file) return Error(Code::io_error, path + ": cannot be written: " + std::strerror(errno));
    const bool written = std::fwrite(bytes->data(), 1, bytes->size(), file) == bytes->size();
    const bool closed = std::fclose(file) == 0;
    std::error_code error;
    if (written && closed) fs::rename(temporary, path, error);
    if (!written || !closed || error) {
        fs::remove(temporary, error);
        return Error(Code::io_error, path + ": writing failed");
    }
    return {};
}

bool can_write_image(const std::string &path) {
    const std::string ending = lower_ending(path);
    return ending == ".png" || ending == ".jpg" || ending == ".jpeg";
}

Frame to_frame(std::shared_ptr<const Image> image, std::string source) {
    Frame frame;
    frame.format = PixelFormat::rgba;
    frame.width = image->width;
    frame.height = image->height;
    frame.planes[0] = {image->pixels.data(), image->width * 4};
    frame.source = std::move(source);
    frame.owner = std::move(image);
    return frame;
}

bool has_image_ending(const std::string &path) {
    const std::string ending = lower_ending(path);
    constexpr const char *known[] = {".jpg", ".jpeg", ".png", ".bmp", ".tga", ".gif",
                                     ".psd", ".ppm",  ".pgm", ".pnm", ".hdr", ".pic"};
    return std::any_of(std::begin(known), std::end(known), [&](const char *k) { return ending == k; });
}

}  // namespace sac::engine
