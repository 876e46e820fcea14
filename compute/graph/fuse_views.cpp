// Operators that only move elements: transpositions joined, cancelled and moved; channel shuffles found.

#include <algorithm>
#include <numeric>

#include "compute/graph/fuse.h"

namespace sac {

namespace {

/// Which element of a tensor each element of another is: an offset, and for every axis the runs that it is made of,
/// outermost first, each with its size and step. Sizes of 1 are left out.
struct View {
    struct Run {
        int64_t size = 1, step = 0;
    };
    int64_t offset = 0;
    std::vector<std::vector<Run>> axes;

    static View of(const Shape &shape) {
        View view{0, std::vector<std::vector<Run>>(shape.size())};
        int64_t step = 1;
        for (size_t i = shape.size(); i-- > 0; step *= shape[i])
            if (shape[i] != 1) view.axes[i] = {{shape[i], step}};
        return view;
    }

    /// Where element `index` of an axis is, from the axis' first.
    int64_t place(size_t axis, int64_t index) const {
        int64_t at = 0;
        for (size_t i = axes[axis].size(); i-- > 0; index /= axes[axis][i].size)
            at += index % axes[axis][i].size * axes[axis][i].step;
        return at;
    }
};

/// The view under another shape: runs are joined where their elements follow one another evenly, and cut where an axis
/// of the new shape ends; nothing if one would have to be cut unevenly.
std::optional<View> reshape(const View &view, const Shape &to) {
    std::vector<View::Run> runs;
    for (const auto &axis : view.axes) {
        for (const View::Run &run : axis) {
            if (!runs.empty() && runs.back().step == run.step * run.size) {
                runs.back() = {runs.back().size * run.size, run.step};
            } else {
                runs.push_back(run);
            }
        }
    }
    View out{view.offset, std::vector<std::vector<View::Run>>(to.size())};
    for (size_t i = to.size(); i-- > 0;) {
        for (int64_t left = to[i]; left > 1;) {
            if (runs.empty()) return std::nullopt;
            View::Run &inner = runs.back();
            const int64_t size = std::min(left, inner.size);
            if (left % size || inner.size % size) return std::nullopt;
            out.axes[i].insert(out.axes[i].begin(), {size, inner.step});
            left /= size;
            inner = {inner.size / size, inner.step * size};
            if (inner.size == 1) runs.pop_back();
        }
    }
    return runs.empty() ? std::optional(out) : std::nullopt;
}

bool is_reshaping(const Node &node) {
    return is_a(node, "Reshape") || is_a(node, "Flatten") || is_a(node, "Squeeze") || is_a(node, "Unsqueeze");
}

/// Chooses `count` elements from `first` on of an axis that a Gather or Split of view `view` cuts.
std::optional<View> cut(const View &view, size_t axis, int64_t first, int64_t count) {
    View out = view;
    out.offset += view.place(axis, first);
    auto &runs = out.axes[axis];
    if (count == 1) {
        runs.clear();
        return out;
    }
    // Only the outermost run can be shortened.
    int64_t inner = 1;
    for (size_t i = 1; i < runs.size(); ++i) inner *= runs[i].size;
    if (first % inner || count % inner) return std::nullopt;
    runs[0].size = count / inner;
    if (runs[0].size == 1) runs.erase(runs.begin());
    return out;
}

/// What `node` does to a view of its input, for its output `index`; nothing if it is no view.
std::optional<View> step(const Graph &graph, const Node &node, const View &view, size_t index = 0) {
    const Shape &in = graph.values[node.inputs[0]].shape, &out = graph.values[node.outputs[index]].shape;
    if (is_reshaping(node)) return reshape(view, out);
    if (is_a(node, "Transpose")) {
        View moved{view.offset, {}};
        for (const int64_t axis : permutation_of(graph, node))
            moved.axes.push_back(view.axes[static_cast<size_t>(axis)]);
        return moved;
    }
    const auto rank = static_cast<int64_t>(in.size());
    const int64_t given = node.int_or("axis", 0), axis = given < 0 ? given + rank : given;
    if (axis < 0 || axis >= rank) return std::nullopt;  // the operator itself reports it
    const auto along = static_cast<size_t>(axis);
    if (is_a(node, "Gather")) {
        const auto &indices = graph.values[node.inputs[1]].constant;
        if (!indices || element_count(indices->shape) != 1) return std::nullopt;
        int64_t chosen = indices->to_int64s().at(0);
        if (chosen < 0) chosen += in[along];
        if (chosen < 0 || chosen >= in[along]) return std::nullopt;
        const auto one = cut(view, along, chosen, 1);
        return one ? reshape(*one, out) : std::nullopt;
    }
    if (is_a(node, "Split")) {
        int64_t first = 0;
        for (size_t i = 0; i < index; ++i) first += graph.values[node.outputs[i]].shape[along];
        return cut(view, along, first, out[along]);
    }
    return std::nullopt;
}

/// The channels of `source` that a view of it with shape `shape` is a choice of, if it is.
std::optional<std::vector<int64_t>> as_channels(const View &view, const Shape &shape, const Shape &source) {
    if (source.size() < 3 || shape.size() != source.size()) return std::nullopt;
    const View whole = View::of(source);
    for (size_t i = 0; i < source.size(); ++i) {
        if (i == 1) continue;
        if (shape[i] != source[i] || view.axes[i].size() != whole.axes[i].size()) return std::nullopt;
        if (!whole.axes[i].empty() && view.axes[i][0].step != whole.axes[i][0].step) return std::nullopt;
    }
    const int64_t pixels = element_count(Shape(source.begin() + 2, source.end()));
    std::vector<int64_t> channels;
    for (int64_t j = 0; j < shape[1]; ++j) {
        const int64_t at = view.offset + view.place(1, j);
        if (at % pixels || at / pixels >= source[1]) return std::nullopt;
        channels.push_back(at / pixels);
    }
    return channels;
}

/// True if all `count` channels are taken in their order.
bool is_iota(std::span<const int64_t> channels, int64_t count) {
    if (static_cast<int64_t>(channels.size()) != count) return false;
    for (int64_t j = 0; j < count; ++j)
        if (channels[static_cast<size_t>(j)] != j) return false;
    return true;
}

/// Makes node `index` a Reshape of `input` to the shape that its output has.
void make_reshape(Graph &graph, Links &links, size_t index, ValueId input) {
    Node node = graph.nodes[index];
    const Shape shape = graph.values[node.outputs[0]].shape;
    const ValueId target =
        graph.add_constant(node.name + "/shape", HostTensor::from_int64s({static_cast<int64_t>(shape.size())}, shape));
    node.type = "Reshape";
    node.domain.clear();
    node.opset = 13;
    node.attributes.clear();
    node.inputs = {input, target};
    links.replace(index, std::move(node));
}

/// True if the transposition only moves axes of size 1: the elements stay in order.
bool keeps_order(const Graph &graph, const Node &node) {
    const Shape &shape = graph.values[node.inputs[0]].shape;
    int64_t last = -1;
    for (const int64_t axis : permutation_of(graph, node)) {
        if (shape[static_cast<size_t>(axis)] == 1) continue;
        if (axis < last) return false;
        last = axis;
    }
    return true;
}

bool is_identity(std::span<const int64_t> perm) { return std::is_sorted(perm.begin(), perm.end()); }

/// Softmax over one axis alone: the last one before opset 13, any since.
bool is_one_axis_softmax(const Graph &graph, const Node &node) {
    if (!is_a(node, "Softmax") && !is_a(node, "LogSoftmax")) return false;
    const auto rank = static_cast<int64_t>(graph.values[node.inputs[0]].shape.size());
    const int64_t axis = node.int_or("axis", node.opset >= 13 ? -1 : 1);
    return node.opset >= 13 || axis == -1 || axis == rank - 1;
}

/// Transpose(p) - Pad or Softmax - Transpose(p's inverse) at node `index`, the last of them: without the
/// transpositions.
bool move_past(Graph &graph, Links &links, size_t index) {
    const Node &last = graph.nodes[index];
    for (const char *type : {"Pad", "Softmax", "LogSoftmax"}) {
        const Node *middle = links.sole_producer(last, 0, type);
        const Node *first = middle ? links.sole_producer(*middle, 0, "Transpose") : nullptr;
        if (!first) continue;
        const auto p = permutation_of(graph, *first), q = permutation_of(graph, last);
        std::vector<int64_t> both(p.size());
        for (size_t i = 0; i < p.size(); ++i) both[i] = p[static_cast<size_t>(q[i])];
        if (!is_identity(both)) continue;
        Node moved = *middle;
        if (is_a(moved, "Pad")) {
            const auto pads = pad_amounts(graph, moved);
            if (!pads) continue;
            std::vector<int64_t> ours(pads->size());
            for (size_t i = 0; i < p.size(); ++i) {
                ours[static_cast<size_t>(p[i])] = (*pads)[i];
                ours[static_cast<size_t>(p[i]) + p.size()] = (*pads)[i + p.size()];
            }
            moved.attributes.erase("pads");
            moved.inputs.resize(std::min<size_t>(moved.inputs.size(), 3));
            moved.inputs.resize(std::max<size_t>(moved.inputs.size(), 2), no_value);
            moved.inputs[1] = graph.add_constant(moved.name + "/pads",
                                                 HostTensor::from_int64s({static_cast<int64_t>(ours.size())}, ours));
            if (moved.opset < 13) {
                // Before opset 11 the value was an attribute beside the pads.
                if (moved.opset < 11) {
                    const float value = moved.float_or("value", 0);
                    moved.inputs.resize(3, no_value);
                    moved.inputs[2] = graph.add_constant(moved.name + "/value", HostTensor::from_floats({}, {value}));
                    moved.attributes.erase("value");
                }
                moved.opset = 13;
            }
        } else {
            if (!is_one_axis_softmax(graph, moved)) continue;
            const auto rank = static_cast<int64_t>(p.size());
            const int64_t axis = moved.int_or("axis", -1);
            moved.attributes["axis"] = p[static_cast<size_t>(axis < 0 ? axis + rank : axis)];
            moved.opset = 13;
        }
        moved.inputs[0] = first->inputs[0];
        moved.outputs = last.outputs;
        links.replace(index, std::move(moved));
        return true;
    }
    return false;
}

}  // namespace

bool fuse_transpositions(Graph &graph) {
    bool changed = false;
    Links links(graph);
    for (size_t i = 0; i < graph.nodes.size(); ++i) {
        const Node &node = graph.nodes[i];
        if (is_a(node, "Transpose") && keeps_order(graph, node)) {
            make_reshape(graph, links, i, node.inputs[0]);
            changed = true;
        } else if (is_a(node, "Transpose")) {
            if (const Node *before = links.sole_producer(node, 0, "Transpose")) {
                const auto p = permutation_of(graph, *before), q = permutation_of(graph, node);
                std::vector<int64_t> both(p.size());
                for (size_t k = 0; k < p.size(); ++k) both[k] = p[static_cast<size_t>(q[k])];
                Node joined = node;
                joined.attributes["perm"] = both;
                joined.inputs[0] = before->inputs[0];
                links.replace(i, std::move(joined));
                changed = true;
            } else {
                changed = move_past(graph, links, i) || changed;
            }
        }
        if (!is_reshaping(node)) continue;
        const size_t writer = links.producer(node.inputs[0]);
        if (writer != SIZE_MAX && is_reshaping(graph.nodes[writer])) {
            make_reshape(graph, links, i, graph.nodes[writer].inputs[0]);
            changed = true;
        }
        const Shape &from = graph.values[node.inputs[0]].shape, &to = graph.values[node.outputs[0]].shape;
        if (from == to) changed = links.bypass(i) || changed;
    }
    return changed;
}

namespace {

/// One pass over the chains that end in the nodes for which `is_last` holds.
template <class Predicate>
bool fuse_channel_chains(Graph &graph, Predicate is_last) {
    constexpr size_t longest = 8;
    bool changed = false;
    Links links(graph);
    for (size_t i = 0; i < graph.nodes.size(); ++i) {
        const Node node = graph.nodes[i];
        if (!is_last(node)) continue;
        // Upwards from here, as far as there are views; then down again from each possible source, nearest first.
        std::vector<size_t> chain = {i};
        std::vector<std::vector<int64_t>> choices;  // by output
        ValueId source = no_value;
        while (chain.size() <= longest && choices.empty()) {
            source = graph.nodes[chain.back()].inputs[0];
            const Shape &shape = graph.values[source].shape;
            // One reshaping or Split alone is left as it is.
            const bool whole = !shape.empty() && element_count(shape) > 0 && chain.size() > 1;
            for (size_t output = 0; whole && output < node.outputs.size(); ++output) {
                std::optional<View> view = View::of(shape);
                for (size_t k = chain.size(); k-- > 0 && view;)
                    view = step(graph, graph.nodes[chain[k]], *view, k == 0 ? output : 0);
                auto channels =
                    view ? as_channels(*view, graph.values[node.outputs[output]].shape, shape) : std::nullopt;
                if (!channels) break;
                choices.push_back(std::move(*channels));
            }
            if (choices.size() != node.outputs.size()) choices.clear();
            const size_t writer = links.producer(source);
            if (!choices.empty() || writer == SIZE_MAX || graph.nodes[writer].inputs.empty()) break;
            const Node &before = graph.nodes[writer];
            if (!is_a(before, "Gather") && !is_reshaping(before) && !is_a(before, "Transpose")) break;
            chain.push_back(writer);
        }
        if (choices.empty() || is_iota(choices[0], graph.values[source].shape[1])) continue;
        Node gather;
        gather.name = node.name;
        gather.type = "ChannelGather";
        gather.domain = "saccade";
        gather.opset = 1;
        gather.inputs = {source};
        gather.outputs = node.outputs;
        std::vector<int64_t> channels, counts;
        for (const auto &choice : choices) {
            channels.insert(channels.end(), choice.begin(), choice.end());
            counts.push_back(static_cast<int64_t>(choice.size()));
        }
        gather.attributes["channels"] = std::move(channels);
        gather.attributes["counts"] = std::move(counts);
        links.replace(i, std::move(gather));
        changed = true;
    }
    return changed;
}

}  // namespace

bool fuse_channel_gathers(Graph &graph) {
    // A shuffle that is taken apart at once goes into its parts; what is left is one of its own.
    const bool parts =
        fuse_channel_chains(graph, [](const Node &node) { return is_a(node, "Gather") || is_a(node, "Split"); });
    if (parts) remove_dead(graph);
    return fuse_channel_chains(graph, is_reshaping) || parts;
}

namespace {

/// A reshaping to `sizes` and a transposition of those axes.
struct Shuffle {
    Shape sizes;
    std::vector<int64_t> perm;
};

/// The same elements in the same order with as few axes as that takes.
Shuffle simplified(const Shuffle &shuffle) {
    Shuffle out;
    std::vector<int64_t> number(shuffle.sizes.size(), -1);  // of an axis in `out`
    const auto &perm = shuffle.perm;
    // Axes that stay neighbours are one; those of size 1 are none.
    std::vector<int64_t> kept;
    for (const int64_t axis : perm)
        if (shuffle.sizes[static_cast<size_t>(axis)] != 1) kept.push_back(axis);
    std::vector<int64_t> sorted = kept;
    std::sort(sorted.begin(), sorted.end());
    for (size_t i = 0; i < sorted.size(); ++i) {
        const auto at = std::find(kept.begin(), kept.end(), sorted[i]);
        const bool joins = i > 0 && at != kept.begin() && *(at - 1) == sorted[i - 1];
        const int64_t size = shuffle.sizes[static_cast<size_t>(sorted[i])];
        if (joins)
            out.sizes.back() *= size;
        else
            out.sizes.push_back(size);
        number[static_cast<size_t>(sorted[i])] = static_cast<int64_t>(out.sizes.size()) - 1;
    }
    for (const int64_t axis : kept) {
        const int64_t joined = number[static_cast<size_t>(axis)];
        if (out.perm.empty() || out.perm.back() != joined) out.perm.push_back(joined);
    }
    return out;
}

bool same(const Shuffle &a, const Shuffle &b) {
    const Shuffle x = simplified(a), y = simplified(b);
    return x.sizes == y.sizes && x.perm == y.perm;
}

/// The DepthToSpace or SpaceToDepth, if it is one, that makes `to` of `from` by that shuffle.
std::optional<Node> as_blocks(const Shuffle &shuffle, const Shape &from, const Shape &to) {
    if (from.size() != 4 || to.size() != 4 || from[0] != to[0]) return std::nullopt;
    const bool up = to[1] < from[1];
    const int64_t n = from[0], channels = std::min(from[1], to[1]);
    const int64_t h = std::min(from[2], to[2]), w = std::min(from[3], to[3]);
    const int64_t b = h > 0 ? std::max(from[2], to[2]) / h : 0;
    const Shape deep = {n, channels * b * b, h, w}, wide = {n, channels, h * b, w * b};
    if (b < 2 || from != (up ? deep : wide) || to != (up ? wide : deep)) return std::nullopt;
    const Shuffle depth_first = up ? Shuffle{{n, b, b, channels, h, w}, {0, 3, 4, 1, 5, 2}}
                                   : Shuffle{{n, channels, h, b, w, b}, {0, 3, 5, 1, 2, 4}};
    const Shuffle channels_first = up ? Shuffle{{n, channels, b, b, h, w}, {0, 1, 4, 2, 5, 3}}
                                      : Shuffle{{n, channels, h, b, w, b}, {0, 1, 3, 5, 2, 4}};
    const bool first = same(shuffle, channels_first);
    if (!first && !same(shuffle, depth_first)) return std::nullopt;
    Node node;
    node.type = up ? "DepthToSpace" : "SpaceToDepth";
    node.opset = 13;
    node.attributes["blocksize"] = b;
    node.attributes["mode"] = std::string(first ? "CRD" : "DCR");
    return node;
}

}  // namespace

bool fuse_pixel_shuffles(Graph &graph) {
    bool changed = false;
    Links links(graph);
    for (size_t i = 0; i < graph.nodes.size(); ++i) {
        const Node &last = graph.nodes[i];
        if (!is_reshaping(last)) continue;
        const Node *middle = links.sole_producer(last, 0, "Transpose");
        if (!middle) continue;
        const Node *first = links.sole_producer(*middle, 0, "Reshape");
        if (!first) continue;
        const Shape &sizes = graph.values[first->outputs[0]].shape;
        auto node = as_blocks({sizes, permutation_of(graph, *middle)}, graph.values[first->inputs[0]].shape,
                              graph.values[last.outputs[0]].shape);
        if (!node) continue;
        node->name = last.name;
        node->inputs = {first->inputs[0]};
        node->outputs = last.outputs;
        links.replace(i, std::move(*node));
        changed = true;
    }
    return changed;
}

}  // namespace sac
