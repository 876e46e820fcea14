// Making devices: choice, profile, errors, several at once.
#include "compute/vk/device.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>

#include "compute/vk/memory.h"
#include "tests/support/device.h"
#include "tests/support/files.h"
#include "tests/support/spirv.h"

using namespace sac;
using test::ScopedEnv;

namespace {

Error failure(const vk::DeviceOptions &options) {
    const auto device = vk::Device::create(options);
    REQUIRE_FALSE(device.ok());
    return device.error();
}

bool mentions(const Error &error, const std::string &part) { return error.message.find(part) != std::string::npos; }

// A loader whose answers are altered on the way: the system's, but of another age or with lesser devices.
namespace fake {

PFN_vkGetInstanceProcAddr real = nullptr;
uint32_t device_version = 0;  // what devices say of themselves
bool timeline = true;         // whether they have timeline semaphores
bool compute = true;          // whether their queues compute
bool devices = true;          // whether there are any

template <class F>
F real_function(VkInstance instance, const char *name) {
    return reinterpret_cast<F>(real(instance, name));
}

VkInstance instance = VK_NULL_HANDLE;

VKAPI_ATTR VkResult VKAPI_CALL create_instance(const VkInstanceCreateInfo *info, const VkAllocationCallbacks *allocator,
                                               VkInstance *made) {
    const VkResult result = real_function<PFN_vkCreateInstance>(nullptr, "vkCreateInstance")(info, allocator, made);
    instance = *made;
    return result;
}
VKAPI_ATTR VkResult VKAPI_CALL old_loader(uint32_t *version) {
    *version = VK_MAKE_API_VERSION(0, 1, 1, 0);
    return VK_SUCCESS;
}
VKAPI_ATTR void VKAPI_CALL properties(VkPhysicalDevice device, VkPhysicalDeviceProperties *p) {
    real_function<PFN_vkGetPhysicalDeviceProperties>(instance, "vkGetPhysicalDeviceProperties")(device, p);
    if (device_version) p->apiVersion = device_version;
}
VKAPI_ATTR void VKAPI_CALL features(VkPhysicalDevice device, VkPhysicalDeviceFeatures2 *f) {
    real_function<PFN_vkGetPhysicalDeviceFeatures2>(instance, "vkGetPhysicalDeviceFeatures2")(device, f);
    if (timeline) return;
    for (auto *next = static_cast<VkBaseOutStructure *>(f->pNext); next; next = next->pNext)
        if (next->sType == VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES)
            reinterpret_cast<VkPhysicalDeviceVulkan12Features *>(next)->timelineSemaphore = VK_FALSE;
}
VKAPI_ATTR void VKAPI_CALL families(VkPhysicalDevice device, uint32_t *count, VkQueueFamilyProperties *list) {
    real_function<PFN_vkGetPhysicalDeviceQueueFamilyProperties>(instance, "vkGetPhysicalDeviceQueueFamilyProperties")(
        device, count, list);
    if (!compute && list)
        for (uint32_t i = 0; i < *count; ++i) list[i].queueFlags = VK_QUEUE_TRANSFER_BIT;
}
VKAPI_ATTR VkResult VKAPI_CALL enumerate(VkInstance i, uint32_t *count, VkPhysicalDevice *list) {
    if (devices) return real_function<PFN_vkEnumeratePhysicalDevices>(i, "vkEnumeratePhysicalDevices")(i, count, list);
    *count = 0;
    return VK_SUCCESS;
}
VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL get(VkInstance i, const char *name) {
    const std::string_view n = name;
    if (n == "vkCreateInstance") return reinterpret_cast<PFN_vkVoidFunction>(create_instance);
    if (n == "vkGetPhysicalDeviceProperties") return reinterpret_cast<PFN_vkVoidFunction>(properties);
    if (n == "vkGetPhysicalDeviceFeatures2") return reinterpret_cast<PFN_vkVoidFunction>(features);
    if (n == "vkGetPhysicalDeviceQueueFamilyProperties") return reinterpret_cast<PFN_vkVoidFunction>(families);
    if (n == "vkEnumeratePhysicalDevices") return reinterpret_cast<PFN_vkVoidFunction>(enumerate);
    return real(i, name);
}
VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL get_old(VkInstance i, const char *name) {
    if (!std::strcmp(name, "vkEnumerateInstanceVersion")) return reinterpret_cast<PFN_vkVoidFunction>(old_loader);
    return real(i, name);
}
VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL get_nothing(VkInstance, const char *) { return nullptr; }
VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL get_without_devices(VkInstance i, const char *name) {
    if (!std::strcmp(name, "vkCreateDevice")) return nullptr;
    return real(i, name);
}

vk::DeviceOptions options() {
    real = *vk::open_system_loader();
    device_version = 0;
    timeline = compute = devices = true;
    vk::DeviceOptions o = test::device_options();
    o.get_instance_proc_addr = get;
    return o;
}

}  // namespace fake
}  // namespace

