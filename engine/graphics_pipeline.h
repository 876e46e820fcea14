#pragma once
// A graphics pipeline for flat drawing: triangles, one color attachment, blending over what is there, no depth.

#include <span>

#include "compute/vk/device.h"

namespace sac::engine {

struct GraphicsPipelineDesc {
    const char *name = "";
    std::span<const uint32_t> vertex, fragment;  ///< SPIR-V
    VkPipelineLayout layout = VK_NULL_HANDLE;
    VkRenderPass pass = VK_NULL_HANDLE;
    uint32_t instance_stride = 0;  ///< bytes of binding 0, which steps once an instance; 0: no vertex input
    std::span<const VkVertexInputAttributeDescription> attributes;
    bool blend = false;
};

/// Viewport and scissor are dynamic. The caller destroys the pipeline.
Result<VkPipeline> create_graphics_pipeline(vk::Device &device, const GraphicsPipelineDesc &desc);

}  // namespace sac::engine
