#include "plugins/panel/library/drawing.h"

namespace sac::panel {

Drawing::Sheet::~Sheet() {
    if (framebuffer) device.fn().DestroyFramebuffer(device.handle(), framebuffer, nullptr);
}

Result<std::unique_ptr<Drawing>> Drawing::create(vk::Device &device, VkFormat format, VkExtent2D extent,
                                                 uint32_t slots) {
    std::unique_ptr<Drawing> drawing(new Drawing(device, format));
    drawing->in_flight_.resize(slots);
    SAC_TRY(drawing->create_pass());
    SAC_ASSIGN(drawing->ui_, Ui::create(device, drawing->memory_, drawing->pass_, slots));
    SAC_TRY(drawing->resize(extent));
    return drawing;
}

Drawing::~Drawing() {
    ui_.reset();
    in_flight_.clear();
    sheet_.reset();
    if (pass_) device_.fn().DestroyRenderPass(device_.handle(), pass_, nullptr);
}

Status Drawing::create_pass() {
    VkAttachmentDescription color = {};
    color.format = format_;
    color.samples = VK_SAMPLE_COUNT_1_BIT;
    color.loadOp = VK_ATTACHMENT_LOAD_OP_CLEAR;
    color.storeOp = VK_ATTACHMENT_STORE_OP_STORE;
    color.stencilLoadOp = VK_ATTACHMENT_LOAD_OP_DONT_CARE;
    color.stencilStoreOp = VK_ATTACHMENT_STORE_OP_DONT_CARE;
    color.finalLayout = VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL;
    const VkAttachmentReference reference = {0, VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL};
    VkSubpassDescription subpass = {};
    subpass.pipelineBindPoint = VK_PIPELINE_BIND_POINT_GRAPHICS;
    subpass.colorAttachmentCount = 1;
    subpass.pColorAttachments = &reference;
    // Before: the copy of the frame before this one. After: this frame's.
    VkSubpassDependency dependencies[2] = {};
    dependencies[0].srcSubpass = VK_SUBPASS_EXTERNAL;
    dependencies[0].srcStageMask = VK_PIPELINE_STAGE_TRANSFER_BIT;
    dependencies[0].dstStageMask = VK_PIPELINE_STAGE_COLOR_ATTACHMENT_OUTPUT_BIT;
    dependencies[0].dstAccessMask = VK_ACCESS_COLOR_ATTACHMENT_WRITE_BIT | VK_ACCESS_COLOR_ATTACHMENT_READ_BIT;
    dependencies[1].dstSubpass = VK_SUBPASS_EXTERNAL;
    dependencies[1].srcStageMask = VK_PIPELINE_STAGE_COLOR_ATTACHMENT_OUTPUT_BIT;
    dependencies[1].dstStageMask = VK_PIPELINE_STAGE_TRANSFER_BIT;
    dependencies[1].srcAccessMask = VK_ACCESS_COLOR_ATTACHMENT_WRITE_BIT;
    dependencies[1].dstAccessMask = VK_ACCESS_TRANSFER_READ_BIT;
    VkRenderPassCreateInfo info = {};
    info.sType = VK_STRUCTURE_TYPE_RENDER_PASS_CREATE_INFO;
    info.attachmentCount = 1;
    info.pAttachments = &color;
    info.subpassCount = 1;
    info.pSubpasses = &subpass;
    info.dependencyCount = 2;
    info.pDependencies = dependencies;
    SAC_VK(device_.fn().CreateRenderPass(device_.handle(), &info, nullptr, &pass_), "creating the panel's render pass");
    return {};
}

Status Drawing::resize(VkExtent2D extent) {
    auto sheet = std::make_shared<Sheet>(device_);
    SAC_ASSIGN(sheet->image,
               vk::GpuImage::create(device_, memory_, extent, format_,
                                    VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT | VK_IMAGE_USAGE_TRANSFER_SRC_BIT, "panel"));
    const VkImageView view = sheet->image.view();
    VkFramebufferCreateInfo info = {};
    info.sType = VK_STRUCTURE_TYPE_FRAMEBUFFER_CREATE_INFO;
    info.renderPass = pass_;
    info.attachmentCount = 1;
    info.pAttachments = &view;
    info.width = extent.width;
    info.height = extent.height;
    info.layers = 1;
    SAC_VK(device_.fn().CreateFramebuffer(device_.handle(), &info, nullptr, &sheet->framebuffer),
           "creating the panel's framebuffer");
    sheet_ = std::move(sheet);
    return {};
}

Status Drawing::record(VkCommandBuffer commands, uint32_t slot) {
    const vk::DeviceFunctions &fn = device_.fn();
    SAC_TRY(ui_->upload(commands, slot));
    in_flight_[slot] = sheet_;
    VkClearValue clear = {};
    clear.color.float32[3] = 1;
    VkRenderPassBeginInfo begin = {};
    begin.sType = VK_STRUCTURE_TYPE_RENDER_PASS_BEGIN_INFO;
    begin.renderPass = pass_;
    begin.framebuffer = sheet_->framebuffer;
    begin.renderArea.extent = extent();
    begin.clearValueCount = 1;
    begin.pClearValues = &clear;
    fn.CmdBeginRenderPass(commands, &begin, VK_SUBPASS_CONTENTS_INLINE);
    const VkViewport viewport = {0, 0, static_cast<float>(extent().width), static_cast<float>(extent().height), 0, 1};
    fn.CmdSetViewport(commands, 0, 1, &viewport);
    ui_->draw(commands, slot, extent());
    fn.CmdEndRenderPass(commands);
    return {};
}

}  // namespace sac::panel