TEST_CASE("the shared device has what Vulkan 1.2 guarantees and tells its name") {
    const vk::Caps &caps = test::device().caps();
    CHECK_FALSE(caps.name.empty());
    CHECK_FALSE(caps.driver.empty());
    CHECK(caps.api_version >= VK_API_VERSION_1_2);
    CHECK(caps.limits.maxComputeWorkGroupInvocations >= 128);
    CHECK(caps.limits.maxPerStageDescriptorStorageBuffers >= 4);
    CHECK(caps.limits.maxStorageBufferRange >= 1u << 27);
    CHECK(caps.limits.maxPushConstantsSize >= 128);
    CHECK(caps.max_allocation >= 1u << 30);
    CHECK(caps.subgroup_size >= 1);
}

TEST_CASE("enumerate lists the devices in the order of their index") {
    const auto list = vk::Device::enumerate();
    REQUIRE(list.ok());
    REQUIRE_FALSE(list->empty());
    CHECK(std::any_of(list->begin(), list->end(), [](const vk::DeviceSummary &s) { return s.usable; }));
    for (size_t i = 0; i < list->size(); ++i) {
        const vk::DeviceSummary &summary = (*list)[i];
        CHECK(summary.usable == summary.why_not.empty());
        if (!summary.usable) continue;
        vk::DeviceOptions options = test::device_options();
        options.which = std::to_string(i);
        const auto device = vk::Device::create(options);
        REQUIRE(device.ok());
        CHECK((*device)->caps().name == summary.name);
    }
}

TEST_CASE("a device is chosen by part of its name without regard to case, by option before environment") {
    std::string name = test::device().caps().name.substr(0, 5);
    for (char &c : name) c = static_cast<char>(std::toupper(c));
    vk::DeviceOptions options = test::device_options();
    options.which = name;
    CHECK(vk::Device::create(options).ok());
    const ScopedEnv env("SACCADE_DEVICE", "no such device");
    CHECK(vk::Device::create(options).ok());
    options.which.clear();
    const Error error = failure(options);
    CHECK(error.code == Code::no_device);
    CHECK(mentions(error, "SACCADE_DEVICE"));
    CHECK(mentions(error, "no such device"));
    CHECK(mentions(error, test::device().caps().name));  // what there is instead
}

TEST_CASE("an index that is not there, negative or not quite a number is an error") {
    for (const char *which : {"99", "-1", "0x", "99999999999999999999"}) {
        vk::DeviceOptions options = test::device_options();
        options.which = which;
        const Error error = failure(options);
        CHECK(error.code == Code::no_device);
        CHECK(mentions(error, which));
    }
}

TEST_CASE("the minimum profile caps every limit and hides every feature") {
    vk::DeviceOptions options = test::device_options();
    options.profile = vk::Profile::minimum;
    const auto device = vk::Device::create(options);
    REQUIRE(device.ok());
    const vk::Caps &caps = (*device)->caps();
    CHECK(caps.profile == vk::Profile::minimum);
    CHECK(caps.limits.maxPerStageDescriptorStorageBuffers == 4);
    CHECK(caps.limits.maxPerStageDescriptorStorageImages == 4);
    CHECK(caps.limits.maxComputeWorkGroupInvocations == 128);
    CHECK(caps.limits.maxComputeWorkGroupSize[0] == 128);
    CHECK(caps.limits.maxComputeWorkGroupSize[1] == 128);
    CHECK(caps.limits.maxComputeWorkGroupSize[2] == 64);
    CHECK(caps.limits.maxComputeSharedMemorySize == 16384);
    CHECK(caps.limits.maxTexelBufferElements == 65536);
    CHECK(caps.limits.maxPushConstantsSize == 128);
    CHECK(caps.limits.minStorageBufferOffsetAlignment >= 256);
    CHECK(caps.limits.minTexelBufferOffsetAlignment >= 256);
    CHECK(caps.max_allocation <= 1u << 30);
    CHECK(caps.subgroup_size == 1);
    CHECK_FALSE(caps.subgroup_shuffle);
    CHECK_FALSE(caps.float16);
    CHECK_FALSE(caps.timestamps);
    for (const char *need : {"texel", "shuffle8", "float16"}) CHECK_FALSE(caps.satisfies(need));
    CHECK(caps.satisfies(""));
    options.profile = vk::Profile::full;
    const auto full = vk::Device::create(options);
    REQUIRE(full.ok());
    CHECK((*full)->caps().cache_key() != caps.cache_key());
}

