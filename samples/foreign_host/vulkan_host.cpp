#include "samples/foreign_host/vulkan_host.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#ifdef _WIN32
#include <windows.h>
#undef CreateSemaphore  // a macro there, a Vulkan function here
#else
#include <dlfcn.h>
#endif

namespace {

[[noreturn]] void fail(const char *what) {
    std::fprintf(stderr, "foreign_host: %s\n", what);
    std::exit(1);
}

void check(VkResult result, const char *what) {
    if (result != VK_SUCCESS) fail((std::string(what) + " failed: VkResult " + std::to_string(result)).c_str());
}

}  // namespace

VulkanHost::VulkanHost(uint32_t width, uint32_t height, const uint8_t *rgba, bool validation)
    : width_(width), height_(height) {
    load_loader();
    create_instance(validation);
    create_device();
    create_image();
    create_buffer(rgba);

    VkSemaphoreTypeCreateInfo type = {};
    type.sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO;
    type.semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE;
    VkSemaphoreCreateInfo semaphore = {};
    semaphore.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO;
    semaphore.pNext = &type;
    check(vk_.CreateSemaphore(device, &semaphore, nullptr, &timeline), "vkCreateSemaphore");
    VkCommandPoolCreateInfo pool = {};
    pool.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO;
    pool.flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT;
    pool.queueFamilyIndex = queue_family;
    check(vk_.CreateCommandPool(device, &pool, nullptr, &pool_), "vkCreateCommandPool");
    VkCommandBufferAllocateInfo commands = {};
    commands.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO;
    commands.commandPool = pool_;
    commands.commandBufferCount = 1;
    check(vk_.AllocateCommandBuffers(device, &commands, &commands_), "vkAllocateCommandBuffers");
}

VulkanHost::~VulkanHost() {
    vk_.DeviceWaitIdle(device);
    vk_.DestroyCommandPool(device, pool_, nullptr);
    vk_.DestroySemaphore(device, timeline, nullptr);
    vk_.DestroyBuffer(device, buffer_, nullptr);
    vk_.FreeMemory(device, buffer_memory_, nullptr);
    vk_.DestroyImage(device, image, nullptr);
    vk_.FreeMemory(device, image_memory_, nullptr);
    vk_.DestroyDevice(device, nullptr);
    vk_.DestroyInstance(instance, nullptr);
}

void VulkanHost::load_loader() {
#ifdef _WIN32
    const HMODULE library = LoadLibraryA("vulkan-1.dll");
    if (library)
        get_instance_proc_addr = reinterpret_cast<PFN_vkGetInstanceProcAddr>(
            reinterpret_cast<void *>(GetProcAddress(library, "vkGetInstanceProcAddr")));
#else
    for (const char *name : {"libvulkan.so.1", "libvulkan.so", "libvulkan.1.dylib"})
        if (!loader_) loader_ = dlopen(name, RTLD_NOW);
    if (loader_)
        get_instance_proc_addr = reinterpret_cast<PFN_vkGetInstanceProcAddr>(dlsym(loader_, "vkGetInstanceProcAddr"));
#endif
    if (!get_instance_proc_addr) fail("there is no Vulkan loader");
}

void VulkanHost::create_instance(bool validation) {
    VkApplicationInfo application = {};
    application.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO;
    application.pApplicationName = "foreign_host";
    application.apiVersion = VK_API_VERSION_1_2;
    const char *const layer = "VK_LAYER_KHRONOS_validation";
    VkInstanceCreateInfo info = {};
    info.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO;
    info.pApplicationInfo = &application;
    info.enabledLayerCount = validation ? 1 : 0;  // without a messenger it prints to the standard output
    info.ppEnabledLayerNames = &layer;
    const auto create = reinterpret_cast<PFN_vkCreateInstance>(get_instance_proc_addr(nullptr, "vkCreateInstance"));
    check(create(&info, nullptr, &instance), "vkCreateInstance");
#define HOST_LOAD(name) vk_.name = reinterpret_cast<PFN_vk##name>(get_instance_proc_addr(instance, "vk" #name));
    HOST_INSTANCE_FUNCTIONS(HOST_LOAD)
#undef HOST_LOAD
}

