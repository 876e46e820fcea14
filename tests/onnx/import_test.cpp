// labels: host_only
#include "compute/onnx/import.h"

#include <doctest/doctest.h>

#include <cstring>
#include <protozero/pbf_writer.hpp>

#include "compute/onnx/model_writer.h"
#include "tests/support/files.h"

using namespace sac;

namespace {

Result<Graph> import_bytes(const std::string &bytes) {
    auto owner = std::make_shared<std::string>(bytes);
    const std::span<const std::byte> view(reinterpret_cast<const std::byte *>(owner->data()), owner->size());
    return onnx::import_memory(view, owner, "memory.onnx");
}

const Value &value_of(const Graph &graph, std::string_view name) {
    const auto id = graph.find_value(name);
    REQUIRE(id);
    return graph.values[*id];
}

/// A model of one tensor, with the TensorProto's fields written by `write`.
template <class Write>
std::string model_with_tensor(Write write) {
    std::string tensor, graph, model, opset, output, node;
    write(tensor);
    protozero::pbf_writer n(node);
    n.add_string(1, "t");
    n.add_string(2, "y");
    n.add_string(4, "Identity");
    protozero::pbf_writer(output).add_string(1, "y");
    protozero::pbf_writer g(graph);
    g.add_message(1, node);
    g.add_message(5, tensor);
    g.add_message(12, output);
    protozero::pbf_writer o(opset);
    o.add_int64(2, 13);
    protozero::pbf_writer m(model);
    m.add_int64(1, 8);
    m.add_message(7, graph);
    m.add_message(8, opset);
    return model;
}

}  // namespace

TEST_CASE("repeated names get numbers that nobody else has") {
    onnx::ModelWriter model(13);
    model.input("x", {1});
    const char *names[] = {"a", "a#2", "a", "b", "a", ""};
    std::string last = "x";
    for (size_t i = 0; i < std::size(names); ++i) {
        const std::string next = "v" + std::to_string(i);
        model.node("Identity", {last}, {next}, {}, names[i]);
        last = next;
    }
    model.output(last);
    const auto graph = import_bytes(model.bytes());
    REQUIRE_MESSAGE(graph.ok(), graph.error().message);
    std::string all;
    for (const Node &node : graph->nodes) all += node.name + " ";
    CHECK(all == "a a#2 a#3 b a#4 Identity_5 ");
}

TEST_CASE("a model becomes a graph with names, attributes and weights in place") {
    onnx::ModelWriter model(13);
    model.input("x", {1, 3, "height", 8});
    const std::vector<float> weights(4 * 3, 0.5f);
    model.floats("w", {4, 3, 1, 1}, weights);
    model.node("Conv", {"x", "w", ""}, {"y"},
               {{"strides", std::vector<int64_t>{2, 2}}, {"group", int64_t{1}}, {"note", std::string("text")}},
               "stem/conv");
    model.node("Relu", {"y"}, {"z"});
    model.output("z");
    auto graph = import_bytes(model.bytes());
    REQUIRE_MESSAGE(graph.ok(), graph.error().message);
    REQUIRE(graph->nodes.size() == 2);
    const Node &conv = graph->nodes[0];
    CHECK(conv.describe() == "Conv 'stem/conv'");
    CHECK(conv.opset == 13);
    CHECK(conv.ints_or("strides", {}) == std::vector<int64_t>{2, 2});
    CHECK(conv.int_or("group", 0) == 1);
    CHECK(conv.string_or("note", "") == "text");
    CHECK(conv.int_or("strides", 7) == 7);  // another kind counts as absent
    REQUIRE(conv.inputs.size() == 3);
    CHECK(conv.inputs[2] == no_value);
    CHECK(graph->nodes[1].name == "Relu_1");
    const Value &w = value_of(*graph, "w");
    REQUIRE(w.constant);
    CHECK(w.shape == Shape{4, 3, 1, 1});
    CHECK(w.constant->as<float>()[11] == 0.5f);
    const Value &x = value_of(*graph, "x");
    REQUIRE(x.declared.size() == 4);
    CHECK(x.declared[2].symbol == "height");
    CHECK(x.declared[2].value == -1);
    CHECK(x.declared[3].value == 8);
    CHECK(graph->dump().find("Conv 'stem/conv'") != std::string::npos);
}

