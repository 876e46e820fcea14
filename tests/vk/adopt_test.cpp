// Working on a host's device: one that is made here by hand, as an engine would.
#include <doctest/doctest.h>

#include <vector>

#include "compute/vk/device.h"
#include "compute/vk/memory.h"
#include "tests/support/device.h"
#include "tests/support/fault.h"
#include "tests/support/spirv.h"

using namespace sac;

namespace {

VKAPI_ATTR VkBool32 VKAPI_CALL on_message(VkDebugUtilsMessageSeverityFlagBitsEXT, VkDebugUtilsMessageTypeFlagsEXT,
                                          const VkDebugUtilsMessengerCallbackDataEXT *data, void *) {
    test::report_validation_message(data->pMessage);
    return VK_FALSE;
}

// An engine's device, its only queue guarded by a lock that counts.
struct Host {
    PFN_vkGetInstanceProcAddr get = *vk::open_system_loader();
    VkInstance instance = VK_NULL_HANDLE;
    VkDebugUtilsMessengerEXT messenger = VK_NULL_HANDLE;
    VkPhysicalDevice physical_device = VK_NULL_HANDLE;
    VkDevice device = VK_NULL_HANDLE;
    VkQueue queue = VK_NULL_HANDLE;
    vk::InstanceFunctions fn;
    VkPhysicalDeviceVulkan12Features features12 = {};
    VkPhysicalDeviceFeatures2 features = {};
    std::vector<const char *> extensions = {VK_EXT_DEBUG_UTILS_EXTENSION_NAME};
    int locks = 0, unlocks = 0;

    explicit Host(bool timeline = true) {
        const bool validate = test::validation_enabled();
        const char *layer = "VK_LAYER_KHRONOS_validation";
        VkDebugUtilsMessengerCreateInfoEXT hears = {};
        hears.sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT;
        hears.messageSeverity =
            VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT;
        hears.messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT;
        hears.pfnUserCallback = on_message;
        VkApplicationInfo application = {};
        application.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO;
        application.apiVersion = VK_API_VERSION_1_3;
        VkInstanceCreateInfo info = {};
        info.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO;
        info.pNext = &hears;
        info.pApplicationInfo = &application;
        info.enabledLayerCount = validate ? 1 : 0;
        info.ppEnabledLayerNames = &layer;
        info.enabledExtensionCount = 1;
        info.ppEnabledExtensionNames = extensions.data();
        const auto loader = vk::load_loader_functions(get);
        REQUIRE(loader.ok());
        REQUIRE(loader->CreateInstance(&info, nullptr, &instance) == VK_SUCCESS);
        fn = *vk::load_instance_functions(get, instance);
        REQUIRE(fn.CreateDebugUtilsMessengerEXT(instance, &hears, nullptr, &messenger) == VK_SUCCESS);
        uint32_t count = 1;
        REQUIRE(fn.EnumeratePhysicalDevices(instance, &count, &physical_device) >= 0);
        REQUIRE(count == 1);
        features12.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES;
        features12.timelineSemaphore = timeline;
        features12.shaderFloat16 = VK_TRUE;
        features.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2;
        features.pNext = &features12;
        const float priority = 1;
        VkDeviceQueueCreateInfo queues = {};
        queues.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO;
        queues.queueCount = 1;
        queues.pQueuePriorities = &priority;
        VkDeviceCreateInfo create = {};
        create.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO;
        create.pNext = &features;
        create.queueCreateInfoCount = 1;
        create.pQueueCreateInfos = &queues;
        REQUIRE(fn.CreateDevice(physical_device, &create, nullptr, &device) == VK_SUCCESS);
        reinterpret_cast<PFN_vkGetDeviceQueue>(fn.GetDeviceProcAddr(device, "vkGetDeviceQueue"))(device, 0, 0, &queue);
    }
    ~Host() {
        if (device)
            reinterpret_cast<PFN_vkDestroyDevice>(fn.GetDeviceProcAddr(device, "vkDestroyDevice"))(device, nullptr);
        if (messenger) fn.DestroyDebugUtilsMessengerEXT(instance, messenger, nullptr);
        if (instance) fn.DestroyInstance(instance, nullptr);
    }
    Host(const Host &) = delete;
    Host &operator=(const Host &) = delete;

    vk::HostDevice describe() {
        vk::HostDevice host;
        host.get_instance_proc_addr = get;
        host.instance = instance;
        host.physical_device = physical_device;
        host.device = device;
        host.api_version = VK_API_VERSION_1_3;
        host.enabled_extensions = extensions;
        host.enabled_features = &features;
        host.queue = queue;
        host.queue_lock = {[](void *user) { ++static_cast<Host *>(user)->locks; },
                           [](void *user) { ++static_cast<Host *>(user)->unlocks; }, this};
        return host;
    }
};

}  // namespace

