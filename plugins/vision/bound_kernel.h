#pragma once
// A kernel with descriptor sets of its own: how the plugin's few kernels outside a session's plan are recorded.

#include <span>

#include "compute/kernels/kernel_table.h"

namespace sac {

/// Move-only. [thread] one at a time. A set may be rewritten only when no submission that uses it is pending.
class BoundKernel {
public:
    BoundKernel() = default;
    /// Error as of KernelTable::get. Sets are numbered from 0 and all must be bound before they are recorded.
    static Result<BoundKernel> create(KernelTable &kernels, const char *name, uint32_t sets = 1);
    ~BoundKernel();
    BoundKernel(BoundKernel &&other) noexcept;
    BoundKernel &operator=(BoundKernel &&other) noexcept;

    void bind_buffer(uint32_t set, uint32_t binding, VkBuffer buffer, VkDeviceSize offset, VkDeviceSize range);
    /// Binding 0 as words, which texel variants of a kernel read through a view, kept until the set is bound anew.
    Status bind_words(uint32_t set, VkBuffer buffer, VkDeviceSize offset, VkDeviceSize range);
    /// Before a buffer that was bound as words is destroyed.
    void unbind_words(uint32_t set);
    void bind_image(uint32_t set, uint32_t binding, VkSampler sampler, VkImageView view, VkImageLayout layout);

    /// `push` begins with group_base, which is set here (a dispatch of more groups than the device allows is split).
    void record(VkCommandBuffer commands, uint32_t set, std::span<uint32_t> push, uint32_t groups_x) const;
    /// Group counts are three words in `arguments` at `offset`.
    void record_indirect(VkCommandBuffer commands, uint32_t set, std::span<uint32_t> push, VkBuffer arguments,
                         VkDeviceSize offset) const;

private:
    vk::BindingKind kind(uint32_t binding) const { return kernel_->pipeline.interface().bindings[binding]; }
    void begin(VkCommandBuffer commands, uint32_t set, std::span<const uint32_t> push) const;
    void write(uint32_t set, uint32_t binding, VkWriteDescriptorSet write);

    vk::Device *device_ = nullptr;
    const Kernel *kernel_ = nullptr;
    VkDescriptorSetLayout layout_ = VK_NULL_HANDLE;  // our own, equal to the pipeline's: survives a hot reload
    VkDescriptorPool pool_ = VK_NULL_HANDLE;
    std::vector<VkDescriptorSet> sets_;
    std::vector<VkBufferView> views_;  // by set; null where words are not read through one
};

/// A barrier between all earlier and all later compute, transfer and indirect work on the queue.
void compute_barrier(const vk::Device &device, VkCommandBuffer commands);

}  // namespace sac
