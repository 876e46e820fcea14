#include "compute/vk/pipeline.h"

#include <algorithm>

#include "compute/base/format.h"

namespace sac::vk {
namespace {

VkDescriptorType descriptor_type(BindingKind kind) {
    switch (kind) {
        case BindingKind::storage_buffer: return VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
        case BindingKind::storage_texel_buffer: return VK_DESCRIPTOR_TYPE_STORAGE_TEXEL_BUFFER;
        case BindingKind::storage_image: return VK_DESCRIPTOR_TYPE_STORAGE_IMAGE;
        case BindingKind::sampled_image: return VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER;
    }
    return VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
}

}  // namespace

Status check_limits(const ShaderInterface &interface, const Caps &caps) {
    const VkPhysicalDeviceLimits &l = caps.limits;
    const auto count = [&](BindingKind kind) {
        return static_cast<uint64_t>(std::count(interface.bindings.begin(), interface.bindings.end(), kind));
    };
    const uint32_t *size = interface.local_size;
    const struct {
        uint64_t wanted, limit;
        const char *what;
    } checks[] = {
        {uint64_t(size[0]) * size[1] * size[2], l.maxComputeWorkGroupInvocations, "invocations a workgroup"},
        {size[0], l.maxComputeWorkGroupSize[0], "invocations along x"},
        {size[1], l.maxComputeWorkGroupSize[1], "invocations along y"},
        {size[2], l.maxComputeWorkGroupSize[2], "invocations along z"},
        {interface.shared_memory, l.maxComputeSharedMemorySize, "bytes of shared memory"},
        {interface.push_constant_size, l.maxPushConstantsSize, "bytes of push constants"},
        {count(BindingKind::storage_buffer), l.maxPerStageDescriptorStorageBuffers, "storage buffers"},
        {count(BindingKind::storage_texel_buffer) + count(BindingKind::storage_image),
         l.maxPerStageDescriptorStorageImages, "storage images and texel buffers"},
        {count(BindingKind::sampled_image),
         std::min(l.maxPerStageDescriptorSampledImages, l.maxPerStageDescriptorSamplers), "sampled images"},
        {interface.bindings.size(), l.maxPerStageResources, "bindings"},
    };
    for (const auto &check : checks)
        if (check.wanted > check.limit)
            return Error(Code::unsupported,
                         format("it has %llu %s, the device allows %llu", static_cast<unsigned long long>(check.wanted),
                                check.what, static_cast<unsigned long long>(check.limit)));
    return {};
}

Result<Pipeline> Pipeline::create(Device &device, VkPipelineCache cache, std::span<const uint32_t> spirv,
                                  const char *name) {
    Pipeline pipeline;
    pipeline.device_ = &device;
    const DeviceFunctions &fn = device.fn();
    auto interface = reflect(spirv);
    if (!interface.ok()) return std::move(interface).error().with_context(format("kernel %s", name));
    pipeline.interface_ = std::move(*interface);
    if (Status fits = check_limits(pipeline.interface_, device.caps()); !fits.ok())
        return std::move(fits).error().with_context(format("kernel %s", name));

    std::vector<VkDescriptorSetLayoutBinding> bindings;
    for (const BindingKind kind : pipeline.interface_.bindings) {
        VkDescriptorSetLayoutBinding binding = {};
        binding.binding = static_cast<uint32_t>(bindings.size());
        binding.descriptorType = descriptor_type(kind);
        binding.descriptorCount = 1;
        binding.stageFlags = VK_SHADER_STAGE_COMPUTE_BIT;
        bindings.push_back(binding);
    }
    VkDescriptorSetLayoutCreateInfo set = {};
    set.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO;
    set.bindingCount = static_cast<uint32_t>(bindings.size());
    set.pBindings = bindings.data();
    SAC_VK(fn.CreateDescriptorSetLayout(device.handle(), &set, nullptr, &pipeline.set_layout_),
           format("creating the descriptor set layout of kernel %s", name));

    VkPushConstantRange range = {VK_SHADER_STAGE_COMPUTE_BIT, 0, pipeline.interface_.push_constant_size};
    VkPipelineLayoutCreateInfo layout = {};
    layout.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO;
    layout.setLayoutCount = 1;
    layout.pSetLayouts = &pipeline.set_layout_;
    layout.pushConstantRangeCount = range.size ? 1 : 0;
    layout.pPushConstantRanges = &range;
    SAC_VK(fn.CreatePipelineLayout(device.handle(), &layout, nullptr, &pipeline.layout_),
           format("creating the pipeline layout of kernel %s", name));

    VkShaderModuleCreateInfo module_info = {};
    module_info.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO;
    module_info.codeSize = spirv.size_bytes();
    module_info.pCode = spirv.data();
    VkShaderModule shader = VK_NULL_HANDLE;
    SAC_VK(fn.CreateShaderModule(device.handle(), &module_info, nullptr, &shader),
           format("creating the shader module of kernel %s", name));
    VkComputePipelineCreateInfo info = {};
    info.sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO;
    info.stage.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO;
    info.stage.stage = VK_SHADER_STAGE_COMPUTE_BIT;
    info.stage.module = shader;
    info.stage.pName = "main";
    info.layout = pipeline.layout_;
    const VkResult result = fn.CreateComputePipelines(device.handle(), cache, 1, &info, nullptr, &pipeline.pipeline_);
    fn.DestroyShaderModule(device.handle(), shader, nullptr);
    if (result != VK_SUCCESS) return vk_error(result, format("building the pipeline of kernel %s", name));

    device.set_name(VK_OBJECT_TYPE_DESCRIPTOR_SET_LAYOUT, reinterpret_cast<uint64_t>(pipeline.set_layout_), name);
    device.set_name(VK_OBJECT_TYPE_PIPELINE_LAYOUT, reinterpret_cast<uint64_t>(pipeline.layout_), name);
    device.set_name(VK_OBJECT_TYPE_PIPELINE, reinterpret_cast<uint64_t>(pipeline.pipeline_), name);
    return pipeline;
}

Pipeline::~Pipeline() {
    if (!device_) return;
    const DeviceFunctions &fn = device_->fn();
    if (pipeline_) fn.DestroyPipeline(device_->handle(), pipeline_, nullptr);
    if (layout_) fn.DestroyPipelineLayout(device_->handle(), layout_, nullptr);
    if (set_layout_) fn.DestroyDescriptorSetLayout(device_->handle(), set_layout_, nullptr);
}

Pipeline::Pipeline(Pipeline &&other) noexcept
    : device_(std::exchange(other.device_, nullptr)),
      set_layout_(std::exchange(other.set_layout_, VK_NULL_HANDLE)),
      layout_(std::exchange(other.layout_, VK_NULL_HANDLE)),
      pipeline_(std::exchange(other.pipeline_, VK_NULL_HANDLE)),
      interface_(std::move(other.interface_)) {}

Pipeline &Pipeline::operator=(Pipeline &&other) noexcept {
    Pipeline taken(std::move(other));
    std::swap(device_, taken.device_);
    std::swap(set_layout_, taken.set_layout_);
    std::swap(layout_, taken.layout_);
    std::swap(pipeline_, taken.pipeline_);
    std::swap(interface_, taken.interface_);
    return *this;
}

}  // namespace sac::vk
