#pragma once
// Draws a picture and its overlay into an image: a window's or one in memory. Everything is done on the GPU; what goes
// up each time are the frame's own planes and some bytes a shape.

#include <functional>
#include <vector>

#include "compute/vk/gpu_image.h"
#include "engine/io/frame.h"
#include "plugins/overlay/shapes_renderer.h"

namespace sac::engine {

/// Device and memory must outlive it. [thread] one at a time.
class Renderer {
public:
    /// `format`: of the images drawn to (UNORM, values are sRGB-coded as they come). `final_layout`: the layout they
    /// are left in. `slots`: frames that may be in flight at one time.
    static Result<std::unique_ptr<Renderer>> create(vk::Device &device, vk::Memory &memory, VkFormat format,
                                                    VkImageLayout final_layout, uint32_t slots);
    ~Renderer();  ///< the device must be done with what was recorded
    Renderer(const Renderer &) = delete;
    Renderer &operator=(const Renderer &) = delete;

    /// For pipelines of what is drawn on top: one color attachment, one sample.
    VkRenderPass pass() const { return pass_; }
    /// A framebuffer over an image view of the renderer's format; destroyed by the caller.
    Result<VkFramebuffer> create_framebuffer(VkImageView view, VkExtent2D extent);

    /// What one draw shows.
    struct Scene {
        const Frame *frame = nullptr;  ///< null: the picture shown before, if there was one
        const overlay::Overlay *overlay = nullptr;
        float scale = 1;                              ///< of lines and letters: overlay_scale(), or a display's own
        overlay::Rect area;                           ///< of the target, for picture and overlay; no width: all of it
        std::function<void(VkCommandBuffer)> on_top;  ///< draws over all that, within the render pass; may be empty
    };
    /// Shows no picture from the next draw on, until there is a new one.
    void hide_picture() { picture_shown_ = false; }
    /// Records upload and drawing. `slot`'s last submission must have finished. The picture is shown by letterbox().
    Status draw(VkCommandBuffer commands, uint32_t slot, VkFramebuffer framebuffer, VkExtent2D extent,
                const Scene &scene);

private:
    struct Slot {
        vk::Buffer staging;
        overlay::ShapeBuffer shapes;
    };
    Renderer(vk::Device &device, vk::Memory &memory) : device_(device), memory_(memory) {}
    Status create_layouts();
    Status create_pipelines();
    Status fit_textures(const Frame &frame);
    Status upload(VkCommandBuffer commands, Slot &slot, const Frame &frame);
    void draw_picture(VkCommandBuffer commands, VkExtent2D extent, const overlay::Rect &where);

    vk::Device &device_;
    vk::Memory &memory_;
    std::unique_ptr<overlay::ShapesRenderer> shapes_renderer_;
    VkRenderPass pass_ = VK_NULL_HANDLE;
    VkSampler sampler_ = VK_NULL_HANDLE;
    VkDescriptorSetLayout set_layout_ = VK_NULL_HANDLE;
    VkDescriptorPool pool_ = VK_NULL_HANDLE;
    VkDescriptorSet set_ = VK_NULL_HANDLE;
    VkPipelineLayout layout_ = VK_NULL_HANDLE;
    VkPipeline picture_pipelines_[2][2] = {};  // [YUV][made smaller]
    VkPipeline shapes_pipeline_ = VK_NULL_HANDLE;
    std::array<vk::GpuImage, 3> planes_;  // of the picture; those its format does not have are one pixel
    bool planes_written_ = false, picture_shown_ = false;
    Frame shown_;  // format and size of the picture, without its memory
    std::vector<Slot> slots_;
    std::vector<overlay::Shape> shapes_;  // of the draw at hand, kept for its capacity
};

}  // namespace sac::engine
