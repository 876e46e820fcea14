// What the blocks of transformers have besides attention: layer normalisation and GELU, where exporters spell them out,
// and linear layers.

#include <algorithm>
#include <cmath>

#include "compute/graph/fuse.h"

namespace sac {

namespace {

/// The node of that type that writes input `i` of `node`, whoever else reads it.
const Node *writer(const Graph &graph, const Links &links, const Node &node, size_t i, std::string_view type) {
    if (i >= node.inputs.size() || node.inputs[i] == no_value) return nullptr;
    const size_t at = links.producer(node.inputs[i]);
    return at != SIZE_MAX && is_a(graph.nodes[at], type) ? &graph.nodes[at] : nullptr;
}

bool is_close(std::optional<float> value, double to) {
    return value && std::fabs(static_cast<double>(*value) - to) <= 1e-4 * std::fabs(to);
}

/// The input of a Mul or Add beside a scalar that is close to `number`; no_value if it is none.
ValueId beside(const Graph &graph, const Node &node, std::string_view type, double number) {
    if (!is_a(node, type)) return no_value;
    for (size_t i = 0; i < 2; ++i)
        if (is_close(scalar_of(graph, node.inputs[1 - i]), number)) return node.inputs[i];
    return no_value;
}

/// The first of the last axes over which a ReduceMean of `x` goes, if it goes over those and keeps them.
std::optional<size_t> mean_axis(const Graph &graph, const Node *mean, ValueId x) {
    if (!mean || mean->inputs[0] != x || mean->int_or("keepdims", 1) == 0) return std::nullopt;
    std::vector<int64_t> axes = mean->ints_or("axes", {});
    if (mean->inputs.size() > 1 && mean->inputs[1] != no_value) {
        const auto &constant = graph.values[mean->inputs[1]].constant;
        if (!constant) return std::nullopt;
        axes = constant->to_int64s();
    }
    const auto rank = static_cast<int64_t>(graph.values[x].shape.size());
    for (int64_t &axis : axes)
        if (axis < 0) axis += rank;
    std::sort(axes.begin(), axes.end());
    for (size_t i = 0; i < axes.size(); ++i)
        if (axes[i] != rank - static_cast<int64_t>(axes.size() - i)) return std::nullopt;
    return axes.empty() || axes[0] < 0 ? std::nullopt : std::optional(static_cast<size_t>(axes[0]));
}

/// A constant beside `x` in a Mul or Add, that has one element for each of the axes from `axis` on.
std::optional<ValueId> weights_beside(const Graph &graph, const Node &node, ValueId x, size_t axis) {
    const Shape &shape = graph.values[x].shape;
    const ValueId other = node.inputs[node.inputs[0] == x ? 1 : 0];
    const auto &constant = graph.values[other].constant;
    if (!constant || !is_float(constant->dtype) || graph.values[node.outputs[0]].shape != shape) return std::nullopt;
    const size_t axes = shape.size() - axis, rank = constant->shape.size();
    for (size_t i = 0; i < std::max(axes, rank); ++i) {
        const int64_t size = i < rank ? constant->shape[rank - 1 - i] : 1;
        if (size != (i < axes ? shape[shape.size() - 1 - i] : 1)) return std::nullopt;
    }
    return other;
}

/// (x - mean) / sqrt(variance + epsilon) at a Div: what is normalised, from which axis on, and epsilon.
struct Normalised {
    ValueId x = no_value;
    size_t axis = 0;
    float epsilon = 0;
};
std::optional<Normalised> find_normalised(const Graph &graph, const Links &links, const Node &div) {
    const Node *centred = writer(graph, links, div, 0, "Sub"), *root = writer(graph, links, div, 1, "Sqrt");
    const Node *sum = root ? writer(graph, links, *root, 0, "Add") : nullptr;
    if (!centred || !sum) return std::nullopt;
    const ValueId x = centred->inputs[0];
    const auto axis = mean_axis(graph, writer(graph, links, *centred, 1, "ReduceMean"), x);
    const size_t side = scalar_of(graph, sum->inputs[1]) ? 0 : 1;
    const auto epsilon = scalar_of(graph, sum->inputs[1 - side]);
    const Node *variance = writer(graph, links, *sum, side, "ReduceMean");
    if (!axis || !epsilon || !variance || mean_axis(graph, variance, variance->inputs[0]) != axis) return std::nullopt;
    const Node *square = writer(graph, links, *variance, 0, "Pow");
    if (square && scalar_of(graph, square->inputs[1]) != 2.0f) return std::nullopt;
    if (!square) square = writer(graph, links, *variance, 0, "Mul");
    if (!square || (is_a(*square, "Mul") && square->inputs[0] != square->inputs[1])) return std::nullopt;
    // The same difference, or another node that computes it.
    const Node *again = writer(graph, links, *square, 0, "Sub");
    if (!again || again->inputs[0] != x) return std::nullopt;
    if (again != centred && mean_axis(graph, writer(graph, links, *again, 1, "ReduceMean"), x) != axis)
        return std::nullopt;
    return Normalised{x, *axis, *epsilon};
}

}  // namespace

bool fuse_layer_norms(Graph &graph) {
    bool changed = false;
    Links links(graph);
    const std::vector<size_t> sole_readers = graph.sole_readers();
    for (size_t i = 0; i < graph.nodes.size(); ++i) {
        const Node div = graph.nodes[i];
        if (!is_a(div, "Div")) continue;
        const auto found = find_normalised(graph, links, div);
        if (!found) continue;
        const Shape &shape = graph.values[found->x].shape;
        size_t last = i;
        ValueId weights[2] = {no_value, no_value};
        const char *types[2] = {"Mul", "Add"};
        for (size_t step = 0; step < 2; ++step) {
            const ValueId y = graph.nodes[last].outputs[0];
            const size_t reader = sole_readers[y];
            if (reader == SIZE_MAX || !is_a(graph.nodes[reader], types[step])) continue;
            const auto other = weights_beside(graph, graph.nodes[reader], y, found->axis);
            if (!other) continue;
            weights[step] = *other;
            last = reader;
        }
        if (weights[0] == no_value) {
            const Shape sizes(shape.begin() + static_cast<std::ptrdiff_t>(found->axis), shape.end());
            const int64_t count = element_count(sizes);
            if (!graph.spend(static_cast<uint64_t>(count) * sizeof(float))) continue;
            weights[0] = graph.add_constant(
                div.name + "/ones", HostTensor::from_floats(sizes, std::vector<float>(static_cast<size_t>(count), 1)));
        }
        Node node;
        node.name = div.name;
        node.type = "LayerNormalization";
        node.opset = 17;
        node.inputs = {found->x, weights[0]};
        if (weights[1] != no_value) node.inputs.push_back(weights[1]);
        node.outputs = graph.nodes[last].outputs;
        node.attributes = {{"axis", static_cast<int64_t>(found->axis)}, {"epsilon", found->epsilon}};
        // What lies between is swept out with the rest, once nobody reads it.
        links.replace(last, std::move(node));
        changed = true;
    }
    return changed;
}

namespace {

/// erf(x / sqrt 2) + 1, at the node that adds.
ValueId erf_gate(const Graph &graph, const Links &links, const Node &add) {
    for (size_t i = 0; i < 2; ++i) {
        const Node *erf = writer(graph, links, add, i, "Erf");
        if (!erf || beside(graph, add, "Add", 1) != add.inputs[i]) continue;
        if (const Node *div = writer(graph, links, *erf, 0, "Div"))
            return is_close(scalar_of(graph, div->inputs[1]), std::sqrt(2.0)) ? div->inputs[0] : no_value;
        const Node *mul = writer(graph, links, *erf, 0, "Mul");
        return mul ? beside(graph, *mul, "Mul", std::sqrt(0.5)) : no_value;
    }
    return no_value;
}

/// x^3, spelled as a power or as products.
ValueId cube(const Graph &graph, const Links &links, const Node &node, size_t i) {
    if (const Node *pow = writer(graph, links, node, i, "Pow"))
        return scalar_of(graph, pow->inputs[1]) == 3.0f ? pow->inputs[0] : no_value;
    const Node *mul = writer(graph, links, node, i, "Mul");
    for (size_t k = 0; mul && k < 2; ++k) {
        const Node *square = writer(graph, links, *mul, k, "Mul");
        const ValueId x = mul->inputs[1 - k];
        if (square && square->inputs[0] == x && square->inputs[1] == x) return x;
    }
    return no_value;
}

/// tanh(sqrt(2 / pi) (x + 0.044715 x^3)) + 1, at the node that adds.
ValueId tanh_gate(const Graph &graph, const Links &links, const Node &add) {
    const ValueId curve = beside(graph, add, "Add", 1);
    for (size_t i = 0; i < 2 && curve != no_value; ++i) {
        if (add.inputs[i] != curve) continue;
        const Node *tanh = writer(graph, links, add, i, "Tanh");
        const Node *scaled = tanh ? writer(graph, links, *tanh, 0, "Mul") : nullptr;
        const ValueId inner = scaled ? beside(graph, *scaled, "Mul", std::sqrt(2 / 3.14159265358979)) : no_value;
        if (inner == no_value) return no_value;
        const Node *sum = writer(graph, links, *scaled, scaled->inputs[0] == inner ? 0 : 1, "Add");
        for (size_t side = 0; sum && side < 2; ++side) {
            const Node *term = writer(graph, links, *sum, side, "Mul");
            const ValueId cubed = term ? beside(graph, *term, "Mul", 0.044715) : no_value;
            if (cubed == no_value) continue;
            const ValueId x = cube(graph, links, *term, term->inputs[0] == cubed ? 0 : 1);
            return x == sum->inputs[1 - side] ? x : no_value;
        }
        return no_value;
    }
    return no_value;
}

/// A product of three factors, in any order: x, its gate, and one half.
struct Product {
    const Node *gate = nullptr;
    ValueId x = no_value;
};
std::vector<Product> products_of(const Graph &graph, const Links &links, const Node &mul) {
    std::vector<Product> found;
    const auto add = [&](const Node *gate, ValueId x) {
        if (gate && x != no_value) found.push_back({gate, x});
    };
    if (const ValueId whole = beside(graph, mul, "Mul", 0.5); whole != no_value) {  // (x gate) / 2
        const Node *inner = writer(graph, links, mul, mul.inputs[0] == whole ? 0 : 1, "Mul");
        for (size_t i = 0; inner && i < 2; ++i) add(writer(graph, links, *inner, i, "Add"), inner->inputs[1 - i]);
    }
    for (size_t i = 0; i < 2; ++i) {
        if (const Node *half = writer(graph, links, mul, i, "Mul")) {
            const ValueId halved = beside(graph, *half, "Mul", 0.5);
            if (halved == no_value) continue;
            add(writer(graph, links, mul, 1 - i, "Add"), halved);  // (x / 2) gate
            add(writer(graph, links, *half, half->inputs[0] == halved ? 0 : 1, "Add"),
                mul.inputs[1 - i]);  // x (gate / 2)
        }
    }
    return found;
}

}  // namespace

bool fuse_gelus(Graph &graph) {
    bool changed = false;
    Links links(graph);
    for (size_t i = 0; i < graph.nodes.size(); ++i) {
        const Node &mul = graph.nodes[i];
        if (!is_a(mul, "Mul")) continue;
        for (const Product &product : products_of(graph, links, mul)) {
            const bool exact = erf_gate(graph, links, *product.gate) == product.x;
            if (!exact && tanh_gate(graph, links, *product.gate) != product.x) continue;
            if (graph.values[product.x].shape != graph.values[mul.outputs[0]].shape) continue;
            Node gelu;
            gelu.name = mul.name;
            gelu.type = "Gelu";
            gelu.opset = 20;
            gelu.inputs = {product.x};
            gelu.outputs = mul.outputs;
            gelu.attributes["approximate"] = std::string(exact ? "none" : "tanh");
            links.replace(i, std::move(gelu));
            changed = true;
            break;
        }
    }
    return changed;
}

namespace {

/// The constant that a node adds to all rows of x, a number a column.
std::optional<ValueId> column_bias(const Graph &graph, const Node &add, ValueId x) {
    const Shape &shape = graph.values[x].shape;
    const ValueId other = add.inputs[add.inputs[0] == x ? 1 : 0];
    const auto &constant = graph.values[other].constant;
    if (!constant || !is_float(constant->dtype) || constant->shape.empty()) return std::nullopt;
    if (graph.values[add.outputs[0]].shape != shape || constant->shape.back() != shape.back() ||
        element_count(constant->shape) != shape.back())
        return std::nullopt;
    return other;
}

/// A Gemm or Linear whose rows, of whole texels, a Reshape at `last` only counts in another way: its place in the
/// graph.
std::optional<size_t> product_of_rows(const Graph &graph, const Links &links, const Node &last) {
    if (!is_a(last, "Reshape") || links.uses(last.inputs[0]) != 1) return std::nullopt;
    const size_t place = links.producer(last.inputs[0]);
    const Node *gemm = place == SIZE_MAX ? nullptr : &graph.nodes[place];
    const Shape &to = graph.values[last.outputs[0]].shape;
    if (!gemm || (!is_a(*gemm, "Gemm") && gemm->type != "Linear") || to.size() < 3 || gemm->epilogue.residual)
        return std::nullopt;
    if (gemm->int_or("transA", 0) || gemm->float_or("alpha", 1) != 1 || gemm->float_or("beta", 1) != 1)
        return std::nullopt;
    const Shape &y = graph.values[gemm->outputs[0]].shape;
    const Value &b = graph.values[gemm->inputs[1]];
    const int64_t columns = y.back();
    if (!b.constant || !is_float(b.dtype) || to.back() != columns || element_count(y) == 0 || columns % 4)
        return std::nullopt;
    if (element_count(b.shape) / columns % 4) return std::nullopt;
    if (gemm->inputs.size() > 2 && gemm->inputs[2] != no_value) {
        const Value &bias = graph.values[gemm->inputs[2]];
        if (!bias.constant || bias.shape.empty() || bias.shape.back() != columns ||
            element_count(bias.shape) != columns)
            return std::nullopt;
    }
    return place;
}

/// The product at `place` and the Reshape at `last` after it become that Reshape, of the product's input, and a Linear.
void reshape_before(Graph &graph, Links &links, size_t place, size_t last) {
    Node linear = graph.nodes[place], reshape = graph.nodes[last];
    Shape shape = graph.values[reshape.outputs[0]].shape;
    linear.outputs = reshape.outputs;
    const bool transposed = linear.int_or("transB", 0) != 0;
    linear.attributes.clear();
    if (transposed) linear.attributes["transB"] = int64_t{1};
    shape.back() = graph.values[linear.inputs[1]].shape[transposed ? 1 : 0];
    const ValueId rows = graph.add_value(linear.name + "/rows");
    graph.values[rows].dtype = graph.values[linear.inputs[0]].dtype;
    graph.values[rows].shape = shape;
    graph.values[rows].known = true;
    reshape.name = linear.name + "/rows";
    reshape.inputs = {linear.inputs[0],
                      graph.add_constant(linear.name + "/shape",
                                         HostTensor::from_int64s({static_cast<int64_t>(shape.size())}, shape))};
    reshape.attributes.clear();
    reshape.opset = 13;
    reshape.outputs = {rows};
    linear.type = "Linear";
    linear.domain = "saccade";
    linear.opset = 1;
    linear.inputs[0] = rows;
    links.replace(last, {});
    links.replace(place, std::move(reshape));
    links.replace(last, std::move(linear));
}

}  // namespace

bool fuse_linears(Graph &graph) {
    bool changed = false;
    Links links(graph);
    const std::vector<size_t> sole_readers = graph.sole_readers();
    for (size_t i = 0; i < graph.nodes.size(); ++i) {
        Node node = graph.nodes[i];
        if (const auto place = product_of_rows(graph, links, node)) {
            reshape_before(graph, links, *place, i);
            changed = true;
            continue;
        }
        if (!is_a(node, "MatMul")) continue;
        const Value &a = graph.values[node.inputs[0]], &b = graph.values[node.inputs[1]];
        if (!b.constant || b.shape.size() != 2 || a.constant || a.shape.size() < 3) continue;
        if (b.shape[0] == 0 || b.shape[0] % 4 || b.shape[1] % 4 || !is_float(b.dtype)) continue;
        node.type = "Linear";
        node.domain = "saccade";
        node.opset = 1;
        size_t last = i;
        const size_t reader = sole_readers[node.outputs[0]];
        if (reader != SIZE_MAX && is_a(graph.nodes[reader], "Add")) {
            if (const auto bias = column_bias(graph, graph.nodes[reader], node.outputs[0])) {
                node.inputs.push_back(*bias);
                node.outputs = graph.nodes[reader].outputs;
                last = reader;
            }
        }
        if (last != i) links.remove(i);
        links.replace(last, std::move(node));
        changed = true;
    }
    return changed;
}

namespace {

/// True if the value surely lies densely: it comes from a list of tokens, past what only moves elements.
bool comes_dense(const Graph &graph, const Links &links, ValueId id) {
    for (size_t at = links.producer(id); at != SIZE_MAX; at = links.producer(graph.nodes[at].inputs[0])) {
        const Node &node = graph.nodes[at];
        if (is_a(node, "MatMul") || is_a(node, "LayerNormalization")) return true;
        if (node.domain == "saccade") return node.type == "Linear" || node.type == "Attention";
        if (!is_a(node, "Reshape") && !is_a(node, "Split") && !is_a(node, "Slice")) return false;
    }
    return true;  // an input of the graph
}

}  // namespace

bool fuse_matmuls(Graph &graph) {
    bool changed = false;
    Links links(graph);
    for (size_t i = 0; i < graph.nodes.size(); ++i) {
        const Node &node = graph.nodes[i];
        if (!is_a(node, "MatMul") || node.inputs.size() != 2) continue;
        const Node *transpose = writer(graph, links, node, 1, "Transpose");
        if (!transpose) continue;
        const ValueId source = transpose->inputs[0];
        const auto rank = static_cast<int64_t>(graph.values[source].shape.size());
        std::vector<int64_t> perm = permutation_of(graph, *transpose);
        // To channels-last C4 need not be moved at all.
        bool free = rank > 2 && perm[0] == 0 && perm.back() == 1;
        for (int64_t axis = 1; axis + 1 < rank; ++axis) free = free && perm[static_cast<size_t>(axis)] == axis + 1;
        if (rank < 2 || (free && !comes_dense(graph, links, source))) continue;
        Node fused = node;
        fused.domain = "saccade";
        fused.opset = 1;
        fused.inputs[1] = source;
        fused.attributes = {{"perm", std::move(perm)}};
        links.replace(i, std::move(fused));
        changed = true;
    }
    return changed;
}

bool split_gemms(Graph &graph) {
    bool changed = false;
    std::vector<Node> nodes;
    nodes.reserve(graph.nodes.size());
    for (Node &node : graph.nodes) {
        const bool plain = is_a(node, "Gemm") && !node.int_or("transA", 0) && node.float_or("alpha", 1) == 1 &&
                           node.float_or("beta", 1) == 1;
        if (!plain || graph.values[node.inputs[1]].constant) {
            nodes.push_back(std::move(node));
            continue;
        }
        changed = true;
        const ValueId y = node.outputs[0], summand = node.inputs.size() > 2 ? node.inputs[2] : no_value;
        const std::string name = node.name;
        const bool transposed = node.int_or("transB", 0) != 0;
        node.type = "MatMul";
        node.domain = "saccade";
        node.opset = 1;
        node.inputs.resize(2);
        node.attributes = {{"perm", transposed ? std::vector<int64_t>{1, 0} : std::vector<int64_t>{0, 1}}};
        nodes.push_back(std::move(node));
        if (summand == no_value) continue;
        const ValueId product = graph.add_value(graph.values[y].name + "/product");
        graph.values[product].dtype = graph.values[y].dtype;
        graph.values[product].shape = graph.values[y].shape;
        graph.values[product].known = true;
        nodes.back().outputs = {product};
        Node add;
        add.name = name + "/add";
        add.type = "Add";
        add.opset = 13;
        add.inputs = {product, summand};
        add.outputs = {y};
        nodes.push_back(std::move(add));
    }
    graph.nodes = std::move(nodes);
    return changed;
}

}  // namespace sac
