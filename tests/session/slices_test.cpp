// Slices: a network that is cut anywhere computes the same to the bit; how long slices take, and what is learned of it.
#include "compute/session_slices.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <random>

#include "compute/session_layers.h"
#include "samples/networks/networks.h"
#include "tests/support/device.h"
#include "tests/support/heap_count.h"
#include "tests/support/model.h"
#include "tests/support/ref.h"

namespace sac::test {
namespace {

/// Branches, a residual, a concatenation in place, pooling, a product and a softmax; some dispatches of many
/// workgroups.
onnx::ModelWriter small_network() {
    onnx::ModelWriter model(13);
    model.input("x", {1, 3, 21, 19});
    model.floats("w1", {12, 3, 3, 3}, random_floats(12 * 27, 1));
    model.floats("w2", {8, 12, 1, 1}, random_floats(96, 2));
    model.floats("w3", {12, 1, 3, 3}, random_floats(108, 3));
    model.floats("w4", {5, 20}, random_floats(100, 4));
    const std::vector<int64_t> same = {1, 1, 1, 1};
    model.node("Conv", {"x", "w1"}, {"a"}, {{"pads", same}}, "stem");
    model.node("Relu", {"a"}, {"b"});
    model.node("Conv", {"b", "w2"}, {"c"}, {}, "point");
    model.node("Conv", {"b", "w3"}, {"d"}, {{"pads", same}, {"group", int64_t{12}}}, "depth");
    model.node("Add", {"d", "b"}, {"e"});
    model.node("Sigmoid", {"e"}, {"f"});
    model.node("Concat", {"f", "c"}, {"g"}, {{"axis", int64_t{1}}}, "join");
    model.node("GlobalAveragePool", {"g"}, {"h"});
    model.node("Flatten", {"h"}, {"i"});
    model.node("Gemm", {"i", "w4"}, {"j"}, {{"transB", int64_t{1}}}, "head");
    model.node("Softmax", {"j"}, {"scores"}, {{"axis", int64_t{-1}}});
    model.output("scores");
    model.output("g");
    return model;
}

constexpr int64_t input_size = 3 * 21 * 19;

/// A session, what it answers when it is run whole, and an answer that is another.
struct Network {
    std::unique_ptr<Runtime> runtime;
    std::unique_ptr<Session> session;
    std::string input;
    std::vector<float> x, other;
    std::vector<std::vector<float>> expected;

