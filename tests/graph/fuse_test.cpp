// labels: host_only
// Fusions on graphs written by hand. That fused networks compute the same is checked with whole networks in
// tests/session.
#include "compute/graph/fuse.h"

#include <cmath>

#include "tests/graph/builder.h"

using namespace sac;
using namespace sac::test;

namespace {

using Ints = std::vector<int64_t>;

/// x -> Conv 1x1 with `channels` outputs of constant weight 2 and bias 1.
struct ConvGraph : GraphBuilder {
    Shape shape;
    ValueId x, c;
    explicit ConvGraph(int64_t channels = 4, int64_t side = 6) : shape{1, channels, side, side} {
        x = input("x", {1, 3, side, side});
        c = conv(x, "conv");
    }
    ValueId conv(ValueId from, const std::string &name) {
        const int64_t depth = graph.values[from].shape[1];
        return node("Conv", {from, filled(name + ".w", {shape[1], depth, 1, 1}, 2), filled(name + ".b", {shape[1]}, 1)},
                    name, shape);
    }
};

const Node &only(const Graph &graph) {
    REQUIRE(graph.nodes.size() == 1);
    return graph.nodes[0];
}

}  // namespace

TEST_CASE("simple activations go into the convolution before them") {
    struct Case {
        const char *type;
        std::map<std::string, Attribute, std::less<>> attributes;
        Activation activation;
        float a, b;
    };
    const Case cases[] = {
        {"Relu", {}, Activation::relu, 0, 0},
        {"Sigmoid", {}, Activation::sigmoid, 0, 0},
        {"Tanh", {}, Activation::tanh, 0, 0},
        {"HardSwish", {}, Activation::hard_swish, 0, 0},
        {"LeakyRelu", {}, Activation::leaky_relu, 0.01f, 0},
        {"LeakyRelu", {{"alpha", 0.25f}}, Activation::leaky_relu, 0.25f, 0},
        {"HardSigmoid", {}, Activation::hard_sigmoid, 0.2f, 0.5f},
        {"Clip", {{"min", 0.0f}, {"max", 6.0f}}, Activation::clip, 0, 6},
    };
    for (const Case &c : cases) {
        CAPTURE(c.type);
        ConvGraph g;
        g.output(g.node(c.type, {g.c}, "y", g.shape, c.attributes));
        fuse(g.graph);
        const Node &conv = only(g.graph);
        CHECK(conv.epilogue.activation == c.activation);
        CHECK(conv.epilogue.a == c.a);
        CHECK(conv.epilogue.b == c.b);
        CHECK(conv.outputs[0] == g.graph.outputs[0]);
    }
}

TEST_CASE("gelu goes into a product, not into a convolution") {
    for (const char *spelling : {"none", "tanh"}) {
        GraphBuilder g;
        const ValueId x = g.input("x", {5, 8});
        const ValueId y = g.node("Gemm", {x, g.filled("w", {8, 12}, 2)}, "y", {5, 12});
        g.output(g.node("Gelu", {y}, "z", {5, 12}, {{"approximate", std::string(spelling)}}, 20));
        fuse(g.graph);
        const bool by_tanh = spelling == std::string("tanh");
        CHECK(only(g.graph).epilogue.activation == (by_tanh ? Activation::gelu_tanh : Activation::gelu));
    }
    ConvGraph g;
    g.output(g.node("Gelu", {g.c}, "y", g.shape, {}, 20));
    fuse(g.graph);
    CHECK(types_of(g.graph) == "Conv Gelu");
}

TEST_CASE("the bounds of Clip as inputs, one of them left out") {
    ConvGraph g;
    g.output(g.node("Clip", {g.c, no_value, g.floats("max", {}, {6})}, "y", g.shape));
    fuse(g.graph);
    CHECK(only(g.graph).epilogue.a == -std::numeric_limits<float>::max());
    CHECK(only(g.graph).epilogue.b == 6);

    ConvGraph unknown;
    const ValueId low = unknown.input("low", {});
    unknown.output(unknown.node("Clip", {unknown.c, low}, "y", unknown.shape));
    fuse(unknown.graph);
    CHECK(types_of(unknown.graph) == "Conv Clip");
}

