// labels: bad_input
// Every Vulkan call of loading and running a network fails once, out of memory or with the device lost: the error says
// so, nothing leaks, and what was loaded before still runs.
#include <doctest/doctest.h>

#include "compute/session.h"
#include "tests/support/device.h"
#include "tests/support/fault.h"
#include "tests/support/model.h"
#include "tests/support/ref.h"

namespace sac::test {
namespace {

Graph small_network() {
    onnx::ModelWriter model(13);
    model.input("x", {1, 4, 5, 5});
    model.floats("w", {8, 4, 1, 1}, random_floats(32, 1));
    model.node("Conv", {"x", "w"}, {"c"});
    model.node("Relu", {"c"}, {"y"});
    model.output("y");
    return import_model(model);
}

/// Loads, runs twice, reads; `result` gets the output.
Status everything(Runtime &runtime, const Graph &graph, std::vector<float> &result) {
    SAC_ASSIGN(const std::unique_ptr<Session> session, Session::load(runtime, graph, {.profile = true}));
    SAC_TRY(session->write_input("x", random_floats(100, 2)));
    SAC_TRY(session->run());
    SAC_TRY(session->run());
    SAC_ASSIGN(result, session->read_output("y"));
    return {};
}

/// Fails the n-th call for every n until none is left to fail; returns how many there were.
uint64_t fail_each_call(VkResult result, Code expected, bool sticky) {
    const Graph graph = small_network();
    Faults faults;
    vk::DeviceOptions options = device_options();
    options.patch_functions = [&](vk::DeviceFunctions &fn) { faults.patch(fn); };
    auto device = vk::Device::create(options);
    REQUIRE_MESSAGE(device.ok(), device.error().message);
    std::vector<float> good, output;
    {
        auto runtime = Runtime::create(**device, {.cache_directory = ""});
        REQUIRE(runtime.ok());
        REQUIRE(everything(**runtime, graph, good).ok());
    }
    const auto live = faults.live();
    for (uint64_t n = 0;; ++n) {
        REQUIRE(n < 1000);
        faults.arm(n, result, sticky);
        Status status;
        {
            auto runtime = Runtime::create(**device, {.cache_directory = ""});
            status = runtime.ok() ? everything(**runtime, graph, output) : Status(runtime.error());
            faults.disarm();
            const bool fired = faults.fired();
            if (!fired) {
                REQUIRE_MESSAGE(status.ok(), status.error().message);
                CHECK(output == good);
                return n;
            }
            CAPTURE(faults.fired_in());
            if (status.ok()) {
                // A smaller block was had instead, or garbage will be collected later.
                const bool harmless =
                    ((faults.fired_in() == "AllocateMemory" || faults.fired_in() == "MapMemory") && !sticky) ||
                    faults.fired_in() == "GetSemaphoreCounterValue";
                CHECK(harmless);
                CHECK(output == good);
            } else {
                CHECK(status.error().code == expected);
                CHECK(status.error().vk_result == result);
                CHECK(!status.error().message.empty());
            }
            // The same runtime serves again once the fault is over.
            if (runtime.ok() && n % 8 == 0) {
                const Status again = everything(**runtime, graph, output);
                REQUIRE_MESSAGE(again.ok(), again.error().message);
                CHECK(output == good);
            }
        }
        CHECK(faults.live() == live);
    }
}

}  // namespace

TEST_CASE("host or device memory runs out at any call") {
    CHECK(fail_each_call(VK_ERROR_OUT_OF_DEVICE_MEMORY, Code::out_of_memory, false) > 50);
}

TEST_CASE("the device is lost at any call, and stays lost") {
    CHECK(fail_each_call(VK_ERROR_DEVICE_LOST, Code::device_lost, true) > 50);
}

}  // namespace sac::test
