// Phase infer_shapes: every value's type and shape, and the values that are known when the network is loaded.

#include <limits>

#include "compute/graph/passes.h"

namespace sac {

namespace {

// Beyond these a shape can only come from a damaged file: no device holds such a tensor.
constexpr int64_t most_elements = int64_t{1} << 33;
constexpr size_t most_axes = 16;

// What may be computed on the host for each byte of the file's own constants: quantised weights become floats, floats
// are scaled, then packed.
constexpr uint64_t most_growth = 8;

uint64_t bytes_of_constants(const Graph &graph) {
    uint64_t bytes = 0;
    for (const Value &value : graph.values)
        if (value.constant) bytes += value.constant->byte_size();
    for (const Node &node : graph.nodes)
        for (const auto &[name, attribute] : node.attributes)
            if (const auto *tensor = std::get_if<HostTensor>(&attribute)) bytes += tensor->byte_size();
    return bytes;
}

Status check_shape(const Value &value, const Node &node) {
    const auto fail = [&](const char *why) {
        return Error(Code::invalid_file,
                     node.describe() + ": output '" + value.name + "' of shape " + to_string(value.shape) + " " + why);
    };
    if (!value.known)
        return Error(Code::unsupported, node.describe() + ": the operator gives no output '" + value.name + "'");
    for (const int64_t size : value.shape)
        if (size < 0) return fail("has a negative size");
    if (value.shape.size() > most_axes) return fail("has too many axes");
    if (element_count(value.shape) > most_elements) return fail("is too large");
    return {};
}

Status evaluate_node(Graph &graph, const Node &node, const Operator &op) {
    std::vector<const HostTensor *> inputs;
    static const HostTensor left_out;
    for (const ValueId id : node.inputs) {
        if (id != no_value && !graph.values[id].constant) return {};
        inputs.push_back(id == no_value ? &left_out : &*graph.values[id].constant);
    }
    uint64_t bytes = 0;  // the host computes in 64 bits
    for (const ValueId id : node.outputs)
        if (id != no_value) bytes += 8 * static_cast<uint64_t>(element_count(graph.values[id].shape));
    if (!graph.spend(bytes)) {
        if (op.plan) return {};  // then the device does it
        return Error(Code::unsupported, node.describe() + ": too much to compute while loading");
    }
    auto results = op.evaluate(node, inputs);
    if (!results) return std::move(results).error().with_context(node.describe());
    for (size_t i = 0; i < node.outputs.size() && i < results->size(); ++i) {
        if (node.outputs[i] == no_value) continue;
        Value &value = graph.values[node.outputs[i]];
        if ((*results)[i].shape != value.shape || (*results)[i].dtype != value.dtype)
            return Error(Code::internal, node.describe() + ": its value and its inferred shape disagree");
        value.constant = std::move((*results)[i]);
    }
    return {};
}

Status infer_node(Graph &graph, const Node &node, OperatorLookup lookup) {
    const Operator *op = lookup(node.domain, node.type, node.opset);
    if (!op)
        return Error(Code::unsupported, "operator " + (node.domain.empty() ? "" : node.domain + ".") + node.type +
                                            " of opset " + std::to_string(node.opset) + " (node '" + node.name +
                                            "') is not supported");
    InferContext context(graph, node);
    for (size_t i = 0; i < op->min_inputs; ++i)
        if (!context.has_input(i)) return context.error("input " + std::to_string(i) + " is missing");
    if (node.outputs.empty() || node.outputs[0] == no_value) return context.error("it has no output");
    for (const ValueId id : node.inputs)
        if (id != no_value && !graph.values[id].known)
            return context.error("input '" + graph.values[id].name + "' has no value");
    if (auto status = op->infer(context); !status) {
        // Errors of shared helpers do not know the node.
        const std::string name = node.describe();
        if (status.error().message.find(name) != std::string::npos) return status;
        return Error(status.error()).with_context(name);
    }
    bool all_constant = true;
    for (const ValueId id : node.outputs) {
        if (id == no_value) continue;
        SAC_TRY(check_shape(graph.values[id], node));
        all_constant = all_constant && graph.values[id].constant;
    }
    return op->evaluate && !all_constant ? evaluate_node(graph, node, *op) : Status();
}

}  // namespace

const Value &InferContext::input(size_t i) const {
    static const Value left_out;
    return has_input(i) ? graph_.values[node_.inputs[i]] : left_out;
}

Result<std::vector<int64_t>> InferContext::int_values(size_t i) const {
    if (!has_input(i)) return error("input " + std::to_string(i) + " is missing");
    const Value &value = input(i);
    if (!value.constant)
        return unsupported("input " + std::to_string(i) + " ('" + value.name +
                           "') is not known when the network is loaded");
    if (is_float(value.dtype)) return error("input '" + value.name + "' must hold integers");
    return value.constant->to_int64s();
}

Result<std::vector<float>> InferContext::float_values(size_t i) const {
    if (!has_input(i)) return error("input " + std::to_string(i) + " is missing");
    const Value &value = input(i);
    if (!value.constant)
        return unsupported("input " + std::to_string(i) + " ('" + value.name +
                           "') is not known when the network is loaded");
    return value.constant->to_floats();
}

void InferContext::set_output(size_t i, DType dtype, Shape shape) {
    if (i >= node_.outputs.size() || node_.outputs[i] == no_value) return;
    Value &value = graph_.values[node_.outputs[i]];
    value.dtype = dtype;
    value.shape = std::move(shape);
    value.known = true;
}

void InferContext::set_constant(size_t i, HostTensor constant) {
    set_output(i, constant.dtype, constant.shape);
    if (i < node_.outputs.size() && node_.outputs[i] != no_value)
        graph_.values[node_.outputs[i]].constant = std::move(constant);
}

Error InferContext::error(std::string text) const {
    return Error(Code::invalid_file, node_.describe() + ": " + std::move(text));
}
Error InferContext::unsupported(std::string text) const {
    return Error(Code::unsupported, node_.describe() + ": " + std::move(text));
}

Status infer_shapes(Graph &graph, OperatorLookup lookup) {
    const auto named = [&](const Status &status) {
        return status ? Status() : Status(Error(status.error()).with_context(graph.source));
    };
    for (const ValueId id : graph.inputs) {
        const Value &input = graph.values[id];
        if (!input.known || element_count(input.shape) <= 0 || element_count(input.shape) > most_elements)
            return Error(Code::invalid_file, graph.source + ": input '" + input.name + "' has the impossible shape " +
                                                 to_string(input.shape));
    }
    graph.host_budget += most_growth * bytes_of_constants(graph);
    for (const Node &node : graph.nodes)
        if (auto status = infer_node(graph, node, lookup); !status) return named(std::move(status));
    return {};
}

}  // namespace sac
