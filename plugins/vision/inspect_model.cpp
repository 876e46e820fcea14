#include "plugins/vision/inspect_model.h"

#include <algorithm>

#include "plugins/vision/plan_info.h"

namespace sac::vision {
namespace {

Error no_such(const char *what, uint32_t index, size_t count) {
    return Error(Code::not_found, format("index %u is beyond the %zu %s of the model", index, count, what));
}

uint32_t kind_of(const Layer &layer) {
    if (layer.fused) return SAC_LAYER_FUSED;
    if (layer.output) return SAC_LAYER_OUTPUT;
    return layer.node == SIZE_MAX ? SAC_LAYER_INPUT : SAC_LAYER_ACTIVATION;
}

}  // namespace

sac_running_info running_info(const ActiveModel &active) {
    const Model &model = *active.model;
    const Plan &plan = model.session().plan();
    const Card &card = model.card();
    const CardInput &input = card.input;
    sac_running_info info = {};
    info.model_id = active.id;
    info.layer_count = static_cast<uint32_t>(model.layers().size());
    info.dispatch_count = static_cast<uint32_t>(plan.dispatches.size());
    info.node_count = static_cast<uint32_t>(plan.graph.nodes.size());
    info.barrier_count =
        static_cast<uint32_t>(std::count(plan.barrier_before.begin(), plan.barrier_before.end(), true));
    info.class_count = static_cast<uint32_t>(card.labels.size());
    info.flags = active.fp16 ? uint32_t{SAC_MODEL_FP16} : 0;
    info.input_width = input.width;
    info.input_height = input.height;
    info.input_nhwc = input.layout == TensorOrder::nhwc;
    info.input_bgr = input.channels == ChannelOrder::bgr;
    info.input_fit = static_cast<uint32_t>(input.fit);
    info.input_filter = static_cast<uint32_t>(input.filter);
    info.input_scale = input.scale;
    std::copy(input.mean.begin(), input.mean.end(), info.input_mean);
    std::copy(input.std.begin(), input.std.end(), info.input_std);
    info.score_threshold = card.score_threshold;
    info.iou_threshold = card.nms_iou;
    for (const Dispatch &dispatch : plan.dispatches) info.flops += dispatch.flops;
    info.weight_bytes = bytes_of(plan).weights;
    info.arena_bytes = plan.arena_bytes;
    info.live_set_bytes = plan.live_set_bytes;
    copy_text(info.input, input.name);
    return info;
}

Result<sac_running_dispatch> running_dispatch(const ActiveModel &active, uint32_t index) {
    const Plan &plan = active.model->session().plan();
    if (index >= plan.dispatches.size()) return no_such("dispatches", index, plan.dispatches.size());
    sac_running_dispatch info = {};
    describe_dispatch(plan, index, info);
    for (const Binding &binding : plan.dispatches[index].bindings)
        (binding.write ? info.written_bytes : info.read_bytes) += plan.storages[binding.storage].bytes;
    return info;
}

Result<sac_layer_info> layer_info(const ActiveModel &active, uint32_t index) {
    const std::vector<Layer> &layers = active.model->layers();
    if (index >= layers.size()) return no_such("layers", index, layers.size());
    const Layer &layer = layers[index];
    const std::vector<Node> &nodes = active.model->session().plan().graph.nodes;
    sac_layer_info info = {};
    copy_text(info.name, layer.name);
    if (layer.node < nodes.size()) {
        copy_text(info.node, nodes[layer.node].name);
        copy_text(info.operation, nodes[layer.node].type);
    }
    info.kind = kind_of(layer);
    info.rank = static_cast<uint32_t>(layer.shape.size());
    std::copy_n(layer.shape.begin(), std::min(layer.shape.size(), std::size(info.shape)), info.shape);
    info.images = layer.images();
    info.channels = layer.channels();
    info.map_height = layer.map_height();
    info.map_width = layer.map_width();
    if (layer.fused) return info;
    info.is_half = layer.dtype == DType::f16;
    info.is_c4 = layer.layout == Layout::c4;
    info.bytes = layer.bytes;
    return info;
}

}  // namespace sac::vision
