// labels: host_only
#include "compute/onnx/import.h"
#include "compute/onnx/model_writer.h"
#include "compute/ops/builtin_ops.h"
#include "tests/graph/builder.h"

using namespace sac;

namespace {

Result<Graph> inferred(const onnx::ModelWriter &model,
                       const std::map<std::string, int64_t, std::less<>> &bindings = {}) {
    auto owner = std::make_shared<std::string>(model.bytes());
    SAC_ASSIGN(Graph graph, onnx::import_memory(std::as_bytes(std::span(*owner)), owner, "memory.onnx"));
    SAC_TRY(bind_dimensions(graph, bindings));
    SAC_TRY(infer_shapes(graph, find_builtin_operator));
    return graph;
}

const Value &value_of(const Graph &graph, std::string_view name) {
    const auto id = graph.find_value(name);
    REQUIRE(id);
    return graph.values[*id];
}

/// A chain of shape arithmetic as exporters write it: the spatial size of x, doubled, is what Reshape is given.
onnx::ModelWriter shape_arithmetic() {
    onnx::ModelWriter model(13);
    model.input("x", {1, 8, "h", "w"});
    model.int64s("two", {}, std::vector<int64_t>{2});
    model.int64s("zero", {1}, std::vector<int64_t>{0});
    model.int64s("minus", {1}, std::vector<int64_t>{-1});
    model.int64s("axis0", {1}, std::vector<int64_t>{0});
    model.node("Shape", {"x"}, {"s"});
    model.node("Gather", {"s", "two"}, {"h"}, {{"axis", int64_t{0}}});
    model.node("Mul", {"h", "two"}, {"h2"});
    model.node("Unsqueeze", {"h2", "axis0"}, {"h2v"});
    model.node("Concat", {"h2v", "minus"}, {"target"}, {{"axis", int64_t{0}}});
    model.node("Reshape", {"x", "target"}, {"y"});
    model.output("y");
    return model;
}

}  // namespace

TEST_CASE("shape arithmetic is followed at load") {
    auto graph = inferred(shape_arithmetic(), {{"h", 6}, {"w", 10}});
    REQUIRE_MESSAGE(graph.ok(), graph.error().message);
    CHECK(value_of(*graph, "s").constant->to_int64s() == std::vector<int64_t>{1, 8, 6, 10});
    CHECK(value_of(*graph, "target").constant->to_int64s() == std::vector<int64_t>{12, -1});
    CHECK(value_of(*graph, "y").shape == Shape{12, 40});
    CHECK(!value_of(*graph, "y").constant);
    fold(*graph);
    CHECK(test::types_of(*graph) == "Reshape");
}

TEST_CASE("constants of every kind of attribute, ranges and fills") {
    onnx::ModelWriter model(13);
    model.node("Constant", {}, {"a"}, {{"value_int", int64_t{7}}});
    model.node("Constant", {}, {"b"}, {{"value_floats", std::vector<float>{1, 2}}});
    model.node("Constant", {}, {"c"}, {{"value", HostTensor::from_int64s({2, 1}, std::vector<int64_t>{3, 4})}});
    model.int64s("start", {}, std::vector<int64_t>{1});
    model.int64s("end", {}, std::vector<int64_t>{8});
    model.int64s("step", {}, std::vector<int64_t>{3});
    model.int64s("shape", {2}, std::vector<int64_t>{2, 3});
    model.node("Range", {"start", "end", "step"}, {"r"});
    model.node("ConstantOfShape", {"shape"}, {"f"}, {{"value", HostTensor::from_int64s({1}, std::vector<int64_t>{5})}});
    model.node("Cast", {"f"}, {"g"}, {{"to", int64_t{1}}});
    model.node("Size", {"f"}, {"n"});
    model.node("Equal", {"r", "a"}, {"e"});
    model.node("Where", {"e", "a", "r"}, {"w"});
    for (const char *name : {"a", "b", "c", "r", "f", "g", "n", "w"}) model.output(name);
    auto graph = inferred(model);
    REQUIRE_MESSAGE(graph.ok(), graph.error().message);
    const auto ints = [&](const char *name) { return value_of(*graph, name).constant->to_int64s(); };
    using Ints = std::vector<int64_t>;
    CHECK(ints("a") == Ints{7});
    CHECK(value_of(*graph, "a").shape == Shape{});
    CHECK(ints("b") == Ints{1, 2});
    CHECK(value_of(*graph, "c").shape == Shape{2, 1});
    CHECK(ints("r") == Ints{1, 4, 7});
    CHECK(ints("f") == Ints{5, 5, 5, 5, 5, 5});
    CHECK(value_of(*graph, "g").dtype == DType::f32);
    CHECK(ints("n") == Ints{6});
    CHECK(ints("w") == Ints{1, 4, 7});
}

