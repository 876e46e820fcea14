#pragma once
// Frames from the host's thread to the frame thread, and results back. Newest wins: one frame waits at most.

#include <condition_variable>
#include <thread>

#include "plugins/vision/frame_runner.h"
#include "plugins/vision/tracker.h"

namespace sac::vision {

/// A bit for each class that is wanted; null: all are.
using ClassFilter = std::shared_ptr<const std::vector<uint32_t>>;

/// What set_detect_settings may override (0: the card's), and set_class_filter.
struct DetectOverrides {
    float score = 0, nms_iou = 0;
    uint32_t max_detections = 0;
    ClassFilter classes;
};

DetectionThresholds thresholds_of(const Card &card, const DetectOverrides &overrides);

/// How the frames that are submitted from now on are tracked: a new one for each call of set_track_settings. Used by
/// the frame thread alone once it is there.
struct Tracking {
    Tracker tracker;
    float weak_score = 0;  ///< 0: half of the score threshold
    uint32_t model_id = 0;
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
        Inspector &inspector;
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
    /// All but the classes.
    void set_overrides(const DetectOverrides &overrides);
    void set_class_filter(ClassFilter classes);
    DetectOverrides overrides() const;
    // See saccade_debug.h:
    void set_run_mode(uint32_t mode);
    Status step();
    Status replay();
    sac_run_state run_state() const;
    /// From the next frame on.
    void track(const TrackOptions &options, float weak_score);
    void stop_tracking();
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
        std::shared_ptr<Tracking> tracking;  ///< null: not tracked
        bool released = false;               ///< the host has its planes or image back
        bool submitted = false;              ///< an image whose semaphores the device has
    };

    explicit FrameQueue(const Parts &parts) : parts_(parts), staging_(parts.runtime.device, parts.runtime.memory) {}
    void run();
    /// What the frame thread does next with the frame that is pending, or with the one that is held.
    enum class Turn { none, drop, run, replay };
    Turn choose();
    Status process(Pending &pending, sac_frame_timing &timing);
    /// The best of those that are of a wanted class.
    std::span<const Detection> wanted(std::span<const Detection> found, const ClassFilter &classes, uint32_t most);
    void work_on(Pending &pending, bool replayed);
    void work_on_held();
    void hold(Pending &pending);
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
    std::shared_ptr<Tracking> tracking_;
    std::atomic<uint32_t> last_track_id_ = 0;
    sac_statistics counts_ = {};
    std::optional<Error> last_failure_;  ///< of the frame that was finished last
    std::optional<Pending> held_;        ///< changed by the frame thread alone
    sac_run_state run_ = {};             ///< but for is_held and held_frame_id
    std::vector<Detection> wanted_;      ///< the frame thread's: of the classes that are
    std::thread thread_;
};

}  // namespace sac::vision
