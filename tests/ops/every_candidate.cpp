#include <doctest/doctest.h>

#include "compute/session.h"
#include "tests/ops/every_candidate.h"
#include "tests/support/device.h"
#include "tests/support/model.h"

namespace sac::test {

std::vector<std::string> plan_every_candidate(const onnx::ModelWriter &model, uint32_t views, uint32_t range) {
    vk::Caps caps = device().caps();
    caps.limits.maxTexelBufferElements = std::min(views, caps.limits.maxTexelBufferElements);
    caps.limits.maxStorageBufferRange = std::min(range, caps.limits.maxStorageBufferRange);
    SessionOptions options;
    const auto plan_with = [&] {
        auto plan = make_plan(import_model(model), caps, kernels(), options);
        REQUIRE_MESSAGE(plan.ok(), plan.error().message);
        return std::move(*plan);
    };
    const KernelChoice choice = plan_with().choices.at(0);
    for (const std::string &name : choice.candidates) {
        options.tuning[choice.problem] = name;
        const Plan plan = plan_with();
        for (const Dispatch &dispatch : plan.dispatches) {
            const auto kernel = kernels().get(dispatch.kernel);
            REQUIRE(kernel.ok());
            const auto &kinds = (*kernel)->pipeline.interface().bindings;
            for (size_t i = 0; i < kinds.size(); ++i) {
                const Storage &storage = plan.storages[dispatch.bindings[i].storage];
                if (kinds[i] == vk::BindingKind::storage_texel_buffer)
                    CHECK_MESSAGE(storage.bytes / 16 <= views, name << ": " << storage.name);
            }
        }
    }
    return choice.candidates;
}

}  // namespace sac::test
