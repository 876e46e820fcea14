// labels: bad_input host_only
// Damaged and hostile models: an error that names the file and what is wrong, and nothing else happens.
#include <doctest/doctest.h>

#include <filesystem>
#include <protozero/pbf_writer.hpp>

#include "compute/graph/passes.h"
#include "compute/onnx/import.h"
#include "compute/onnx/model_writer.h"
#include "compute/ops/builtin_ops.h"
#include "tests/support/files.h"

using namespace sac;

namespace {

constexpr const char *file_name = "memory.onnx";

/// Import and every host phase after it.
Result<Graph> load(const std::string &bytes) {
    // A block of the exact size: a read beyond it is seen by sanitizers.
    const std::span<const std::byte> view = std::as_bytes(std::span(bytes));
    auto owner = std::make_shared<std::vector<std::byte>>(view.begin(), view.end());
    SAC_ASSIGN(Graph graph, onnx::import_memory(*owner, owner, file_name));
    SAC_TRY(bind_dimensions(graph, {}));
    SAC_TRY(infer_shapes(graph, find_builtin_operator));
    fold(graph);
    fuse(graph);
    SAC_TRY(assign_layouts(graph, find_builtin_operator, DType::f32, {}));
    return graph;
}

/// Fails with this code, and a message that names the file and has `text`.
void check_error(const Result<Graph> &result, Code code, const std::string &text) {
    REQUIRE(!result.ok());
    CAPTURE(result.error().message);
    CHECK(result.error().code == code);
    CHECK(result.error().message.find(file_name) != std::string::npos);
    CHECK(result.error().message.find(text) != std::string::npos);
}

onnx::ModelWriter small_model() {
    onnx::ModelWriter model(13);
    model.input("x", {1, 2, 4, 4});
    const std::vector<float> weights(2 * 2 * 3 * 3, 0.25f);
    model.floats("w", {2, 2, 3, 3}, weights);
    const std::vector<int64_t> shape = {1, -1};
    model.int64s("s", {2}, shape);
    model.node("Conv", {"x", "w"}, {"c"}, {{"pads", std::vector<int64_t>{1, 1, 1, 1}}}, "conv");
    model.node("Reshape", {"c", "s"}, {"y"}, {}, "flat");
    model.output("y", {1, 32});
    return model;
}

}  // namespace

TEST_CASE("the small model itself is good") {
    auto graph = load(small_model().bytes());
    REQUIRE_MESSAGE(graph.ok(), graph.error().message);
}

TEST_CASE("a model cut off anywhere is an error that names the file, or a model") {
    const std::string bytes = small_model().bytes();
    size_t errors = 0;
    for (size_t length = 0; length < bytes.size(); ++length) {
        const auto result = load(bytes.substr(0, length));
        if (result.ok()) continue;
        ++errors;
        CHECK(result.error().message.find(file_name) != std::string::npos);
        CHECK(result.error().code != Code::internal);
    }
    CHECK(errors > bytes.size() * 9 / 10);
}

TEST_CASE("a model with any one bit flipped is an error that names the file, or a model") {
    const std::string bytes = small_model().bytes();
    size_t errors = 0;
    for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        std::string damaged = bytes;
        damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
        const auto result = load(damaged);
        if (result.ok()) continue;
        ++errors;
        CAPTURE(bit);
        CAPTURE(result.error().message);
        CHECK(result.error().message.find(file_name) != std::string::npos);
        CHECK(result.error().code != Code::internal);
    }
    CHECK(errors > 500);
}

TEST_CASE("any two bytes overwritten do no harm") {
    const std::string bytes = small_model().bytes();
    uint64_t state = 1;
    for (int i = 0; i < 4000; ++i) {
        std::string damaged = bytes;
        for (int k = 0; k < 2; ++k) {
            state = state * 6364136223846793005ull + 1442695040888963407ull;
            damaged[(state >> 33) % damaged.size()] = static_cast<char>(state >> 25);
        }
        const auto result = load(damaged);
        if (!result.ok()) CHECK(result.error().code != Code::internal);
    }
}

TEST_CASE("files that are none") {
    test::TempDir dir;
    const auto error_of = [](const std::filesystem::path &path) {
        auto result = onnx::import_file(path.string());
        REQUIRE(!result.ok());
        CHECK(result.error().message.find(path.string()) != std::string::npos);
        return result.error().code;
    };
    CHECK(error_of(dir / "missing.onnx") == Code::not_found);
    CHECK(error_of(dir.path()) == Code::io_error);
    test::write_text(dir / "empty.onnx", "");
    CHECK(error_of(dir / "empty.onnx") == Code::invalid_file);
    test::write_text(dir / "text.onnx", "This is not a model, it is a sentence.\n");
    CHECK(error_of(dir / "text.onnx") == Code::invalid_file);
    test::write_text(dir / "zeros.onnx", std::string(4096, '\0'));
    CHECK(error_of(dir / "zeros.onnx") == Code::invalid_file);
}

