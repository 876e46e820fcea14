// Attention in its spellings. Exporters write it as two products round a Softmax, with reshapes, transpositions, slices
// and factors around them that differ from one to the next. Here all of these are views: where the elements of q, k, v,
// the masks and the result lie in the tensors that are computed anyway.

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "compute/graph/fuse.h"
#include "compute/graph/view.h"

namespace sac {

namespace {

constexpr size_t longest = 12;  // of chains of views

/// The rows of q, k or v: which tensor they lie in, and what they were multiplied by on the way.
struct Traced {
    ValueId source = no_value;
    StridedView view;
    double factor = 1;
};

/// What is added to the scores, as a view of their shape where it is added; or a condition, and what is put in the
/// place of a score where it holds (`hides` is true) or does not.
struct Mask {
    ValueId source = no_value;
    StridedView view;
    double factor = 1;
    std::optional<float> fill = std::nullopt;
    bool hides = true;
};

/// What the source's element adds to a score. A fill is so low that it may as well be added.
double added(const Mask &mask, float element) {
    if (!mask.fill) return mask.factor * static_cast<double>(element);
    return (element != 0) == mask.hides ? mask.factor * static_cast<double>(*mask.fill) : 0;
}

/// True for a fill that a score, added to it, does not change by much: -inf, or lower than scores get, as long as there
/// is another score in each row.
bool may_be_added(const Graph &graph, const Mask &mask) {
    if (!mask.fill || *mask.fill == -std::numeric_limits<float>::infinity()) return true;
    const HostTensor &condition = *graph.values[mask.source].constant;
    const std::vector<float> values = condition.to_floats();
    const auto keys = static_cast<size_t>(condition.shape.empty() ? 1 : condition.shape.back());
    bool visible = false;
    for (size_t i = 0; i < values.size(); ++i) {
        visible = visible || (values[i] != 0) != mask.hides;
        if ((i + 1) % keys) continue;
        if (!visible) return false;
        visible = false;
    }
    return *mask.fill <= -1e4f;
}

/// The constant that a Mul or Div by a scalar multiplies `input 0 or 1` by, and which input that is.
struct Factor {
    double value = 1;
    size_t input = 0;
};
std::optional<Factor> factor_of(const Graph &graph, const Node &node) {
    if (!is_a(node, "Mul") && !is_a(node, "Div")) return std::nullopt;
    const bool divides = is_a(node, "Div");
    for (size_t input = 0; input < (divides ? 1u : 2u); ++input) {
        const auto other = scalar_of(graph, node.inputs[1 - input]);
        if (!other || graph.values[node.inputs[input]].shape != graph.values[node.outputs[0]].shape) continue;
        const auto value = static_cast<double>(*other);
        return Factor{divides ? 1 / value : value, input};
    }
    return std::nullopt;
}

Shape batch_of(const Shape &shape) { return {shape.begin(), shape.end() - 2}; }

Shape with_matrix(Shape batch, int64_t rows, int64_t columns) {
    batch.insert(batch.end(), {rows, columns});
    return batch;
}

/// The fewest batch axes of which the axes of every one of `shapes` are made by joining neighbours.
std::optional<Shape> refine(const std::vector<Shape> &shapes) {
    std::set<int64_t> ends;  // products from the last axis on
    for (const Shape &shape : shapes) {
        int64_t product = 1;
        for (size_t i = shape.size(); i-- > 0;) ends.insert(product *= shape[i]);
    }
    Shape refined;
    int64_t before = 1;
    for (const int64_t end : ends) {
        if (end % before) return std::nullopt;
        if (end != before) refined.insert(refined.begin(), end / before);
        before = end;
    }
    for (const Shape &shape : shapes) {
        int64_t product = 1;
        for (const int64_t size : shape) product *= size;
        if (product != before) return std::nullopt;
    }
    return refined;
}

class Matcher {
public:
    explicit Matcher(Graph &graph) : graph_(graph), links_(graph), sole_readers_(graph.sole_readers()) {}

