#include "compute/vk/device.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "compute/base/format.h"
#include "compute/vk/caps.h"
#include "compute/vk/coopmat.h"
#include "compute/vk/device_select.h"

namespace sac::vk {
namespace {

VKAPI_ATTR VkBool32 VKAPI_CALL on_message(VkDebugUtilsMessageSeverityFlagBitsEXT, VkDebugUtilsMessageTypeFlagsEXT,
                                          const VkDebugUtilsMessengerCallbackDataEXT *data, void *user) {
    const auto &receiver = *static_cast<const std::function<void(const char *)> *>(user);
    if (receiver) receiver(data->pMessage ? data->pMessage : "a message without text");
    return VK_FALSE;  // the call goes on
}

// Holds the host's lock, or our own mutex where the queue is ours alone.
class QueueGuard {
public:
    QueueGuard(const QueueLock &host, std::mutex &own) : host_(host), own_(own) {
        if (host_.lock)
            host_.lock(host_.user);
        else
            own_.lock();
    }
    ~QueueGuard() {
        if (host_.lock)
            host_.unlock(host_.user);
        else
            own_.unlock();
    }
    QueueGuard(const QueueGuard &) = delete;
    QueueGuard &operator=(const QueueGuard &) = delete;

private:
    const QueueLock &host_;
    std::mutex &own_;
};

// Features of ours on a new device: what is needed, and what is wanted and there. Those of cooperative matrices are in
// the chain only where the device has the extension.
struct FeatureChain {
    VkPhysicalDeviceFeatures2 features = {};
    VkPhysicalDeviceVulkan11Features features11 = {};
    VkPhysicalDeviceVulkan12Features features12 = {};
    CoopmatFeatures coopmat = {};