TEST_CASE("a cycle names a node of it") {
    onnx::ModelWriter model;
    model.input("x", {4});
    model.node("Add", {"x", "b"}, {"a"}, {}, "first");
    model.node("Relu", {"a"}, {"b"}, {}, "second");
    model.output("b");
    check_error(load(model.bytes()), Code::invalid_file, "Add 'first' is part of a cycle");
}

TEST_CASE("names that are missing or defined twice") {
    onnx::ModelWriter unknown;
    unknown.input("x", {4});
    unknown.node("Add", {"x", "nowhere"}, {"y"}, {}, "sum");
    unknown.output("y");
    check_error(load(unknown.bytes()), Code::invalid_file, "Add 'sum': its input 'nowhere'");

    onnx::ModelWriter output;
    output.input("x", {4});
    output.node("Relu", {"x"}, {"y"});
    output.output("z");
    check_error(load(output.bytes()), Code::invalid_file, "output 'z'");

    onnx::ModelWriter twice;
    twice.input("x", {4});
    twice.node("Relu", {"x"}, {"y"}, {}, "one");
    twice.node("Relu", {"x"}, {"y"}, {}, "two");
    twice.output("y");
    check_error(load(twice.bytes()), Code::invalid_file, "value 'y' is defined a second time by Relu 'two'");
}

TEST_CASE("operators, opsets and types that are not known") {
    onnx::ModelWriter model(13);
    model.input("x", {4});
    model.node("Frobnicate", {"x"}, {"y"}, {}, "odd");
    model.output("y");
    check_error(load(model.bytes()), Code::unsupported, "operator Frobnicate of opset 13 (node 'odd')");

    onnx::ModelWriter foreign(13);
    foreign.import_domain("com.example", 2);
    foreign.input("x", {4});
    foreign.node("Relu", {"x"}, {"y"}, {}, "odd", "com.example");
    foreign.output("y");
    check_error(load(foreign.bytes()), Code::unsupported, "operator com.example.Relu of opset 2 (node 'odd')");

    onnx::ModelWriter no_domain(13);
    no_domain.input("x", {4});
    no_domain.node("Relu", {"x"}, {"y"}, {}, "odd", "com.example");
    no_domain.output("y");
    check_error(load(no_domain.bytes()), Code::invalid_file, "com.example");

    onnx::ModelWriter integers(13);
    integers.input("x", {4}, DType::i64);
    integers.node("Identity", {"x"}, {"y"});
    integers.output("y");
    check_error(load(integers.bytes()), Code::unsupported, "input 'x' has type i64");
}

TEST_CASE("impossible shapes") {
    const auto reshaped = [](std::vector<int64_t> to) {
        onnx::ModelWriter model(13);
        model.input("x", {4, 6});
        model.int64s("s", {static_cast<int64_t>(to.size())}, to);
        model.node("Reshape", {"x", "s"}, {"y"}, {}, "shape");
        model.output("y");
        return load(model.bytes());
    };
    CHECK(reshaped({3, 8}).ok());
    check_error(reshaped({5, 5}), Code::invalid_file, "Reshape 'shape'");
    check_error(reshaped({-1, -1}), Code::invalid_file, "Reshape 'shape'");
    check_error(reshaped({-2, 12}), Code::invalid_file, "Reshape 'shape'");
    check_error(reshaped({INT64_MAX, INT64_MAX}), Code::invalid_file, "Reshape 'shape'");

    onnx::ModelWriter large(13);
    large.input("x", {int64_t{1} << 40, int64_t{1} << 40});
    large.node("Identity", {"x"}, {"y"});
    large.output("y");
    check_error(load(large.bytes()), Code::invalid_file, "input 'x'");

    onnx::ModelWriter negative(13);
    negative.input("x", {-5});
    negative.node("Identity", {"x"}, {"y"});
    negative.output("y");
    check_error(load(negative.bytes()), Code::invalid_file, "input 'x'");

    onnx::ModelWriter giant(13);
    const std::vector<int64_t> sizes = {int64_t{1} << 20, int64_t{1} << 20};
    giant.int64s("s", {2}, sizes);
    giant.node("ConstantOfShape", {"s"}, {"y"}, {}, "fill");
    giant.output("y");
    check_error(load(giant.bytes()), Code::invalid_file, "ConstantOfShape 'fill'");
}

