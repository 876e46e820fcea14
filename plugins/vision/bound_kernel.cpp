#include "plugins/vision/bound_kernel.h"

#include <algorithm>
#include <utility>

namespace sac {
namespace {

VkDescriptorType descriptor_type(vk::BindingKind kind) {
    switch (kind) {
        case vk::BindingKind::storage_buffer: return VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
        case vk::BindingKind::storage_texel_buffer: return VK_DESCRIPTOR_TYPE_STORAGE_TEXEL_BUFFER;
        case vk::BindingKind::storage_image: return VK_DESCRIPTOR_TYPE_STORAGE_IMAGE;
        case vk::BindingKind::sampled_image: return VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER;
    }
    return VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
}

}  // namespace

Result<BoundKernel> BoundKernel::create(KernelTable &kernels, const char *name, uint32_t sets) {
    BoundKernel bound;
    vk::Device &device = kernels.device();
    const vk::DeviceFunctions &fn = device.fn();
    SAC_ASSIGN(bound.kernel_, kernels.get(name));
    bound.device_ = &device;

    std::vector<VkDescriptorSetLayoutBinding> bindings;
    std::vector<VkDescriptorPoolSize> sizes;
    for (const vk::BindingKind kind : bound.kernel_->pipeline.interface().bindings) {
        const auto index = static_cast<uint32_t>(bindings.size());
        bindings.push_back({index, descriptor_type(kind), 1, VK_SHADER_STAGE_COMPUTE_BIT, nullptr});
        sizes.push_back({descriptor_type(kind), sets});
    }
    VkDescriptorSetLayoutCreateInfo layout = {};
    layout.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO;
    layout.bindingCount = static_cast<uint32_t>(bindings.size());
    layout.pBindings = bindings.data();
    SAC_VK(fn.CreateDescriptorSetLayout(device.handle(), &layout, nullptr, &bound.layout_), name);

    VkDescriptorPoolCreateInfo pool = {};
    pool.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO;
    pool.maxSets = sets;
    pool.poolSizeCount = static_cast<uint32_t>(sizes.size());
    pool.pPoolSizes = sizes.data();
    SAC_VK(fn.CreateDescriptorPool(device.handle(), &pool, nullptr, &bound.pool_), name);

    const std::vector<VkDescriptorSetLayout> layouts(sets, bound.layout_);
    bound.sets_.resize(sets);
    bound.views_.resize(sets);
    VkDescriptorSetAllocateInfo allocate = {};
    allocate.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO;
    allocate.descriptorPool = bound.pool_;
    allocate.descriptorSetCount = sets;
    allocate.pSetLayouts = layouts.data();
    SAC_VK(fn.AllocateDescriptorSets(device.handle(), &allocate, bound.sets_.data()), name);
    return bound;
}

BoundKernel::~BoundKernel() {
    if (!device_) return;
    for (const VkBufferView view : views_) device_->fn().DestroyBufferView(device_->handle(), view, nullptr);
    device_->fn().DestroyDescriptorPool(device_->handle(), pool_, nullptr);
    device_->fn().DestroyDescriptorSetLayout(device_->handle(), layout_, nullptr);
}

BoundKernel::BoundKernel(BoundKernel &&other) noexcept { *this = std::move(other); }

BoundKernel &BoundKernel::operator=(BoundKernel &&other) noexcept {
    std::swap(device_, other.device_);
    std::swap(kernel_, other.kernel_);
    std::swap(layout_, other.layout_);
    std::swap(pool_, other.pool_);
    std::swap(sets_, other.sets_);
    std::swap(views_, other.views_);
    return *this;
}

void BoundKernel::write(uint32_t set, uint32_t binding, VkWriteDescriptorSet write) {
    write.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET;
    write.dstSet = sets_[set];
    write.dstBinding = binding;
    write.descriptorCount = 1;
    write.descriptorType = descriptor_type(kind(binding));
    device_->fn().UpdateDescriptorSets(device_->handle(), 1, &write, 0, nullptr);
}

void BoundKernel::bind_buffer(uint32_t set, uint32_t binding, VkBuffer buffer, VkDeviceSize offset,
                              VkDeviceSize range) {
    const VkDescriptorBufferInfo info = {buffer, offset, range};
    VkWriteDescriptorSet descriptor = {};
    descriptor.pBufferInfo = &info;
    write(set, binding, descriptor);
}

Status BoundKernel::bind_words(uint32_t set, VkBuffer buffer, VkDeviceSize offset, VkDeviceSize range) {
    if (kind(0) != vk::BindingKind::storage_texel_buffer) {
        bind_buffer(set, 0, buffer, offset, range);
        return {};
    }
    VkBufferViewCreateInfo info = {};
    info.sType = VK_STRUCTURE_TYPE_BUFFER_VIEW_CREATE_INFO;
    info.buffer = buffer;
    info.format = VK_FORMAT_R32_UINT;
    info.offset = offset;
    info.range = range;
    VkBufferView view = VK_NULL_HANDLE;
    SAC_VK(device_->fn().CreateBufferView(device_->handle(), &info, nullptr, &view), "viewing a buffer's words");
    unbind_words(set);
    views_[set] = view;
    VkWriteDescriptorSet descriptor = {};
    descriptor.pTexelBufferView = &view;
    write(set, 0, descriptor);
    return {};
}

void BoundKernel::unbind_words(uint32_t set) {
    device_->fn().DestroyBufferView(device_->handle(), std::exchange(views_[set], VK_NULL_HANDLE), nullptr);
}

void BoundKernel::bind_image(uint32_t set, uint32_t binding, VkSampler sampler, VkImageView view,
                             VkImageLayout layout) {
    const VkDescriptorImageInfo info = {sampler, view, layout};
    VkWriteDescriptorSet descriptor = {};
    descriptor.pImageInfo = &info;
    write(set, binding, descriptor);
}

void BoundKernel::begin(VkCommandBuffer commands, uint32_t set, std::span<const uint32_t> push) const {
    const vk::DeviceFunctions &fn = device_->fn();
    const vk::Pipeline &pipeline = kernel_->pipeline;
    fn.CmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline.handle());
    fn.CmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline.layout(), 0, 1, &sets_[set], 0,
                             nullptr);
    fn.CmdPushConstants(commands, pipeline.layout(), VK_SHADER_STAGE_COMPUTE_BIT, 0,
                        static_cast<uint32_t>(push.size_bytes()), push.data());
}

