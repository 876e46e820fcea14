// labels: host_only
// Attention, layer normalisation, GELU and linear layers in their spellings, on graphs written by hand. That they
// compute the same is checked with whole networks in tests/session.
#include <doctest/doctest.h>

#include <limits>

#include "compute/graph/fuse.h"
#include "tests/graph/builder.h"

using namespace sac;
using namespace sac::test;

namespace {

using Ints = std::vector<int64_t>;
using Attributes = std::map<std::string, Attribute, std::less<>>;

/// A graph of attention over 2 images of 5 tokens, 3 heads of 4 columns.
struct AttentionGraph : GraphBuilder {
    static constexpr int64_t images = 2, tokens = 5, heads = 3, head = 4, columns = heads * head;

    ValueId index(const std::string &name, int64_t at) {
        return graph.add_constant(name, HostTensor::from_int64s({}, {&at, 1}));
    }
    ValueId reshape(ValueId x, const std::string &name, const Shape &shape) {
        return node("Reshape", {x, integers(name + ".shape", shape)}, name, shape);
    }
    ValueId transpose(ValueId x, const std::string &name, const Ints &perm) {
        Shape shape;
        for (const int64_t axis : perm) shape.push_back(graph.values[x].shape[static_cast<size_t>(axis)]);
        return node("Transpose", {x}, name, shape, {{"perm", perm}});
    }
    ValueId scalar(const std::string &name, float value) { return floats(name, {}, {value}); }

    /// q, k and v as timm has them: one matrix, cut into three, heads first.
    struct Parts {
        ValueId q, k, v;
    };
    Parts parts(ValueId qkv) {
        const ValueId r = reshape(qkv, "r", {images, tokens, 3, heads, head});
        const ValueId t = transpose(r, "t", {2, 0, 3, 1, 4});
        const Shape one = {images, heads, tokens, head};
        return {node("Gather", {t, index("i0", 0)}, "q", one), node("Gather", {t, index("i1", 1)}, "k", one),
                node("Gather", {t, index("i2", 2)}, "v", one)};
    }
    /// Scores, softmax, product and the rows of tokens again. `between` makes what the Softmax reads of the scores.
    template <class Between>
    ValueId attend(const Parts &p, const Between &between) {
        const ValueId kt = transpose(p.k, "kt", {0, 1, 3, 2});
        const ValueId scores = node("MatMul", {p.q, kt}, "scores", {images, heads, tokens, tokens});
        const ValueId weights =
            node("Softmax", {between(scores)}, "weights", {images, heads, tokens, tokens}, {{"axis", int64_t{-1}}});
        const ValueId product = node("MatMul", {weights, p.v}, "product", {images, heads, tokens, head});
        return reshape(transpose(product, "heads_last", {0, 2, 1, 3}), "y", {images, tokens, columns});
    }
};

const Node &only(const Graph &graph) {
    REQUIRE_MESSAGE(graph.nodes.size() == 1, types_of(graph));
    return graph.nodes[0];
}

}  // namespace

TEST_CASE("attention over one matrix of q, k and v") {
    AttentionGraph g;
    const ValueId qkv = g.input("qkv", {2, 5, 36});
    g.output(g.attend(g.parts(qkv), [&](ValueId s) {
        return g.node("Mul", {s, g.scalar("scale", 0.5f)}, "scaled", {2, 3, 5, 5});
    }));
    fuse(g.graph);
    const Node &node = only(g.graph);
    REQUIRE(types_of(g.graph) == "saccade.Attention");
    CHECK(node.inputs == std::vector<ValueId>{qkv, qkv, qkv});
    CHECK(node.outputs == g.graph.outputs);
    CHECK(node.ints_or("batch", {}) == Ints{2, 3});
    CHECK(node.ints_or("q", {}) == Ints{0, 180, 4, 36, 1});
    CHECK(node.ints_or("k", {}) == Ints{12, 180, 4, 36, 1});
    CHECK(node.ints_or("v", {}) == Ints{24, 180, 4, 36, 1});
    CHECK(node.ints_or("y", {}) == Ints{0, 60, 4, 12, 1});
    CHECK(node.ints_or("shape", {}) == Ints{2, 5, 12});
    CHECK(node.int_or("rows", 0) == 5);
    CHECK(node.int_or("keys", 0) == 5);
    CHECK(node.int_or("head", 0) == 4);
    CHECK(node.int_or("value_head", 0) == 4);
    CHECK(node.float_or("scale", 0) == 0.5f);
}

