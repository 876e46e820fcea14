#pragma once
// Frames from the host's thread to the frame thread, and results back. Newest wins: one frame waits at most.

#include <condition_variable>
#include <thread>

#include "plugins/vision/frame_runner.h"

namespace sac::vision {

/// What set_detect_settings may override; 0: the card's.
struct DetectOverrides {
    float score = 0, nms_iou = 0;
    uint32_t max_detections = 0;
};

class FrameQueue {
public:
    struct Parts {
        Runtime &runtime;
        std::mutex &runtime_mutex;
        const Host &host;
        Health &health;
        Loader &loader;
        SnapshotPool &snapshots;
        ImageSupport images;
    };
    static Result<std::unique_ptr<FrameQueue>> create(const Parts &parts);
    /// Ends the thread after the frame in progress and hands back what is pending.
    ~FrameQueue();
    FrameQueue(const FrameQueue &) = delete;
    FrameQueue &operator=(const FrameQueue &) = delete;

    /// Takes a frame: true; false if no model is ready yet. [thread] one at a time (others are refused). No heap
    /// allocation but for the staging buffers of the first frames of a size.
    Result<bool> submit(const sac_frame *given);

    // [thread] any:
    void set_overrides(const DetectOverrides &overrides);
    /// The newest snapshot above `after`; null if the time ran out. Errors: cancelled; what ended the context; the
    /// failure of the last frame, if it came after the newest snapshot and nothing is under way.
    Result<const sac_snapshot *> wait(uint64_t after, uint32_t timeout_ms);
    sac_statistics statistics() const;
    /// Wakes those who wait, with an error, and ends the thread soon: see FrameRunner::cancel.
    void cancel();

private:
    struct Pending {
        Frame frame;
        uint32_t staging = Staging::none;
        bool released = false;   ///< the host has its planes or image back
        bool submitted = false;  ///< an image whose semaphores the device has
    };

    explicit FrameQueue(const Parts &parts) : parts_(parts), staging_(parts.runtime.device, parts.runtime.memory) {}
    void run();
    Status process(Pending &pending, float &gpu_us, float &latency_us);
    void work_on(Pending &pending);
    void hand_back(std::span<Pending> frames);
    void finish(Pending &pending);
    void note(const Status &status);

    const Parts parts_;
    Staging staging_;
    std::unique_ptr<FrameRunner> runner_;
    std::atomic_flag submitting_;

    mutable std::mutex mutex_;
    std::condition_variable work_, results_;
    std::optional<Pending> pending_;
    std::vector<Pending> overtaken_;  ///< images that were dropped: their semaphores are due
    std::vector<Pending> returning_;  ///< those of them that the frame thread has taken up
    bool busy_ = false, stop_ = false;
    DetectOverrides overrides_;
    sac_statistics counts_ = {};
    std::optional<Error> last_failure_;  ///< of the frame that was finished last
    std::thread thread_;
};

}  // namespace sac::vision