    bool run() {
        bool changed = false;
        for (size_t i = 0; i < graph_.nodes.size(); ++i) changed = match(i) || changed;
        return changed;
    }

private:
    const Shape &shape_of(ValueId id) const { return graph_.values[id].shape; }

    /// The node that writes a value which nobody else reads.
    const Node *sole_writer(ValueId id) const {
        const size_t writer = links_.producer(id);
        return links_.uses(id) == 1 && writer != SIZE_MAX ? &graph_.nodes[writer] : nullptr;
    }

    /// Upwards from `id` to the farthest tensor that still shows it with steps of one along axis `columns`, or, if
    /// there is none, to the farthest at all; past factors too, if asked.
    std::optional<Traced> trace(ValueId id, size_t columns, bool past_factors) const {
        std::vector<std::pair<size_t, ValueId>> chain;  // nodes, and their outputs that are on the way
        std::optional<Traced> best;
        bool has_rows = false;
        double factor = 1;
        for (ValueId source = id;;) {
            if (!shape_of(source).empty() && element_count(shape_of(source)) > 0) {
                std::optional<StridedView> view = StridedView::of(shape_of(source));
                for (size_t i = chain.size(); i-- > 0 && view;) {
                    const Node &node = graph_.nodes[chain[i].first];
                    if (!factor_of(graph_, node)) view = view_after(graph_, node, chain[i].second, *view);
                }
                const bool even = view && (view->strides[columns] == 1 || view->sizes[columns] == 1);
                if (view && (even || !has_rows)) best = Traced{source, *view, factor};
                has_rows = has_rows || even;
            }
            const size_t writer = links_.producer(source);
            if (writer == SIZE_MAX || chain.size() == longest) return best;
            const Node &node = graph_.nodes[writer];
            if (node.inputs.empty() || node.inputs[0] == no_value) return best;
            const auto scaled = past_factors ? factor_of(graph_, node) : std::nullopt;
            if (!scaled && !view_after(graph_, node, source, StridedView::of(shape_of(node.inputs[0])))) return best;
            if (scaled) factor *= scaled->value;
            chain.emplace_back(writer, source);
            source = node.inputs[scaled ? scaled->input : 0];
        }
    }

    /// The view as matrices of these batches.
    static std::optional<StridedView> as_batches(const StridedView &view, const Shape &broadcast_batch,
                                                 const Shape &batch) {
        const int64_t rows = view.sizes[view.sizes.size() - 2], columns = view.sizes.back();
        const auto whole = broadcast(view, with_matrix(broadcast_batch, rows, columns));
        return whole ? reshape(*whole, with_matrix(batch, rows, columns)) : std::nullopt;
    }

    static void swap_matrix_axes(StridedView &view) {
        const size_t last = view.sizes.size() - 1;
        std::swap(view.sizes[last], view.sizes[last - 1]);
        std::swap(view.strides[last], view.strides[last - 1]);
    }

    /// What becomes of the product of q and k before the Softmax.
    struct Scores {
        const Node *product = nullptr;
        double factor = 1;
        std::vector<Mask> masks;
        std::vector<Shape> batches;  ///< every way in which batches are written
    };

