#pragma once
// A host's image on its way into our shaders and back.

#include <utility>

#include "compute/vk/device.h"
#include "plugins/vision/frame.h"

namespace sac::vision {

/// The layout in which shaders read the image: the one it comes in, where that will do.
VkImageLayout reading_layout(const sac_vk_image &image);

/// Takes the image over from the family that owns it, in layout_in, and makes it readable by compute shaders.
void acquire_image(const vk::Device &device, VkCommandBuffer commands, const sac_vk_image &image);

/// The way back: to layout_out, and to the family it came from.
void release_image(const vk::Device &device, VkCommandBuffer commands, const sac_vk_image &image);

/// A view for reading, destroyed with this object.
class ImageView {
public:
    static Result<ImageView> create(const vk::Device &device, const sac_vk_image &image);
    ~ImageView();
    ImageView(ImageView &&other) noexcept
        : device_(std::exchange(other.device_, nullptr)), view_(std::exchange(other.view_, VK_NULL_HANDLE)) {}
    ImageView &operator=(ImageView &&) = delete;
    VkImageView handle() const { return view_; }

private:
    ImageView(const vk::Device *device, VkImageView view) : device_(device), view_(view) {}
    const vk::Device *device_;
    VkImageView view_;
};

}  // namespace sac::vision
