#include "compute/graph/rewrite.h"

#include <algorithm>

namespace sac {

Links::Links(const Graph &graph) : producer(graph.producers()), uses(graph.use_counts()) {}

Node *Links::sole_producer(Graph &graph, const Node &node, size_t i, std::string_view type) const {
    if (i >= node.inputs.size() || node.inputs[i] == no_value) return nullptr;
    const ValueId id = node.inputs[i];
    if (uses[id] != 1 || producer[id] == SIZE_MAX) return nullptr;
    Node &writer = graph.nodes[producer[id]];
    return is_a(writer, type) && writer.outputs[0] == id ? &writer : nullptr;
}

bool is_a(const Node &node, std::string_view type) { return node.domain.empty() && node.type == type; }

bool bypass(Graph &graph, size_t index) {
    const ValueId from = graph.nodes[index].inputs[0], to = graph.nodes[index].outputs[0];
    const auto is_in = [](const std::vector<ValueId> &list, ValueId id) {
        return std::find(list.begin(), list.end(), id) != list.end();
    };
    const auto producer = graph.producers();
    // A graph output keeps its value: then it is the producer that writes `to` at once.
    const bool keep_output = is_in(graph.outputs, to);
    if (keep_output && (is_in(graph.outputs, from) || producer[from] == SIZE_MAX)) return false;
    const ValueId gone = keep_output ? from : to, kept = keep_output ? to : from;
    if (keep_output)
        for (ValueId &output : graph.nodes[producer[from]].outputs)
            if (output == gone) output = kept;
    graph.nodes.erase(graph.nodes.begin() + static_cast<std::ptrdiff_t>(index));
    for (Node &node : graph.nodes)
        for (ValueId &input : node.inputs)
            if (input == gone) input = kept;
    return true;
}

void remove_dead(Graph &graph) {
    std::vector<uint32_t> uses = graph.use_counts();
    std::vector<bool> dead(graph.nodes.size(), false);
    // Backwards, so that a node is seen after all that read it.
    for (size_t i = graph.nodes.size(); i-- > 0;) {
        const Node &node = graph.nodes[i];
        dead[i] = std::all_of(node.outputs.begin(), node.outputs.end(),
                              [&](ValueId id) { return id == no_value || uses[id] == 0; });
        if (!dead[i]) continue;
        for (const ValueId input : node.inputs)
            if (input != no_value) --uses[input];
    }
    std::vector<Node> alive;
    for (size_t i = 0; i < graph.nodes.size(); ++i)
        if (!dead[i]) alive.push_back(std::move(graph.nodes[i]));
    graph.nodes = std::move(alive);
    for (size_t i = 0; i < graph.values.size(); ++i)
        if (uses[i] == 0) graph.values[i].constant.reset();
}

std::optional<float> scalar_of(const Graph &graph, ValueId id) {
    if (id == no_value) return std::nullopt;
    const auto &constant = graph.values[id].constant;
    if (!constant || element_count(constant->shape) != 1) return std::nullopt;
    return constant->to_floats().at(0);
}

std::optional<std::vector<int64_t>> pad_amounts(const Graph &graph, const Node &node) {
    if (node.string_or("mode", "constant") != "constant") return std::nullopt;
    const size_t rank = graph.values[node.inputs[0]].shape.size();
    std::vector<int64_t> given = node.ints_or("pads", {});  // an attribute before opset 11
    if (node.inputs.size() > 1 && node.inputs[1] != no_value) {
        const auto &constant = graph.values[node.inputs[1]].constant;
        if (!constant) return std::nullopt;
        given = constant->to_int64s();
    }
    if (node.inputs.size() < 4 || node.inputs[3] == no_value)
        return given.size() == 2 * rank ? std::optional(given) : std::nullopt;
    const auto &axes = graph.values[node.inputs[3]].constant;
    if (!axes) return std::nullopt;
    const std::vector<int64_t> list = axes->to_int64s();
    if (given.size() != 2 * list.size()) return std::nullopt;
    std::vector<int64_t> pads(2 * rank, 0);
    for (size_t i = 0; i < list.size(); ++i) {
        const int64_t axis = list[i] < 0 ? list[i] + static_cast<int64_t>(rank) : list[i];
        if (axis < 0 || axis >= static_cast<int64_t>(rank)) return std::nullopt;
        pads[static_cast<size_t>(axis)] = given[i];
        pads[static_cast<size_t>(axis) + rank] = given[i + list.size()];
    }
    return pads;
}

}  // namespace sac