TEST_CASE("what is read twice, or is an output, keeps its activation outside") {
    ConvGraph g;
    g.output(g.node("Relu", {g.c}, "y", g.shape));
    g.output(g.node("Sigmoid", {g.c}, "z", g.shape));
    fuse(g.graph);
    CHECK(types_of(g.graph) == "Conv Relu Sigmoid");

    ConvGraph out;
    out.output(out.node("Relu", {out.c}, "y", out.shape));
    out.output(out.c);
    fuse(out.graph);
    CHECK(types_of(out.graph) == "Conv Relu");
}

TEST_CASE("x sigmoid(x) is silu") {
    ConvGraph g;
    const ValueId gate = g.node("Sigmoid", {g.c}, "gate", g.shape);
    g.output(g.node("Mul", {gate, g.c}, "y", g.shape));
    fuse(g.graph);
    CHECK(only(g.graph).epilogue.activation == Activation::silu);

    ConvGraph other;  // another factor than x
    const ValueId r = other.input("r", other.shape);
    const ValueId s = other.node("Sigmoid", {other.c}, "gate", other.shape);
    other.output(other.node("Mul", {s, r}, "y", other.shape));
    fuse(other.graph);
    CHECK(types_of(other.graph) == "Conv Mul");
}

TEST_CASE("hard swish in its spellings") {
    for (int spelling = 0; spelling < 4; ++spelling) {
        CAPTURE(spelling);
        ConvGraph g;
        ValueId y = no_value;
        if (spelling == 0) {
            const ValueId gate = g.node("HardSigmoid", {g.c}, "gate", g.shape, {{"alpha", 1.0f / 6}, {"beta", 0.5f}});
            y = g.node("Mul", {g.c, gate}, "y", g.shape);
        } else {
            const ValueId sum = g.node("Add", {g.floats("three", {}, {3}), g.c}, "sum", g.shape);
            const ValueId clip =
                g.node("Clip", {sum, g.floats("zero", {}, {0}), g.floats("six", {}, {6})}, "clip", g.shape);
            if (spelling == 1) {
                const ValueId scaled = g.node("Div", {clip, g.floats("d", {}, {6})}, "scaled", g.shape);
                y = g.node("Mul", {g.c, scaled}, "y", g.shape);
            } else if (spelling == 2) {
                const ValueId scaled = g.node("Mul", {g.floats("d", {}, {1.0f / 6}), clip}, "scaled", g.shape);
                y = g.node("Mul", {g.c, scaled}, "y", g.shape);
            } else {
                const ValueId product = g.node("Mul", {g.c, clip}, "product", g.shape);
                y = g.node("Div", {product, g.floats("d", {}, {6})}, "y", g.shape);
            }
        }
        g.output(y);
        fuse(g.graph);
        CHECK(only(g.graph).epilogue.activation == Activation::hard_swish);
        CHECK(only(g.graph).outputs[0] == g.graph.outputs[0]);
    }
}

TEST_CASE("batch normalisation is folded into weights and bias") {
    ConvGraph g;
    g.output(g.node("BatchNormalization",
                    {g.c, g.floats("s", {4}, {1, 2, 3, 4}), g.floats("o", {4}, {5, 6, 7, 8}),
                     g.floats("m", {4}, {0.5f, 1, 1.5f, 2}), g.floats("v", {4}, {1, 4, 9, 16})},
                    "y", g.shape, {{"epsilon", 0.0f}}));
    fuse(g.graph);
    const Node &conv = only(g.graph);
    // scale / sqrt(variance) is 1 for every channel: y = conv - mean + offset.
    const auto weights = floats_of(g.graph, conv.inputs[1]), bias = floats_of(g.graph, conv.inputs[2]);
    for (size_t c = 0; c < 4; ++c) {
        CHECK(weights[c * 3] == doctest::Approx(2));
        CHECK(bias[c] == doctest::Approx(1 + 5 + static_cast<double>(c) - 0.5 * static_cast<double>(c + 1)));
    }
}

TEST_CASE("a different factor for each channel reaches the right weights") {
    GraphBuilder g;
    const ValueId x = g.input("x", {2, 3});
    for (const int64_t transposed : {0, 1}) {
        CAPTURE(transposed);
        GraphBuilder b;
        const ValueId in = b.input("x", {2, 3});
        const ValueId w = b.filled("w", transposed ? Shape{2, 3} : Shape{3, 2}, 1);
        const ValueId y = b.node("Gemm", {in, w}, "g", {2, 2}, {{"transB", transposed}});
        b.output(b.node("Mul", {y, b.floats("f", {2}, {10, 20})}, "y", {2, 2}));
        fuse(b.graph);
        const auto weights = floats_of(b.graph, only(b.graph).inputs[1]);
        const std::vector<float> rows = {10, 10, 10, 20, 20, 20}, columns = {10, 20, 10, 20, 10, 20};
        CHECK(weights == (transposed ? rows : columns));
    }
    (void)x;
}

