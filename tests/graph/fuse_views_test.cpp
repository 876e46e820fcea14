// labels: host_only
// Fusions of operators that only move elements: transpositions, channel and pixel shuffles.
#include "compute/graph/fuse.h"

#include "tests/graph/builder.h"

using namespace sac;
using namespace sac::test;

namespace {

using Ints = std::vector<int64_t>;

const Node &only(const Graph &graph) {
    REQUIRE(graph.nodes.size() == 1);
    return graph.nodes[0];
}

}  // namespace

TEST_CASE("transpositions cancel, also round a pad and a softmax") {
    GraphBuilder g;
    const ValueId x = g.input("x", {1, 3, 6, 6});
    const ValueId a = g.node("Transpose", {x}, "a", {1, 6, 6, 3}, {{"perm", Ints{0, 2, 3, 1}}});
    const ValueId p = g.node("Pad", {a, g.integers("p", {0, 1, 2, 0, 0, 3, 4, 0})}, "p1", {1, 10, 12, 3});
    const ValueId b = g.node("Transpose", {p}, "b", {1, 3, 10, 12}, {{"perm", Ints{0, 3, 1, 2}}});
    g.output(g.node("Tanh", {b}, "y", {1, 3, 10, 12}));
    fuse(g.graph);
    REQUIRE(types_of(g.graph) == "Pad Tanh");
    CHECK(g.graph.values[g.graph.nodes[0].inputs[1]].constant->to_int64s() == Ints{0, 0, 1, 2, 0, 0, 3, 4});

    GraphBuilder s;
    const ValueId sx = s.input("x", {1, 80, 6, 7});
    const ValueId sa = s.node("Transpose", {sx}, "a", {1, 7, 6, 80}, {{"perm", Ints{0, 3, 2, 1}}}, 11);
    const ValueId sm = s.node("Softmax", {sa}, "m", {1, 7, 6, 80}, {{"axis", int64_t{3}}}, 11);
    s.output(s.node("Transpose", {sm}, "y", {1, 80, 6, 7}, {{"perm", Ints{0, 3, 2, 1}}}, 11));
    fuse(s.graph);
    CHECK(only(s.graph).int_or("axis", -9) == 1);
    CHECK(only(s.graph).opset == 13);

    GraphBuilder k;  // a softmax over several axes at once, as before opset 13, stays
    const ValueId kx = k.input("x", {1, 80, 6, 7});
    const ValueId ka = k.node("Transpose", {kx}, "a", {1, 7, 6, 80}, {{"perm", Ints{0, 3, 2, 1}}}, 11);
    const ValueId km = k.node("Softmax", {ka}, "m", {1, 7, 6, 80}, {{"axis", int64_t{1}}}, 11);
    k.output(k.node("Transpose", {km}, "y", {1, 80, 6, 7}, {{"perm", Ints{0, 3, 2, 1}}}, 11));
    fuse(k.graph);
    CHECK(types_of(k.graph) == "Transpose Softmax Transpose");
}

TEST_CASE("two transpositions become one, or none") {
    GraphBuilder g;
    const ValueId x = g.input("x", {2, 3, 4});
    const ValueId a = g.node("Transpose", {x}, "a", {3, 4, 2}, {{"perm", Ints{1, 2, 0}}});
    g.output(g.node("Transpose", {a}, "y", {4, 2, 3}, {{"perm", Ints{1, 2, 0}}}));
    fuse(g.graph);
    CHECK(only(g.graph).ints_or("perm", {}) == Ints{2, 0, 1});

    GraphBuilder n;
    const ValueId nx = n.input("x", {2, 3, 4});
    const ValueId na = n.node("Transpose", {nx}, "a", {3, 4, 2}, {{"perm", Ints{1, 2, 0}}});
    const ValueId nb = n.node("Transpose", {na}, "b", {2, 3, 4}, {{"perm", Ints{2, 0, 1}}});
    n.output(n.node("Tanh", {nb}, "y", {2, 3, 4}));
    fuse(n.graph);
    CHECK(types_of(n.graph) == "Tanh");
}

