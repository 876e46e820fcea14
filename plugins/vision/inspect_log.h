#pragma once
// The frames that went through last, and how long each part of their way took.

#include <array>
#include <mutex>

#include "plugins/vision/saccade_debug.h"

namespace sac::vision {

/// [thread] any. No heap.
class FrameLog {
public:
    /// The index of the next frame: 1, 2, 3 ...
    uint64_t begin();
    /// Keeps the frame's entry, or another in the place of the one it has.
    void put(const sac_frame_timing &timing);
    /// Entries with an index above `after`, the oldest first; gives how many. With null: how many there are.
    uint32_t read(uint64_t after, sac_frame_timing *timings, uint32_t capacity) const;

private:
    mutable std::mutex mutex_;
    uint64_t begun_ = 0, newest_ = 0;  ///< newest_: the last that was put
    std::array<sac_frame_timing, SAC_FRAME_TIMINGS> timings_ = {};
};

}  // namespace sac::vision
