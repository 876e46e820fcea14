#pragma once
// Draws pictures with overlays into memory: annotated frames, screenshots without a window, goldens.

#include "compute/vk/commands.h"
#include "engine/io/image.h"
#include "engine/renderer.h"

namespace sac::engine {

/// Device and memory must outlive it. [thread] one at a time.
class Canvas {
public:
    static Result<std::unique_ptr<Canvas>> create(vk::Device &device, vk::Memory &memory);
    ~Canvas();
    Canvas(const Canvas &) = delete;
    Canvas &operator=(const Canvas &) = delete;

    /// Draws the frame at `extent` (default: its own size, upright) and waits. `scale` 0: overlay_scale().
    Result<Image> draw(const Frame &frame, const overlay::Overlay &overlay, VkExtent2D extent = {}, float scale = 0);

private:
    Canvas(vk::Device &device, vk::Memory &memory) : device_(device), memory_(memory) {}
    Status fit(VkExtent2D extent);

    vk::Device &device_;
    vk::Memory &memory_;
    std::unique_ptr<Renderer> renderer_;
    vk::GpuImage target_;
    VkFramebuffer framebuffer_ = VK_NULL_HANDLE;
    vk::Buffer readback_;
};

}  // namespace sac::engine
