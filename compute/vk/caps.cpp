#include "compute/vk/caps.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "compute/base/format.h"
#include "compute/base/hash.h"
#include "compute/vk/coopmat.h"

namespace sac::vk {
namespace {

// The limits that every Vulkan 1.2 device has at least (at most, for alignments): Vulkan 1.2 specification, table
// "Required Limits". Only those that compute can meet are named; the others keep the device's own value, which nothing
// here reads. llvmpipe's subgroups, half floats and texel reads are hidden as well.
void cap_to_minimum(Caps &caps) {
    VkPhysicalDeviceLimits &l = caps.limits;
    const auto at_most = [](auto &limit, auto value) {
        limit = std::min(limit, static_cast<std::remove_reference_t<decltype(limit)>>(value));
    };
    at_most(l.maxImageDimension1D, 4096);
    at_most(l.maxImageDimension2D, 4096);
    at_most(l.maxImageDimension3D, 256);
    at_most(l.maxImageArrayLayers, 256);
    at_most(l.maxTexelBufferElements, 65536);
    at_most(l.maxUniformBufferRange, 16384);
    at_most(l.maxStorageBufferRange, 1u << 27);
    at_most(l.maxPushConstantsSize, 128);
    at_most(l.maxMemoryAllocationCount, 4096);
    at_most(l.maxSamplerAllocationCount, 4000);
    at_most(l.maxBoundDescriptorSets, 4);
    at_most(l.maxPerStageDescriptorSamplers, 16);
    at_most(l.maxPerStageDescriptorUniformBuffers, 12);
    at_most(l.maxPerStageDescriptorStorageBuffers, 4);
    at_most(l.maxPerStageDescriptorSampledImages, 16);
    at_most(l.maxPerStageDescriptorStorageImages, 4);
    at_most(l.maxPerStageResources, 128);
    at_most(l.maxDescriptorSetStorageBuffers, 24);
    at_most(l.maxDescriptorSetSampledImages, 96);
    at_most(l.maxDescriptorSetStorageImages, 24);
    at_most(l.maxComputeSharedMemorySize, 16384);
    at_most(l.maxComputeWorkGroupInvocations, 128);
    const uint32_t size[3] = {128, 128, 64};
    for (int i = 0; i < 3; ++i) {
        at_most(l.maxComputeWorkGroupCount[i], 65535);
        at_most(l.maxComputeWorkGroupSize[i], size[i]);
    }
    l.bufferImageGranularity = std::max<VkDeviceSize>(l.bufferImageGranularity, 131072);
    l.nonCoherentAtomSize = std::max<VkDeviceSize>(l.nonCoherentAtomSize, 256);
    l.minTexelBufferOffsetAlignment = std::max<VkDeviceSize>(l.minTexelBufferOffsetAlignment, 256);
    l.minUniformBufferOffsetAlignment = std::max<VkDeviceSize>(l.minUniformBufferOffsetAlignment, 256);
    l.minStorageBufferOffsetAlignment = std::max<VkDeviceSize>(l.minStorageBufferOffsetAlignment, 256);
    l.timestampComputeAndGraphics = VK_FALSE;
    at_most(caps.max_allocation, 1u << 30);

    caps.subgroup_size = 1;
    caps.subgroup_shuffle = caps.float16 = caps.storage16 = caps.host_query_reset = caps.coopmat = false;
    caps.timestamps = false;
    caps.timestamp_valid_bits = 0;
}

}  // namespace

EnabledFeatures read_features(const VkPhysicalDeviceFeatures2 *chain) {
    EnabledFeatures found;
    const auto *next = chain ? static_cast<const VkBaseInStructure *>(chain->pNext) : nullptr;
    for (; next; next = next->pNext) {
        const void *p = next;
        switch (next->sType) {
            case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES:
                found.storage16 |=
                    static_cast<const VkPhysicalDeviceVulkan11Features *>(p)->storageBuffer16BitAccess == VK_TRUE;
                break;
            case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_16BIT_STORAGE_FEATURES:
                found.storage16 |=
                    static_cast<const VkPhysicalDevice16BitStorageFeatures *>(p)->storageBuffer16BitAccess == VK_TRUE;
                break;
            case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES: {
                const auto *f = static_cast<const VkPhysicalDeviceVulkan12Features *>(p);
                found.timeline_semaphore |= f->timelineSemaphore == VK_TRUE;
                found.shader_float16 |= f->shaderFloat16 == VK_TRUE;
                found.host_query_reset |= f->hostQueryReset == VK_TRUE;
                found.memory_model |= f->vulkanMemoryModel == VK_TRUE;
                break;
            }
            case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_MEMORY_MODEL_FEATURES:
                found.memory_model |=
                    static_cast<const VkPhysicalDeviceVulkanMemoryModelFeatures *>(p)->vulkanMemoryModel == VK_TRUE;
                break;
            case coopmat_features_type:
                found.coopmat |= static_cast<const CoopmatFeatures *>(p)->cooperativeMatrix == VK_TRUE;
                break;
            case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES:
                found.timeline_semaphore |=
                    static_cast<const VkPhysicalDeviceTimelineSemaphoreFeatures *>(p)->timelineSemaphore == VK_TRUE;
                break;
            case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_FLOAT16_INT8_FEATURES:
                found.shader_float16 |=
                    static_cast<const VkPhysicalDeviceShaderFloat16Int8Features *>(p)->shaderFloat16 == VK_TRUE;
                break;
            case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_HOST_QUERY_RESET_FEATURES:
                found.host_query_reset |=
                    static_cast<const VkPhysicalDeviceHostQueryResetFeatures *>(p)->hostQueryReset == VK_TRUE;
                break;
            default: break;
        }
    }
    return found;
}

Caps query_caps(const InstanceFunctions &fn, VkPhysicalDevice physical_device, uint32_t queue_family,
                const EnabledFeatures &features, uint32_t instance_version, Profile profile) {
    VkPhysicalDeviceDriverProperties driver = {};
    driver.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES;
    VkPhysicalDeviceSubgroupProperties subgroup = {};
    subgroup.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES;
    subgroup.pNext = &driver;
    VkPhysicalDeviceMaintenance3Properties maintenance3 = {};
    maintenance3.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_3_PROPERTIES;
    maintenance3.pNext = &subgroup;
    VkPhysicalDeviceProperties2 properties2 = {};
    properties2.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2;
    properties2.pNext = &maintenance3;
    fn.GetPhysicalDeviceProperties2(physical_device, &properties2);
    const VkPhysicalDeviceProperties &properties = properties2.properties;

    uint32_t family_count = 0;
    fn.GetPhysicalDeviceQueueFamilyProperties(physical_device, &family_count, nullptr);
    std::vector<VkQueueFamilyProperties> families(family_count);
    fn.GetPhysicalDeviceQueueFamilyProperties(physical_device, &family_count, families.data());

    Caps caps;
    caps.name = properties.deviceName;
    caps.driver = std::string(driver.driverName) + " " + driver.driverInfo;
    caps.vendor_id = properties.vendorID;
    caps.device_id = properties.deviceID;
    caps.driver_version = properties.driverVersion;
    caps.api_version = std::min(properties.apiVersion, instance_version);
    std::memcpy(caps.pipeline_cache_uuid, properties.pipelineCacheUUID, VK_UUID_SIZE);
    caps.is_cpu = properties.deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU;
    caps.limits = properties.limits;
    caps.subgroup_size = std::max(1u, subgroup.subgroupSize);
    caps.subgroup_shuffle = (subgroup.supportedStages & VK_SHADER_STAGE_COMPUTE_BIT) &&
                            (subgroup.supportedOperations & VK_SUBGROUP_FEATURE_SHUFFLE_BIT);
    caps.float16 = features.shader_float16;
    caps.storage16 = features.storage16;
    caps.host_query_reset = features.host_query_reset;
    caps.coopmat = features.coopmat && features.memory_model && features.shader_float16 &&
                   has_coopmat(fn, physical_device, caps.subgroup_size == 8 ? 8 : 16);
    caps.timestamp_valid_bits = queue_family < family_count ? families[queue_family].timestampValidBits : 0;
    caps.timestamps = caps.timestamp_valid_bits > 0 && properties.limits.timestampPeriod > 0;
    caps.max_allocation = maintenance3.maxMemoryAllocationSize;
    caps.profile = profile;
    if (profile == Profile::minimum) cap_to_minimum(caps);
    return caps;
}

Result<Profile> choose_profile(std::optional<Profile> asked) {
    if (asked) return *asked;
    const char *text = std::getenv("SACCADE_PROFILE");
    if (!text || !*text || !std::strcmp(text, "full")) return Profile::full;
    if (!std::strcmp(text, "min")) return Profile::minimum;
    return Error(Code::invalid_argument, format("SACCADE_PROFILE is \"%.40s\"; it may be \"min\" or \"full\"", text));
}

bool Caps::satisfies(std::string_view needs) const {
    while (!needs.empty()) {
        const size_t comma = needs.find(',');
        const std::string_view need = needs.substr(0, comma);
        needs = comma == std::string_view::npos ? std::string_view() : needs.substr(comma + 1);
        bool there = false;  // also the answer to a need of an unknown name
        if (need == "texel") there = is_cpu && profile == Profile::full;
        if (need == "shuffle8") there = subgroup_shuffle && subgroup_size == 8;
        if (need == "float16") there = float16;
        if (need == "large")
            there = limits.maxComputeWorkGroupInvocations >= 256 && limits.maxComputeSharedMemorySize >= 32768;
        if (need == "coopmat") there = coopmat;
        if (need == "subgroup8") there = subgroup_size == 8;
        if (need == "subgroup32") there = subgroup_size == 32;
        if (need == "subgroup64") there = subgroup_size == 64;
        if (!there) return false;
    }
    return true;
}

uint64_t Caps::cache_key() const {
    uint64_t key = hash_text(name);
    key = hash_text(driver, key);
    const uint32_t numbers[] = {vendor_id, device_id, driver_version, api_version, static_cast<uint32_t>(profile)};
    key = hash_bytes(numbers, sizeof numbers, key);
    return hash_bytes(pipeline_cache_uuid, sizeof pipeline_cache_uuid, key);
}

}  // namespace sac::vk
