#include "samples/foreign_host/window.h"

#include <algorithm>

#define GLFW_INCLUDE_NONE
#include <GLFW/glfw3.h>

namespace {

[[noreturn]] void fail_window(const std::string &what) {
    const char *reason = nullptr;
    glfwGetError(&reason);
    throw HostError(what + (reason ? std::string(": ") + reason : ""));
}

}  // namespace

HostOptions Window::required() {
    if (!glfwInit()) fail_window("no window can be opened");
    if (!glfwVulkanSupported()) fail_window("no window can be opened: there is no Vulkan for this display");
    HostOptions options;
    uint32_t count = 0;
    const char **names = glfwGetRequiredInstanceExtensions(&count);
    options.instance_extensions.assign(names, names + count);
    options.device_extensions = {VK_KHR_SWAPCHAIN_EXTENSION_NAME};
    return options;
}

Window::Window(VulkanHost &host, uint32_t width, uint32_t height) : host_(host), width_(width), height_(height) {
    glfwWindowHint(GLFW_CLIENT_API, GLFW_NO_API);
    window_ = glfwCreateWindow(static_cast<int>(width), static_cast<int>(height), "foreign_host", nullptr, nullptr);
    if (!window_) fail_window("no window can be opened");
    glfwSetWindowAspectRatio(window_, static_cast<int>(width), static_cast<int>(height));
    glfwSetKeyCallback(window_, [](GLFWwindow *window, int key, int, int action, int) {
        if (action == GLFW_PRESS && (key == GLFW_KEY_ESCAPE || key == GLFW_KEY_Q))
            glfwSetWindowShouldClose(window, GLFW_TRUE);
    });
#define HOST_LOAD(name) \
    vk_.name = reinterpret_cast<PFN_vk##name>(host.get_instance_proc_addr(host.instance, "vk" #name));
    HOST_WINDOW_FUNCTIONS(HOST_LOAD)
#undef HOST_LOAD
    check(glfwCreateWindowSurface(host.instance, window_, nullptr, &surface_), "glfwCreateWindowSurface");
    VkBool32 supported = VK_FALSE;
    check(vk_.GetPhysicalDeviceSurfaceSupportKHR(host.physical_device, host.queue_family, surface_, &supported),
          "vkGetPhysicalDeviceSurfaceSupportKHR");
    if (!supported) throw HostError(host.device_name + " cannot show anything in this window");
    choose_format();
    for (VkSemaphore &semaphore : acquired_) semaphore = host.create_semaphore(VK_SEMAPHORE_TYPE_BINARY);
}

Window::~Window() {
    destroy_swapchain();
    for (const VkSemaphore semaphore : acquired_) host_.vk.DestroySemaphore(host_.device, semaphore, nullptr);
    vk_.DestroySurfaceKHR(host_.instance, surface_, nullptr);
    glfwDestroyWindow(window_);
    glfwTerminate();
}

bool Window::poll() {
    glfwPollEvents();
    return !glfwWindowShouldClose(window_);
}

VkExtent2D Window::framebuffer_size() const {
    int width = 0, height = 0;
    glfwGetFramebufferSize(window_, &width, &height);
    return {static_cast<uint32_t>(width), static_cast<uint32_t>(height)};
}

// The target's numbers are to be shown as they are: UNORM.
void Window::choose_format() {
    uint32_t count = 0;
    check(vk_.GetPhysicalDeviceSurfaceFormatsKHR(host_.physical_device, surface_, &count, nullptr),
          "vkGetPhysicalDeviceSurfaceFormatsKHR");
    std::vector<VkSurfaceFormatKHR> formats(count);
    check(vk_.GetPhysicalDeviceSurfaceFormatsKHR(host_.physical_device, surface_, &count, formats.data()),
          "vkGetPhysicalDeviceSurfaceFormatsKHR");
    const auto found = std::find_if(formats.begin(), formats.end(), [](const VkSurfaceFormatKHR &f) {
        return f.format == VK_FORMAT_B8G8R8A8_UNORM || f.format == VK_FORMAT_R8G8B8A8_UNORM;
    });
    if (found == formats.end()) throw HostError("the window has no 8-bit UNORM format");
    format_ = *found;
}

void Window::destroy_swapchain() {
    for (const VkSemaphore semaphore : rendered_) host_.vk.DestroySemaphore(host_.device, semaphore, nullptr);
    rendered_.clear();
    if (swapchain_) vk_.DestroySwapchainKHR(host_.device, swapchain_, nullptr);
    swapchain_ = VK_NULL_HANDLE;
}

