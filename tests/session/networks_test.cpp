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

/// Runs `name` stored as `storage` and compares its output with the reference.
void check_network(const std::string &name, DType storage, double bound) {
    const Graph graph = import_network(name);
    const int64_t size = network_input_size(name);
    const std::vector<float> image = random_floats(static_cast<size_t>(3 * size * size), 11);
    ReferenceTensors inputs;
    inputs["image"] = {{1, 3, size, size}, {image.begin(), image.end()}};
    static std::map<std::string, ReferenceTensors> known;  // the loops take seconds; both storages share them
    if (!known.contains(name)) {
        auto outputs = evaluate_reference(graph, inputs);
        REQUIRE_MESSAGE(outputs.ok(), outputs.error().message);
        known[name] = std::move(*outputs);
    }
    const auto &[output_name, expected] = *known[name].begin();

    auto runtime = Runtime::create(device(), {.cache_directory = ""});
    REQUIRE_MESSAGE(runtime.ok(), runtime.error().message);
    auto session = Session::load(**runtime, graph, {.storage = storage});
    REQUIRE_MESSAGE(session.ok(), session.error().message);
    CHECK(check_hazards((*session)->plan()).empty());
    REQUIRE((*session)->write_input("image", image).ok());
    for (int run = 0; run < 2; ++run) {  // the second run meets the first one's leavings in memory
        REQUIRE((*session)->run().ok());
        auto actual = (*session)->read_output(output_name);
        REQUIRE_MESSAGE(actual.ok(), actual.error().message);
        CHECK(relative_error(*actual, expected.data) < bound);
    }
}

// Bounds: single precision through up to 70 layers; halves are rounded once a layer (2^-11 each, adding up as noise).
constexpr double f32_bound = 1e-5, f16_bound = 6e-3;

}  // namespace

TEST_CASE("a plan tells the multiply-adds of its network, none of them for padding") {
    // As the networks' authors and their users count them.
    const std::pair<const char *, double> known[] = {{"mobilenet_v2", 0.301e9}, {"resnet18", 1.814e9}};
    for (const auto &pair : known) {
        const char *name = pair.first;
        const double expected = pair.second;
        CAPTURE(name);
        Graph graph = import_network(name);
        REQUIRE(bind_dimensions(graph, {}).ok());
        REQUIRE(infer_shapes(graph, find_builtin_operator).ok());
        double counted = 0;
        for (const Node &node : graph.nodes) {
            if (node.type != "Conv" && node.type != "Gemm") continue;
            const Shape &y = graph.values[node.outputs[0]].shape, &w = graph.values[node.inputs[1]].shape;
            const int64_t terms = element_count(w) / y[1];  // of each element of y
            counted += static_cast<double>(element_count(y) * terms);
        }
        CHECK(counted == doctest::Approx(expected).epsilon(0.002));
        auto plan = make_plan(import_network(name), device().caps(), kernels(), {});
        REQUIRE_MESSAGE(plan.ok(), plan.error().message);
        double planned = 0;
        for (const Dispatch &dispatch : plan->dispatches) planned += dispatch.flops / 2;
        CHECK(planned == counted);
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

TEST_CASE("ResNet-18 agrees with the reference") {
    check_network("resnet18", DType::f32, f32_bound);
    check_network("resnet18", DType::f16, f16_bound);
}

}  // namespace sac::test
