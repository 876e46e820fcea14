// labels: real
// Against the tensors and boxes that a reference implementation made of the public weights and photographs.
#include <cmath>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "tests/support/files.h"
#include "tests/support/ref.h"
#include "tests/vision/heads_reference.h"
#include "tests/vision/preprocess_reference.h"

#if __has_include(<stb/stb_image.h>)
#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#include <stb/stb_image.h>
#define HAVE_STB_IMAGE
#endif

using namespace sac;
using namespace sac::test;

namespace {

Card fastestdet() {
    auto card = load_card(SACCADE_SOURCE_DIR "/assets/models/fastestdet");
    REQUIRE(card.ok());
    return *card;
}

double overlap(const Detection &a, const std::vector<double> &b) {
    const double w = std::min<double>(a.x2, b[2]) - std::max<double>(a.x1, b[0]);
    const double h = std::min<double>(a.y2, b[3]) - std::max<double>(a.y1, b[1]);
    const double common = std::max(w, 0.0) * std::max(h, 0.0);
    return common / ((a.x2 - a.x1) * (a.y2 - a.y1) + (b[2] - b[0]) * (b[3] - b[1]) - common);
}

}  // namespace

TEST_CASE("FastestDet's tensor of a photograph gives the expected boxes") {
    const auto folder = real_data("detect-fastestdet");
    if (!folder) return;
    const Card card = fastestdet();
    const auto tensor = read_npy(std::filesystem::path(*folder) / "output_dog_bike_car.npy");
    REQUIRE(tensor.ok());
    HeadOutput output;
    output.name = card.head.outputs[0];
    output.shape = tensor->shape;
    output.values = tensor->floats();
    const auto rect = fit_rect(card.input, 768, 576);
    REQUIRE(rect.ok());
    const auto transform = transform_of(*rect, FrameLayout::tight(PixelFormat::rgb, 768, 576));
    const auto result = detect_on_device(card, {output}, DetectionThresholds::of(card), transform);
    REQUIRE(result.ok());

    const auto expected = nlohmann::json::parse(read_text(std::filesystem::path(*folder) / "expected.json"));
    const auto &boxes = expected["dog_bike_car.jpg"];
    REQUIRE(result->detections.size() == boxes.size());
    for (size_t i = 0; i < boxes.size(); ++i) {
        const Detection &d = result->detections[i];
        CHECK(card.labels[d.class_id] == boxes[i]["label"].get<std::string>());
        CHECK(std::abs(d.score - boxes[i]["score"].get<double>()) < 1e-4);
        CHECK(overlap(d, boxes[i]["box"].get<std::vector<double>>()) > 0.999);
    }
}

#ifdef HAVE_STB_IMAGE
TEST_CASE("a photograph becomes FastestDet's input") {
    const auto folder = real_data("detect-fastestdet"), photos = real_data("photos");
    if (!folder || !photos) return;
    const auto photo = std::filesystem::path(*photos) / "dog_bike_car.jpg";
    int width = 0, height = 0, channels = 0;
    stbi_uc *const pixels = stbi_load(photo.string().c_str(), &width, &height, &channels, 3);
    REQUIRE(pixels);
    TestFrame frame;
    frame.layout = FrameLayout::tight(PixelFormat::rgb, static_cast<uint32_t>(width), static_cast<uint32_t>(height));
    frame.bytes.assign(pixels, pixels + 3 * width * height);
    stbi_image_free(pixels);
    const Card card = fastestdet();
    const auto values = preprocess_on_device(frame, card.input);
    REQUIRE(values.ok());
    CHECK(preprocess_error(*values, frame, card.input, 7) < 1e-6);

    const auto tensor = read_npy(std::filesystem::path(*folder) / "input_dog_bike_car.npy");
    REQUIRE(tensor.ok());
    const std::vector<float> expected = tensor->floats();
    const size_t plane = size_t(card.input.width) * card.input.height;
    REQUIRE(expected.size() == 3 * plane);
    double difference = 0, norm = 0, largest = 0;
    for (size_t p = 0; p < plane; ++p)
        for (size_t c = 0; c < 3; ++c) {
            const double d = (*values)[3 * p + c] - expected[c * plane + p];
            difference += d * d;
            norm += expected[c * plane + p] * expected[c * plane + p];
            largest = std::max(largest, std::abs(d));
        }
    // The reference had another JPEG decoder (a level or two) and rounded the average to whole levels of 255.
    MESSAGE("norm-wise difference " << std::sqrt(difference / norm) << ", largest " << 255 * largest << " levels");
    CHECK(std::sqrt(difference / norm) < 0.005);
}
#endif