TEST_CASE("errors name the file and the node, once") {
    onnx::ModelWriter model(13);
    model.input("x", {1, 3, 8, 8});
    model.floats("w", {4, 2, 3, 3}, std::vector<float>(72));
    model.node("Conv", {"x", "w"}, {"y"}, {}, "stem");
    model.output("y");
    auto graph = inferred(model);
    REQUIRE(!graph.ok());
    CHECK(graph.error().code == Code::invalid_file);
    const std::string &text = graph.error().message;
    CHECK(text.find("memory.onnx: Conv 'stem'") == 0);
    CHECK(text.find("stem", text.find("stem") + 1) == std::string::npos);
}

TEST_CASE("what folding computes is limited for the whole graph, by what the file holds itself") {
    // Each node makes 4 MB of floats out of a few bytes.
    const std::vector<int64_t> megabyte = {1 << 20};
    const auto repeated = [&](const char *type, const char *from) {
        onnx::ModelWriter model(13);
        model.int64s("size", {1}, megabyte);
        model.floats("one", {1}, std::vector<float>{1});
        for (int i = 0; i < 100; ++i) {
            const std::string name = "made" + std::to_string(i);
            std::vector<std::string> inputs = {from};
            if (std::string(from) != "size") inputs.push_back("size");
            model.node(type, inputs, {name}, {}, name);
            model.output(name);
        }
        return inferred(model);
    };
    const auto filled = repeated("ConstantOfShape", "size");
    REQUIRE(!filled.ok());
    CHECK(filled.error().code == Code::unsupported);
    CHECK(filled.error().message.find("memory.onnx: ConstantOfShape 'made32'") == 0);

    // What the device can do as well is left to it.
    const auto expanded = repeated("Expand", "one");
    REQUIRE_MESSAGE(expanded.ok(), expanded.error().message);
    size_t known = 0;
    for (const ValueId id : expanded->outputs) known += expanded->values[id].constant.has_value();
    CHECK(known == 32);

    // Constants of the file's own may be computed with.
    test::GraphBuilder g;
    const uint64_t before = g.graph.host_budget;
    const ValueId k = g.filled("k", {1000}, 1);
    g.output(g.node("Neg", {k}, "y", {1000}));
    REQUIRE(infer_shapes(g.graph, find_builtin_operator).ok());
    CHECK(g.graph.host_budget == before + 8 * 4000 - 8 * 1000);
}

TEST_CASE("every operator is found by its type and opset, and refuses to run without its inputs") {
    for (const Operator *op : builtin_operators()) {
        CAPTURE(std::string(op->type));
        CHECK(find_builtin_operator(op->domain, op->type, op->since) != nullptr);
        const bool infers = op->infer != nullptr;
        CHECK(infers);
        if (op->min_inputs == 0) continue;
        // A node of it without inputs is an error, not a crash.
        test::GraphBuilder g;
        g.output(g.node(op->type, {}, "y", {}, {}, op->since));
        g.graph.nodes[0].domain = op->domain;
        const Status status = infer_shapes(g.graph, find_builtin_operator);
        REQUIRE(!status.ok());
        CHECK(status.error().message.find("input 0 is missing") != std::string::npos);
    }
}

TEST_CASE("operators given inputs of rank 0 and of no elements give errors or shapes") {
    for (const Operator *op : builtin_operators()) {
        CAPTURE(std::string(op->type));
        for (const Shape &shape : {Shape{}, Shape{1}, Shape{1, 0, 3}, Shape{0}, Shape{1, 2, 3, 4, 5, 6, 7}}) {
            for (const bool constant : {false, true}) {
                test::GraphBuilder g;
                std::vector<ValueId> inputs;
                for (size_t i = 0; i < std::max<size_t>(op->min_inputs, 1); ++i)
                    inputs.push_back(constant ? g.filled("c" + std::to_string(i), shape, 1)
                                              : g.input("x" + std::to_string(i), shape));
                if (!constant && element_count(shape) == 0) continue;
                g.output(g.node(op->type, inputs, "y", {}, {}, op->since));
                g.graph.nodes[0].domain = op->domain;
                const Status status = infer_shapes(g.graph, find_builtin_operator);
                if (!status.ok()) CHECK(status.error().code != Code::internal);
            }
        }
    }
}
