#include "plugins/vision/frame_runner.h"

#include <algorithm>
#include <thread>
#include <tuple>

#include "compute/base/format.h"
#include "plugins/vision/no_throw.h"

namespace sac::vision {
namespace {

constexpr uint32_t image_slot = Staging::count;
#ifdef SACCADE_HOT_RELOAD
constexpr bool hot_reload = true;
#else
constexpr bool hot_reload = false;
#endif

/// The host's semaphores of an image, and a timeline of ours.
struct Points {
    vk::SemaphorePoint waits[1], signals[2];
    size_t wait_count = 0, signal_count = 0;

    Points(const sac_vk_image *image, const vk::Timeline &timeline, uint64_t value) {
        signals[signal_count++] = {timeline.handle(), value};
        if (image && image->wait_semaphore)
            waits[wait_count++] = {semaphore_of(image->wait_semaphore), image->wait_value};
        if (image && image->signal_semaphore)
            signals[signal_count++] = {semaphore_of(image->signal_semaphore), image->signal_value};
    }
    std::span<const vk::SemaphorePoint> to_wait() const { return {waits, wait_count}; }
    std::span<const vk::SemaphorePoint> to_signal() const { return {signals, signal_count}; }
};

}  // namespace

bool FrameRunner::Key::operator==(const Key &other) const {
    const auto all = [](const Key &k) {
        const DetectionThresholds &t = k.thresholds;
        return std::tuple(k.model, k.buffer_generation, k.kernel_generation, k.inspection_generation, k.format, k.color,
                          k.width, k.height, k.rotation, k.mirror, t.score, t.nms_iou, t.max_detections, t.class_aware);
    };
    return all(*this) == all(other);
}

Result<std::unique_ptr<FrameRunner>> FrameRunner::create(Runtime &runtime, std::mutex &runtime_mutex, const Host &host,
                                                         const HostWait &host_wait, Staging &staging,
                                                         Inspector &inspector, Pacing &pacing) {
    std::unique_ptr<FrameRunner> self(
        new FrameRunner(runtime, runtime_mutex, host, host_wait, staging, inspector, pacing));
    SAC_ASSIGN(self->timeline_, vk::Timeline::create(runtime.device, "frames"));
    for (Slot &slot : self->slots_) {
        SAC_ASSIGN(slot.commands, vk::CommandBuffer::create(runtime.device, "frame"));
        SAC_ASSIGN(slot.stamps, vk::Timestamps::create(runtime.device, Model::stamp_count));
    }
    return self;
}

FrameRunner::~FrameRunner() = default;  // every run has waited for its submission

Result<FrameOutcome> FrameRunner::run(const Frame &frame, uint32_t staging, ActiveModel &active,
                                      const DetectionThresholds &thresholds, bool &submitted,
                                      sac_frame_timing &timing) {
    SAC_TRY(reload_shaders(active));
    inspector_.follow(active);
    for (const vk::Buffer &buffer : staging_.outgrown()) active.model->forget(buffer.handle());
    std::optional<ImageView> view;
    SAC_ASSIGN(const FrameSource source, source_of(frame, staging, view));
    if (!active.model->prepared(source)) {  // the first frame of its kind
        const std::lock_guard lock(runtime_mutex_);
        SAC_TRY(active.model->prepare(source));
    }
    const uint32_t index = frame.is_image ? image_slot : staging;
    Slot &slot = slots_[index];
    FrameOutcome outcome;
    if (pacing_.active()) {
        SAC_TRY(run_in_slices(slot, index, frame, source, active, thresholds, submitted, timing, outcome.slices));
        SAC_TRY(inspector_.collect(true));
        outcome.detections = active.model->read(index, outcome.candidates);
        return outcome;
    }
    bool recorded = frame.is_image;
    if (frame.is_image) {
        SAC_TRY(record_image(slot, frame.image, source, active, thresholds));
    } else {
        SAC_ASSIGN(recorded, record_planes(slot, staging, source, active, thresholds));
    }
    timing.flags |= recorded ? uint32_t{SAC_FRAME_RECORDED} : 0;
    timing.flags |= inspector_.observation().stamps ? uint32_t{SAC_FRAME_PROFILED} : 0;
    timing.queued_ns = now_ns();
    SAC_TRY(submit(slot, frame.is_image ? &frame.image : nullptr, submitted));
    timing.done_ns = now_ns();
    SAC_TRY(read_stamps(slot.stamps, timing));
    SAC_TRY(inspector_.collect());
    outcome.detections = active.model->read(index, outcome.candidates);
    return outcome;
}

FrameSource source_of_image(const Frame &frame, const ImageView &view) {
    FrameSource source;
    source.layout = frame.layout;
    source.image = view.handle();
    source.image_layout = reading_layout(frame.image);
    source.image_srgb = frame.is_srgb();
    return source;
}

Status read_stamps(const vk::Timestamps &stamps, sac_frame_timing &timing) {
    double ns[Model::stamp_count];
    SAC_ASSIGN(const bool there, stamps.read(ns));
    if (!there) return {};
    const auto us = [&](size_t from, size_t to) { return static_cast<float>((ns[to] - ns[from]) * 1e-3); };
    timing.gpu_us = us(0, 3);
    timing.preprocess_us = us(0, 1);
    timing.network_us = us(1, 2);
    timing.head_us = us(2, 3);
    return {};
}

Result<FrameSource> FrameRunner::source_of(const Frame &frame, uint32_t staging, std::optional<ImageView> &view) {
    if (frame.is_image) {
        SAC_ASSIGN(ImageView created, ImageView::create(runtime_.device, frame.image));
        view.emplace(std::move(created));
        return source_of_image(frame, *view);
    }
    FrameSource source;
    source.layout = staging_layout(frame.layout);
    SAC_ASSIGN(const uint64_t bytes, source.layout.required_bytes());
    source.buffer = staging_.handle(staging);
    source.size = (bytes + 15) / 16 * 16;
    return source;
}

Result<bool> FrameRunner::record_planes(Slot &slot, uint32_t staging, const FrameSource &source, ActiveModel &active,
                                        const DetectionThresholds &thresholds) {
    Key key;
    key.model = active.id;
    key.buffer_generation = staging_.generation(staging);
    key.kernel_generation = kernel_generation_;
    key.inspection_generation = inspector_.generation();
    key.format = source.layout.format;
    key.color = source.layout.color;
    key.width = source.layout.width;
    key.height = source.layout.height;
    key.rotation = source.layout.rotation;
    key.mirror = source.layout.mirror;
    key.thresholds = thresholds;
    if (slot.recorded == key) return false;

    slot.recorded.reset();
    SAC_TRY(slot.commands.begin(false));
    SAC_TRY(record(slot, staging, source, active, thresholds));
    SAC_TRY(slot.commands.end());
    slot.recorded = key;
    return true;
}

Status FrameRunner::record_image(Slot &slot, const sac_vk_image &image, const FrameSource &source, ActiveModel &active,
                                 const DetectionThresholds &thresholds) {
    SAC_TRY(slot.commands.begin(true));
    acquire_image(runtime_.device, slot.commands.handle(), image);
    SAC_TRY(record(slot, image_slot, source, active, thresholds));
    release_image(runtime_.device, slot.commands.handle(), image);
    return slot.commands.end();
}

Status FrameRunner::record(Slot &slot, uint32_t index, const FrameSource &source, ActiveModel &active,
                           const DetectionThresholds &thresholds) {
    const VkCommandBuffer commands = slot.commands.handle();
    const vk::ScopedLabel label(runtime_.device, commands, "saccade frame");
    slot.stamps.reset(commands);
    inspector_.begin(commands);
    return active.model->record(commands, index, source, thresholds, slot.stamps, inspector_.observation());
}

Status FrameRunner::submit(const Slot &slot, const sac_vk_image *image, bool &submitted) {
    const uint64_t value = timeline_->next();
    const Points points(image, *timeline_, value);
    const VkCommandBuffer commands = slot.commands.handle();
    SAC_TRY(runtime_.device.submit({&commands, 1}, points.to_wait(), points.to_signal()));
    submitted = true;
    return wait(value);
}

// The device reads what the caller gives back next, so only a lost one (which has nothing pending) ends this early. The
// queue is not waited for until it is idle: its lock would be held, and a host's work may never let it be.
Status FrameRunner::wait(uint64_t value) const {
    Status waited = no_throw([&] { return timeline_->wait(value); });
    while (!waited.ok() && waited.error().code != Code::device_lost) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        Result<uint64_t> reached = no_throw([&] { return timeline_->reached(); });
        if (!reached.ok())
            waited = std::move(reached).error();
        else if (*reached >= value)
            waited = {};
    }
    return waited;
}

