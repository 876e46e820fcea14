#include "compute/session_layers.h"

#include <algorithm>
#include <cstring>

#include "compute/base/half.h"

namespace sac {
namespace {

constexpr uint32_t no_storage = UINT32_MAX;

bool is_conversion(const Node &node) {
    return node.domain == "saccade" && (node.type == "ToC4" || node.type == "ToDense" || node.type == "Convert");
}

/// By value, for graph outputs that a conversion makes: the value that it reads, which the layout pass has put in their
/// place.
std::vector<ValueId> stand_ins(const Graph &graph, const std::vector<size_t> &producers) {
    std::vector<ValueId> stand_in(graph.values.size(), no_value);
    for (const ValueId id : graph.outputs)
        if (producers[id] != SIZE_MAX && is_conversion(graph.nodes[producers[id]]))
            stand_in[id] = graph.nodes[producers[id]].inputs[0];
    return stand_in;
}

/// Where the channels of a value lie that was written in its place in a concatenation.
struct Place {
    ValueId whole = no_value;
    int64_t channel = 0;
};

Place place_in_concat(const Plan &plan, ValueId id) {
    const Node &concat = plan.graph.nodes[plan.sole_reader[id]];
    Place place = {concat.outputs[0], 0};
    for (const ValueId input : concat.inputs) {
        if (input == id) break;
        place.channel += plan.graph.values[input].shape[1];
    }
    return place;
}

/// By storage, the dispatches that write it, in ascending order.
std::vector<std::vector<uint32_t>> writers_of(const Plan &plan) {
    std::vector<std::vector<uint32_t>> writers(plan.storages.size());
    for (uint32_t i = 0; i < plan.dispatches.size(); ++i)
        for (const Binding &binding : plan.dispatches[i].bindings)
            if (binding.write) writers[binding.storage].push_back(i);
    return writers;
}

/// Dispatches after which what node `node` writes to a storage is there: the last of its own and of those before it
/// that write there (one that only gives the memory another shape has none of its own).
uint32_t complete_after(const Plan &plan, const std::vector<uint32_t> &writers, size_t node) {
    uint32_t after = 0;
    for (const uint32_t writer : writers)
        if (plan.dispatches[writer].node <= node) after = writer + 1;
    return after;
}

/// Fills in where the value lies; false if nothing makes it.
bool locate(const Plan &plan, const std::vector<std::vector<uint32_t>> &writers, ValueId id, size_t producer,
            Layer &layer) {
    const Value &value = plan.graph.values[id];
    ValueId whole = id;
    if (plan.placed[id]) {
        const Place place = place_in_concat(plan, id);
        whole = place.whole;
        layer.begin = static_cast<size_t>(place.channel);
    }
    layer.storage = plan.value_storage[whole];
    if (layer.storage == no_storage || plan.storages[layer.storage].buffer == UINT32_MAX) return false;
    layer.bytes = plan.storages[layer.storage].bytes;
    layer.dtype = value.storage;
    layer.layout = value.layout;
    if (value.layout == Layout::c4) layer.row = static_cast<size_t>(round_up(plan.graph.values[whole].shape[1], 4));
    if (producer != SIZE_MAX) layer.after = complete_after(plan, writers[layer.storage], producer);
    return true;
}

}  // namespace

uint32_t Layer::map_height() const {
    int64_t height = 1;
    for (size_t axis = 2; axis + 1 < shape.size(); ++axis) height *= shape[axis];
    return static_cast<uint32_t>(height);
}

std::vector<Layer> layers_of(const Plan &plan) {
    const Graph &graph = plan.graph;
    const std::vector<size_t> producers = graph.producers();
    const std::vector<std::vector<uint32_t>> writers = writers_of(plan);
    const std::vector<ValueId> stand_in = stand_ins(graph, producers);
    std::vector<bool> stands_in(graph.values.size(), false);
    for (const ValueId id : stand_in)
        if (id != no_value) stands_in[id] = true;
    const auto is_in = [](const std::vector<ValueId> &list, ValueId id) {
        return std::find(list.begin(), list.end(), id) != list.end();
    };
    std::vector<std::pair<size_t, Layer>> found;  // with the node after which it comes
    size_t place = 0;
    for (ValueId id = 0; id < graph.values.size(); ++id) {
        const Value &value = graph.values[id];
        const bool input = is_in(graph.inputs, id);
        Layer layer;
        layer.output = is_in(graph.outputs, id);
        if (!value.known || !is_float(value.dtype) || (value.constant && !layer.output)) continue;
        const size_t producer = producers[id];
        if (producer != SIZE_MAX && is_conversion(graph.nodes[producer]) && !layer.output) continue;
        if (stands_in[id]) continue;
        layer.node = stand_in[id] == no_value ? producer : producers[stand_in[id]];
        layer.name = value.name;
        layer.shape = value.shape;
        const bool made = input || value.constant || layer.node != SIZE_MAX;
        layer.fused = !made || !locate(plan, writers, id, producer, layer);
        if (input)
            found.emplace_back(0, std::move(layer));
        else
            found.emplace_back(place = made && layer.node != SIZE_MAX ? layer.node + 1 : std::max<size_t>(place, 1),
                               std::move(layer));
    }
    std::stable_sort(found.begin(), found.end(), [](const auto &a, const auto &b) { return a.first < b.first; });
    std::vector<Layer> layers;
    layers.reserve(found.size());
    for (auto &[order, layer] : found) layers.push_back(std::move(layer));
    return layers;
}

void read_layer(const Layer &layer, const std::byte *storage, size_t first, std::span<float> values) {
    const auto element = [&](size_t k) {
        if (layer.dtype == DType::f16) {
            uint16_t half = 0;
            std::memcpy(&half, storage + k * sizeof half, sizeof half);
            return half_to_float(half);
        }
        float value = 0;
        std::memcpy(&value, storage + k * sizeof value, sizeof value);
        return value;
    };
    if (layer.layout == Layout::dense) {
        for (size_t i = 0; i < values.size(); ++i) values[i] = element(first + i);
        return;
    }
    // One feature map after another.
    const size_t pixels = layer.map_size(), channels = layer.channels();
    for (size_t done = 0; done < values.size();) {
        const size_t pixel = (first + done) % pixels, plane = (first + done) / pixels;
        const size_t start = plane / channels * pixels * layer.row + layer.begin + plane % channels;
        const size_t end = std::min(values.size(), done + pixels - pixel);
        for (size_t k = start + pixel * layer.row; done < end; ++done, k += layer.row) values[done] = element(k);
    }
}

}  // namespace sac