TEST_CASE("a tensor with more or fewer bytes than its shape") {
    onnx::ModelWriter model;
    std::string tensor, graph, file, opset, output, node;
    for (const auto &[dim, text] : {std::pair<int64_t, const char *>{3, "needs 12 bytes"},
                                    {INT64_MAX, "too large"},
                                    {int64_t{1} << 61, "too large"},
                                    {-1, "negative size"}}) {
        tensor.clear(), graph.clear(), file.clear(), opset.clear(), output.clear(), node.clear();
        protozero::pbf_writer t(tensor);
        t.add_int64(1, dim);
        t.add_int32(2, 1);
        t.add_string(8, "t");
        t.add_bytes(9, std::string(8, 'x'));
        protozero::pbf_writer(output).add_string(1, "t");
        protozero::pbf_writer g(graph);
        g.add_message(5, tensor);
        g.add_message(12, output);
        protozero::pbf_writer(opset).add_int64(2, 13);
        protozero::pbf_writer m(file);
        m.add_message(7, graph);
        m.add_message(8, opset);
        check_error(load(file), Code::invalid_file, text);
    }
}

TEST_CASE("graphs nested without end") {
    std::string graph;  // an empty graph, then each inside a node of the next
    for (int depth = 0; depth < 200; ++depth) {
        std::string attribute, node, next;
        protozero::pbf_writer a(attribute);
        a.add_string(1, "body");
        a.add_message(6, graph);
        a.add_int32(20, 5);
        protozero::pbf_writer n(node);
        n.add_string(2, "y");
        n.add_string(4, "Loop");
        n.add_message(5, attribute);
        protozero::pbf_writer(next).add_message(1, node);
        graph = next;
    }
    std::string file, opset;
    protozero::pbf_writer(opset).add_int64(2, 13);
    protozero::pbf_writer m(file);
    m.add_message(7, graph);
    m.add_message(8, opset);
    check_error(load(file), Code::unsupported, "nested too deeply");
}

TEST_CASE("external data that is missing, too short, or outside the folder") {
    test::TempDir outside, dir;
    const float data[4] = {1, 2, 3, 4};
    test::write_bytes(outside / "secret.bin", data, sizeof(data));
    test::write_bytes(dir / "weights.bin", data, sizeof(data));
    std::filesystem::create_directory(dir / "sub");
    std::filesystem::create_symlink(outside / "secret.bin", dir / "link.bin");
    std::filesystem::create_directory_symlink(outside.path(), dir / "door");
    const auto error_of = [&](const std::string &location, int64_t offset, int64_t length) {
        onnx::ModelWriter model;
        model.external("w", DType::f32, {4}, location, offset, length);
        model.node("Identity", {"w"}, {"y"});
        model.output("y");
        const std::string path = (dir / "model.onnx").string();
        REQUIRE(model.save(path).ok());
        auto result = onnx::import_file(path);
        if (result.ok()) return std::string("ok");
        CHECK(result.error().message.find(path) != std::string::npos);
        CHECK(result.error().message.find("tensor 'w'") != std::string::npos);
        return result.error().message;
    };
    const auto has = [](const std::string &text, const char *part) { return text.find(part) != std::string::npos; };
    CHECK(error_of("weights.bin", 0, 16) == "ok");
    CHECK(error_of("sub/../weights.bin", 0, 16) != "ok");
    const std::string secret = (outside / "secret.bin").string();
    const std::string up = "../" + outside.path().filename().string() + "/secret.bin";
    for (const std::string &location : {secret, up, std::string("link.bin"), std::string("door/secret.bin")})
        CHECK_MESSAGE(has(error_of(location, 0, 16), "outside the model's folder"), location);
    CHECK(has(error_of("nothing.bin", 0, 16), "does not exist"));
    CHECK(has(error_of("sub", 0, 16), "folder"));
    CHECK(has(error_of("", 0, 16), "no location"));
    CHECK(has(error_of("weights.bin", 4, 16), "beyond the file"));
    CHECK(has(error_of("weights.bin", -1, 16), "no number"));
    CHECK(has(error_of("weights.bin", INT64_MAX, 16), "beyond the file"));
    CHECK(has(error_of("weights.bin", 0, 8), "needs 16 bytes"));

    onnx::ModelWriter model;
    model.external("w", DType::f32, {4}, "weights.bin", 0, 16);
    model.node("Identity", {"w"}, {"y"});
    model.output("y");
    check_error(load(model.bytes()), Code::unsupported, "in memory");
}
