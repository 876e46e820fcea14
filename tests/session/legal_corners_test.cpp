// Networks that few exporters write and ONNX allows, and one that it does not.

#include <doctest/doctest.h>

#include "compute/session.h"
#include "tests/support/device.h"
#include "tests/support/model.h"
#include "tests/support/ref.h"
#include "tests/support/reference.h"

namespace sac::test {
namespace {

/// Runs a model of input "x" and output "y" and compares it with the reference.
void check_model(const onnx::ModelWriter &model, const Shape &shape) {
    const Graph graph = import_model(model);
    const std::vector<float> x = random_floats(static_cast<size_t>(element_count(shape)), 3);
    auto expected = evaluate_reference(graph, {{"x", {shape, {x.begin(), x.end()}}}});
    REQUIRE_MESSAGE(expected.ok(), expected.error().message);
    auto runtime = Runtime::create(device(), {.cache_directory = ""});
    REQUIRE(runtime.ok());
    auto session = Session::load(**runtime, graph, {});
    REQUIRE_MESSAGE(session.ok(), session.error().message);
    REQUIRE((*session)->write_input("x", x).ok());
    REQUIRE((*session)->run().ok());
    auto actual = (*session)->read_output("y");
    REQUIRE(actual.ok());
    CHECK(relative_error(*actual, (*expected)["y"].data) < 1e-5);
}

}  // namespace

TEST_CASE("constant data is read by a C4 operator") {
    onnx::ModelWriter model;
    model.input("x", {2, 3, 6, 6});
    model.floats("table", {2, 3, 3, 3}, random_floats(54, 5));
    model.floats("scales", {4}, std::vector<float>{1, 1, 2, 2});
    model.node("Resize", {"table", "", "scales"}, {"large"},
               {{"mode", std::string("nearest")},
                {"coordinate_transformation_mode", std::string("asymmetric")},
                {"nearest_mode", std::string("floor")}});
    model.node("GlobalAveragePool", {"table"}, {"mean"});
    model.node("Add", {"x", "large"}, {"sum"});
    model.node("Add", {"sum", "mean"}, {"y"});
    model.output("y");
    check_model(model, {2, 3, 6, 6});
}

TEST_CASE("a mask that Dropout leaves out by an empty name") {
    onnx::ModelWriter model;
    model.input("x", {1, 3, 5, 5});
    model.node("Dropout", {"x"}, {"kept", ""});
    model.node("Relu", {"kept"}, {"y"});
    model.output("y");
    check_model(model, {1, 3, 5, 5});
}

TEST_CASE("a mask of Dropout that is read, and that is an output") {
    for (const int64_t opset : {7, 13}) {
        CAPTURE(opset);
        onnx::ModelWriter model(opset);
        model.input("x", {1, 3, 5, 5});
        model.node("Dropout", {"x"}, {"kept", "mask"});
        model.node("Cast", {"mask"}, {"ones"}, {{"to", int64_t{1}}});
        model.node("Add", {"kept", "ones"}, {"y"});
        model.output("y");
        model.output("mask");
        auto runtime = Runtime::create(device(), {.cache_directory = ""});
        REQUIRE(runtime.ok());
        auto session = Session::load(**runtime, import_model(model), {});
        REQUIRE_MESSAGE(session.ok(), session.error().message);
        const std::vector<float> x = random_floats(75, 3);
        std::vector<double> expected;
        expected.reserve(x.size());
        for (const float value : x) expected.push_back(static_cast<double>(value) + 1);
        REQUIRE((*session)->write_input("x", x).ok());
        REQUIRE((*session)->run().ok());
        const auto y = (*session)->read_output("y"), mask = (*session)->read_output("mask");
        REQUIRE(y.ok());
        REQUIRE(mask.ok());
        CHECK(relative_error(*y, expected) < 1e-6);
        CHECK(*mask == std::vector<float>(75, 1.0f));
    }
}

TEST_CASE("a Dropout that trains is refused by name") {
    onnx::ModelWriter model;
    model.input("x", {4});
    const uint8_t yes = 1;
    model.constant("training", HostTensor::copy_of(DType::boolean, {}, &yes));
    model.node("Dropout", {"x", "", "training"}, {"y"}, {}, "drop");
    model.output("y");
    auto runtime = Runtime::create(device(), {.cache_directory = ""});
    REQUIRE(runtime.ok());
    const auto session = Session::load(**runtime, import_model(model), {});
    REQUIRE(!session.ok());
    CHECK(session.error().code == Code::unsupported);
    CHECK(session.error().message.find("'drop'") != std::string::npos);
}

TEST_CASE("an activation whose constants have more axes than the tensor") {
    onnx::ModelWriter model;
    model.input("x", {1, 4, 4, 4});
    model.floats("w", {8, 4, 1, 1}, random_floats(32, 6));
    model.floats("three", {1, 1, 1, 1, 1}, std::vector<float>{3});
    model.floats("low", {}, std::vector<float>{0});
    model.floats("high", {}, std::vector<float>{6});
    model.node("Conv", {"x", "w"}, {"c"});
    model.node("Add", {"c", "three"}, {"a"});
    model.node("Clip", {"a", "low", "high"}, {"y"});
    model.output("y");
    check_model(model, {1, 4, 4, 4});
}

TEST_CASE("an index beyond its axis is an error, though a choice of channels would hide it") {
    onnx::ModelWriter model;
    model.input("x", {1, 8, 4, 4});
    model.int64s("five", {5}, std::vector<int64_t>{1, 2, 4, 4, 4});
    model.int64s("index", {}, std::vector<int64_t>{-5});
    model.node("Reshape", {"x", "five"}, {"r"});
    model.node("Gather", {"r", "index"}, {"y"}, {{"axis", int64_t{2}}}, "pick");
    model.output("y");
    auto runtime = Runtime::create(device(), {.cache_directory = ""});
    REQUIRE(runtime.ok());
    const auto session = Session::load(**runtime, import_model(model), {});
    REQUIRE(!session.ok());
    CHECK(session.error().message.find("pick") != std::string::npos);
}

}  // namespace sac::test