    std::vector<std::vector<float>> outputs() const {
        std::vector<std::vector<float>> all;
        for (const TensorInfo &info : session->outputs()) {
            auto values = session->read_output(info.name);
            REQUIRE_MESSAGE(values.ok(), values.error().message);
            all.push_back(std::move(*values));
        }
        return all;
    }
    /// Leaves another input's values in every tensor, then the input of `expected`.
    void poison() {
        REQUIRE(session->write_input(input, other).ok());
        REQUIRE(session->run().ok());
        REQUIRE(session->write_input(input, x).ok());
    }
};

Network make(Graph graph, size_t size, const SessionOptions &options = {}) {
    Network made;
    auto runtime = Runtime::create(device(), {.cache_directory = ""});
    REQUIRE_MESSAGE(runtime.ok(), runtime.error().message);
    made.runtime = std::move(*runtime);
    auto session = Session::load(*made.runtime, std::move(graph), options);
    REQUIRE_MESSAGE(session.ok(), session.error().message);
    made.session = std::move(*session);
    made.input = made.session->inputs()[0].name;
    made.x = random_floats(size, 9);
    made.other = random_floats(size, 10);
    REQUIRE(made.session->write_input(made.input, made.other).ok());
    REQUIRE(made.session->run().ok());
    const auto another = made.outputs();
    REQUIRE(made.session->write_input(made.input, made.x).ok());
    REQUIRE(made.session->run().ok());
    made.expected = made.outputs();
    REQUIRE(made.expected != another);
    return made;
}

void record_and_run(const std::function<Status(VkCommandBuffer)> &record) {
    const Status status = vk::run_once(device(), record, "slices");
    REQUIRE_MESSAGE(status.ok(), status.error().message);
}

/// Every place of a plan at which it can be cut, the end included.
std::vector<PlanPlace> places_of(const Session &session) {
    std::vector<PlanPlace> places;
    for (uint32_t i = 0; i < session.dispatch_count(); ++i)
        for (uint32_t group = 0; group < session.plan().dispatches[i].groups[0]; ++group) places.push_back({i, group});
    places.push_back(session.end());
    return places;
}

/// Slices until the plan is done.
uint32_t run_in_slices(Session &session, const std::function<double()> &budget_us) {
    for (uint32_t slices = 1;; ++slices) {
        const auto done = session.run_slice(budget_us());
        REQUIRE_MESSAGE(done.ok(), done.error().message);
        if (*done) return slices;
        REQUIRE(slices < 100000);
    }
}

}  // namespace

TEST_CASE("cut in two at every workgroup a network computes the same bits, in one submission and in two") {
    for (const DType storage : {DType::f32, DType::f16}) {
        Network network = make(import_model(small_network()), input_size, {.storage = storage});
        const Session &session = *network.session;
        const auto places = places_of(session);
        REQUIRE(places.size() > 2 * session.dispatch_count());
        for (size_t i = 0; i < places.size(); ++i) {
            network.poison();
            const auto before = [&](VkCommandBuffer cmd) { return session.record(cmd, {}, places[i]); };
            const auto after = [&](VkCommandBuffer cmd) { return session.record(cmd, places[i], session.end()); };
            if (i % 2) {
                record_and_run(before);
                record_and_run(after);
            } else {
                record_and_run([&](VkCommandBuffer cmd) -> Status {
                    SAC_TRY(before(cmd));
                    return after(cmd);
                });
            }
            CHECK_MESSAGE(network.outputs() == network.expected, places[i].dispatch << " + " << places[i].group);
        }
    }
}

TEST_CASE("every workgroup a slice of its own") {
    Network network = make(import_model(small_network()), input_size);
    const Session &session = *network.session;
    const auto places = places_of(session);
    network.poison();
    record_and_run([&](VkCommandBuffer cmd) -> Status {
        for (size_t i = 1; i < places.size(); ++i) SAC_TRY(session.record(cmd, places[i - 1], places[i]));
        return {};
    });
    CHECK(network.outputs() == network.expected);
}

TEST_CASE("run_slice with random budgets computes the same bits as run") {
    std::mt19937 random(5);
    std::exponential_distribution<double> budget(1 / 200.0);
    Network network = make(import_model(small_network()), input_size);
    uint32_t most = 0, fewest = UINT32_MAX;
    for (int i = 0; i < 30; ++i) {
        network.poison();
        const uint32_t slices = run_in_slices(*network.session, [&] { return budget(random); });
        CHECK(network.outputs() == network.expected);
        CHECK(network.session->last_slice_us() > 0);
        most = std::max(most, slices);
    }
    constexpr double everything = std::numeric_limits<double>::infinity();
    for (int i = 0; i < 3; ++i) fewest = std::min(fewest, run_in_slices(*network.session, [] { return everything; }));
    CHECK(most > 3);
    CHECK(fewest == 1);
    CHECK(network.outputs() == network.expected);
}

TEST_CASE("a known network in slices of random budgets") {
    auto bytes = network_bytes("squeezenet", 1);
    REQUIRE(bytes.ok());
    const auto entry = find_network("squeezenet");
    REQUIRE(entry.ok());
    const auto side = static_cast<size_t>((*entry)->size);
    Network network = make(import_model(std::move(*bytes)), 3 * side * side);
    std::mt19937 random(6);
    std::uniform_real_distribution<double> budget(500, 8000);
    const Session &session = *network.session;
    for (int i = 0; i < 3; ++i) {
        network.poison();
        // Half of what all should take at most, whatever has been learned of that while other work interrupts this one.
        const auto less = [&] { return std::min(budget(random), session.costs().expected({}, session.end()) * 5e-4); };
        CHECK(run_in_slices(*network.session, less) > 1);
        CHECK(network.outputs() == network.expected);
    }
}

TEST_CASE("whatever the budget, each slice gets on by a workgroup at least") {
    Network network = make(import_model(small_network()), input_size);
    const auto groups = static_cast<uint32_t>(places_of(*network.session).size()) - 1;
    for (const double budget : {0.0, -5.0, 1e-9, std::numeric_limits<double>::quiet_NaN()}) {
        network.poison();
        const uint32_t slices = run_in_slices(*network.session, [&] { return budget; });
        CHECK(slices <= groups);
        CHECK(slices >= network.session->dispatch_count());
        CHECK(network.outputs() == network.expected);
    }
}

TEST_CASE("begun anew in the middle") {
    Network network = make(import_model(small_network()), input_size);
    network.session->restart();  // before anything
    for (int after = 1; after < 12; ++after) {
        REQUIRE(network.session->write_input(network.input, network.other).ok());
        for (int i = 0; i < after; ++i) {
            const auto done = network.session->run_slice(0);
            REQUIRE(done.ok());
            REQUIRE(!*done);
        }
        REQUIRE(network.session->write_input(network.input, network.x).ok());
        network.session->restart();
        run_in_slices(*network.session, [] { return 100.0; });
        CHECK(network.outputs() == network.expected);
    }
}

TEST_CASE("places outside of the plan are refused") {
    Network network = make(import_model(small_network()), input_size);
    const Session &session = *network.session;
    const uint32_t count = session.dispatch_count(), groups = session.plan().dispatches[0].groups[0];
    const std::pair<PlanPlace, PlanPlace> wrong[] = {
        {{0, 0}, {count, 1}}, {{0, 0}, {count + 1, 0}}, {{0, 0}, {0, groups}}, {{0, groups}, {1, 0}}, {{1, 0}, {0, 1}}};
    for (const auto &range : wrong) {
        const auto record = [&](VkCommandBuffer cmd) { return session.record(cmd, range.first, range.second); };
        const Status status = vk::run_once(device(), record, "wrong");
        REQUIRE(!status.ok());
        CHECK(status.error().code == Code::invalid_argument);
        CHECK(status.error().message.find("of " + std::to_string(count)) != std::string::npos);
    }
}

TEST_CASE("tensors are copied once, in the slice in which they become complete") {
    Network network = make(import_model(small_network()), input_size);
    const Session &session = *network.session;
    const std::vector<Layer> layers = layers_of(session.plan());
    std::vector<Observation::Copy> copies;
    std::vector<vk::Buffer> whole, sliced;
    for (const Layer &layer : layers) {
        if (layer.fused) continue;
        whole.push_back(host_buffer(layer.bytes, "whole"));
        sliced.push_back(host_buffer(layer.bytes, "sliced"));
        copies.push_back({layer.storage, layer.after, whole.back().handle()});
    }
    std::stable_sort(copies.begin(), copies.end(), [](const auto &a, const auto &b) { return a.after < b.after; });
    network.poison();
    record_and_run([&](VkCommandBuffer cmd) { return session.record(cmd, 0, session.dispatch_count(), {copies}); });
    for (Observation::Copy &copy : copies) {
        const auto same = [&](const vk::Buffer &buffer) { return buffer.handle() == copy.to; };
        copy.to = sliced[static_cast<size_t>(std::find_if(whole.begin(), whole.end(), same) - whole.begin())].handle();
    }
    const auto places = places_of(session);
    for (const size_t step : {size_t{1}, size_t{3}, size_t{7}}) {
        for (const vk::Buffer &buffer : sliced) std::memset(buffer.mapped(), 0xA5, buffer.size());
        network.poison();
        for (size_t i = 0; i + 1 < places.size(); i += step)
            record_and_run([&](VkCommandBuffer cmd) {
                return session.record(cmd, places[i], places[std::min(i + step, places.size() - 1)], {copies});
            });
        for (size_t i = 0; i < whole.size(); ++i)
            CHECK(std::memcmp(whole[i].mapped(), sliced[i].mapped(), whole[i].size()) == 0);
    }
}

TEST_CASE("slices take nothing from the heap or the device after the first") {
    Network network = make(import_model(small_network()), input_size);
    run_in_slices(*network.session, [] { return 50.0; });
    const uint64_t driver = network.runtime->memory.statistics().driver_allocations;
    const uint64_t heap = heap_allocations();
    for (int i = 0; i < 5; ++i) run_in_slices(*network.session, [] { return 50.0; });
    if (!validation_enabled()) CHECK(heap_allocations() == heap);
    CHECK(network.runtime->memory.statistics().driver_allocations == driver);
}

}  // namespace sac::test
