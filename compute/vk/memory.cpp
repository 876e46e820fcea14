#include "compute/vk/memory.h"

#include <algorithm>
#include <bit>

#include "compute/base/format.h"

namespace sac::vk {
namespace {

constexpr VkDeviceSize mebibyte = 1u << 20;

VkDeviceSize align_up(VkDeviceSize value, VkDeviceSize alignment) {
    return (value + alignment - 1) / alignment * alignment;
}

// Memory types that will do for `use`, best first.
std::vector<uint32_t> ranked_types(const VkPhysicalDeviceMemoryProperties &properties, uint32_t allowed,
                                   MemoryUse use) {
    struct Ranked {
        int score;
        uint32_t type;
    };
    std::vector<Ranked> ranked;
    for (uint32_t type = 0; type < properties.memoryTypeCount; ++type) {
        if (!(allowed >> type & 1)) continue;
        const VkMemoryPropertyFlags flags = properties.memoryTypes[type].propertyFlags;
        if (flags & (VK_MEMORY_PROPERTY_LAZILY_ALLOCATED_BIT | VK_MEMORY_PROPERTY_PROTECTED_BIT)) continue;
        if (flags & (VK_MEMORY_PROPERTY_DEVICE_COHERENT_BIT_AMD)) continue;  // needs a feature, and is slow
        const bool local = flags & VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT;
        const bool visible = flags & VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT;
        const bool coherent = flags & VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
        const bool cached = flags & VK_MEMORY_PROPERTY_HOST_CACHED_BIT;
        if (use != MemoryUse::device && !(visible && coherent)) continue;
        int score = 0;
        switch (use) {
            case MemoryUse::device: score = 4 * local - visible; break;   // the mapped window of a GPU may be small
            case MemoryUse::upload: score = 2 * !cached - local; break;   // written once, in order
            case MemoryUse::readback: score = 4 * cached - local; break;  // reading uncached memory is very slow
        }
        ranked.push_back({score, type});
    }
    std::stable_sort(ranked.begin(), ranked.end(), [](const Ranked &a, const Ranked &b) { return a.score > b.score; });
    std::vector<uint32_t> types;
    types.reserve(ranked.size());
    for (const Ranked &r : ranked) types.push_back(r.type);
    return types;
}

}  // namespace

// One vkAllocateMemory. `gaps` are its free ranges, by offset, never touching each other.
struct Memory::Block {
    struct Range {
        VkDeviceSize offset, size;
    };
    VkDeviceMemory memory = VK_NULL_HANDLE;
    uint32_t type = 0;
    MemoryKind kind = MemoryKind::linear;
    char *mapped = nullptr;
    bool is_mapped = false;
    bool dedicated = false;  // larger than a usual block: given back as soon as it is empty
    VkDeviceSize size = 0, used = 0;
    std::vector<Range> gaps;

    // First fit. False if there is no room.
    bool take(VkDeviceSize size_wanted, VkDeviceSize alignment, VkDeviceSize &offset) {
        for (size_t i = 0; i < gaps.size(); ++i) {
            const Range gap = gaps[i];
            const VkDeviceSize start = align_up(gap.offset, alignment), end = gap.offset + gap.size;
            if (start > end || end - start < size_wanted) continue;
            const Range before = {gap.offset, start - gap.offset},
                        after = {start + size_wanted, end - start - size_wanted};
            gaps.erase(gaps.begin() + static_cast<ptrdiff_t>(i));
            if (after.size) gaps.insert(gaps.begin() + static_cast<ptrdiff_t>(i), after);
            if (before.size) gaps.insert(gaps.begin() + static_cast<ptrdiff_t>(i), before);
            used += size_wanted;
            offset = start;
            return true;
        }
        return false;
    }