void BoundKernel::record(VkCommandBuffer commands, uint32_t set, std::span<uint32_t> push, uint32_t groups_x) const {
    // More workgroups than the device takes in one dispatch go into several, each told by group_base where it starts.
    const uint32_t most = device_->caps().limits.maxComputeWorkGroupCount[0];
    for (uint32_t base = 0; base < groups_x; base += most) {
        push[0] = base;
        begin(commands, set, push);
        device_->fn().CmdDispatch(commands, std::min(most, groups_x - base), 1, 1);
        if (groups_x - base <= most) break;
    }
}

void BoundKernel::record_indirect(VkCommandBuffer commands, uint32_t set, std::span<uint32_t> push, VkBuffer arguments,
                                  VkDeviceSize offset) const {
    push[0] = 0;
    begin(commands, set, push);
    device_->fn().CmdDispatchIndirect(commands, arguments, offset);
}

void compute_barrier(const vk::Device &device, VkCommandBuffer commands) {
    VkMemoryBarrier barrier = {};
    barrier.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER;
    barrier.srcAccessMask = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT;
    barrier.dstAccessMask = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT |
                            VK_ACCESS_INDIRECT_COMMAND_READ_BIT;
    const VkPipelineStageFlags stages = VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT;
    device.fn().CmdPipelineBarrier(commands, stages | VK_PIPELINE_STAGE_DRAW_INDIRECT_BIT,
                                   stages | VK_PIPELINE_STAGE_DRAW_INDIRECT_BIT, 0, 1, &barrier, 0, nullptr, 0,
                                   nullptr);
}

}  // namespace sac
