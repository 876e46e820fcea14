#include "compute/vk/functions.h"

namespace sac::vk {
namespace {

Error missing_function(const char *name, const char *of) {
    return Error(Code::unsupported, std::string("the Vulkan ") + of + " lacks vk" + name +
                                        ", which Vulkan 1.2 has: is the instance or device of an older version?");
}

}  // namespace

Result<LoaderFunctions> load_loader_functions(PFN_vkGetInstanceProcAddr get) {
    if (!get) return Error(Code::invalid_argument, "get_instance_proc_addr is null");
    LoaderFunctions fn;
    fn.GetInstanceProcAddr = get;
#define SAC_VK_LOAD(name)                                                      \
    fn.name = reinterpret_cast<PFN_vk##name>(get(VK_NULL_HANDLE, "vk" #name)); \
    if (!fn.name) return missing_function(#name, "loader");
    SAC_VK_LOADER_FUNCTIONS(SAC_VK_LOAD)
#undef SAC_VK_LOAD
    return fn;
}

Result<InstanceFunctions> load_instance_functions(PFN_vkGetInstanceProcAddr get, VkInstance instance) {
    if (!get) return Error(Code::invalid_argument, "get_instance_proc_addr is null");
    InstanceFunctions fn;
#define SAC_VK_LOAD_OPTIONAL(name) fn.name = reinterpret_cast<PFN_vk##name>(get(instance, "vk" #name));
#define SAC_VK_LOAD(name)      \
    SAC_VK_LOAD_OPTIONAL(name) \
    if (!fn.name) return missing_function(#name, "instance");
    SAC_VK_INSTANCE_FUNCTIONS(SAC_VK_LOAD)
    SAC_VK_INSTANCE_OPTIONAL_FUNCTIONS(SAC_VK_LOAD_OPTIONAL)
#undef SAC_VK_LOAD
#undef SAC_VK_LOAD_OPTIONAL
    return fn;
}

Result<DeviceFunctions> load_device_functions(PFN_vkGetDeviceProcAddr get, VkDevice device) {
    if (!get) return Error(Code::invalid_argument, "vkGetDeviceProcAddr is null");
    DeviceFunctions fn;
#define SAC_VK_LOAD_OPTIONAL(name) fn.name = reinterpret_cast<PFN_vk##name>(get(device, "vk" #name));
#define SAC_VK_LOAD(name)      \
    SAC_VK_LOAD_OPTIONAL(name) \
    if (!fn.name) return missing_function(#name, "device");
    SAC_VK_DEVICE_FUNCTIONS(SAC_VK_LOAD)
    SAC_VK_DEVICE_OPTIONAL_FUNCTIONS(SAC_VK_LOAD_OPTIONAL)
#undef SAC_VK_LOAD
#undef SAC_VK_LOAD_OPTIONAL
    return fn;
}

const char *result_name(VkResult result) {
    switch (result) {
#define SAC_VK_NAME(name) \
    case name: return #name;
        SAC_VK_NAME(VK_SUCCESS)
        SAC_VK_NAME(VK_NOT_READY)
        SAC_VK_NAME(VK_TIMEOUT)
        SAC_VK_NAME(VK_EVENT_SET)
        SAC_VK_NAME(VK_EVENT_RESET)
        SAC_VK_NAME(VK_INCOMPLETE)
        SAC_VK_NAME(VK_ERROR_OUT_OF_HOST_MEMORY)
        SAC_VK_NAME(VK_ERROR_OUT_OF_DEVICE_MEMORY)
        SAC_VK_NAME(VK_ERROR_INITIALIZATION_FAILED)
        SAC_VK_NAME(VK_ERROR_DEVICE_LOST)
        SAC_VK_NAME(VK_ERROR_MEMORY_MAP_FAILED)
        SAC_VK_NAME(VK_ERROR_LAYER_NOT_PRESENT)
        SAC_VK_NAME(VK_ERROR_EXTENSION_NOT_PRESENT)
        SAC_VK_NAME(VK_ERROR_FEATURE_NOT_PRESENT)
        SAC_VK_NAME(VK_ERROR_INCOMPATIBLE_DRIVER)
        SAC_VK_NAME(VK_ERROR_TOO_MANY_OBJECTS)
        SAC_VK_NAME(VK_ERROR_FORMAT_NOT_SUPPORTED)
        SAC_VK_NAME(VK_ERROR_FRAGMENTED_POOL)
        SAC_VK_NAME(VK_ERROR_OUT_OF_POOL_MEMORY)
        SAC_VK_NAME(VK_ERROR_INVALID_EXTERNAL_HANDLE)
        SAC_VK_NAME(VK_ERROR_FRAGMENTATION)
        SAC_VK_NAME(VK_ERROR_SURFACE_LOST_KHR)
        SAC_VK_NAME(VK_ERROR_NATIVE_WINDOW_IN_USE_KHR)
        SAC_VK_NAME(VK_SUBOPTIMAL_KHR)
        SAC_VK_NAME(VK_ERROR_OUT_OF_DATE_KHR)
#undef SAC_VK_NAME
        default: return "VK_ERROR_UNKNOWN";
    }
}

Error vk_error(VkResult result, std::string_view what) {
    Code code = Code::vulkan_error;
    switch (result) {
        case VK_ERROR_OUT_OF_HOST_MEMORY:
        case VK_ERROR_OUT_OF_DEVICE_MEMORY:
        case VK_ERROR_OUT_OF_POOL_MEMORY:
        case VK_ERROR_FRAGMENTED_POOL: code = Code::out_of_memory; break;
        case VK_ERROR_DEVICE_LOST: code = Code::device_lost; break;
        default: break;
    }
    return Error(code, std::string(what) + " failed with " + result_name(result), result);
}

}  // namespace sac::vk