TEST_CASE("a ShuffleNet's shuffle is a choice of channels") {
    // As FastestDet has it: [1, c, h, w] -> [c / 2, 2, h w] -> [2, c / 2, h w] -> [2, 1, c / 2, h, w], halves taken.
    for (const int64_t half : {0, 1}) {
        GraphBuilder g;
        const ValueId x = g.input("x", {1, 6, 4, 5});
        const ValueId r = g.node("Reshape", {x, g.integers("s1", {3, 2, 20})}, "r", {3, 2, 20});
        const ValueId t = g.node("Transpose", {r}, "t", {2, 3, 20}, {{"perm", Ints{1, 0, 2}}});
        const ValueId u = g.node("Reshape", {t, g.integers("s2", {2, -1, 3, 4, 5})}, "u", {2, 1, 3, 4, 5});
        const ValueId index = g.graph.add_constant("i", HostTensor::from_int64s({}, {&half, 1}));
        g.output(g.node("Gather", {u, index}, "y", {1, 3, 4, 5}, {{"axis", int64_t{0}}}));
        fuse(g.graph);
        REQUIRE(types_of(g.graph) == "saccade.ChannelGather");
        CHECK(only(g.graph).inputs[0] == x);
        CHECK(only(g.graph).ints_or("channels", {}) == Ints{half, half + 2, half + 4});
        CHECK(only(g.graph).ints_or("counts", {}) == Ints{3});
    }
}

TEST_CASE("a shuffle alone, and one before a Split, choose channels by a list") {
    // As torchvision has it: [1, 8, h, w] -> [1, 2, 4, h, w] -> [1, 4, 2, h, w] -> [1, 8, h, w], then halves.
    for (const bool split : {false, true}) {
        GraphBuilder g;
        const ValueId x = g.input("x", {1, 8, 4, 5});
        const ValueId r = g.node("Reshape", {x, g.integers("s1", {1, 2, 4, 4, 5})}, "r", {1, 2, 4, 4, 5});
        const ValueId t = g.node("Transpose", {r}, "t", {1, 4, 2, 4, 5}, {{"perm", Ints{0, 2, 1, 3, 4}}});
        const ValueId u = g.node("Reshape", {t, g.integers("s2", {1, -1, 4, 5})}, "u", {1, 8, 4, 5});
        if (split) {
            const ValueId a =
                g.node("Split", {u, g.integers("halves", {4, 4})}, "a", {1, 4, 4, 5}, {{"axis", int64_t{1}}});
            const ValueId b = g.graph.add_value("b");
            g.graph.values[b].shape = {1, 4, 4, 5};
            g.graph.values[b].known = true;
            g.graph.nodes.back().outputs.push_back(b);
            g.output(a);
            g.output(b);
        } else {
            g.output(u);
        }
        fuse(g.graph);
        REQUIRE(types_of(g.graph) == "saccade.ChannelGather");
        CHECK(only(g.graph).inputs == std::vector<ValueId>{x});
        CHECK(only(g.graph).ints_or("channels", {}) == Ints{0, 4, 1, 5, 2, 6, 3, 7});
        CHECK(only(g.graph).ints_or("counts", {}) == (split ? Ints{4, 4} : Ints{8}));
    }
}