TEST_CASE("scales on either side, and no scale") {
    for (int spelling = 0; spelling < 4; ++spelling) {
        CAPTURE(spelling);
        AttentionGraph g;
        AttentionGraph::Parts p = g.parts(g.input("qkv", {2, 5, 36}));
        const Shape one = {2, 3, 5, 4};
        if (spelling == 1) p.q = g.node("Div", {p.q, g.scalar("d", 2)}, "scaled", one);
        if (spelling == 2) {
            p.q = g.node("Mul", {g.scalar("a", 0.5f), p.q}, "q_scaled", one);
            p.k = g.node("Mul", {p.k, g.scalar("b", 0.5f)}, "k_scaled", one);
        }
        g.output(g.attend(p, [&](ValueId s) {
            return spelling == 3 ? g.node("Div", {s, g.scalar("d", 8)}, "scaled", {2, 3, 5, 5}) : s;
        }));
        fuse(g.graph);
        REQUIRE(types_of(g.graph) == "saccade.Attention");
        const float expected[] = {1, 0.5f, 0.25f, 0.125f};
        CHECK(only(g.graph).float_or("scale", 0) == expected[spelling]);
    }
}

TEST_CASE("attention of three matrices, images and heads as one axis, as PyTorch's module has it") {
    // Tokens first: [tokens, images, columns] -> [tokens, images heads, head] -> [images heads, tokens, head].
    for (const int64_t images : {1, 2}) {
        CAPTURE(images);
        AttentionGraph g;
        const int64_t batches = 3 * images, columns = 12 * images;
        const ValueId x = g.input("x", {7, images, 12}), memory = g.input("memory", {9, images, 24});
        const ValueId q = g.transpose(g.reshape(x, "qr", {7, batches, 4}), "q", {1, 0, 2});
        const Ints starts = {0, 12}, ends = {12, 99}, axes = {2, -1};
        ValueId cut[2];
        for (size_t i = 0; i < 2; ++i) {
            const std::string name = "cut" + std::to_string(i);
            const ValueId part = g.node("Slice",
                                        {memory, g.integers(name + "b", {starts[i]}), g.integers(name + "e", {ends[i]}),
                                         g.integers(name + "a", {axes[i]})},
                                        name, {9, images, 12});
            cut[i] = g.reshape(part, name + "r", {9, batches, 4});
        }
        const ValueId k = g.transpose(cut[0], "k", {1, 2, 0}), v = g.transpose(cut[1], "v", {1, 0, 2});
        const ValueId scores = g.node("MatMul", {q, k}, "scores", {batches, 7, 9});
        const ValueId masked = g.node("Add", {g.filled("mask", {7, 9}, 1), scores}, "masked", {batches, 7, 9});
        const ValueId weights = g.node("Softmax", {masked}, "weights", {batches, 7, 9}, {{"axis", int64_t{2}}});
        const ValueId product = g.node("MatMul", {weights, v}, "product", {batches, 7, 4});
        g.output(g.reshape(g.transpose(product, "yt", {1, 0, 2}), "y", {7, images, 12}));
        fuse(g.graph);
        // Heads of two images do not follow each other in a slice: then it is the slices that are read.
        REQUIRE(types_of(g.graph) == (images == 1 ? "saccade.Attention" : "Slice Slice saccade.Attention"));
        const Node &node = g.graph.nodes.back();
        CHECK(node.inputs[0] == x);
        CHECK((node.inputs[1] == memory) == (images == 1));
        CHECK((node.inputs[2] == memory) == (images == 1));
        CHECK(node.ints_or("batch", {}) == Ints{batches});
        CHECK(node.ints_or("q", {}) == Ints{0, 4, columns, 1});
        CHECK(node.ints_or("k", {}) == Ints{0, 4, images == 1 ? 24 : columns, 1});
        CHECK(node.ints_or("v", {}) == Ints{images == 1 ? 12 : 0, 4, images == 1 ? 24 : columns, 1});
        CHECK(node.ints_or("y", {}) == Ints{0, 4, columns, 1});
        CHECK(node.ints_or("mask", {}) == Ints{0, 0, 9, 1});
        CHECK(node.int_or("keys", 0) == 9);
    }
}

