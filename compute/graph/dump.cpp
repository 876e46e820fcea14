// Readable listings of graphs and plans.

#include <cinttypes>

#include "compute/base/format.h"
#include "compute/graph/plan.h"

namespace sac {

namespace {

const char *name_of(Activation activation) {
    switch (activation) {
        case Activation::none: return "none";
        case Activation::relu: return "relu";
        case Activation::clip: return "clip";
        case Activation::leaky_relu: return "leaky_relu";
        case Activation::sigmoid: return "sigmoid";
        case Activation::hard_sigmoid: return "hard_sigmoid";
        case Activation::hard_swish: return "hard_swish";
        case Activation::gelu: return "gelu";
        case Activation::gelu_tanh: return "gelu_tanh";
        case Activation::silu: return "silu";
        case Activation::tanh: return "tanh";
    }
    return "?";
}

std::string describe_value(const Graph &graph, ValueId id) {
    if (id == no_value) return "-";
    const Value &value = graph.values[id];
    std::string text = value.name;
    if (!value.known) return text;
    text += ":" + std::string(sac::name_of(value.constant ? value.dtype : value.storage)) + to_string(value.shape);
    if (value.constant) return text + "=const";
    if (value.layout == Layout::c4) text += "c4";
    return text;
}

std::string describe_attribute(const Attribute &attribute) {
    struct Visitor {
        std::string operator()(int64_t v) const { return std::to_string(v); }
        std::string operator()(float v) const { return format("%g", static_cast<double>(v)); }
        std::string operator()(const std::string &v) const { return "\"" + v + "\""; }
        std::string operator()(const std::vector<int64_t> &v) const { return to_string(v); }
        std::string operator()(const std::vector<float> &v) const { return format("%zu floats", v.size()); }
        std::string operator()(const std::vector<std::string> &v) const { return format("%zu strings", v.size()); }
        std::string operator()(const HostTensor &v) const {
            return std::string(sac::name_of(v.dtype)) + to_string(v.shape);
        }
        std::string operator()(const std::shared_ptr<Graph> &v) const {
            return format("graph of %zu nodes", v ? v->nodes.size() : 0);
        }
    };
    return std::visit(Visitor{}, attribute);
}

const char *name_of(Storage::Kind kind) {
    switch (kind) {
        case Storage::Kind::activation: return "activation";
        case Storage::Kind::weights: return "weights";
        case Storage::Kind::external: return "external";
    }
    return "?";
}

}  // namespace

std::string Graph::dump() const {
    std::string text = "graph " + source + "\n";
    for (const ValueId id : inputs) text += "  input " + describe_value(*this, id) + "\n";
    for (const Node &node : nodes) {
        text += "  " + node.describe() + " (";
        for (size_t i = 0; i < node.inputs.size(); ++i) text += (i ? ", " : "") + describe_value(*this, node.inputs[i]);
        text += ") -> ";
        for (size_t i = 0; i < node.outputs.size(); ++i)
            text += (i ? ", " : "") + describe_value(*this, node.outputs[i]);
        for (const auto &[key, value] : node.attributes) text += " " + key + "=" + describe_attribute(value);
        if (node.epilogue.residual) text += " +residual";
        if (node.epilogue.activation != Activation::none)
            text += format(" act=%s(%g,%g)", name_of(node.epilogue.activation), static_cast<double>(node.epilogue.a),
                           static_cast<double>(node.epilogue.b));
        text += "\n";
    }
    for (const ValueId id : outputs) text += "  output " + describe_value(*this, id) + "\n";
    return text;
}

std::string Plan::dump() const {
    std::string text = format("plan %s: %zu dispatches, arena %" PRIu64 " bytes, live set %" PRIu64 " bytes\n",
                              graph.source.c_str(), dispatches.size(), arena_bytes, live_set_bytes);
    for (size_t i = 0; i < buffers.size(); ++i)
        text += format("  buffer %zu %s %s %" PRIu64 " bytes\n", i, name_of(buffers[i].kind), buffers[i].name.c_str(),
                       buffers[i].bytes);
    for (size_t i = 0; i < dispatches.size(); ++i) {
        const Dispatch &dispatch = dispatches[i];
        if (i < barrier_before.size() && barrier_before[i]) text += "  barrier\n";
        text += format("  %zu %s [%u, %u, %u]", i, dispatch.kernel.c_str(), dispatch.groups[0], dispatch.groups[1],
                       dispatch.groups[2]);
        if (dispatch.push[0]) text += format(" from group %u", dispatch.push[0]);
        if (dispatch.node < graph.nodes.size()) text += " " + graph.nodes[dispatch.node].describe();
        for (const Binding &binding : dispatch.bindings) {
            const Storage &storage = storages[binding.storage];
            text += format(" %s%s@%u+%" PRIu64 ":%" PRIu64, binding.write ? "> " : "", storage.name.c_str(),
                           storage.buffer, storage.offset, storage.bytes);
        }
        text += "\n";
    }
    return text;
}

}  // namespace sac
