#include "compute/graph/rewrite.h"

#include <algorithm>
#include <utility>

namespace sac {

Links::Links(Graph &graph)
    : graph_(graph),
      producer_(graph.producers()),
      uses_(graph.use_counts()),
      readers_(graph.values.size()),
      is_output_(graph.values.size(), false) {
    for (size_t i = 0; i < graph.nodes.size(); ++i)
        for (const ValueId input : graph.nodes[i].inputs)
            if (input != no_value) readers_[input].push_back(i);
    for (const ValueId output : graph.outputs) is_output_[output] = true;
}

const Node *Links::sole_producer(const Node &node, size_t i, std::string_view type) const {
    if (i >= node.inputs.size() || node.inputs[i] == no_value) return nullptr;
    const ValueId id = node.inputs[i];
    if (uses(id) != 1 || producer(id) == SIZE_MAX) return nullptr;
    const Node &writer = graph_.nodes[producer(id)];
    return is_a(writer, type) && writer.outputs[0] == id ? &writer : nullptr;
}

void Links::replace(size_t index, Node node) {
    // Constants may have been added since the last change.
    producer_.resize(graph_.values.size(), SIZE_MAX);
    uses_.resize(graph_.values.size(), 0);
    readers_.resize(graph_.values.size());
    is_output_.resize(graph_.values.size(), false);

    const Node old = std::exchange(graph_.nodes[index], std::move(node));
    for (const ValueId input : old.inputs)
        if (input != no_value) --uses_[input];
    for (const ValueId output : old.outputs)
        if (output != no_value) producer_[output] = SIZE_MAX;
    for (const ValueId input : graph_.nodes[index].inputs) {
        if (input == no_value) continue;
        ++uses_[input];
        readers_[input].push_back(index);
    }
    for (const ValueId output : graph_.nodes[index].outputs)
        if (output != no_value) producer_[output] = index;
}

bool Links::bypass(size_t index) {
    const ValueId from = graph_.nodes[index].inputs[0], to = graph_.nodes[index].outputs[0];
    const size_t writer = producer(from);
    // A graph output keeps its value: then it is the producer that writes `to` at once.
    const bool keep_output = is_output_[to];
    if (keep_output && (is_output_[from] || writer == SIZE_MAX)) return false;
    const ValueId gone = keep_output ? from : to, kept = keep_output ? to : from;
    remove(index);
    if (keep_output) {
        Node node = graph_.nodes[writer];
        std::replace(node.outputs.begin(), node.outputs.end(), gone, kept);
        replace(writer, std::move(node));
    }
    for (const size_t reader : std::exchange(readers_[gone], {})) {
        for (ValueId &input : graph_.nodes[reader].inputs) {
            if (input != gone) continue;
            input = kept;
            --uses_[gone];
            ++uses_[kept];
            readers_[kept].push_back(reader);
        }
    }
    return true;
}

bool is_a(const Node &node, std::string_view type) { return node.domain.empty() && node.type == type; }

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
    for (size_t i = 0; i < graph.values.size(); ++i) {
        Value &value = graph.values[i];
        if (uses[i] != 0 || !value.constant) continue;
        value.constant.reset();
        value.known = false;
    }
}

std::optional<float> scalar_of(const Graph &graph, ValueId id) {
    if (id == no_value) return std::nullopt;
    const auto &constant = graph.values[id].constant;
    if (!constant || element_count(constant->shape) != 1) return std::nullopt;
    return constant->to_floats().at(0);
}

std::vector<int64_t> permutation_of(const Graph &graph, const Node &node) {
    const size_t rank = graph.values[node.inputs[0]].shape.size();
    std::vector<int64_t> perm = node.ints_or("perm", {});
    if (perm.empty())
        for (size_t i = rank; i-- > 0;) perm.push_back(static_cast<int64_t>(i));
    return perm;
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
