#include "samples/foreign_host/vulkan_host.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

#ifdef _WIN32
#include <windows.h>
#undef CreateSemaphore  // a macro there, a Vulkan function here
#else
#include <dlfcn.h>
#endif

namespace {

VkBool32 VKAPI_PTR count_message(VkDebugUtilsMessageSeverityFlagBitsEXT, VkDebugUtilsMessageTypeFlagsEXT,
                                 const VkDebugUtilsMessengerCallbackDataEXT *data, void *count) {
    // The layer waiting for itself: two threads in vkWaitSemaphores and vkSignalSemaphore keep one another out. Nothing
    // is wrong with the program (github.com/KhronosGroup/Vulkan-ValidationLayers, 4649 and 4968).
    if (std::strstr(data->pMessage, "UNASSIGNED-VkSemaphore-state-timeout")) return VK_FALSE;
    std::fprintf(stderr, "validation: %s\n", data->pMessage);
    ++*static_cast<std::atomic<uint32_t> *>(count);
    return VK_FALSE;
}

}  // namespace

void check(VkResult result, const char *what) {
    if (result != VK_SUCCESS) throw HostError(std::string(what) + " failed: VkResult " + std::to_string(result));
}

VulkanHost::VulkanHost(const HostOptions &options) {
    load_loader();
    create_instance(options);
    choose_device();
    create_device(options);
    auto pool = vk_struct<VkCommandPoolCreateInfo>(VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO);
    pool.flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT;
    pool.queueFamilyIndex = queue_family;
    check(vk.CreateCommandPool(device, &pool, nullptr, &pool_), "vkCreateCommandPool");
}

VulkanHost::~VulkanHost() {
    vk.DestroyCommandPool(device, pool_, nullptr);
    vk.DestroyDevice(device, nullptr);
    if (messenger_) vk.DestroyDebugUtilsMessengerEXT(instance, messenger_, nullptr);
    vk.DestroyInstance(instance, nullptr);
}

void VulkanHost::load_loader() {
    // The loader stays open: what it has loaded does not like to go before the process does.
#ifdef _WIN32
    if (const HMODULE library = LoadLibraryA("vulkan-1.dll"))
        get_instance_proc_addr = reinterpret_cast<PFN_vkGetInstanceProcAddr>(
            reinterpret_cast<void *>(GetProcAddress(library, "vkGetInstanceProcAddr")));
#else
    void *library = nullptr;
    for (const char *name : {"libvulkan.so.1", "libvulkan.so", "libvulkan.1.dylib"})
        if (!library) library = dlopen(name, RTLD_NOW);
    if (library)
        get_instance_proc_addr = reinterpret_cast<PFN_vkGetInstanceProcAddr>(dlsym(library, "vkGetInstanceProcAddr"));
#endif
    if (!get_instance_proc_addr) throw HostError("there is no Vulkan loader");
}

void VulkanHost::create_instance(const HostOptions &options) {
    auto application = vk_struct<VkApplicationInfo>(VK_STRUCTURE_TYPE_APPLICATION_INFO);
    application.pApplicationName = "foreign_host";
    application.apiVersion = VK_API_VERSION_1_2;
    std::vector<const char *> extensions = options.instance_extensions;
    const char *const layer = "VK_LAYER_KHRONOS_validation";
    const VkValidationFeatureEnableEXT synchronization = VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT;
    auto features = vk_struct<VkValidationFeaturesEXT>(VK_STRUCTURE_TYPE_VALIDATION_FEATURES_EXT);
    features.enabledValidationFeatureCount = 1;
    features.pEnabledValidationFeatures = &synchronization;
    auto info = vk_struct<VkInstanceCreateInfo>(VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO);
    info.pApplicationInfo = &application;
    if (options.validation_messages) {
        extensions.push_back(VK_EXT_DEBUG_UTILS_EXTENSION_NAME);
        extensions.push_back(VK_EXT_VALIDATION_FEATURES_EXTENSION_NAME);  // the layer's own
        info.pNext = &features;
        info.enabledLayerCount = 1;
        info.ppEnabledLayerNames = &layer;
        enabled_extensions.push_back(VK_EXT_DEBUG_UTILS_EXTENSION_NAME);
    }
    info.enabledExtensionCount = static_cast<uint32_t>(extensions.size());
    info.ppEnabledExtensionNames = extensions.data();
    const auto create = reinterpret_cast<PFN_vkCreateInstance>(get_instance_proc_addr(nullptr, "vkCreateInstance"));
    const VkResult created = create(&info, nullptr, &instance);
    if (created == VK_ERROR_LAYER_NOT_PRESENT) throw HostError("the Khronos validation layer is not installed");
    check(created, "vkCreateInstance");
#define HOST_LOAD(name) vk.name = reinterpret_cast<PFN_vk##name>(get_instance_proc_addr(instance, "vk" #name));
    HOST_INSTANCE_FUNCTIONS(HOST_LOAD)
#undef HOST_LOAD
    if (!options.validation_messages) return;
    auto messenger =
        vk_struct<VkDebugUtilsMessengerCreateInfoEXT>(VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT);
    messenger.messageSeverity =
        VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT;
    messenger.messageType =
        VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_TYPE_PERFORMANCE_BIT_EXT;
    messenger.pfnUserCallback = count_message;
    messenger.pUserData = options.validation_messages;
    check(vk.CreateDebugUtilsMessengerEXT(instance, &messenger, nullptr, &messenger_),
          "vkCreateDebugUtilsMessengerEXT");
}

