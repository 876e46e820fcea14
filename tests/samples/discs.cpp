#include "tests/samples/discs.h"

#include <doctest/doctest.h>

#include <cmath>

#include "compute/onnx/model_writer.h"
#include "tests/support/files.h"

namespace sac::test {

void write_disc_model(const std::filesystem::path &folder) {
    constexpr int64_t window = 32;
    const auto tent = [](size_t i) { return 1 - std::abs((static_cast<double>(i) - 15.5) / 16); };
    double sum = 0;
    for (size_t i = 0; i < size_t{window * window}; ++i) sum += tent(i / window) * tent(i % window);
    std::vector<float> weights;
    for (size_t color = 0; color < 3; ++color)
        for (size_t channel = 0; channel < 3; ++channel)
            for (size_t i = 0; i < size_t{window * window}; ++i)
                weights.push_back(
                    static_cast<float>((color == channel ? 1 : -1) * tent(i / window) * tent(i % window) / sum));
    // Objectness, four numbers of the box, three classes: all but the classes are constants.
    std::vector<float> heads(8 * 3, 0.0f);
    for (size_t color = 0; color < 3; ++color) heads[(5 + color) * 3 + color] = 1;
    const auto logit = [](double p) { return static_cast<float>(std::log(p / (1 - p))); };
    const auto half_a_cell = static_cast<float>(std::atanh(0.5));
    const std::vector<float> bias = {1, half_a_cell, half_a_cell, logit(0.2), logit(0.25), 0, 0, 0};

    onnx::ModelWriter model;
    model.input("image", {1, 3, 120, 160});
    model.floats("weights", {3, 3, window, window}, weights);
    model.node("Conv", {"image", "weights"}, {"colors"},
               {{"strides", std::vector<int64_t>{4, 4}}, {"pads", std::vector<int64_t>{14, 14, 14, 14}}});
    model.node("Relu", {"colors"}, {"classes"});
    model.floats("heads", {8, 3, 1, 1}, heads);
    model.floats("bias", {8}, bias);
    model.node("Conv", {"classes", "heads", "bias"}, {"cells"});
    model.output("cells");
    REQUIRE(model.save((folder / "model.onnx").string()).ok());
    write_text(folder / "card.json", R"({
        "name": "discs", "task": "detect", "file": "model.onnx",
        "input": {"name": "image", "width": 160, "height": 120, "fit": "stretch", "filter": "area", "channels": "rgb",
                  "layout": "NCHW", "scale": 0.00392156862745098, "mean": [0, 0, 0], "std": [1, 1, 1]},
        "head": {"type": "fastestdet", "output": "cells"},
        "labels": ["red", "green", "blue"],
        "thresholds": {"score": 0.4, "nms_iou": 0.05},
        "max_detections": 100, "class_aware": true, "licence": "none", "source": "made by a test"})");
}

}  // namespace sac::test
