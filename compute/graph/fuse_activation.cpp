// Activations into epilogues.

#include <cmath>
#include <limits>

#include "compute/graph/fuse.h"

namespace sac {

namespace {

/// An activation found on a value: what it is, where its result lies, and the nodes that made it.
struct Found {
    Epilogue epilogue;
    ValueId result = no_value;
    std::vector<size_t> nodes;
};

class Finder {
public:
    explicit Finder(const Graph &graph) : graph_(graph), uses_(graph.use_counts()), readers_(graph.values.size()) {
        for (size_t i = 0; i < graph.nodes.size(); ++i)
            for (const ValueId input : graph.nodes[i].inputs)
                if (input != no_value) readers_[input].push_back(i);
    }

    /// The activation that is all that becomes of `x`.
    std::optional<Found> on(ValueId x) const {
        const auto &readers = readers_[x];
        if (uses_[x] != readers.size()) return std::nullopt;  // a graph output
        if (readers.size() == 1) {
            const Node &node = graph_.nodes[readers[0]];
            if (auto simple = one_node(node)) return Found{*simple, node.outputs[0], {readers[0]}};
            if (auto gate = hard_gate(x, readers[0])) return gate;
        }
        if (readers.size() == 2) {
            for (size_t i = 0; i < 2; ++i)
                if (auto found = gated(x, readers[i], readers[1 - i])) return found;
        }
        return std::nullopt;
    }

private:
    const Node &node(size_t i) const { return graph_.nodes[i]; }

    /// The only reader of a value that is no graph output.
    std::optional<size_t> sole_reader(ValueId id) const {
        if (uses_[id] != 1 || readers_[id].size() != 1) return std::nullopt;
        return readers_[id][0];
    }

    /// The constant factor c of node(i) = id * c or id / (1 / c).
    std::optional<float> factor(size_t i, ValueId id) const {
        const Node &n = node(i);
        const bool divides = is_a(n, "Div");
        if (n.inputs.size() != 2 || (!divides && !is_a(n, "Mul"))) return std::nullopt;
        if (divides) {
            const auto divisor = scalar_of(graph_, n.inputs[1]);
            return n.inputs[0] == id && divisor && *divisor != 0 ? std::optional(1 / *divisor) : std::nullopt;
        }
        return scalar_of(graph_, n.inputs[n.inputs[0] == id ? 1 : 0]);
    }

    std::optional<Epilogue> one_node(const Node &n) const {
        if (!n.domain.empty()) return std::nullopt;
        const auto plain = [](Activation activation, float a = 0, float b = 0) {
            return Epilogue{activation, a, b, false};
        };
        if (n.type == "Relu") return plain(Activation::relu);
        if (n.type == "Sigmoid") return plain(Activation::sigmoid);
        if (n.type == "Tanh") return plain(Activation::tanh);
        if (n.type == "HardSwish") return plain(Activation::hard_swish);
        if (n.type == "LeakyRelu") return plain(Activation::leaky_relu, n.float_or("alpha", 0.01f));
        if (n.type == "HardSigmoid")
            return plain(Activation::hard_sigmoid, n.float_or("alpha", 0.2f), n.float_or("beta", 0.5f));
        if (n.type == "Gelu")
            return plain(n.string_or("approximate", "none") == "tanh" ? Activation::gelu_tanh : Activation::gelu);
        if (n.type == "Clip") {
            const auto bounds = clip_bounds(n);
            if (bounds) return plain(Activation::clip, bounds->first, bounds->second);
        }
        return std::nullopt;
    }

    std::optional<std::pair<float, float>> clip_bounds(const Node &n) const {
        constexpr float most = std::numeric_limits<float>::max();
        float bounds[2] = {n.float_or("min", -most), n.float_or("max", most)};
        for (size_t i = 0; i < 2; ++i) {
            if (i + 1 >= n.inputs.size() || n.inputs[i + 1] == no_value) continue;
            const auto value = scalar_of(graph_, n.inputs[i + 1]);
            if (!value) return std::nullopt;
            bounds[i] = *value;
        }
        return std::pair(bounds[0], bounds[1]);
    }

    /// clip(x + 3, 0, 6) at node `first` and its reader.
    std::optional<size_t> shifted_clip(ValueId x, size_t first) const {
        const Node &add = node(first);
        if (!is_a(add, "Add") || add.inputs.size() != 2) return std::nullopt;
        const auto three = scalar_of(graph_, add.inputs[add.inputs[0] == x ? 1 : 0]);
        if (!three || *three != 3) return std::nullopt;
        const auto clip = sole_reader(add.outputs[0]);
        if (!clip || !is_a(node(*clip), "Clip")) return std::nullopt;
        const auto bounds = clip_bounds(node(*clip));
        return bounds && bounds->first == 0 && bounds->second == 6 ? clip : std::nullopt;
    }