TEST_CASE(
    "a host's device computes, its queue is only touched under its lock, and nothing of it is destroyed or left") {
    Host host;
    for (int round = 0; round < 3; ++round) {  // adopted again and again
        test::Faults faults;
        vk::HostDevice description = host.describe();
        description.patch_functions = [&](vk::DeviceFunctions &fn) { faults.patch(fn); };
        {
            auto device = vk::Device::adopt(description);
            REQUIRE(device.ok());
            vk::Device &d = **device;
            CHECK(d.handle() == host.device);
            CHECK(d.queue() == host.queue);
            CHECK(d.caps().storage16 == false);  // not enabled by this host
            if (d.caps().profile == vk::Profile::full) CHECK(d.caps().float16);
            vk::Memory memory(d);
            const auto shader = test::make_shader({});
            const auto pipeline = vk::Pipeline::create(d, VK_NULL_HANDLE, shader, "adopted");
            const auto buffer = vk::Buffer::create(d, memory, 1024, vk::tensor_usage, vk::MemoryUse::readback, "out");
            REQUIRE(pipeline.ok());
            REQUIRE(buffer.ok());
            REQUIRE(test::run_shader(d, *pipeline, *buffer, 7).ok());
            for (uint32_t i = 0; i < 256; ++i) REQUIRE(buffer->mapped<uint32_t>()[i] == 7 + i);
            CHECK(d.wait_idle().ok());
            CHECK(d.with_queue([&](VkQueue queue) {
                CHECK(host.locks == host.unlocks + 1);
                return queue == host.queue ? VK_SUCCESS : VK_ERROR_UNKNOWN;
            }) == VK_SUCCESS);
        }
        CHECK(faults.live().empty());
        CHECK(faults.calls("DestroyDevice") == 0);
        CHECK(faults.calls("DeviceWaitIdle") == 0);  // it would need every queue of the host's
        CHECK(faults.calls("QueueSubmit") == 1);
        CHECK(host.locks == host.unlocks);
        CHECK(host.locks == (round + 1) * 3);  // a submission, an idle wait, with_queue
    }
}

TEST_CASE("each missing or wrong part of a host's device is named") {
    Host host;
    const auto failure = [](const vk::HostDevice &description) {
        const auto device = vk::Device::adopt(description);
        REQUIRE_FALSE(device.ok());
        return device.error();
    };
    const auto names = [&](const vk::HostDevice &description, Code code, const char *part) {
        const Error error = failure(description);
        CHECK(error.code == code);
        CHECK_MESSAGE(error.message.find(part) != std::string::npos, error.message);
    };
    vk::HostDevice d = host.describe();
    d.get_instance_proc_addr = nullptr;
    names(d, Code::invalid_argument, "get_instance_proc_addr");
    d = host.describe();
    d.instance = VK_NULL_HANDLE;
    names(d, Code::invalid_argument, "instance");
    d = host.describe();
    d.physical_device = VK_NULL_HANDLE;
    names(d, Code::invalid_argument, "physical_device");
    d = host.describe();
    d.device = VK_NULL_HANDLE;
    names(d, Code::invalid_argument, "device");
    d = host.describe();
    d.queue = VK_NULL_HANDLE;
    names(d, Code::invalid_argument, "queue");
    d = host.describe();
    d.queue_lock.unlock = nullptr;
    names(d, Code::invalid_argument, "queue_lock");
    d = host.describe();
    d.queue_family = 42;
    names(d, Code::invalid_argument, "queue_family is 42");
    d = host.describe();
    d.api_version = VK_API_VERSION_1_1;
    names(d, Code::unsupported, "1.1");
    d = host.describe();
    d.enabled_features = nullptr;
    names(d, Code::unsupported, "timelineSemaphore");
}

TEST_CASE("features are read from old and new structures of the chain alike") {
    Host host;
    VkPhysicalDeviceTimelineSemaphoreFeatures timeline = {};
    timeline.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES;
    timeline.timelineSemaphore = VK_TRUE;
    VkPhysicalDeviceShaderFloat16Int8Features float16 = {};
    float16.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_FLOAT16_INT8_FEATURES;
    float16.pNext = &timeline;
    VkPhysicalDeviceFeatures2 chain = {};
    chain.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2;
    chain.pNext = &float16;
    vk::HostDevice description = host.describe();
    description.enabled_features = &chain;
    description.profile = vk::Profile::full;
    auto device = vk::Device::adopt(description);
    REQUIRE(device.ok());
    CHECK_FALSE((*device)->caps().float16);
    float16.shaderFloat16 = VK_TRUE;
    device = vk::Device::adopt(description);
    REQUIRE(device.ok());
    CHECK((*device)->caps().float16);
    description.profile = vk::Profile::minimum;
    device = vk::Device::adopt(description);
    REQUIRE(device.ok());
    CHECK_FALSE((*device)->caps().float16);
}

TEST_CASE("without VK_EXT_debug_utils in the host's list names and labels are left out") {
    Host host;
    vk::HostDevice description = host.describe();
    description.enabled_extensions = {};
    const auto device = vk::Device::adopt(description);
    REQUIRE(device.ok());
    const bool names = (*device)->fn().SetDebugUtilsObjectNameEXT != nullptr;
    const bool labels = (*device)->fn().CmdBeginDebugUtilsLabelEXT != nullptr;
    CHECK_FALSE(names);
    CHECK_FALSE(labels);
    CHECK(vk::run_once(
              **device, [](VkCommandBuffer) -> Status { return {}; }, "unnamed")
              .ok());
}
