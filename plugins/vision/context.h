#pragma once
// A context: everything behind one sac_context, from the device to the threads.

#include "plugins/vision/device_import.h"
#include "plugins/vision/frame_queue.h"
#include "plugins/vision/network.h"
#include "plugins/vision/overlays.h"

namespace sac::vision {

/// [thread] any, as far as the parts allow; see saccade.h.
class Context {
public:
    /// `patch` puts failing or counting functions into the device's table; for tests.
    static Result<std::unique_ptr<Context>> create(const sac_context_desc *desc, const PatchFunctions &patch = {});
    ~Context();
    Context(const Context &) = delete;
    Context &operator=(const Context &) = delete;

    Result<uint32_t> load_model(const sac_model_desc *desc);
    Status set_detect_settings(const sac_detect_settings *settings);
    Status set_track_settings(const sac_track_settings *settings);
    Status set_budget(const sac_budget *budget);
    Result<bool> submit(const sac_frame *frame) { return frames_->submit(frame); }
    Result<bool> record(const sac_frame *frame, const sac_vk_commands *commands) {
        return frames_->record(frame, commands);
    }
    /// The newest snapshot above `after`; null if there is none.
    Result<const sac_snapshot *> acquire(uint64_t after);
    sac_context_info info();

    Loader &models() { return *loader_; }
    FrameQueue &frames() { return *frames_; }
    SnapshotPool &snapshots() { return *snapshots_; }
    Inspector &inspector() { return *inspector_; }
    sac_memory_info memory_info();
    Networks &networks() { return *networks_; }
    Overlays &overlays() { return *overlays_; }

    /// Lets calls that wait come back with an error.
    void cancel();

    /// The last failure of a call on this context.
    void keep_error(Error error);
    Status last_error() const;

private:
    Context() = default;

    std::unique_ptr<Host> host_;
    OpenedDevice opened_;
    Health health_;
    std::mutex runtime_mutex_;  ///< the runtime's kernels, and sessions while they are loaded or run outside of frames
    std::unique_ptr<Runtime> runtime_;
    std::unique_ptr<SnapshotPool> snapshots_;
    std::unique_ptr<Networks> networks_;
    std::unique_ptr<Overlays> overlays_;
    std::unique_ptr<Loader> loader_;
    std::unique_ptr<Inspector> inspector_;
    std::unique_ptr<FrameQueue> frames_;  ///< ends first
    std::atomic<uint64_t> pipelines_built_ = 0;
    mutable std::mutex error_mutex_;
    std::optional<Error> error_;
};

}  // namespace sac::vision
