// Phase fold: what is known when the network is loaded leaves the graph, and so does what changes nothing.

#include <algorithm>

#include "compute/graph/rewrite.h"

namespace sac {

namespace {

/// A node whose first output is its first input.
bool is_identity(const Graph &graph, const Links &links, const Node &node) {
    if (!node.domain.empty() || node.inputs.empty() || node.inputs[0] == no_value) return false;
    const Value &in = graph.values[node.inputs[0]], &out = graph.values[node.outputs[0]];
    if (node.type == "Identity") return true;
    if (node.type == "Dropout")
        return node.outputs.size() < 2 || node.outputs[1] == no_value || links.uses(node.outputs[1]) == 0 ||
               graph.values[node.outputs[1]].constant;
    if (in.shape != out.shape || !is_float(in.dtype)) return false;
    if (node.type == "Cast") return is_float(out.dtype);
    if (node.type == "Reshape" || node.type == "Flatten" || node.type == "Squeeze" || node.type == "Unsqueeze" ||
        node.type == "Expand")
        return true;
    if (node.type == "Transpose") {
        const auto perm = node.ints_or("perm", {});
        return !perm.empty() && std::is_sorted(perm.begin(), perm.end());
    }
    if (node.type == "Concat" || node.type == "Sum" || node.type == "Max" || node.type == "Min" || node.type == "Mean")
        return node.inputs.size() == 1;
    if (node.type == "Pad") {
        const auto pads = pad_amounts(graph, node);
        return pads && std::all_of(pads->begin(), pads->end(), [](int64_t pad) { return pad == 0; });
    }
    return false;
}

}  // namespace

void fold(Graph &graph) {
    // A node whose every output is known is not needed to compute them.
    std::erase_if(graph.nodes, [&](const Node &node) {
        return std::all_of(node.outputs.begin(), node.outputs.end(),
                           [&](ValueId id) { return id == no_value || graph.values[id].constant; });
    });
    Links links(graph);
    for (size_t i = 0; i < graph.nodes.size(); ++i)
        if (is_identity(graph, links, graph.nodes[i])) links.bypass(i);
    remove_dead(graph);
}

}  // namespace sac