    bool find_scores(ValueId id, Scores &scores, size_t depth = 0) const {
        const Node *node = sole_writer(id);
        if (!node || depth > 8) return false;
        const Shape &shape = shape_of(id);
        if (is_a(*node, "MatMul")) {
            if (shape_of(node->inputs[0]).size() < 2 || shape_of(node->inputs[1]).size() < 2) return false;
            scores.product = node;
            scores.batches.push_back(batch_of(shape));
            return true;
        }
        if (const auto scaled = factor_of(graph_, *node)) {
            scores.factor *= scaled->value;
            return find_scores(node->inputs[scaled->input], scores, depth + 1);
        }
        if (keeps_elements(*node)) {
            const Shape &before = shape_of(node->inputs[0]);
            if (before.size() < 2 || !std::equal(shape.end() - 2, shape.end(), before.end() - 2)) return false;
            scores.batches.push_back(batch_of(shape));
            return find_scores(node->inputs[0], scores, depth + 1);
        }
        if (is_a(*node, "Where")) {
            for (size_t side = 1; side < 3; ++side) {
                const auto fill = scalar_of(graph_, node->inputs[3 - side]);
                const auto view = broadcast(StridedView::of(shape_of(node->inputs[0])), shape);
                if (!fill || !view || !graph_.values[node->inputs[0]].constant) continue;
                if (shape_of(node->inputs[side]) != shape) continue;
                Scores with = scores;
                with.masks.push_back({node->inputs[0], *view, scores.factor, fill, side == 2});
                if (!find_scores(node->inputs[side], with, depth + 1)) continue;
                scores = std::move(with);
                return true;
            }
            return false;
        }
        if (!is_a(*node, "Add")) return false;
        for (size_t side = 0; side < 2; ++side) {
            const ValueId mask = node->inputs[1 - side];
            if (shape_of(node->inputs[side]) != shape || !is_float(graph_.values[mask].dtype)) continue;
            const auto view = broadcast(StridedView::of(shape_of(mask)), shape);
            if (!view) continue;
            Scores with = scores;
            with.masks.push_back({mask, *view, scores.factor});
            if (!find_scores(node->inputs[side], with, depth + 1)) continue;
            scores = std::move(with);
            return true;
        }
        return false;
    }

    /// The Softmax along rows that the weights of a product come from, past reshapes of its batches.
    const Node *find_softmax(ValueId weights, std::vector<Shape> &batches) const {
        const Node *node = sole_writer(weights);
        for (size_t depth = 0; node && keeps_elements(*node) && depth < longest; ++depth) {
            const Shape &shape = shape_of(node->outputs[0]), &before = shape_of(node->inputs[0]);
            if (before.size() < 2 || !std::equal(shape.end() - 2, shape.end(), before.end() - 2)) return nullptr;
            batches.push_back(batch_of(before));
            node = sole_writer(node->inputs[0]);
        }
        if (!node || !is_a(*node, "Softmax")) return nullptr;
        const auto rank = static_cast<int64_t>(shape_of(node->inputs[0]).size());
        const int64_t axis = node->int_or("axis", node->opset >= 13 ? -1 : 1);
        return rank >= 2 && (axis == -1 || axis == rank - 1) ? node : nullptr;
    }

    /// Downwards from the second product to the farthest tensor that has its elements with steps of one along axis
    /// `columns`, or to the farthest at all: that tensor's writer, and the product as a view of it.
    struct Result {
        size_t node = 0;
        StridedView view;
    };
    Result find_result(size_t product, size_t columns) const {
        std::vector<size_t> chain = {product};
        while (chain.size() <= longest) {
            const size_t reader = sole_readers_[graph_.nodes[chain.back()].outputs[0]];
            if (reader == SIZE_MAX) break;
            const Node &node = graph_.nodes[reader];
            if (!keeps_elements(node) && !is_a(node, "Transpose")) break;
            chain.push_back(reader);
        }
        std::optional<Result> farthest;
        for (; !chain.empty(); chain.pop_back()) {
            std::optional<StridedView> view = StridedView::of(shape_of(graph_.nodes[chain.back()].outputs[0]));
            for (size_t i = chain.size(); i-- > 1 && view;) view = view_before(graph_, graph_.nodes[chain[i]], *view);
            if (!view) continue;
            if (view->strides[columns] == 1 || view->sizes[columns] == 1) return {chain.back(), *view};
            if (!farthest) farthest = Result{chain.back(), *view};
        }
        return *farthest;  // at least the product itself
    }

