#pragma once
// The device of a context: one of our own, or a host's.

#include "plugins/vision/frame.h"
#include "plugins/vision/host.h"

namespace sac::vision {

/// The text behind get_requirements.
sac_requirements device_requirements();

struct OpenedDevice {
    std::unique_ptr<vk::Device> device;
    uint32_t mode = SAC_MODE_OWN_DEVICE;  ///< the mode in use
    ImageSupport images;
};

struct OwnDeviceOptions {
    const char *name = nullptr;  ///< null: chosen by the environment, else the best
    bool validation = false;
};

/// Puts failing or counting functions into the device's table; for tests.
using PatchFunctions = std::function<void(vk::DeviceFunctions &)>;

/// `given` null: a device of our own (mode D). Else mode A, which falls back to B with a line in the log where there is
/// no queue for us, B, or C. Errors name the field.
Result<OpenedDevice> open_device(const sac_vk_device *given, const OwnDeviceOptions &own, const Host &host,
                                 const PatchFunctions &patch);

}  // namespace sac::vision