TEST_CASE("attention over an image's pixels, as convolutions leave them") {
    // [2, heads (4 + 4 + 8), h w] cut into q, k and v; q' k, and v times the transposed weights.
    AttentionGraph g;
    const ValueId x = g.input("x", {2, 48, 5, 7});
    const ValueId r = g.reshape(x, "r", {2, 3, 16, 35});
    const ValueId k = g.graph.add_value("k"), v = g.graph.add_value("v");
    const ValueId q = g.node("Split", {r, g.integers("sizes", {4, 4, 8})}, "q", {2, 3, 4, 35}, {{"axis", int64_t{2}}});
    g.graph.nodes.back().outputs = {q, k, v};
    g.graph.values[k].shape = {2, 3, 4, 35};
    g.graph.values[v].shape = {2, 3, 8, 35};
    const ValueId s = g.node("MatMul", {g.transpose(q, "qt", {0, 1, 3, 2}), k}, "s", {2, 3, 35, 35});
    const ValueId w = g.node("Softmax", {s}, "w", {2, 3, 35, 35}, {{"axis", int64_t{-1}}});
    const ValueId y = g.node("MatMul", {v, g.transpose(w, "wt", {0, 1, 3, 2})}, "product", {2, 3, 8, 35});
    g.output(g.reshape(y, "y", {2, 24, 5, 7}));
    fuse(g.graph);
    REQUIRE(types_of(g.graph).find("saccade.Attention") != std::string::npos);
    CHECK(types_of(g.graph).find("Softmax") == std::string::npos);
    const Node &node = g.graph.nodes.back();
    CHECK(node.inputs[1] == x);
    CHECK(node.inputs[2] == x);
    CHECK(node.ints_or("k", {}) == Ints{140, 1680, 560, 1, 35});
    CHECK(node.ints_or("v", {}) == Ints{280, 1680, 560, 1, 35});
    CHECK(node.ints_or("y", {}) == Ints{0, 840, 280, 1, 35});
    CHECK(node.int_or("head", 0) == 4);
    CHECK(node.int_or("value_head", 0) == 8);
}

