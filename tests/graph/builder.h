#pragma once
// Graphs written down by hand, with the shapes that inference would give them.

#include <doctest/doctest.h>

#include "compute/graph/passes.h"

namespace sac::test {

class GraphBuilder {
public:
    Graph graph;

    GraphBuilder() { graph.source = "test"; }

    ValueId input(const std::string &name, Shape shape) {
        const ValueId id = value(name, std::move(shape));
        graph.inputs.push_back(id);
        return id;
    }
    ValueId floats(const std::string &name, Shape shape, const std::vector<float> &values) {
        return graph.add_constant(name, HostTensor::from_floats(std::move(shape), values));
    }
    /// Every element the same.
    ValueId filled(const std::string &name, const Shape &shape, float number) {
        return floats(name, shape, std::vector<float>(static_cast<size_t>(element_count(shape)), number));
    }
    ValueId integers(const std::string &name, const std::vector<int64_t> &values) {
        return graph.add_constant(name, HostTensor::from_int64s({static_cast<int64_t>(values.size())}, values));
    }
    /// A node named like the value it writes.
    ValueId node(const std::string &type, const std::vector<ValueId> &inputs, const std::string &output, Shape shape,
                 const std::map<std::string, Attribute, std::less<>> &attributes = {}, int opset = 13) {
        const ValueId id = value(output, std::move(shape));
        Node made;
        made.name = output;
        made.type = type;
        made.opset = opset;
        made.inputs = inputs;
        made.outputs = {id};
        made.attributes = attributes;
        graph.nodes.push_back(std::move(made));
        return id;
    }
    void output(ValueId id) { graph.outputs.push_back(id); }

private:
    ValueId value(const std::string &name, Shape shape) {
        const ValueId id = graph.add_value(name);
        graph.values[id].shape = std::move(shape);
        graph.values[id].known = true;
        return id;
    }
};

/// The operators in order: "Conv Relu saccade.ToC4".
inline std::string types_of(const Graph &graph) {
    std::string text;
    for (const Node &node : graph.nodes)
        text += (text.empty() ? "" : " ") + (node.domain.empty() ? "" : node.domain + ".") + node.type;
    return text;
}

inline std::vector<float> floats_of(const Graph &graph, ValueId id) {
    REQUIRE(id != no_value);
    REQUIRE(graph.values[id].constant);
    return graph.values[id].constant->to_floats();
}

}  // namespace sac::test