TEST_CASE("reshapings round a transposition are a pixel shuffle, or its inverse") {
    struct Case {
        Shape from, middle;
        Ints perm;
        Shape turned, to;
        const char *type, *mode;
    };
    const Case cases[] = {
        {{2, 12, 5, 7},
         {2, 3, 2, 2, 5, 7},
         {0, 1, 4, 2, 5, 3},
         {2, 3, 5, 2, 7, 2},
         {2, 3, 10, 14},
         "DepthToSpace",
         "CRD"},
        {{2, 12, 5, 7},
         {2, 2, 2, 3, 5, 7},
         {0, 3, 4, 1, 5, 2},
         {2, 3, 5, 2, 7, 2},
         {2, 3, 10, 14},
         "DepthToSpace",
         "DCR"},
        // Without the axis of one image, and with one of a single channel.
        {{1, 12, 5, 7}, {3, 2, 2, 5, 7}, {0, 3, 1, 4, 2}, {3, 5, 2, 7, 2}, {1, 3, 10, 14}, "DepthToSpace", "CRD"},
        {{1, 9, 1, 7},
         {1, 1, 3, 3, 1, 7},
         {0, 1, 4, 2, 5, 3},
         {1, 1, 1, 3, 7, 3},
         {1, 1, 3, 21},
         "DepthToSpace",
         "CRD"},
        {{1, 3, 10, 14},
         {1, 3, 5, 2, 7, 2},
         {0, 1, 3, 5, 2, 4},
         {1, 3, 2, 2, 5, 7},
         {1, 12, 5, 7},
         "SpaceToDepth",
         "CRD"},
        {{1, 3, 10, 14},
         {1, 3, 5, 2, 7, 2},
         {0, 3, 5, 1, 2, 4},
         {1, 2, 2, 3, 5, 7},
         {1, 12, 5, 7},
         "SpaceToDepth",
         "DCR"},
        // Rows and columns of a block exchanged.
        {{2, 12, 5, 7}, {2, 3, 2, 2, 5, 7}, {0, 1, 4, 3, 5, 2}, {2, 3, 5, 2, 7, 2}, {2, 3, 10, 14}, nullptr, nullptr},
        {{2, 12, 5, 5}, {2, 3, 2, 2, 5, 5}, {0, 1, 5, 2, 4, 3}, {2, 3, 5, 2, 5, 2}, {2, 3, 10, 10}, nullptr, nullptr},
    };
    for (const Case &c : cases) {
        INFO(to_string(c.middle), " ", to_string(c.perm));
        GraphBuilder b;
        const ValueId x = b.input("x", c.from);
        const ValueId split = b.node("Reshape", {x, b.integers("a", c.middle)}, "split", c.middle);
        const ValueId turned = b.node("Transpose", {split}, "turned", c.turned, {{"perm", c.perm}});
        b.output(b.node("Reshape", {turned, b.integers("b", c.to)}, "y", c.to));
        fuse(b.graph);
        if (!c.type) {
            CHECK(types_of(b.graph) == "Reshape Transpose Reshape");
            continue;
        }
        CHECK(only(b.graph).type == c.type);
        CHECK(only(b.graph).string_or("mode", "") == c.mode);
        CHECK(only(b.graph).int_or("blocksize", 0) == (c.from[1] == 9 ? 3 : 2));
    }
}

TEST_CASE("a convolution of single pixels takes its choice of channels into its weights") {
    for (const bool runs : {true, false}) {  // {4..7, 12..15} are two runs of texels; every other channel is refused
        GraphBuilder g;
        const ValueId x = g.input("x", {1, 16, 4, 5});
        Ints channels;
        for (int64_t j = 0; j < 8; ++j) channels.push_back(runs ? 4 + j % 2 * 8 + j / 2 : 2 * j);
        for (const int64_t other : {1, 2, 3}) channels.push_back(other);
        const ValueId a =
            g.node("ChannelGather", {x}, "a", {1, 8, 4, 5}, {{"channels", channels}, {"counts", Ints{8, 3}}});
        const ValueId b = g.graph.add_value("b");
        g.graph.values[b].shape = {1, 3, 4, 5};
        g.graph.values[b].known = true;
        g.graph.nodes.back().domain = "saccade";
        g.graph.nodes.back().outputs.push_back(b);
        std::vector<float> weights;
        for (int i = 0; i < 16; ++i) weights.push_back(static_cast<float>(i + 1));
        const ValueId w = g.floats("w", {2, 8, 1, 1}, weights);
        g.output(g.node("Conv", {a, w}, "y", {1, 2, 4, 5}));
        g.output(b);
        fuse(g.graph);
        CHECK(types_of(g.graph) == "saccade.ChannelGather Conv");
        const Node &gather = g.graph.nodes[0], &conv = g.graph.nodes[1];
        CHECK(conv.inputs[0] == (runs ? x : a));
        CHECK(gather.ints_or("counts", {}) == (runs ? Ints{3} : Ints{8, 3}));
        if (!runs) continue;
        CHECK(gather.outputs == std::vector<ValueId>{b});
        CHECK(gather.ints_or("channels", {}) == Ints{1, 2, 3});
        CHECK(floats_of(g.graph, conv.inputs[1]) == std::vector<float>{0,  0,  0, 0, 1, 3, 5,  7,  0,  0, 0,
                                                                       0,  2,  4, 6, 8, 0, 0,  0,  0,  9, 11,
                                                                       13, 15, 0, 0, 0, 0, 10, 12, 14, 16});
    }
}

