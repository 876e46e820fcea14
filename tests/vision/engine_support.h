#pragma once
// A host with a device of its own, its images and its command buffers.

#include <doctest/doctest.h>

#include "compute/vk/commands.h"
#include "compute/vk/memory.h"
#include "tests/vision/abi_support.h"

namespace sac::test {

/// The host's queue: how often it was locked; and the errors of its log.
struct Locks {
    std::mutex mutex;
    std::atomic<uint64_t> locked = 0;
    std::vector<std::string> errors;  ///< guarded by the mutex
};

/// An engine with a device of its own, and the plugin on it.
struct Engine {
    std::unique_ptr<vk::Device> device;
    std::unique_ptr<vk::Memory> memory;
    Locks locks;
    VkPhysicalDeviceFeatures2 features = {};
    VkPhysicalDeviceVulkan12Features features12 = {};
    sac_vk_device desc = make_struct<sac_vk_device>(SAC_TYPE_VK_DEVICE);

    explicit Engine(uint32_t mode = SAC_MODE_SHARED_QUEUE, bool validation = true);

    /// The engine's own work: lets a timeline reach a point.
    Status submit(const vk::SemaphorePoint &signal);
    /// Brings a timeline to a value by the host alone.
    void signal(const vk::SemaphorePoint &point);
    void lend(TestHost &host);
};

/// A picture in an image of the engine's.
class EngineImage {
public:
    EngineImage(Engine &engine, const ColorFrame &picture, VkFormat format, VkImageLayout layout);
    ~EngineImage();
    EngineImage(const EngineImage &) = delete;
    EngineImage &operator=(const EngineImage &) = delete;

    /// What the frame says of the image. The pointer is good as long as this object.
    void put(ColorFrame &picture);
    sac_vk_image &desc() { return desc_; }
    /// The engine uses the image again, in `layout`: the layer complains if it is in another one.
    void use_again(VkImageLayout layout);

private:
    void change(VkCommandBuffer commands, VkImageLayout from, VkImageLayout to);

    Engine &engine_;
    const VkFormat format_;
    const VkImageLayout layout_;
    const uint32_t side_;
    VkImage image_ = VK_NULL_HANDLE;
    vk::Allocation allocation_;
    sac_vk_image desc_ = {};
};

/// Command buffers of the engine's, one after another, and the timeline that they bring on.
class EngineCommands {
public:
    explicit EngineCommands(Engine &engine);
    ~EngineCommands();  ///< waits for the device
    EngineCommands(const EngineCommands &) = delete;
    EngineCommands &operator=(const EngineCommands &) = delete;

    /// Begins one; it is submitted to reach the next value of the timeline.
    sac_vk_commands begin();
    /// Submits the oldest that has not been, behind `wait`.
    void submit(std::span<const vk::SemaphorePoint> wait = {});
    /// Throws it away instead, and signals.
    void throw_away();
    /// Waits for all that was submitted.
    void wait();
    vk::Timeline &timeline() { return *timeline_; }

private:
    Engine &engine_;
    std::unique_ptr<vk::Timeline> timeline_;
    std::vector<vk::CommandBuffer> buffers_;  ///< by value of the timeline, from 1
    uint64_t over_ = 0;                       ///< how many were submitted or thrown away
};

}  // namespace sac::test
