#pragma once
// What fold and the fusions are made with: small rewrites of a graph that keep its outputs' names.

#include "compute/graph/passes.h"

namespace sac {

/// Who reads and writes what, kept for one round of a fusion. Stale once the graph changes.
struct Links {
    explicit Links(const Graph &graph);
    std::vector<size_t> producer;  ///< by value: index of the node that writes it, SIZE_MAX for none
    std::vector<uint32_t> uses;    ///< by value: nodes and graph outputs that read it

    /// The node that writes input `i` of `node`, if it is of that ONNX type and nobody else reads what it writes.
    Node *sole_producer(Graph &graph, const Node &node, size_t i, std::string_view type) const;
};

/// True for a node of ONNX's own domain and that type.
bool is_a(const Node &node, std::string_view type);

/// Makes everyone who reads output 0 of node `index` read its input 0, and removes the node. False (and nothing
/// changed) where that would join a graph input and a graph output.
bool bypass(Graph &graph, size_t index);

/// Removes nodes whose outputs nobody reads, and lets go of constants that nobody reads.
void remove_dead(Graph &graph);

/// The single number of a constant value; nothing if it is not constant or has several elements.
std::optional<float> scalar_of(const Graph &graph, ValueId id);

/// The pads of a Pad node, begins then ends for every axis of its input; nothing if they are not known or its mode is
/// not constant.
std::optional<std::vector<int64_t>> pad_amounts(const Graph &graph, const Node &node);

}  // namespace sac
