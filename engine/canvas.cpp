#include "engine/canvas.h"

#include <cstring>

namespace sac::engine {

namespace {
constexpr VkFormat canvas_format = VK_FORMAT_R8G8B8A8_UNORM;
}

Result<std::unique_ptr<Canvas>> Canvas::create(vk::Device &device, vk::Memory &memory) {
    std::unique_ptr<Canvas> canvas(new Canvas(device, memory));
    SAC_ASSIGN(canvas->renderer_,
               Renderer::create(device, memory, canvas_format, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, 1));
    return canvas;
}

Canvas::~Canvas() {
    if (framebuffer_) device_.fn().DestroyFramebuffer(device_.handle(), framebuffer_, nullptr);
}

Status Canvas::fit(VkExtent2D extent) {
    if (target_ && target_.extent().width == extent.width && target_.extent().height == extent.height) return {};
    if (framebuffer_) device_.fn().DestroyFramebuffer(device_.handle(), framebuffer_, nullptr);
    framebuffer_ = VK_NULL_HANDLE;
    target_ = {};
    SAC_ASSIGN(target_,
               vk::GpuImage::create(device_, memory_, extent, canvas_format,
                                    VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT | VK_IMAGE_USAGE_TRANSFER_SRC_BIT, "canvas"));
    SAC_ASSIGN(framebuffer_, renderer_->create_framebuffer(target_.view(), extent));
    const VkDeviceSize bytes = VkDeviceSize{extent.width} * extent.height * 4;
    if (readback_.size() < bytes) {
        SAC_ASSIGN(readback_, vk::Buffer::create(device_, memory_, bytes, VK_BUFFER_USAGE_TRANSFER_DST_BIT,
                                                 vk::MemoryUse::readback, "canvas readback"));
    }
    return {};
}

Result<Image> Canvas::draw(const Frame &frame, const overlay::Overlay &overlay, VkExtent2D extent, float scale) {
    if (extent.width == 0) extent = {frame.upright_width(), frame.upright_height()};
    SAC_TRY(fit(extent));
    const Renderer::Scene scene = {&frame, &overlay,
                                   scale > 0 ? scale : overlay::overlay_scale(extent.width, extent.height)};
    const auto record = [&](VkCommandBuffer commands) -> Status {
        SAC_TRY(renderer_->draw(commands, 0, framebuffer_, extent, scene));
        vk::copy_to_host(device_, commands, target_.handle(), extent, readback_.handle());
        return {};
    };
    SAC_TRY(vk::run_once(device_, record, "canvas"));
    Image image(extent.width, extent.height);
    std::memcpy(image.pixels.data(), readback_.mapped(), image.pixels.size());
    return image;
}

}  // namespace sac::engine
