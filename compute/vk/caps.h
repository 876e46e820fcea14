#pragma once
// Filling and capping of Caps; used by device.cpp alone.

#include "compute/vk/device.h"

namespace sac::vk {

/// Features that are used where they are enabled (all but the first) or needed (the first).
struct EnabledFeatures {
    bool timeline_semaphore = false;
    bool shader_float16 = false;
    bool storage16 = false;  ///< storageBuffer16BitAccess
    bool host_query_reset = false;
    bool memory_model = false;  ///< vulkanMemoryModel
    bool coopmat = false;       ///< cooperativeMatrix of the extension in compute/vk/coopmat.h
};

/// Reads a chain as it was given to vkCreateDevice: VkPhysicalDeviceVulkan11Features and 12Features, or the single
/// structs they replaced.
EnabledFeatures read_features(const VkPhysicalDeviceFeatures2 *chain);

/// What the physical device is, with the features that were enabled on the logical one.
Caps query_caps(const InstanceFunctions &fn, VkPhysicalDevice physical_device, uint32_t queue_family,
                const EnabledFeatures &features, uint32_t instance_version, Profile profile);

/// `asked`, else what SACCADE_PROFILE says ("min" or "full"; anything else is an error), else full.
Result<Profile> choose_profile(std::optional<Profile> asked);

}  // namespace sac::vk
