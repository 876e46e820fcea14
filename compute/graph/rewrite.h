#pragma once
// What fold and the fusions are made with: small rewrites of a graph that keep its outputs' names.

#include "compute/graph/passes.h"

namespace sac {

/// Who writes and who reads each value, kept right by the changes that are made through it: a pass over a graph makes
/// one and takes time in proportion to the graph. Nodes keep their places; one that is removed stays as an empty node,
/// which matches no pattern, until remove_dead sweeps it out.
class Links {
public:
    explicit Links(Graph &graph);

    /// Index of the node that writes the value; SIZE_MAX for none.
    size_t producer(ValueId id) const { return id < producer_.size() ? producer_[id] : SIZE_MAX; }
    /// How many inputs of nodes, and graph outputs, read the value.
    uint32_t uses(ValueId id) const { return id < uses_.size() ? uses_[id] : 0; }
    /// The node that writes input `i` of `node`, if it is of that ONNX type and nobody else reads what it writes.
    const Node *sole_producer(const Node &node, size_t i, std::string_view type) const;

    /// Puts `node` in the place of the node at `index`. What it writes must be written by no other node.
    void replace(size_t index, Node node);
    void remove(size_t index) { replace(index, {}); }
    /// Makes everyone who reads output 0 of node `index` read its input 0, and removes the node. False (and nothing
    /// changed) where that would join two of the graph's inputs and outputs.
    bool bypass(size_t index);

private:
    Graph &graph_;
    std::vector<size_t> producer_;              ///< by value
    std::vector<uint32_t> uses_;                ///< by value
    std::vector<std::vector<size_t>> readers_;  ///< by value; may also name nodes that read it no longer
    std::vector<bool> is_output_;               ///< by value
};

/// True for a node of ONNX's own domain and that type.
bool is_a(const Node &node, std::string_view type);

/// Removes nodes whose outputs nobody reads, and lets go of constants that nobody reads.
void remove_dead(Graph &graph);

/// The single number of a constant value; nothing if it is not constant or has several elements.
std::optional<float> scalar_of(const Graph &graph, ValueId id);

/// The axes of a Transpose's input in the order in which its output has them: reversed where the node names none.
std::vector<int64_t> permutation_of(const Graph &graph, const Node &node);

/// The pads of a Pad node, begins then ends for every axis of its input; nothing if they are not known or its mode is
/// not constant.
std::optional<std::vector<int64_t>> pad_amounts(const Graph &graph, const Node &node);

}  // namespace sac