    void give_back(VkDeviceSize offset, VkDeviceSize returned) {
        used -= returned;
        auto next = std::lower_bound(gaps.begin(), gaps.end(), offset,
                                     [](const Range &gap, VkDeviceSize at) { return gap.offset < at; });
        next = gaps.insert(next, {offset, returned});
        if (next + 1 != gaps.end() && next->offset + next->size == (next + 1)->offset) {
            next->size += (next + 1)->size;
            gaps.erase(next + 1);
        }
        if (next != gaps.begin() && (next - 1)->offset + (next - 1)->size == next->offset) {
            (next - 1)->size += next->size;
            gaps.erase(next);
        }
    }
};

Memory::Memory(Device &device) : device_(device) {}

Memory::~Memory() {
    for (const auto &block : blocks_)
        if (block) device_.fn().FreeMemory(device_.handle(), block->memory, nullptr);
}

Result<Memory::Block *> Memory::add_block(uint32_t type, bool mapped, MemoryKind kind, VkDeviceSize size) {
    const DeviceFunctions &fn = device_.fn();
    auto block = std::make_unique<Block>();
    block->type = type;
    block->kind = kind;
    block->is_mapped = mapped;
    block->size = size;
    block->gaps.push_back({0, size});
    VkMemoryAllocateInfo info = {};
    info.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO;
    info.allocationSize = size;
    info.memoryTypeIndex = type;
    ++driver_allocations_;
    SAC_VK(fn.AllocateMemory(device_.handle(), &info, nullptr, &block->memory), "vkAllocateMemory");
    if (mapped) {
        void *start = nullptr;
        const VkResult result = fn.MapMemory(device_.handle(), block->memory, 0, VK_WHOLE_SIZE, 0, &start);
        if (result != VK_SUCCESS) {
            fn.FreeMemory(device_.handle(), block->memory, nullptr);
            return vk_error(result == VK_ERROR_MEMORY_MAP_FAILED ? VK_ERROR_OUT_OF_HOST_MEMORY : result, "vkMapMemory");
        }
        block->mapped = static_cast<char *>(start);
    }
    const auto hole = std::find(blocks_.begin(), blocks_.end(), nullptr);
    const auto index = static_cast<size_t>(hole - blocks_.begin());
    Block *result = block.get();
    if (hole == blocks_.end())
        blocks_.push_back(std::move(block));
    else
        *hole = std::move(block);
    device_.set_name(VK_OBJECT_TYPE_DEVICE_MEMORY, reinterpret_cast<uint64_t>(result->memory),
                     format("%s block %zu", kind == MemoryKind::linear ? "buffer" : "image", index).c_str());
    return result;
}

Result<Allocation> Memory::allocate(const VkMemoryRequirements &requirements, MemoryUse use, const char *name,
                                    MemoryKind kind) {
    const std::lock_guard guard(mutex_);
    const bool mapped = use != MemoryUse::device;
    const VkPhysicalDeviceMemoryProperties &properties = device_.memory_properties();
    const std::vector<uint32_t> types = ranked_types(properties, requirements.memoryTypeBits, use);
    const double mebibytes = static_cast<double>(requirements.size) / static_cast<double>(mebibyte);
    if (types.empty())
        return Error(Code::unsupported,
                     format("no memory type of the device will do for %s (%.1f MiB)", name, mebibytes));
    if (requirements.size > device_.caps().max_allocation)
        return Error(Code::out_of_memory,
                     format("%s needs %.1f MiB, more than the device's largest allocation of %.1f MiB", name, mebibytes,
                            static_cast<double>(device_.caps().max_allocation) / static_cast<double>(mebibyte)),
                     VK_ERROR_OUT_OF_DEVICE_MEMORY);

    const auto place = [&](Block &block) -> std::optional<Allocation> {
        Allocation a;
        if (!block.take(requirements.size, std::max<VkDeviceSize>(1, requirements.alignment), a.offset)) return {};
        a.memory = block.memory;
        a.size = requirements.size;
        a.mapped = block.mapped ? block.mapped + a.offset : nullptr;
        for (size_t i = 0; i < blocks_.size(); ++i)
            if (blocks_[i].get() == &block) a.block = static_cast<uint32_t>(i);
        return a;
    };

    VkResult last = VK_ERROR_OUT_OF_DEVICE_MEMORY;
    for (const uint32_t type : types) {
        for (const auto &block : blocks_) {
            if (!block || block->type != type || block->kind != kind || block->is_mapped != mapped) continue;
            if (const auto placed = place(*block)) return *placed;
        }
        const VkDeviceSize heap = properties.memoryHeaps[properties.memoryTypes[type].heapIndex].size;
        const VkDeviceSize usual = std::min<VkDeviceSize>(heap < 1024 * mebibyte ? 16 * mebibyte : 64 * mebibyte,
                                                          device_.caps().max_allocation);
        // Where a whole block is refused, one of just the size needed may still be had.
        for (const VkDeviceSize size : {std::max(usual, requirements.size), requirements.size}) {
            auto block = add_block(type, mapped, kind, size);
            if (block.ok()) {
                (*block)->dedicated = size != usual;
                return *place(**block);
            }
            last = static_cast<VkResult>(block.error().vk_result);
            if (block.error().code != Code::out_of_memory)
                return std::move(block).error().with_context(format("memory for %s (%.1f MiB)", name, mebibytes));
            if (requirements.size >= usual) break;
        }
    }
    return Error(Code::out_of_memory, format("no device memory for %s (%.1f MiB)", name, mebibytes), last);
}

void Memory::free(const Allocation &allocation) {
    if (!allocation.memory) return;
    const std::lock_guard guard(mutex_);
    assert(allocation.block < blocks_.size() && blocks_[allocation.block]);
    Block &block = *blocks_[allocation.block];
    block.give_back(allocation.offset, allocation.size);
    if (block.used) return;
    // One empty block of each sort is kept, so that freeing and allocating again costs no driver call.
    const bool another_empty = std::any_of(blocks_.begin(), blocks_.end(), [&](const auto &other) {
        return other && other.get() != &block && !other->used && !other->dedicated && other->type == block.type &&
               other->kind == block.kind && other->is_mapped == block.is_mapped;
    });
    if (!block.dedicated && !another_empty) return;
    device_.fn().FreeMemory(device_.handle(), block.memory, nullptr);  // unmaps as well
    blocks_[allocation.block].reset();
}

Memory::Statistics Memory::statistics() const {
    const std::lock_guard guard(mutex_);
    Statistics s;
    for (const auto &block : blocks_) {
        if (!block) continue;
        ++s.blocks;
        s.reserved += block->size;
        s.used += block->used;
    }
    s.driver_allocations = driver_allocations_;
    return s;
}

Result<Buffer> Buffer::create(Device &device, Memory &memory, VkDeviceSize size, VkBufferUsageFlags usage,
                              MemoryUse use, const char *name) {
    if (size == 0) return Error(Code::invalid_argument, format("the buffer %s has size 0", name));
    if (size > UINT64_MAX - 15) return Error(Code::out_of_memory, format("the size of the buffer %s overflows", name));
    Buffer buffer;
    buffer.device_ = &device;
    buffer.memory_ = &memory;
    buffer.size_ = align_up(size, 16);
    VkBufferCreateInfo info = {};
    info.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO;
    info.size = buffer.size_;
    info.usage = usage;
    info.sharingMode = VK_SHARING_MODE_EXCLUSIVE;
    const DeviceFunctions &fn = device.fn();
    // Vulkan 1.2 sets no bound that could be asked for here; some drivers do not survive absurd sizes.
    if (buffer.size_ > device.caps().max_allocation)
        return Error(Code::out_of_memory,
                     format("the buffer %s needs %.1f MiB, more than the device's largest allocation", name,
                            static_cast<double>(buffer.size_) / static_cast<double>(mebibyte)));
    SAC_VK(fn.CreateBuffer(device.handle(), &info, nullptr, &buffer.buffer_), format("creating the buffer %s", name));
    device.set_name(VK_OBJECT_TYPE_BUFFER, reinterpret_cast<uint64_t>(buffer.buffer_), name);
    VkMemoryRequirements requirements = {};
    fn.GetBufferMemoryRequirements(device.handle(), buffer.buffer_, &requirements);
    SAC_ASSIGN(buffer.allocation_, memory.allocate(requirements, use, name));
    SAC_VK(fn.BindBufferMemory(device.handle(), buffer.buffer_, buffer.allocation_.memory, buffer.allocation_.offset),
           format("binding the buffer %s to its memory", name));
    return buffer;
}

Buffer::~Buffer() {
    if (!device_) return;
    if (buffer_) device_->fn().DestroyBuffer(device_->handle(), buffer_, nullptr);
    memory_->free(allocation_);
}

Buffer::Buffer(Buffer &&other) noexcept
    : device_(std::exchange(other.device_, nullptr)),
      memory_(std::exchange(other.memory_, nullptr)),
      buffer_(std::exchange(other.buffer_, VK_NULL_HANDLE)),
      size_(std::exchange(other.size_, 0)),
      allocation_(std::exchange(other.allocation_, {})) {}

Buffer &Buffer::operator=(Buffer &&other) noexcept {
    Buffer taken(std::move(other));  // goes with what was here before
    std::swap(device_, taken.device_);
    std::swap(memory_, taken.memory_);
    std::swap(buffer_, taken.buffer_);
    std::swap(size_, taken.size_);
    std::swap(allocation_, taken.allocation_);
    return *this;
}

}  // namespace sac::vk
