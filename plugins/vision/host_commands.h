#pragma once
// A host's commands that we add our own to: checked, and waited for.

#include <atomic>
#include <chrono>

#include "compute/vk/device.h"
#include "plugins/vision/saccade.h"

namespace sac::vision {

/// A command buffer that the host is recording, and the point of a timeline that says when it is done.
struct HostCommands {
    VkCommandBuffer buffer = VK_NULL_HANDLE;
    uint32_t queue_family = 0;
    vk::SemaphorePoint done;
};

/// For record_frame, and for what else is recorded into such. Checks every field but the family. Error: the sentence
/// names the field.
Result<HostCommands> read_commands(const sac_vk_commands *given, const vk::Device &device);

VkSemaphore semaphore_of(uint64_t handle);

/// Waiting on our threads for what a host is to signal: as long as it takes, but once the context is ending no longer
/// than `grace`. [thread] any.
class HostWait {
public:
    static constexpr std::chrono::seconds grace{2};

    explicit HostWait(const vk::Device &device) : device_(device) {}

    /// True once the point is reached; false after a while (20 ms), to look about. Error cancelled when the grace is
    /// over. `name` is the field that the semaphore came in, for messages.
    Result<bool> wait_a_while(const vk::SemaphorePoint &point, const char *name) const;
    /// The same until it is reached.
    Status wait(const vk::SemaphorePoint &point, const char *name) const;
    /// How long is left to wait: all of time, until the context is ending.
    std::chrono::nanoseconds left() const;
    /// The context is ending.
    void cancel();

private:
    const vk::Device &device_;
    std::atomic<uint64_t> give_up_ = UINT64_MAX;  ///< time (now_ns) from which on nothing is waited for
};

}  // namespace sac::vision
