#include "samples/foreign_host/renderer.h"

#include <cmath>

// Made by the build from quad.vert and quad.frag: const uint32_t quad_vert[], quad_frag[].
#include "samples/foreign_host/quad.frag.h"
#include "samples/foreign_host/quad.vert.h"

namespace {

constexpr float focal_length = 1.5f;

struct QuadConstants {  // as in quad.vert
    float rect[4];
    float camera[4];
    float depth, aspect;
    float repeat[2];
};

}  // namespace

Camera camera_at(double seconds) {
    const auto wave = [seconds](double size, double speed) {
        return static_cast<float>(size * std::sin(speed * seconds));
    };
    return {wave(0.15, 0.9), wave(0.05, 1.3), -1.0f + wave(0.12, 0.6)};
}

Renderer::Renderer(VulkanHost &host, const FrameRing &ring, uint32_t width, uint32_t height, const Picture &picture)
    : host_(host), width_(width), height_(height) {
    create_render_pass();
    for (const Frame &frame : ring.frames()) {
        auto info = vk_struct<VkFramebufferCreateInfo>(VK_STRUCTURE_TYPE_FRAMEBUFFER_CREATE_INFO);
        info.renderPass = render_pass_;
        info.attachmentCount = 1;
        info.pAttachments = &frame.scene.view;
        info.width = width;
        info.height = height;
        info.layers = 1;
        framebuffers_.emplace_back();
        check(host.vk.CreateFramebuffer(host.device, &info, nullptr, &framebuffers_.back()), "vkCreateFramebuffer");
    }
    create_textures(picture);
    create_pipeline();
}

Renderer::~Renderer() {
    host_.vk.DestroyPipeline(host_.device, pipeline_, nullptr);
    host_.vk.DestroyPipelineLayout(host_.device, pipeline_layout_, nullptr);
    host_.vk.DestroyDescriptorPool(host_.device, descriptor_pool_, nullptr);
    host_.vk.DestroyDescriptorSetLayout(host_.device, set_layout_, nullptr);
    host_.vk.DestroySampler(host_.device, sampler_, nullptr);
    host_.destroy(picture_.image);
    host_.destroy(wall_.image);
    for (const VkFramebuffer framebuffer : framebuffers_)
        host_.vk.DestroyFramebuffer(host_.device, framebuffer, nullptr);
    host_.vk.DestroyRenderPass(host_.device, render_pass_, nullptr);
}

void Renderer::create_render_pass() {
    VkAttachmentDescription color = {};
    color.format = VulkanHost::format;
    color.samples = VK_SAMPLE_COUNT_1_BIT;
    color.loadOp = VK_ATTACHMENT_LOAD_OP_CLEAR;
    color.storeOp = VK_ATTACHMENT_STORE_OP_STORE;
    color.stencilLoadOp = VK_ATTACHMENT_LOAD_OP_DONT_CARE;
    color.stencilStoreOp = VK_ATTACHMENT_STORE_OP_DONT_CARE;
    color.initialLayout = VK_IMAGE_LAYOUT_UNDEFINED;
    color.finalLayout = VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL;
    const VkAttachmentReference reference = {0, VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL};
    VkSubpassDescription subpass = {};
    subpass.pipelineBindPoint = VK_PIPELINE_BIND_POINT_GRAPHICS;
    subpass.colorAttachmentCount = 1;
    subpass.pColorAttachments = &reference;
    VkSubpassDependency then_copied = {};
    then_copied.srcSubpass = 0;
    then_copied.dstSubpass = VK_SUBPASS_EXTERNAL;
    then_copied.srcStageMask = VK_PIPELINE_STAGE_COLOR_ATTACHMENT_OUTPUT_BIT;
    then_copied.srcAccessMask = VK_ACCESS_COLOR_ATTACHMENT_WRITE_BIT;
    then_copied.dstStageMask = VK_PIPELINE_STAGE_TRANSFER_BIT;
    then_copied.dstAccessMask = VK_ACCESS_TRANSFER_READ_BIT;
    auto info = vk_struct<VkRenderPassCreateInfo>(VK_STRUCTURE_TYPE_RENDER_PASS_CREATE_INFO);
    info.attachmentCount = 1;
    info.pAttachments = &color;
    info.subpassCount = 1;
    info.pSubpasses = &subpass;
    info.dependencyCount = 1;
    info.pDependencies = &then_copied;
    check(host_.vk.CreateRenderPass(host_.device, &info, nullptr, &render_pass_), "vkCreateRenderPass");
}

