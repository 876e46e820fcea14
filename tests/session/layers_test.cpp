// Tensors of a plan, read while it runs: every one of them against plain loops in double precision.
#include "compute/session_layers.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "samples/networks/networks.h"
#include "tests/support/device.h"
#include "tests/support/model.h"
#include "tests/support/ref.h"
#include "tests/support/reference.h"

namespace sac::test {
namespace {

/// Layers that are placed in a concatenation, aliased, fused, of odd channels, and read by several.
onnx::ModelWriter convolutions() {
    onnx::ModelWriter model(13);
    const std::vector<int64_t> same = {1, 1, 1, 1};
    model.input("x", {2, 3, 10, 7});
    model.floats("w1", {6, 3, 3, 3}, random_floats(6 * 27, 1));
    model.floats("w2", {4, 6, 1, 1}, random_floats(24, 2));
    model.floats("w3", {5, 6, 1, 1}, random_floats(30, 3));
    model.floats("w4", {6, 1, 3, 3}, random_floats(54, 4));
    model.floats("w5", {3, 15, 1, 1}, random_floats(45, 5));
    model.node("Conv", {"x", "w1"}, {"a"}, {{"pads", same}}, "stem");
    model.node("Relu", {"a"}, {"b"});
    model.node("Conv", {"b", "w2"}, {"left"}, {}, "left");
    model.node("Conv", {"b", "w3"}, {"right"}, {}, "right");
    model.node("Conv", {"b", "w4"}, {"depth"}, {{"pads", same}, {"group", int64_t{6}}}, "depth");
    model.node("Concat", {"left", "right", "depth"}, {"joined"}, {{"axis", int64_t{1}}}, "join");
    model.node("Conv", {"joined", "w5"}, {"point"}, {}, "point");
    model.node("MaxPool", {"point"}, {"pooled"}, {{"kernel_shape", std::vector<int64_t>{2, 2}}}, "pool");
    model.node("GlobalAveragePool", {"joined"}, {"mean"});
    model.node("Flatten", {"mean"}, {"flat"});
    model.output("pooled");
    model.output("flat");
    return model;
}

/// Matrices and views: dense.
onnx::ModelWriter matrices() {
    onnx::ModelWriter model(13);
    model.input("x", {6, 8});
    model.floats("w1", {8, 12}, random_floats(96, 1));
    model.floats("w2", {8, 12}, random_floats(96, 2));
    const int64_t heads[] = {1, 6, 3, 4};
    model.int64s("heads", {4}, heads);
    model.node("Gemm", {"x", "w1"}, {"q"}, {}, "query");
    model.node("Gemm", {"x", "w2"}, {"k"}, {}, "key");
    model.node("Reshape", {"q", "heads"}, {"qh"});
    model.node("Reshape", {"k", "heads"}, {"kh"});
    model.node("Transpose", {"qh"}, {"qt"}, {{"perm", std::vector<int64_t>{0, 2, 1, 3}}});
    model.node("Transpose", {"kh"}, {"kt"}, {{"perm", std::vector<int64_t>{0, 2, 1, 3}}});
    model.node("Softmax", {"qt"}, {"weights"}, {{"axis", int64_t{-1}}}, "softmax");
    model.node("Add", {"weights", "kt"}, {"sum"}, {}, "add");
    model.node("Softmax", {"sum"}, {"last"}, {{"axis", int64_t{-1}}}, "last");
    model.output("last");
    return model;
}

struct Watched {
    const Layer *layer;
    vk::Buffer buffer;
    std::vector<float> values() const {
        std::vector<float> all(static_cast<size_t>(element_count(layer->shape)));
        read_layer(*layer, buffer.mapped<std::byte>(), 0, all);
        return all;
    }
};

Watched watch(const Layer &layer) { return {&layer, host_buffer(layer.bytes, layer.name.c_str())}; }

/// Their copies, in the order in which they come to be.
std::vector<Observation::Copy> copies_of(std::vector<Watched> &watched) {
    std::stable_sort(watched.begin(), watched.end(),
                     [](const Watched &a, const Watched &b) { return a.layer->after < b.layer->after; });
    std::vector<Observation::Copy> copies;
    copies.reserve(watched.size());
    for (const Watched &one : watched) copies.push_back({one.layer->storage, one.layer->after, one.buffer.handle()});
    return copies;
}

/// Runs the session with copies of these layers.
void run(const Session &session, std::vector<Watched> &watched) {
    const std::vector<Observation::Copy> copies = copies_of(watched);
    Observation observation;
    observation.copies = copies;
    const Status status = vk::run_once(
        device(),
        [&](VkCommandBuffer commands) { return session.record(commands, 0, session.dispatch_count(), observation); },
        "watched");
    REQUIRE_MESSAGE(status.ok(), status.error().message);
}

struct Case {
    Graph graph;
    std::string input;
    Shape shape;
    DType storage;
    double bound;
};

/// Every layer, all in one run and each in one of its own; those that were fused, by name.
std::vector<std::string> check_layers(const Case &c) {
    const std::vector<float> x = random_floats(static_cast<size_t>(element_count(c.shape)), 9);
    auto runtime = Runtime::create(device(), {.cache_directory = ""});
    REQUIRE(runtime.ok());
    auto session = Session::load(**runtime, c.graph, {.storage = c.storage});
    REQUIRE_MESSAGE(session.ok(), session.error().message);
    REQUIRE((*session)->write_input(c.input, x).ok());
    const std::vector<Layer> layers = layers_of((*session)->plan());

    Graph all = c.graph;
    all.outputs.clear();
    std::vector<std::string> fused;
    for (const Layer &layer : layers) {
        if (layer.fused) fused.push_back(layer.name);
        if (!layer.fused && layer.name != c.input) all.outputs.push_back(all.find_value(layer.name).value());
    }
    auto expected = evaluate_reference(all, {{c.input, {c.shape, {x.begin(), x.end()}}}});
    REQUIRE_MESSAGE(expected.ok(), expected.error().message);
    (*expected)[c.input] = {c.shape, {x.begin(), x.end()}};
    const auto check = [&](const Watched &watched) {
        CAPTURE(watched.layer->name);
        const ReferenceTensor &reference = expected->at(watched.layer->name);
        CHECK(watched.layer->shape == reference.shape);
        CHECK(relative_error(watched.values(), reference.data) < c.bound);
    };

    std::vector<Watched> watched;
    for (const Layer &layer : layers)
        if (!layer.fused) watched.push_back(watch(layer));
    CHECK(watched.size() == expected->size());
    for (int twice = 0; twice < 2; ++twice) {
        run(**session, watched);
        for (const Watched &one : watched) check(one);
    }
    for (const Layer &layer : layers) {
        if (layer.fused) continue;
        std::vector<Watched> one;
        one.push_back(watch(layer));
        run(**session, one);
        check(one[0]);
    }
    // Watching changes nothing: the outputs are what they are without.
    REQUIRE((*session)->run().ok());
    for (const TensorInfo &output : (*session)->outputs()) {
        auto values = (*session)->read_output(output.name);
        REQUIRE(values.ok());
        const auto seen = std::find_if(watched.begin(), watched.end(),
                                       [&](const Watched &w) { return w.layer->name == output.name; });
        REQUIRE(seen != watched.end());
        CHECK(*values == seen->values());
    }
    return fused;
}

constexpr double f32_bound = 1e-5, f16_bound = 4e-3;

}  // namespace

TEST_CASE("every tensor of a convolutional network can be read between its dispatches") {
    for (const auto &[storage, bound] : {std::pair(DType::f32, f32_bound), std::pair(DType::f16, f16_bound)}) {
        const std::vector<std::string> fused =
            check_layers({import_model(convolutions()), "x", {2, 3, 10, 7}, storage, bound});
        CHECK(fused == std::vector<std::string>{"a"});
    }
}

TEST_CASE("every tensor of a network of matrices and views can be read between its dispatches") {
    for (const auto &[storage, bound] : {std::pair(DType::f32, f32_bound), std::pair(DType::f16, f16_bound)})
        check_layers({import_model(matrices()), "x", {6, 8}, storage, bound});
}

TEST_CASE("layers come in the order in which they are made, with where they come from") {
    auto plan = make_plan(import_model(convolutions()), device().caps(), kernels(), {});
    REQUIRE(plan.ok());
    const std::vector<Layer> layers = layers_of(*plan);
    const auto at = [&](const char *name) {
        for (size_t i = 0; i < layers.size(); ++i)
            if (layers[i].name == name) return i;
        FAIL("there is no layer " << name);
        return layers.size();
    };
    CHECK(at("x") == 0);
    const char *const order[] = {"x", "b", "left", "joined", "point", "pooled"};
    for (size_t i = 0; i + 1 < std::size(order); ++i) CHECK(at(order[i]) < at(order[i + 1]));
    CHECK(at("a") < at("left"));  // fused, where the file has it
    const Layer &left = layers[at("left")], &right = layers[at("right")], &x = layers[0];
    CHECK(x.node == SIZE_MAX);
    CHECK(x.after == 0);
    CHECK(plan->graph.nodes[left.node].name == "left");
    CHECK_FALSE(left.output);
    CHECK(layers[at("pooled")].output);
    // Written in their places of "joined", whose rows have 15 channels, padded to 16.
    CHECK(left.storage == layers[at("joined")].storage);
    CHECK(left.begin == 0);
    CHECK(right.begin == 4);
    CHECK(right.row == 16);
    CHECK(right.images() == 2);
    CHECK(right.channels() == 5);
    CHECK(right.map_height() == 10);
    CHECK(right.map_width() == 7);
    for (const Layer &layer : layers) {
        CHECK(layer.name.find('w') != 0);  // no constants
        CHECK(layer.fused == (layer.name == "a"));
    }
}

TEST_CASE("every tensor of FastestDet") {
    auto bytes = network_bytes("fastestdet", 7);
    REQUIRE(bytes.ok());
    const int64_t size = (*find_network("fastestdet"))->size;
    check_layers({import_model(std::move(*bytes)), "image", {1, 3, size, size}, DType::f32, f32_bound});
}

TEST_CASE("copies belong to the slice in which their dispatch is, and stamps are taken with them") {
    auto runtime = Runtime::create(device(), {.cache_directory = ""});
    REQUIRE(runtime.ok());
    auto session = Session::load(**runtime, import_model(convolutions()), {});
    REQUIRE(session.ok());
    const std::vector<float> x = random_floats(2 * 3 * 70, 9);
    REQUIRE((*session)->write_input("x", x).ok());
    const std::vector<Layer> layers = layers_of((*session)->plan());
    std::vector<Watched> watched;
    for (const Layer &layer : layers)
        if (!layer.fused) watched.push_back(watch(layer));
    const std::vector<Observation::Copy> copies = copies_of(watched);
    run(**session, watched);
    std::vector<std::vector<float>> whole;
    for (const Watched &one : watched) {
        whole.push_back(one.values());
        std::fill_n(one.buffer.mapped<std::byte>(), one.layer->bytes, std::byte{0xFF});
    }
    const uint32_t count = (*session)->dispatch_count();
    auto stamps = vk::Timestamps::create(device(), count + 1);
    REQUIRE(stamps.ok());
    for (uint32_t i = 0; i < count; ++i) {  // one dispatch a slice
        const Status status = vk::run_once(
            device(),
            [&](VkCommandBuffer commands) {
                stamps->reset(commands);
                Observation observation;
                observation.copies = copies;
                observation.stamps = &*stamps;
                return (*session)->record(commands, i, i + 1, observation);
            },
            "slice");
        REQUIRE_MESSAGE(status.ok(), status.error().message);
        double nanoseconds[2] = {-1, -1};
        auto there = stamps->read(nanoseconds);
        REQUIRE(there.ok());
        CHECK(*there == device().caps().timestamps);
        if (*there) CHECK(nanoseconds[1] > 0);
    }
    for (size_t i = 0; i < watched.size(); ++i) CHECK(watched[i].values() == whole[i]);
}

}  // namespace sac::test
