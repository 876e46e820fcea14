#include "tests/vision/inspect_support.h"

#include "compute/onnx/model_writer.h"
#include "tests/support/files.h"
#include "tests/support/ref.h"

namespace sac::test {

Tool::Tool() {
    REQUIRE(host.create() == SAC_OK);
    debug = static_cast<const sac_debug_api *>(host.sac.get_extension(host.context, "sac.debug/1"));
    REQUIRE(debug);
    REQUIRE(debug->version >= 2);
}

uint64_t Tool::run(const sac_frame &frame) {
    const sac_snapshot *snapshot = host.run(frame);
    REQUIRE_MESSAGE(snapshot, host.last_error());
    const uint64_t sequence = snapshot->sequence;
    release(snapshot);
    return sequence;
}

uint64_t Tool::wait(uint64_t after) {
    const sac_snapshot *snapshot = nullptr;
    REQUIRE_MESSAGE(host.sac.wait_result(host.context, after, 60000, &snapshot) == SAC_OK, host.last_error());
    host.seen = snapshot->sequence;
    release(snapshot);
    return host.seen;
}

sac_result Tool::watch(const std::vector<std::string> &tensors, uint32_t flags) {
    std::vector<const char *> names;
    names.reserve(tensors.size());
    for (const std::string &name : tensors) names.push_back(name.c_str());
    auto inspection = make_struct<sac_inspection>(SAC_TYPE_INSPECTION);
    inspection.flags = flags;
    inspection.tensor_count = static_cast<uint32_t>(names.size());
    inspection.tensors = names.data();
    return debug->set_inspection(host.context, &inspection);
}

sac_running_info Tool::running() const {
    auto info = make_struct<sac_running_info>(SAC_TYPE_RUNNING_INFO);
    REQUIRE(debug->get_running_info(host.context, &info) == SAC_OK);
    return info;
}

std::vector<sac_layer_info> Tool::layers() const {
    const sac_running_info info = running();
    std::vector<sac_layer_info> layers;
    for (uint32_t i = 0; i < info.layer_count; ++i) {
        layers.push_back(make_struct<sac_layer_info>(SAC_TYPE_LAYER_INFO));
        REQUIRE(debug->get_layer_info(host.context, info.model_id, i, &layers.back()) == SAC_OK);
    }
    return layers;
}

sac_run_state Tool::run_state() const {
    auto state = make_struct<sac_run_state>(SAC_TYPE_RUN_STATE);
    REQUIRE(debug->get_run_state(host.context, &state) == SAC_OK);
    return state;
}

sac_detect_state Tool::detect_state() const {
    auto state = make_struct<sac_detect_state>(SAC_TYPE_DETECT_STATE);
    REQUIRE(debug->get_detect_state(host.context, &state) == SAC_OK);
    return state;
}

sac_memory_info Tool::memory() const {
    auto info = make_struct<sac_memory_info>(SAC_TYPE_MEMORY_INFO);
    REQUIRE(debug->get_memory_info(host.context, &info) == SAC_OK);
    return info;
}

std::vector<sac_frame_timing> Tool::timings(uint64_t after) const {
    uint32_t count = 0;
    REQUIRE(debug->get_frame_timings(host.context, after, nullptr, 0, &count) == SAC_OK);
    std::vector<sac_frame_timing> timings(count);
    REQUIRE(debug->get_frame_timings(host.context, after, timings.data(), count, &count) == SAC_OK);
    REQUIRE(count == timings.size());
    return timings;
}

std::vector<float> Tool::tensor(const std::string &name) const {
    uint64_t count = 0;
    REQUIRE_MESSAGE(debug->read_tensor(host.context, name.c_str(), nullptr, 0, &count, nullptr) == SAC_OK,
                    host.last_error());
    std::vector<float> values(count);
    REQUIRE(debug->read_tensor(host.context, name.c_str(), values.data(), count, &count, nullptr) == SAC_OK);
    REQUIRE(count == values.size());
    return values;
}

std::vector<float> Tool::map(const std::string &name, uint32_t image, uint32_t channel) const {
    uint64_t count = 0;
    REQUIRE(debug->read_feature_map(host.context, name.c_str(), image, channel, nullptr, 0, &count, nullptr) == SAC_OK);
    std::vector<float> values(count);
    REQUIRE(debug->read_feature_map(host.context, name.c_str(), image, channel, values.data(), count, &count,
                                    nullptr) == SAC_OK);
    return values;
}

void write_layers_model(const std::filesystem::path &folder, uint64_t seed) {
    std::filesystem::create_directories(folder);
    onnx::ModelWriter model;
    const std::vector<int64_t> same = {1, 1, 1, 1};
    model.input("image", {1, 3, 32, 32});
    const auto weights = [&](const char *name, Shape shape) {
        const auto count = static_cast<size_t>(element_count(shape));
        model.floats(name, std::move(shape), random_floats(count, ++seed, -0.3, 0.3));
    };
    weights("w1", {6, 3, 3, 3});
    weights("wl", {4, 6, 1, 1});
    weights("wr", {5, 6, 1, 1});
    weights("ws", {9, 9, 1, 1});
    weights("wc", {8, 9, 1, 1});
    model.node("Conv", {"image", "w1"}, {"c1"}, {{"pads", same}}, "stem");
    model.node("Relu", {"c1"}, {"r1"}, {}, "relu");
    model.node("MaxPool", {"r1"}, {"pool"},
               {{"kernel_shape", std::vector<int64_t>{8, 8}}, {"strides", std::vector<int64_t>{8, 8}}}, "pool");
    model.node("Conv", {"pool", "wl"}, {"left"}, {}, "left");
    model.node("Conv", {"pool", "wr"}, {"right"}, {}, "right");
    model.node("Concat", {"left", "right"}, {"joined"}, {{"axis", int64_t{1}}}, "join");
    model.node("Conv", {"joined", "ws"}, {"mixed"}, {}, "mix");
    model.node("Add", {"mixed", "joined"}, {"sum"}, {}, "add");
    model.node("Conv", {"sum", "wc"}, {"logits"}, {}, "last");
    model.node("Sigmoid", {"logits"}, {"cells"}, {}, "sigmoid");
    model.output("cells");
    REQUIRE(model.save((folder / "model.onnx").string()).ok());
    write_text(folder / "card.json", R"({
        "name": "layers", "task": "detect", "file": "model.onnx",
        "input": {"name": "image", "width": 32, "height": 32, "fit": "letterbox", "filter": "bilinear",
                  "channels": "bgr", "layout": "NCHW", "scale": 0.00392156862745098, "mean": [0.5, 0.25, 0.125],
                  "std": [0.5, 0.25, 2], "pad": [114, 114, 114]},
        "head": {"type": "fastestdet", "output": "cells"},
        "labels": ["a", "b", "c"],
        "thresholds": {"score": 0.4, "nms_iou": 0.45},
        "max_detections": 50, "class_aware": true, "licence": "none", "source": "made by a test"})");
}

}  // namespace sac::test
