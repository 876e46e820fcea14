#include "tests/vision/abi_support.h"

#include <doctest/doctest.h>

#include <cmath>

#include "compute/onnx/model_writer.h"
#include "plugins/vision/handles.h"
#include "tests/support/device.h"
#include "tests/support/files.h"

namespace sac::test {

sac_api api() {
    sac_api table = {};
    table.size = sizeof table;
    REQUIRE(sac_get_api(SAC_MAJOR, &table) == SAC_OK);
    return table;
}

TestHost::TestHost() : sac(api()) {
    table = make_struct<sac_host>(SAC_TYPE_HOST);
    table.user = this;
    table.log = log;
    desc = make_struct<sac_context_desc>(SAC_TYPE_CONTEXT_DESC);
    desc.host = &table;
    desc.cache_directory = "";
    desc.flags = validation_enabled() ? uint32_t{SAC_CONTEXT_VALIDATION} : 0;
}

TestHost::~TestHost() {
    if (context.id) CHECK(destroy() == SAC_OK);
}

sac_result TestHost::create() {
    const sac_result result = sac.create_context(&desc, &context);
    if (result != SAC_OK) MESSAGE(last_error());
    return result;
}

sac_result TestHost::create_patched(const vision::PatchFunctions &patch) {
    auto created = vision::Context::create(&desc, patch);
    if (!created.ok()) {
        vision::registry().keep_error(created.error());
        return static_cast<sac_result>(created.error().code);
    }
    context.id = vision::registry().add(std::move(created).value());
    return SAC_OK;
}

sac_result TestHost::destroy() {
    const sac_result result = sac.destroy_context(context);
    context = {};
    return result;
}

std::string TestHost::last_error() const {
    char text[1024];
    sac.get_last_error(context, text, sizeof text);
    return text;
}

sac_result TestHost::load_result(const std::filesystem::path &folder, uint32_t flags) {
    auto model = make_struct<sac_model_desc>(SAC_TYPE_MODEL_DESC);
    const std::string path = folder.string();
    model.folder = path.c_str();
    model.flags = flags;
    uint32_t id = 0;
    if (const sac_result asked = sac.load_model(context, &model, &id); asked != SAC_OK) return asked;
    return sac.wait_model(context, id, 60000);
}

uint32_t TestHost::load(const std::filesystem::path &folder, uint32_t flags) {
    REQUIRE_MESSAGE(load_result(folder, flags) == SAC_OK, last_error());
    auto info = make_struct<sac_model_info>(SAC_TYPE_MODEL_INFO);
    REQUIRE(sac.get_model_info(context, 0, &info) == SAC_OK);
    return info.id;
}

const sac_snapshot *TestHost::run(const sac_frame &frame) {
    if (sac.submit_frame(context, &frame) != SAC_OK) return nullptr;
    const sac_snapshot *snapshot = nullptr;
    if (sac.wait_result(context, seen, 60000, &snapshot) == SAC_OK) seen = snapshot->sequence;
    return snapshot;
}

sac_statistics TestHost::statistics() const {
    auto statistics = make_struct<sac_statistics>(SAC_TYPE_STATISTICS);
    REQUIRE(sac.get_statistics(context, &statistics) == SAC_OK);
    return statistics;
}

std::vector<std::string> TestHost::logged() const {
    const std::lock_guard lock(mutex_);
    return logged_;
}

void TestHost::log(void *user, int32_t, const char *message) {
    auto &self = *static_cast<TestHost *>(user);
    if (std::string_view(message).starts_with("validation:")) report_validation_message(message);
    const std::lock_guard lock(self.mutex_);
    self.logged_.emplace_back(message);
}

void write_color_model(const std::filesystem::path &folder, const std::string &name, int extra_layers) {
    std::filesystem::create_directories(folder);
    onnx::ModelWriter model;
    model.input("image", {1, 3, 32, 32});
    std::string last = "image";
    if (extra_layers > 0) {
        std::vector<float> same(3 * 3 * 9, 0.0f);
        for (size_t c = 0; c < 3; ++c) same[(c * 3 + c) * 9 + 4] = 1;
        model.floats("same", {3, 3, 3, 3}, same);
    }
    for (int i = 0; i < extra_layers; ++i) {
        const std::string next = "same" + std::to_string(i);
        model.node("Conv", {last, "same"}, {next}, {{"pads", std::vector<int64_t>{1, 1, 1, 1}}});
        last = next;
    }
    // Channels: objectness (the mean of all colours), 4 box numbers (constants), the mean of each colour.
    std::vector<float> weights(8 * 3 * 64, 0.0f), bias(8, 0.0f);
    const auto fill = [&](size_t output, size_t channel) {
        for (size_t i = 0; i < 64; ++i) weights[(output * 3 + channel) * 64 + i] = 1.0f / 64;
    };
    for (size_t channel = 0; channel < 3; ++channel) {
        fill(0, channel);
        fill(5 + channel, channel);
    }
    bias[1] = bias[2] = static_cast<float>(std::atanh(0.5));        // centre: half a cell on
    bias[3] = bias[4] = static_cast<float>(std::log(0.25 / 0.75));  // size: a quarter of the picture
    model.floats("w", {8, 3, 8, 8}, weights);
    model.floats("b", {8}, bias);
    model.node("Conv", {last, "w", "b"}, {"cells"}, {{"strides", std::vector<int64_t>{8, 8}}});
    model.output("cells");
    REQUIRE(model.save((folder / "model.onnx").string()).ok());
    write_text(folder / "card.json", R"({
        "name": ")" + name + R"(", "task": "detect", "file": "model.onnx",
        "input": {"name": "image", "width": 32, "height": 32, "fit": "stretch", "filter": "area", "channels": "rgb",
                  "layout": "NCHW", "scale": 0.00392156862745098, "mean": [0, 0, 0], "std": [1, 1, 1]},
        "head": {"type": "fastestdet", "output": "cells"},
        "labels": ["red", "green", "blue"],
        "thresholds": {"score": 0.5, "nms_iou": 0.45},
        "max_detections": 100, "class_aware": true, "licence": "none", "source": "made by a test"})");
}

