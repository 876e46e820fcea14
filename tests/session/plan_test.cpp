// labels: host_only
// Plans of whole networks: where their activations and weights lie, and that their barriers are all that is needed and
// no more.

#include <doctest/doctest.h>

#include <cmath>

#include "compute/session.h"
#include "samples/networks/networks.h"
#include "tests/support/device.h"
#include "tests/support/model.h"

namespace sac::test {
namespace {

Plan plan_of(const char *name, DType storage) {
    auto bytes = network_bytes(name, 7);
    REQUIRE_MESSAGE(bytes.ok(), bytes.error().message);
    auto plan = make_plan(import_model(std::move(*bytes), name), device().caps(), kernels(), {.storage = storage});
    REQUIRE_MESSAGE(plan.ok(), plan.error().message);
    return std::move(*plan);
}

/// Small enough to be made again and again.
constexpr const char *networks[] = {"fastestdet", "squeezenet", "mobilenet_v2", "resnet18"};

}  // namespace

TEST_CASE("without any one barrier of a network's plan there is a hazard, with all there is none") {
    for (const char *name : networks) {
        CAPTURE(name);
        Plan plan = plan_of(name, DType::f32);
        REQUIRE(check_hazards(plan).empty());
        for (size_t i = 0; i < plan.dispatches.size(); ++i) {
            if (!plan.barrier_before[i]) continue;
            plan.barrier_before[i] = false;
            CHECK_MESSAGE(!check_hazards(plan).empty(), "the barrier before dispatch " << i << " is not needed");
            plan.barrier_before[i] = true;
        }
    }
}

TEST_CASE("branches that are joined are not ordered among themselves") {
    // SqueezeNet: of the two convolutions that a fire module joins neither waits for the other.
    const Plan plan = plan_of("squeezenet", DType::f16);
    size_t pairs = 0;
    for (size_t i = 1; i < plan.dispatches.size(); ++i) {
        const Binding &before = plan.dispatches[i - 1].bindings.back(), &after = plan.dispatches[i].bindings.back();
        if (before.storage != after.storage) continue;
        ++pairs;
        CHECK(before.part);
        CHECK(after.part);
        CHECK_MESSAGE(!plan.barrier_before[i], "dispatch " << i);
    }
    CHECK(pairs == 8);
}

TEST_CASE("a sum with a shortcut is written over the shortcut") {
    // ResNet-18: the second convolution of a block adds its input, which nobody reads afterwards.
    const Plan plan = plan_of("resnet18", DType::f32);
    size_t residuals = 0;
    for (const Dispatch &dispatch : plan.dispatches) {
        const Storage &output = plan.storages[dispatch.bindings.back().storage];
        for (const Binding &binding : dispatch.bindings) {
            if (!binding.in_place) continue;
            ++residuals;
            CHECK(plan.storages[binding.storage].offset == output.offset);
            CHECK(plan.storages[binding.storage].buffer == output.buffer);
        }
    }
    CHECK(residuals == 8);
}

TEST_CASE("operators tell what they expect of products, each dispatch by its share of them") {
    for (const char *name : networks) {
        CAPTURE(name);
        const Plan plan = plan_of(name, DType::f32);
        size_t products = 0;
        for (size_t i = 0; i < plan.dispatches.size(); ++i) {
            const Dispatch &dispatch = plan.dispatches[i];
            CAPTURE(dispatch.kernel);
            CHECK(std::isfinite(dispatch.expected_ns));
            const bool product = dispatch.kernel.rfind("gemm_", 0) == 0 || dispatch.kernel.rfind("conv2d_f32", 0) == 0;
            products += product;
            if (product) CHECK(dispatch.expected_ns > 0);
            // Parts of one product: as much as they multiply.
            for (size_t k = i + 1; k < plan.dispatches.size() && plan.dispatches[k].node == dispatch.node; ++k)
                if (product && plan.dispatches[k].kernel == dispatch.kernel)
                    CHECK(plan.dispatches[k].expected_ns * dispatch.flops ==
                          doctest::Approx(dispatch.expected_ns * plan.dispatches[k].flops));
        }
        CHECK(products > 5);
    }
}

TEST_CASE("weights in halves take half the memory, activations too") {
    for (const char *name : networks) {
        CAPTURE(name);
        uint64_t weights[2] = {}, activations[2] = {};
        for (const DType storage : {DType::f32, DType::f16}) {
            const Plan plan = plan_of(name, storage);
            const size_t i = storage == DType::f16;
            for (const Plan::BufferSpec &buffer : plan.buffers)
                if (buffer.kind == Storage::Kind::weights) weights[i] += buffer.bytes;
            activations[i] = plan.arena_bytes;
        }
        // A few tables stay single, and each tensor is aligned.
        CHECK(static_cast<double>(weights[1]) < 0.505 * static_cast<double>(weights[0]));
        CHECK(static_cast<double>(activations[1]) < 0.505 * static_cast<double>(activations[0]));
    }
}

}  // namespace sac::test
