#pragma once
// Graphics pipelines: lists of triangles, drawn flat over what is there or in depth.

#include <span>

#include "compute/vk/device.h"

namespace sac::vk {

/// How a color attachment takes what is drawn.
enum class Blend : uint8_t {
    none,  ///< replaces
    over,  ///< by the fragment's alpha
    max,   ///< the greater of both, channel by channel
};

struct GraphicsPipelineDesc {
    const char *name = "";
    std::span<const uint32_t> vertex, fragment;  ///< SPIR-V; without `fragment` only depth is written
    VkPipelineLayout layout = VK_NULL_HANDLE;
    VkRenderPass pass = VK_NULL_HANDLE;
    uint32_t instance_stride = 0;  ///< bytes of binding 0, which steps once an instance; 0: no vertex input
    uint32_t vertex_stride = 0;    ///< bytes of binding 1, which steps once a vertex; 0: there is none
    std::span<const VkVertexInputAttributeDescription> attributes;
    Blend blend = Blend::none;       ///< of every color attachment
    uint32_t color_attachments = 1;  ///< of the pass
    VkSampleCountFlagBits samples = VK_SAMPLE_COUNT_1_BIT;
    bool depth = false;                        ///< nearer or equal fragments win (0 is near) and leave their depth
    VkCullModeFlags cull = VK_CULL_MODE_NONE;  ///< front faces are counter-clockwise in the picture
};

/// Viewport and scissor are dynamic. The caller destroys the pipeline.
Result<VkPipeline> create_graphics_pipeline(Device &device, const GraphicsPipelineDesc &desc);

/// A pass that clears one color attachment of one sample, draws into it and leaves it in `final_layout`. Before it the
/// image may be read by a copy or be waited for at color output; after it may come a copy. The caller destroys it.
Result<VkRenderPass> create_clear_pass(Device &device, VkFormat format, VkImageLayout final_layout, const char *name);

/// A framebuffer over views of that size, in the order of the pass' attachments. The caller destroys it.
Result<VkFramebuffer> create_framebuffer(Device &device, VkRenderPass pass, std::span<const VkImageView> views,
                                         VkExtent2D extent, const char *name);

}  // namespace sac::vk
