#pragma once
// A host that lends its device to the plugin and lets it draw over images of its own.

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "compute/vk/commands.h"
#include "compute/vk/memory.h"
#include "engine/io/image.h"
#include "plugins/vision/saccade_overlay.h"

namespace sac::test {

template <class T>
T make_struct(uint32_t type) {
    T made = {};
    made.type = type;
    made.size = sizeof(T);
    return made;
}

/// A context on device() (mode B unless told otherwise), the extension's table, and a timeline for what the host
/// submits.
class OverlayHost {
public:
    /// With another loader than the system's, the plugin sees what that one shows it.
    explicit OverlayHost(PFN_vkGetInstanceProcAddr get = nullptr, uint32_t mode = SAC_MODE_SHARED_QUEUE);
    ~OverlayHost();
    OverlayHost(const OverlayHost &) = delete;
    OverlayHost &operator=(const OverlayHost &) = delete;

    sac_api sac = {};
    sac_context context = {};
    const sac_overlay_api *overlay = nullptr;
    std::unique_ptr<vk::Timeline> timeline;

    /// What a record into `commands` is told, done at the next point of the timeline.
    sac_vk_commands commands_of(VkCommandBuffer commands);
    /// Lets the timeline reach `value` without the device's doing anything.
    void signal(uint64_t value);
    sac_result destroy();
    std::string last_error() const;
    std::vector<std::string> logged() const;

private:
    static void log(void *user, int32_t level, const char *message);
    mutable std::mutex mutex_;
    std::mutex queue_mutex_;
    std::vector<std::string> logged_;
};

/// An image of the host's with a picture in it.
class HostImage {
public:
    explicit HostImage(VkFormat format, VkExtent2D extent, VkImageCreateFlags flags = 0);
    ~HostImage();
    HostImage(const HostImage &) = delete;
    HostImage &operator=(const HostImage &) = delete;

    VkImage handle() const { return image_; }
    /// The image as a target: its size and format, from and to COLOR_ATTACHMENT_OPTIMAL.
    sac_overlay_target target() const;
    /// From any layout to TRANSFER_DST_OPTIMAL and filled, then to `layout`.
    void record_upload(VkCommandBuffer commands, const engine::Image &picture, VkImageLayout layout);
    /// From `layout` into memory.
    void record_download(VkCommandBuffer commands, VkImageLayout layout);
    /// What was downloaded, as sRGB-coded bytes.
    engine::Image downloaded() const;

private:
    const VkFormat format_;
    const VkExtent2D extent_;
    VkImage image_ = VK_NULL_HANDLE;
    vk::Allocation allocation_;
    vk::Buffer bytes_;
};

/// The picture with the overlay over it: uploaded, drawn over by the plugin, downloaded, in one submission. `change`
/// may change the target before it is handed over. The test ends where record fails.
engine::Image composite(OverlayHost &host, HostImage &image, const engine::Image &picture, const sac_overlay &what,
                        const std::function<void(sac_overlay_target &)> &change = {});

/// A snapshot made by hand.
struct HandSnapshot {
    std::vector<sac_detection> detections;
    sac_snapshot fields = make_struct<sac_snapshot>(SAC_TYPE_SNAPSHOT);

    HandSnapshot(uint32_t width, uint32_t height);
    void add(float x1, float y1, float x2, float y2, uint32_t class_id, const char *label, float score,
             uint32_t track_id = 0);
    /// An overlay of it with no more than that.
    sac_overlay overlay();
};

}  // namespace sac::test
