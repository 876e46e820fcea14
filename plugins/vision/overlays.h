#pragma once
// Snapshots and words drawn into a host's images by its own command buffers: what is behind saccade_overlay.h.

#include <atomic>
#include <mutex>

#include "plugins/overlay/compositor.h"
#include "plugins/vision/health.h"
#include "plugins/vision/host.h"
#include "plugins/vision/host_commands.h"
#include "plugins/vision/saccade_overlay.h"

namespace sac::vision {

/// Takes nothing of the device before its first use. [thread] any; record: one at a time, others are refused.
class Overlays {
public:
    /// `on_host_device`: the device is one that the host has lent.
    Overlays(vk::Device &device, vk::Memory &memory, const Host &host, Health &health, bool on_host_device);
    ~Overlays();  ///< waits for what is in flight, up to HostWait::grace after cancel()
    Overlays(const Overlays &) = delete;
    Overlays &operator=(const Overlays &) = delete;

    Status prepare(uint32_t format);
    /// False: too many are in flight.
    Result<bool> record(const sac_overlay *what, const sac_overlay_target *target, const sac_vk_commands *commands);
    /// The context is ending: from now on HostWait::grace runs.
    void cancel() { host_wait_.cancel(); }

private:
    Result<bool> record_locked(const sac_overlay *what, const sac_overlay_target *target,
                               const sac_vk_commands *commands);
    Status check_family(const HostCommands &commands) const;
    Status check_extent(const sac_overlay_target &target) const;
    Status ensure_compositor();

    vk::Device &device_;
    vk::Memory &memory_;
    const Host &host_;
    Health &health_;
    const bool on_host_device_;
    std::vector<VkQueueFlags> families_;  ///< of the device's queues
    std::atomic_flag recording_;
    HostWait host_wait_;
    std::mutex mutex_;  ///< of the rest
    std::unique_ptr<overlay::Compositor> compositor_;
    overlay::Overlay overlay_;  ///< of the record at hand; this and the next are kept for their capacity
    std::vector<overlay::Shape> shapes_;
};

}  // namespace sac::vision