TEST_CASE("SACCADE_PROFILE is read where no profile is asked for, and a wrong one is an error") {
    {
        const ScopedEnv env("SACCADE_PROFILE", "min");
        CHECK((*vk::Device::create(test::device_options()))->caps().profile == vk::Profile::minimum);
        vk::DeviceOptions options = test::device_options();
        options.profile = vk::Profile::full;
        CHECK((*vk::Device::create(options))->caps().profile == vk::Profile::full);
    }
    const ScopedEnv env("SACCADE_PROFILE", "tiny");
    const Error error = failure(test::device_options());
    CHECK(error.code == Code::invalid_argument);
    CHECK(mentions(error, "tiny"));
}

TEST_CASE("satisfies wants every need, and none that it does not know") {
    vk::Caps caps;
    caps.float16 = caps.subgroup_shuffle = caps.is_cpu = true;
    caps.subgroup_size = 8;
    CHECK(caps.satisfies(""));
    CHECK(caps.satisfies("float16"));
    CHECK(caps.satisfies("texel,shuffle8,float16"));
    CHECK_FALSE(caps.satisfies("float16,warp"));
    CHECK_FALSE(caps.satisfies("float"));
    CHECK_FALSE(caps.satisfies("float16,,texel"));
    caps.subgroup_size = 16;
    CHECK_FALSE(caps.satisfies("texel,shuffle8"));
    caps.is_cpu = false;
    CHECK_FALSE(caps.satisfies("texel"));
}

TEST_CASE("extensions that are not there are named") {
    const char *unknown[] = {"VK_XYZ_not_there"};
    vk::DeviceOptions options = test::device_options();
    options.instance_extensions = unknown;
    CHECK(failure(options).code == Code::not_found);
    CHECK(mentions(failure(options), "VK_XYZ_not_there"));
    options = test::device_options();
    options.device_extensions = unknown;
    CHECK(failure(options).code == Code::no_device);
    CHECK(mentions(failure(options), "VK_XYZ_not_there"));
}

TEST_CASE("without a driver the error says what was looked for") {
    const ScopedEnv files("VK_DRIVER_FILES", "/nowhere/driver.json"), names("VK_ICD_FILENAMES", "/nowhere/driver.json");
    vk::DeviceOptions options = test::device_options();
    options.validation = false;
    const Error error = failure(options);
    CHECK(error.code == Code::no_device);
    CHECK(mentions(error, "/nowhere/driver.json"));
    CHECK(mentions(error, "VK_DRIVER_FILES"));
    const auto list = vk::Device::enumerate();
    CHECK((!list.ok() || list->empty()));
}

TEST_CASE("validation without its layer is an error that names the layer") {
    const ScopedEnv layers("VK_LAYER_PATH", "/nowhere");
    vk::DeviceOptions options = test::device_options();
    options.validation = true;
    const Error error = failure(options);
    CHECK(error.code == Code::not_found);
    CHECK(mentions(error, "VK_LAYER_KHRONOS_validation"));
}

TEST_CASE("loaders that are old, empty or lack a function are refused") {
    vk::DeviceOptions options = fake::options();
    options.get_instance_proc_addr = fake::get_nothing;
    CHECK(failure(options).code == Code::unsupported);
    options.get_instance_proc_addr = fake::get_old;
    CHECK(failure(options).code == Code::no_device);
    CHECK(mentions(failure(options), "1.1"));
    options.get_instance_proc_addr = fake::get_without_devices;
    CHECK(mentions(failure(options), "vkCreateDevice"));
}

TEST_CASE("devices that will not do are listed with their reasons") {
    vk::DeviceOptions options = fake::options();
    CHECK(vk::Device::create(options).ok());  // the unaltered device
    fake::device_version = VK_MAKE_API_VERSION(0, 1, 1, 0);
    CHECK(mentions(failure(options), "1.1"));
    CHECK(failure(options).code == Code::no_device);
    options = fake::options();
    fake::timeline = false;
    CHECK(mentions(failure(options), "timelineSemaphore"));
    const auto list = vk::Device::enumerate(fake::get);
    REQUIRE(list.ok());
    CHECK_FALSE(list->front().usable);
    CHECK(list->front().why_not.find("timelineSemaphore") != std::string::npos);
    options.which = "0";
    CHECK(mentions(failure(options), "timelineSemaphore"));
    options = fake::options();
    fake::compute = false;
    CHECK(mentions(failure(options), "compute queue"));
    options = fake::options();
    fake::devices = false;
    CHECK(mentions(failure(options), "no Vulkan device"));
}

