#pragma once
// Steps of Device::create: the instance, the physical devices and the choice among them. Used by device.cpp alone.

#include "compute/vk/device.h"

namespace sac::vk {

struct InstanceRequest {
    bool validation = false;
    std::span<const char *const> extensions;                  ///< missing ones are an error
    PFN_vkDebugUtilsMessengerCallbackEXT callback = nullptr;  ///< of the validation layer
    void *callback_user = nullptr;
};

struct InstanceInfo {
    VkInstance handle = VK_NULL_HANDLE;
    uint32_t api_version = 0;  ///< asked for in VkApplicationInfo
    bool debug_utils = false;  ///< VK_EXT_debug_utils is enabled
};

/// Error no_device where there is no driver or one before Vulkan 1.2; not_found where the validation layer or an
/// extension is missing.
Result<InstanceInfo> create_instance(const LoaderFunctions &loader, const InstanceRequest &request);

/// The create info of our messenger (warnings and errors of the validation layer).
VkDebugUtilsMessengerCreateInfoEXT messenger_info(const InstanceRequest &request);

struct Candidate {
    VkPhysicalDevice handle = VK_NULL_HANDLE;
    VkPhysicalDeviceProperties properties = {};
    uint32_t queue_family = UINT32_MAX;
    std::vector<std::string> extensions;
    DeviceSummary summary;
};

/// All devices of the instance in the driver's order, each with what makes it unusable, if anything.
Result<std::vector<Candidate>> examine_devices(const InstanceFunctions &fn, VkInstance instance,
                                               const DeviceOptions &options);

/// Index of the device that `which` (or SACCADE_DEVICE, or the order of preference) chooses.
Result<size_t> choose_device(const std::vector<Candidate> &candidates, std::string_view which);

/// Which driver files and variables the loader goes by, for messages.
std::string looked_for();

}  // namespace sac::vk