TEST_CASE("aligned raw data is not copied, unaligned is") {
    onnx::ModelWriter model;
    const std::vector<float> weights(64, 1.0f);
    model.floats("w", {64}, weights);
    model.node("Identity", {"w"}, {"y"});
    model.output("y");
    const std::string bytes = model.bytes();
    bool in_place = false, copied = false;
    for (size_t shift = 0; shift < 4; ++shift) {
        auto owner = std::make_shared<std::vector<std::byte>>(bytes.size() + 8);
        std::byte *start = owner->data() + shift;
        std::memcpy(start, bytes.data(), bytes.size());
        auto graph = onnx::import_memory({start, bytes.size()}, owner, "memory.onnx");
        REQUIRE(graph.ok());
        const HostTensor &w = *value_of(*graph, "w").constant;
        CHECK(w.as<float>()[63] == 1.0f);
        const bool inside = w.bytes >= start && w.bytes < start + bytes.size();
        (inside ? in_place : copied) = true;
        CHECK(reinterpret_cast<uintptr_t>(w.bytes) % 4 == 0);
    }
    CHECK(in_place);
    CHECK(copied);
}

TEST_CASE("typed fields of every number type") {
    struct Case {
        int type;
        DType dtype;
        int field;  // of TensorProto
        std::vector<double> expected;
    };
    const Case cases[] = {{1, DType::f32, 4, {1, -2}},   {2, DType::u8, 5, {1, 255}},    {3, DType::i8, 5, {1, -2}},
                          {4, DType::u16, 5, {1, 9}},    {5, DType::i16, 5, {1, -2}},    {6, DType::i32, 5, {1, -2}},
                          {7, DType::i64, 7, {1, -2}},   {9, DType::boolean, 5, {1, 0}}, {10, DType::f16, 5, {1, -2}},
                          {11, DType::f64, 10, {1, -2}}, {12, DType::u32, 11, {1, 9}},   {13, DType::u64, 11, {1, 9}},
                          {16, DType::bf16, 5, {1, -2}}};
    for (const Case &c : cases) {
        CAPTURE(c.type);
        auto graph = import_bytes(model_with_tensor([&](std::string &out) {
            protozero::pbf_writer tensor(out);
            const std::vector<int64_t> dims = {2};
            tensor.add_packed_int64(1, dims.begin(), dims.end());
            tensor.add_int32(2, c.type);
            tensor.add_string(8, "t");
            if (c.field == 4) {
                const std::vector<float> values(c.expected.begin(), c.expected.end());
                tensor.add_packed_float(4, values.begin(), values.end());
            } else if (c.field == 10) {
                tensor.add_packed_double(10, c.expected.begin(), c.expected.end());
            } else if (c.field == 11) {
                const std::vector<uint64_t> values(c.expected.begin(), c.expected.end());
                tensor.add_packed_uint64(11, values.begin(), values.end());
            } else if (c.field == 7) {
                const std::vector<int64_t> values(c.expected.begin(), c.expected.end());
                tensor.add_packed_int64(7, values.begin(), values.end());
            } else {
                std::vector<int32_t> values(c.expected.begin(), c.expected.end());
                if (c.type == 10) values = {0x3c00, 0xc000};
                if (c.type == 16) values = {0x3f80, 0xc000};
                tensor.add_packed_int32(5, values.begin(), values.end());
            }
        }));
        REQUIRE_MESSAGE(graph.ok(), graph.error().message);
        const HostTensor &t = *value_of(*graph, "t").constant;
        CHECK(t.dtype == c.dtype);
        const std::vector<float> floats = t.to_floats();
        REQUIRE(floats.size() == 2);
        for (size_t i = 0; i < 2; ++i) {
            CHECK(static_cast<double>(floats[i]) == c.expected[i]);
            CHECK(t.to_int64s()[i] == static_cast<int64_t>(c.expected[i]));
        }
    }
}

