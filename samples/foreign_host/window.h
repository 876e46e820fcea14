#pragma once
// The host's window: GLFW and a swapchain. Compiled where GLFW is found.

#include <memory>

#include "samples/foreign_host/frame_ring.h"

struct GLFWwindow;

/// The host must outlive it, and be idle when it goes. [thread] the main one.
class Window {
public:
    /// The Vulkan extensions that windows need here, to be enabled before there is one. Throws where there is no
    /// display.
    static HostOptions required();

    Window(VulkanHost &host, uint32_t width, uint32_t height);
    ~Window();
    Window(const Window &) = delete;
    Window &operator=(const Window &) = delete;

    /// Looks at what the user did. False: the window is to be closed (its button, Escape or q).
    bool poll();
    /// Records the showing of the frame's target, which is in TRANSFER_SRC_OPTIMAL; what is to be submitted with it.
    /// Waits for the display where it is behind. Nothing while the window has no area.
    Presentation record(const Frame &frame);
    /// After the frame was submitted with that presentation.
    void present(const Presentation &presentation);

private:
    // The functions of surfaces and swapchains.
#define HOST_WINDOW_FUNCTIONS(X)               \
    X(DestroySurfaceKHR)                       \
    X(GetPhysicalDeviceSurfaceSupportKHR)      \
    X(GetPhysicalDeviceSurfaceCapabilitiesKHR) \
    X(GetPhysicalDeviceSurfaceFormatsKHR)      \
    X(CreateSwapchainKHR) X(DestroySwapchainKHR) X(GetSwapchainImagesKHR) X(AcquireNextImageKHR) X(QueuePresentKHR)
#define HOST_MEMBER(name) PFN_vk##name name = nullptr;
    struct {
        HOST_WINDOW_FUNCTIONS(HOST_MEMBER)
    } vk_;
#undef HOST_MEMBER

    VkExtent2D framebuffer_size() const;
    void choose_format();
    bool create_swapchain();
    void destroy_swapchain();

    VulkanHost &host_;
    const uint32_t width_, height_;  // of the targets that are shown
    GLFWwindow *window_ = nullptr;
    VkSurfaceKHR surface_ = VK_NULL_HANDLE;
    VkSurfaceFormatKHR format_ = {};
    VkSwapchainKHR swapchain_ = VK_NULL_HANDLE;
    VkExtent2D extent_ = {};  // of its images
    VkExtent2D size_ = {};    // of the window, for which they were made
    std::vector<VkImage> images_;
    std::vector<VkSemaphore> rendered_;  // of each image
    std::array<VkSemaphore, FrameRing::count> acquired_ = {};
    uint32_t image_ = 0;  // that is being shown
    bool stale_ = true;
};
