#include "plugins/panel/library/drawing.h"

#include "compute/vk/graphics_pipeline.h"

namespace sac::panel {

Drawing::Sheet::~Sheet() {
    if (framebuffer) device.fn().DestroyFramebuffer(device.handle(), framebuffer, nullptr);
}

Result<std::unique_ptr<Drawing>> Drawing::create(vk::Device &device, VkFormat format, VkExtent2D extent,
                                                 uint32_t slots) {
    std::unique_ptr<Drawing> drawing(new Drawing(device, format));
    drawing->in_flight_.resize(slots);
    SAC_ASSIGN(drawing->pass_,
               vk::create_clear_pass(device, format, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, "the panel"));
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

Status Drawing::resize(VkExtent2D extent) {
    auto sheet = std::make_shared<Sheet>(device_);
    SAC_ASSIGN(sheet->image,
               vk::GpuImage::create(device_, memory_, extent, format_,
                                    VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT | VK_IMAGE_USAGE_TRANSFER_SRC_BIT, "panel"));
    const VkImageView view = sheet->image.view();
    SAC_ASSIGN(sheet->framebuffer, vk::create_framebuffer(device_, pass_, {&view, 1}, extent, "the panel"));
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
