#include "plugins/vision/image_barriers.h"

#include <cstring>

namespace sac::vision {
namespace {

constexpr VkImageSubresourceRange whole = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1};

VkImage handle_of(const sac_vk_image &image) {
    VkImage handle;
    static_assert(sizeof(VkImage) == sizeof image.image);
    std::memcpy(&handle, &image.image, sizeof image.image);
    return handle;
}

bool changes_family(const vk::Device &device, const sac_vk_image &image) {
    return image.queue_family != VK_QUEUE_FAMILY_IGNORED && image.queue_family != device.queue_family();
}

struct Side {
    VkPipelineStageFlags stage;
    VkAccessFlags access;
    VkImageLayout layout;
    uint32_t family = VK_QUEUE_FAMILY_IGNORED;
};

void barrier(const vk::Device &device, VkCommandBuffer commands, VkImage image, const Side &from, const Side &to) {
    VkImageMemoryBarrier info = {};
    info.sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER;
    info.srcAccessMask = from.access;
    info.dstAccessMask = to.access;
    info.oldLayout = from.layout;
    info.newLayout = to.layout;
    info.srcQueueFamilyIndex = from.family;
    info.dstQueueFamilyIndex = to.family;
    info.image = image;
    info.subresourceRange = whole;
    device.fn().CmdPipelineBarrier(commands, from.stage, to.stage, 0, 0, nullptr, 0, nullptr, 1, &info);
}

constexpr VkPipelineStageFlags all = VK_PIPELINE_STAGE_ALL_COMMANDS_BIT;
constexpr VkPipelineStageFlags compute = VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT;

}  // namespace

VkImageLayout reading_layout(const sac_vk_image &image) {
    const auto layout = static_cast<VkImageLayout>(image.layout_in);
    return layout == VK_IMAGE_LAYOUT_GENERAL ? layout : VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL;
}

void acquire_image(const vk::Device &device, VkCommandBuffer commands, const sac_vk_image &image) {
    const auto layout_in = static_cast<VkImageLayout>(image.layout_in);
    // Both halves of a change of families must name the same layouts, so it goes before the change of layout.
    if (changes_family(device, image))
        barrier(device, commands, handle_of(image), {all, 0, layout_in, image.queue_family},
                {all, VK_ACCESS_MEMORY_READ_BIT, layout_in, device.queue_family()});
    barrier(device, commands, handle_of(image), {all, VK_ACCESS_MEMORY_WRITE_BIT, layout_in},
            {compute, VK_ACCESS_SHADER_READ_BIT, reading_layout(image)});
}

void release_image(const vk::Device &device, VkCommandBuffer commands, const sac_vk_image &image) {
    const auto layout_out = static_cast<VkImageLayout>(image.layout_out);
    // In a shared queue, and in its own commands, the host may go on without a semaphore: its later work waits here,
    // and sees the image in its new layout.
    if (layout_out != reading_layout(image) || !image.signal_semaphore)
        barrier(device, commands, handle_of(image), {compute, 0, reading_layout(image)},
                {all, VK_ACCESS_MEMORY_READ_BIT | VK_ACCESS_MEMORY_WRITE_BIT, layout_out});
    if (changes_family(device, image))
        barrier(device, commands, handle_of(image), {all, 0, layout_out, device.queue_family()},
                {all, 0, layout_out, image.queue_family});
}

Result<ImageView> ImageView::create(const vk::Device &device, const sac_vk_image &image) {
    VkImageViewCreateInfo info = {};
    info.sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO;
    info.image = handle_of(image);
    info.viewType = VK_IMAGE_VIEW_TYPE_2D;
    info.format = static_cast<VkFormat>(image.format);
    info.subresourceRange = whole;
    VkImageView view = VK_NULL_HANDLE;
    SAC_VK(device.fn().CreateImageView(device.handle(), &info, nullptr, &view), "creating a view of the frame's image");
    device.set_name(VK_OBJECT_TYPE_IMAGE_VIEW, reinterpret_cast<uint64_t>(view), "frame");
    return ImageView(&device, view);
}

ImageView::~ImageView() {
    if (view_) device_->fn().DestroyImageView(device_->handle(), view_, nullptr);
}

}  // namespace sac::vision
