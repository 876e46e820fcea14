#include "compute/vk/device_select.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <cstring>

#include "compute/base/format.h"
#include "compute/vk/caps.h"

namespace sac::vk {
namespace {

constexpr const char *validation_layer = "VK_LAYER_KHRONOS_validation";

bool contains(const std::vector<VkExtensionProperties> &list, const char *name) {
    return std::any_of(list.begin(), list.end(),
                       [&](const VkExtensionProperties &e) { return !std::strcmp(e.extensionName, name); });
}

std::vector<VkExtensionProperties> instance_extensions(const LoaderFunctions &loader, const char *layer) {
    uint32_t count = 0;
    if (loader.EnumerateInstanceExtensionProperties(layer, &count, nullptr) != VK_SUCCESS) return {};
    std::vector<VkExtensionProperties> list(count);
    if (loader.EnumerateInstanceExtensionProperties(layer, &count, list.data()) < 0) return {};
    list.resize(count);
    return list;
}

bool has_layer(const LoaderFunctions &loader, const char *name) {
    uint32_t count = 0;
    if (loader.EnumerateInstanceLayerProperties(&count, nullptr) != VK_SUCCESS) return false;
    std::vector<VkLayerProperties> layers(count);
    if (loader.EnumerateInstanceLayerProperties(&count, layers.data()) < 0) return false;
    return std::any_of(layers.begin(), layers.end(),
                       [&](const VkLayerProperties &l) { return !std::strcmp(l.layerName, name); });
}

const char *type_name(VkPhysicalDeviceType type) {
    switch (type) {
        case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU: return "discrete GPU";
        case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU: return "integrated GPU";
        case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU: return "virtual GPU";
        case VK_PHYSICAL_DEVICE_TYPE_CPU: return "CPU";
        default: return "other";
    }
}

int preference(VkPhysicalDeviceType type) {
    switch (type) {
        case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU: return 4;
        case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU: return 3;
        case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU: return 2;
        case VK_PHYSICAL_DEVICE_TYPE_CPU: return 1;
        default: return 0;
    }
}

// A family that also draws comes first: the same queue then serves a window. UINT32_MAX if none will do.
uint32_t choose_family(const InstanceFunctions &fn, VkInstance instance, VkPhysicalDevice device,
                       const DeviceOptions &options) {
    uint32_t count = 0;
    fn.GetPhysicalDeviceQueueFamilyProperties(device, &count, nullptr);
    std::vector<VkQueueFamilyProperties> families(count);
    fn.GetPhysicalDeviceQueueFamilyProperties(device, &count, families.data());
    for (const VkQueueFlags wanted : {VK_QUEUE_COMPUTE_BIT | VK_QUEUE_GRAPHICS_BIT, +VK_QUEUE_COMPUTE_BIT}) {
        for (uint32_t i = 0; i < count; ++i) {
            if ((families[i].queueFlags & wanted) != static_cast<VkQueueFlags>(wanted) || families[i].queueCount == 0)
                continue;
            if (!options.accepts_queue_family || options.accepts_queue_family(instance, fn, device, i)) return i;
        }
    }
    return UINT32_MAX;
}

std::string why_not(const InstanceFunctions &fn, VkPhysicalDevice device, const Candidate &candidate,
                    const DeviceOptions &options) {
    if (candidate.properties.apiVersion < VK_API_VERSION_1_2)
        return format("it has Vulkan %u.%u, 1.2 is needed", VK_API_VERSION_MAJOR(candidate.properties.apiVersion),
                      VK_API_VERSION_MINOR(candidate.properties.apiVersion));
    VkPhysicalDeviceVulkan12Features features12 = {};
    features12.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES;
    VkPhysicalDeviceFeatures2 features = {};
    features.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2;
    features.pNext = &features12;
    fn.GetPhysicalDeviceFeatures2(device, &features);
    if (!features12.timelineSemaphore) return "it lacks the feature timelineSemaphore";
    if (candidate.queue_family == UINT32_MAX)
        return options.accepts_queue_family ? "it has no compute queue that can also present to the window"
                                            : "it has no compute queue";
    for (const char *wanted : options.device_extensions)
        if (std::find(candidate.extensions.begin(), candidate.extensions.end(), wanted) == candidate.extensions.end())
            return format("it lacks the extension %s", wanted);
    return {};
}

std::string lower(std::string_view text) {
    std::string result(text);
    for (char &c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return result;
}

std::string list_of(const std::vector<Candidate> &candidates) {
    std::string text;
    for (size_t i = 0; i < candidates.size(); ++i) {
        const DeviceSummary &s = candidates[i].summary;
        text += format("%s%zu: %s (%s%s%s)", i ? "; " : "", i, s.name.c_str(), s.type.c_str(),
                       s.usable ? "" : ", not usable: ", s.why_not.c_str());
    }
    return text;
}

}  // namespace

std::string looked_for() {
    std::string text;
    for (const char *name : {"VK_DRIVER_FILES", "VK_ICD_FILENAMES", "VK_ADD_DRIVER_FILES"})
        if (const char *value = std::getenv(name)) text += format("%s%s=%s", text.empty() ? "" : ", ", name, value);
    if (!text.empty()) return "the driver manifests named by " + text;
#if defined(_WIN32)
    return "the drivers registered in HKLM\\SOFTWARE\\Khronos\\Vulkan\\Drivers and by display adapters";
#else
    return "the driver manifests in vulkan/icd.d of $XDG_CONFIG_HOME, $XDG_DATA_HOME, /etc, /usr/local/share and "
           "/usr/share";
#endif
}

VkDebugUtilsMessengerCreateInfoEXT messenger_info(const InstanceRequest &request) {
    VkDebugUtilsMessengerCreateInfoEXT info = {};
    info.sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT;
    info.messageSeverity =
        VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT;
    // Not GENERAL: through it the loader tells of other drivers that it could not open.
    info.messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_TYPE_PERFORMANCE_BIT_EXT;
    info.pfnUserCallback = request.callback;
    info.pUserData = request.callback_user;
    return info;
}

Result<InstanceInfo> create_instance(const LoaderFunctions &loader, const InstanceRequest &request) {
    InstanceInfo info;
    uint32_t loader_version = 0;
    SAC_VK(loader.EnumerateInstanceVersion(&loader_version), "asking for the Vulkan loader's version");
    if (loader_version < VK_API_VERSION_1_2)
        return Error(Code::no_device,
                     format("the Vulkan loader has version %u.%u, 1.2 is needed", VK_API_VERSION_MAJOR(loader_version),
                            VK_API_VERSION_MINOR(loader_version)));

    const std::vector<VkExtensionProperties> available = instance_extensions(loader, nullptr);
    std::vector<const char *> extensions, layers;
    for (const char *name : request.extensions) {
        if (!contains(available, name))
            return Error(Code::not_found, format("the Vulkan loader and drivers lack the instance extension %s", name));
        extensions.push_back(name);
    }
    const auto enable = [&](const char *name) {
        if (std::none_of(extensions.begin(), extensions.end(), [&](const char *e) { return !std::strcmp(e, name); }))
            extensions.push_back(name);
    };
    VkInstanceCreateFlags flags = 0;
    if (contains(available, "VK_KHR_portability_enumeration")) {  // layered drivers such as MoltenVK
        enable("VK_KHR_portability_enumeration");
        flags |= 0x1;  // VK_INSTANCE_CREATE_ENUMERATE_PORTABILITY_BIT_KHR
    }
    info.debug_utils = contains(available, VK_EXT_DEBUG_UTILS_EXTENSION_NAME);
    if (request.validation) {
        if (!has_layer(loader, validation_layer))
            return Error(Code::not_found,
                         format("validation was asked for, but the layer %s is not installed", validation_layer));
        layers.push_back(validation_layer);
        info.debug_utils = true;
        enable(VK_EXT_VALIDATION_FEATURES_EXTENSION_NAME);
    }
    if (info.debug_utils) enable(VK_EXT_DEBUG_UTILS_EXTENSION_NAME);

    // Vulkan 1.2 is all that is used, so that is what is asked for.
    info.api_version = VK_API_VERSION_1_2;
    VkApplicationInfo application = {};
    application.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO;
    application.pApplicationName = "saccade";
    application.pEngineName = "saccade";
    application.apiVersion = info.api_version;

    const VkValidationFeatureEnableEXT enabled[] = {VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT};
    VkValidationFeaturesEXT validation = {};
    validation.sType = VK_STRUCTURE_TYPE_VALIDATION_FEATURES_EXT;
    validation.enabledValidationFeatureCount = 1;
    validation.pEnabledValidationFeatures = enabled;
    VkDebugUtilsMessengerCreateInfoEXT messenger = messenger_info(request);  // hears the instance's own birth and end
    messenger.pNext = &validation;

    VkInstanceCreateInfo create = {};
    create.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO;
    create.pNext = request.validation ? &messenger : nullptr;
    create.flags = flags;
    create.pApplicationInfo = &application;
    create.enabledLayerCount = static_cast<uint32_t>(layers.size());
    create.ppEnabledLayerNames = layers.data();
    create.enabledExtensionCount = static_cast<uint32_t>(extensions.size());
    create.ppEnabledExtensionNames = extensions.data();
    const VkResult result = loader.CreateInstance(&create, nullptr, &info.handle);
    if (result == VK_ERROR_INCOMPATIBLE_DRIVER)
        return Error(Code::no_device, "no Vulkan driver found: the loader looked for " + looked_for(), result);
    if (result != VK_SUCCESS) return vk_error(result, "creating the Vulkan instance");
    return info;
}

Result<std::vector<Candidate>> examine_devices(const InstanceFunctions &fn, VkInstance instance,
                                               const DeviceOptions &options) {
    uint32_t count = 0;
    VkResult result = fn.EnumeratePhysicalDevices(instance, &count, nullptr);
    std::vector<VkPhysicalDevice> handles(count);
    if (result == VK_SUCCESS) result = fn.EnumeratePhysicalDevices(instance, &count, handles.data());
    if (result == VK_ERROR_INITIALIZATION_FAILED)
        count = 0;  // how loaders say that no driver came up
    else if (result < 0)
        return vk_error(result, "enumerating the Vulkan devices");
    handles.resize(count);

    std::vector<Candidate> candidates;
    for (const VkPhysicalDevice handle : handles) {
        Candidate candidate;
        candidate.handle = handle;
        VkPhysicalDeviceDriverProperties driver = {};
        driver.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES;
        fn.GetPhysicalDeviceProperties(handle, &candidate.properties);
        if (candidate.properties.apiVersion >= VK_API_VERSION_1_2) {
            VkPhysicalDeviceProperties2 properties = {};
            properties.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2;
            properties.pNext = &driver;
            fn.GetPhysicalDeviceProperties2(handle, &properties);
        }
        uint32_t extension_count = 0;
        fn.EnumerateDeviceExtensionProperties(handle, nullptr, &extension_count, nullptr);
        std::vector<VkExtensionProperties> extensions(extension_count);
        if (fn.EnumerateDeviceExtensionProperties(handle, nullptr, &extension_count, extensions.data()) < 0)
            extension_count = 0;
        for (uint32_t i = 0; i < extension_count; ++i) candidate.extensions.emplace_back(extensions[i].extensionName);
        candidate.queue_family = choose_family(fn, instance, handle, options);

        DeviceSummary &summary = candidate.summary;
        summary.name = candidate.properties.deviceName;
        summary.driver = std::string(driver.driverName) + (*driver.driverInfo ? " " : "") + driver.driverInfo;
        summary.type = type_name(candidate.properties.deviceType);
        summary.api_version = candidate.properties.apiVersion;
        summary.why_not = why_not(fn, handle, candidate, options);
        summary.usable = summary.why_not.empty();
        candidates.push_back(std::move(candidate));
    }
    return candidates;
}

Result<size_t> choose_device(const std::vector<Candidate> &candidates, std::string_view which) {
    const char *origin = "the device asked for";
    if (which.empty()) {
        if (const char *text = std::getenv("SACCADE_DEVICE")) which = text, origin = "SACCADE_DEVICE";
    }
    if (candidates.empty())
        return Error(Code::no_device, "no Vulkan device found: the loader looked for " + looked_for() +
                                          " and found no device behind them");
    const std::string named(which.substr(0, 80));
    if (!which.empty()) {
        size_t index = 0;
        const auto [end, status] = std::from_chars(which.data(), which.data() + which.size(), index);
        const bool is_number = status == std::errc() && end == which.data() + which.size();
        if (!is_number) {
            index = 0;
            const std::string part = lower(which);
            while (index < candidates.size() && lower(candidates[index].summary.name).find(part) == std::string::npos)
                ++index;
        }
        if (index >= candidates.size())
            return Error(Code::no_device, format("%s, \"%s\", is not there; there are: %s", origin, named.c_str(),
                                                 list_of(candidates).c_str()));
        if (!candidates[index].summary.usable)
            return Error(Code::no_device,
                         format("%s, \"%s\", is %s, which cannot be used: %s", origin, named.c_str(),
                                candidates[index].summary.name.c_str(), candidates[index].summary.why_not.c_str()));
        return index;
    }
    size_t best = candidates.size();
    for (size_t i = 0; i < candidates.size(); ++i) {
        if (!candidates[i].summary.usable) continue;
        if (best == candidates.size() ||
            preference(candidates[i].properties.deviceType) > preference(candidates[best].properties.deviceType))
            best = i;
    }
    if (best == candidates.size())
        return Error(Code::no_device, "no usable Vulkan device; there are: " + list_of(candidates));
    return best;
}

}  // namespace sac::vk
