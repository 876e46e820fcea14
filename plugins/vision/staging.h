#pragma once
// Upload buffers for frames in CPU memory. The device reads them in place.

#include <mutex>
#include <vector>

#include "compute/vk/memory.h"
#include "plugins/vision/frame.h"

namespace sac::vision {

/// Four buffers: one that the device reads, one that is pending, one that is being written, and one of a frame that is
/// held for tools. Each is made when as many are in use. [thread] any.
class Staging {
public:
    static constexpr uint32_t count = 4;
    static constexpr uint32_t none = UINT32_MAX;

    Staging(vk::Device &device, vk::Memory &memory) : device_(device), memory_(memory) {}

    /// A free buffer of at least `bytes`, or `none` if all are taken. Allocates where it had less; then generation()
    /// of the buffer changes. Error out_of_memory.
    Result<uint32_t> take(uint64_t bytes);
    void give_back(uint32_t index);
    /// Buffers that larger ones took the place of: for the frame thread, which destroys them once nothing knows them.
    std::vector<vk::Buffer> outgrown();

    // Of a taken buffer:
    std::byte *mapped(uint32_t index) const { return buffers_[index].buffer.mapped<std::byte>(); }
    VkBuffer handle(uint32_t index) const { return buffers_[index].buffer.handle(); }
    VkDeviceSize size(uint32_t index) const { return buffers_[index].buffer.size(); }
    uint64_t generation(uint32_t index) const { return buffers_[index].generation; }

private:
    struct Slot {
        vk::Buffer buffer;
        uint64_t generation = 0;
        bool taken = false;
    };
    Status grow(Slot &slot, uint64_t bytes);

    vk::Device &device_;
    vk::Memory &memory_;
    std::mutex mutex_;
    Slot buffers_[count];
    std::vector<vk::Buffer> outgrown_;
};

}  // namespace sac::vision