TEST_CASE("a queue family is only taken if the caller accepts it") {
    vk::DeviceOptions options = test::device_options();
    unsigned asked = 0;
    options.accepts_queue_family = [&](VkInstance instance, const vk::InstanceFunctions &fn, VkPhysicalDevice device,
                                       uint32_t) {
        ++asked;
        return instance && fn.CreateDevice && device;
    };
    CHECK(vk::Device::create(options).ok());
    CHECK(asked >= 1);
    options.accepts_queue_family = [](VkInstance, const vk::InstanceFunctions &, VkPhysicalDevice, uint32_t) {
        return false;
    };
    CHECK(failure(options).code == Code::no_device);
}

TEST_CASE("a message of the validation layer reaches the one who asked for it") {
    if (!test::validation_enabled()) return test::skip("validation is switched off");
    std::vector<std::string> messages;
    vk::DeviceOptions options = test::device_options();
    options.on_validation_message = [&](const char *message) { messages.emplace_back(message); };
    {
        const auto device = vk::Device::create(options);
        REQUIRE(device.ok());
        VkBufferCreateInfo info = {};  // size 0 is not allowed
        info.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO;
        info.usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT;
        VkBuffer buffer = VK_NULL_HANDLE;
        (*device)->fn().CreateBuffer((*device)->handle(), &info, nullptr, &buffer);
        if (buffer) (*device)->fn().DestroyBuffer((*device)->handle(), buffer, nullptr);
    }
    REQUIRE(messages.size() == 1);
    CHECK(messages[0].find("VUID-VkBufferCreateInfo-size-00912") != std::string::npos);
    test::expect_no_validation_messages();  // it went there alone
}

TEST_CASE("synchronisation validation is on: it tells of a missing barrier") {
    if (!test::validation_enabled()) return test::skip("validation is switched off");
    std::vector<std::string> messages;
    vk::DeviceOptions options = test::device_options();
    options.on_validation_message = [&](const char *message) { messages.emplace_back(message); };
    const auto device = vk::Device::create(options);
    REQUIRE(device.ok());
    vk::Device &d = **device;
    vk::Memory memory(d);
    const auto buffer = vk::Buffer::create(d, memory, 64, vk::tensor_usage, vk::MemoryUse::device, "hazard");
    REQUIRE(buffer.ok());
    REQUIRE(vk::run_once(
                d,
                [&](VkCommandBuffer c) -> Status {
                    d.fn().CmdFillBuffer(c, buffer->handle(), 0, VK_WHOLE_SIZE, 1);
                    d.fn().CmdFillBuffer(c, buffer->handle(), 0, VK_WHOLE_SIZE, 2);
                    return {};
                },
                "hazard")
                .ok());
    REQUIRE_FALSE(messages.empty());
    CHECK(messages[0].find("SYNC-HAZARD-WRITE-AFTER-WRITE") != std::string::npos);
}

TEST_CASE("two devices on two instances work side by side") {
    auto first = vk::Device::create(test::device_options());
    auto second = vk::Device::create(test::device_options());
    REQUIRE(first.ok());
    REQUIRE(second.ok());
    CHECK((*first)->instance() != (*second)->instance());
    const std::vector<uint32_t> shader = test::make_shader({});
    const auto run = [&](vk::Device &device, uint32_t value) {
        vk::Memory memory(device);
        auto pipeline = vk::Pipeline::create(device, VK_NULL_HANDLE, shader, "side by side");
        auto buffer = vk::Buffer::create(device, memory, 256, vk::tensor_usage, vk::MemoryUse::readback, "out");
        REQUIRE(pipeline.ok());
        REQUIRE(buffer.ok());
        const Status status = test::run_shader(device, *pipeline, *buffer, value);
        REQUIRE(status.ok());
        for (uint32_t i = 0; i < 64; ++i) REQUIRE(buffer->mapped<uint32_t>()[i] == value + i);
    };
    run(**first, 100);
    run(**second, 200);
    first->reset();
    run(**second, 300);  // the end of one does not disturb the other
}
