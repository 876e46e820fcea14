// Into Conv, ConvTranspose and Gemm: pads before them, factors, offsets and residuals after them.

#include <algorithm>
#include <cmath>

#include "compute/graph/fuse.h"

namespace sac {

namespace {

bool is_constant(const Graph &graph, const Node &node, size_t i) {
    return i < node.inputs.size() && node.inputs[i] != no_value && graph.values[node.inputs[i]].constant;
}

bool bare(const Node &node) { return node.epilogue.activation == Activation::none && !node.epilogue.residual; }

/// y = scale x + offset, a number of each for every channel.
struct Affine {
    std::vector<float> scale, offset;
};

/// The constant as one number a channel of a tensor of `shape` (channels on axis 1), if it is that.
std::optional<std::vector<float>> per_channel(const Graph &graph, ValueId id, const Shape &shape) {
    if (id == no_value || !graph.values[id].constant || shape.size() < 2) return std::nullopt;
    const HostTensor &tensor = *graph.values[id].constant;
    if (!is_float(tensor.dtype) || tensor.shape.size() > shape.size()) return std::nullopt;
    const auto channels = static_cast<size_t>(shape[1]);
    const int64_t count = element_count(tensor.shape);
    if (count == 1) return std::vector<float>(channels, tensor.to_floats().at(0));
    // Aligned at the right: only the channel axis may have a size.
    const size_t lead = shape.size() - tensor.shape.size();
    for (size_t i = 0; i < tensor.shape.size(); ++i)
        if (tensor.shape[i] != (i + lead == 1 ? shape[1] : 1)) return std::nullopt;
    return count == shape[1] ? std::optional(tensor.to_floats()) : std::nullopt;
}

/// Reads a node after a Conv or Gemm that wrote `x` as an affine map of its channels.
std::optional<Affine> as_affine(const Graph &graph, const Node &node, ValueId x) {
    const Shape &shape = graph.values[x].shape;
    if (shape.size() < 2) return std::nullopt;
    const auto channels = static_cast<size_t>(shape[1]);
    Affine affine{std::vector<float>(channels, 1), std::vector<float>(channels, 0)};
    if (is_a(node, "BatchNormalization")) {
        if (node.inputs.size() != 5 || node.inputs[0] != x || node.int_or("training_mode", 0) != 0) return std::nullopt;
        std::vector<float> p[4];
        for (size_t i = 0; i < 4; ++i) {
            if (!is_constant(graph, node, i + 1)) return std::nullopt;
            p[i] = graph.values[node.inputs[i + 1]].constant->to_floats();
            if (p[i].size() != channels) return std::nullopt;
        }
        const float epsilon = node.float_or("epsilon", 1e-5f);
        for (size_t c = 0; c < channels; ++c) {
            const double scale =
                static_cast<double>(p[0][c]) / std::sqrt(static_cast<double>(p[3][c]) + static_cast<double>(epsilon));
            affine.scale[c] = static_cast<float>(scale);
            affine.offset[c] = static_cast<float>(static_cast<double>(p[1][c]) - scale * static_cast<double>(p[2][c]));
        }
        return affine;
    }
    if (node.inputs.size() != 2 || graph.values[node.outputs[0]].shape != shape) return std::nullopt;
    const bool left = node.inputs[0] == x;
    const auto constant = per_channel(graph, node.inputs[left ? 1 : 0], shape);
    if (!constant) return std::nullopt;
    if (is_a(node, "Add")) {
        affine.offset = *constant;
    } else if (is_a(node, "Mul")) {
        affine.scale = *constant;
    } else if (is_a(node, "Sub")) {
        affine.offset = *constant;
        for (float &v : left ? affine.offset : affine.scale) v = -v;
    } else if (is_a(node, "Div") && left) {
        for (size_t c = 0; c < channels; ++c) affine.scale[c] = 1 / (*constant)[c];
    } else {
        return std::nullopt;
    }
    return affine;
}

/// Weights that can be multiplied by a number for each output channel: which axis of theirs that is (of a transposed
/// convolution in groups: that within a group).
std::optional<size_t> channel_axis(const Graph &graph, const Node &node) {
    if (!bare(node) || !is_constant(graph, node, 1) ||
        (node.inputs.size() > 2 && node.inputs[2] != no_value && !is_constant(graph, node, 2)))
        return std::nullopt;
    if (is_a(node, "Conv")) return 0;
    if (is_a(node, "ConvTranspose")) return 1;
    if (!is_a(node, "Gemm") || node.float_or("beta", 1) != 1) return std::nullopt;
    // A bias that differs from row to row is none for each channel.
    if (is_constant(graph, node, 2)) {
        const Shape &bias = graph.values[node.inputs[2]].shape;
        const int64_t channels = graph.values[node.outputs[0]].shape[1];
        if (element_count(bias) != 1 && (bias.back() != channels || element_count(bias) != channels))
            return std::nullopt;
    }
    return node.int_or("transB", 0) ? 0 : 1;
}

/// False (and nothing changed) if the scaled weights are more than loading may still make.
bool apply(Graph &graph, Node &node, size_t axis, const Affine &affine) {
    const Value &weights = graph.values[node.inputs[1]];
    const Shape shape = weights.shape;
    const auto channels = affine.scale.size();
    const bool scales = std::any_of(affine.scale.begin(), affine.scale.end(), [](float s) { return s != 1; });
    if (scales && !graph.spend(weights.constant->byte_size())) return false;
    if (scales) {
        std::vector<float> values = weights.constant->to_floats();
        const auto inner = static_cast<size_t>(
            element_count(Shape(shape.begin() + static_cast<std::ptrdiff_t>(axis) + 1, shape.end())));
        // Rows of other input channels repeat the output channels; those of another group have their own.
        const auto along = static_cast<size_t>(shape[axis]);
        const auto group_rows = values.size() / inner * along / channels;
        for (size_t row = 0; row < values.size() / inner; ++row) {
            const float scale = affine.scale[row / group_rows * along + row % along];
            for (size_t i = 0; i < inner; ++i) values[row * inner + i] *= scale;
        }
        node.inputs[1] = graph.add_constant(node.name + "/scaled", HostTensor::from_floats(shape, std::move(values)));
    }
    std::vector<float> bias(channels, 0);
    if (is_constant(graph, node, 2)) {
        const std::vector<float> old = graph.values[node.inputs[2]].constant->to_floats();
        for (size_t c = 0; c < channels; ++c) bias[c] = old[old.size() == 1 ? 0 : c];
    }
    for (size_t c = 0; c < channels; ++c) bias[c] = bias[c] * affine.scale[c] + affine.offset[c];
    node.inputs.resize(3, no_value);
    node.inputs[2] = graph.add_constant(node.name + "/bias",
                                        HostTensor::from_floats({static_cast<int64_t>(channels)}, std::move(bias)));
    return true;
}

/// MatMul of rows by a constant matrix, of two axes each, is a Gemm without C.
bool matrix_products(Graph &graph) {
    bool changed = false;
    for (Node &node : graph.nodes) {
        if (!is_a(node, "MatMul") || !is_constant(graph, node, 1) || is_constant(graph, node, 0)) continue;
        if (graph.values[node.inputs[0]].shape.size() != 2 || graph.values[node.inputs[1]].shape.size() != 2) continue;
        node.type = "Gemm";
        node.opset = 13;
        changed = true;
    }
    return changed;
}

}  // namespace

bool fuse_affine(Graph &graph) {
    bool changed = matrix_products(graph);
    Links links(graph);
    for (size_t i = 0; i < graph.nodes.size(); ++i) {
        const Node &node = graph.nodes[i];
        for (size_t input = 0; input < std::min<size_t>(node.inputs.size(), 2); ++input) {
            const Node *writer = links.sole_producer(node, input, "Conv");
            if (!writer) writer = links.sole_producer(node, input, "ConvTranspose");
            if (!writer) writer = links.sole_producer(node, input, "Gemm");
            const auto axis = writer ? channel_axis(graph, *writer) : std::nullopt;
            const auto affine = axis ? as_affine(graph, node, node.inputs[input]) : std::nullopt;
            if (!affine) continue;
            const size_t place = links.producer(node.inputs[input]);
            Node fused = *writer;
            if (!apply(graph, fused, *axis, *affine)) continue;
            fused.outputs[0] = node.outputs[0];
            links.remove(i);
            links.replace(place, std::move(fused));
            changed = true;
            break;
        }
    }
    return changed;
}

bool fuse_residuals(Graph &graph) {
    bool changed = false;
    Links links(graph);
    for (size_t i = 0; i < graph.nodes.size(); ++i) {
        const Node &add = graph.nodes[i];
        if (!is_a(add, "Add") || !bare(add) || add.inputs[0] == add.inputs[1]) continue;
        const Shape &shape = graph.values[add.outputs[0]].shape;
        if (graph.values[add.inputs[0]].shape != shape || graph.values[add.inputs[1]].shape != shape) continue;
        if (is_constant(graph, add, 0) || is_constant(graph, add, 1)) continue;
        // The writer that comes later in the graph: what it adds is there already.
        size_t best = SIZE_MAX, side = 0;
        for (size_t input = 0; input < 2; ++input) {
            const ValueId id = add.inputs[input];
            const size_t writer = links.producer(id);
            if (links.uses(id) != 1 || writer == SIZE_MAX) continue;
            if (!takes_epilogue(graph.nodes[writer]) || !bare(graph.nodes[writer])) continue;
            if (best == SIZE_MAX || writer > best) {
                best = writer;
                side = input;
            }
        }
        if (best == SIZE_MAX) continue;
        Node node = graph.nodes[best];
        node.inputs.push_back(add.inputs[1 - side]);
        node.epilogue.residual = true;
        node.outputs[0] = add.outputs[0];
        links.remove(best);
        links.replace(i, std::move(node));  // where both of its inputs are there
        changed = true;
    }
    return changed;
}

/// Pooling refuses padding as wide as its window, which would hold windows of nothing but padding.
static bool pads_are_inside(const Node &node, const std::vector<int64_t> &pads) {
    const auto kernel = node.ints_or("kernel_shape", {});
    const auto dilations = node.ints_or("dilations", std::vector<int64_t>(kernel.size(), 1));
    if (2 * kernel.size() != pads.size() || dilations.size() != kernel.size()) return false;
    for (size_t i = 0; i < pads.size(); ++i) {
        const size_t axis = i % kernel.size();
        if (pads[i] > (kernel[axis] - 1) * dilations[axis]) return false;
    }
    return true;
}

bool fuse_pads(Graph &graph) {
    bool changed = false;
    Links links(graph);
    for (size_t i = 0; i < graph.nodes.size(); ++i) {
        Node node = graph.nodes[i];
        const bool conv = is_a(node, "Conv"), pool = is_a(node, "AveragePool");
        if (!conv && !pool) continue;
        const Node *pad = links.sole_producer(node, 0, "Pad");
        if (!pad || node.string_or("auto_pad", "NOTSET") != "NOTSET") continue;
        const auto amounts = pad_amounts(graph, *pad);
        const size_t rank = graph.values[pad->inputs[0]].shape.size();
        if (!amounts || rank < 3) continue;
        // Zeros alone, and none in batch or channels; a negative pad would cut off.
        float value = pad->float_or("value", 0);
        if (pad->inputs.size() > 2 && pad->inputs[2] != no_value) {
            const auto given = scalar_of(graph, pad->inputs[2]);
            if (!given) continue;
            value = *given;
        }
        if (value != 0 || std::any_of(amounts->begin(), amounts->end(), [](int64_t a) { return a < 0; })) continue;
        if ((*amounts)[0] || (*amounts)[1] || (*amounts)[rank] || (*amounts)[rank + 1]) continue;
        std::vector<int64_t> pads = node.ints_or("pads", std::vector<int64_t>(2 * (rank - 2), 0));
        if (pads.size() != 2 * (rank - 2)) continue;
        for (size_t axis = 0; axis < rank - 2; ++axis) {
            pads[axis] += (*amounts)[axis + 2];
            pads[axis + rank - 2] += (*amounts)[axis + 2 + rank];
        }
        if (pool) {
            if (!pads_are_inside(node, pads)) continue;
            // A mean counts the zeros of Pad, and its own padding only if it says so.
            const auto own_pads = node.ints_or("pads", {});
            const bool own = std::any_of(own_pads.begin(), own_pads.end(), [](int64_t p) { return p != 0; });
            if (node.int_or("ceil_mode", 0) || (own && !node.int_or("count_include_pad", 0))) continue;
            node.attributes["count_include_pad"] = int64_t{1};
        }
        node.attributes["pads"] = pads;
        node.inputs[0] = pad->inputs[0];
        links.replace(i, std::move(node));
        changed = true;
    }
    return changed;
}

namespace {

/// True if the texels of four channels that hold these are at most two runs of texels.
bool in_two_runs(std::vector<int64_t> channels) {
    std::sort(channels.begin(), channels.end());
    int runs = 1;
    for (size_t i = 1; i < channels.size(); ++i)
        if (channels[i] / 4 > channels[i - 1] / 4 + 1) ++runs;
    return runs <= 2;
}

/// `weights` M x K x 1 x 1, whose channel j is channel channels[j] of `wide`: M x `wide` x 1 x 1.
std::vector<float> spread(const std::vector<float> &weights, const std::vector<int64_t> &channels, int64_t wide) {
    const size_t rows = weights.size() / channels.size();
    std::vector<float> out(rows * static_cast<size_t>(wide), 0.0f);
    for (size_t row = 0; row < rows; ++row)
        for (size_t j = 0; j < channels.size(); ++j)
            out[row * static_cast<size_t>(wide) + static_cast<size_t>(channels[j])] +=
                weights[row * channels.size() + j];
    return out;
}

}  // namespace

bool fuse_gathered_weights(Graph &graph) {
    bool changed = false;
    Links links(graph);
    for (size_t i = 0; i < graph.nodes.size(); ++i) {
        Node node = graph.nodes[i];
        if (!is_a(node, "Conv") || node.int_or("group", 1) != 1 || !is_constant(graph, node, 1)) continue;
        const ValueId chosen = node.inputs[0];
        const size_t writer = links.producer(chosen);
        if (writer == SIZE_MAX || links.uses(chosen) != 1) continue;
        Node gather = graph.nodes[writer];
        if (gather.type != "ChannelGather" || gather.domain != "saccade") continue;
        const Value &weights = graph.values[node.inputs[1]];
        const Shape &shape = weights.shape;
        const bool ones = std::all_of(shape.begin() + 2, shape.end(), [](int64_t side) { return side == 1; });
        const std::vector<int64_t> all = gather.ints_or("channels", {});
        std::vector<int64_t> counts = gather.ints_or("counts", {});
        size_t output = 0;
        int64_t first = 0;
        while (gather.outputs[output] != chosen) first += counts[output++];
        const std::vector<int64_t> channels(all.begin() + first, all.begin() + first + counts[output]);
        const int64_t wide = graph.values[gather.inputs[0]].shape[1];
        // Not where half of what is read would meet zeros: every other channel.
        std::vector<int64_t> quads = channels;
        for (int64_t &channel : quads) channel /= 4;
        std::sort(quads.begin(), quads.end());
        const auto texels = std::unique(quads.begin(), quads.end()) - quads.begin();
        if (!ones || !in_two_runs(channels) || 2 * texels >= counts[output]) continue;
        if (!graph.spend(static_cast<uint64_t>(shape[0] * wide) * sizeof(float))) continue;
        const Shape spread_shape = [&] {
            Shape s = shape;
            s[1] = wide;
            return s;
        }();
        std::vector<float> values = spread(weights.constant->to_floats(), channels, wide);
        node.inputs[1] =
            graph.add_constant(node.name + "/spread", HostTensor::from_floats(spread_shape, std::move(values)));
        node.inputs[0] = gather.inputs[0];
        links.replace(i, std::move(node));
        // The gather loses that output.
        std::vector<int64_t> left = all;
        left.erase(left.begin() + first, left.begin() + first + counts[output]);
        counts.erase(counts.begin() + static_cast<std::ptrdiff_t>(output));
        gather.outputs.erase(gather.outputs.begin() + static_cast<std::ptrdiff_t>(output));
        gather.attributes["channels"] = std::move(left);
        gather.attributes["counts"] = std::move(counts);
        if (gather.outputs.empty())
            links.remove(writer);
        else
            links.replace(writer, std::move(gather));
        changed = true;
    }
    return changed;
}

bool fuse_means(Graph &graph) {
    bool changed = false;
    for (Node &node : graph.nodes) {
        if (!is_a(node, "ReduceMean") || node.int_or("keepdims", 1) == 0) continue;
        const size_t rank = graph.values[node.inputs[0]].shape.size();
        std::vector<int64_t> axes = node.ints_or("axes", {});  // an input since opset 18
        if (node.inputs.size() > 1 && node.inputs[1] != no_value) {
            const auto &constant = graph.values[node.inputs[1]].constant;
            if (!constant) continue;
            axes = constant->to_int64s();
        }
        for (int64_t &axis : axes)
            if (axis < 0) axis += static_cast<int64_t>(rank);
        std::sort(axes.begin(), axes.end());
        if (rank < 3 || axes.size() != rank - 2) continue;
        bool spatial = true;
        for (size_t i = 0; i < axes.size(); ++i) spatial = spatial && axes[i] == static_cast<int64_t>(i + 2);
        if (!spatial) continue;
        node.type = "GlobalAveragePool";
        node.opset = 13;
        node.inputs.resize(1);
        node.attributes.clear();
        changed = true;
    }
    return changed;
}

}  // namespace sac
