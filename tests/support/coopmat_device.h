#pragma once
// The system's device, made to say that it has cooperative matrices: for what is decided before anything is run. Their
// kernels cannot be built or run on it.

#include <string>
#include <vector>

#include "compute/vk/coopmat.h"
#include "compute/vk/device.h"

namespace sac::test {

/// What the device says. As it stands, all that the kernels need.
struct CoopmatAnswers {
    bool extension = true, feature = true, memory_model = true, compute_stage = true;
    uint32_t subgroup_size = 32;
    uint32_t size = 16, k_size = 16;  ///< of the one multiplication that it offers: size x size x k_size
};

/// Options of such a device. Answers hold until the next call; one device at a time.
vk::DeviceOptions coopmat_device_options(const CoopmatAnswers &answers);
/// The loader that coopmat_device_options puts in.
PFN_vkGetInstanceProcAddr coopmat_loader();

/// What was asked for when the last such device was made.
struct CoopmatAsked {
    bool extension = false, feature = false, memory_model = false;
};
CoopmatAsked coopmat_asked();

}  // namespace sac::test
