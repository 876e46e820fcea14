#include "engine/io/frame.h"

#include <algorithm>
#include <cmath>

#include "engine/io/yuv.h"
#include "plugins/overlay/overlay.h"

namespace sac::engine {

const char *pixel_format_name(PixelFormat format) {
    constexpr const char *names[] = {"rgb", "rgba", "bgra", "nv12", "i420", "yuyv"};
    return names[static_cast<size_t>(format)];
}

Turn Turn::then(Turn next) const {
    // A turn behind a mirror is the turn backwards before it.
    const uint32_t more = mirror ? 360 - next.rotation : next.rotation;
    return {(rotation + more) % 360, mirror != next.mirror};
}

std::array<float, 4> to_upright(const std::array<float, 4> &box, Turn turn, uint32_t stored_width,
                                uint32_t stored_height) {
    return overlay::turn_box(box, turn.rotation, turn.mirror, static_cast<float>(stored_width),
                             static_cast<float>(stored_height));
}

YuvConversion yuv_conversion(YuvMatrix matrix, bool full_range) {
    YuvConversion c;
    // ITU-R BT.601-7 and BT.709-6, from the weights of red and blue.
    const float red = matrix == YuvMatrix::bt601 ? 0.299f : 0.2126f,
                blue = matrix == YuvMatrix::bt601 ? 0.114f : 0.0722f;
    const float green = 1 - red - blue;
    c.to_rgb = {2 * (1 - red), -2 * (1 - blue) * blue / green, -2 * (1 - red) * red / green, 2 * (1 - blue)};
    c.range = full_range ? std::array<float, 4>{0, 1, 128.f / 255, 1}
                         : std::array<float, 4>{16.f / 255, 255.f / 219, 128.f / 255, 255.f / 224};
    return c;
}

std::shared_ptr<uint8_t[]> to_rgba(const Frame &frame) {
    const size_t w = frame.width, h = frame.height;
    std::shared_ptr<uint8_t[]> out(new uint8_t[w * h * 4]);
    const YuvConversion yuv = yuv_conversion(frame.matrix, frame.full_range);
    const auto byte = [](float value) { return static_cast<uint8_t>(std::lround(std::clamp(value, 0.f, 1.f) * 255)); };
    for (size_t y = 0; y < h; ++y) {
        const uint8_t *row0 = frame.planes[0].data + y * frame.planes[0].stride;
        const uint8_t *row1 = frame.planes[1].data ? frame.planes[1].data + y / 2 * frame.planes[1].stride : nullptr;
        const uint8_t *row2 = frame.planes[2].data ? frame.planes[2].data + y / 2 * frame.planes[2].stride : nullptr;
        for (size_t x = 0; x < w; ++x) {
            uint8_t *to = out.get() + (y * w + x) * 4;
            const size_t pair = x / 2;
            float luma = 0, u = 0, v = 0;
            to[3] = 255;
            switch (frame.format) {
                case PixelFormat::rgb: std::copy_n(row0 + x * 3, 3, to); continue;
                case PixelFormat::rgba: std::copy_n(row0 + x * 4, 3, to); continue;
                case PixelFormat::bgra:
                    for (size_t i = 0; i < 3; ++i) to[i] = row0[x * 4 + 2 - i];
                    continue;
                case PixelFormat::nv12: luma = row0[x], u = row1[pair * 2], v = row1[pair * 2 + 1]; break;
                case PixelFormat::i420: luma = row0[x], u = row1[pair], v = row2[pair]; break;
                case PixelFormat::yuyv: luma = row0[x * 2], u = row0[pair * 4 + 1], v = row0[pair * 4 + 3]; break;
            }
            const float l = (luma / 255 - yuv.range[0]) * yuv.range[1];
            const float cb = (u / 255 - yuv.range[2]) * yuv.range[3], cr = (v / 255 - yuv.range[2]) * yuv.range[3];
            to[0] = byte(l + yuv.to_rgb[0] * cr);
            to[1] = byte(l + yuv.to_rgb[1] * cb + yuv.to_rgb[2] * cr);
            to[2] = byte(l + yuv.to_rgb[3] * cb);
        }
    }
    return out;
}

}  // namespace sac::engine
