#pragma once
// Frames from the host's thread to the frame thread, and results back. Newest wins: one frame waits at most. Where a
// host records frames into its own commands (mode C), those in flight, in order.

#include <condition_variable>
#include <thread>

#include "plugins/vision/frame_recorder.h"
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
        bool host_commands = false;  ///< mode C: frames come by record, else by submit
    };
    static Result<std::unique_ptr<FrameQueue>> create(const Parts &parts);
    /// Ends the thread after the frame in progress and hands back what is pending.
    ~FrameQueue();
    FrameQueue(const FrameQueue &) = delete;
    FrameQueue &operator=(const FrameQueue &) = delete;

    /// Takes a frame: true; false if no model is ready yet. [thread] one at a time (others are refused). No heap
    /// allocation but for the staging buffers of the first frames of a size.
    Result<bool> submit(const sac_frame *given);
    /// Adds a frame to a host's commands: true; false, with nothing recorded, if no model is ready yet, frames of that
    /// kind are being prepared for, or as many as there are slots for are in flight. [thread] as submit. No heap
    /// allocation once each slot has seen a frame of that size.
    Result<bool> record(const sac_frame *given, const sac_vk_commands *commands);

    /// With a budget: adds the next slice of the frame that record has begun to a host's commands. True; false, with
    /// nothing recorded, if there is none, or as many as there are slots for are in flight. [thread] as record.
    Result<bool> record_slice(const sac_vk_commands *commands);

    // [thread] any:
    Pacing &pacing() { return pacing_; }
    /// All but the classes.
    void set_overrides(const DetectOverrides &overrides);
    void set_class_filter(ClassFilter classes);
    DetectOverrides overrides() const;
    // See saccade_debug.h:
    Status set_run_mode(uint32_t mode);
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
    /// Wakes those who wait, with an error, and ends the thread soon: see HostWait.
    void cancel();

private:
    struct Pending {
        Frame frame;
        uint32_t staging = Staging::none;
        std::shared_ptr<Tracking> tracking;  ///< null: not tracked
        bool released = false;               ///< the host has its planes or image back
        bool submitted = false;              ///< an image whose semaphores the device has
    };

    /// What a frame is worked on with, from the moment on that its commands are recorded.
    struct Settings {
        std::shared_ptr<ActiveModel> active;
        std::shared_ptr<Tracking> tracking;
        ClassFilter classes;
        DetectionThresholds thresholds;  ///< of the head
        float least_score = 0;           ///< see SnapshotContent
    };
    /// A frame in a host's commands, from its first to the result. It has the recorder's slot of the same number.
    struct Work {
        Frame frame;
        Settings settings;
        sac_frame_timing timing = {};
        sac_slices slices = {};  ///< counted by the frame thread
        FramePlace recorded;     ///< how far: the recording thread's
        bool observed = false;   ///< by the inspector: one at a time
        bool sliced = false;
        std::optional<Error> failure;
    };
    /// Commands of the host's with a frame's work or a slice of it. The recording thread's until `recorded`, then the
    /// frame thread's.
    struct InFlight {
        vk::SemaphorePoint done;
        uint64_t tag = 0;
        uint32_t work = 0;
        FrameSlice slice;
        bool recorded = false;
    };
    /// A kind of frame that the frame thread is to prepare for; none is recorded meanwhile.
    struct WarmUp {
        std::shared_ptr<ActiveModel> active;
        FrameSource source;
    };

    explicit FrameQueue(const Parts &parts)
        : parts_(parts), host_wait_(parts.runtime.device), staging_(parts.runtime.device, parts.runtime.memory) {}
    void run();
    /// What the frame thread does next with the frame that is pending, or with the one that is held.
    enum class Turn { none, drop, run, replay };
    Turn choose();
    Status process(Pending &pending, sac_frame_timing &timing);
    Settings settings(std::shared_ptr<ActiveModel> active, std::shared_ptr<Tracking> tracking,
                      sac_frame_timing &timing) const;
    /// Makes a snapshot of what the device has found. `observed`: the inspector has looked at it.
    Status publish(const Frame &frame, const Settings &settings, const FrameOutcome &outcome, bool observed,
                   sac_frame_timing &timing);
    /// Under the lock: what became of a frame. `counted` in the statistics.
    void account(Status status, const sac_frame_timing &timing, bool counted);
    /// The best of those that are of a wanted class.
    std::span<const Detection> wanted(std::span<const Detection> found, const ClassFilter &classes, uint32_t most);
    void work_on(Pending &pending, bool replayed);
    void work_on_held();
    void hold(Pending &pending);
    void hand_back(std::span<Pending> frames);
    void finish(Pending &pending);
    void note(const Status &status);
    // Mode C:
    void run_recorded();
    Result<bool> may_record();
    Result<HostCommands> check_commands(const sac_vk_commands *given) const;
    InFlight &slot_of(uint64_t tag) { return in_flight_[tag % FrameRecorder::slots]; }
    static uint32_t work_of(uint64_t frame) { return static_cast<uint32_t>(frame % FrameRecorder::slots); }
    uint64_t reserve(uint32_t work, const HostCommands &commands);
    Status record_reserved(InFlight &next, const HostCommands &commands);
    bool oldest_is_over();
    void finish(InFlight &commands, Status status);
    void finish_oldest();

    const Parts parts_;
    HostWait host_wait_;
    Pacing pacing_;
    Staging staging_;
    std::unique_ptr<FrameRunner> runner_;      ///< null in mode C
    std::unique_ptr<FrameRecorder> recorder_;  ///< of mode C
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
    std::optional<Error> last_failure_;                      ///< of the frame that was finished last
    std::optional<Pending> held_;                            ///< changed by the frame thread alone
    sac_run_state run_ = {};                                 ///< but for is_held and held_frame_id
    std::array<InFlight, FrameRecorder::slots> in_flight_;   ///< by slot_of
    std::array<Work, FrameRecorder::slots> work_of_frames_;  ///< by work_of
    // Those from the first on, before the next, are in flight:
    uint64_t first_tag_ = 1, next_tag_ = 1;      ///< commands
    uint64_t first_frame_ = 1, next_frame_ = 1;  ///< frames
    bool more_slices_ = false;                   ///< the newest of them has slices left to be recorded
    bool observing_ = false;                     ///< one of them is observed
    std::optional<WarmUp> warm_up_;
    std::optional<Error> warm_up_error_;  ///< for the next call of record
    std::vector<Detection> wanted_;       ///< the frame thread's: of the classes that are
    std::thread thread_;
};

}  // namespace sac::vision
