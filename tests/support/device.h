#pragma once
// The device that tests share, under the validation layer with synchronisation validation. Any message of the layer
// fails the test case in which it comes (or the whole run, if it comes outside of one).
//   SACCADE_TEST_NO_VALIDATION=1   runs without the layer, for sanitizers that do not bear it

#include "compute/kernels/kernel_table.h"
#include "compute/vk/commands.h"
#include "compute/vk/device.h"
#include "compute/vk/memory.h"

namespace sac::test {

/// Made at first use and destroyed at the end of the run. Where there is no device the run ends with its error.
vk::Device &device();
vk::Memory &memory();
KernelTable &kernels();  ///< of device(), without a cache on disk

/// For tests that want a device of their own: validation as above, messages reported in the same way.
vk::DeviceOptions device_options();

/// True unless switched off by SACCADE_TEST_NO_VALIDATION.
bool validation_enabled();

/// Adds a message as if the layer had given it: for devices that a test makes by hand. [thread] any.
void report_validation_message(const char *message);

/// Fails the test case if there has been a message in it. The listener does the same at the end of each; to be called
/// where a test wants to know earlier.
void expect_no_validation_messages();

/// A buffer that the host can write and read and that any kernel can use.
vk::Buffer host_buffer(VkDeviceSize size, const char *name);

}  // namespace sac::test
