#include "compute/graph/view.h"

#include <algorithm>

namespace sac {

StridedView StridedView::of(const Shape &shape) {
    StridedView view{0, shape, std::vector<int64_t>(shape.size())};
    int64_t step = 1;
    for (size_t i = shape.size(); i-- > 0; step *= shape[i]) view.strides[i] = step;
    return view;
}

std::optional<StridedView> reshape(const StridedView &view, const Shape &to) {
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
    StridedView out{view.offset, to, std::vector<int64_t>(to.size(), 0)};
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

std::optional<StridedView> broadcast(const StridedView &view, const Shape &to) {
    if (view.sizes.size() > to.size()) return std::nullopt;
    const size_t missing = to.size() - view.sizes.size();
    StridedView out{view.offset, to, std::vector<int64_t>(to.size(), 0)};
    for (size_t i = 0; i < view.sizes.size(); ++i) {
        if (view.sizes[i] == 1) continue;
        if (view.sizes[i] != to[missing + i]) return std::nullopt;
        out.strides[missing + i] = view.strides[i];
    }
    return out;
}

bool keeps_elements(const Node &node) {
    return is_a(node, "Reshape") || is_a(node, "Flatten") || is_a(node, "Squeeze") || is_a(node, "Unsqueeze");
}

namespace {

std::optional<StridedView> gathered(const Graph &graph, const Node &node, const Shape &out, const StridedView &view) {
    const auto &indices = graph.values[node.inputs[1]].constant;
    if (!indices || element_count(indices->shape) != 1) return std::nullopt;
    const auto rank = static_cast<int64_t>(view.sizes.size());
    int64_t axis = node.int_or("axis", 0), index = indices->to_int64s().at(0);
    if (axis < 0) axis += rank;
    if (index < 0) index += view.sizes[static_cast<size_t>(axis)];
    if (index < 0 || index >= view.sizes[static_cast<size_t>(axis)]) return std::nullopt;  // Gather itself reports it
    StridedView chosen{view.offset + index * view.strides[static_cast<size_t>(axis)], view.sizes, view.strides};
    chosen.sizes[static_cast<size_t>(axis)] = 1;
    return reshape(chosen, out);
}

/// The integers of a Slice: an attribute until opset 9, a constant input after; nothing if it is neither.
std::optional<std::vector<int64_t>> slice_list(const Graph &graph, const Node &node, const char *key, size_t input) {
    if (node.opset < 10) return node.ints_or(key, {});
    if (input >= node.inputs.size() || node.inputs[input] == no_value) return std::vector<int64_t>();
    const auto &constant = graph.values[node.inputs[input]].constant;
    return constant ? std::optional(constant->to_int64s()) : std::nullopt;
}

std::optional<StridedView> sliced(const Graph &graph, const Node &node, const Shape &out, StridedView view) {
    const auto starts = slice_list(graph, node, "starts", 1), axes = slice_list(graph, node, "axes", 3),
               steps = slice_list(graph, node, "steps", 4);
    if (!starts || !axes || !steps || out.size() != view.sizes.size()) return std::nullopt;
    const auto rank = static_cast<int64_t>(out.size());
    for (size_t i = 0; i < starts->size(); ++i) {
        int64_t axis = i < axes->size() ? (*axes)[i] : static_cast<int64_t>(i);
        if (axis < 0) axis += rank;
        const int64_t step = i < steps->size() ? (*steps)[i] : 1;
        if (axis < 0 || axis >= rank || step < 1) return std::nullopt;
        const auto at = static_cast<size_t>(axis);
        int64_t start = (*starts)[i];
        if (start < 0) start += view.sizes[at];
        start = std::clamp<int64_t>(start, 0, view.sizes[at]);
        view.offset += start * view.strides[at];
        view.strides[at] *= step;
    }
    view.sizes = out;
    return view;
}

std::optional<StridedView> split(const Graph &graph, const Node &node, ValueId output, StridedView view) {
    const auto rank = static_cast<int64_t>(view.sizes.size());
    int64_t axis = node.int_or("axis", 0);
    if (axis < 0) axis += rank;
    if (axis < 0 || axis >= rank) return std::nullopt;
    const auto at = static_cast<size_t>(axis);
    for (const ValueId part : node.outputs) {
        if (part == output) {
            view.sizes = graph.values[part].shape;
            return view;
        }
        if (part == no_value) return std::nullopt;
        view.offset += graph.values[part].shape[at] * view.strides[at];
    }
    return std::nullopt;
}

}  // namespace

std::optional<StridedView> view_after(const Graph &graph, const Node &node, ValueId output, const StridedView &view) {
    const Shape &out = graph.values[output].shape;
    if (keeps_elements(node)) return reshape(view, out);
    if (is_a(node, "Transpose")) {
        StridedView moved{view.offset, out, {}};
        for (const int64_t axis : permutation_of(graph, node))
            moved.strides.push_back(view.strides[static_cast<size_t>(axis)]);
        return moved;
    }
    if (is_a(node, "Gather")) return gathered(graph, node, out, view);
    if (is_a(node, "Slice")) return sliced(graph, node, out, view);
    if (is_a(node, "Split")) return split(graph, node, output, view);
    if (is_a(node, "Expand")) return broadcast(view, out);
    return std::nullopt;
}

std::optional<StridedView> view_before(const Graph &graph, const Node &node, const StridedView &view) {
    const Shape &shape = graph.values[node.inputs[0]].shape;
    if (keeps_elements(node)) return reshape(view, shape);
    if (!is_a(node, "Transpose")) return std::nullopt;
    StridedView moved{view.offset, shape, std::vector<int64_t>(shape.size(), 0)};
    const auto perm = permutation_of(graph, node);
    for (size_t i = 0; i < perm.size(); ++i) moved.strides[static_cast<size_t>(perm[i])] = view.strides[i];
    return moved;
}

}  // namespace sac
