#include "engine/scene/render_target.h"

#include <utility>
#include <vector>

#include "compute/vk/graphics_pipeline.h"

namespace sac::engine {

Result<RenderTarget> RenderTarget::create(vk::Device &device, vk::Memory &memory, const RenderTargetDesc &desc) {
    RenderTarget target;
    target.device_ = &device;
    target.extent_ = desc.extent;
    const bool averaged = desc.samples != VK_SAMPLE_COUNT_1_BIT;
    for (const VkFormat format : desc.colors) {
        SAC_ASSIGN(
            vk::GpuImage image,
            vk::GpuImage::create(device, memory, desc.extent, format,
                                 VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT | VK_IMAGE_USAGE_TRANSFER_SRC_BIT, desc.name));
        target.colors_.push_back(std::move(image));
    }
    if (averaged) {
        SAC_ASSIGN(target.samples_, vk::GpuImage::create(device, memory, desc.extent, desc.colors[0],
                                                         VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT, desc.name, desc.samples));
    }
    if (desc.depth != VK_FORMAT_UNDEFINED) {
        VkImageUsageFlags usage = VK_IMAGE_USAGE_DEPTH_STENCIL_ATTACHMENT_BIT;
        if (desc.sample_depth) usage |= VK_IMAGE_USAGE_SAMPLED_BIT;
        SAC_ASSIGN(target.depth_,
                   vk::GpuImage::create(device, memory, desc.extent, desc.depth, usage, desc.name, desc.samples));
    }
    SAC_TRY(target.create_pass(desc));
    SAC_TRY(target.create_framebuffer());
    return target;
}

Status RenderTarget::create_pass(const RenderTargetDesc &desc) {
    // In the order of the framebuffer's views: colors, the average, depth.
    std::vector<VkAttachmentDescription> attachments;
    const auto add = [&](VkFormat format, VkSampleCountFlagBits samples, bool clear, bool keep, VkImageLayout last) {
        VkAttachmentDescription attachment = {};
        attachment.format = format;
        attachment.samples = samples;
        attachment.loadOp = clear ? VK_ATTACHMENT_LOAD_OP_CLEAR : VK_ATTACHMENT_LOAD_OP_DONT_CARE;
        attachment.storeOp = keep ? VK_ATTACHMENT_STORE_OP_STORE : VK_ATTACHMENT_STORE_OP_DONT_CARE;
        attachment.stencilLoadOp = VK_ATTACHMENT_LOAD_OP_DONT_CARE;
        attachment.stencilStoreOp = VK_ATTACHMENT_STORE_OP_DONT_CARE;
        attachment.finalLayout = last;
        attachments.push_back(attachment);
        return VkAttachmentReference{static_cast<uint32_t>(attachments.size() - 1),
                                     VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL};
    };
    const bool averaged = static_cast<bool>(samples_);
    std::vector<VkAttachmentReference> colors;
    VkAttachmentReference average = {}, depth = {};
    if (averaged)
        colors.push_back(add(desc.colors[0], desc.samples, true, false, VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL));
    for (const VkFormat format : desc.colors) {
        const VkAttachmentReference reference =
            add(format, VK_SAMPLE_COUNT_1_BIT, !averaged, true, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL);
        if (averaged)
            average = reference;
        else
            colors.push_back(reference);
    }
    if (depth_) {
        depth = add(desc.depth, desc.samples, true, desc.sample_depth,
                    desc.sample_depth ? VK_IMAGE_LAYOUT_DEPTH_STENCIL_READ_ONLY_OPTIMAL
                                      : VK_IMAGE_LAYOUT_DEPTH_STENCIL_ATTACHMENT_OPTIMAL);
        depth.layout = VK_IMAGE_LAYOUT_DEPTH_STENCIL_ATTACHMENT_OPTIMAL;
    }
    VkSubpassDescription subpass = {};
    subpass.pipelineBindPoint = VK_PIPELINE_BIND_POINT_GRAPHICS;
    subpass.colorAttachmentCount = static_cast<uint32_t>(colors.size());
    subpass.pColorAttachments = colors.data();
    if (averaged) subpass.pResolveAttachments = &average;
    if (depth_) subpass.pDepthStencilAttachment = &depth;

    // Before: the last use of the images, by drawing, copying or sampling. After: a copy or sampling.
    constexpr VkPipelineStageFlags drawing = VK_PIPELINE_STAGE_COLOR_ATTACHMENT_OUTPUT_BIT |
                                             VK_PIPELINE_STAGE_EARLY_FRAGMENT_TESTS_BIT |
                                             VK_PIPELINE_STAGE_LATE_FRAGMENT_TESTS_BIT;
    constexpr VkPipelineStageFlags reading = VK_PIPELINE_STAGE_TRANSFER_BIT | VK_PIPELINE_STAGE_FRAGMENT_SHADER_BIT;
    constexpr VkAccessFlags writes =
        VK_ACCESS_COLOR_ATTACHMENT_WRITE_BIT | VK_ACCESS_DEPTH_STENCIL_ATTACHMENT_WRITE_BIT;
    VkSubpassDependency dependencies[2] = {};
    dependencies[0].srcSubpass = VK_SUBPASS_EXTERNAL;
    dependencies[0].srcStageMask = drawing | reading;
    dependencies[0].dstStageMask = drawing;
    dependencies[0].srcAccessMask = writes;
    dependencies[0].dstAccessMask =
        writes | VK_ACCESS_COLOR_ATTACHMENT_READ_BIT | VK_ACCESS_DEPTH_STENCIL_ATTACHMENT_READ_BIT;
    dependencies[1].dstSubpass = VK_SUBPASS_EXTERNAL;
    dependencies[1].srcStageMask = drawing;
    dependencies[1].dstStageMask = reading;
    dependencies[1].srcAccessMask = writes;
    dependencies[1].dstAccessMask = VK_ACCESS_TRANSFER_READ_BIT | VK_ACCESS_SHADER_READ_BIT;
    VkRenderPassCreateInfo info = {};
    info.sType = VK_STRUCTURE_TYPE_RENDER_PASS_CREATE_INFO;
    info.attachmentCount = static_cast<uint32_t>(attachments.size());
    info.pAttachments = attachments.data();
    info.subpassCount = 1;
    info.pSubpasses = &subpass;
    info.dependencyCount = 2;
    info.pDependencies = dependencies;
    SAC_VK(device_->fn().CreateRenderPass(device_->handle(), &info, nullptr, &pass_), "creating a render pass");
    device_->set_name(VK_OBJECT_TYPE_RENDER_PASS, reinterpret_cast<uint64_t>(pass_), desc.name);
    return {};
}

Status RenderTarget::create_framebuffer() {
    std::vector<VkImageView> views;
    if (samples_) views.push_back(samples_.view());
    for (const vk::GpuImage &color : colors_) views.push_back(color.view());
    if (depth_) views.push_back(depth_.view());
    SAC_ASSIGN(framebuffer_, vk::create_framebuffer(*device_, pass_, views, extent_, "a scene's picture"));
    return {};
}

RenderTarget::~RenderTarget() {
    if (!device_) return;
    if (framebuffer_) device_->fn().DestroyFramebuffer(device_->handle(), framebuffer_, nullptr);
    if (pass_) device_->fn().DestroyRenderPass(device_->handle(), pass_, nullptr);
}

RenderTarget::RenderTarget(RenderTarget &&other) noexcept { *this = std::move(other); }

RenderTarget &RenderTarget::operator=(RenderTarget &&other) noexcept {
    std::swap(device_, other.device_);
    std::swap(extent_, other.extent_);
    std::swap(colors_, other.colors_);
    std::swap(samples_, other.samples_);
    std::swap(depth_, other.depth_);
    std::swap(pass_, other.pass_);
    std::swap(framebuffer_, other.framebuffer_);
    return *this;
}

void RenderTarget::begin(VkCommandBuffer commands) const {
    std::vector<VkClearValue> clear(colors_.size() + (samples_ ? 1 : 0) + (depth_ ? 1 : 0));
    if (depth_) clear.back().depthStencil = {1, 0};
    VkRenderPassBeginInfo info = {};
    info.sType = VK_STRUCTURE_TYPE_RENDER_PASS_BEGIN_INFO;
    info.renderPass = pass_;
    info.framebuffer = framebuffer_;
    info.renderArea.extent = extent_;
    info.clearValueCount = static_cast<uint32_t>(clear.size());
    info.pClearValues = clear.data();
    const vk::DeviceFunctions &fn = device_->fn();
    fn.CmdBeginRenderPass(commands, &info, VK_SUBPASS_CONTENTS_INLINE);
    const VkViewport viewport = {0, 0, static_cast<float>(extent_.width), static_cast<float>(extent_.height), 0, 1};
    const VkRect2D scissor = {{0, 0}, extent_};
    fn.CmdSetViewport(commands, 0, 1, &viewport);
    fn.CmdSetScissor(commands, 0, 1, &scissor);
}

void RenderTarget::end(VkCommandBuffer commands) const { device_->fn().CmdEndRenderPass(commands); }

}  // namespace sac::engine
