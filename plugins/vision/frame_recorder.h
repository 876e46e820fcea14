#pragma once
// Frames in a host's command buffers: recorded on the host's thread, read back once the host's device has done them.

#include "plugins/vision/frame_runner.h"

namespace sac::vision {

/// A fixed number of slots, each with what one frame in flight needs. A slot is the recording thread's until its frame
/// is recorded, then the frame thread's until that is cleared: two threads never have the same one.
class FrameRecorder {
public:
    static constexpr uint32_t slots = SAC_MAX_RECORDED;

    static Result<std::unique_ptr<FrameRecorder>> create(Runtime &runtime, std::mutex &runtime_mutex,
                                                         Inspector &inspector);

    // [thread] the one that records:

    /// Everything that may fail: the frame's planes in a buffer, or a view of its image, bound to the slot. No heap and
    /// no device memory once a slot has seen a frame of that size. False: warm_up must have been there first, for that
    /// source.
    Result<bool> prepare(uint32_t slot, const Frame &frame, ActiveModel &active);
    const FrameSource &source(uint32_t slot) const { return slots_[slot].source; }
    /// Adds a prepared frame to the commands: image barriers, preprocessing, network, head, and last the tag, by which
    /// its execution is known. `observed`: with the inspector's observation.
    Status record(uint32_t slot, VkCommandBuffer commands, const Frame &frame, ActiveModel &active,
                  const DetectionThresholds &thresholds, uint64_t tag, bool observed);

    // [thread] the frame thread:

    /// Builds and dispatches what frames like this need, while none is being recorded.
    Status warm_up(ActiveModel &active, const FrameSource &source);
    /// The result of a frame whose commands are done. Error invalid_state: they were never executed.
    Result<FrameOutcome> read(uint32_t slot, ActiveModel &active, uint64_t tag, bool observed,
                              sac_frame_timing &timing);
    /// Drops what the slot has of its frame.
    void clear(uint32_t slot) { slots_[slot].view.reset(); }

private:
    struct Slot {
        vk::Buffer planes;
        std::optional<ImageView> view;
        FrameSource source;
        vk::Timestamps stamps;
    };

    FrameRecorder(Runtime &runtime, std::mutex &runtime_mutex, Inspector &inspector)
        : runtime_(runtime), runtime_mutex_(runtime_mutex), inspector_(inspector) {}
    Status copy(Slot &slot, const Frame &frame, ActiveModel &active);

    Runtime &runtime_;
    std::mutex &runtime_mutex_;
    Inspector &inspector_;
    vk::Buffer tags_;  ///< one for each slot
    Slot slots_[slots];
};

}  // namespace sac::vision
