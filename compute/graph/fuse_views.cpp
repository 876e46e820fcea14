// Operators that only move elements: transpositions joined, cancelled and moved; channel shuffles found.

#include <algorithm>
#include <numeric>

#include "compute/graph/fuse.h"

namespace sac {

namespace {

/// Which element of a tensor each element of another is, as one offset and a step for every axis.
struct View {
    int64_t offset = 0;
    Shape sizes;
    std::vector<int64_t> strides;

    static View of(const Shape &shape) {
        View view{0, shape, std::vector<int64_t>(shape.size())};
        for (size_t i = shape.size(), step = 1; i-- > 0; step *= static_cast<size_t>(shape[i]))
            view.strides[i] = static_cast<int64_t>(step);
        return view;
    }
};

/// The view under another shape, if it still has one step for every axis: axes of the old shape are joined only where
/// their elements follow one another evenly, then cut up anew.
std::optional<View> reshape(const View &view, const Shape &to) {
    Shape sizes;
    std::vector<int64_t> strides;
    for (size_t i = 0; i < view.sizes.size(); ++i) {
        if (view.sizes[i] == 1) continue;
        if (!sizes.empty() && strides.back() == view.strides[i] * view.sizes[i]) {
            sizes.back() *= view.sizes[i];
            strides.back() = view.strides[i];
        } else {
            sizes.push_back(view.sizes[i]);
            strides.push_back(view.strides[i]);
        }
    }
    View out{view.offset, to, std::vector<int64_t>(to.size(), 0)};
    size_t run = sizes.size();
    int64_t left = 1, step = 1;
    for (size_t i = to.size(); i-- > 0;) {
        if (to[i] == 1) continue;
        if (left == 1) {
            if (run == 0) return std::nullopt;
            left = sizes[--run];
            step = strides[run];
        }
        if (left % to[i]) return std::nullopt;
        out.strides[i] = step;
        step *= to[i];
        left /= to[i];
    }
    return run == 0 && left == 1 ? std::optional(out) : std::nullopt;
}

bool is_reshaping(const Node &node) {
    return is_a(node, "Reshape") || is_a(node, "Flatten") || is_a(node, "Squeeze") || is_a(node, "Unsqueeze");
}

std::vector<int64_t> permutation_of(const Graph &graph, const Node &node) {
    const size_t rank = graph.values[node.inputs[0]].shape.size();
    std::vector<int64_t> perm = node.ints_or("perm", {});
    if (perm.empty())
        for (size_t i = rank; i-- > 0;) perm.push_back(static_cast<int64_t>(i));
    return perm;
}

/// What `node` does to a view of its input; nothing if it is no view.
std::optional<View> step(const Graph &graph, const Node &node, const View &view) {
    const Shape &out = graph.values[node.outputs[0]].shape;
    if (is_reshaping(node)) return reshape(view, out);
    if (is_a(node, "Transpose")) {
        const auto perm = permutation_of(graph, node);
        View moved{view.offset, out, {}};
        for (const int64_t axis : perm) moved.strides.push_back(view.strides[static_cast<size_t>(axis)]);
        return moved;
    }
    if (is_a(node, "Gather")) {
        const auto &indices = graph.values[node.inputs[1]].constant;
        if (!indices || element_count(indices->shape) != 1) return std::nullopt;
        const auto rank = static_cast<int64_t>(view.sizes.size());
        int64_t axis = node.int_or("axis", 0), index = indices->to_int64s().at(0);
        if (axis < 0) axis += rank;
        if (index < 0) index += view.sizes[static_cast<size_t>(axis)];
        if (index < 0 || index >= view.sizes[static_cast<size_t>(axis)])
            return std::nullopt;  // Gather itself reports it
        View chosen{view.offset + index * view.strides[static_cast<size_t>(axis)], view.sizes, view.strides};
        chosen.sizes[static_cast<size_t>(axis)] = 1;
        return reshape(chosen, out);
    }
    return std::nullopt;
}

/// A chain of views from `source` on is a choice of channels: its start, its step and how many.
struct Choice {
    int64_t start = 0, step = 0, count = 0;
};
std::optional<Choice> as_choice(const View &view, const Shape &source) {
    if (source.size() < 3 || view.sizes.size() != source.size() || view.sizes[0] != source[0]) return std::nullopt;
    const View whole = View::of(source);
    for (size_t i = 0; i < source.size(); ++i) {
        if (i == 1) continue;
        if (view.sizes[i] != source[i]) return std::nullopt;
        if (source[i] != 1 && view.strides[i] != whole.strides[i]) return std::nullopt;
    }
    const int64_t pixels = whole.strides[1], count = view.sizes[1];
    const int64_t stride = count == 1 ? pixels : view.strides[1];
    if (view.offset % pixels || stride % pixels || stride <= 0) return std::nullopt;
    const Choice choice{view.offset / pixels, stride / pixels, count};
    return choice.start + choice.step * (count - 1) < source[1] ? std::optional(choice) : std::nullopt;
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

bool fuse_channel_gathers(Graph &graph) {
    constexpr size_t longest = 8;
    bool changed = false;
    Links links(graph);
    for (size_t i = 0; i < graph.nodes.size(); ++i) {
        Node node = graph.nodes[i];
        if (!is_a(node, "Gather") && !is_reshaping(node)) continue;
        // Upwards from here, as far as there are views; then down again from each possible source, nearest first.
        std::vector<size_t> chain = {i};
        std::optional<Choice> choice;
        ValueId source = no_value;
        while (chain.size() <= longest && !choice) {
            source = graph.nodes[chain.back()].inputs[0];
            const Shape &shape = graph.values[source].shape;
            std::optional<View> view;
            if (!shape.empty() && element_count(shape) > 0) view = View::of(shape);
            for (size_t k = chain.size(); k-- > 0 && view;) view = step(graph, graph.nodes[chain[k]], *view);
            // One reshaping alone that keeps every channel is left as it is.
            if (view && chain.size() > 1) choice = as_choice(*view, shape);
            const size_t writer = links.producer(source);
            if (choice || writer == SIZE_MAX || graph.nodes[writer].inputs.empty()) break;
            const Node &before = graph.nodes[writer];
            if (!is_a(before, "Gather") && !is_reshaping(before) && !is_a(before, "Transpose")) break;
            chain.push_back(writer);
        }
        if (!choice || choice->count == graph.values[source].shape[1]) continue;
        node.type = "ChannelGather";
        node.domain = "saccade";
        node.opset = 1;
        node.inputs = {source};
        node.attributes.clear();
        node.attributes["start"] = choice->start;
        node.attributes["step"] = choice->step;
        node.attributes["count"] = choice->count;
        links.replace(i, std::move(node));
        changed = true;
    }
    return changed;
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