TEST_CASE("what looks like a shuffle and is none stays") {
    // The same with two images: the batch is mixed into the channels.
    GraphBuilder g;
    const ValueId x = g.input("x", {2, 6, 4, 5});
    const ValueId r = g.node("Reshape", {x, g.integers("s1", {6, 2, 20})}, "r", {6, 2, 20});
    const ValueId t = g.node("Transpose", {r}, "t", {2, 6, 20}, {{"perm", Ints{1, 0, 2}}});
    const ValueId u = g.node("Reshape", {t, g.integers("s2", {2, -1, 3, 4, 5})}, "u", {2, 2, 3, 4, 5});
    const int64_t zero = 0;
    const ValueId index = g.graph.add_constant("i", HostTensor::from_int64s({}, {&zero, 1}));
    const ValueId y = g.node("Gather", {u, index}, "y", {2, 3, 4, 5}, {{"axis", int64_t{0}}});
    g.output(y);
    fuse(g.graph);
    // Image n of the result has channels 0, 2, 4 of image n: that is a choice of channels, too.
    REQUIRE(types_of(g.graph) == "saccade.ChannelGather");

    GraphBuilder h;  // height and width swapped on the way
    const ValueId hx = h.input("x", {1, 6, 4, 4});
    const ValueId hr = h.node("Reshape", {hx, h.integers("s1", {1, 3, 2, 4, 4})}, "r", {1, 3, 2, 4, 4});
    const ValueId ht = h.node("Transpose", {hr}, "t", {2, 1, 3, 4, 4}, {{"perm", Ints{2, 0, 1, 4, 3}}});
    const ValueId hi = h.graph.add_constant("i", HostTensor::from_int64s({}, {&zero, 1}));
    h.output(h.node("Gather", {ht, hi}, "y", {1, 3, 4, 4}, {{"axis", int64_t{0}}}));
    fuse(h.graph);
    CHECK(types_of(h.graph) == "Reshape Transpose Gather");
}

TEST_CASE("a product by a transposed tensor reads it as it lies") {
    GraphBuilder g;
    const ValueId q = g.input("q", {2, 3, 9, 8}), x = g.input("x", {2, 10, 24});
    const ValueId heads = g.node("Reshape", {x, g.integers("shape", {2, 10, 3, 8})}, "heads", {2, 10, 3, 8});
    const ValueId k = g.node("Transpose", {heads}, "k", {2, 3, 8, 10}, {{"perm", Ints{0, 2, 3, 1}}});
    g.output(g.node("MatMul", {q, k}, "y", {2, 3, 9, 10}));
    fuse(g.graph);
    CHECK(types_of(g.graph) == "Reshape saccade.MatMul");
    const Node &product = g.graph.nodes.back();
    CHECK(product.inputs == std::vector<ValueId>{q, heads});
    CHECK(product.ints_or("perm", {}) == Ints{0, 2, 3, 1});
}

TEST_CASE("a transposition that only names a convolution's layout stays before a product") {
    GraphBuilder g;
    const ValueId x = g.input("x", {1, 3, 6, 6}), q = g.input("q", {1, 9, 36});
    const ValueId c = g.node("Conv", {x, g.filled("w", {4, 3, 1, 1}, 2)}, "c", {1, 4, 6, 6});
    const ValueId pixels = g.node("Reshape", {c, g.integers("shape", {1, 4, 36})}, "pixels", {1, 4, 36});
    const ValueId tokens = g.node("Transpose", {pixels}, "tokens", {1, 36, 4}, {{"perm", Ints{0, 2, 1}}});
    g.output(g.node("MatMul", {q, tokens}, "y", {1, 9, 4}));
    fuse(g.graph);
    CHECK(types_of(g.graph) == "Conv Reshape Transpose MatMul");
}

TEST_CASE("a softmax between two products is attention first") {
    GraphBuilder g;
    const ValueId q = g.input("q", {2, 9, 8}), k = g.input("k", {2, 10, 8}), v = g.input("v", {2, 10, 8});
    const ValueId t = g.node("Transpose", {k}, "t", {2, 8, 10}, {{"perm", Ints{0, 2, 1}}});
    const ValueId scores = g.node("MatMul", {q, t}, "scores", {2, 9, 10});
    const ValueId weights = g.node("Softmax", {scores}, "weights", {2, 9, 10}, {{"axis", int64_t{-1}}});
    g.output(g.node("MatMul", {weights, v}, "y", {2, 9, 8}));
    fuse(g.graph);
    CHECK(types_of(g.graph) == "saccade.Attention");
}