    /// All masks as one. `slot` is a node that is not needed any more and stands behind all of them.
    std::optional<Mask> join_masks(std::vector<Mask> masks, const Shape &sizes, size_t slot) {
        std::vector<Mask> computed, constants;
        for (Mask &mask : masks) {
            const auto view = reshape(mask.view, sizes);
            if (!view) return std::nullopt;
            mask.view = *view;
            const bool constant = graph_.values[mask.source].constant.has_value();
            if (!constant && mask.factor != 1) return std::nullopt;
            if (!may_be_added(graph_, mask)) return std::nullopt;
            (constant ? constants : computed).push_back(mask);
        }
        if (computed.size() > 1) return std::nullopt;
        if (computed.empty() && constants.size() == 1 && constants[0].factor == 1 && !constants[0].fill)
            return constants[0];
        if (constants.empty()) return computed[0];

        Shape shape;
        for (size_t axis = 0; axis < sizes.size(); ++axis) {
            const bool repeats = std::all_of(constants.begin(), constants.end(),
                                             [&](const Mask &mask) { return mask.view.strides[axis] == 0; });
            shape.push_back(repeats ? 1 : sizes[axis]);
        }
        if (!graph_.spend(static_cast<uint64_t>(element_count(shape)) * sizeof(float))) return std::nullopt;
        std::vector<float> sum(static_cast<size_t>(element_count(shape)), 0.0f);
        for (const Mask &mask : constants) {
            const std::vector<float> values = graph_.values[mask.source].constant->to_floats();
            std::vector<int64_t> at(shape.size(), 0);
            for (float &element : sum) {
                int64_t from = mask.view.offset;
                for (size_t axis = 0; axis < at.size(); ++axis) from += at[axis] * mask.view.strides[axis];
                element += static_cast<float>(added(mask, values[static_cast<size_t>(from)]));
                for (size_t axis = at.size(); axis-- > 0;) {
                    if (++at[axis] < shape[axis]) break;
                    at[axis] = 0;
                }
            }
        }
        const std::string name = graph_.nodes[slot].name + "/mask";
        const ValueId constant = graph_.add_constant(name, HostTensor::from_floats(shape, std::move(sum)));
        Mask joined{constant, *broadcast(StridedView::of(shape), sizes), 1};
        if (computed.empty()) return joined;

        // Both in one: where the computed one has the axes of the constant one.
        const Shape &other = shape_of(computed[0].source);
        const auto same = broadcast(StridedView::of(other), sizes);
        if (!same || same->strides != computed[0].view.strides) return std::nullopt;
        Shape both = shape;
        for (size_t axis = 0; axis < sizes.size(); ++axis)
            if (computed[0].view.strides[axis] != 0) both[axis] = sizes[axis];
        const ValueId sum_id = graph_.add_value(name + "s");
        graph_.values[sum_id].dtype = graph_.values[computed[0].source].dtype;
        graph_.values[sum_id].shape = both;
        graph_.values[sum_id].known = true;
        Node add;
        add.name = name + "s";
        add.type = "Add";
        add.opset = 13;
        add.inputs = {computed[0].source, constant};
        add.outputs = {sum_id};
        links_.replace(slot, std::move(add));
        return Mask{sum_id, *broadcast(StridedView::of(both), sizes), 1};
    }

    /// [offset, steps of the batch axes, of rows and of columns].
    static std::vector<int64_t> place(const StridedView &view) {
        std::vector<int64_t> list = {view.offset};
        list.insert(list.end(), view.strides.begin(), view.strides.end());
        return list;
    }
    /// The same; a single column steps by one.
    static std::vector<int64_t> place_of_rows(StridedView view) {
        if (view.sizes.back() == 1) view.strides.back() = 1;
        return place(view);
    }

    /// The input of a Transpose of the last two axes alone.
    ValueId matrix_transposed(ValueId id) const {
        const Node *node = sole_writer(id);
        if (!node || !is_a(*node, "Transpose") || shape_of(id).size() < 2) return no_value;
        const StridedView whole = StridedView::of(shape_of(node->inputs[0]));
        StridedView swapped = whole;
        swap_matrix_axes(swapped);
        const auto view = view_after(graph_, *node, id, whole);
        return view && view->sizes == swapped.sizes && view->strides == swapped.strides ? node->inputs[0] : no_value;
    }

