#pragma once
// The Vulkan functions the project calls, in tables of our own: one for each instance and one for each device. There
// are no globals, so contexts on several instances (ours or a host's) live side by side, and a test can put any
// function's failing double in its place.

#ifndef VK_NO_PROTOTYPES
#define VK_NO_PROTOTYPES
#endif
#include <vulkan/vulkan.h>

#include "compute/base/result.h"

// Cooperative matrices: by the extension that the kernels were compiled for (shaders/CMakeLists.txt). Where there is
// none, NVIDIA's names stand in, which all headers have; nothing is enabled then.
#ifdef SACCADE_COOPMAT_KHR
#define SAC_VK_COOPMAT(name) name##KHR
#define SAC_VK_COOPMAT_CONSTANT(name) name##_KHR
#define SAC_VK_COOPMAT_FUNCTIONS(X) X(GetPhysicalDeviceCooperativeMatrixPropertiesKHR)
#else
#define SAC_VK_COOPMAT(name) name##NV
#define SAC_VK_COOPMAT_CONSTANT(name) name##_NV
#define SAC_VK_COOPMAT_FUNCTIONS(X) X(GetPhysicalDeviceCooperativeMatrixPropertiesNV)
#endif

namespace sac::vk {

// clang-format off
#define SAC_VK_LOADER_FUNCTIONS(X) \
    X(CreateInstance) X(EnumerateInstanceVersion) X(EnumerateInstanceExtensionProperties) X(EnumerateInstanceLayerProperties)

#define SAC_VK_INSTANCE_FUNCTIONS(X) \
    X(DestroyInstance) X(EnumeratePhysicalDevices) X(GetPhysicalDeviceProperties) X(GetPhysicalDeviceProperties2) \
    X(GetPhysicalDeviceFeatures2) X(GetPhysicalDeviceMemoryProperties) X(GetPhysicalDeviceQueueFamilyProperties) \
    X(GetPhysicalDeviceFormatProperties) X(EnumerateDeviceExtensionProperties) X(CreateDevice) X(GetDeviceProcAddr)

// Null when the instance lacks the extension.
#define SAC_VK_INSTANCE_OPTIONAL_FUNCTIONS(X) \
    X(CreateDebugUtilsMessengerEXT) X(DestroyDebugUtilsMessengerEXT) X(DestroySurfaceKHR) \
    X(GetPhysicalDeviceSurfaceSupportKHR) X(GetPhysicalDeviceSurfaceCapabilitiesKHR) \
    X(GetPhysicalDeviceSurfaceFormatsKHR) X(GetPhysicalDeviceSurfacePresentModesKHR) \
    SAC_VK_COOPMAT_FUNCTIONS(X)

#define SAC_VK_DEVICE_FUNCTIONS(X) \
    X(DestroyDevice) X(DeviceWaitIdle) X(GetDeviceQueue) X(QueueSubmit) X(QueueWaitIdle) \
    X(AllocateMemory) X(FreeMemory) X(MapMemory) X(UnmapMemory) X(FlushMappedMemoryRanges) X(InvalidateMappedMemoryRanges) \
    X(CreateBuffer) X(DestroyBuffer) X(GetBufferMemoryRequirements) X(BindBufferMemory) \
    X(CreateBufferView) X(DestroyBufferView) \
    X(CreateImage) X(DestroyImage) X(GetImageMemoryRequirements) X(BindImageMemory) X(CreateImageView) X(DestroyImageView) \
    X(CreateSampler) X(DestroySampler) \
    X(CreateSemaphore) X(DestroySemaphore) X(WaitSemaphores) X(GetSemaphoreCounterValue) X(SignalSemaphore) \
    X(CreateFence) X(DestroyFence) X(WaitForFences) X(ResetFences) \
    X(CreateCommandPool) X(DestroyCommandPool) X(ResetCommandPool) X(AllocateCommandBuffers) X(FreeCommandBuffers) \
    X(BeginCommandBuffer) X(EndCommandBuffer) \
    X(CreateDescriptorSetLayout) X(DestroyDescriptorSetLayout) X(CreateDescriptorPool) X(DestroyDescriptorPool) \
    X(ResetDescriptorPool) X(AllocateDescriptorSets) X(UpdateDescriptorSets) \
    X(CreateShaderModule) X(DestroyShaderModule) X(CreatePipelineLayout) X(DestroyPipelineLayout) \
    X(CreateComputePipelines) X(CreateGraphicsPipelines) X(DestroyPipeline) \
    X(CreatePipelineCache) X(DestroyPipelineCache) X(GetPipelineCacheData) \
    X(CreateQueryPool) X(DestroyQueryPool) X(GetQueryPoolResults) X(ResetQueryPool) \
    X(CreateRenderPass) X(DestroyRenderPass) X(CreateFramebuffer) X(DestroyFramebuffer) \
    X(CmdBindPipeline) X(CmdBindDescriptorSets) X(CmdPushConstants) X(CmdDispatch) X(CmdDispatchIndirect) X(CmdPipelineBarrier) \
    X(CmdCopyBuffer) X(CmdCopyBufferToImage) X(CmdCopyImageToBuffer) X(CmdCopyImage) X(CmdBlitImage) \
    X(CmdFillBuffer) X(CmdUpdateBuffer) X(CmdClearColorImage) X(CmdResetQueryPool) X(CmdWriteTimestamp) \
    X(CmdBeginRenderPass) X(CmdEndRenderPass) X(CmdSetViewport) X(CmdSetScissor) X(CmdBindVertexBuffers) \
    X(CmdBindIndexBuffer) X(CmdDraw) X(CmdDrawIndexed)

// Null when the device lacks the extension.
#define SAC_VK_DEVICE_OPTIONAL_FUNCTIONS(X) \
    X(SetDebugUtilsObjectNameEXT) X(CmdBeginDebugUtilsLabelEXT) X(CmdEndDebugUtilsLabelEXT) \
    X(CreateSwapchainKHR) X(DestroySwapchainKHR) X(GetSwapchainImagesKHR) X(AcquireNextImageKHR) X(QueuePresentKHR)
// clang-format on

#define SAC_VK_MEMBER(name) PFN_vk##name name = nullptr;

/// Functions that need no instance. GetInstanceProcAddr comes from the Vulkan loader or from a host.
struct LoaderFunctions {
    PFN_vkGetInstanceProcAddr GetInstanceProcAddr = nullptr;
    SAC_VK_LOADER_FUNCTIONS(SAC_VK_MEMBER)
};

struct InstanceFunctions {
    SAC_VK_INSTANCE_FUNCTIONS(SAC_VK_MEMBER)
    SAC_VK_INSTANCE_OPTIONAL_FUNCTIONS(SAC_VK_MEMBER)
};

struct DeviceFunctions {
    SAC_VK_DEVICE_FUNCTIONS(SAC_VK_MEMBER)
    SAC_VK_DEVICE_OPTIONAL_FUNCTIONS(SAC_VK_MEMBER)
};

#undef SAC_VK_MEMBER

/// Opens the system's Vulkan loader (once in a process; it stays open). Error no_device names the files looked for.
Result<PFN_vkGetInstanceProcAddr> open_system_loader();

Result<LoaderFunctions> load_loader_functions(PFN_vkGetInstanceProcAddr get);
Result<InstanceFunctions> load_instance_functions(PFN_vkGetInstanceProcAddr get, VkInstance instance);
Result<DeviceFunctions> load_device_functions(PFN_vkGetDeviceProcAddr get, VkDevice device);

/// "VK_ERROR_DEVICE_LOST" and so on.
const char *result_name(VkResult result);

/// Maps a failed VkResult to an Error: out_of_memory, device_lost or vulkan_error. `what` says what was tried.
Error vk_error(VkResult result, std::string_view what);

/// SAC_VK(fn.CreateBuffer(...), "creating the weights' buffer"): returns an Error unless VK_SUCCESS.
#define SAC_VK(call, what)                                                                                     \
    do {                                                                                                       \
        if (const VkResult sac_vk_ = (call); sac_vk_ != VK_SUCCESS) return ::sac::vk::vk_error(sac_vk_, what); \
    } while (0)

}  // namespace sac::vk