TEST_CASE("a factor for each channel reaches a transposed convolution's weights, in groups too") {
    for (const int64_t group : {1, 2}) {
        CAPTURE(group);
        GraphBuilder b;
        const ValueId in = b.input("x", {1, 4, 3, 3});
        const ValueId w = b.filled("w", {4, 4 / group, 1, 2}, 1);
        const ValueId y = b.node("ConvTranspose", {in, w}, "c", {1, 4, 3, 4}, {{"group", group}});
        const ValueId scaled = b.node("Mul", {y, b.floats("f", {4, 1, 1}, {1, 2, 3, 4})}, "s", {1, 4, 3, 4});
        b.output(b.node("Relu", {scaled}, "y", {1, 4, 3, 4}));
        fuse(b.graph);
        CHECK(only(b.graph).epilogue.activation == Activation::relu);
        const auto weights = floats_of(b.graph, only(b.graph).inputs[1]);
        const std::vector<float> one = {1, 1, 2, 2, 3, 3, 4, 4, 1, 1, 2, 2, 3, 3, 4, 4,
                                        1, 1, 2, 2, 3, 3, 4, 4, 1, 1, 2, 2, 3, 3, 4, 4};
        const std::vector<float> two = {1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4};
        CHECK(weights == (group == 1 ? one : two));
    }
}

TEST_CASE("constants for each channel are a bias, others are not") {
    struct Case {
        const char *type;
        Shape shape;
        bool constant_first;
        const char *expected;
        float weight, bias;
    };
    const Case cases[] = {
        {"Add", {4, 1, 1}, false, "Conv", 2, 11},
        {"Add", {}, true, "Conv", 2, 11},
        {"Sub", {1, 4, 1, 1}, false, "Conv", 2, -9},
        {"Sub", {1, 4, 1, 1}, true, "Conv", -2, 9},
        {"Mul", {4, 1, 1}, false, "Conv", 20, 10},
        {"Div", {}, false, "Conv", 0.2f, 0.1f},
        {"Div", {}, true, "Conv Div", 2, 1},
        {"Add", {6}, false, "Conv Add", 2, 1},
        {"Add", {1, 4, 6, 6}, false, "Conv Add", 2, 1},
    };
    for (const Case &c : cases) {
        CAPTURE(c.type);
        CAPTURE(to_string(c.shape));
        ConvGraph g;
        const ValueId k = g.filled("k", c.shape, 10);
        g.output(g.node(c.type, c.constant_first ? std::vector{k, g.c} : std::vector{g.c, k}, "y", g.shape));
        fuse(g.graph);
        CHECK(types_of(g.graph) == c.expected);
        const Node &conv = g.graph.nodes[0];
        CHECK(floats_of(g.graph, conv.inputs[1])[0] == doctest::Approx(c.weight));
        CHECK(floats_of(g.graph, conv.inputs[2])[0] == doctest::Approx(c.bias));
    }
}

TEST_CASE("weights are scaled no further than loading may make copies of them") {
    ConvGraph g;
    const ValueId scaled = g.node("Mul", {g.c, g.filled("f", {}, 10)}, "scaled", g.shape);
    g.output(g.node("Mul", {scaled, g.filled("h", {}, 10)}, "y", g.shape));
    g.graph.host_budget = 4 * 3 * sizeof(float);  // one copy of them
    fuse(g.graph);
    CHECK(types_of(g.graph) == "Conv Mul");
    CHECK(floats_of(g.graph, g.graph.nodes[0].inputs[1])[0] == 20);
    CHECK(floats_of(g.graph, g.graph.nodes[0].inputs[2])[0] == 10);
}

TEST_CASE("arithmetic after an activation stays") {
    ConvGraph g;
    const ValueId r = g.node("Relu", {g.c}, "r", g.shape);
    g.output(g.node("Mul", {r, g.filled("k", {}, 10)}, "y", g.shape));
    fuse(g.graph);
    CHECK(types_of(g.graph) == "Conv Mul");
}

