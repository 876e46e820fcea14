#include "compute/vk/gpu_image.h"

#include <algorithm>
#include <utility>

#include "compute/base/format.h"

namespace sac::vk {

Result<GpuImage> GpuImage::create(Device &device, Memory &memory, VkExtent2D extent, VkFormat format,
                                  VkImageUsageFlags usage, const char *name, VkSampleCountFlagBits samples) {
    const uint32_t limit = device.caps().limits.maxImageDimension2D;
    if (extent.width == 0 || extent.height == 0 || extent.width > limit || extent.height > limit)
        return Error(Code::unsupported,
                     sac::format("%s: an image of %u x %u is beyond the device's limit of %u in each direction", name,
                                 extent.width, extent.height, limit));
    GpuImage image;
    image.device_ = &device;
    image.memory_ = &memory;
    image.extent_ = extent;
    image.format_ = format;

    VkImageCreateInfo info = {};
    info.sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO;
    info.imageType = VK_IMAGE_TYPE_2D;
    info.format = format;
    info.extent = {extent.width, extent.height, 1};
    info.mipLevels = info.arrayLayers = 1;
    info.samples = samples;
    info.usage = usage;
    SAC_VK(device.fn().CreateImage(device.handle(), &info, nullptr, &image.image_), "creating an image");
    device.set_name(VK_OBJECT_TYPE_IMAGE, reinterpret_cast<uint64_t>(image.image_), name);

    VkMemoryRequirements needs = {};
    device.fn().GetImageMemoryRequirements(device.handle(), image.image_, &needs);
    // Buffers may share the block: whole pages of the granularity keep them apart from this image.
    const VkDeviceSize page = std::max<VkDeviceSize>(device.caps().limits.bufferImageGranularity, 1);
    needs.alignment = std::max(needs.alignment, page);
    needs.size = (needs.size + page - 1) / page * page;
    SAC_ASSIGN(image.allocation_, memory.allocate(needs, MemoryUse::device, name));
    SAC_VK(
        device.fn().BindImageMemory(device.handle(), image.image_, image.allocation_.memory, image.allocation_.offset),
        "binding an image's memory");

    VkImageViewCreateInfo view = {};
    view.sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO;
    view.image = image.image_;
    view.viewType = VK_IMAGE_VIEW_TYPE_2D;
    view.format = format;
    const bool depth = format == VK_FORMAT_D16_UNORM || format == VK_FORMAT_D32_SFLOAT;
    const VkImageAspectFlags aspect = depth ? VK_IMAGE_ASPECT_DEPTH_BIT : VK_IMAGE_ASPECT_COLOR_BIT;
    view.subresourceRange = {aspect, 0, 1, 0, 1};
    SAC_VK(device.fn().CreateImageView(device.handle(), &view, nullptr, &image.view_), "creating an image view");
    return image;
}

GpuImage::~GpuImage() { destroy(); }

GpuImage::GpuImage(GpuImage &&other) noexcept { *this = std::move(other); }

GpuImage &GpuImage::operator=(GpuImage &&other) noexcept {
    if (this == &other) return *this;
    destroy();
    device_ = other.device_;
    memory_ = other.memory_;
    image_ = std::exchange(other.image_, VK_NULL_HANDLE);
    view_ = std::exchange(other.view_, VK_NULL_HANDLE);
    extent_ = other.extent_;
    format_ = other.format_;
    allocation_ = std::exchange(other.allocation_, {});
    return *this;
}

void GpuImage::destroy() {
    if (!image_) return;
    device_->fn().DestroyImageView(device_->handle(), view_, nullptr);
    device_->fn().DestroyImage(device_->handle(), image_, nullptr);
    // NOLINTBEGIN(clang-analyzer-unix.Malloc): not that free
    if (allocation_.memory) memory_->free(allocation_);
    image_ = VK_NULL_HANDLE;
    // NOLINTEND(clang-analyzer-unix.Malloc)
}

void image_barrier(const Device &device, VkCommandBuffer commands, VkImage image, const ImageUse &before,
                   const ImageUse &after) {
    VkImageMemoryBarrier barrier = {};
    barrier.sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER;
    barrier.srcAccessMask = before.access;
    barrier.dstAccessMask = after.access;
    barrier.oldLayout = before.layout;
    barrier.newLayout = after.layout;
    barrier.srcQueueFamilyIndex = barrier.dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED;
    barrier.image = image;
    barrier.subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1};
    device.fn().CmdPipelineBarrier(commands, before.stage, after.stage, 0, 0, nullptr, 0, nullptr, 1, &barrier);
}

void copy_to_host(const Device &device, VkCommandBuffer commands, VkImage image, VkExtent2D extent, VkBuffer buffer) {
    VkBufferImageCopy region = {};
    region.imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1};
    region.imageExtent = {extent.width, extent.height, 1};
    device.fn().CmdCopyImageToBuffer(commands, image, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, buffer, 1, &region);
    VkMemoryBarrier barrier = {};
    barrier.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER;
    barrier.srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT;
    barrier.dstAccessMask = VK_ACCESS_HOST_READ_BIT;
    device.fn().CmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &barrier,
                                   0, nullptr, 0, nullptr);
}

}  // namespace sac::vk
