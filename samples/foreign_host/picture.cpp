#include "samples/foreign_host/picture.h"

#include <algorithm>
#include <cmath>

#include "samples/foreign_host/vulkan_host.h"

// PNG alone: stb_image, in the versions that Linux distributions carry, writes out of bounds on damaged JPEGs.
#define STBI_ONLY_PNG
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#include <stb_image.h>
#define STB_IMAGE_WRITE_STATIC
#define STB_IMAGE_WRITE_IMPLEMENTATION
#include <stb_image_write.h>

namespace {

struct Color {
    float r, g, b;
};

void put(Picture &picture, uint32_t x, uint32_t y, Color c) {
    uint8_t *pixel = &picture.rgba[(size_t{y} * picture.width + x) * 4];
    const auto byte = [](float v) { return static_cast<uint8_t>(std::lround(v)); };
    pixel[0] = byte(c.r);
    pixel[1] = byte(c.g);
    pixel[2] = byte(c.b);
    pixel[3] = 255;
}

Color mix(Color a, Color b, float share) {
    const auto between = [share](float from, float to) { return from + (to - from) * share; };
    return {between(a.r, b.r), between(a.g, b.g), between(a.b, b.b)};
}

Picture halved(const Picture &from) {
    Picture to{from.width / 2, from.height / 2, {}};
    to.rgba.resize(size_t{to.width} * to.height * 4);
    for (size_t y = 0; y < to.height; ++y)
        for (size_t x = 0; x < to.width; ++x)
            for (size_t c = 0; c < 4; ++c) {
                const uint8_t *above = &from.rgba[(2 * y * from.width + 2 * x) * 4 + c];
                const uint8_t *below = above + size_t{from.width} * 4;
                to.rgba[(y * to.width + x) * 4 + c] =
                    static_cast<uint8_t>((above[0] + above[4] + below[0] + below[4] + 2) / 4);
            }
    return to;
}

}  // namespace

Picture load_png(const std::string &path) {
    int width = 0, height = 0, channels = 0;
    stbi_uc *pixels = stbi_load(path.c_str(), &width, &height, &channels, 4);
    if (!pixels) throw HostError(path + ": " + stbi_failure_reason() + " (it should be a PNG)");
    Picture picture{static_cast<uint32_t>(width), static_cast<uint32_t>(height), {}};
    picture.rgba.assign(pixels, pixels + size_t{picture.width} * picture.height * 4);
    stbi_image_free(pixels);
    return picture;
}

void save_png(const std::string &path, const Picture &picture) {
    const int width = static_cast<int>(picture.width), height = static_cast<int>(picture.height);
    if (!stbi_write_png(path.c_str(), width, height, 4, picture.rgba.data(), 0))  // 0: no gap between rows
        throw HostError(path + ": cannot be written");
}

Picture reduced(Picture picture, uint32_t most) {
    while (std::max(picture.width, picture.height) > most && std::min(picture.width, picture.height) > 1)
        picture = halved(picture);
    return picture;
}

Picture test_card() {
    Picture card{480, 360, {}};
    card.rgba.resize(size_t{card.width} * card.height * 4);
    struct Disc {
        float x, y, radius;
        Color color;
    };
    const Disc discs[] = {{130, 125, 66, {225, 35, 35}}, {345, 130, 58, {35, 190, 50}}, {235, 275, 50, {40, 60, 225}}};
    const auto fx = [](uint32_t v) { return static_cast<float>(v) + 0.5f; };
    for (uint32_t y = 0; y < card.height; ++y) {
        for (uint32_t x = 0; x < card.width; ++x) {
            const bool frame = x < 12 || y < 12 || x + 12 >= card.width || y + 12 >= card.height;
            Color color = frame ? Color{150, 140, 120} : Color{222, 216, 204};
            for (const Disc &disc : discs) {
                const float distance = std::hypot(fx(x) - disc.x, fx(y) - disc.y);
                color = mix(color, disc.color, std::clamp(disc.radius - distance + 0.5f, 0.0f, 1.0f));
            }
            put(card, x, y, color);
        }
    }
    return card;
}

Picture tiles() {
    Picture picture{512, 512, {}};
    picture.rgba.resize(size_t{picture.width} * picture.height * 4);
    for (uint32_t y = 0; y < picture.height; ++y) {
        for (uint32_t x = 0; x < picture.width; ++x) {
            const float height = static_cast<float>(y) / static_cast<float>(picture.height);
            const bool bright = (x / 64 + y / 64) % 2 == 1, joint = x % 64 < 3 || y % 64 < 3;
            Color color = mix({46, 58, 74}, {76, 70, 62}, height);
            if (bright) color = mix(color, {110, 112, 116}, 0.25f);
            if (joint) color = mix(color, {20, 22, 26}, 0.6f);
            put(picture, x, y, color);
        }
    }
    return picture;
}
