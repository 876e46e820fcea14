// labels: no_min
// Cooperative matrices: when they are switched on, and when kernels may use them. The device only says that it has
// them.
#include "tests/support/coopmat_device.h"

#include <doctest/doctest.h>

#include <memory>

#include "tests/support/device.h"
#include "tests/support/files.h"

using namespace sac;
using test::CoopmatAnswers;

namespace {

std::unique_ptr<vk::Device> make(const CoopmatAnswers &answers,
                                 std::optional<vk::Profile> profile = vk::Profile::full) {
    vk::DeviceOptions options = test::coopmat_device_options(answers);
    options.profile = profile;
    auto device = vk::Device::create(options);
    REQUIRE_MESSAGE(device.ok(), device.error().message);
    return std::move(*device);
}

bool usable(const CoopmatAnswers &answers) { return make(answers)->caps().coopmat; }

// The device that was made, as a host would hand it over.
bool adopted(vk::Device &own, std::vector<const char *> extensions, bool feature, bool memory_model) {
    vk::CoopmatFeatures coopmat = {};
    coopmat.sType = vk::coopmat_features_type;
    coopmat.cooperativeMatrix = feature;
    VkPhysicalDeviceVulkanMemoryModelFeatures model = {};
    model.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_MEMORY_MODEL_FEATURES;
    model.pNext = &coopmat;
    model.vulkanMemoryModel = memory_model;
    VkPhysicalDeviceTimelineSemaphoreFeatures timeline = {};
    timeline.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES;
    timeline.pNext = &model;
    timeline.timelineSemaphore = VK_TRUE;
    VkPhysicalDeviceShaderFloat16Int8Features halves = {};
    halves.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_FLOAT16_INT8_FEATURES;
    halves.pNext = &timeline;
    halves.shaderFloat16 = VK_TRUE;
    VkPhysicalDeviceFeatures2 features = {};
    features.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2;
    features.pNext = &halves;
    vk::HostDevice host;
    host.get_instance_proc_addr = test::coopmat_loader();
    host.instance = own.instance();
    host.physical_device = own.physical_device();
    host.device = own.handle();
    host.queue = own.queue();
    host.queue_family = own.queue_family();
    host.enabled_extensions = extensions;
    host.enabled_features = &features;
    host.profile = vk::Profile::full;
    const auto device = vk::Device::adopt(host);
    REQUIRE_MESSAGE(device.ok(), device.error().message);
    return (*device)->caps().coopmat;
}

}  // namespace

TEST_CASE("coopmat: switched on, with the memory model, where the device has all that the kernels need") {
    if (!vk::coopmat_extension()) return test::skip("the compiler of the shaders knows no cooperative matrices");
    const auto device = make({});
    CHECK(device->caps().coopmat);
    CHECK(device->caps().satisfies("coopmat,subgroup32"));
    CHECK(test::coopmat_asked().extension);
    CHECK(test::coopmat_asked().feature);
    CHECK(test::coopmat_asked().memory_model);
}

TEST_CASE("coopmat: asked for once where the caller asks for the extension as well") {
    if (!vk::coopmat_extension()) return test::skip("the compiler of the shaders knows no cooperative matrices");
    const char *names[] = {vk::coopmat_extension()};
    vk::DeviceOptions options = test::coopmat_device_options({});
    options.device_extensions = names;
    const auto device = vk::Device::create(options);
    REQUIRE_MESSAGE(device.ok(), device.error().message);
    CHECK((*device)->caps().coopmat);
}

TEST_CASE("coopmat: the subgroup's size says which matrices the kernels take") {
    if (!vk::coopmat_extension()) return test::skip("the compiler of the shaders knows no cooperative matrices");
    const auto wide = make({.subgroup_size = 64});
    CHECK(wide->caps().satisfies("coopmat,subgroup64"));
    CHECK_FALSE(wide->caps().satisfies("coopmat,subgroup32"));
    CHECK(make({.subgroup_size = 8, .size = 8, .k_size = 8})->caps().satisfies("coopmat,subgroup8"));
    CHECK_FALSE(usable({.subgroup_size = 8}));
    CHECK_FALSE(usable({.size = 8, .k_size = 8}));
}

TEST_CASE("coopmat: not used where anything that the kernels need is missing") {
    CHECK_FALSE(usable({.extension = false}));
    CHECK_FALSE(test::coopmat_asked().extension);
    CHECK_FALSE(test::coopmat_asked().feature);
    CHECK_FALSE(usable({.feature = false}));
    CHECK_FALSE(test::coopmat_asked().feature);
    CHECK_FALSE(usable({.memory_model = false}));
    CHECK_FALSE(usable({.compute_stage = false}));
    CHECK_FALSE(usable({.k_size = 8}));
}

TEST_CASE("coopmat: the minimum profile neither uses them nor switches them on") {
    CHECK_FALSE(make({}, vk::Profile::minimum)->caps().coopmat);
    CHECK_FALSE(test::coopmat_asked().extension);
    CHECK_FALSE(test::coopmat_asked().feature);
    CHECK_FALSE(test::coopmat_asked().memory_model);
}

TEST_CASE("coopmat: on a host's device only with what the host switched on") {
    const char *name = vk::coopmat_extension();
    if (!name) return test::skip("the compiler of the shaders knows no cooperative matrices");
    const auto own = make({});
    CHECK(adopted(*own, {name}, true, true));
    CHECK_FALSE(adopted(*own, {}, true, true));
    CHECK_FALSE(adopted(*own, {name}, false, true));
    CHECK_FALSE(adopted(*own, {name}, true, false));
}
