#pragma once
// The images of a window. Survives resizing, minimising (an extent of zero) and whatever else makes it out of date.

#include <optional>
#include <vector>

#include "engine/renderer.h"

namespace sac::engine {

/// An image that was acquired to be drawn to.
struct SwapchainImage {
    uint32_t index = 0;
    VkImage image = VK_NULL_HANDLE;
    VkFramebuffer framebuffer = VK_NULL_HANDLE;
    VkExtent2D extent = {};
    VkSemaphore rendered = VK_NULL_HANDLE;  ///< to signal when it may be presented
};

/// Device, surface and renderer must outlive it. [thread] one at a time.
class Swapchain {
public:
    /// The format of the surface to create the renderer with: 8-bit UNORM where there is one.
    static Result<VkFormat> choose_format(const vk::Device &device, VkSurfaceKHR surface);

    Swapchain(vk::Device &device, VkSurfaceKHR surface, VkFormat format, Renderer &renderer)
        : device_(device), surface_(surface), format_(format), renderer_(renderer) {}
    ~Swapchain();
    Swapchain(const Swapchain &) = delete;
    Swapchain &operator=(const Swapchain &) = delete;

    /// The next image, whose contents are undefined until `acquired` is signalled; nothing while the window has no
    /// area. `wanted` is the window's framebuffer size; (re)creates the images when they do not fit it.
    Result<std::optional<SwapchainImage>> acquire(VkExtent2D wanted, VkSemaphore acquired);
    /// Presents an image once its `rendered` is signalled, and leaves it to the next acquire to repair what the surface
    /// complains of.
    Status present(const SwapchainImage &image);

    /// Whether its images can be copied from (for screenshots).
    bool can_copy() const { return can_copy_; }
    uint64_t recreated() const { return recreated_; }

private:
    struct Target {
        VkImage image = VK_NULL_HANDLE;
        VkImageView view = VK_NULL_HANDLE;
        VkFramebuffer framebuffer = VK_NULL_HANDLE;
        VkSemaphore rendered = VK_NULL_HANDLE;
    };
    Status recreate(VkExtent2D wanted);  // leaves swapchain_ null where the surface has no area
    Status create_targets();
    void destroy_targets();

    vk::Device &device_;
    VkSurfaceKHR surface_;
    VkFormat format_;
    Renderer &renderer_;
    VkSwapchainKHR swapchain_ = VK_NULL_HANDLE;
    VkExtent2D extent_ = {};
    VkExtent2D wanted_ = {};  // the window's size that the images were made for
    std::vector<Target> targets_;
    bool stale_ = true;
    bool can_copy_ = false;
    uint64_t recreated_ = 0;
};

}  // namespace sac::engine