void VulkanHost::choose_device() {
    uint32_t count = 1;
    const VkResult found = vk.EnumeratePhysicalDevices(instance, &count, &physical_device);  // the first will do
    if (found != VK_INCOMPLETE) check(found, "vkEnumeratePhysicalDevices");
    if (count == 0) throw HostError("there is no Vulkan device");
    VkPhysicalDeviceProperties properties;
    vk.GetPhysicalDeviceProperties(physical_device, &properties);
    device_name = properties.deviceName;
    if (properties.apiVersion < VK_API_VERSION_1_2) throw HostError(device_name + " has no Vulkan 1.2");

    uint32_t family_count = 0;
    vk.GetPhysicalDeviceQueueFamilyProperties(physical_device, &family_count, nullptr);
    std::vector<VkQueueFamilyProperties> families(family_count);
    vk.GetPhysicalDeviceQueueFamilyProperties(physical_device, &family_count, families.data());
    constexpr VkQueueFlags wanted = VK_QUEUE_GRAPHICS_BIT | VK_QUEUE_COMPUTE_BIT;
    while (queue_family < family_count && (families[queue_family].queueFlags & wanted) != wanted) ++queue_family;
    if (queue_family == family_count) throw HostError(device_name + " has no queue for graphics and compute");
    queue_count = std::min(families[queue_family].queueCount, 2u);
}

void VulkanHost::create_device(const HostOptions &options) {
    auto there12 = vk_struct<VkPhysicalDeviceVulkan12Features>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES);
    auto there11 = vk_struct<VkPhysicalDeviceVulkan11Features>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES);
    auto there = vk_struct<VkPhysicalDeviceFeatures2>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2);
    there.pNext = &there11;
    there11.pNext = &there12;
    vk.GetPhysicalDeviceFeatures2(physical_device, &there);
    if (!there12.timelineSemaphore) throw HostError(device_name + " has no timeline semaphores");

    // This host's own need is the timeline semaphore; the rest makes the plugin faster where it is there.
    features12_ = vk_struct<VkPhysicalDeviceVulkan12Features>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES);
    features11_ = vk_struct<VkPhysicalDeviceVulkan11Features>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES);
    enabled_features = vk_struct<VkPhysicalDeviceFeatures2>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2);
    enabled_features.pNext = &features11_;
    features11_.pNext = &features12_;
    features12_.timelineSemaphore = VK_TRUE;
    features12_.hostQueryReset = there12.hostQueryReset;
    features12_.shaderFloat16 = there12.shaderFloat16;
    features11_.storageBuffer16BitAccess = there11.storageBuffer16BitAccess;

    const float priorities[] = {1, 0.5f};
    auto queues = vk_struct<VkDeviceQueueCreateInfo>(VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO);
    queues.queueFamilyIndex = queue_family;
    queues.queueCount = queue_count;
    queues.pQueuePriorities = priorities;
    auto info = vk_struct<VkDeviceCreateInfo>(VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO);
    info.pNext = &enabled_features;
    info.queueCreateInfoCount = 1;
    info.pQueueCreateInfos = &queues;
    info.enabledExtensionCount = static_cast<uint32_t>(options.device_extensions.size());
    info.ppEnabledExtensionNames = options.device_extensions.data();
    check(vk.CreateDevice(physical_device, &info, nullptr, &device), "vkCreateDevice");
    enabled_extensions.insert(enabled_extensions.end(), options.device_extensions.begin(),
                              options.device_extensions.end());
