// Operators that write straight into the Concat that reads them give what they give apart from it, with fewer
// dispatches.
#include <doctest/doctest.h>

#include "compute/session.h"
#include "tests/support/device.h"
#include "tests/support/op_runner.h"

using namespace sac;
using namespace sac::test;

namespace {

using List = std::vector<int64_t>;

Runtime &runtime_of_device() {
    static std::unique_ptr<Runtime> instance = [] {
        RuntimeOptions options;
        options.cache_directory = "";
        auto made = Runtime::create(device(), options);
        REQUIRE_MESSAGE(made.ok(), made.error().message);
        return std::move(*made);
    }();
    return *instance;
}

ValueId add_node(Graph &graph, std::string type, std::vector<ValueId> inputs, Attributes attributes) {
    Node node;
    node.type = std::move(type);
    node.name = node.type + std::to_string(graph.nodes.size());
    node.domain = node.type == "ChannelGather" ? "saccade" : "";
    node.opset = node.domain.empty() ? 13 : 1;
    node.inputs = std::move(inputs);
    node.attributes = std::move(attributes);
    node.outputs = {graph.add_value("value" + std::to_string(graph.nodes.size()))};
    graph.nodes.push_back(std::move(node));
    return graph.nodes.back().outputs[0];
}

ValueId add_weights(Graph &graph, const Shape &shape) {
    const auto values = random_floats(static_cast<size_t>(element_count(shape)), graph.values.size());
    return graph.add_constant("weights" + std::to_string(graph.values.size()), HostTensor::from_floats(shape, values));
}

// x (2 x 16 x 6 x 8) by an operator of every kind that can write in place, joined. With `apart`, each is an output of
// the network too, and so has to lie by itself.
Graph make_graph(bool apart, bool reversed) {
    Graph graph;
    graph.source = "test";
    const ValueId x = graph.add_value("x");
    graph.values[x].shape = {2, 16, 6, 8};
    graph.values[x].known = true;
    graph.inputs = {x};
    const Attributes same = {{"kernel_shape", List{3, 3}}, {"pads", List{1, 1, 1, 1}}};
    const Attributes scales = {{"mode", std::string("nearest")}};
    Attributes depthwise = same, grouped = same;
    depthwise["group"] = int64_t{16};
    grouped["group"] = int64_t{8};
    const ValueId factors = graph.add_constant("factors", HostTensor::from_floats({4}, std::vector<float>{1, 1, 2, 2}));
    const ValueId halved = add_node(graph, "MaxPool", {x}, {{"kernel_shape", List{2, 2}}, {"strides", List{2, 2}}});
    std::vector<ValueId> parts = {
        add_node(graph, "Conv", {x, add_weights(graph, {12, 16, 3, 3})}, same),
        add_node(graph, "Conv", {x, add_weights(graph, {8, 16, 1, 1})}, {}),
        add_node(graph, "Conv", {x, add_weights(graph, {16, 1, 3, 3})}, depthwise),
        add_node(graph, "Conv", {x, add_weights(graph, {16, 2, 3, 3})}, grouped),
        add_node(graph, "MaxPool", {x}, same),
        add_node(graph, "Resize", {halved, no_value, factors}, scales),
        add_node(graph, "ChannelGather", {x}, {{"channels", List{1, 3, 5, 7, 9, 11, 13, 15}}, {"counts", List{8}}}),
        add_node(graph, "ChannelGather", {x},
                 {{"channels", List{3, 4, 9, 6, 7, 8, 5, 10, 11, 12, 13, 0}}, {"counts", List{12}}}),
        add_node(graph, "Relu", {x}, {}),                                     // cannot: is copied
        add_node(graph, "Conv", {x, add_weights(graph, {5, 16, 1, 1})}, {}),  // begins at a texel, ends within one
        add_node(graph, "Conv", {x, add_weights(graph, {6, 16, 1, 1})}, {}),  // begins within one: is copied
    };
    if (reversed) std::reverse(parts.begin(), parts.end());
    const ValueId joined = add_node(graph, "Concat", parts, {{"axis", int64_t{1}}});
    graph.outputs = {joined};
    if (apart) graph.outputs.insert(graph.outputs.end(), parts.begin(), parts.end());
    return graph;
}

struct Outcome {
    std::vector<float> values;
    uint32_t copies = 0;
    std::string dump = "";
};

Outcome run(bool apart, bool reversed, DType storage) {
    SessionOptions options;
    options.storage = storage;
    options.formats["x"] = {Layout::c4, storage};
    Graph graph = make_graph(apart, reversed);
    const std::string name = graph.values[graph.outputs[0]].name;
    auto session = Session::load(runtime_of_device(), std::move(graph), options);
    REQUIRE_MESSAGE(session.ok(), session.error().message);
    CHECK(check_hazards((*session)->plan()).empty());
    Outcome outcome;
    const Plan &plan = (*session)->plan();
    outcome.dump = plan.dump();
    for (const Dispatch &dispatch : plan.dispatches) {
        outcome.copies += plan.graph.nodes[dispatch.node].type == "Concat" ? 1 : 0;
    }
    REQUIRE((*session)->write_input("x", random_floats(2 * 16 * 6 * 8, 1)).ok());
    REQUIRE((*session)->run().ok());
    auto values = (*session)->read_output(name);
    REQUIRE(values.ok());
    outcome.values = std::move(*values);
    return outcome;
}

}  // namespace

TEST_CASE("concat: inputs written in place are the same as copied ones") {
    for (const DType storage : {DType::f32, DType::f16}) {
        for (const bool reversed : {false, true}) {
            const Outcome placed = run(false, reversed, storage), copied = run(true, reversed, storage);
            CHECK(copied.copies == 11);
            CHECK_MESSAGE(placed.copies == (reversed ? 10 : 2),
                          placed.dump);  // reversed, all but the first begin within a texel
            REQUIRE(placed.values.size() == copied.values.size());
            size_t different = 0;
            for (size_t i = 0; i < placed.values.size(); ++i) different += placed.values[i] != copied.values[i];
            CHECK(different == 0);
        }
    }
}
