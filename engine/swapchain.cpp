#include "engine/swapchain.h"

#include <algorithm>

namespace sac::engine {

Result<VkFormat> Swapchain::choose_format(const vk::Device &device, VkSurfaceKHR surface) {
    const vk::InstanceFunctions &fn = device.instance_fn();
    uint32_t count = 0;
    SAC_VK(fn.GetPhysicalDeviceSurfaceFormatsKHR(device.physical_device(), surface, &count, nullptr),
           "asking for the surface's formats");
    std::vector<VkSurfaceFormatKHR> formats(count);
    SAC_VK(fn.GetPhysicalDeviceSurfaceFormatsKHR(device.physical_device(), surface, &count, formats.data()),
           "asking for the surface's formats");
    for (const VkFormat wanted : {VK_FORMAT_B8G8R8A8_UNORM, VK_FORMAT_R8G8B8A8_UNORM, VK_FORMAT_A8B8G8R8_UNORM_PACK32})
        for (const VkSurfaceFormatKHR &have : formats)
            if (have.format == wanted && have.colorSpace == VK_COLOR_SPACE_SRGB_NONLINEAR_KHR) return wanted;
    return Error(Code::unsupported, "the window's surface has no 8-bit UNORM format");
}

Swapchain::~Swapchain() {
    destroy_targets();
    if (swapchain_) device_.fn().DestroySwapchainKHR(device_.handle(), swapchain_, nullptr);
}

void Swapchain::destroy_targets() {
    const vk::DeviceFunctions &fn = device_.fn();
    for (const Target &target : targets_) {
        if (target.framebuffer) fn.DestroyFramebuffer(device_.handle(), target.framebuffer, nullptr);
        if (target.view) fn.DestroyImageView(device_.handle(), target.view, nullptr);
        if (target.rendered) fn.DestroySemaphore(device_.handle(), target.rendered, nullptr);
    }
    targets_.clear();
}

Status Swapchain::recreate(VkExtent2D wanted) {
    SAC_TRY(device_.wait_idle());
    destroy_targets();

    VkSurfaceCapabilitiesKHR caps = {};
    SAC_VK(device_.instance_fn().GetPhysicalDeviceSurfaceCapabilitiesKHR(device_.physical_device(), surface_, &caps),
           "asking for the surface's capabilities");
    VkExtent2D extent = caps.currentExtent;
    if (extent.width == UINT32_MAX) {  // the surface takes the swapchain's size
        extent.width = std::clamp(wanted.width, caps.minImageExtent.width, caps.maxImageExtent.width);
        extent.height = std::clamp(wanted.height, caps.minImageExtent.height, caps.maxImageExtent.height);
    }
    const VkSwapchainKHR old = swapchain_;
    swapchain_ = VK_NULL_HANDLE;
    VkResult result = VK_SUCCESS;
    if (extent.width > 0 && extent.height > 0) {
        can_copy_ = caps.supportedUsageFlags & VK_IMAGE_USAGE_TRANSFER_SRC_BIT;
        VkSwapchainCreateInfoKHR info = {};
        info.sType = VK_STRUCTURE_TYPE_SWAPCHAIN_CREATE_INFO_KHR;
        info.surface = surface_;
        info.minImageCount = caps.minImageCount + 1;
        if (caps.maxImageCount) info.minImageCount = std::min(info.minImageCount, caps.maxImageCount);
        info.imageFormat = format_;
        info.imageColorSpace = VK_COLOR_SPACE_SRGB_NONLINEAR_KHR;
        info.imageExtent = extent;
        info.imageArrayLayers = 1;
        info.imageUsage = VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT | (can_copy_ ? VK_IMAGE_USAGE_TRANSFER_SRC_BIT : 0);
        info.preTransform = caps.currentTransform;
        info.compositeAlpha = caps.supportedCompositeAlpha & VK_COMPOSITE_ALPHA_OPAQUE_BIT_KHR
                                  ? VK_COMPOSITE_ALPHA_OPAQUE_BIT_KHR
                                  : VK_COMPOSITE_ALPHA_INHERIT_BIT_KHR;
        info.presentMode = VK_PRESENT_MODE_FIFO_KHR;  // the one that is everywhere
        info.clipped = VK_TRUE;
        info.oldSwapchain = old;
        result = device_.fn().CreateSwapchainKHR(device_.handle(), &info, nullptr, &swapchain_);
    }
    if (old) device_.fn().DestroySwapchainKHR(device_.handle(), old, nullptr);
    if (result != VK_SUCCESS) {
        swapchain_ = VK_NULL_HANDLE;
        return vk::vk_error(result, "creating the window's swapchain");
    }
    extent_ = extent;
    wanted_ = wanted;
    stale_ = swapchain_ == VK_NULL_HANDLE;
    ++recreated_;
    if (!swapchain_) return {};
    return create_targets();
}

Status Swapchain::create_targets() {
    const vk::DeviceFunctions &fn = device_.fn();
    uint32_t count = 0;
    SAC_VK(fn.GetSwapchainImagesKHR(device_.handle(), swapchain_, &count, nullptr),
           "asking for the swapchain's images");
    std::vector<VkImage> images(count);
    SAC_VK(fn.GetSwapchainImagesKHR(device_.handle(), swapchain_, &count, images.data()),
           "asking for the swapchain's images");
    targets_.resize(count);
    for (uint32_t i = 0; i < count; ++i) {
        Target &target = targets_[i];
        target.image = images[i];
        device_.set_name(VK_OBJECT_TYPE_IMAGE, reinterpret_cast<uint64_t>(target.image), "swapchain image");
        VkImageViewCreateInfo view = {};
        view.sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO;
        view.image = target.image;
        view.viewType = VK_IMAGE_VIEW_TYPE_2D;
        view.format = format_;
        view.subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1};
        SAC_VK(fn.CreateImageView(device_.handle(), &view, nullptr, &target.view), "creating a swapchain view");
        SAC_ASSIGN(target.framebuffer, renderer_.create_framebuffer(target.view, extent_));
        VkSemaphoreCreateInfo semaphore = {};
        semaphore.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO;
        SAC_VK(fn.CreateSemaphore(device_.handle(), &semaphore, nullptr, &target.rendered), "creating a semaphore");
    }
    return {};
}