TEST_CASE("masks: of each head, of keys alone, two constants as one, a computed and a constant one") {
    const auto mask_of = [](std::vector<std::pair<Shape, bool>> masks) {
        AttentionGraph g;
        const ValueId qkv = g.input("qkv", {2, 5, 36});
        g.output(g.attend(g.parts(qkv), [&](ValueId s) {
            for (const auto &[shape, constant] : masks) {
                const std::string name = "m" + std::to_string(s);
                const ValueId mask = constant ? g.filled(name, shape, 0.5f) : g.input(name, shape);
                s = g.node("Add", {s, mask}, "masked" + std::to_string(s), {2, 3, 5, 5});
            }
            return s;
        }));
        fuse(g.graph);
        return g;
    };
    CHECK(only(mask_of({{{1, 3, 5, 5}, true}}).graph).ints_or("mask", {}) == Ints{0, 0, 25, 5, 1});
    CHECK(only(mask_of({{{2, 1, 1, 5}, false}}).graph).ints_or("mask", {}) == Ints{0, 5, 0, 0, 1});

    const AttentionGraph two = mask_of({{{3, 5, 5}, true}, {{2, 1, 1, 5}, true}});
    const Node &node = only(two.graph);
    CHECK(two.graph.values[node.inputs[3]].shape == Shape{2, 3, 5, 5});
    CHECK(floats_of(two.graph, node.inputs[3]) == std::vector<float>(150, 1.0f));
    CHECK(node.ints_or("mask", {}) == Ints{0, 75, 25, 5, 1});

    const AttentionGraph both = mask_of({{{3, 5, 5}, true}, {{2, 1, 1, 5}, false}});
    CHECK(types_of(both.graph) == "Add saccade.Attention");
    CHECK(both.graph.values[both.graph.nodes[1].inputs[3]].shape == Shape{2, 3, 5, 5});
}

TEST_CASE("windows: a mask added where images and windows are axes of their own") {
    // One image of 2 windows: [2, heads, n, n] + bias -> [1, 2, heads, n, n] + mask -> [2, heads, n, n].
    AttentionGraph g;
    g.output(g.attend(g.parts(g.input("qkv", {2, 5, 36})), [&](ValueId s) {
        const ValueId biased = g.node("Add", {s, g.filled("bias", {1, 3, 5, 5}, 1)}, "biased", {2, 3, 5, 5});
        const ValueId cut = g.reshape(biased, "cut", {1, 2, 3, 5, 5});
        const ValueId masked = g.node("Add", {cut, g.filled("mask", {1, 2, 1, 5, 5}, 2)}, "masked", {1, 2, 3, 5, 5});
        return g.reshape(masked, "joined", {2, 3, 5, 5});
    }));
    fuse(g.graph);
    REQUIRE(types_of(g.graph) == "saccade.Attention");
    CHECK(floats_of(g.graph, only(g.graph).inputs[3]) == std::vector<float>(150, 3.0f));
}

TEST_CASE("what is not attention stays") {
    const auto types = [](auto change) {
        AttentionGraph g;
        const AttentionGraph::Parts p = g.parts(g.input("qkv", {2, 5, 36}));
        const ValueId y = g.attend(p, [&](ValueId s) { return change(g, s); });
        g.output(y);
        fuse(g.graph);
        return types_of(g.graph);
    };
    const Shape shape = {2, 3, 5, 5};
    CHECK(types([&](AttentionGraph &, ValueId s) { return s; }).find("Softmax") == std::string::npos);
    // The scores, or their softmax, are asked for.
    CHECK(types([&](AttentionGraph &g, ValueId s) {
              g.output(s);
              return s;
          }).find("Softmax") != std::string::npos);
    // A factor for each key, an activation, a mask that is multiplied.
    CHECK(types([&](AttentionGraph &g, ValueId s) {
              return g.node("Mul", {s, g.floats("f", {5}, {1, 2, 3, 4, 5})}, "f_scaled", shape);
          }).find("Softmax") != std::string::npos);
    CHECK(types([&](AttentionGraph &g, ValueId s) { return g.node("Tanh", {s}, "tanh", shape); }).find("Softmax") !=
          std::string::npos);
    // A computed mask that a factor multiplies too.
    CHECK(types([&](AttentionGraph &g, ValueId s) {
              const ValueId m = g.node("Add", {s, g.input("m", {5, 5})}, "masked", shape);
              return g.node("Mul", {m, g.scalar("f", 2)}, "scaled", shape);
          }).find("Softmax") != std::string::npos);

    AttentionGraph other;  // over rows, not over keys
    const AttentionGraph::Parts p = other.parts(other.input("qkv", {2, 5, 36}));
    const ValueId s = other.node("MatMul", {p.q, other.transpose(p.k, "kt", {0, 1, 3, 2})}, "s", shape);
    const ValueId w = other.node("Softmax", {s}, "w", shape, {{"axis", int64_t{2}}});
    other.output(other.node("MatMul", {w, p.v}, "y", {2, 3, 5, 4}));
    fuse(other.graph);
    CHECK(types_of(other.graph).find("Softmax") != std::string::npos);
}

