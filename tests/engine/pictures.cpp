#include "tests/engine/pictures.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

namespace sac::test {

using engine::Image;

Image pattern(uint32_t width, uint32_t height) {
    Image image(width, height);
    for (uint32_t y = 0; y < height; ++y) {
        for (uint32_t x = 0; x < width; ++x) {
            uint8_t *p = image.at(x, y);
            const int checker = (x / 8 + y / 8) % 2 ? 24 : 0;
            p[0] = static_cast<uint8_t>(30 + 150 * x / width + static_cast<uint32_t>(checker));
            p[1] = static_cast<uint8_t>(40 + 140 * y / height + static_cast<uint32_t>(checker));
            p[2] = static_cast<uint8_t>(60 + (x * 3 + y * 5) % 40 + static_cast<uint32_t>(checker));
        }
    }
    return image;
}

Image flat(uint32_t width, uint32_t height, uint8_t red, uint8_t green, uint8_t blue) {
    Image image(width, height);
    for (size_t i = 0; i < image.pixels.size(); i += 4) {
        image.pixels[i] = red;
        image.pixels[i + 1] = green;
        image.pixels[i + 2] = blue;
    }
    return image;
}

engine::Frame frame_of(const Image &image) {
    return engine::to_frame(std::make_shared<const Image>(image), "picture of a test");
}

overlay::Overlay sample_overlay(float width, float height) {
    overlay::Overlay overlay;
    overlay.boxes.push_back({0.1f * width, 0.3f * height, 0.55f * width, 0.7f * height, 16, "dog 0.78"});
    overlay.boxes.push_back({0.4f * width, 0.25f * height, 0.95f * width, 0.6f * height, 2, "car 0.91"});
    overlay.status = {"12.5 ms"};
    return overlay;
}

int largest_difference(const Image &a, const Image &b) {
    if (a.width != b.width || a.height != b.height) return 256;
    int largest = 0;
    for (size_t i = 0; i < a.pixels.size(); ++i) largest = std::max(largest, std::abs(a.pixels[i] - b.pixels[i]));
    return largest;
}

void expect_golden(const Image &image, const std::string &name, int tolerance) {
    const std::string path = std::string(SACCADE_SOURCE_DIR) + "/tests/golden/" + name + ".png";
    if (std::getenv("SACCADE_UPDATE_GOLDENS")) {
        const Status written = engine::write_image(path, image);
        REQUIRE_MESSAGE(written.ok(), path);
        MESSAGE("written: " << path);
        return;
    }
    const auto golden = engine::read_image(path);
    REQUIRE_MESSAGE(golden.ok(), path);
    const int difference = largest_difference(image, *golden);
    if (difference <= tolerance) return;
    const std::string kept = (std::filesystem::temp_directory_path() / ("saccade-" + name + ".png")).string();
    const Status written = engine::write_image(kept, image);
    FAIL_CHECK(name << " differs by up to " << difference
                    << " from its golden; drawn: " << (written.ok() ? kept : "not kept"));
}

}  // namespace sac::test
