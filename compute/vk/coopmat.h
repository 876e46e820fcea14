#pragma once
// Cooperative matrices: what they are called, and whether a physical device has them.

#include <span>
#include <string>

#include "compute/vk/functions.h"

namespace sac::vk {

using CoopmatFeatures = SAC_VK_COOPMAT(VkPhysicalDeviceCooperativeMatrixFeatures);
using CoopmatProperties = SAC_VK_COOPMAT(VkCooperativeMatrixProperties);
constexpr VkStructureType coopmat_features_type =
    SAC_VK_COOPMAT_CONSTANT(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES);

/// The device extension that the kernels with cooperative matrices are compiled for; null if there are no such kernels.
constexpr const char *coopmat_extension() {
#if defined(SACCADE_COOPMAT_KHR)
    return VK_KHR_COOPERATIVE_MATRIX_EXTENSION_NAME;
#elif defined(SACCADE_COOPMAT_NV)
    return VK_NV_COOPERATIVE_MATRIX_EXTENSION_NAME;
#else
    return nullptr;
#endif
}

/// The feature of that extension which must be enabled, as "struct.member"; null if there are no such kernels.
constexpr const char *coopmat_feature() {
#if defined(SACCADE_COOPMAT_KHR)
    return "VkPhysicalDeviceCooperativeMatrixFeaturesKHR.cooperativeMatrix";
#elif defined(SACCADE_COOPMAT_NV)
    return "VkPhysicalDeviceCooperativeMatrixFeaturesNV.cooperativeMatrix";
#else
    return nullptr;
#endif
}

/// True if the device multiplies what those kernels do in compute shaders: `side` x `side` x `side`, halves in, floats
/// out, at the scope of a subgroup. The device must have the extension.
bool has_coopmat(const InstanceFunctions &fn, VkPhysicalDevice physical_device, uint32_t side);

}  // namespace sac::vk
