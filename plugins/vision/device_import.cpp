#include "plugins/vision/device_import.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <utility>

#include "compute/vk/coopmat.h"
#include "plugins/vision/structs.h"

namespace sac::vision {
namespace {

// What Device::adopt insists on, and what kernels use where it is enabled.
constexpr const char *needed_features[] = {"VkPhysicalDeviceVulkan12Features.timelineSemaphore"};
constexpr const char *wanted_features[] = {
    "VkPhysicalDeviceVulkan12Features.hostQueryReset",
    "VkPhysicalDeviceVulkan12Features.shaderFloat16",
    "VkPhysicalDeviceVulkan11Features.storageBuffer16BitAccess",
    // Of the kernels with cooperative matrices; left out of the list where this build has none.
    "VkPhysicalDeviceVulkan12Features.vulkanMemoryModel",
    vk::coopmat_feature(),
};
constexpr const char *wanted_extensions[] = {vk::coopmat_extension()};
constexpr bool has_coopmat = vk::coopmat_extension() != nullptr;

Result<OpenedDevice> open_own(const OwnDeviceOptions &own, const Host &host, const PatchFunctions &patch) {
    vk::DeviceOptions options;
    if (own.name) options.which = own.name;
    options.validation = own.validation;
    options.on_validation_message = [log = host.log()](const char *message) {
        log.write(LogLevel::error, format("validation: %s", message).c_str());
    };
    options.patch_functions = patch;
    options.log = host.log();
    SAC_ASSIGN(auto device, vk::Device::create(options));
    return OpenedDevice{std::move(device), SAC_MODE_OWN_DEVICE, {}};
}

/// The queues of a host's device, as far as they can be known before it is adopted.
struct HostQueues {
    PFN_vkGetDeviceQueue get_device_queue = nullptr;
    std::vector<VkQueueFamilyProperties> families;