void Renderer::create_textures(const Picture &picture) {
    auto sampler = vk_struct<VkSamplerCreateInfo>(VK_STRUCTURE_TYPE_SAMPLER_CREATE_INFO);
    sampler.magFilter = sampler.minFilter = VK_FILTER_LINEAR;
    sampler.addressModeU = sampler.addressModeV = VK_SAMPLER_ADDRESS_MODE_MIRRORED_REPEAT;
    check(host_.vk.CreateSampler(host_.device, &sampler, nullptr, &sampler_), "vkCreateSampler");
    VkDescriptorSetLayoutBinding binding = {};
    binding.descriptorType = VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER;
    binding.descriptorCount = 1;
    binding.stageFlags = VK_SHADER_STAGE_FRAGMENT_BIT;
    binding.pImmutableSamplers = &sampler_;
    auto layout = vk_struct<VkDescriptorSetLayoutCreateInfo>(VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO);
    layout.bindingCount = 1;
    layout.pBindings = &binding;
    check(host_.vk.CreateDescriptorSetLayout(host_.device, &layout, nullptr, &set_layout_),
          "vkCreateDescriptorSetLayout");
    const VkDescriptorPoolSize size = {VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER, 2};
    auto pool = vk_struct<VkDescriptorPoolCreateInfo>(VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO);
    pool.maxSets = 2;
    pool.poolSizeCount = 1;
    pool.pPoolSizes = &size;
    check(host_.vk.CreateDescriptorPool(host_.device, &pool, nullptr, &descriptor_pool_), "vkCreateDescriptorPool");

    const auto create = [&](const Picture &from) {
        Texture texture;
        texture.image =
            host_.create_image(from.width, from.height, VK_IMAGE_USAGE_SAMPLED_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT);
        host_.upload(texture.image, from.width, from.height, from.rgba.data());
        auto set = vk_struct<VkDescriptorSetAllocateInfo>(VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO);
        set.descriptorPool = descriptor_pool_;
        set.descriptorSetCount = 1;
        set.pSetLayouts = &set_layout_;
        check(host_.vk.AllocateDescriptorSets(host_.device, &set, &texture.set), "vkAllocateDescriptorSets");
        const VkDescriptorImageInfo image = {VK_NULL_HANDLE, texture.image.view,
                                             VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL};
        auto write = vk_struct<VkWriteDescriptorSet>(VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET);
        write.dstSet = texture.set;
        write.descriptorCount = 1;
        write.descriptorType = VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER;
        write.pImageInfo = &image;
        host_.vk.UpdateDescriptorSets(host_.device, 1, &write, 0, nullptr);
        return texture;
    };
    wall_ = create(tiles());
    const Picture shown = reduced(picture, 2 * height_);
    picture_ = create(shown);
    picture_width_ = static_cast<float>(shown.width) / static_cast<float>(shown.height);
}

VkShaderModule Renderer::create_shader(const uint32_t *words, size_t bytes) const {
    auto info = vk_struct<VkShaderModuleCreateInfo>(VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO);
    info.codeSize = bytes;
    info.pCode = words;
    VkShaderModule shader;
    check(host_.vk.CreateShaderModule(host_.device, &info, nullptr, &shader), "vkCreateShaderModule");
    return shader;
}

void Renderer::create_pipeline() {
    const VkPushConstantRange constants = {VK_SHADER_STAGE_VERTEX_BIT, 0, sizeof(QuadConstants)};
    auto layout = vk_struct<VkPipelineLayoutCreateInfo>(VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO);
    layout.setLayoutCount = 1;
    layout.pSetLayouts = &set_layout_;
    layout.pushConstantRangeCount = 1;
    layout.pPushConstantRanges = &constants;
    check(host_.vk.CreatePipelineLayout(host_.device, &layout, nullptr, &pipeline_layout_), "vkCreatePipelineLayout");

    VkPipelineShaderStageCreateInfo stages[2] = {};
    for (VkPipelineShaderStageCreateInfo &stage : stages) {
        stage.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO;
        stage.pName = "main";
    }
    stages[0].stage = VK_SHADER_STAGE_VERTEX_BIT;
    stages[0].module = create_shader(quad_vert, sizeof quad_vert);
    stages[1].stage = VK_SHADER_STAGE_FRAGMENT_BIT;
    stages[1].module = create_shader(quad_frag, sizeof quad_frag);
    const auto vertices =
        vk_struct<VkPipelineVertexInputStateCreateInfo>(VK_STRUCTURE_TYPE_PIPELINE_VERTEX_INPUT_STATE_CREATE_INFO);
    auto assembly =
        vk_struct<VkPipelineInputAssemblyStateCreateInfo>(VK_STRUCTURE_TYPE_PIPELINE_INPUT_ASSEMBLY_STATE_CREATE_INFO);
    assembly.topology = VK_PRIMITIVE_TOPOLOGY_TRIANGLE_LIST;
    const VkViewport viewport = {0, 0, static_cast<float>(width_), static_cast<float>(height_), 0, 1};
    const VkRect2D scissor = {{0, 0}, {width_, height_}};
    auto view = vk_struct<VkPipelineViewportStateCreateInfo>(VK_STRUCTURE_TYPE_PIPELINE_VIEWPORT_STATE_CREATE_INFO);
    view.viewportCount = view.scissorCount = 1;
    view.pViewports = &viewport;
    view.pScissors = &scissor;
    auto raster =
        vk_struct<VkPipelineRasterizationStateCreateInfo>(VK_STRUCTURE_TYPE_PIPELINE_RASTERIZATION_STATE_CREATE_INFO);
    raster.lineWidth = 1;
    auto samples =
        vk_struct<VkPipelineMultisampleStateCreateInfo>(VK_STRUCTURE_TYPE_PIPELINE_MULTISAMPLE_STATE_CREATE_INFO);
    samples.rasterizationSamples = VK_SAMPLE_COUNT_1_BIT;
    VkPipelineColorBlendAttachmentState opaque = {};
    opaque.colorWriteMask =
        VK_COLOR_COMPONENT_R_BIT | VK_COLOR_COMPONENT_G_BIT | VK_COLOR_COMPONENT_B_BIT | VK_COLOR_COMPONENT_A_BIT;
    auto blend =
        vk_struct<VkPipelineColorBlendStateCreateInfo>(VK_STRUCTURE_TYPE_PIPELINE_COLOR_BLEND_STATE_CREATE_INFO);
    blend.attachmentCount = 1;
    blend.pAttachments = &opaque;
    auto info = vk_struct<VkGraphicsPipelineCreateInfo>(VK_STRUCTURE_TYPE_GRAPHICS_PIPELINE_CREATE_INFO);
    info.stageCount = 2;
    info.pStages = stages;
    info.pVertexInputState = &vertices;
    info.pInputAssemblyState = &assembly;
    info.pViewportState = &view;
    info.pRasterizationState = &raster;
    info.pMultisampleState = &samples;
    info.pColorBlendState = &blend;
    info.layout = pipeline_layout_;
    info.renderPass = render_pass_;
    const VkResult created =
        host_.vk.CreateGraphicsPipelines(host_.device, VK_NULL_HANDLE, 1, &info, nullptr, &pipeline_);
    for (const VkPipelineShaderStageCreateInfo &stage : stages)
        host_.vk.DestroyShaderModule(host_.device, stage.module, nullptr);
    check(created, "vkCreateGraphicsPipelines");
}