void VulkanHost::create_device() {
    uint32_t count = 1;
    vk_.EnumeratePhysicalDevices(instance, &count, &physical_device);  // the first will do
    if (count == 0) fail("there is no Vulkan device");
    VkPhysicalDeviceProperties properties;
    vk_.GetPhysicalDeviceProperties(physical_device, &properties);
    device_name = properties.deviceName;

    uint32_t family_count = 0;
    vk_.GetPhysicalDeviceQueueFamilyProperties(physical_device, &family_count, nullptr);
    std::vector<VkQueueFamilyProperties> families(family_count);
    vk_.GetPhysicalDeviceQueueFamilyProperties(physical_device, &family_count, families.data());
    constexpr VkQueueFlags wanted = VK_QUEUE_GRAPHICS_BIT | VK_QUEUE_COMPUTE_BIT;
    while (queue_family < family_count && (families[queue_family].queueFlags & wanted) != wanted) ++queue_family;
    if (queue_family == family_count) fail("the device has no queue for graphics and compute");
    queue_count = std::min(families[queue_family].queueCount, 2u);  // one for the plugin, where there is one

    // What the plugin needs, and what it would like where the device has it: see get_requirements.
    features12_.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES;
    enabled_features.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2;
    enabled_features.pNext = &features12_;
    VkPhysicalDeviceVulkan12Features there12 = features12_;
    VkPhysicalDeviceFeatures2 there = enabled_features;
    there.pNext = &there12;
    vk_.GetPhysicalDeviceFeatures2(physical_device, &there);
    features12_.timelineSemaphore = there12.timelineSemaphore;
    features12_.hostQueryReset = there12.hostQueryReset;

    const float priorities[] = {1, 0.5f};
    VkDeviceQueueCreateInfo queues = {};
    queues.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO;
    queues.queueFamilyIndex = queue_family;
    queues.queueCount = queue_count;
    queues.pQueuePriorities = priorities;
    VkDeviceCreateInfo info = {};
    info.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO;
    info.pNext = &enabled_features;
    info.queueCreateInfoCount = 1;
    info.pQueueCreateInfos = &queues;
    check(vk_.CreateDevice(physical_device, &info, nullptr, &device), "vkCreateDevice");
#define HOST_LOAD(name) vk_.name = reinterpret_cast<PFN_vk##name>(vk_.GetDeviceProcAddr(device, "vk" #name));
    HOST_DEVICE_FUNCTIONS(HOST_LOAD)
#undef HOST_LOAD
    vk_.GetDeviceQueue(device, queue_family, 0, &queue);
}

VkDeviceMemory VulkanHost::allocate(const VkMemoryRequirements &requirements, VkMemoryPropertyFlags properties) {
    VkPhysicalDeviceMemoryProperties memory;
    vk_.GetPhysicalDeviceMemoryProperties(physical_device, &memory);
    VkMemoryAllocateInfo info = {};
    info.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO;
    info.allocationSize = requirements.size;
    while (info.memoryTypeIndex < memory.memoryTypeCount &&
           (!(requirements.memoryTypeBits >> info.memoryTypeIndex & 1) ||
            (memory.memoryTypes[info.memoryTypeIndex].propertyFlags & properties) != properties))
        ++info.memoryTypeIndex;
    if (info.memoryTypeIndex == memory.memoryTypeCount) fail("the device has no memory of the kind that is needed");
    VkDeviceMemory allocated;
    check(vk_.AllocateMemory(device, &info, nullptr, &allocated), "vkAllocateMemory");
    return allocated;
}

