#pragma once
// One frame through the device: commands recorded once for each kind of frame, submitted, waited for.

#include "plugins/vision/health.h"
#include "plugins/vision/host_commands.h"
#include "plugins/vision/image_barriers.h"
#include "plugins/vision/inspect.h"
#include "plugins/vision/pacing.h"
#include "plugins/vision/staging.h"

namespace sac::vision {

struct FrameOutcome {
    std::span<const Detection> detections;  ///< valid until the next run
    uint32_t candidates = 0;
    sac_slices slices = {};  ///< of a frame that went through in slices
};

/// Adds what a slice took to what is known of its frame.
void add_slice(const SliceTimes &times, sac_slices &slices, sac_frame_timing &timing);

/// Where an image's pixels are, for preprocessing.
FrameSource source_of_image(const Frame &frame, const ImageView &view);

/// Reads the stamps of Model::record, once they are there.
Status read_stamps(const vk::Timestamps &stamps, sac_frame_timing &timing);

/// [thread] one: the frame thread.
class FrameRunner {
public:
    /// Frames that may be recorded: one for each staging buffer, and one for images.
    static constexpr uint32_t slots = Staging::count + 1;

    static Result<std::unique_ptr<FrameRunner>> create(Runtime &runtime, std::mutex &runtime_mutex, const Host &host,
                                                       const HostWait &host_wait, Staging &staging,
                                                       Inspector &inspector, Pacing &pacing);
    ~FrameRunner();

    /// Waits on this thread until the host's semaphore of an image is there: an image that waits in a queue would hold
    /// up whatever else is submitted to it, models being loaded and, in a shared queue, the host. Error cancelled.
    Status wait_for_host(const sac_vk_image &image) const;

    /// Runs a frame and waits for it: at once, or with a budget in slices. `staging` is the buffer that holds its
    /// planes (images: Staging::none). `submitted` is set once an image's semaphores are the device's business. Of
    /// `timing`, what is known here is filled in, as far as the frame gets.
    Result<FrameOutcome> run(const Frame &frame, uint32_t staging, ActiveModel &active,
                             const DetectionThresholds &thresholds, bool &submitted, sac_frame_timing &timing);

    /// Waits for the host's semaphore of an image that was never used, and lets the device signal the other.
    Status pass_over(const sac_vk_image &image);
    /// Waits until the device has done so for all images that were passed over.
    Status wait_passed_over();

private:
    /// What recorded commands depend on.
    struct Key {
        uint32_t model = 0;
        uint64_t buffer_generation = 0, kernel_generation = 0, inspection_generation = 0;
        PixelFormat format = PixelFormat::rgba;
        YuvColor color = YuvColor::bt601_limited;
        uint32_t width = 0, height = 0, rotation = 0;
        bool mirror = false;
        DetectionThresholds thresholds;
        bool operator==(const Key &other) const;
    };
    struct Slot {
        vk::CommandBuffer commands;
        vk::Timestamps stamps;
        std::optional<Key> recorded;
    };

    FrameRunner(Runtime &runtime, std::mutex &runtime_mutex, const Host &host, const HostWait &host_wait,
                Staging &staging, Inspector &inspector, Pacing &pacing)
        : runtime_(runtime),
          runtime_mutex_(runtime_mutex),
          host_(host),
          host_wait_(host_wait),
          staging_(staging),
          inspector_(inspector),
          pacing_(pacing) {}

    Result<FrameSource> source_of(const Frame &frame, uint32_t staging, std::optional<ImageView> &view);
    /// True if the slot's commands were not those already.
    Result<bool> record_planes(Slot &slot, uint32_t staging, const FrameSource &source, ActiveModel &active,
                               const DetectionThresholds &thresholds);
    Status record_image(Slot &slot, const sac_vk_image &image, const FrameSource &source, ActiveModel &active,
                        const DetectionThresholds &thresholds);
    Status record(Slot &slot, uint32_t index, const FrameSource &source, ActiveModel &active,
                  const DetectionThresholds &thresholds);
    /// `image`: whose semaphores it is to wait for and to signal; null: none's.
    Status submit(const Slot &slot, const sac_vk_image *image, bool &submitted);
    Status run_in_slices(Slot &slot, uint32_t index, const Frame &frame, const FrameSource &source, ActiveModel &active,
                         const DetectionThresholds &thresholds, bool &submitted, sac_frame_timing &timing,
                         sac_slices &slices);
    Status record_slice(Slot &slot, uint32_t index, const Frame &frame, const FrameSource &source, ActiveModel &active,
                        const DetectionThresholds &thresholds, const FrameSlice &slice);
    Status wait(uint64_t value) const;
    Status reload_shaders(ActiveModel &active);

    Runtime &runtime_;
    std::mutex &runtime_mutex_;
    const Host &host_;
    const HostWait &host_wait_;
    Staging &staging_;
    Inspector &inspector_;
    Pacing &pacing_;
    vk::Timestamps slice_stamps_;
    uint32_t slice_stamps_of_ = 0;  ///< the model that they have room for
    std::unique_ptr<vk::Timeline> timeline_;
    uint64_t passed_over_ = 0;  ///< point of the timeline to be waited for; 0: none
    uint64_t kernel_generation_ = 0, last_reload_ns_ = 0;
    std::string shown_reload_error_;
    Slot slots_[slots];
};

}  // namespace sac::vision
