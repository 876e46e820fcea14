#pragma once
// The Vulkan of an engine that is not Saccade's: its own instance, device, queues and memory. Nothing in here knows of
// the plugin.

#ifndef VK_NO_PROTOTYPES
#define VK_NO_PROTOTYPES
#endif
#include <vulkan/vulkan.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

// The functions this host calls.
// clang-format off
#define HOST_INSTANCE_FUNCTIONS(X) \
    X(DestroyInstance) X(EnumeratePhysicalDevices) X(GetPhysicalDeviceProperties) X(GetPhysicalDeviceFeatures2) \
    X(GetPhysicalDeviceMemoryProperties) X(GetPhysicalDeviceQueueFamilyProperties) X(CreateDevice) \
    X(GetDeviceProcAddr) X(CreateDebugUtilsMessengerEXT) X(DestroyDebugUtilsMessengerEXT)
#define HOST_DEVICE_FUNCTIONS(X) \
    X(DestroyDevice) X(GetDeviceQueue) X(QueueSubmit) X(QueueWaitIdle) \
    X(CreateSemaphore) X(DestroySemaphore) X(WaitSemaphores) X(GetSemaphoreCounterValue) \
    X(CreateImage) X(DestroyImage) X(GetImageMemoryRequirements) X(BindImageMemory) \
    X(CreateImageView) X(DestroyImageView) X(CreateSampler) X(DestroySampler) \
    X(CreateBuffer) X(DestroyBuffer) X(GetBufferMemoryRequirements) X(BindBufferMemory) \
    X(AllocateMemory) X(FreeMemory) X(MapMemory) \
    X(CreateRenderPass) X(DestroyRenderPass) X(CreateFramebuffer) X(DestroyFramebuffer) \
    X(CreateShaderModule) X(DestroyShaderModule) X(CreatePipelineLayout) X(DestroyPipelineLayout) \
    X(CreateGraphicsPipelines) X(DestroyPipeline) \
    X(CreateDescriptorSetLayout) X(DestroyDescriptorSetLayout) X(CreateDescriptorPool) X(DestroyDescriptorPool) \
    X(AllocateDescriptorSets) X(UpdateDescriptorSets) \
    X(CreateCommandPool) X(DestroyCommandPool) X(AllocateCommandBuffers) X(FreeCommandBuffers) \
    X(BeginCommandBuffer) X(EndCommandBuffer) X(CmdPipelineBarrier) \
    X(CmdCopyBufferToImage) X(CmdCopyImageToBuffer) X(CmdCopyImage) X(CmdBlitImage) \
    X(CmdBeginRenderPass) X(CmdEndRenderPass) X(CmdBindPipeline) X(CmdBindDescriptorSets) X(CmdPushConstants) X(CmdDraw)
// clang-format on

/// What ends the program: one sentence. Thrown by every part of the host, caught in main, never thrown into the plugin.
struct HostError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Throws where a call did not succeed; `what` is the function's name.
void check(VkResult result, const char *what);

/// A struct of Vulkan's with its sType, all else zero.
template <class T>
T vk_struct(VkStructureType type) {
    T made = {};
    made.sType = type;
    return made;
}

/// A 2D color image with one level, its memory and a view of it.
struct Image {
    VkImage handle = VK_NULL_HANDLE;
    VkImageView view = VK_NULL_HANDLE;
    VkDeviceMemory memory = VK_NULL_HANDLE;
};

/// A change of an image's layout, with the work before and after it that must not overlap.
struct ImageBarrier {
    VkImage image;
    VkImageLayout from, to;
    VkPipelineStageFlags stage_before;
    VkAccessFlags access_before;
    VkPipelineStageFlags stage_after;
    VkAccessFlags access_after;
};

struct HostOptions {
    std::vector<const char *> instance_extensions, device_extensions;  ///< the device must have them
    /// Counts the messages of the Khronos validation layer, also those about what is destroyed last; null: without the
    /// layer.
    std::atomic<uint32_t> *validation_messages = nullptr;
};

/// [thread] one, but for `queue_mutex`.
class VulkanHost {
public:
    explicit VulkanHost(const HostOptions &options);
    ~VulkanHost();
    VulkanHost(const VulkanHost &) = delete;
    VulkanHost &operator=(const VulkanHost &) = delete;

    // Images are of `format`; whoever creates something destroys it.
    Image create_image(uint32_t width, uint32_t height, VkImageUsageFlags usage) const;
    void destroy(const Image &image) const;
    VkSemaphore create_semaphore(VkSemaphoreType type) const;
    VkCommandBuffer create_commands() const;
    void begin(VkCommandBuffer commands) const;
    void barrier(VkCommandBuffer commands, const ImageBarrier &barrier) const;

    /// Fills the image from `rgba`, 4 bytes a pixel, and leaves it in SHADER_READ_ONLY_OPTIMAL. Waits: for loading.
    void upload(const Image &image, uint32_t width, uint32_t height, const uint8_t *rgba) const;
    /// The pixels of an image that is in TRANSFER_SRC_OPTIMAL. Waits: for screenshots.
    std::vector<uint8_t> download(const Image &image, uint32_t width, uint32_t height) const;

    static constexpr VkFormat format = VK_FORMAT_R8G8B8A8_UNORM;
#define HOST_MEMBER(name) PFN_vk##name name = nullptr;
    struct {
        HOST_INSTANCE_FUNCTIONS(HOST_MEMBER)
        HOST_DEVICE_FUNCTIONS(HOST_MEMBER)
    } vk;
#undef HOST_MEMBER
    PFN_vkGetInstanceProcAddr get_instance_proc_addr = nullptr;
    VkInstance instance = VK_NULL_HANDLE;
    VkPhysicalDevice physical_device = VK_NULL_HANDLE;
    VkDevice device = VK_NULL_HANDLE;
    /// What was enabled, which Vulkan cannot be asked for: extensions of the device, and debug utils of the instance.
    std::vector<const char *> enabled_extensions;
    VkPhysicalDeviceFeatures2 enabled_features = {};
    uint32_t queue_family = 0;
    uint32_t queue_count = 1;  ///< the host uses the first; a second one it leaves to others
    VkQueue queue = VK_NULL_HANDLE;
    mutable std::mutex queue_mutex;  ///< to hold while `queue` is used, for more than one thread may
    std::string device_name;

private:
    void load_loader();
    void create_instance(const HostOptions &options);
    void choose_device();
    void create_device(const HostOptions &options);
    VkDeviceMemory allocate(const VkMemoryRequirements &requirements, VkMemoryPropertyFlags properties) const;
    /// Records and submits commands that work on a buffer the host can see, and waits for them.
    void with_buffer(VkDeviceSize size, VkBufferUsageFlags usage, const std::function<void(void *)> &before,
                     const std::function<void(VkCommandBuffer, VkBuffer)> &record,
                     const std::function<void(const void *)> &after) const;

    VkDebugUtilsMessengerEXT messenger_ = VK_NULL_HANDLE;
    VkPhysicalDeviceVulkan11Features features11_ = {};
    VkPhysicalDeviceVulkan12Features features12_ = {};
    VkCommandPool pool_ = VK_NULL_HANDLE;
};