bool Window::create_swapchain() {
    {
        const std::lock_guard lock(host_.queue_mutex);
        check(host_.vk.QueueWaitIdle(host_.queue), "vkQueueWaitIdle");  // a window changes its size rarely
    }
    destroy_swapchain();
    VkSurfaceCapabilitiesKHR limits = {};
    check(vk_.GetPhysicalDeviceSurfaceCapabilitiesKHR(host_.physical_device, surface_, &limits),
          "vkGetPhysicalDeviceSurfaceCapabilitiesKHR");
    if (!(limits.supportedUsageFlags & VK_IMAGE_USAGE_TRANSFER_DST_BIT))
        throw HostError("the window's images cannot be copied to");
    size_ = framebuffer_size();
    extent_ = limits.currentExtent;
    if (extent_.width == UINT32_MAX) extent_ = size_;  // the window takes the images' size
    if (extent_.width == 0 || extent_.height == 0) return false;

    auto info = vk_struct<VkSwapchainCreateInfoKHR>(VK_STRUCTURE_TYPE_SWAPCHAIN_CREATE_INFO_KHR);
    info.surface = surface_;
    info.minImageCount = limits.minImageCount + 1;
    if (limits.maxImageCount) info.minImageCount = std::min(info.minImageCount, limits.maxImageCount);
    info.imageFormat = format_.format;
    info.imageColorSpace = format_.colorSpace;
    info.imageExtent = extent_;
    info.imageArrayLayers = 1;
    info.imageUsage = VK_IMAGE_USAGE_TRANSFER_DST_BIT;
    info.preTransform = limits.currentTransform;
    info.compositeAlpha = limits.supportedCompositeAlpha & VK_COMPOSITE_ALPHA_OPAQUE_BIT_KHR
                              ? VK_COMPOSITE_ALPHA_OPAQUE_BIT_KHR
                              : VK_COMPOSITE_ALPHA_INHERIT_BIT_KHR;
    info.presentMode = VK_PRESENT_MODE_FIFO_KHR;  // the display's pace
    info.clipped = VK_TRUE;
    check(vk_.CreateSwapchainKHR(host_.device, &info, nullptr, &swapchain_), "vkCreateSwapchainKHR");
    uint32_t count = 0;
    check(vk_.GetSwapchainImagesKHR(host_.device, swapchain_, &count, nullptr), "vkGetSwapchainImagesKHR");
    images_.resize(count);
    check(vk_.GetSwapchainImagesKHR(host_.device, swapchain_, &count, images_.data()), "vkGetSwapchainImagesKHR");
    for (uint32_t i = 0; i < count; ++i) rendered_.push_back(host_.create_semaphore(VK_SEMAPHORE_TYPE_BINARY));
    stale_ = false;
    return true;
}

Presentation Window::record(const Frame &frame) {
    const VkSemaphore acquired = acquired_[frame.index];
    for (;;) {
        // Not every driver complains of images that have another size than the window.
        const VkExtent2D size = framebuffer_size();
        stale_ = stale_ || size.width != size_.width || size.height != size_.height;
        if (stale_ && !create_swapchain()) return {};
        const VkResult result =
            vk_.AcquireNextImageKHR(host_.device, swapchain_, UINT64_MAX, acquired, VK_NULL_HANDLE, &image_);
        stale_ = result == VK_ERROR_OUT_OF_DATE_KHR || result == VK_SUBOPTIMAL_KHR;
        if (result == VK_ERROR_OUT_OF_DATE_KHR) continue;
        if (result != VK_SUBOPTIMAL_KHR) check(result, "vkAcquireNextImageKHR");  // that one is good for a frame
        break;
    }
    host_.barrier(frame.commands,
                  {images_[image_], VK_IMAGE_LAYOUT_UNDEFINED, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL,
                   VK_PIPELINE_STAGE_TRANSFER_BIT, 0, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_ACCESS_TRANSFER_WRITE_BIT});
    VkImageBlit region = {};
    region.srcSubresource = region.dstSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1};
    region.srcOffsets[1] = {static_cast<int32_t>(width_), static_cast<int32_t>(height_), 1};
    region.dstOffsets[1] = {static_cast<int32_t>(extent_.width), static_cast<int32_t>(extent_.height), 1};
    host_.vk.CmdBlitImage(frame.commands, frame.target.handle, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, images_[image_],
                          VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, 1, &region, VK_FILTER_LINEAR);
    host_.barrier(frame.commands, {images_[image_], VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL,
                                   VK_IMAGE_LAYOUT_PRESENT_SRC_KHR, VK_PIPELINE_STAGE_TRANSFER_BIT,
                                   VK_ACCESS_TRANSFER_WRITE_BIT, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, 0});
    return {acquired, rendered_[image_]};
}

void Window::present(const Presentation &presentation) {
    if (!presentation.rendered) return;
    auto info = vk_struct<VkPresentInfoKHR>(VK_STRUCTURE_TYPE_PRESENT_INFO_KHR);
    info.waitSemaphoreCount = 1;
    info.pWaitSemaphores = &presentation.rendered;
    info.swapchainCount = 1;
    info.pSwapchains = &swapchain_;
    info.pImageIndices = &image_;
    const std::lock_guard lock(host_.queue_mutex);
    const VkResult result = vk_.QueuePresentKHR(host_.queue, &info);
    if (result == VK_ERROR_OUT_OF_DATE_KHR || result == VK_SUBOPTIMAL_KHR)
        stale_ = true;
    else
        check(result, "vkQueuePresentKHR");
}
