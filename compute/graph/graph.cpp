#include "compute/graph/graph.h"

namespace sac {

namespace {

template <class T, class Fallback>
T attribute_or(const Node &node, std::string_view key, Fallback fallback) {
    const Attribute *attribute = node.find(key);
    const T *value = attribute ? std::get_if<T>(attribute) : nullptr;
    return value ? *value : T(std::move(fallback));
}

}  // namespace

const Attribute *Node::find(std::string_view key) const {
    const auto at = attributes.find(key);
    return at == attributes.end() ? nullptr : &at->second;
}

int64_t Node::int_or(std::string_view key, int64_t fallback) const {
    return attribute_or<int64_t>(*this, key, fallback);
}
float Node::float_or(std::string_view key, float fallback) const { return attribute_or<float>(*this, key, fallback); }
std::string Node::string_or(std::string_view key, std::string_view fallback) const {
    return attribute_or<std::string>(*this, key, fallback);
}
std::vector<int64_t> Node::ints_or(std::string_view key, std::vector<int64_t> fallback) const {
    return attribute_or<std::vector<int64_t>>(*this, key, std::move(fallback));
}

std::string Node::describe() const { return (domain.empty() ? "" : domain + ".") + type + " '" + name + "'"; }

bool Graph::spend(uint64_t bytes) {
    if (bytes > host_budget) return false;
    host_budget -= bytes;
    return true;
}

ValueId Graph::add_value(std::string name) {
    Value value;
    value.name = std::move(name);
    values.push_back(std::move(value));
    return static_cast<ValueId>(values.size() - 1);
}

ValueId Graph::add_constant(std::string name, HostTensor tensor) {
    const ValueId id = add_value(std::move(name));
    Value &value = values[id];
    value.dtype = tensor.dtype;
    value.shape = tensor.shape;
    value.known = true;
    value.constant = std::move(tensor);
    return id;
}

std::vector<size_t> Graph::producers() const {
    std::vector<size_t> producer(values.size(), SIZE_MAX);
    for (size_t i = 0; i < nodes.size(); ++i)
        for (const ValueId output : nodes[i].outputs)
            if (output != no_value) producer[output] = i;
    return producer;
}

std::vector<uint32_t> Graph::use_counts() const {
    std::vector<uint32_t> uses(values.size(), 0);
    for (const Node &node : nodes)
        for (const ValueId input : node.inputs)
            if (input != no_value) ++uses[input];
    for (const ValueId output : outputs) ++uses[output];
    return uses;
}

std::vector<size_t> Graph::sole_readers() const {
    std::vector<size_t> reader(values.size(), SIZE_MAX);
    const std::vector<uint32_t> uses = use_counts();
    for (size_t i = 0; i < nodes.size(); ++i)
        for (const ValueId input : nodes[i].inputs)
            if (input != no_value && uses[input] == 1) reader[input] = i;
    return reader;
}

std::optional<ValueId> Graph::find_value(std::string_view name) const {
    for (size_t i = 0; i < values.size(); ++i)
        if (values[i].name == name) return static_cast<ValueId>(i);
    return std::nullopt;
}

Status bind_dimensions(Graph &graph, const std::map<std::string, int64_t, std::less<>> &bindings) {
    std::map<std::string_view, bool> used;
    for (const auto &[key, value] : bindings) {
        if (value <= 0)
            return Error(Code::invalid_argument,
                         graph.source + ": dimension '" + key + "' is bound to " + std::to_string(value));
        used[key] = false;
    }
    std::string missing;
    for (const ValueId id : graph.inputs) {
        Value &input = graph.values[id];
        if (input.known) continue;  // made in memory with its shape
        input.shape.clear();
        for (size_t axis = 0; axis < input.declared.size(); ++axis) {
            const Dimension &dimension = input.declared[axis];
            const std::string key =
                dimension.symbol.empty() ? input.name + ":" + std::to_string(axis) : dimension.symbol;
            int64_t size = dimension.value;
            if (const auto bound = bindings.find(key); bound != bindings.end()) {
                used[bound->first] = true;
                if (size < 0) size = bound->second;
            } else if (size < 0 && axis == 0) {
                size = 1;
            }
            if (size < 0)
                missing += (missing.empty() ? "" : ", ") + ("axis " + std::to_string(axis)) + " of input '" +
                           input.name + "' (dimension '" + key + "')";
            if (size == 0)
                return Error(Code::invalid_file, graph.source + ": axis " + std::to_string(axis) + " of input '" +
                                                     input.name + "' has size 0");
            input.shape.push_back(size);
        }
        input.known = true;
    }
    if (!missing.empty()) return Error(Code::invalid_argument, graph.source + ": no size is given for " + missing);
    for (const auto &[key, seen] : used)
        if (!seen)
            return Error(Code::invalid_argument,
                         graph.source + ": no input has a dimension '" + std::string(key) + "' to bind");
    return {};
}

}  // namespace sac