    static bool is_sixth(std::optional<float> value) { return value && std::fabs(*value * 6 - 1) < 1e-6f; }

    /// clip(x + 3, 0, 6) / 6: a hard sigmoid of slope 1/6.
    std::optional<Found> hard_gate(ValueId x, size_t first) const {
        const auto clip = shifted_clip(x, first);
        if (!clip) return std::nullopt;
        const auto scale = sole_reader(node(*clip).outputs[0]);
        if (!scale || !is_sixth(factor(*scale, node(*clip).outputs[0]))) return std::nullopt;
        return Found{
            {Activation::hard_sigmoid, 1.0f / 6, 0.5f, false}, node(*scale).outputs[0], {first, *clip, *scale}};
    }

    bool multiplies(size_t i, ValueId a, ValueId b) const {
        const auto &inputs = node(i).inputs;
        return is_a(node(i), "Mul") && inputs.size() == 2 &&
               ((inputs[0] == a && inputs[1] == b) || (inputs[0] == b && inputs[1] == a));
    }

    /// x gate(x), where `gate` is the first node of the gate and `product` the node that multiplies.
    std::optional<Found> gated(ValueId x, size_t gate, size_t product) const {
        const Node &n = node(gate);
        const ValueId opened = n.outputs[0], result = node(product).outputs[0];
        if (uses_[opened] != 1) return std::nullopt;
        const auto with = [&](Activation activation, std::vector<size_t> nodes, ValueId out) {
            return Found{{activation, 0, 0, false}, out, std::move(nodes)};
        };
        if (is_a(n, "Sigmoid") && multiplies(product, x, opened))
            return with(Activation::silu, {gate, product}, result);
        if (is_a(n, "HardSigmoid") && is_sixth(n.float_or("alpha", 0.2f)) && n.float_or("beta", 0.5f) == 0.5f &&
            multiplies(product, x, opened))
            return with(Activation::hard_swish, {gate, product}, result);
        const auto clip = shifted_clip(x, gate);
        if (!clip) return std::nullopt;
        const ValueId clipped = node(*clip).outputs[0];
        const auto next = sole_reader(clipped);
        if (!next) return std::nullopt;
        if (*next == product && multiplies(product, x, clipped)) {  // x clip(...) and then / 6
            const auto scale = sole_reader(result);
            if (scale && is_sixth(factor(*scale, result)))
                return with(Activation::hard_swish, {gate, *clip, product, *scale}, node(*scale).outputs[0]);
            return std::nullopt;
        }
        const ValueId scaled = node(*next).outputs[0];
        if (is_sixth(factor(*next, clipped)) && uses_[scaled] == 1 && multiplies(product, x, scaled))
            return with(Activation::hard_swish, {gate, *clip, *next, product}, result);
        return std::nullopt;
    }

    const Graph &graph_;
    std::vector<uint32_t> uses_;
    std::vector<std::vector<size_t>> readers_;
};

}  // namespace

bool fuse_activations(Graph &graph) {
    const Finder finder(graph);
    std::vector<bool> gone(graph.nodes.size(), false);
    bool changed = false;
    for (size_t i = 0; i < graph.nodes.size(); ++i) {
        Node &node = graph.nodes[i];
        if (gone[i] || !takes_epilogue(node) || node.epilogue.activation != Activation::none) continue;
        const auto found = finder.on(node.outputs[0]);
        if (!found) continue;
        const Activation activation = found->epilogue.activation;
        const bool gelu = activation == Activation::gelu || activation == Activation::gelu_tanh;
        if (gelu && !takes_gelu(node)) continue;
        // A constant of more axes than the tensor makes the result one of more axes: not what the kernel writes.
        if (graph.values[found->result].shape != graph.values[node.outputs[0]].shape) continue;
        node.epilogue.activation = activation;
        node.epilogue.a = found->epilogue.a;
        node.epilogue.b = found->epilogue.b;
        node.outputs[0] = found->result;
        for (const size_t other : found->nodes) gone[other] = true;
        changed = true;
    }
    std::vector<Node> kept;
    for (size_t i = 0; i < graph.nodes.size(); ++i)
        if (!gone[i]) kept.push_back(std::move(graph.nodes[i]));
    graph.nodes = std::move(kept);
    return changed;
}

}  // namespace sac
