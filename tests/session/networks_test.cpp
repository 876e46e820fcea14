// labels: no_asan
// Whole networks with seeded weights against plain loops in double precision: every pass and kernel together.

#include <doctest/doctest.h>

#include "compute/ops/builtin_ops.h"
#include "compute/session.h"
#include "samples/networks/networks.h"
#include "tests/support/device.h"
#include "tests/support/model.h"
#include "tests/support/ref.h"
#include "tests/support/reference.h"

namespace sac::test {
namespace {

Graph import_network(const std::string &name) {
    auto bytes = network_bytes(name, 7);
    REQUIRE(bytes.ok());
    return import_model(std::move(*bytes), name);
}

/// Runs `name` stored as `storage` and compares its outputs with the reference.
void check_network(const std::string &name, DType storage, double bound) {
    CAPTURE(name);
    CAPTURE(std::string(name_of(storage)));
    const Graph graph = import_network(name);
    const int64_t size = (*find_network(name))->size;
    const std::vector<float> image = random_floats(static_cast<size_t>(3 * size * size), 11);
    ReferenceTensors inputs;
    inputs["image"] = {{1, 3, size, size}, {image.begin(), image.end()}};
    static std::map<std::string, ReferenceTensors> known;  // the loops take seconds; both storages share them
    if (!known.contains(name)) {
        auto outputs = evaluate_reference(graph, inputs);
        REQUIRE_MESSAGE(outputs.ok(), outputs.error().message);
        known[name] = std::move(*outputs);
    }

    auto runtime = Runtime::create(device(), {.cache_directory = ""});
    REQUIRE_MESSAGE(runtime.ok(), runtime.error().message);
    auto session = Session::load(**runtime, graph, {.storage = storage});
    REQUIRE_MESSAGE(session.ok(), session.error().message);
    CHECK(check_hazards((*session)->plan()).empty());
    REQUIRE((*session)->write_input("image", image).ok());
    for (int run = 0; run < 2; ++run) {  // the second run meets the first one's leavings in memory
        REQUIRE((*session)->run().ok());
        for (const auto &[output, expected] : known[name]) {
            CAPTURE(output);
            auto actual = (*session)->read_output(output);
            REQUIRE_MESSAGE(actual.ok(), actual.error().message);
            CHECK(relative_error(*actual, expected.data) < bound);
        }
    }
}

// Bounds: single precision through up to 120 layers; halves are rounded once a layer (2^-11 each, adding up as noise).
constexpr double f32_bound = 1e-5, f16_bound = 6e-3;

/// Of the convolutions and products of a graph whose shapes are known.
double count_multiply_adds(const Graph &graph) {
    double counted = 0;
    for (const Node &node : graph.nodes) {
        if (node.type != "Conv" && node.type != "Gemm" && node.type != "MatMul") continue;
        const Shape &y = graph.values[node.outputs[0]].shape, &w = graph.values[node.inputs[1]].shape;
        const int64_t terms = node.type == "MatMul" ? w[w.size() - 2] : element_count(w) / y[1];  // of an element of y
        counted += static_cast<double>(element_count(y) * terms);
    }
    return counted;
}

}  // namespace

TEST_CASE("the networks are those of the other program's benchmark: their multiply-adds agree") {
    size_t compared = 0;
    for (const NetworkEntry &entry : network_list()) {
        CAPTURE(std::string(entry.name));
        const auto counted = network_multiply_adds(entry.name);
        REQUIRE(counted.ok());
        if (entry.multiply_adds <= 0) continue;
        CHECK(*counted == doctest::Approx(entry.multiply_adds).epsilon(0.01));
        compared += entry.in_bench();
    }
    CHECK(compared == 12);
    CHECK(find_network("resnet").error().message.find("resnet18, resnet50") != std::string::npos);
}

TEST_CASE(
    "every network is imported and planned; a plan tells its multiply-adds, none of them for padding, and "
    "its activations take at most 1.2 times what is alive at one time") {
    for (const NetworkEntry &entry : network_list()) {
        CAPTURE(std::string(entry.name));
        const double expected = *network_multiply_adds(entry.name);
        Graph graph = import_network(entry.name);
        REQUIRE(bind_dimensions(graph, {}).ok());
        const Status inferred = infer_shapes(graph, find_builtin_operator);
        REQUIRE_MESSAGE(inferred.ok(), inferred.error().message);
        CHECK(count_multiply_adds(graph) == expected);
        for (const DType storage : {DType::f32, DType::f16}) {
            CAPTURE(std::string(name_of(storage)));
            auto plan = make_plan(graph, device().caps(), kernels(), {.storage = storage});
            REQUIRE_MESSAGE(plan.ok(), plan.error().message);
            double planned = 0;
            for (const Dispatch &dispatch : plan->dispatches) planned += dispatch.flops / 2;
            CHECK(planned == doctest::Approx(expected).epsilon(1e-6));
            CHECK(plan->live_set_bytes > 0);
            CHECK(plan->arena_bytes >= plan->live_set_bytes);
            CHECK(static_cast<double>(plan->arena_bytes) <= 1.2 * static_cast<double>(plan->live_set_bytes));
        }
    }
}

TEST_CASE("FastestDet agrees with the reference") {
    check_network("fastestdet", DType::f32, f32_bound);
    check_network("fastestdet", DType::f16, f16_bound);
}

TEST_CASE("SqueezeNet agrees with the reference") {
    check_network("squeezenet", DType::f32, f32_bound);
    check_network("squeezenet", DType::f16, f16_bound);
}

TEST_CASE("MobileNetV2 agrees with the reference") {
    check_network("mobilenet_v2", DType::f32, f32_bound);
    check_network("mobilenet_v2", DType::f16, f16_bound);
}

TEST_CASE("MobileNetV3 agrees with the reference") {
    check_network("mobilenet_v3", DType::f32, f32_bound);
    check_network("mobilenet_v3", DType::f16, f16_bound);
}

TEST_CASE("ShuffleNetV2 agrees with the reference") {
    check_network("shufflenet_v2", DType::f32, f32_bound);
    check_network("shufflenet_v2", DType::f16, f16_bound);
}

TEST_CASE("EfficientNet-B0 agrees with the reference") {
    check_network("efficientnet_b0", DType::f32, f32_bound);
    check_network("efficientnet_b0", DType::f16, f16_bound);
}

TEST_CASE("ResNet-18 agrees with the reference") {
    check_network("resnet18", DType::f32, f32_bound);
    check_network("resnet18", DType::f16, f16_bound);
}

TEST_CASE("NanoDet-m agrees with the reference") {
    check_network("nanodet_m", DType::f32, f32_bound);
    check_network("nanodet_m", DType::f16, f16_bound);
}

TEST_CASE("YOLOv4-tiny agrees with the reference") {
    check_network("yolov4_tiny", DType::f32, f32_bound);
    check_network("yolov4_tiny", DType::f16, f16_bound);
}

TEST_CASE("A small vision transformer agrees with the reference") {
    check_network("vit_tiny", DType::f32, f32_bound);
    check_network("vit_tiny", DType::f16, f16_bound);
}

TEST_CASE("A small vision transformer of primitive operators agrees with the reference") {
    check_network("vit_tiny_13", DType::f32, f32_bound);
    check_network("vit_tiny_13", DType::f16, f16_bound);
}

}  // namespace sac::test