Result<std::optional<SwapchainImage>> Swapchain::acquire(VkExtent2D wanted, VkSemaphore acquired) {
    const std::optional<SwapchainImage> none;
    if (wanted.width == 0 || wanted.height == 0) return none;
    // Out of date can come again at once while a window is being dragged; then the next frame tries again.
    for (int attempt = 0; attempt < 2; ++attempt) {
        if (stale_ || wanted.width != wanted_.width || wanted.height != wanted_.height) SAC_TRY(recreate(wanted));
        if (!swapchain_) return none;
        uint32_t index = 0;
        const VkResult result = device_.fn().AcquireNextImageKHR(device_.handle(), swapchain_, UINT64_MAX, acquired,
                                                                 VK_NULL_HANDLE, &index);
        if (result == VK_ERROR_OUT_OF_DATE_KHR) {
            stale_ = true;
            continue;
        }
        if (result == VK_SUBOPTIMAL_KHR)
            stale_ = true;  // still good for this frame
        else if (result != VK_SUCCESS)
            return vk::vk_error(result, "acquiring the window's next image");
        const Target &target = targets_[index];
        return std::optional(SwapchainImage{index, target.image, target.framebuffer, extent_, target.rendered});
    }
    return none;
}

Status Swapchain::present(const SwapchainImage &image) {
    VkPresentInfoKHR info = {};
    info.sType = VK_STRUCTURE_TYPE_PRESENT_INFO_KHR;
    info.waitSemaphoreCount = 1;
    info.pWaitSemaphores = &image.rendered;
    info.swapchainCount = 1;
    info.pSwapchains = &swapchain_;
    info.pImageIndices = &image.index;
    const VkResult result =
        device_.with_queue([&](VkQueue queue) { return device_.fn().QueuePresentKHR(queue, &info); });
    if (result == VK_SUBOPTIMAL_KHR || result == VK_ERROR_OUT_OF_DATE_KHR) {
        stale_ = true;
        return {};
    }
    if (result != VK_SUCCESS) return vk::vk_error(result, "presenting the window's image");
    return {};
}

}  // namespace sac::engine
