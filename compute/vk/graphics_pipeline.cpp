#include "compute/vk/graphics_pipeline.h"

#include <vector>

namespace sac::vk {

namespace {

Result<VkShaderModule> create_module(Device &device, std::span<const uint32_t> words) {
    VkShaderModuleCreateInfo info = {};
    info.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO;
    info.codeSize = words.size_bytes();
    info.pCode = words.data();
    VkShaderModule module = VK_NULL_HANDLE;
    SAC_VK(device.fn().CreateShaderModule(device.handle(), &info, nullptr, &module), "creating a shader module");
    return module;
}

}  // namespace

Result<VkPipeline> create_graphics_pipeline(Device &device, const GraphicsPipelineDesc &desc) {
    SAC_ASSIGN(const VkShaderModule vertex, create_module(device, desc.vertex));
    Result<VkShaderModule> fragment = VkShaderModule{VK_NULL_HANDLE};
    if (!desc.fragment.empty()) fragment = create_module(device, desc.fragment);
    if (!fragment) {
        device.fn().DestroyShaderModule(device.handle(), vertex, nullptr);
        return std::move(fragment).error();
    }
    VkPipelineShaderStageCreateInfo stages[2] = {};
    for (int i = 0; i < 2; ++i) {
        stages[i].sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO;
        stages[i].stage = i == 0 ? VK_SHADER_STAGE_VERTEX_BIT : VK_SHADER_STAGE_FRAGMENT_BIT;
        stages[i].module = i == 0 ? vertex : *fragment;
        stages[i].pName = "main";
    }

    VkVertexInputBindingDescription bindings[2];
    uint32_t binding_count = 0;
    if (desc.instance_stride) bindings[binding_count++] = {0, desc.instance_stride, VK_VERTEX_INPUT_RATE_INSTANCE};
    if (desc.vertex_stride) bindings[binding_count++] = {1, desc.vertex_stride, VK_VERTEX_INPUT_RATE_VERTEX};
    VkPipelineVertexInputStateCreateInfo input = {};
    input.sType = VK_STRUCTURE_TYPE_PIPELINE_VERTEX_INPUT_STATE_CREATE_INFO;
    input.vertexBindingDescriptionCount = binding_count;
    input.pVertexBindingDescriptions = bindings;
    input.vertexAttributeDescriptionCount = static_cast<uint32_t>(desc.attributes.size());
    input.pVertexAttributeDescriptions = desc.attributes.data();
    VkPipelineInputAssemblyStateCreateInfo assembly = {};
    assembly.sType = VK_STRUCTURE_TYPE_PIPELINE_INPUT_ASSEMBLY_STATE_CREATE_INFO;
    assembly.topology = VK_PRIMITIVE_TOPOLOGY_TRIANGLE_LIST;
    VkPipelineViewportStateCreateInfo viewport = {};
    viewport.sType = VK_STRUCTURE_TYPE_PIPELINE_VIEWPORT_STATE_CREATE_INFO;
    viewport.viewportCount = viewport.scissorCount = 1;
    VkPipelineRasterizationStateCreateInfo raster = {};
    raster.sType = VK_STRUCTURE_TYPE_PIPELINE_RASTERIZATION_STATE_CREATE_INFO;
    raster.polygonMode = VK_POLYGON_MODE_FILL;
    raster.cullMode = desc.cull;
    raster.frontFace = VK_FRONT_FACE_COUNTER_CLOCKWISE;
    raster.lineWidth = 1;
    VkPipelineMultisampleStateCreateInfo samples = {};
    samples.sType = VK_STRUCTURE_TYPE_PIPELINE_MULTISAMPLE_STATE_CREATE_INFO;
    samples.rasterizationSamples = desc.samples;
    VkPipelineDepthStencilStateCreateInfo depth = {};
    depth.sType = VK_STRUCTURE_TYPE_PIPELINE_DEPTH_STENCIL_STATE_CREATE_INFO;
    depth.depthTestEnable = depth.depthWriteEnable = desc.depth;
    depth.depthCompareOp = VK_COMPARE_OP_LESS_OR_EQUAL;
    VkPipelineColorBlendAttachmentState blend = {};
    blend.blendEnable = desc.blend != Blend::none;
    const bool over = desc.blend == Blend::over;
    blend.colorBlendOp = blend.alphaBlendOp = over ? VK_BLEND_OP_ADD : VK_BLEND_OP_MAX;  // MAX has no factors
    blend.srcColorBlendFactor = over ? VK_BLEND_FACTOR_SRC_ALPHA : VK_BLEND_FACTOR_ONE;
    blend.dstColorBlendFactor = over ? VK_BLEND_FACTOR_ONE_MINUS_SRC_ALPHA : VK_BLEND_FACTOR_ONE;
    blend.srcAlphaBlendFactor = VK_BLEND_FACTOR_ONE;
    blend.dstAlphaBlendFactor = over ? VK_BLEND_FACTOR_ONE_MINUS_SRC_ALPHA : VK_BLEND_FACTOR_ONE;
    blend.colorWriteMask = 0xf;
    const std::vector<VkPipelineColorBlendAttachmentState> blends(desc.color_attachments, blend);
    VkPipelineColorBlendStateCreateInfo blending = {};
    blending.sType = VK_STRUCTURE_TYPE_PIPELINE_COLOR_BLEND_STATE_CREATE_INFO;
    blending.attachmentCount = desc.color_attachments;
    blending.pAttachments = blends.data();
    const VkDynamicState dynamic_states[] = {VK_DYNAMIC_STATE_VIEWPORT, VK_DYNAMIC_STATE_SCISSOR};
    VkPipelineDynamicStateCreateInfo dynamic = {};
    dynamic.sType = VK_STRUCTURE_TYPE_PIPELINE_DYNAMIC_STATE_CREATE_INFO;
    dynamic.dynamicStateCount = 2;
    dynamic.pDynamicStates = dynamic_states;

    VkGraphicsPipelineCreateInfo info = {};
    info.sType = VK_STRUCTURE_TYPE_GRAPHICS_PIPELINE_CREATE_INFO;
    info.stageCount = desc.fragment.empty() ? 1 : 2;
    info.pStages = stages;
    info.pVertexInputState = &input;
    info.pInputAssemblyState = &assembly;
    info.pViewportState = &viewport;
    info.pRasterizationState = &raster;
    info.pMultisampleState = &samples;
    info.pDepthStencilState = &depth;
    info.pColorBlendState = &blending;
    info.pDynamicState = &dynamic;
    info.layout = desc.layout;
    info.renderPass = desc.pass;
    VkPipeline pipeline = VK_NULL_HANDLE;
    const VkResult result =
        device.fn().CreateGraphicsPipelines(device.handle(), VK_NULL_HANDLE, 1, &info, nullptr, &pipeline);
    device.fn().DestroyShaderModule(device.handle(), vertex, nullptr);
    device.fn().DestroyShaderModule(device.handle(), *fragment, nullptr);
    if (result != VK_SUCCESS) return vk_error(result, std::string("creating the pipeline ") + desc.name);
    device.set_name(VK_OBJECT_TYPE_PIPELINE, reinterpret_cast<uint64_t>(pipeline), desc.name);
    return pipeline;
}

}  // namespace sac::vk