TEST_CASE("4-bit integers become bytes") {
    for (const int type : {21, 22}) {
        auto graph = import_bytes(model_with_tensor([&](std::string &out) {
            protozero::pbf_writer tensor(out);
            tensor.add_int64(1, 3);
            tensor.add_int32(2, type);
            tensor.add_string(8, "t");
            tensor.add_bytes(9, std::string("\xf1\x07", 2));
        }));
        REQUIRE_MESSAGE(graph.ok(), graph.error().message);
        CHECK(value_of(*graph, "t").constant->to_int64s() == std::vector<int64_t>{1, type == 22 ? -1 : 15, 7});
    }
}

TEST_CASE("nodes in any order are sorted, names made unique") {
    onnx::ModelWriter model;
    model.input("x", {4});
    model.node("Relu", {"b"}, {"y"}, {}, "same");
    model.node("Relu", {"a"}, {"b"}, {}, "same");
    model.node("Relu", {"x"}, {"a"}, {}, "same");
    model.output("y");
    auto graph = import_bytes(model.bytes());
    REQUIRE(graph.ok());
    CHECK(graph->values[graph->nodes[0].outputs[0]].name == "a");
    CHECK(graph->values[graph->nodes[2].outputs[0]].name == "y");
    CHECK(graph->nodes[0].name == "same");
    CHECK(graph->nodes[1].name == "same#2");
    CHECK(graph->nodes[2].name == "same#3");
}

TEST_CASE("an initializer that is listed as an input is a constant") {
    onnx::ModelWriter model(9, 3);
    const float one = 1;
    model.input("x", {1});
    model.input("w", {1});
    model.floats("w", {1}, {&one, 1});
    model.node("Add", {"x", "w"}, {"y"});
    model.output("y");
    auto graph = import_bytes(model.bytes());
    REQUIRE(graph.ok());
    CHECK(graph->inputs.size() == 1);
    CHECK(value_of(*graph, "w").constant);
}

TEST_CASE("external data inside the folder is mapped in place") {
    test::TempDir dir;
    const std::vector<float> data = {0, 1, 2, 3, 4, 5};
    test::write_bytes(dir / "weights.bin", data.data(), data.size() * 4);
    onnx::ModelWriter model;
    model.external("w", DType::f32, {2}, "weights.bin", 8, 8);
    model.node("Identity", {"w"}, {"y"});
    model.output("y");
    const std::string path = (dir / "model.onnx").string();
    REQUIRE(model.save(path).ok());
    auto graph = onnx::import_file(path);
    REQUIRE_MESSAGE(graph.ok(), graph.error().message);
    CHECK(value_of(*graph, "w").constant->to_floats() == std::vector<float>{2, 3});
}

TEST_CASE("dimensions are bound by symbol or by axis") {
    const auto make = [] {
        onnx::ModelWriter model;
        model.input("x", {"batch", 3, "side", "side"});
        model.node("Relu", {"x"}, {"y"});
        model.output("y");
        auto graph = import_bytes(model.bytes());
        REQUIRE(graph.ok());
        return std::move(graph).value();
    };
    Graph graph = make();
    REQUIRE(bind_dimensions(graph, {{"side", 32}}).ok());
    CHECK(graph.values[graph.inputs[0]].shape == Shape{1, 3, 32, 32});

    graph = make();
    REQUIRE(bind_dimensions(graph, {{"side", 32}, {"batch", 4}}).ok());
    CHECK(graph.values[graph.inputs[0]].shape == Shape{4, 3, 32, 32});

    graph = make();
    Status status = bind_dimensions(graph, {});
    REQUIRE(!status.ok());
    CHECK(status.error().code == Code::invalid_argument);
    CHECK(status.error().message.find("'side'") != std::string::npos);

    graph = make();
    status = bind_dimensions(graph, {{"side", 0}});
    REQUIRE(!status.ok());
    CHECK(status.error().code == Code::invalid_argument);

    graph = make();
    status = bind_dimensions(graph, {{"side", 4}, {"sied", 4}});
    REQUIRE(!status.ok());
    CHECK(status.error().message.find("'sied'") != std::string::npos);

    graph = make();
    graph.values[graph.inputs[0]].declared[2].symbol.clear();
    graph.values[graph.inputs[0]].declared[3].symbol.clear();
    REQUIRE(bind_dimensions(graph, {{"x:2", 5}, {"x:3", 6}}).ok());
    CHECK(graph.values[graph.inputs[0]].shape == Shape{1, 3, 5, 6});
}
