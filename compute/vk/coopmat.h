#pragma once
// Cooperative matrices on a physical device; used by device.cpp and caps.cpp alone.

#include <span>
#include <string>

#include "compute/vk/functions.h"

namespace sac::vk {

using CoopmatFeatures = SAC_VK_COOPMAT(VkPhysicalDeviceCooperativeMatrixFeatures);
using CoopmatProperties = SAC_VK_COOPMAT(VkCooperativeMatrixProperties);
constexpr VkStructureType coopmat_features_type =
    SAC_VK_COOPMAT_CONSTANT(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES);

/// The device extension that the kernels with cooperative matrices are compiled for; null if there are no such kernels.
const char *coopmat_extension();

/// True if the device multiplies what those kernels do in compute shaders: 16 x 16 x 16, halves in, floats out, at the
/// scope of a subgroup. The device must have the extension.
bool has_coopmat_16x16x16(const InstanceFunctions &fn, VkPhysicalDevice physical_device);

}  // namespace sac::vk
