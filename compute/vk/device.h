#pragma once
// A Vulkan device with one compute queue: our own, or a host's that we adopt.

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "compute/base/log.h"
#include "compute/vk/functions.h"

namespace sac::vk {

/// What is to be assumed of the device. `minimum` caps every limit and feature to what Vulkan 1.2 guarantees, so
/// that a run under it is evidence for any Vulkan device.
enum class Profile { full, minimum };

/// What kernels and the planner may rely on, after the profile's cap. Filled once at creation.
struct Caps {
    std::string name;    ///< device name
    std::string driver;  ///< driver name and info
    uint32_t vendor_id = 0, device_id = 0, driver_version = 0, api_version = 0;
    uint8_t pipeline_cache_uuid[VK_UUID_SIZE] = {};
    bool is_cpu = false;  ///< VK_PHYSICAL_DEVICE_TYPE_CPU
    VkPhysicalDeviceLimits limits = {};
    uint32_t subgroup_size = 1;
    bool subgroup_shuffle = false;  ///< shuffle in compute shaders
    bool float16 = false;           ///< shaderFloat16 arithmetic
    bool storage16 = false;         ///< 16-bit types in storage buffers
    bool coopmat = false;  ///< cooperative matrices of halves with float sums: 8 x 8 x 8 in subgroups of 8, else 16^3
    bool timestamps = false;  ///< the queue can write GPU timestamps
    uint32_t timestamp_valid_bits = 0;
    bool host_query_reset = false;
    uint64_t max_allocation = 0;  ///< maxMemoryAllocationSize
    Profile profile = Profile::full;

    /// True if the caps named in a kernel's `needs=` list (comma separated: texel, shuffle8, float16, large, coopmat)
    /// are all there, and the subgroup's size is what it asks for (subgroup8, subgroup32, subgroup64).
    bool satisfies(std::string_view needs) const;
    /// A hash of device, driver and profile: the key of caches on disk.
    uint64_t cache_key() const;
};

/// Locks round the queue when it is shared with a host. Both null: a mutex of our own is used.
struct QueueLock {
    void (*lock)(void *user) = nullptr;
    void (*unlock)(void *user) = nullptr;
    void *user = nullptr;
};

struct DeviceOptions {
    /// Which device: empty (a discrete GPU before an integrated one before a virtual one before a CPU driver), an index
    /// as `saccade devices` prints it, or a part of the name without regard to case. If empty, SACCADE_DEVICE is read.
    std::string which;
    /// If unset, SACCADE_PROFILE=min chooses minimum.
    std::optional<Profile> profile;
    bool validation = false;  ///< enable VK_LAYER_KHRONOS_validation with synchronisation validation
    /// Called for each message of the validation layer (severity warning or worse), from any thread.
    std::function<void(const char *message)> on_validation_message;
    std::span<const char *const> instance_extensions;  ///< more to enable; missing ones are an error
    std::span<const char *const> device_extensions;
    /// Called between instance and device creation, e.g. to create a window's surface. Returns whether the queue family
    /// of the physical device will do (a presenting one, say). May be empty.
    std::function<bool(VkInstance, const InstanceFunctions &, VkPhysicalDevice, uint32_t family)> accepts_queue_family;
    PFN_vkGetInstanceProcAddr get_instance_proc_addr = nullptr;  ///< null: the system's loader
    /// Called on the freshly loaded device table; tests put failing functions in here.
    std::function<void(DeviceFunctions &)> patch_functions;
    Log log;
};

/// Handles of a host's device. They must outlive the Device made from them; nothing of theirs is destroyed by us.
struct HostDevice {
    PFN_vkGetInstanceProcAddr get_instance_proc_addr = nullptr;
    VkInstance instance = VK_NULL_HANDLE;
    VkPhysicalDevice physical_device = VK_NULL_HANDLE;
    VkDevice device = VK_NULL_HANDLE;
    uint32_t api_version = VK_API_VERSION_1_2;  ///< the version the instance was created for
    std::span<const char *const> enabled_extensions;
    const VkPhysicalDeviceFeatures2 *enabled_features = nullptr;  ///< chain as given to vkCreateDevice; null: none
    VkQueue queue = VK_NULL_HANDLE;
    uint32_t queue_family = 0;
    QueueLock queue_lock;
    std::optional<Profile> profile;
    std::function<void(DeviceFunctions &)> patch_functions;
    Log log;
};

/// Features of Vulkan 1.2 without which nothing runs: timelineSemaphore (and a compute queue). A host must enable them.
/// Wanted ones (shaderFloat16, hostQueryReset ...) are used where enabled.
struct DeviceSummary {
    std::string name, driver, type;
    uint32_t api_version = 0;
    bool usable = false;
    std::string why_not;
};

/// One submission to the queue. Waits and signals are timeline semaphores; a binary semaphore has value 0 ignored.
struct SemaphorePoint {
    VkSemaphore semaphore = VK_NULL_HANDLE;
    uint64_t value = 0;
    VkPipelineStageFlags stage = VK_PIPELINE_STAGE_ALL_COMMANDS_BIT;  ///< of waits
};

/// [thread] All members may be called from any thread after creation.
class Device {
public:
    /// Creates an instance and a device of our own. Error no_device says what was looked for and found.
    static Result<std::unique_ptr<Device>> create(const DeviceOptions &options);
    /// Uses a host's device. Nothing of the host's is changed or destroyed.
    static Result<std::unique_ptr<Device>> adopt(const HostDevice &host);
    /// What is there, in the order of their index.
    static Result<std::vector<DeviceSummary>> enumerate(PFN_vkGetInstanceProcAddr get = nullptr);