    explicit FeatureChain(bool has_coopmat) {
        features.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2;
        features.pNext = &features11;
        features11.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES;
        features11.pNext = &features12;
        features12.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES;
        coopmat.sType = coopmat_features_type;
        if (has_coopmat) features12.pNext = &coopmat;
    }
    FeatureChain(const FeatureChain &) = delete;
    FeatureChain &operator=(const FeatureChain &) = delete;
};

void choose_features(const InstanceFunctions &fn, VkPhysicalDevice device, Profile profile, FeatureChain &chosen) {
    chosen.features12.timelineSemaphore = VK_TRUE;
    if (profile == Profile::minimum) return;
    FeatureChain there(chosen.features12.pNext != nullptr);
    fn.GetPhysicalDeviceFeatures2(device, &there.features);
    chosen.features11.storageBuffer16BitAccess = there.features11.storageBuffer16BitAccess;
    chosen.features12.shaderFloat16 = there.features12.shaderFloat16;
    chosen.features12.hostQueryReset = there.features12.hostQueryReset;
    if (!there.coopmat.cooperativeMatrix) return;
    chosen.coopmat.cooperativeMatrix = VK_TRUE;
    chosen.features12.vulkanMemoryModel = there.features12.vulkanMemoryModel;  // of all kernels that use them
}

bool is_among(std::span<const char *const> names, const char *wanted) {
    return wanted &&
           std::any_of(names.begin(), names.end(), [&](const char *name) { return !std::strcmp(name, wanted); });
}

// For an instance whose function table could not be loaded.
void destroy_instance(PFN_vkGetInstanceProcAddr get, VkInstance instance) {
    if (const auto destroy = reinterpret_cast<PFN_vkDestroyInstance>(get(instance, "vkDestroyInstance")))
        destroy(instance, nullptr);
}

bool wants_validation(const DeviceOptions &options) {
    const char *text = std::getenv("SACCADE_VALIDATION");
    return options.validation || (text && *text && std::strcmp(text, "0") != 0);
}

}  // namespace

Result<std::unique_ptr<Device>> Device::create(const DeviceOptions &options) {
    std::unique_ptr<Device> self(new Device());
    Device &d = *self;
    d.owns_ = true;
    d.log_ = options.log;
    SAC_ASSIGN(const Profile profile, choose_profile(options.profile));
    d.get_instance_proc_addr_ = options.get_instance_proc_addr;
    if (!d.get_instance_proc_addr_) { SAC_ASSIGN(d.get_instance_proc_addr_, open_system_loader()); }
    SAC_ASSIGN(const LoaderFunctions loader, load_loader_functions(d.get_instance_proc_addr_));

    InstanceRequest request;
    request.extensions = options.instance_extensions;
    request.validation = wants_validation(options);
    if (request.validation) {
        d.on_validation_message_ = options.on_validation_message
                                       ? options.on_validation_message
                                       : [](const char *message) { std::fprintf(stderr, "validation: %s\n", message); };
        request.callback = on_message;
        request.callback_user = &d.on_validation_message_;
    }
    SAC_ASSIGN(const InstanceInfo instance, create_instance(loader, request));
    d.instance_ = instance.handle;
    auto loaded = load_instance_functions(d.get_instance_proc_addr_, d.instance_);
    if (!loaded.ok()) {
        destroy_instance(d.get_instance_proc_addr_, std::exchange(d.instance_, nullptr));
        return std::move(loaded).error();
    }
    d.instance_fn_ = *loaded;
    if (request.validation && d.instance_fn_.CreateDebugUtilsMessengerEXT) {
        const VkDebugUtilsMessengerCreateInfoEXT info = messenger_info(request);
        SAC_VK(d.instance_fn_.CreateDebugUtilsMessengerEXT(d.instance_, &info, nullptr, &d.messenger_),
               "creating the validation messenger");
    }

    SAC_ASSIGN(const std::vector<Candidate> candidates, examine_devices(d.instance_fn_, d.instance_, options));
    SAC_ASSIGN(const size_t index, choose_device(candidates, options.which));
    const Candidate &chosen = candidates[index];
    d.physical_device_ = chosen.handle;
    d.queue_family_ = chosen.queue_family;

    std::vector<const char *> extensions(options.device_extensions.begin(), options.device_extensions.end());
    const char *const coopmat = profile == Profile::full ? coopmat_extension() : nullptr;
    bool has_coopmat = false;
    for (const std::string &name : chosen.extensions) {
        // Must be enabled where it exists: a layered driver.
        if (name == "VK_KHR_portability_subset") extensions.push_back("VK_KHR_portability_subset");
        if (!coopmat || name != coopmat) continue;
        has_coopmat = true;
        if (!is_among(extensions, coopmat)) extensions.push_back(coopmat);
    }
    FeatureChain features(has_coopmat);
    choose_features(d.instance_fn_, d.physical_device_, profile, features);

    const float priority = 1;
    VkDeviceQueueCreateInfo queue = {};
    queue.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO;
    queue.queueFamilyIndex = d.queue_family_;
    queue.queueCount = 1;
    queue.pQueuePriorities = &priority;
    VkDeviceCreateInfo create = {};
    create.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO;
    create.pNext = &features.features;
    create.queueCreateInfoCount = 1;
    create.pQueueCreateInfos = &queue;
    create.enabledExtensionCount = static_cast<uint32_t>(extensions.size());
    create.ppEnabledExtensionNames = extensions.data();
    SAC_VK(d.instance_fn_.CreateDevice(d.physical_device_, &create, nullptr, &d.device_),
           "creating a device on " + chosen.summary.name);
    d.caps_ = query_caps(d.instance_fn_, d.physical_device_, d.queue_family_, read_features(&features.features),
                         instance.api_version, profile);
    SAC_TRY(d.finish(d.instance_fn_.GetDeviceProcAddr, instance.debug_utils, options.patch_functions));
    d.fn_.GetDeviceQueue(d.device_, d.queue_family_, 0, &d.queue_);
    d.set_name(VK_OBJECT_TYPE_QUEUE, reinterpret_cast<uint64_t>(d.queue_), "saccade queue");
    return self;
}

Result<std::unique_ptr<Device>> Device::adopt(const HostDevice &host) {
    const std::pair<bool, const char *> given[] = {
        {host.get_instance_proc_addr != nullptr, "get_instance_proc_addr"},
        {host.instance != VK_NULL_HANDLE, "instance"},
        {host.physical_device != VK_NULL_HANDLE, "physical_device"},
        {host.device != VK_NULL_HANDLE, "device"},
        {host.queue != VK_NULL_HANDLE, "queue"},
        {!host.queue_lock.lock == !host.queue_lock.unlock, "one of queue_lock.lock and queue_lock.unlock"},
    };
    for (const auto &[there, name] : given)
        if (!there) return Error(Code::invalid_argument, format("the host device's %s is null", name));
    if (host.api_version < VK_API_VERSION_1_2)
        return Error(Code::unsupported,
                     format("the host's Vulkan instance was created for version %u.%u, 1.2 is needed",
                            VK_API_VERSION_MAJOR(host.api_version), VK_API_VERSION_MINOR(host.api_version)));

    std::unique_ptr<Device> self(new Device());
    Device &d = *self;
    d.log_ = host.log;
    SAC_ASSIGN(const Profile profile, choose_profile(host.profile));
    d.get_instance_proc_addr_ = host.get_instance_proc_addr;
    d.instance_ = host.instance;
    d.physical_device_ = host.physical_device;
    d.device_ = host.device;
    d.queue_ = host.queue;
    d.queue_family_ = host.queue_family;
    d.queue_lock_ = host.queue_lock;
    SAC_ASSIGN(d.instance_fn_, load_instance_functions(host.get_instance_proc_addr, host.instance));

    uint32_t family_count = 0;
    d.instance_fn_.GetPhysicalDeviceQueueFamilyProperties(d.physical_device_, &family_count, nullptr);
    std::vector<VkQueueFamilyProperties> families(family_count);
    d.instance_fn_.GetPhysicalDeviceQueueFamilyProperties(d.physical_device_, &family_count, families.data());
    if (host.queue_family >= family_count)
        return Error(Code::invalid_argument, format("the host device's queue_family is %u, but there are %u families",
                                                    host.queue_family, family_count));
    if (!(families[host.queue_family].queueFlags & VK_QUEUE_COMPUTE_BIT))
        return Error(Code::unsupported, format("the host device's queue_family %u cannot compute", host.queue_family));

    EnabledFeatures features = read_features(host.enabled_features);
    features.coopmat = features.coopmat && is_among(host.enabled_extensions, coopmat_extension());
    if (!features.timeline_semaphore)
        return Error(Code::unsupported,
                     "the host device was created without the feature timelineSemaphore, or its "
                     "enabled_features do not say so; it is needed");
    d.caps_ = query_caps(d.instance_fn_, d.physical_device_, d.queue_family_, features, host.api_version, profile);
    if (d.caps_.api_version < VK_API_VERSION_1_2)
        return Error(Code::unsupported, format("the host's device %s is older than Vulkan 1.2", d.caps_.name.c_str()));
    const bool debug_utils = is_among(host.enabled_extensions, VK_EXT_DEBUG_UTILS_EXTENSION_NAME);
    SAC_TRY(d.finish(d.instance_fn_.GetDeviceProcAddr, debug_utils, host.patch_functions));
    return self;
}

// The part that a device of our own and a host's have in common.
Status Device::finish(PFN_vkGetDeviceProcAddr get_device_proc_addr, bool debug_utils,
                      const std::function<void(DeviceFunctions &)> &patch) {
    SAC_ASSIGN(fn_, load_device_functions(get_device_proc_addr, device_));
    if (!debug_utils) {
        fn_.SetDebugUtilsObjectNameEXT = nullptr;
        fn_.CmdBeginDebugUtilsLabelEXT = nullptr;
        fn_.CmdEndDebugUtilsLabelEXT = nullptr;
    }
    if (patch) patch(fn_);
    instance_fn_.GetPhysicalDeviceMemoryProperties(physical_device_, &memory_properties_);
    return {};
}

Result<std::vector<DeviceSummary>> Device::enumerate(PFN_vkGetInstanceProcAddr get) {
    if (!get) { SAC_ASSIGN(get, open_system_loader()); }
    SAC_ASSIGN(const LoaderFunctions loader, load_loader_functions(get));
    SAC_ASSIGN(const InstanceInfo instance, create_instance(loader, {}));
    const auto fn = load_instance_functions(get, instance.handle);
    if (!fn.ok()) {
        destroy_instance(get, instance.handle);
        return fn.error();
    }
    auto candidates = examine_devices(*fn, instance.handle, {});
    fn->DestroyInstance(instance.handle, nullptr);
    if (!candidates.ok()) return std::move(candidates).error();
    std::vector<DeviceSummary> summaries;
    for (Candidate &candidate : *candidates) summaries.push_back(std::move(candidate.summary));
    return summaries;
}

Device::~Device() {
    if (!owns_) return;
    if (device_ && fn_.DestroyDevice) {
        fn_.DeviceWaitIdle(device_);
        fn_.DestroyDevice(device_, nullptr);
    } else if (device_) {  // its table could not be loaded
        if (const auto destroy =
                reinterpret_cast<PFN_vkDestroyDevice>(instance_fn_.GetDeviceProcAddr(device_, "vkDestroyDevice")))
            destroy(device_, nullptr);
    }
    if (messenger_) instance_fn_.DestroyDebugUtilsMessengerEXT(instance_, messenger_, nullptr);
    if (instance_) instance_fn_.DestroyInstance(instance_, nullptr);
}

Status Device::submit(std::span<const VkCommandBuffer> commands, std::span<const SemaphorePoint> waits,
                      std::span<const SemaphorePoint> signals, VkFence fence) {
    constexpr size_t most = 8;
    if (waits.size() > most || signals.size() > most)
        return Error(Code::invalid_argument,
                     format("a submission has %zu waits and %zu signals, at most %zu of each are allowed", waits.size(),
                            signals.size(), most));
    std::array<VkSemaphore, most> wait_semaphores, signal_semaphores;
    std::array<uint64_t, most> wait_values, signal_values;
    std::array<VkPipelineStageFlags, most> wait_stages;
    for (size_t i = 0; i < waits.size(); ++i) {
        wait_semaphores[i] = waits[i].semaphore;
        wait_values[i] = waits[i].value;
        wait_stages[i] = waits[i].stage;
    }
    for (size_t i = 0; i < signals.size(); ++i) {
        signal_semaphores[i] = signals[i].semaphore;
        signal_values[i] = signals[i].value;
    }
    VkTimelineSemaphoreSubmitInfo timeline = {};
    timeline.sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO;
    timeline.waitSemaphoreValueCount = static_cast<uint32_t>(waits.size());
    timeline.pWaitSemaphoreValues = wait_values.data();
    timeline.signalSemaphoreValueCount = static_cast<uint32_t>(signals.size());
    timeline.pSignalSemaphoreValues = signal_values.data();
    VkSubmitInfo info = {};
    info.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO;
    info.pNext = &timeline;
    info.waitSemaphoreCount = static_cast<uint32_t>(waits.size());
    info.pWaitSemaphores = wait_semaphores.data();
    info.pWaitDstStageMask = wait_stages.data();
    info.commandBufferCount = static_cast<uint32_t>(commands.size());
    info.pCommandBuffers = commands.data();
    info.signalSemaphoreCount = static_cast<uint32_t>(signals.size());
    info.pSignalSemaphores = signal_semaphores.data();

    const QueueGuard guard(queue_lock_, queue_mutex_);
    SAC_VK(fn_.QueueSubmit(queue_, 1, &info, fence), "submitting to the queue");
    return {};
}

VkResult Device::with_queue(const std::function<VkResult(VkQueue)> &use) {
    const QueueGuard guard(queue_lock_, queue_mutex_);
    return use(queue_);
}

// Not vkDeviceWaitIdle: on a host's device that would need every queue of the host's locked.
Status Device::wait_idle() {
    const QueueGuard guard(queue_lock_, queue_mutex_);
    SAC_VK(fn_.QueueWaitIdle(queue_), "waiting for the queue");
    return {};
}

void Device::set_name(VkObjectType type, uint64_t handle, const char *name) const {
    if (!fn_.SetDebugUtilsObjectNameEXT || !handle || !name) return;
    VkDebugUtilsObjectNameInfoEXT info = {};
    info.sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_OBJECT_NAME_INFO_EXT;
    info.objectType = type;
    info.objectHandle = handle;
    info.pObjectName = name;
    fn_.SetDebugUtilsObjectNameEXT(device_, &info);  // a name that is lost does no harm
}

}  // namespace sac::vk
