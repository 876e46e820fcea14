#pragma once
// A 2D image with one view, and the barriers it needs.

#include "compute/vk/memory.h"

namespace sac::vk {

/// Move-only; gives image and memory back on destruction, which must be after the device's last use.
class GpuImage {
public:
    GpuImage() = default;
    /// One level, one layer, optimal tiling; a color, or depth (without stencil). Error unsupported where the size is
    /// beyond the device's limit.
    static Result<GpuImage> create(Device &device, Memory &memory, VkExtent2D extent, VkFormat format,
                                   VkImageUsageFlags usage, const char *name,
                                   VkSampleCountFlagBits samples = VK_SAMPLE_COUNT_1_BIT);
    ~GpuImage();
    GpuImage(GpuImage &&other) noexcept;
    GpuImage &operator=(GpuImage &&other) noexcept;

    VkImage handle() const { return image_; }
    VkImageView view() const { return view_; }
    VkExtent2D extent() const { return extent_; }
    VkFormat format() const { return format_; }
    explicit operator bool() const { return image_ != VK_NULL_HANDLE; }

private:
    void destroy();
    Device *device_ = nullptr;
    Memory *memory_ = nullptr;
    VkImage image_ = VK_NULL_HANDLE;
    VkImageView view_ = VK_NULL_HANDLE;
    VkExtent2D extent_ = {};
    VkFormat format_ = VK_FORMAT_UNDEFINED;
    Allocation allocation_;
};

/// One side of a barrier: who uses the image, how, in which layout.
struct ImageUse {
    VkPipelineStageFlags stage;
    VkAccessFlags access;
    VkImageLayout layout;
};
inline constexpr ImageUse fresh = {VK_PIPELINE_STAGE_TOP_OF_PIPE_BIT, 0, VK_IMAGE_LAYOUT_UNDEFINED};
inline constexpr ImageUse transfer_write = {VK_PIPELINE_STAGE_TRANSFER_BIT, VK_ACCESS_TRANSFER_WRITE_BIT,
                                            VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL};
inline constexpr ImageUse transfer_read = {VK_PIPELINE_STAGE_TRANSFER_BIT, VK_ACCESS_TRANSFER_READ_BIT,
                                           VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL};
inline constexpr ImageUse fragment_read = {VK_PIPELINE_STAGE_FRAGMENT_SHADER_BIT, VK_ACCESS_SHADER_READ_BIT,
                                           VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL};

/// A barrier between two uses of an image's only level and layer.
void image_barrier(const Device &device, VkCommandBuffer commands, VkImage image, const ImageUse &before,
                   const ImageUse &after);

/// Copies a color image in TRANSFER_SRC_OPTIMAL into `buffer`, rows tightly packed, and makes it visible to the host.
void copy_to_host(const Device &device, VkCommandBuffer commands, VkImage image, VkExtent2D extent, VkBuffer buffer);

}  // namespace sac::vk
