#include "plugins/vision/staging.h"

#include "plugins/vision/no_throw.h"

namespace sac::vision {

Result<uint32_t> Staging::take(uint64_t bytes) {
    uint32_t index = none;
    {
        const std::lock_guard lock(mutex_);
        for (uint32_t i = 0; i < count; ++i) {
            if (buffers_[i].taken) continue;
            // Rather one that is large enough already.
            if (index == none || buffers_[index].buffer.size() < bytes) index = i;
        }
        if (index == none) return none;
        buffers_[index].taken = true;
    }
    Slot &slot = buffers_[index];  // ours alone now
    if (slot.buffer.size() >= bytes) return index;
    Status grown = no_throw([&] { return grow(slot, bytes); });
    if (grown.ok()) return index;
    give_back(index);
    return std::move(grown).error();
}

Status Staging::grow(Slot &slot, uint64_t bytes) {
    SAC_ASSIGN(vk::Buffer larger,
               vk::Buffer::create(device_, memory_, bytes, vk::tensor_usage, vk::MemoryUse::upload, "frame staging"));
    if (slot.buffer) {
        const std::lock_guard lock(mutex_);
        outgrown_.push_back(std::move(slot.buffer));
    }
    slot.buffer = std::move(larger);
    ++slot.generation;
    return {};
}

std::vector<vk::Buffer> Staging::outgrown() {
    const std::lock_guard lock(mutex_);
    return std::exchange(outgrown_, {});
}

void Staging::give_back(uint32_t index) {
    if (index == none) return;
    const std::lock_guard lock(mutex_);
    buffers_[index].taken = false;
}

}  // namespace sac::vision