    /// Node `index` as the product with v: of the weights and v, or of v and the weights, both transposed.
    bool match(size_t index) {
        const Node second = graph_.nodes[index];
        if (!is_a(second, "MatMul") || shape_of(second.inputs[0]).size() < 2 || shape_of(second.inputs[1]).size() < 2)
            return false;
        Scores scores;
        scores.batches.push_back(batch_of(shape_of(second.outputs[0])));
        const Node *softmax = find_softmax(second.inputs[0], scores.batches);
        const bool swapped = !softmax;
        if (const ValueId weights = swapped ? matrix_transposed(second.inputs[1]) : no_value; weights != no_value)
            softmax = find_softmax(weights, scores.batches);
        if (!softmax || !find_scores(softmax->inputs[0], scores)) return false;
        const Node &first = *scores.product;
        const Shape first_batch = batch_of(shape_of(first.outputs[0]));
        const Shape second_batch = batch_of(shape_of(second.outputs[0]));
        if (element_count(shape_of(second.outputs[0])) == 0 || element_count(shape_of(first.outputs[0])) == 0)
            return false;

        const auto q = trace(first.inputs[0], shape_of(first.inputs[0]).size() - 1, true);
        auto k = trace(first.inputs[1], shape_of(first.inputs[1]).size() - 2, true);
        const ValueId v_id = second.inputs[swapped ? 0 : 1];
        auto v = trace(v_id, shape_of(v_id).size() - (swapped ? 2 : 1), false);
        const auto batch = refine(scores.batches);
        if (!q || !k || !v || !batch) return false;
        swap_matrix_axes(k->view);
        Result result = find_result(index, second_batch.size() + (swapped ? 0 : 1));
        if (swapped) {
            swap_matrix_axes(v->view);
            swap_matrix_axes(result.view);
        }
        const auto q_view = as_batches(q->view, first_batch, *batch), k_view = as_batches(k->view, first_batch, *batch),
                   v_view = as_batches(v->view, second_batch, *batch),
                   y_view = as_batches(result.view, second_batch, *batch);
        if (!q_view || !k_view || !v_view || !y_view) return false;
        const size_t columns = batch->size() + 1;
        const double scale = scores.factor * q->factor * k->factor;
        if (!std::isfinite(scale)) return false;

        const int64_t rows = q_view->sizes[columns - 1], keys = k_view->sizes[columns - 1];
        std::optional<Mask> mask;
        if (!scores.masks.empty()) {
            const size_t slot = links_.producer(softmax->outputs[0]);
            mask = join_masks(scores.masks, with_matrix(*batch, rows, keys), slot);
            if (!mask) return false;
        }
        Node node;
        node.name = graph_.nodes[index].name;
        node.type = "Attention";
        node.domain = "saccade";
        node.opset = 1;
        node.inputs = {q->source, k->source, v->source};
        if (mask) node.inputs.push_back(mask->source);
        node.outputs = graph_.nodes[result.node].outputs;
        node.attributes = {{"batch", *batch},
                           {"rows", rows},
                           {"keys", keys},
                           {"head", q_view->sizes[columns]},
                           {"value_head", v_view->sizes[columns]},
                           {"q", place_of_rows(*q_view)},
                           {"k", place_of_rows(*k_view)},
                           {"v", place_of_rows(*v_view)},
                           {"y", place_of_rows(*y_view)},
                           {"shape", shape_of(node.outputs[0])},
                           {"scale", static_cast<float>(scale)}};
        if (mask) node.attributes["mask"] = place(mask->view);
        if (result.node != index) links_.remove(index);
        links_.replace(result.node, std::move(node));
        return true;
    }

    Graph &graph_;
    Links links_;
    std::vector<size_t> sole_readers_;  ///< by value, as the graph was
};

}  // namespace

bool fuse_attention(Graph &graph) { return Matcher(graph).run(); }

}  // namespace sac