ColorFrame::ColorFrame(uint32_t format, uint32_t cell, uint32_t column, uint32_t row, uint32_t color) {
    const uint32_t step = format == SAC_FORMAT_RGB8 ? 3 : 4, side = 4 * cell;
    pixels.assign(size_t{side} * side * step, 0);
    const uint32_t channel = format == SAC_FORMAT_BGRA8 ? 2 - color : color;
    for (uint32_t y = row * cell; y < (row + 1) * cell; ++y)
        for (uint32_t x = column * cell; x < (column + 1) * cell; ++x) pixels[(y * side + x) * step + channel] = 255;
    frame = make_struct<sac_frame>(SAC_TYPE_FRAME);
    frame.width = frame.height = side;
    frame.format = format;
    frame.planes[0] = pixels.data();
    frame.strides[0] = side * step;
}

void check_color(const sac_snapshot *snapshot, uint32_t cell, uint32_t column, uint32_t row, uint32_t color) {
    REQUIRE(snapshot != nullptr);
    REQUIRE(snapshot->detection_count == 1);
    const sac_detection &detection = snapshot->detections[0];
    const auto near = [&](float actual, uint32_t expected) {
        return std::abs(actual - static_cast<float>(expected)) < 0.02f * static_cast<float>(cell);
    };
    CHECK(near(detection.x1, column * cell));
    CHECK(near(detection.y1, row * cell));
    CHECK(near(detection.x2, (column + 1) * cell));
    CHECK(near(detection.y2, (row + 1) * cell));
    CHECK(detection.score == doctest::Approx(1).epsilon(2e-3));
    CHECK(detection.class_id == color);
    const char *const labels[] = {"red", "green", "blue"};
    CHECK(std::string(detection.label) == labels[color]);
}

}  // namespace sac::test
