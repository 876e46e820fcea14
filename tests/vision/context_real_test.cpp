// labels: real
// Photographs through the C ABI with public weights: the boxes that a reference implementation gives.

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "tests/support/files.h"
#include "tests/vision/abi_support.h"

#if __has_include(<stb/stb_image.h>)
#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#include <stb/stb_image.h>

using namespace sac::test;

namespace {

struct Found {
    std::string label;
    double score;
    std::array<double, 4> box;
};

double overlap(const std::array<double, 4> &a, const std::array<double, 4> &b) {
    const double w = std::min(a[2], b[2]) - std::max(a[0], b[0]), h = std::min(a[3], b[3]) - std::max(a[1], b[1]);
    const double common = std::max(w, 0.0) * std::max(h, 0.0);
    return common / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - common);
}

// Another JPEG decoder moves pixels by a level or two, and with them scores by up to 0.02.
constexpr double same_overlap = 0.98, same_score = 0.02, sure_score = 0.58;

bool has_counterpart(const Found &one, const std::vector<Found> &others) {
    return std::any_of(others.begin(), others.end(), [&](const Found &other) {
        return one.label == other.label && overlap(one.box, other.box) > same_overlap &&
               std::abs(one.score - other.score) <= same_score;
    });
}

}  // namespace

TEST_CASE("FastestDet finds on five photographs what it should") {
    const auto folder = real_data("detect-fastestdet");
    const auto photos = real_data("photos");
    if (!folder || !photos) return;
    const auto expected_all = nlohmann::json::parse(read_text(std::filesystem::path(*folder) / "expected.json"));
    CHECK(expected_all.size() == 5);
    for (const bool half : {false, true}) {
        TestHost host;
        REQUIRE(host.create() == SAC_OK);
        auto model = make_struct<sac_model_desc>(SAC_TYPE_MODEL_DESC);
        const std::string card = SACCADE_SOURCE_DIR "/assets/models/fastestdet";
        const std::string weights = (std::filesystem::path(*folder) / "FastestDet.onnx").string();
        model.folder = card.c_str();
        model.weights = weights.c_str();
        model.flags = half ? uint32_t{SAC_MODEL_FP16} : 0;
        REQUIRE(host.sac.load_model(host.context, &model, nullptr) == SAC_OK);
        REQUIRE_MESSAGE(host.sac.wait_model(host.context, 0, 120000) == SAC_OK, host.last_error());
        for (const auto &photo : expected_all.items()) {
            const std::string &name = photo.key();
            const auto &boxes = photo.value();
            CAPTURE(name);
            CAPTURE(half);
            int width = 0, height = 0, channels = 0;
            const std::string path = (std::filesystem::path(*photos) / name).string();
            unsigned char *pixels = stbi_load(path.c_str(), &width, &height, &channels, 3);
            REQUIRE(pixels);
            auto frame = make_struct<sac_frame>(SAC_TYPE_FRAME);
            frame.width = static_cast<uint32_t>(width);
            frame.height = static_cast<uint32_t>(height);
            frame.format = SAC_FORMAT_RGB8;
            frame.planes[0] = pixels;
            frame.strides[0] = 3 * frame.width;
            const sac_snapshot *snapshot = host.run(frame);
            stbi_image_free(pixels);
            REQUIRE_MESSAGE(snapshot, host.last_error());
            std::vector<Found> found, expected;
            for (uint32_t i = 0; i < snapshot->detection_count; ++i) {
                const sac_detection &d = snapshot->detections[i];
                found.push_back({d.label, d.score, {d.x1, d.y1, d.x2, d.y2}});
            }
            CHECK(host.sac.release_result(host.context, snapshot) == SAC_OK);
            for (const auto &box : boxes) {
                Found one = {box["label"], box["score"], box["box"].get<std::array<double, 4>>()};
                one.box = {std::clamp<double>(one.box[0], 0, width), std::clamp<double>(one.box[1], 0, height),
                           std::clamp<double>(one.box[2], 0, width), std::clamp<double>(one.box[3], 0, height)};
                expected.push_back(one);
            }
            for (const Found &one : expected)
                if (one.score > sure_score) CHECK_MESSAGE(has_counterpart(one, found), one.label << " " << one.score);
            for (const Found &one : found)
                if (one.score > sure_score)
                    CHECK_MESSAGE(has_counterpart(one, expected), one.label << " " << one.score);
        }
    }
}

#endif
