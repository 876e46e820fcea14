// labels: host_only
#include "tests/graph/builder.h"

using namespace sac;
using namespace sac::test;

TEST_CASE("identities go, and the outputs keep their names") {
    GraphBuilder g;
    const ValueId x = g.input("x", {1, 4});
    const ValueId a = g.node("Identity", {x}, "a", {1, 4});
    const ValueId b = g.node("Relu", {a}, "b", {1, 4});
    const ValueId c = g.node("Dropout", {b}, "c", {1, 4});
    g.output(g.node("Identity", {c}, "y", {1, 4}));
    fold(g.graph);
    REQUIRE(types_of(g.graph) == "Relu");
    CHECK(g.graph.nodes[0].inputs[0] == x);
    CHECK(g.graph.nodes[0].outputs[0] == g.graph.outputs[0]);
    CHECK(g.graph.values[g.graph.outputs[0]].name == "y");
}

TEST_CASE("an identity from an input to an output stays") {
    GraphBuilder g;
    const ValueId x = g.input("x", {4});
    g.output(g.node("Identity", {x}, "y", {4}));
    fold(g.graph);
    CHECK(types_of(g.graph) == "Identity");
}

TEST_CASE("an identity between two outputs stays") {
    GraphBuilder g;
    const ValueId x = g.input("x", {4});
    const ValueId a = g.node("Relu", {x}, "a", {4});
    g.output(a);
    g.output(g.node("Identity", {a}, "y", {4}));
    fold(g.graph);
    CHECK(types_of(g.graph) == "Relu Identity");
}

TEST_CASE("what changes nothing for these shapes goes, what does stays") {
    GraphBuilder g;
    const ValueId x = g.input("x", {1, 4, 2, 2});
    const ValueId r = g.node("Reshape", {x, g.integers("s", {0, 4, 2, -1})}, "r", {1, 4, 2, 2});
    const ValueId t = g.node("Transpose", {r}, "t", {1, 4, 2, 2}, {{"perm", std::vector<int64_t>{0, 1, 2, 3}}});
    const ValueId p = g.node("Pad", {t, g.integers("p", {0, 0, 0, 0, 0, 0, 0, 0})}, "p0", {1, 4, 2, 2});
    const ValueId c = g.node("Concat", {p}, "c", {1, 4, 2, 2}, {{"axis", int64_t{1}}});
    const ValueId swapped =
        g.node("Transpose", {c}, "swapped", {1, 4, 2, 2}, {{"perm", std::vector<int64_t>{0, 1, 3, 2}}});
    g.output(g.node("Concat", {swapped, x}, "y", {1, 8, 2, 2}, {{"axis", int64_t{1}}}));
    fold(g.graph);
    CHECK(types_of(g.graph) == "Transpose Concat");
}

TEST_CASE("known values and what nobody reads go; constants that nobody reads are let go") {
    GraphBuilder g;
    const ValueId x = g.input("x", {4});
    const ValueId k = g.filled("k", {4}, 1);
    const ValueId known = g.node("Add", {k, k}, "known", {4});
    g.graph.values[known].constant = HostTensor::from_floats({4}, std::vector<float>(4, 2));
    g.node("Relu", {x}, "unused", {4});
    g.output(g.node("Add", {x, known}, "y", {4}));
    fold(g.graph);
    CHECK(types_of(g.graph) == "Add");
    CHECK(!g.graph.values[k].constant);
    CHECK(g.graph.values[known].constant);
}

TEST_CASE("a dropout whose mask is read stays") {
    GraphBuilder g;
    const ValueId x = g.input("x", {4});
    const ValueId y = g.node("Dropout", {x}, "y", {4});
    const ValueId mask = g.graph.add_value("mask");
    g.graph.nodes[0].outputs.push_back(mask);
    g.output(y);
    g.output(mask);
    fold(g.graph);
    CHECK(types_of(g.graph) == "Dropout");
}