TEST_CASE("a residual, then its activation") {
    ConvGraph g(3);
    const ValueId sum = g.node("Add", {g.x, g.c}, "sum", g.shape);
    g.output(g.node("Relu", {sum}, "y", g.shape));
    fuse(g.graph);
    const Node &conv = only(g.graph);
    CHECK(conv.epilogue.residual);
    CHECK(conv.epilogue.activation == Activation::relu);
    REQUIRE(conv.inputs.size() == 4);
    CHECK(conv.inputs[3] == g.x);
}

TEST_CASE("of two convolutions the later one takes the other as its residual") {
    ConvGraph g;
    const ValueId second = g.conv(g.x, "second");
    g.output(g.node("Add", {second, g.c}, "y", g.shape));
    fuse(g.graph);
    REQUIRE(types_of(g.graph) == "Conv Conv");
    CHECK(!g.graph.nodes[0].epilogue.residual);
    CHECK(g.graph.nodes[1].epilogue.residual);
    CHECK(g.graph.nodes[1].inputs.back() == g.c);
}

TEST_CASE("the convolution moves behind a residual that comes after it") {
    ConvGraph g(3);
    const ValueId late = g.node("Tanh", {g.x}, "late", g.shape);
    g.output(g.node("Add", {g.c, late}, "y", g.shape));
    fuse(g.graph);
    REQUIRE(types_of(g.graph) == "Tanh Conv");
    CHECK(g.graph.nodes[1].inputs.back() == late);
}

TEST_CASE("no residual with broadcasting, after an activation, or of a value read elsewhere") {
    ConvGraph broadcast;
    const ValueId row = broadcast.input("row", {1, 4, 1, 6});
    broadcast.output(broadcast.node("Add", {broadcast.c, row}, "y", broadcast.shape));
    fuse(broadcast.graph);
    CHECK(types_of(broadcast.graph) == "Conv Add");

    ConvGraph active(3);
    const ValueId r = active.node("Relu", {active.c}, "r", active.shape);
    active.output(active.node("Add", {r, active.x}, "y", active.shape));
    fuse(active.graph);
    CHECK(types_of(active.graph) == "Conv Add");

    ConvGraph shared(3);
    shared.output(shared.node("Add", {shared.c, shared.x}, "y", shared.shape));
    shared.output(shared.node("Tanh", {shared.c}, "z", shared.shape));
    fuse(shared.graph);
    CHECK(types_of(shared.graph) == "Conv Add Tanh");
}

TEST_CASE("a pad of zeros becomes the convolution's own") {
    const auto padded = [](const Ints &amounts, float value, const std::string &mode) {
        GraphBuilder g;
        const ValueId x = g.input("x", {1, 3, 6, 6});
        const ValueId p = g.node("Pad", {x, g.integers("p", amounts), g.floats("v", {}, {value})}, "pad", {1, 3, 8, 9},
                                 {{"mode", mode}});
        g.output(g.node("Conv", {p, g.filled("w", {4, 3, 3, 3}, 1)}, "y", {1, 4, 8, 9}, {{"pads", Ints{1, 1, 1, 1}}}));
        fuse(g.graph);
        return std::move(g.graph);
    };
    const Graph good = padded({0, 0, 1, 0, 0, 0, 1, 3}, 0, "constant");
    CHECK(only(good).ints_or("pads", {}) == Ints{2, 1, 2, 4});
    CHECK(only(good).inputs[0] == good.inputs[0]);
    CHECK(types_of(padded({0, 0, 1, 0, 0, 0, 1, 3}, 1, "constant")) == "Pad Conv");
    CHECK(types_of(padded({0, 0, 1, 0, 0, 0, 1, 3}, 0, "reflect")) == "Pad Conv");
    CHECK(types_of(padded({0, 1, 1, 0, 0, 0, 1, 3}, 0, "constant")) == "Pad Conv");
    CHECK(types_of(padded({0, 0, -1, 0, 0, 0, 1, 3}, 0, "constant")) == "Pad Conv");
}