#define HOST_LOAD(name) vk.name = reinterpret_cast<PFN_vk##name>(vk.GetDeviceProcAddr(device, "vk" #name));
    HOST_DEVICE_FUNCTIONS(HOST_LOAD)
#undef HOST_LOAD
    vk.GetDeviceQueue(device, queue_family, 0, &queue);
}

VkDeviceMemory VulkanHost::allocate(const VkMemoryRequirements &requirements, VkMemoryPropertyFlags properties) const {
    VkPhysicalDeviceMemoryProperties memory;
    vk.GetPhysicalDeviceMemoryProperties(physical_device, &memory);
    auto info = vk_struct<VkMemoryAllocateInfo>(VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO);
    info.allocationSize = requirements.size;
    while (info.memoryTypeIndex < memory.memoryTypeCount &&
           (!(requirements.memoryTypeBits >> info.memoryTypeIndex & 1) ||
            (memory.memoryTypes[info.memoryTypeIndex].propertyFlags & properties) != properties))
        ++info.memoryTypeIndex;
    if (info.memoryTypeIndex == memory.memoryTypeCount) throw HostError("the device lacks a kind of memory");
    VkDeviceMemory allocated;
    check(vk.AllocateMemory(device, &info, nullptr, &allocated), "vkAllocateMemory");
    return allocated;
}

Image VulkanHost::create_image(uint32_t width, uint32_t height, VkImageUsageFlags usage) const {
    auto info = vk_struct<VkImageCreateInfo>(VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO);
    info.imageType = VK_IMAGE_TYPE_2D;
    info.format = format;
    info.extent = {width, height, 1};
    info.mipLevels = info.arrayLayers = 1;
    info.samples = VK_SAMPLE_COUNT_1_BIT;
    info.usage = usage;
    Image image;
    check(vk.CreateImage(device, &info, nullptr, &image.handle), "vkCreateImage");
    VkMemoryRequirements requirements;
    vk.GetImageMemoryRequirements(device, image.handle, &requirements);
    image.memory = allocate(requirements, VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT);
    check(vk.BindImageMemory(device, image.handle, image.memory, 0), "vkBindImageMemory");
    auto view = vk_struct<VkImageViewCreateInfo>(VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO);
    view.image = image.handle;
    view.viewType = VK_IMAGE_VIEW_TYPE_2D;
    view.format = format;
    view.subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1};
    check(vk.CreateImageView(device, &view, nullptr, &image.view), "vkCreateImageView");
    return image;
}

void VulkanHost::destroy(const Image &image) const {
    vk.DestroyImageView(device, image.view, nullptr);
    vk.DestroyImage(device, image.handle, nullptr);
    vk.FreeMemory(device, image.memory, nullptr);
}

VkSemaphore VulkanHost::create_semaphore(VkSemaphoreType type) const {
    auto kind = vk_struct<VkSemaphoreTypeCreateInfo>(VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO);
    kind.semaphoreType = type;
    auto info = vk_struct<VkSemaphoreCreateInfo>(VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO);
    info.pNext = &kind;
    VkSemaphore semaphore;
    check(vk.CreateSemaphore(device, &info, nullptr, &semaphore), "vkCreateSemaphore");
    return semaphore;
}

VkCommandBuffer VulkanHost::create_commands() const {
    auto info = vk_struct<VkCommandBufferAllocateInfo>(VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO);
    info.commandPool = pool_;
    info.commandBufferCount = 1;
    VkCommandBuffer commands;
    check(vk.AllocateCommandBuffers(device, &info, &commands), "vkAllocateCommandBuffers");
    return commands;
}

void VulkanHost::begin(VkCommandBuffer commands) const {
    auto info = vk_struct<VkCommandBufferBeginInfo>(VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO);
    info.flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT;
    check(vk.BeginCommandBuffer(commands, &info), "vkBeginCommandBuffer");
}

void VulkanHost::barrier(VkCommandBuffer commands, const ImageBarrier &barrier) const {
    auto info = vk_struct<VkImageMemoryBarrier>(VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER);
    info.srcAccessMask = barrier.access_before;
    info.dstAccessMask = barrier.access_after;
    info.oldLayout = barrier.from;
    info.newLayout = barrier.to;
    info.srcQueueFamilyIndex = info.dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED;
    info.image = barrier.image;
    info.subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1};
    vk.CmdPipelineBarrier(commands, barrier.stage_before, barrier.stage_after, 0, 0, nullptr, 0, nullptr, 1, &info);
}