    ~Device();
    Device(const Device &) = delete;
    Device &operator=(const Device &) = delete;

    const DeviceFunctions &fn() const { return fn_; }
    const InstanceFunctions &instance_fn() const { return instance_fn_; }
    VkDevice handle() const { return device_; }
    VkInstance instance() const { return instance_; }
    VkPhysicalDevice physical_device() const { return physical_device_; }
    VkQueue queue() const { return queue_; }
    uint32_t queue_family() const { return queue_family_; }
    const Caps &caps() const { return caps_; }
    const Log &log() const { return log_; }
    const VkPhysicalDeviceMemoryProperties &memory_properties() const { return memory_properties_; }

    /// Submits under the queue's lock, without allocating. At most 8 waits and 8 signals (invalid_argument).
    Status submit(std::span<const VkCommandBuffer> commands, std::span<const SemaphorePoint> waits,
                  std::span<const SemaphorePoint> signals, VkFence fence = VK_NULL_HANDLE);
    /// Runs `use` with the queue locked (presenting, QueueWaitIdle).
    VkResult with_queue(const std::function<VkResult(VkQueue)> &use);
    Status wait_idle();

    /// Gives an object a name that debuggers and the validation layer show. No effect without VK_EXT_debug_utils.
    void set_name(VkObjectType type, uint64_t handle, const char *name) const;

private:
    Device() = default;
    Status finish(PFN_vkGetDeviceProcAddr get_device_proc_addr, bool debug_utils,
                  const std::function<void(DeviceFunctions &)> &patch);

    PFN_vkGetInstanceProcAddr get_instance_proc_addr_ = nullptr;
    InstanceFunctions instance_fn_;
    DeviceFunctions fn_;
    VkInstance instance_ = VK_NULL_HANDLE;
    VkDebugUtilsMessengerEXT messenger_ = VK_NULL_HANDLE;
    VkPhysicalDevice physical_device_ = VK_NULL_HANDLE;
    VkDevice device_ = VK_NULL_HANDLE;
    VkQueue queue_ = VK_NULL_HANDLE;
    uint32_t queue_family_ = 0;
    bool owns_ = false;
    VkPhysicalDeviceMemoryProperties memory_properties_ = {};
    Caps caps_;
    QueueLock queue_lock_;
    std::mutex queue_mutex_;
    std::function<void(const char *)> on_validation_message_;
    Log log_;
};

}  // namespace sac::vk
