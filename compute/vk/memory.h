#pragma once
// Device memory in a few large blocks, and buffers placed in them.

#include "compute/vk/device.h"

namespace sac::vk {

enum class MemoryUse {
    device,    ///< DEVICE_LOCAL, not mapped
    upload,    ///< HOST_VISIBLE | HOST_COHERENT, mapped; written by the host, read by the device
    readback,  ///< HOST_VISIBLE | HOST_COHERENT (cached where there is such a type), mapped; read by the host
};

/// Buffers (and linear images) and optimally tiled images never share a block, so that bufferImageGranularity is kept.
enum class MemoryKind { linear, optimal_image };

/// A piece of a block. Given back with Memory::free.
struct Allocation {
    VkDeviceMemory memory = VK_NULL_HANDLE;
    VkDeviceSize offset = 0, size = 0;
    void *mapped = nullptr;  ///< start of this piece, null for device memory
    uint32_t block = UINT32_MAX;
};

/// First-fit sub-allocator over blocks of 64 MiB (16 MiB in small heaps; a block of its own for what is larger), by
/// memory type. A block is mapped as a whole, once. Mapped memory is always coherent: nothing needs flushing.
/// [thread] any, one mutex.
class Memory {
public:
    explicit Memory(Device &device);
    ~Memory();
    Memory(const Memory &) = delete;
    Memory &operator=(const Memory &) = delete;

    /// Error out_of_memory names `name` and the size.
    Result<Allocation> allocate(const VkMemoryRequirements &requirements, MemoryUse use, const char *name,
                                MemoryKind kind = MemoryKind::linear);
    void free(const Allocation &allocation);

    /// Blocks held now, their bytes, the bytes of them that are given out.
    struct Statistics {
        uint64_t blocks = 0, reserved = 0, used = 0;
        uint64_t driver_allocations = 0;  ///< vkAllocateMemory calls since creation: constant after warm-up
    };
    Statistics statistics() const;

private:
    struct Block;
    Result<Block *> add_block(uint32_t type, bool mapped, MemoryKind kind, VkDeviceSize size);
    Device &device_;
    mutable std::mutex mutex_;
    std::vector<std::unique_ptr<Block>> blocks_;
    uint64_t driver_allocations_ = 0;
};

/// A VkBuffer with memory; move-only, gives both back on destruction (which must be after the device's last use: see
/// RetireQueue).
class Buffer {
public:
    Buffer() = default;
    /// `usage` as VkBufferUsageFlags; `name` shows in debuggers. Size is rounded up to 16 bytes. Size 0 is an error.
    static Result<Buffer> create(Device &device, Memory &memory, VkDeviceSize size, VkBufferUsageFlags usage,
                                 MemoryUse use, const char *name);
    ~Buffer();
    Buffer(Buffer &&other) noexcept;
    Buffer &operator=(Buffer &&other) noexcept;

    VkBuffer handle() const { return buffer_; }
    VkDeviceSize size() const { return size_; }
    /// Null for device memory.
    template <class T = void>
    T *mapped() const {
        return static_cast<T *>(allocation_.mapped);
    }
    explicit operator bool() const { return buffer_ != VK_NULL_HANDLE; }

private:
    Device *device_ = nullptr;
    Memory *memory_ = nullptr;
    VkBuffer buffer_ = VK_NULL_HANDLE;
    VkDeviceSize size_ = 0;
    Allocation allocation_;
};

/// What every tensor buffer may be used for.
inline constexpr VkBufferUsageFlags tensor_usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT |
                                                   VK_BUFFER_USAGE_STORAGE_TEXEL_BUFFER_BIT |
                                                   VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT;

}  // namespace sac::vk
