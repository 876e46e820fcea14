#include "compute/vk/coopmat.h"

#include <algorithm>
#include <vector>

namespace sac::vk {
namespace {

#ifdef SACCADE_COOPMAT_KHR
constexpr auto half = VK_COMPONENT_TYPE_FLOAT16_KHR, single = VK_COMPONENT_TYPE_FLOAT32_KHR;
constexpr auto subgroup_scope = VK_SCOPE_SUBGROUP_KHR;
#else
constexpr auto half = VK_COMPONENT_TYPE_FLOAT16_NV, single = VK_COMPONENT_TYPE_FLOAT32_NV;
constexpr auto subgroup_scope = VK_SCOPE_SUBGROUP_NV;
#endif

bool is_ours(const CoopmatProperties &p, uint32_t side) {
#ifdef SACCADE_COOPMAT_KHR
    const auto result = p.ResultType;
#else
    const auto result = p.DType;
#endif
    return p.MSize == side && p.NSize == side && p.KSize == side && p.AType == half && p.BType == half &&
           p.CType == single && result == single && p.scope == subgroup_scope;
}

}  // namespace

bool has_coopmat(const InstanceFunctions &fn, VkPhysicalDevice physical_device, uint32_t side) {
    const auto enumerate = fn.SAC_VK_COOPMAT(GetPhysicalDeviceCooperativeMatrixProperties);
    if (!enumerate) return false;
    SAC_VK_COOPMAT(VkPhysicalDeviceCooperativeMatrixProperties) stages = {};
    stages.sType = SAC_VK_COOPMAT_CONSTANT(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_PROPERTIES);
    VkPhysicalDeviceProperties2 properties = {};
    properties.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2;
    properties.pNext = &stages;
    fn.GetPhysicalDeviceProperties2(physical_device, &properties);
    if (!(stages.cooperativeMatrixSupportedStages & VK_SHADER_STAGE_COMPUTE_BIT)) return false;
    uint32_t count = 0;
    if (enumerate(physical_device, &count, nullptr) < 0) return false;
    CoopmatProperties blank = {};
    blank.sType = SAC_VK_COOPMAT_CONSTANT(VK_STRUCTURE_TYPE_COOPERATIVE_MATRIX_PROPERTIES);
    std::vector<CoopmatProperties> all(count, blank);
    if (enumerate(physical_device, &count, all.data()) < 0) return false;
    all.resize(std::min<size_t>(count, all.size()));
    return std::any_of(all.begin(), all.end(), [&](const CoopmatProperties &p) { return is_ours(p, side); });
}

}  // namespace sac::vk
