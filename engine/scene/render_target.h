#pragma once
// Images to draw into, with their render pass: colors, perhaps several samples a pixel, perhaps depth.

#include <span>
#include <vector>

#include "compute/vk/gpu_image.h"

namespace sac::engine {

struct RenderTargetDesc {
    const char *name = "";
    VkExtent2D extent = {};
    std::span<const VkFormat> colors;
    VkFormat depth = VK_FORMAT_UNDEFINED;                   ///< undefined: none
    bool sample_depth = false;                              ///< depth is what is wanted: shaders read it afterwards
    VkSampleCountFlagBits samples = VK_SAMPLE_COUNT_1_BIT;  ///< above 1: of one color, which is averaged at the end
};

/// Cleared at the start of each use (colors to 0, depth to 1). Afterwards colors are in TRANSFER_SRC_OPTIMAL, a sampled
/// depth in DEPTH_STENCIL_READ_ONLY_OPTIMAL. Move-only; device and memory must outlive it, and the device be done with
/// it at the end.
class RenderTarget {
public:
    RenderTarget() = default;
    static Result<RenderTarget> create(vk::Device &device, vk::Memory &memory, const RenderTargetDesc &desc);
    ~RenderTarget();
    RenderTarget(RenderTarget &&other) noexcept;
    RenderTarget &operator=(RenderTarget &&other) noexcept;

    /// Begins the pass, with viewport and scissor over all of it.
    void begin(VkCommandBuffer commands) const;
    void end(VkCommandBuffer commands) const;

    VkRenderPass pass() const { return pass_; }
    VkExtent2D extent() const { return extent_; }
    /// The averaged one where there are several samples.
    const vk::GpuImage &color(size_t index) const { return colors_[index]; }
    const vk::GpuImage &depth() const { return depth_; }

private:
    Status create_pass(const RenderTargetDesc &desc);
    Status create_framebuffer();
    vk::Device *device_ = nullptr;
    VkExtent2D extent_ = {};
    std::vector<vk::GpuImage> colors_;
    vk::GpuImage samples_, depth_;  // samples_: what is averaged into colors_[0]
    VkRenderPass pass_ = VK_NULL_HANDLE;
    VkFramebuffer framebuffer_ = VK_NULL_HANDLE;
};

}  // namespace sac::engine