namespace {

/// A layer normalisation of x as opset 13 spells it; `variance_of` makes the square of the difference.
struct NormGraph : GraphBuilder {
    Shape shape{2, 5, 8};
    ValueId x = input("x", shape);
    Ints axes = {-1};
    Shape kept{2, 5, 1};
    float power = 2;
    bool other_difference = false;

    ValueId normalised() {
        const ValueId mean = node("ReduceMean", {x}, "mean", kept, {{"axes", axes}});
        const ValueId centred = node("Sub", {x, mean}, "centred", shape);
        const ValueId again = other_difference ? node("Sub", {x, mean}, "again", shape) : centred;
        const ValueId square = node("Pow", {again, floats("two", {}, {power})}, "square", shape);
        const ValueId variance = node("ReduceMean", {square}, "variance", kept, {{"axes", axes}});
        const ValueId sum = node("Add", {variance, floats("epsilon", {}, {1e-6f})}, "sum", kept);
        return node("Div", {centred, node("Sqrt", {sum}, "root", kept)}, "normalised", shape);
    }
};

}  // namespace

TEST_CASE("layer normalisation, spelled out") {
    for (const bool other : {false, true}) {
        NormGraph g;
        g.other_difference = other;
        const ValueId scaled =
            g.node("Mul", {g.normalised(), g.floats("gamma", {8}, {1, 2, 3, 4, 5, 6, 7, 8})}, "scaled", g.shape);
        g.output(g.node("Add", {g.filled("beta", {8}, 1), scaled}, "y", g.shape));
        fuse(g.graph);
        REQUIRE(types_of(g.graph) == "LayerNormalization");
        CHECK(only(g.graph).inputs[0] == g.x);
        CHECK(only(g.graph).int_or("axis", 0) == 2);
        CHECK(only(g.graph).float_or("epsilon", 0) == 1e-6f);
        CHECK(floats_of(g.graph, only(g.graph).inputs[1])[7] == 8);
        CHECK(floats_of(g.graph, only(g.graph).inputs[2]) == std::vector<float>(8, 1.0f));
    }
    NormGraph plain;
    plain.output(plain.normalised());
    fuse(plain.graph);
    REQUIRE(types_of(plain.graph) == "LayerNormalization");
    CHECK(floats_of(plain.graph, only(plain.graph).inputs[1]) == std::vector<float>(8, 1.0f));
}

TEST_CASE("what is no layer normalisation stays") {
    NormGraph rows;  // over an axis that is not the last
    rows.axes = {1};
    rows.kept = {2, 1, 8};
    rows.output(rows.normalised());
    fuse(rows.graph);
    CHECK(types_of(rows.graph).find("LayerNormalization") == std::string::npos);

    NormGraph cube;
    cube.power = 3;
    cube.output(cube.normalised());
    fuse(cube.graph);
    CHECK(types_of(cube.graph).find("LayerNormalization") == std::string::npos);

    NormGraph tokens;  // a factor for each token is no weight of it
    tokens.output(tokens.node("Mul", {tokens.normalised(), tokens.filled("f", {5, 1}, 2)}, "y", tokens.shape));
    fuse(tokens.graph);
    CHECK(types_of(tokens.graph) == "LayerNormalization Mul");
}