void VulkanHost::with_buffer(VkDeviceSize size, VkBufferUsageFlags usage, const std::function<void(void *)> &before,
                             const std::function<void(VkCommandBuffer, VkBuffer)> &record,
                             const std::function<void(const void *)> &after) const {
    auto info = vk_struct<VkBufferCreateInfo>(VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO);
    info.size = size;
    info.usage = usage;
    VkBuffer buffer;
    check(vk.CreateBuffer(device, &info, nullptr, &buffer), "vkCreateBuffer");
    VkMemoryRequirements requirements;
    vk.GetBufferMemoryRequirements(device, buffer, &requirements);
    const VkDeviceMemory memory =
        allocate(requirements, VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT);
    check(vk.BindBufferMemory(device, buffer, memory, 0), "vkBindBufferMemory");
    void *mapped = nullptr;
    check(vk.MapMemory(device, memory, 0, VK_WHOLE_SIZE, 0, &mapped), "vkMapMemory");
    if (before) before(mapped);

    const VkCommandBuffer commands = create_commands();
    begin(commands);
    record(commands, buffer);
    check(vk.EndCommandBuffer(commands), "vkEndCommandBuffer");
    auto submit = vk_struct<VkSubmitInfo>(VK_STRUCTURE_TYPE_SUBMIT_INFO);
    submit.commandBufferCount = 1;
    submit.pCommandBuffers = &commands;
    {
        const std::lock_guard lock(queue_mutex);
        check(vk.QueueSubmit(queue, 1, &submit, VK_NULL_HANDLE), "vkQueueSubmit");
        check(vk.QueueWaitIdle(queue), "vkQueueWaitIdle");
    }
    if (after) after(mapped);
    vk.FreeCommandBuffers(device, pool_, 1, &commands);
    vk.DestroyBuffer(device, buffer, nullptr);
    vk.FreeMemory(device, memory, nullptr);
}

void VulkanHost::upload(const Image &image, uint32_t width, uint32_t height, const uint8_t *rgba) const {
    const size_t bytes = size_t{width} * height * 4;
    with_buffer(
        bytes, VK_BUFFER_USAGE_TRANSFER_SRC_BIT, [&](void *mapped) { std::memcpy(mapped, rgba, bytes); },
        [&](VkCommandBuffer commands, VkBuffer buffer) {
            barrier(commands, {image.handle, VK_IMAGE_LAYOUT_UNDEFINED, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL,
                               VK_PIPELINE_STAGE_TOP_OF_PIPE_BIT, 0, VK_PIPELINE_STAGE_TRANSFER_BIT,
                               VK_ACCESS_TRANSFER_WRITE_BIT});
            VkBufferImageCopy region = {};
            region.imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1};
            region.imageExtent = {width, height, 1};
            vk.CmdCopyBufferToImage(commands, buffer, image.handle, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, 1, &region);
            barrier(commands,
                    {image.handle, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL,
                     VK_PIPELINE_STAGE_TRANSFER_BIT, VK_ACCESS_TRANSFER_WRITE_BIT,
                     VK_PIPELINE_STAGE_FRAGMENT_SHADER_BIT, VK_ACCESS_SHADER_READ_BIT});
        },
        {});
}

std::vector<uint8_t> VulkanHost::download(const Image &image, uint32_t width, uint32_t height) const {
    std::vector<uint8_t> rgba(size_t{width} * height * 4);
    with_buffer(
        rgba.size(), VK_BUFFER_USAGE_TRANSFER_DST_BIT, {},
        [&](VkCommandBuffer commands, VkBuffer buffer) {
            VkBufferImageCopy region = {};
            region.imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1};
            region.imageExtent = {width, height, 1};
            vk.CmdCopyImageToBuffer(commands, image.handle, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, buffer, 1, &region);
            auto visible = vk_struct<VkMemoryBarrier>(VK_STRUCTURE_TYPE_MEMORY_BARRIER);
            visible.srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT;
            visible.dstAccessMask = VK_ACCESS_HOST_READ_BIT;
            vk.CmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &visible,
                                  0, nullptr, 0, nullptr);
        },
        [&](const void *mapped) { std::memcpy(rgba.data(), mapped, rgba.size()); });
    return rgba;
}
