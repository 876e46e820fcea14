// labels: no_min
// What a host is told to enable on its device is what an adopted device then uses.

#include "plugins/vision/device_import.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string_view>

#include "tests/support/coopmat_device.h"
#include "tests/support/device.h"
#include "tests/support/files.h"
#include "tests/vision/abi_support.h"

using namespace sac;
using namespace sac::test;

namespace {

// An engine that enables features and extensions by the names that it was given.
struct NamedFeatures {
    VkPhysicalDeviceFeatures2 features = {};
    VkPhysicalDeviceVulkan11Features features11 = {};
    VkPhysicalDeviceVulkan12Features features12 = {};
    vk::CoopmatFeatures coopmat = {};

    NamedFeatures() {
        features.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2;
        features.pNext = &features11;
        features11.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES;
        features11.pNext = &features12;
        features12.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES;
        features12.pNext = &coopmat;
        coopmat.sType = vk::coopmat_features_type;
    }
    NamedFeatures(const NamedFeatures &) = delete;
    NamedFeatures &operator=(const NamedFeatures &) = delete;

    // False if the engine knows no such feature.
    bool enable(std::string_view name) {
        const std::pair<std::string_view, VkBool32 &> known[] = {
            {"VkPhysicalDeviceVulkan12Features.timelineSemaphore", features12.timelineSemaphore},
            {"VkPhysicalDeviceVulkan12Features.hostQueryReset", features12.hostQueryReset},
            {"VkPhysicalDeviceVulkan12Features.shaderFloat16", features12.shaderFloat16},
            {"VkPhysicalDeviceVulkan12Features.vulkanMemoryModel", features12.vulkanMemoryModel},
            {"VkPhysicalDeviceVulkan11Features.storageBuffer16BitAccess", features11.storageBuffer16BitAccess},
#ifdef SACCADE_COOPMAT_KHR
            {"VkPhysicalDeviceCooperativeMatrixFeaturesKHR.cooperativeMatrix", coopmat.cooperativeMatrix},
#else
            {"VkPhysicalDeviceCooperativeMatrixFeaturesNV.cooperativeMatrix", coopmat.cooperativeMatrix},
#endif
        };
        for (const auto &[feature, member] : known)
            if (feature == name) member = VK_TRUE;
        return std::any_of(std::begin(known), std::end(known), [&](const auto &k) { return k.first == name; });
    }
};

// What the plugin makes of a host's device, of which all that it needs and wants is enabled, but for what is
// `left_out`.
vk::Caps adopted_without(vk::Device &own, std::string_view left_out) {
    const sac_requirements requirements = vision::device_requirements();
    NamedFeatures enabled;
    for (uint32_t i = 0; i < requirements.needed_feature_count; ++i)
        CHECK_MESSAGE(enabled.enable(requirements.needed_features[i]), requirements.needed_features[i]);
    for (uint32_t i = 0; i < requirements.wanted_feature_count; ++i)
        if (requirements.wanted_features[i] != left_out)
            CHECK_MESSAGE(enabled.enable(requirements.wanted_features[i]), requirements.wanted_features[i]);
    std::vector<const char *> extensions;
    for (uint32_t i = 0; i < requirements.wanted_extension_count; ++i)
        if (requirements.wanted_extensions[i] != left_out) extensions.push_back(requirements.wanted_extensions[i]);

    auto given = make_struct<sac_vk_device>(SAC_TYPE_VK_DEVICE);
    given.mode = SAC_MODE_SHARED_QUEUE;
    given.vulkan_version = VK_API_VERSION_1_2;
    given.get_instance_proc_addr = reinterpret_cast<sac_proc>(coopmat_loader());
    given.instance = own.instance();
    given.physical_device = own.physical_device();
    given.device = own.handle();
    given.enabled_extensions = extensions.data();
    given.enabled_extension_count = static_cast<uint32_t>(extensions.size());
    given.enabled_features = &enabled.features;
    given.queue_family = given.own_queue_family = own.queue_family();
    given.own_queue_index = SAC_NO_QUEUE;
    auto table = make_struct<sac_host>(SAC_TYPE_HOST);
    table.lock_queue = table.unlock_queue = [](void *) {};
    const auto host = vision::Host::create(&table);
    REQUIRE_MESSAGE(host.ok(), host.error().message);
    const auto opened = vision::open_device(&given, {}, **host, {});
    REQUIRE_MESSAGE(opened.ok(), opened.error().message);
    return opened->device->caps();
}

}  // namespace

TEST_CASE("device import: a host that enables what it is told to has all of it used") {
    const auto own = vk::Device::create(coopmat_device_options({}));
    REQUIRE_MESSAGE(own.ok(), own.error().message);
    const vk::Caps caps = adopted_without(**own, "");
    CHECK(caps.float16);
    CHECK(caps.storage16);
    CHECK(caps.host_query_reset);
    CHECK(caps.coopmat == (vk::coopmat_extension() != nullptr));
}

TEST_CASE("device import: cooperative matrices only where the host enabled their extension and both features") {
    if (!vk::coopmat_extension()) return skip("the compiler of the shaders knows no cooperative matrices");
    const auto own = vk::Device::create(coopmat_device_options({}));
    REQUIRE_MESSAGE(own.ok(), own.error().message);
    for (const char *name :
         {vk::coopmat_extension(), vk::coopmat_feature(), "VkPhysicalDeviceVulkan12Features.vulkanMemoryModel",
          "VkPhysicalDeviceVulkan12Features.shaderFloat16"}) {
        CAPTURE(name);
        const vk::Caps caps = adopted_without(**own, name);
        CHECK_FALSE(caps.coopmat);
        CHECK(caps.storage16);
    }
    CHECK(adopted_without(**own, "VkPhysicalDeviceVulkan12Features.hostQueryReset").coopmat);
}
