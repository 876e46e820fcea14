#pragma once
// Draws the shapes of an overlay, within a render pass of whoever owns the picture below.

#include <memory>
#include <span>

#include "compute/vk/memory.h"
#include "plugins/overlay/overlay.h"

namespace sac::overlay {

/// Shapes where the device reads them. Move-only. [thread] one at a time.
class ShapeBuffer {
public:
    /// Copies the shapes; what was in it must no longer be in use. Takes memory only for more than ever before.
    Status write(vk::Device &device, vk::Memory &memory, std::span<const Shape> shapes);
    VkBuffer handle() const { return buffer_.handle(); }
    uint32_t count() const { return count_; }

private:
    vk::Buffer buffer_;
    uint32_t count_ = 0;
};

/// Device and memory must outlive it. [thread] any, after creation.
class ShapesRenderer {
public:
    static Result<std::unique_ptr<ShapesRenderer>> create(vk::Device &device, vk::Memory &memory);
    ~ShapesRenderer();  ///< the device must be done with what was drawn
    ShapesRenderer(const ShapesRenderer &) = delete;
    ShapesRenderer &operator=(const ShapesRenderer &) = delete;

    const Font &font() const { return font_; }
    /// For draw() within `pass` or one compatible with it: one color attachment, one sample. The caller destroys it.
    Result<VkPipeline> create_pipeline(VkRenderPass pass) const;

    struct Target {
        VkExtent2D extent = {};  ///< pixels
        float opacity = 1;       ///< of everything
        bool linear = false;     ///< the attachment blends linear light (_SRGB, _SFLOAT) rather than sRGB-coded values
    };
    /// Records one draw. Viewport and scissor are the caller's. Binds a pipeline, set 0, vertex buffer 0 and push
    /// constants; without shapes nothing.
    void draw(VkCommandBuffer commands, VkPipeline pipeline, const ShapeBuffer &shapes, const Target &target) const;

private:
    explicit ShapesRenderer(vk::Device &device) : device_(device) {}
    Status create_layouts();
    Status create_font_set(vk::Memory &memory);

    vk::Device &device_;
    Font font_;
    VkDescriptorSetLayout set_layout_ = VK_NULL_HANDLE;
    VkDescriptorPool pool_ = VK_NULL_HANDLE;
    VkDescriptorSet set_ = VK_NULL_HANDLE;
    VkPipelineLayout layout_ = VK_NULL_HANDLE;
    vk::Buffer strokes_;
};

}  // namespace sac::overlay