void Renderer::draw_quad(VkCommandBuffer commands, const Texture &texture, const float (&rect)[4], float depth,
                         float repeat, const Camera &camera) const {
    QuadConstants constants = {{rect[0], rect[1], rect[2], rect[3]},
                               {camera.x, camera.y, camera.z, focal_length},
                               depth,
                               static_cast<float>(width_) / static_cast<float>(height_),
                               {repeat, repeat}};
    host_.vk.CmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_GRAPHICS, pipeline_layout_, 0, 1, &texture.set, 0,
                                   nullptr);
    host_.vk.CmdPushConstants(commands, pipeline_layout_, VK_SHADER_STAGE_VERTEX_BIT, 0, sizeof constants, &constants);
    host_.vk.CmdDraw(commands, 6, 1, 0, 0);
}

void Renderer::draw(const Frame &frame, const Camera &camera) const {
    const VkClearValue clear = {};
    auto pass = vk_struct<VkRenderPassBeginInfo>(VK_STRUCTURE_TYPE_RENDER_PASS_BEGIN_INFO);
    pass.renderPass = render_pass_;
    pass.framebuffer = framebuffers_[frame.index];
    pass.renderArea = {{0, 0}, {width_, height_}};
    pass.clearValueCount = 1;
    pass.pClearValues = &clear;
    host_.vk.CmdBeginRenderPass(frame.commands, &pass, VK_SUBPASS_CONTENTS_INLINE);
    host_.vk.CmdBindPipeline(frame.commands, VK_PIPELINE_BIND_POINT_GRAPHICS, pipeline_);
    draw_quad(frame.commands, wall_, {-6, -6, 6, 6}, 1, 4, camera);
    draw_quad(frame.commands, picture_, {-0.5f * picture_width_, -0.5f, 0.5f * picture_width_, 0.5f}, 0, 1, camera);
    host_.vk.CmdEndRenderPass(frame.commands);

    // The target begins as what was drawn. Nobody else uses it: the frame's last commands are done.
    host_.barrier(frame.commands,
                  {frame.target.handle, VK_IMAGE_LAYOUT_UNDEFINED, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL,
                   VK_PIPELINE_STAGE_TOP_OF_PIPE_BIT, 0, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_ACCESS_TRANSFER_WRITE_BIT});
    VkImageCopy region = {};
    region.srcSubresource = region.dstSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1};
    region.extent = {width_, height_, 1};
    host_.vk.CmdCopyImage(frame.commands, frame.scene.handle, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, frame.target.handle,
                          VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, 1, &region);
    host_.barrier(frame.commands,
                  {frame.scene.handle, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL,
                   VK_PIPELINE_STAGE_TRANSFER_BIT, 0, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, VK_ACCESS_SHADER_READ_BIT});
}

Area Renderer::picture_area(const Camera &camera) const {
    const float scale = 0.5f * static_cast<float>(height_) * focal_length / -camera.z;  // pixels a unit
    const float middle_x = 0.5f * static_cast<float>(width_) - camera.x * scale;
    const float middle_y = 0.5f * static_cast<float>(height_) - camera.y * scale;
    const float half_width = 0.5f * picture_width_ * scale, half_height = 0.5f * scale;
    return {middle_x - half_width, middle_y - half_height, middle_x + half_width, middle_y + half_height};
}