    bool has(uint32_t family, uint32_t index) const {
        return family < families.size() && index < families[family].queueCount;
    }
};

Result<HostQueues> find_queues(const sac_vk_device &given, PFN_vkGetInstanceProcAddr get) {
    const auto instance = static_cast<VkInstance>(given.instance);
    SAC_ASSIGN(const vk::InstanceFunctions fn, vk::load_instance_functions(get, instance));
    HostQueues queues;
    queues.get_device_queue = reinterpret_cast<PFN_vkGetDeviceQueue>(
        fn.GetDeviceProcAddr(static_cast<VkDevice>(given.device), "vkGetDeviceQueue"));
    if (!queues.get_device_queue)
        return Error(Code::invalid_argument,
                     "device.device has no vkGetDeviceQueue: it is not a VkDevice of that instance");
    const auto physical_device = static_cast<VkPhysicalDevice>(given.physical_device);
    uint32_t count = 0;
    fn.GetPhysicalDeviceQueueFamilyProperties(physical_device, &count, nullptr);
    queues.families.resize(count);
    fn.GetPhysicalDeviceQueueFamilyProperties(physical_device, &count, queues.families.data());
    return queues;
}

Status check_handles(const sac_vk_device &given) {
    const std::pair<bool, const char *> handles[] = {
        {given.get_instance_proc_addr != nullptr, "get_instance_proc_addr"},
        {given.instance != nullptr, "instance"},
        {given.physical_device != nullptr, "physical_device"},
        {given.device != nullptr, "device"},
        {given.enabled_extension_count == 0 || given.enabled_extensions, "enabled_extensions"},
    };
    for (const auto &[there, name] : handles)
        if (!there) return Error(Code::invalid_argument, format("device.%s is null", name));
    for (uint32_t i = 0; i < given.enabled_extension_count; ++i)
        if (!given.enabled_extensions[i])
            return Error(Code::invalid_argument, format("device.enabled_extensions[%u] is null", i));
    return {};
}

}  // namespace

sac_requirements device_requirements() {
    sac_requirements requirements = {};
    requirements.type = SAC_TYPE_REQUIREMENTS;
    requirements.size = sizeof requirements;
    requirements.vulkan_version = VK_API_VERSION_1_2;
    requirements.queue_flags = VK_QUEUE_COMPUTE_BIT;
    requirements.image_usage = VK_IMAGE_USAGE_SAMPLED_BIT;
    requirements.needed_features = needed_features;
    requirements.needed_feature_count = static_cast<uint32_t>(std::size(needed_features));
    requirements.wanted_extensions = wanted_extensions;
    requirements.wanted_extension_count = has_coopmat ? 1 : 0;
    requirements.wanted_features = wanted_features;
    requirements.wanted_feature_count = static_cast<uint32_t>(std::size(wanted_features)) - (has_coopmat ? 0 : 2);
    return requirements;
}

Result<OpenedDevice> open_device(const sac_vk_device *pointer, const OwnDeviceOptions &own, const Host &host,
                                 const PatchFunctions &patch) {
    if (!pointer) return open_own(own, host, patch);
    sac_vk_device given = {};
    SAC_TRY(read_struct(pointer, SAC_TYPE_VK_DEVICE, "device", given));
    if (given.mode < SAC_MODE_OWN_QUEUE || given.mode > SAC_MODE_HOST_COMMANDS)
        return Error(Code::invalid_argument, format("device.mode is %u; a host's device is used in SAC_MODE_OWN_QUEUE, "
                                                    "SAC_MODE_SHARED_QUEUE or SAC_MODE_HOST_COMMANDS",
                                                    given.mode));
    SAC_TRY(check_handles(given));
    const auto get = reinterpret_cast<PFN_vkGetInstanceProcAddr>(given.get_instance_proc_addr);
    SAC_ASSIGN(const HostQueues queues, find_queues(given, get));
    if (!queues.has(given.queue_family, given.queue_index))
        return Error(Code::invalid_argument, format("device.queue_family %u has no queue with device.queue_index %u",
                                                    given.queue_family, given.queue_index));

    OpenedDevice opened;
    opened.mode = given.mode;
    if (opened.mode == SAC_MODE_OWN_QUEUE) {
        const bool same = given.own_queue_family == given.queue_family && given.own_queue_index == given.queue_index;
        if (same || given.own_queue_index == SAC_NO_QUEUE ||
            !queues.has(given.own_queue_family, given.own_queue_index)) {
            host.write(LogLevel::info, "the device has no queue for the plugin alone: sharing the host's");
            opened.mode = SAC_MODE_SHARED_QUEUE;
        }
    }
    const bool shared = opened.mode != SAC_MODE_OWN_QUEUE;
    if (shared && !host.locks_queues())
        return Error(Code::invalid_argument,
                     "host.lock_queue and host.unlock_queue are null, but the host's queue is to be shared");

    vk::HostDevice adopted;
    adopted.get_instance_proc_addr = get;
    adopted.instance = static_cast<VkInstance>(given.instance);
    adopted.physical_device = static_cast<VkPhysicalDevice>(given.physical_device);
    adopted.device = static_cast<VkDevice>(given.device);
    adopted.api_version = given.vulkan_version;
    adopted.enabled_extensions = {given.enabled_extensions, given.enabled_extension_count};
    adopted.enabled_features = static_cast<const VkPhysicalDeviceFeatures2 *>(given.enabled_features);
    adopted.queue_family = shared ? given.queue_family : given.own_queue_family;
    queues.get_device_queue(adopted.device, adopted.queue_family, shared ? given.queue_index : given.own_queue_index,
                            &adopted.queue);
    if (shared) adopted.queue_lock = host.queue_lock();
    adopted.patch_functions = patch;
    adopted.log = host.log();
    SAC_ASSIGN(opened.device, vk::Device::adopt(adopted));
    opened.images.queue_families = static_cast<uint32_t>(queues.families.size());
    opened.images.foreign =
        std::any_of(adopted.enabled_extensions.begin(), adopted.enabled_extensions.end(),
                    [](const char *name) { return !std::strcmp(name, VK_EXT_QUEUE_FAMILY_FOREIGN_EXTENSION_NAME); });
    return opened;
}

}  // namespace sac::vision