TEST_CASE("gelu in its spellings") {
    const Shape shape = {2, 5, 8};
    for (int order = 0; order < 3; ++order) {
        for (const bool by_tanh : {false, true}) {
            CAPTURE(order);
            CAPTURE(by_tanh);
            GraphBuilder g;
            const ValueId x = g.input("x", shape);
            const auto number = [&](const std::string &name, float value) { return g.floats(name, {}, {value}); };
            ValueId curve = no_value;
            if (by_tanh) {
                const ValueId cubed = order == 0
                                          ? g.node("Pow", {x, number("three", 3)}, "cubed", shape)
                                          : g.node("Mul", {x, g.node("Mul", {x, x}, "square", shape)}, "cubed", shape);
                const ValueId term = g.node("Mul", {cubed, number("c", 0.044715f)}, "term", shape);
                const ValueId sum = g.node("Add", {x, term}, "sum", shape);
                const ValueId inner = g.node("Mul", {number("s", 0.7978845608f), sum}, "inner", shape);
                curve = g.node("Tanh", {inner}, "curve", shape);
            } else {
                const ValueId inner = order == 0 ? g.node("Div", {x, number("r", 1.41421356f)}, "inner", shape)
                                                 : g.node("Mul", {x, number("r", 0.70710678f)}, "inner", shape);
                curve = g.node("Erf", {inner}, "curve", shape);
            }
            const ValueId gate = g.node("Add", {curve, number("one", 1)}, "gate", shape);
            const ValueId half = number("half", 0.5f);
            ValueId y = no_value;
            if (order == 0) y = g.node("Mul", {g.node("Mul", {x, gate}, "whole", shape), half}, "y", shape);
            if (order == 1) y = g.node("Mul", {g.node("Mul", {half, x}, "halved", shape), gate}, "y", shape);
            if (order == 2) y = g.node("Mul", {x, g.node("Mul", {gate, half}, "halved", shape)}, "y", shape);
            g.output(y);
            fuse(g.graph);
            REQUIRE(types_of(g.graph) == "Gelu");
            CHECK(only(g.graph).inputs == std::vector<ValueId>{x});
            CHECK(only(g.graph).string_or("approximate", "") == (by_tanh ? "tanh" : "none"));
        }
    }
    GraphBuilder other;  // the gate of another tensor
    const ValueId x = other.input("x", shape), z = other.input("z", shape);
    const ValueId erf =
        other.node("Erf", {other.node("Div", {z, other.floats("r", {}, {1.41421356f})}, "d", shape)}, "e", shape);
    const ValueId gate = other.node("Add", {erf, other.floats("one", {}, {1})}, "gate", shape);
    const ValueId whole = other.node("Mul", {x, gate}, "whole", shape);
    other.output(other.node("Mul", {whole, other.floats("half", {}, {0.5f})}, "y", shape));
    fuse(other.graph);
    CHECK(types_of(other.graph).find("Gelu") == std::string::npos);
}

TEST_CASE("a linear layer of tokens takes its bias and what is added to it") {
    const Shape shape = {2, 5, 8};
    GraphBuilder g;
    const ValueId x = g.input("x", {2, 5, 4}), r = g.input("r", shape);
    const ValueId m = g.node("MatMul", {x, g.filled("w", {4, 8}, 1)}, "m", shape);
    const ValueId biased = g.node("Add", {g.filled("b", {8}, 3), m}, "biased", shape);
    g.output(g.node("Add", {r, biased}, "y", shape));
    fuse(g.graph);
    REQUIRE(types_of(g.graph) == "saccade.Linear");
    CHECK(only(g.graph).inputs.size() == 4);
    CHECK(only(g.graph).inputs[3] == r);
    CHECK(only(g.graph).epilogue.residual);

    GraphBuilder odd;  // rows that are not whole texels
    const ValueId ox = odd.input("x", {2, 5, 3});
    odd.output(odd.node("MatMul", {ox, odd.filled("w", {3, 8}, 1)}, "m", shape));
    fuse(odd.graph);
    CHECK(types_of(odd.graph) == "MatMul");

    GraphBuilder rows;  // a bias of each token
    const ValueId rx = rows.input("x", {2, 5, 4});
    const ValueId rm = rows.node("MatMul", {rx, rows.filled("w", {4, 8}, 1)}, "m", shape);
    rows.output(rows.node("Add", {rm, rows.filled("b", {5, 1}, 3)}, "y", shape));
    fuse(rows.graph);
    CHECK(types_of(rows.graph) == "saccade.Linear Add");
}

