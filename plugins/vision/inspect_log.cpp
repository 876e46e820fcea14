#include "plugins/vision/inspect_log.h"

#include <algorithm>

namespace sac::vision {

uint64_t FrameLog::begin() {
    const std::lock_guard lock(mutex_);
    return ++begun_;
}

void FrameLog::put(const sac_frame_timing &timing) {
    const std::lock_guard lock(mutex_);
    timings_[timing.index % timings_.size()] = timing;
    newest_ = std::max(newest_, timing.index);
}

uint32_t FrameLog::read(uint64_t after, sac_frame_timing *timings, uint32_t capacity) const {
    const std::lock_guard lock(mutex_);
    const uint64_t forgotten = newest_ > timings_.size() ? newest_ - timings_.size() : 0;
    const uint64_t first = std::max(after, forgotten) + (after == UINT64_MAX ? 0 : 1);
    const uint64_t there = first > newest_ ? 0 : newest_ - first + 1;
    if (!timings) return static_cast<uint32_t>(there);
    const auto count = static_cast<uint32_t>(std::min<uint64_t>(there, capacity));
    for (uint32_t i = 0; i < count; ++i) timings[i] = timings_[(first + i) % timings_.size()];
    return count;
}

}  // namespace sac::vision
