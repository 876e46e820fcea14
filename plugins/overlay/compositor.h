#pragma once
// Shapes over an image that somebody else owns, by command buffers that somebody else submits.

#include <chrono>

#include "plugins/overlay/shapes_renderer.h"

namespace sac::overlay {

/// What is drawn to. Image and format must fit; the image has VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT.
struct CompositorTarget {
    VkImage image = VK_NULL_HANDLE;  ///< 2D, one sample; level 0 of layer 0 is drawn to
    VkFormat format = VK_FORMAT_UNDEFINED;
    VkExtent2D extent = {};                                                       ///< of level 0
    VkImageLayout layout_in = VK_IMAGE_LAYOUT_UNDEFINED, layout_out = layout_in;  ///< before and after the commands
    VkRect2D visible = {};  ///< part of it; nothing outside changes
    float opacity = 1;
};

/// Somebody's commands, and when the device is done with them.
struct ForeignCommands {
    VkCommandBuffer commands = VK_NULL_HANDLE;  ///< being recorded, outside of a render pass, of a graphics family
    VkSemaphore done = VK_NULL_HANDLE;          ///< timeline; stays until the compositor is destroyed
    uint64_t done_value = 0;
};

/// Device and memory must outlive it. Keeps what recorded commands use until their semaphore says that they are done,
/// and looks at that when the next ones are recorded. [thread] one at a time.
class Compositor {
public:
    static constexpr uint32_t slots = 8;  ///< records that may be in flight

    static Result<std::unique_ptr<Compositor>> create(vk::Device &device, vk::Memory &memory);
    ~Compositor();  ///< destroys what commands in flight use: see wait()
    Compositor(const Compositor &) = delete;
    Compositor &operator=(const Compositor &) = delete;

    const Font &font() const { return renderer_->font(); }
    static bool knows(VkFormat format);
    /// Builds the format's pipeline, if it is not there yet. Error unsupported: not a format of knows().
    Status prepare(VkFormat format);
    /// Records barriers and one draw (without shapes only a change of layout); waits for nothing. False: all slots are
    /// in flight, nothing was recorded. After an error neither. The pipeline of a new format is built here.
    Result<bool> record(std::span<const Shape> shapes, const CompositorTarget &target, const ForeignCommands &commands);
    /// Records in flight after at most that time.
    Result<uint32_t> wait(std::chrono::nanoseconds timeout);

private:
    struct Slot {
        ShapeBuffer shapes;
        VkImageView view = VK_NULL_HANDLE;
        VkFramebuffer framebuffer = VK_NULL_HANDLE;
        VkSemaphore done = VK_NULL_HANDLE;  ///< null: not in flight
        uint64_t done_value = 0;
    };
    struct Pass {
        VkRenderPass pass = VK_NULL_HANDLE;
        VkPipeline pipeline = VK_NULL_HANDLE;
    };
    static constexpr size_t format_count = 6;

    Compositor(vk::Device &device, vk::Memory &memory) : device_(device), memory_(memory) {}
    Result<uint64_t> reached(VkSemaphore semaphore) const;
    Status collect();
    void free_slot(Slot &slot);
    Status fill(Slot &slot, std::span<const Shape> shapes, const CompositorTarget &target, VkRenderPass pass);

    vk::Device &device_;
    vk::Memory &memory_;
    std::unique_ptr<ShapesRenderer> renderer_;
    Pass passes_[format_count];
    Slot slots_[slots];
};

}  // namespace sac::overlay
