// labels: no_asan
// Weights that one binding cannot hold: products are made of parts of their columns.

#include <doctest/doctest.h>

#include "compute/session.h"
#include "tests/support/device.h"
#include "tests/support/model.h"
#include "tests/support/ref.h"
#include "tests/support/reference.h"

namespace sac::test {
namespace {

/// Products of all kinds: a window, one with a residual and an activation, groups, one that is joined with another, a
/// matrix either way round, rows many and few.
onnx::ModelWriter network() {
    onnx::ModelWriter model(13);
    model.input("x", {1, 12, 9, 7});
    model.floats("w1", {150, 12, 3, 3}, random_floats(150 * 12 * 9, 1));
    model.floats("b1", {150}, random_floats(150, 2));
    model.floats("w2", {150, 150, 1, 1}, random_floats(150 * 150, 3));
    model.floats("w3", {160, 75, 1, 1}, random_floats(160 * 75, 4));
    model.floats("w4", {72, 150, 2, 2}, random_floats(72 * 150 * 4, 5));
    model.floats("w5", {203, 232}, random_floats(203 * 232, 6));
    model.floats("b5", {203}, random_floats(203, 7));
    model.floats("w6", {203, 131}, random_floats(203 * 131, 8));
    const std::vector<int64_t> same = {1, 1, 1, 1}, end = {0, 0, 1, 1};
    model.node("Conv", {"x", "w1", "b1"}, {"a"}, {{"pads", same}}, "window");
    model.node("Conv", {"a", "w2"}, {"b"}, {}, "point");
    model.node("Add", {"b", "a"}, {"c"});
    model.node("HardSwish", {"c"}, {"d"});
    model.node("Conv", {"d", "w3"}, {"e"}, {{"group", int64_t{2}}}, "groups");
    model.node("Conv", {"d", "w4"}, {"f"}, {{"pads", end}}, "even");
    model.node("Concat", {"e", "f"}, {"g"}, {{"axis", int64_t{1}}}, "join");
    model.node("GlobalAveragePool", {"g"}, {"h"});
    model.node("Flatten", {"h"}, {"i"});
    model.node("Gemm", {"i", "w5", "b5"}, {"j"}, {{"transB", int64_t{1}}}, "linear");
    model.node("Relu", {"j"}, {"k"});
    model.node("MatMul", {"k", "w6"}, {"y"}, {}, "matrix");
    model.output("y");
    model.output("g");
    return model;
}

size_t weight_storages(const Plan &plan, const std::string &name) {
    size_t count = 0;
    for (const Storage &storage : plan.storages)
        count += storage.kind == Storage::Kind::weights && storage.name == name;
    return count;
}

}  // namespace

TEST_CASE("a network whose weights are split gives the same answers") {
    const std::vector<float> image = random_floats(12 * 9 * 7, 9);
    auto expected = evaluate_reference(import_model(network()), {{"x", {{1, 12, 9, 7}, {image.begin(), image.end()}}}});
    REQUIRE_MESSAGE(expected.ok(), expected.error().message);
    auto runtime = Runtime::create(device(), {.cache_directory = ""});
    REQUIRE_MESSAGE(runtime.ok(), runtime.error().message);
    const vk::Caps &caps = device().caps();
    // The activations, the largest 63 x 232 in f32, take 58,464 bytes.
    for (const bool views : {true, false}) {
        for (const DType storage : {DType::f32, DType::f16}) {
            CAPTURE(views);
            CAPTURE(name_of(storage));
            vk::Caps capped = caps;
            capped.limits.maxStorageBufferRange = views ? caps.limits.maxStorageBufferRange : 80'000;
            capped.limits.maxTexelBufferElements = views ? 3'700 : caps.limits.maxTexelBufferElements;
            auto plan = make_plan(import_model(network()), capped, kernels(), {.storage = storage});
            REQUIRE_MESSAGE(plan.ok(), plan.error().message);
            for (const Storage &s : plan->storages) CHECK(s.bytes <= capped.limits.maxStorageBufferRange);
            if (!views && storage == DType::f32) {
                for (const char *name : {"point.weights", "even.weights", "linear.weights"})
                    CHECK_MESSAGE(weight_storages(*plan, name) > 1, name);
            }
            for (const Dispatch &dispatch : plan->dispatches) {
                const std::string &kernel = dispatch.kernel;
                const bool product = kernel.rfind("gemm", 0) == 0 || kernel.rfind("conv2d_f", 0) == 0;
                const bool by_views = kernel.find("_s") != std::string::npos || kernel.find("_t") != std::string::npos;
                if (!views || !product || !by_views) continue;
                const Storage &weights = plan->storages[dispatch.bindings[1].storage];
                CHECK(weights.bytes <= 4 * size_of(storage) * capped.limits.maxTexelBufferElements);
                CHECK(weight_storages(*plan, weights.name) > (weights.name == "linear.weights" ? 1 : 0));
            }
            CHECK(check_hazards(*plan).empty());
            auto session = Session::load(**runtime, std::move(*plan), {});
            REQUIRE_MESSAGE(session.ok(), session.error().message);
            REQUIRE((*session)->write_input("x", image).ok());
            for (int run = 0; run < 2; ++run) {
                REQUIRE((*session)->run().ok());
                for (const auto &[name, tensor] : *expected) {
                    auto actual = (*session)->read_output(name);
                    REQUIRE_MESSAGE(actual.ok(), actual.error().message);
                    CHECK(relative_error(*actual, tensor.data) < (storage == DType::f32 ? 1e-5 : 4e-3));
                }
            }
        }
    }
}

TEST_CASE("parts are of nearly one size, as few as can be, and not ordered among themselves") {
    onnx::ModelWriter model(13);
    model.input("x", {40, 64});
    model.floats("w", {64, 1000}, random_floats(64'000, 1));
    model.node("MatMul", {"x", "w"}, {"y"}, {}, "matrix");
    model.output("y");
    vk::Caps capped = device().caps();
    capped.limits.maxStorageBufferRange = 180'000;  // the answer; the weights take some 264,000
    const auto plan = make_plan(import_model(model), capped, kernels(), {});
    REQUIRE_MESSAGE(plan.ok(), plan.error().message);
    REQUIRE(weight_storages(*plan, "matrix.weights") == 2);
    uint64_t bytes[2] = {}, found = 0;
    for (const Storage &storage : plan->storages)
        if (storage.kind == Storage::Kind::weights) bytes[found++] = storage.bytes;
    CHECK(bytes[0] >= bytes[1]);
    CHECK(bytes[0] - bytes[1] < 20'000);  // a panel
    const auto whole = make_plan(import_model(model), device().caps(), kernels(), {});
    REQUIRE(whole.ok());
    double expected = 0;
    for (const Dispatch &dispatch : whole->dispatches) expected += dispatch.expected_ns;
    CHECK(expected > 0);
    size_t barriers = 0, products = 0;
    double flops = 0, parts_expected = 0;
    for (size_t i = 0; i < plan->dispatches.size(); ++i) {
        if (plan->dispatches[i].kernel.rfind("gemm", 0) != 0) continue;
        flops += plan->dispatches[i].flops;
        parts_expected += plan->dispatches[i].expected_ns;
        barriers += plan->barrier_before[i];
        CHECK(plan->dispatches[i].bindings.back().part);
        ++products;
    }
    CHECK(products == 2);
    CHECK(barriers == 0);
    CHECK(flops == 2.0 * 40 * 64 * 1000);
    CHECK(parts_expected >= expected);
    CHECK(parts_expected < expected + 20e3);  // one dispatch more
}

TEST_CASE("what cannot be split is refused by its name") {
    onnx::ModelWriter model(13);
    model.input("x", {1, 64, 40, 40});
    model.floats("w", {8, 64, 1, 1}, random_floats(512, 1));
    model.node("Conv", {"x", "w"}, {"y"});
    model.output("y");
    vk::Caps capped = device().caps();
    capped.limits.maxStorageBufferRange = 400'000;
    const auto plan = make_plan(import_model(model), capped, kernels(), {});
    REQUIRE(!plan.ok());
    CHECK(plan.error().code == Code::unsupported);
    CHECK(plan.error().message.find("'x'") != std::string::npos);
}

TEST_CASE("a layer of 141 MB, as wide as VGG-16's first linear one") {
    constexpr int64_t depth = 25088, columns = 1408;
    std::vector<float> weights(depth * columns);
    uint32_t state = 1;
    for (float &weight : weights) {
        state = state * 1664525 + 1013904223;
        weight = static_cast<float>(static_cast<int32_t>(state) >> 8) * 0x1p-24f;
    }
    const std::vector<float> x = random_floats(depth, 2);
    std::vector<double> expected(columns, 0.0);
    for (size_t column = 0; column < columns; ++column)
        for (size_t k = 0; k < depth; ++k)
            expected[column] += static_cast<double>(weights[column * depth + k]) * static_cast<double>(x[k]);

    Graph graph;
    graph.source = "layer";
    const ValueId in = graph.add_value("x"), out = graph.add_value("y");
    graph.values[in].shape = {1, depth};
    graph.values[in].known = true;
    const ValueId w = graph.add_constant("w", HostTensor::from_floats({columns, depth}, std::move(weights)));
    Node node;
    node.name = "linear";
    node.type = "Gemm";
    node.opset = 13;
    node.inputs = {in, w};
    node.outputs = {out};
    node.attributes["transB"] = int64_t{1};
    graph.nodes = {node};
    graph.inputs = {in};
    graph.outputs = {out};

    for (const DType storage : {DType::f32, DType::f16}) {
        auto runtime = Runtime::create(device(), {.cache_directory = ""});
        REQUIRE_MESSAGE(runtime.ok(), runtime.error().message);
        auto session = Session::load(**runtime, graph, {.storage = storage});
        REQUIRE_MESSAGE(session.ok(), session.error().message);
        const uint64_t bytes = static_cast<uint64_t>(depth * columns) * size_of(storage);
        const uint64_t range = device().caps().limits.maxStorageBufferRange;
        CHECK(weight_storages((*session)->plan(), "linear.weights") >= (bytes + range - 1) / range);
        CHECK((*runtime)->memory.statistics().used < bytes + (bytes >> 6) + (32u << 20));
        REQUIRE((*session)->write_input("x", x).ok());
        REQUIRE((*session)->run().ok());
        auto actual = (*session)->read_output("y");
        REQUIRE_MESSAGE(actual.ok(), actual.error().message);
        CHECK(relative_error(*actual, expected) < (storage == DType::f32 ? 1e-5 : 2e-3));
    }
}

}  // namespace sac::test
