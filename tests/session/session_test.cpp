// A session's life: loading, slices, other hosts' command buffers, what is allocated when, errors.
#include "compute/session.h"

#include <doctest/doctest.h>

#include "tests/support/device.h"
#include "tests/support/files.h"
#include "tests/support/heap_count.h"
#include "tests/support/model.h"
#include "tests/support/ref.h"
#include "tests/support/reference.h"

namespace sac::test {
namespace {

/// Two branches, a residual, an activation, a pooling and a product: most kinds of dispatches and of aliasing.
onnx::ModelWriter small_network() {
    onnx::ModelWriter model(13);
    model.input("x", {1, 3, 12, 10});
    model.floats("w1", {8, 3, 3, 3}, random_floats(8 * 27, 1));
    model.floats("w2", {8, 8, 1, 1}, random_floats(64, 2));
    model.floats("w3", {8, 1, 3, 3}, random_floats(72, 3));
    model.floats("w4", {5, 16}, random_floats(80, 4));
    model.floats("b4", {5}, random_floats(5, 5));
    const std::vector<int64_t> same = {1, 1, 1, 1};
    model.node("Conv", {"x", "w1"}, {"a"}, {{"pads", same}}, "stem");
    model.node("Relu", {"a"}, {"b"});
    model.node("Conv", {"b", "w2"}, {"c"}, {}, "point");
    model.node("Conv", {"b", "w3"}, {"d"}, {{"pads", same}, {"group", int64_t{8}}}, "depth");
    model.node("Add", {"c", "b"}, {"e"});
    model.node("Sigmoid", {"e"}, {"f"});
    model.node("Concat", {"f", "d"}, {"g"}, {{"axis", int64_t{1}}}, "join");
    model.node("GlobalAveragePool", {"g"}, {"h"});
    model.node("Flatten", {"h"}, {"i"});
    model.node("Gemm", {"i", "w4", "b4"}, {"scores"}, {{"transB", int64_t{1}}}, "head");
    model.output("scores");
    model.output("g");
    return model;
}

struct Loaded {
    std::unique_ptr<Runtime> runtime;
    std::unique_ptr<Session> session;
};
Loaded load(const onnx::ModelWriter &model, const SessionOptions &options = {}) {
    auto runtime = Runtime::create(device(), {.cache_directory = ""});
    REQUIRE_MESSAGE(runtime.ok(), runtime.error().message);
    auto session = Session::load(**runtime, import_model(model), options);
    REQUIRE_MESSAGE(session.ok(), session.error().message);
    return {std::move(*runtime), std::move(*session)};
}

std::vector<float> image() { return random_floats(3 * 12 * 10, 9); }

std::map<std::string, std::vector<double>> expected_outputs() {
    const std::vector<float> x = image();
    auto outputs = evaluate_reference(import_model(small_network()), {{"x", {{1, 3, 12, 10}, {x.begin(), x.end()}}}});
    REQUIRE_MESSAGE(outputs.ok(), outputs.error().message);
    std::map<std::string, std::vector<double>> values;
    for (const auto &[name, tensor] : *outputs) values[name] = tensor.data;
    return values;
}

void check_outputs(Session &session, double bound) {
    for (const auto &expected : expected_outputs()) {
        auto actual = session.read_output(expected.first);
        REQUIRE_MESSAGE(actual.ok(), actual.error().message);
        CHECK_MESSAGE(relative_error(*actual, expected.second) < bound, expected.first);
    }
}

}  // namespace

TEST_CASE("a small network in every form of its inputs and outputs") {
    for (const DType storage : {DType::f32, DType::f16}) {
        for (const Layout layout : {Layout::dense, Layout::c4}) {
            for (const DType io : {DType::f32, DType::f16}) {
                SessionOptions options;
                options.storage = storage;
                for (const char *name : {"x", "g", "scores"}) options.formats[name] = {layout, io};
                Loaded loaded = load(small_network(), options);
                Session &session = *loaded.session;
                CHECK(session.find("x")->layout == layout);
                CHECK(session.find("g")->storage == io);
                REQUIRE(session.write_input("x", image()).ok());
                REQUIRE(session.run().ok());
                check_outputs(session, storage == DType::f32 && io == DType::f32 ? 1e-5 : 4e-3);
            }
        }
    }
}

TEST_CASE("any cut into slices, recorded into command buffers of our own, computes the same") {
    Loaded loaded = load(small_network());
    Session &session = *loaded.session;
    REQUIRE(session.write_input("x", image()).ok());
    const uint32_t count = session.dispatch_count();
    REQUIRE(count > 5);
    for (uint32_t width = 1; width <= count; width += 2) {
        for (uint32_t first = 0; first < count; first += width) {
            const uint32_t last = std::min(first + width, count);
            REQUIRE(
                vk::run_once(
                    device(), [&](VkCommandBuffer commands) { return session.record(commands, first, last); }, "slice")
                    .ok());
        }
        check_outputs(session, 1e-5);
    }
    // All slices in one command buffer.
    const auto all = [&](VkCommandBuffer commands) -> Status {
        for (uint32_t i = 0; i < count; ++i) SAC_TRY(session.record(commands, i, i + 1));
        return {};
    };
    REQUIRE(vk::run_once(device(), all, "slices").ok());
    check_outputs(session, 1e-5);
    const auto wrong = [&](VkCommandBuffer commands) { return session.record(commands, 0, count + 1); };
    const Status status = vk::run_once(device(), wrong, "too many");
    REQUIRE(!status.ok());
    CHECK(status.error().code == Code::invalid_argument);
}

TEST_CASE("after loading nothing is allocated, built or compiled to run") {
    Loaded loaded = load(small_network());
    Session &session = *loaded.session;
    REQUIRE(session.write_input("x", image()).ok());
    REQUIRE(session.run().ok());
    const uint64_t driver = loaded.runtime->memory.statistics().driver_allocations;
    const uint64_t pipelines = loaded.runtime->kernels->pipelines_built();
    const uint64_t used = loaded.runtime->memory.statistics().used;
    auto commands = vk::CommandBuffer::create(device(), "record");
    REQUIRE(commands.ok());
    // The validation layer allocates for itself inside our calls; what is counted is what remains without it.
    const uint64_t heap = heap_allocations();
    for (int i = 0; i < 8; ++i) {
        REQUIRE(session.run().ok());
        REQUIRE(commands->begin(true).ok());
        REQUIRE(session.record(commands->handle(), 0, session.dispatch_count()).ok());
        REQUIRE(commands->end().ok());
    }
    const uint64_t allocations = heap_allocations() - heap;
    if (!validation_enabled()) CHECK(allocations == 0);
    CHECK(loaded.runtime->memory.statistics().driver_allocations == driver);
    CHECK(loaded.runtime->memory.statistics().used == used);
    CHECK(loaded.runtime->kernels->pipelines_built() == pipelines);
}

TEST_CASE("a session gives back all it took, once the device is done") {
    auto runtime = Runtime::create(device(), {.cache_directory = ""});
    REQUIRE(runtime.ok());
    const uint64_t before = (*runtime)->memory.statistics().used;
    for (int i = 0; i < 3; ++i) {
        auto session = Session::load(**runtime, import_model(small_network()), {});
        REQUIRE(session.ok());
        REQUIRE((*session)->run().ok());
        CHECK((*runtime)->memory.statistics().used > before);
    }
    (*runtime)->retire->collect();
    CHECK((*runtime)->memory.statistics().used == before);
}

TEST_CASE("two sessions of one runtime do not disturb each other") {
    auto runtime = Runtime::create(device(), {.cache_directory = ""});
    REQUIRE(runtime.ok());
    auto one = Session::load(**runtime, import_model(small_network()), {});
    auto two = Session::load(**runtime, import_model(small_network()), {.storage = DType::f16});
    REQUIRE(one.ok());
    REQUIRE(two.ok());
    REQUIRE((*one)->write_input("x", image()).ok());
    REQUIRE((*two)->write_input("x", std::vector<float>(360, 0.0f)).ok());
    REQUIRE((*one)->run().ok());
    REQUIRE((*two)->run().ok());
    check_outputs(**one, 1e-5);
}

TEST_CASE("a profile has a time for every dispatch") {
    Loaded loaded = load(small_network(), {.profile = true});
    REQUIRE(loaded.session->run().ok());
    const auto &times = loaded.session->last_profile();
    if (!device().caps().timestamps) {
        CHECK(times.empty());
        return;
    }
    REQUIRE(times.size() == loaded.session->dispatch_count());
    double sum = 0;
    for (const DispatchTime &time : times) {
        CHECK(time.nanoseconds >= 0);
        sum += time.nanoseconds;
    }
    CHECK(sum > 0);
}

TEST_CASE("outputs that are inputs, constants or reshapes of one another") {
    onnx::ModelWriter model(13);
    model.input("x", {2, 6});
    model.floats("k", {3}, std::vector<float>{1, 2, 3});
    model.int64s("s", {2}, std::vector<int64_t>{3, 4});
    model.node("Relu", {"x"}, {"r"});
    model.node("Reshape", {"r", "s"}, {"y"});
    model.node("Identity", {"k"}, {"c"});
    model.node("Identity", {"x"}, {"same"});
    model.node("Reshape", {"x", "s"}, {"view"});
    for (const char *name : {"r", "y", "c", "same", "view"}) model.output(name);
    Loaded loaded = load(model);
    const std::vector<float> x = random_floats(12, 3);
    std::vector<float> relu = x;
    for (float &v : relu) v = std::max(v, 0.0f);
    REQUIRE(loaded.session->write_input("x", x).ok());
    REQUIRE(loaded.session->run().ok());
    CHECK(*loaded.session->read_output("r") == relu);
    CHECK(*loaded.session->read_output("y") == relu);
    CHECK(*loaded.session->read_output("c") == std::vector<float>{1, 2, 3});
    CHECK(*loaded.session->read_output("same") == x);
    CHECK(*loaded.session->read_output("view") == x);
    CHECK(loaded.session->find("y")->shape == Shape{3, 4});
}

TEST_CASE("wrong names and sizes are errors that say so") {
    Loaded loaded = load(small_network());
    Session &session = *loaded.session;
    const Status size = session.write_input("x", std::vector<float>(7));
    REQUIRE(!size.ok());
    CHECK(size.error().code == Code::invalid_argument);
    CHECK(size.error().message.find("'x'") != std::string::npos);
    CHECK(session.write_input("nothing", image()).error().code == Code::not_found);
    CHECK(session.read_output("nothing").error().code == Code::not_found);
    CHECK(session.find("nothing") == nullptr);

    auto missing = Session::load(*loaded.runtime, "no/such/model.onnx", {});
    REQUIRE(!missing.ok());
    CHECK(missing.error().code == Code::not_found);
    CHECK(missing.error().message.find("no/such/model.onnx") != std::string::npos);
    // What was running still runs.
    REQUIRE(session.write_input("x", image()).ok());
    REQUIRE(session.run().ok());
    check_outputs(session, 1e-5);
}

TEST_CASE("the plan can be read") {
    Loaded loaded = load(small_network());
    const std::string text = loaded.session->plan().dump();
    CHECK(text.find("Conv 'stem'") != std::string::npos);
    CHECK(text.find("barrier") != std::string::npos);
    CHECK(text.find("buffer 0") != std::string::npos);
}

}  // namespace sac::test