void VulkanHost::create_image() {
    VkImageCreateInfo info = {};
    info.sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO;
    info.imageType = VK_IMAGE_TYPE_2D;
    info.format = VK_FORMAT_R8G8B8A8_UNORM;
    info.extent = {width_, height_, 1};
    info.mipLevels = info.arrayLayers = 1;
    info.samples = VK_SAMPLE_COUNT_1_BIT;
    info.usage = VK_IMAGE_USAGE_TRANSFER_DST_BIT | VK_IMAGE_USAGE_SAMPLED_BIT;  // the plugin samples it
    check(vk_.CreateImage(device, &info, nullptr, &image), "vkCreateImage");
    VkMemoryRequirements requirements;
    vk_.GetImageMemoryRequirements(device, image, &requirements);
    image_memory_ = allocate(requirements, VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT);
    check(vk_.BindImageMemory(device, image, image_memory_, 0), "vkBindImageMemory");
}

void VulkanHost::create_buffer(const uint8_t *rgba) {
    VkBufferCreateInfo info = {};
    info.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO;
    info.size = VkDeviceSize{width_} * height_ * 4;
    info.usage = VK_BUFFER_USAGE_TRANSFER_SRC_BIT;
    check(vk_.CreateBuffer(device, &info, nullptr, &buffer_), "vkCreateBuffer");
    VkMemoryRequirements requirements;
    vk_.GetBufferMemoryRequirements(device, buffer_, &requirements);
    buffer_memory_ = allocate(requirements, VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT);
    check(vk_.BindBufferMemory(device, buffer_, buffer_memory_, 0), "vkBindBufferMemory");
    void *mapped = nullptr;
    check(vk_.MapMemory(device, buffer_memory_, 0, VK_WHOLE_SIZE, 0, &mapped), "vkMapMemory");
    std::memcpy(mapped, rgba, static_cast<size_t>(info.size));
    vk_.UnmapMemory(device, buffer_memory_);
}

void VulkanHost::draw(uint64_t after, uint64_t then) {
    wait(after);  // one set of commands: a real host would have several
    VkCommandBufferBeginInfo begin = {};
    begin.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO;
    begin.flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT;
    check(vk_.BeginCommandBuffer(commands_, &begin), "vkBeginCommandBuffer");
    VkImageMemoryBarrier barrier = {};
    barrier.sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER;
    barrier.dstAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT;
    barrier.oldLayout = VK_IMAGE_LAYOUT_UNDEFINED;
    barrier.newLayout = VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL;
    barrier.srcQueueFamilyIndex = barrier.dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED;
    barrier.image = image;
    barrier.subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1};
    vk_.CmdPipelineBarrier(commands_, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 0, nullptr,
                           0, nullptr, 1, &barrier);
    VkBufferImageCopy region = {};
    region.imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1};
    region.imageExtent = {width_, height_, 1};
    vk_.CmdCopyBufferToImage(commands_, buffer_, image, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, 1, &region);
    barrier.srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT;
    barrier.dstAccessMask = 0;  // the semaphore does the rest
    barrier.oldLayout = VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL;
    barrier.newLayout = VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL;
    vk_.CmdPipelineBarrier(commands_, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, 0, 0, nullptr,
                           0, nullptr, 1, &barrier);
    check(vk_.EndCommandBuffer(commands_), "vkEndCommandBuffer");

    VkTimelineSemaphoreSubmitInfo values = {};
    values.sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO;
    values.signalSemaphoreValueCount = 1;
    values.pSignalSemaphoreValues = &then;
    VkSubmitInfo submit = {};
    submit.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO;
    submit.pNext = &values;
    submit.commandBufferCount = 1;
    submit.pCommandBuffers = &commands_;
    submit.signalSemaphoreCount = 1;
    submit.pSignalSemaphores = &timeline;
    const std::lock_guard lock(queue_mutex);
    check(vk_.QueueSubmit(queue, 1, &submit, VK_NULL_HANDLE), "vkQueueSubmit");
}

void VulkanHost::wait(uint64_t value) const {
    VkSemaphoreWaitInfo info = {};
    info.sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO;
    info.semaphoreCount = 1;
    info.pSemaphores = &timeline;
    info.pValues = &value;
    check(vk_.WaitSemaphores(device, &info, UINT64_MAX), "vkWaitSemaphores");
}
