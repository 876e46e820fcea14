#pragma once
// A host as a stranger would write it: its own Vulkan instance, device, queue and image. Nothing of Saccade is in here.

#ifndef VK_NO_PROTOTYPES
#define VK_NO_PROTOTYPES
#endif
#include <vulkan/vulkan.h>

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

// The functions this host calls.
// clang-format off
#define HOST_INSTANCE_FUNCTIONS(X) \
    X(DestroyInstance) X(EnumeratePhysicalDevices) X(GetPhysicalDeviceProperties) X(GetPhysicalDeviceFeatures2) \
    X(GetPhysicalDeviceMemoryProperties) X(GetPhysicalDeviceQueueFamilyProperties) X(CreateDevice) X(GetDeviceProcAddr)
#define HOST_DEVICE_FUNCTIONS(X) \
    X(DestroyDevice) X(DeviceWaitIdle) X(GetDeviceQueue) X(QueueSubmit) \
    X(CreateSemaphore) X(DestroySemaphore) X(WaitSemaphores) \
    X(CreateImage) X(DestroyImage) X(GetImageMemoryRequirements) X(BindImageMemory) \
    X(CreateBuffer) X(DestroyBuffer) X(GetBufferMemoryRequirements) X(BindBufferMemory) \
    X(AllocateMemory) X(FreeMemory) X(MapMemory) X(UnmapMemory) \
    X(CreateCommandPool) X(DestroyCommandPool) X(AllocateCommandBuffers) X(BeginCommandBuffer) X(EndCommandBuffer) \
    X(CmdPipelineBarrier) X(CmdCopyBufferToImage)
// clang-format on

class VulkanHost {
public:
    /// Ends the program with a sentence where something is missing. `validation`: with the Khronos layer.
    VulkanHost(uint32_t width, uint32_t height, const uint8_t *rgba, bool validation);
    ~VulkanHost();
    VulkanHost(const VulkanHost &) = delete;
    VulkanHost &operator=(const VulkanHost &) = delete;

    /// Stands for drawing a frame: fills the image on the queue, after the timeline has reached `after`, and lets it
    /// reach `then`. The image is in SHADER_READ_ONLY_OPTIMAL when that is done.
    void draw(uint64_t after, uint64_t then);
    void wait(uint64_t value) const;

    PFN_vkGetInstanceProcAddr get_instance_proc_addr = nullptr;
    VkInstance instance = VK_NULL_HANDLE;
    VkPhysicalDevice physical_device = VK_NULL_HANDLE;
    VkDevice device = VK_NULL_HANDLE;
    VkPhysicalDeviceFeatures2 enabled_features = {};
    uint32_t queue_family = 0, queue_count = 1;
    VkQueue queue = VK_NULL_HANDLE;
    std::mutex queue_mutex;
    VkImage image = VK_NULL_HANDLE;
    VkSemaphore timeline = VK_NULL_HANDLE;
    std::string device_name;

private:
    void load_loader();
    void create_instance(bool validation);
    void create_device();
    void create_image();
    void create_buffer(const uint8_t *rgba);
    VkDeviceMemory allocate(const VkMemoryRequirements &requirements, VkMemoryPropertyFlags properties);

#define HOST_MEMBER(name) PFN_vk##name name = nullptr;
    struct {
        HOST_INSTANCE_FUNCTIONS(HOST_MEMBER)
        HOST_DEVICE_FUNCTIONS(HOST_MEMBER)
    } vk_;
#undef HOST_MEMBER
    void *loader_ = nullptr;
    const uint32_t width_, height_;
    VkPhysicalDeviceVulkan12Features features12_ = {};
    VkDeviceMemory image_memory_ = VK_NULL_HANDLE, buffer_memory_ = VK_NULL_HANDLE;
    VkBuffer buffer_ = VK_NULL_HANDLE;
    VkCommandPool pool_ = VK_NULL_HANDLE;
    VkCommandBuffer commands_ = VK_NULL_HANDLE;
};