TEST_CASE("a linear layer whose rows are counted in another way before and after it") {
    // PyTorch's attention module ends so: [2, 5, 4] -> [10, 4] -> Gemm -> [10, 8] -> [2, 5, 8].
    for (const bool transposed : {false, true}) {
        GraphBuilder g;
        const ValueId x = g.input("x", {2, 5, 4}), r = g.input("r", {2, 5, 8});
        const ValueId flat = g.node("Reshape", {x, g.integers("s1", {10, 4})}, "flat", {10, 4});
        const ValueId y =
            g.node("Gemm", {flat, g.filled("w", transposed ? Shape{8, 4} : Shape{4, 8}, 1), g.filled("b", {8}, 3)}, "y",
                   {10, 8}, {{"transB", int64_t{transposed}}});
        const ValueId back = g.node("Reshape", {y, g.integers("s2", {2, 5, 8})}, "back", {2, 5, 8});
        g.output(g.node("Add", {back, r}, "sum", {2, 5, 8}));
        fuse(g.graph);
        REQUIRE(types_of(g.graph) == "saccade.Linear");
        CHECK(only(g.graph).inputs[0] == x);
        CHECK(only(g.graph).epilogue.residual);
        CHECK((only(g.graph).int_or("transB", 0) != 0) == transposed);
    }
    GraphBuilder cut;  // rows themselves are cut
    const ValueId x = cut.input("x", {10, 4});
    const ValueId y = cut.node("Gemm", {x, cut.filled("w", {4, 8}, 1)}, "y", {10, 8});
    cut.output(cut.node("Reshape", {y, cut.integers("s", {10, 2, 4})}, "z", {10, 2, 4}));
    fuse(cut.graph);
    CHECK(types_of(cut.graph) == "Gemm Reshape");
}

TEST_CASE("scores that a constant condition puts out of the way are masked") {
    const auto types = [](float fill, bool hides, bool whole_row) {
        AttentionGraph g;
        std::vector<float> condition(25);
        for (size_t i = 0; i < 25; ++i) condition[i] = (i % 5 > i / 5 || (whole_row && i < 5)) == hides ? 1.0f : 0.0f;
        g.output(g.attend(g.parts(g.input("qkv", {2, 5, 36})), [&](ValueId s) {
            const ValueId c = g.floats("condition", {5, 5}, condition), f = g.scalar("fill", fill);
            return g.node("Where", hides ? std::vector<ValueId>{c, f, s} : std::vector<ValueId>{c, s, f}, "masked",
                          {2, 3, 5, 5});
        }));
        fuse(g.graph);
        if (types_of(g.graph) != "saccade.Attention") return std::string("stays");
        const auto values = floats_of(g.graph, g.graph.nodes[0].inputs[3]);
        for (size_t i = 0; i < 25; ++i) {
            const bool hidden = i % 5 > i / 5 || (whole_row && i < 5);
            if (values[i] != (hidden ? fill : 0.0f)) return std::string("wrong");
        }
        return std::string("fused");
    };
    const float none = -std::numeric_limits<float>::infinity();
    for (const bool hides : {true, false}) {
        CHECK(types(none, hides, false) == "fused");
        CHECK(types(none, hides, true) == "fused");
        CHECK(types(-1e9f, hides, false) == "fused");
        CHECK(types(-1e9f, hides, true) == "stays");  // all alike: the same weights for all
        CHECK(types(-10.0f, hides, false) == "stays");
    }
}