TEST_CASE("a pad before a pooling: counted by the mean, never by the maximum") {
    for (const char *type : {"AveragePool", "MaxPool"}) {
        GraphBuilder g;
        const ValueId x = g.input("x", {1, 3, 6, 6});
        const ValueId p = g.node("Pad", {x, g.integers("p", {0, 0, 0, 0, 0, 0, 1, 1})}, "pad", {1, 3, 7, 7});
        g.output(g.node(type, {p}, "y", {1, 3, 3, 3}, {{"kernel_shape", Ints{3, 3}}, {"strides", Ints{2, 2}}}));
        fuse(g.graph);
        if (std::string(type) == "MaxPool") {
            CHECK(types_of(g.graph) == "Pad MaxPool");
        } else {
            CHECK(only(g.graph).ints_or("pads", {}) == Ints{0, 0, 1, 1});
            CHECK(only(g.graph).int_or("count_include_pad", 0) == 1);
        }
    }
}

TEST_CASE("the mean over an image, brought into a row, is a pooling and one reshape") {
    GraphBuilder g;
    const ValueId x = g.input("x", {1, 8, 7, 7});
    const ValueId m = g.node("ReduceMean", {x}, "m", {1, 8, 1, 1}, {{"axes", Ints{-1, 2}}, {"keepdims", int64_t{1}}});
    const ValueId t = g.node("Transpose", {m}, "t", {1, 1, 1, 8}, {{"perm", Ints{0, 2, 3, 1}}});
    g.output(g.node("Reshape", {t, g.integers("s", {1, 8})}, "y", {1, 8}));
    fuse(g.graph);
    CHECK(types_of(g.graph) == "GlobalAveragePool Reshape");
    CHECK(g.graph.nodes[1].inputs[0] == m);
}

TEST_CASE("a pooling's indices and the way back pass on taps instead, where the windows agree") {
    struct Net : GraphBuilder {
        ValueId pooled, indices;
        Net(const Shape &x, const Shape &half, const std::map<std::string, Attribute, std::less<>> &window) {
            pooled = node("MaxPool", {input("x", x)}, "pooled", half, window);
            indices = graph.add_value("indices");
            graph.values[indices].dtype = DType::i64;
            graph.values[indices].shape = half;
            graph.values[indices].known = true;
            graph.nodes[0].outputs.push_back(indices);
        }
    };
    const std::map<std::string, Attribute, std::less<>> two = {{"kernel_shape", Ints{2, 2}}, {"strides", Ints{2, 2}}};
    const Shape x = {1, 3, 7, 8}, half = {1, 3, 3, 4};
    {
        Net g(x, half, two);
        g.output(g.node("MaxUnpool", {g.pooled, g.indices, g.integers("shape", x)}, "y", x, two));
        fuse(g.graph);
        CHECK(types_of(g.graph) == "saccade.MaxPoolTaps saccade.MaxUnpoolTaps");
        CHECK(is_float(g.graph.values[g.indices].dtype));
        CHECK(g.graph.nodes[1].inputs == std::vector<ValueId>{g.pooled, g.indices});
        CHECK(g.graph.nodes[1].ints_or("output", {}) == Ints{7, 8});
    }
    {
        Net g(x, half, two);  // to another size than where the indices come from
        g.output(g.node("MaxUnpool", {g.pooled, g.indices}, "y", {1, 3, 6, 8}, two));
        fuse(g.graph);
        CHECK(types_of(g.graph) == "MaxPool MaxUnpool");
    }
    {
        Net g(x, half, two);
        g.output(g.node("MaxUnpool", {g.pooled, g.indices, g.integers("shape", x)}, "y", x, two));
        g.output(g.indices);
        fuse(g.graph);
        CHECK(types_of(g.graph) == "MaxPool MaxUnpool");
    }
    {
        Net g(x, half, two);  // indices that nobody reads
        g.output(g.pooled);
        fuse(g.graph);
        CHECK(only(g.graph).outputs.size() == 1);
    }
}

TEST_CASE("a product of matrices and its bias are a Gemm") {
    GraphBuilder g;
    const ValueId x = g.input("x", {2, 3});
    const ValueId m = g.node("MatMul", {x, g.filled("w", {3, 4}, 1)}, "m", {2, 4});
    const ValueId s = g.node("Add", {g.floats("b", {4}, {1, 2, 3, 4}), m}, "s", {2, 4});
    g.output(g.node("Relu", {s}, "y", {2, 4}));
    fuse(g.graph);
    CHECK(only(g.graph).type == "Gemm");
    CHECK(floats_of(g.graph, only(g.graph).inputs[2]) == std::vector<float>{1, 2, 3, 4});
    CHECK(only(g.graph).epilogue.activation == Activation::relu);
}
