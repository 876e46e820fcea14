#pragma once
// Frames in a host's command buffers: recorded on the host's thread, read back once the host's device has done them.

#include "plugins/vision/frame_runner.h"

namespace sac::vision {

/// A fixed number of slots, each with what one frame in flight needs. A slot is the recording thread's until its frame
/// is recorded, then the frame thread's until that is cleared: two threads never have the same one. Of a frame in
/// slices both read it. Every piece of commands has a tag, of which as many can be in flight.
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
    /// What may fail of record_slice. No driver objects once a model has used each tag's slot.
    Status prepare_slice(ActiveModel &active, uint64_t tag);
    /// Adds one slice of a prepared frame, and its tag.
    Status record_slice(uint32_t slot, VkCommandBuffer commands, const Frame &frame, ActiveModel &active,
                        const DetectionThresholds &thresholds, const FrameSlice &slice, uint64_t tag, bool observed);

    // [thread] the frame thread:

    /// Builds and dispatches what frames like this need, while none is being recorded.
    Status warm_up(ActiveModel &active, const FrameSource &source);
    /// Error invalid_state: the commands of this tag, though they are over, were never executed.
    Status executed(uint64_t tag) const;
    /// What a slice took.
    Result<SliceTimes> learn(uint32_t slot, ActiveModel &active, const FrameSlice &slice, uint64_t tag, bool observed);
    /// The result of a frame whose commands were executed.
    Result<FrameOutcome> read(uint32_t slot, ActiveModel &active, bool observed, bool sliced, sac_frame_timing &timing);
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
    void record_tag(VkCommandBuffer commands, uint64_t tag);

    Runtime &runtime_;
    std::mutex &runtime_mutex_;
    Inspector &inspector_;
    vk::Buffer tags_;
    struct SliceStamps {
        vk::Timestamps stamps;
        uint32_t model = 0;  ///< that they have room for
    };
    SliceStamps slice_stamps_[slots];  ///< by tag
    Slot slots_[slots];
};

}  // namespace sac::vision
