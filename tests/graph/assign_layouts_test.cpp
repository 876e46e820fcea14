// labels: host_only
#include "tests/graph/builder.h"

using namespace sac;
using namespace sac::test;

namespace {

/// Operators of the test: Image wants c4, Flat wants dense, Either takes what comes; Mix has one of each.
LayoutChoice all_c4(const Graph &, const Node &node) {
    return {std::vector<Layout>(node.inputs.size(), Layout::c4), Layout::c4};
}
LayoutChoice as_first(const Graph &graph, const Node &node) {
    const Layout layout = graph.values[node.inputs[0]].layout;
    return {std::vector<Layout>(node.inputs.size(), layout), layout};
}
LayoutChoice mixed(const Graph &, const Node &) { return {{Layout::c4, Layout::dense}, Layout::c4}; }

const Operator operators[] = {{.type = "Image", .layouts = all_c4},
                              {.type = "Flat"},
                              {.type = "Either", .layouts = as_first},
                              {.type = "Mix", .layouts = mixed}};

const Operator *lookup(std::string_view, std::string_view type, int) {
    for (const Operator &op : operators)
        if (type == op.type) return &op;
    return nullptr;
}

const Shape image = {1, 3, 4, 4};

}  // namespace

TEST_CASE("conversions stand at the edges alone, where operators agree") {
    GraphBuilder g;
    const ValueId x = g.input("x", image);
    const ValueId a = g.node("Image", {x}, "a", image);
    const ValueId b = g.node("Either", {a}, "b", image);
    g.output(g.node("Image", {b}, "y", image));
    REQUIRE(assign_layouts(g.graph, lookup, DType::f32, {}).ok());
    CHECK(types_of(g.graph) == "saccade.ToC4 Image Either Image saccade.ToDense");
    const Value &y = g.graph.values[g.graph.outputs[0]];
    CHECK(y.name == "y");
    CHECK(y.layout == Layout::dense);
    CHECK(y.shape == image);
}

TEST_CASE("inputs and outputs in the operators' own form need none") {
    GraphBuilder g;
    const ValueId x = g.input("x", image);
    g.output(g.node("Image", {x}, "y", image));
    REQUIRE(
        assign_layouts(g.graph, lookup, DType::f16, {{"x", {Layout::c4, DType::f16}}, {"y", {Layout::c4, DType::f16}}})
            .ok());
    CHECK(types_of(g.graph) == "Image");
    CHECK(g.graph.values[g.graph.outputs[0]].storage == DType::f16);
}

TEST_CASE("a value is converted once, and never back") {
    GraphBuilder g;
    const ValueId x = g.input("x", image);
    const ValueId a = g.node("Image", {x}, "a", image);
    const ValueId b = g.node("Image", {x}, "b", image);
    const ValueId c = g.node("Flat", {x}, "c", image);
    const ValueId d = g.node("Flat", {a}, "d", image);
    const ValueId e = g.node("Flat", {a}, "e", image);
    for (const ValueId id : {b, c, d, e}) g.output(id);
    REQUIRE(assign_layouts(g.graph, lookup, DType::f32, {}).ok());
    CHECK(types_of(g.graph) == "saccade.ToC4 Image Image Flat saccade.ToDense Flat Flat saccade.ToDense");
    const Node *flat = nullptr;
    for (const Node &node : g.graph.nodes)
        if (node.name == "c") flat = &node;
    REQUIRE(flat);
    CHECK(flat->inputs[0] == x);
}

TEST_CASE("an output that someone reads in the wanted form is not converted twice") {
    GraphBuilder g;
    const ValueId x = g.input("x", image);
    const ValueId a = g.node("Image", {x}, "a", image);
    const ValueId b = g.node("Flat", {a}, "b", image);
    g.output(a);
    g.output(b);
    REQUIRE(assign_layouts(g.graph, lookup, DType::f32, {}).ok());
    CHECK(types_of(g.graph) == "saccade.ToC4 Image saccade.ToDense Flat");
    const Value &out = g.graph.values[g.graph.outputs[0]];
    CHECK(out.name == "a");
    CHECK(out.layout == Layout::dense);
    CHECK(g.graph.nodes[2].outputs[0] == g.graph.outputs[0]);
}

TEST_CASE("the storage type changes at the edges, with the layout or alone") {
    GraphBuilder g;
    const ValueId x = g.input("x", image);
    const ValueId a = g.node("Flat", {x}, "a", image);
    g.output(g.node("Image", {a}, "y", image));
    REQUIRE(assign_layouts(g.graph, lookup, DType::f16, {}).ok());
    CHECK(types_of(g.graph) == "saccade.Convert Flat saccade.ToC4 Image saccade.ToDense");
    CHECK(g.graph.values[g.graph.nodes[1].outputs[0]].storage == DType::f16);
    CHECK(g.graph.values[g.graph.outputs[0]].storage == DType::f32);
}

TEST_CASE("each input has its own layout, constants keep theirs, the residual follows the output") {
    GraphBuilder g;
    const ValueId x = g.input("x", image), z = g.input("z", image), r = g.input("r", image);
    const ValueId k = g.filled("k", {3}, 1);
    const ValueId y = g.node("Mix", {x, z, k, r}, "y", image);
    g.graph.nodes[0].epilogue.residual = true;
    g.output(y);
    REQUIRE(assign_layouts(g.graph, lookup, DType::f32, {}).ok());
    CHECK(types_of(g.graph) == "saccade.ToC4 saccade.ToC4 Mix saccade.ToDense");
    const Node &mix = g.graph.nodes[2];
    CHECK(g.graph.values[mix.inputs[0]].layout == Layout::c4);
    CHECK(mix.inputs[1] == z);
    CHECK(mix.inputs[2] == k);
    CHECK(g.graph.values[mix.inputs[3]].layout == Layout::c4);
}

TEST_CASE("formats that cannot be") {
    const auto error_of = [](const IoFormats &formats, DType storage = DType::f32) {
        GraphBuilder g;
        const ValueId x = g.input("x", {4});
        g.output(g.node("Flat", {x}, "y", {4}));
        const Status status = assign_layouts(g.graph, lookup, storage, formats);
        REQUIRE(!status.ok());
        CHECK(status.error().code == Code::invalid_argument);
        return status.error().message;
    };
    CHECK(error_of({{"q", {}}}).find("'q'") != std::string::npos);
    CHECK(error_of({{"x", {Layout::c4, DType::f32}}}).find("'x'") != std::string::npos);
    CHECK(error_of({{"y", {Layout::dense, DType::i32}}}).find("'y'") != std::string::npos);
    CHECK(error_of({}, DType::f64).find("f32 or f16") != std::string::npos);
}
