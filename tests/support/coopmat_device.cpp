#include "tests/support/coopmat_device.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "tests/support/device.h"

namespace sac::test {
namespace {

PFN_vkGetInstanceProcAddr real = nullptr;
VkInstance instance = VK_NULL_HANDLE;
CoopmatAnswers answers;
CoopmatAsked asked;

template <class F>
F real_function(const char *name) {
    return reinterpret_cast<F>(real(instance, name));
}

/// The structure of that type in a chain; null if it has none.
template <class T>
T *in_chain(const void *chain, VkStructureType type) {
    for (auto *next = static_cast<VkBaseOutStructure *>(const_cast<void *>(chain)); next; next = next->pNext)
        if (next->sType == type) return reinterpret_cast<T *>(next);
    return nullptr;
}

// Runs `call` on a chain without the structure of cooperative matrices, which the system's driver may not know.
template <class Call>
void without_coopmat(void *chain, const Call &call) {
    auto *before = static_cast<VkBaseOutStructure *>(chain);
    while (before->pNext && before->pNext->sType != vk::coopmat_features_type) before = before->pNext;
    VkBaseOutStructure *own = before->pNext;
    if (own) before->pNext = own->pNext;
    call();
    if (own) before->pNext = own;
}

VKAPI_ATTR VkResult VKAPI_CALL create_instance(const VkInstanceCreateInfo *info, const VkAllocationCallbacks *allocator,
                                               VkInstance *made) {
    const VkResult result =
        reinterpret_cast<PFN_vkCreateInstance>(real(nullptr, "vkCreateInstance"))(info, allocator, made);
    instance = *made;
    return result;
}

VKAPI_ATTR VkResult VKAPI_CALL extensions(VkPhysicalDevice device, const char *layer, uint32_t *count,
                                          VkExtensionProperties *list) {
    const auto call = real_function<PFN_vkEnumerateDeviceExtensionProperties>("vkEnumerateDeviceExtensionProperties");
    if (!answers.extension || !vk::coopmat_extension()) return call(device, layer, count, list);
    uint32_t own = list ? *count - 1 : 0;
    const VkResult result = call(device, layer, &own, list);
    if (list) std::strncpy(list[own].extensionName, vk::coopmat_extension(), VK_MAX_EXTENSION_NAME_SIZE - 1);
    *count = own + 1;
    return result;
}

VKAPI_ATTR void VKAPI_CALL features(VkPhysicalDevice device, VkPhysicalDeviceFeatures2 *f) {
    without_coopmat(
        f, [&] { real_function<PFN_vkGetPhysicalDeviceFeatures2>("vkGetPhysicalDeviceFeatures2")(device, f); });
    if (auto *own = in_chain<vk::CoopmatFeatures>(f, vk::coopmat_features_type))
        own->cooperativeMatrix = answers.feature;
    if (auto *v = in_chain<VkPhysicalDeviceVulkan12Features>(f, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES))
        v->vulkanMemoryModel = answers.memory_model;
}

VKAPI_ATTR void VKAPI_CALL properties(VkPhysicalDevice device, VkPhysicalDeviceProperties2 *p) {
    constexpr auto stages_type =
        SAC_VK_COOPMAT_CONSTANT(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_PROPERTIES);
    using Stages = SAC_VK_COOPMAT(VkPhysicalDeviceCooperativeMatrixProperties);
    if (auto *stages = in_chain<Stages>(p, stages_type)) {
        stages->cooperativeMatrixSupportedStages =
            answers.compute_stage ? VK_SHADER_STAGE_COMPUTE_BIT : VK_SHADER_STAGE_FRAGMENT_BIT;
        return;
    }
    real_function<PFN_vkGetPhysicalDeviceProperties2>("vkGetPhysicalDeviceProperties2")(device, p);
    if (auto *s =
            in_chain<VkPhysicalDeviceSubgroupProperties>(p, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES))
        s->subgroupSize = answers.subgroup_size;
    p->properties.limits.maxComputeSharedMemorySize = 49152;  // what such devices have at least
}

VKAPI_ATTR VkResult VKAPI_CALL multiplications(VkPhysicalDevice, uint32_t *count, vk::CoopmatProperties *list) {
    *count = 1;
    if (!list) return VK_SUCCESS;
    list->MSize = list->NSize = answers.size;
    list->KSize = answers.k_size;
#ifdef SACCADE_COOPMAT_KHR
    list->AType = list->BType = VK_COMPONENT_TYPE_FLOAT16_KHR;
    list->CType = list->ResultType = VK_COMPONENT_TYPE_FLOAT32_KHR;
    list->scope = VK_SCOPE_SUBGROUP_KHR;
#else
    list->AType = list->BType = VK_COMPONENT_TYPE_FLOAT16_NV;
    list->CType = list->DType = VK_COMPONENT_TYPE_FLOAT32_NV;
    list->scope = VK_SCOPE_SUBGROUP_NV;
#endif
    return VK_SUCCESS;
}

VKAPI_ATTR VkResult VKAPI_CALL create_device(VkPhysicalDevice device, const VkDeviceCreateInfo *info,
                                             const VkAllocationCallbacks *allocator, VkDevice *made) {
    asked = {};
    VkDeviceCreateInfo own = *info;
    std::vector<const char *> names;
    for (uint32_t i = 0; i < info->enabledExtensionCount; ++i) {
        const char *name = info->ppEnabledExtensionNames[i];
        if (vk::coopmat_extension() && !std::strcmp(name, vk::coopmat_extension()))
            asked.extension = true;
        else
            names.push_back(name);
    }
    own.enabledExtensionCount = static_cast<uint32_t>(names.size());
    own.ppEnabledExtensionNames = names.data();
    if (const auto *f = in_chain<vk::CoopmatFeatures>(info->pNext, vk::coopmat_features_type))
        asked.feature = f->cooperativeMatrix == VK_TRUE;
    auto *twelve =
        in_chain<VkPhysicalDeviceVulkan12Features>(info->pNext, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES);
    asked.memory_model = twelve && twelve->vulkanMemoryModel == VK_TRUE;
    VkResult result = VK_SUCCESS;
    without_coopmat(
        &own, [&] { result = real_function<PFN_vkCreateDevice>("vkCreateDevice")(device, &own, allocator, made); });
    return result;
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL get(VkInstance i, const char *name) {
    const std::string_view n = name;
    if (n == "vkCreateInstance") return reinterpret_cast<PFN_vkVoidFunction>(create_instance);
    if (n == "vkEnumerateDeviceExtensionProperties") return reinterpret_cast<PFN_vkVoidFunction>(extensions);
    if (n == "vkGetPhysicalDeviceFeatures2") return reinterpret_cast<PFN_vkVoidFunction>(features);
    if (n == "vkGetPhysicalDeviceProperties2") return reinterpret_cast<PFN_vkVoidFunction>(properties);
    if (n.starts_with("vkGetPhysicalDeviceCooperativeMatrixProperties"))
        return reinterpret_cast<PFN_vkVoidFunction>(multiplications);
    if (n == "vkCreateDevice") return reinterpret_cast<PFN_vkVoidFunction>(create_device);
    return real(i, name);
}

}  // namespace

PFN_vkGetInstanceProcAddr coopmat_loader() { return get; }

vk::DeviceOptions coopmat_device_options(const CoopmatAnswers &wanted) {
    real = *vk::open_system_loader();
    answers = wanted;
    vk::DeviceOptions options = device_options();
    options.profile = vk::Profile::full;
    options.get_instance_proc_addr = get;
    return options;
}

CoopmatAsked coopmat_asked() { return asked; }

}  // namespace sac::test