Status FrameRunner::wait_for_host(const sac_vk_image &image) const {
    if (!image.wait_semaphore) return {};
    return host_wait_.wait({semaphore_of(image.wait_semaphore), image.wait_value}, "frame.image.wait_semaphore");
}

// Without submitting what would have to wait, so that nothing of ours is pending when a context ends.
Status FrameRunner::pass_over(const sac_vk_image &image) {
    if (!image.wait_semaphore && !image.signal_semaphore) return {};
    SAC_TRY(wait_for_host(image));
    const uint64_t value = timeline_->next();
    const Points points(&image, *timeline_, value);
    SAC_TRY(runtime_.device.submit({}, points.to_wait(), points.to_signal()));
    passed_over_ = value;
    return {};
}

Status FrameRunner::wait_passed_over() {
    const uint64_t value = std::exchange(passed_over_, 0);
    return value ? wait(value) : Status();
}

// Developers' builds: changed shaders are taken up between two frames, looked for twice a second.
Status FrameRunner::reload_shaders(ActiveModel &active) {
    if (!hot_reload) return {};
    constexpr uint64_t period_ns = 500'000'000;
    const uint64_t now = now_ns();
    if (now - last_reload_ns_ < period_ns) return {};
    const std::unique_lock lock(runtime_mutex_, std::try_to_lock);
    if (!lock) return {};  // a model is being loaded
    last_reload_ns_ = now;
    SAC_ASSIGN(const uint32_t swapped, runtime_.kernels->reload_changed());
    const std::string &error = runtime_.kernels->last_reload_error();
    if (error != shown_reload_error_ && !error.empty()) host_.write(LogLevel::error, error);
    shown_reload_error_ = error;
    if (swapped) host_.write(LogLevel::info, format("%u kernels were reloaded", swapped));
    if (runtime_.kernels->generation() != kernel_generation_) {
        kernel_generation_ = runtime_.kernels->generation();
        SAC_TRY(active.model->refresh());
    }
    return {};
}

}  // namespace sac::vision
