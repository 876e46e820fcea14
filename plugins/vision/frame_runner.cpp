#include "plugins/vision/frame_runner.h"

#include <cstring>
#include <tuple>

#include "compute/base/format.h"
#include "plugins/vision/image_barriers.h"

namespace sac::vision {
namespace {

constexpr uint32_t image_slot = Staging::count;
#ifdef SACCADE_HOT_RELOAD
constexpr bool hot_reload = true;
#else
constexpr bool hot_reload = false;
#endif

VkSemaphore semaphore_of(uint64_t handle) {
    VkSemaphore semaphore;
    static_assert(sizeof semaphore == sizeof handle);
    std::memcpy(&semaphore, &handle, sizeof semaphore);
    return semaphore;
}

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
        return std::tuple(k.model, k.buffer_generation, k.kernel_generation, k.format, k.color, k.width, k.height,
                          k.rotation, k.mirror, t.score, t.nms_iou, t.max_detections, t.class_aware);
    };
    return all(*this) == all(other);
}

Result<std::unique_ptr<FrameRunner>> FrameRunner::create(Runtime &runtime, std::mutex &runtime_mutex, const Host &host,
                                                         Staging &staging) {
    std::unique_ptr<FrameRunner> self(new FrameRunner(runtime, runtime_mutex, host, staging));
    SAC_ASSIGN(self->timeline_, vk::Timeline::create(runtime.device, "frames"));
    for (Slot &slot : self->slots_) {
        SAC_ASSIGN(slot.commands, vk::CommandBuffer::create(runtime.device, "frame"));
        SAC_ASSIGN(slot.stamps, vk::Timestamps::create(runtime.device, 2));
    }
    return self;
}

FrameRunner::~FrameRunner() = default;  // every run has waited for its submission

Result<FrameOutcome> FrameRunner::run(const Frame &frame, uint32_t staging, ActiveModel &active,
                                      const DetectionThresholds &thresholds, bool &submitted) {
    SAC_TRY(reload_shaders(active));
    for (const vk::Buffer &buffer : staging_.outgrown()) active.model->forget(buffer.handle());
    if (!active.model->prepared(frame)) {  // the first frame of its kind
        const std::lock_guard lock(runtime_mutex_);
        SAC_TRY(active.model->prepare(frame));
    }
    const uint32_t index = frame.is_image ? image_slot : staging;
    Slot &slot = slots_[index];
    std::optional<ImageView> view;
    if (frame.is_image) {
        SAC_ASSIGN(ImageView created, ImageView::create(runtime_.device, frame.image));
        view.emplace(std::move(created));
        SAC_TRY(record_image(slot, frame, view->handle(), active, thresholds));
    } else {
        SAC_TRY(record_planes(slot, frame, staging, active, thresholds));
    }
    SAC_TRY(submit(slot, frame, submitted));

    FrameOutcome outcome;
    outcome.detections = active.model->read(index, outcome.candidates);
    SAC_ASSIGN(const std::vector<double> stamps, slot.stamps.read(2));
    if (stamps.size() == 2) outcome.gpu_us = static_cast<float>((stamps[1] - stamps[0]) * 1e-3);
    return outcome;
}

Status FrameRunner::record_planes(Slot &slot, const Frame &frame, uint32_t staging, ActiveModel &active,
                                  const DetectionThresholds &thresholds) {
    FrameSource source;
    source.layout = staging_layout(frame.layout);
    Key key;
    key.model = active.id;
    key.buffer_generation = staging_.generation(staging);
    key.kernel_generation = kernel_generation_;
    key.format = source.layout.format;
    key.color = source.layout.color;
    key.width = source.layout.width;
    key.height = source.layout.height;
    key.rotation = source.layout.rotation;
    key.mirror = source.layout.mirror;
    key.thresholds = thresholds;
    if (slot.recorded == key) return {};

    slot.recorded.reset();
    SAC_ASSIGN(const uint64_t bytes, source.layout.required_bytes());
    source.buffer = staging_.handle(staging);
    source.size = (bytes + 15) / 16 * 16;
    SAC_TRY(slot.commands.begin(false));
    SAC_TRY(record(slot, staging, source, active, thresholds));
    SAC_TRY(slot.commands.end());
    slot.recorded = key;
    return {};
}

Status FrameRunner::record_image(Slot &slot, const Frame &frame, VkImageView view, ActiveModel &active,
                                 const DetectionThresholds &thresholds) {
    FrameSource source;
    source.layout = frame.layout;
    source.image = view;
    source.image_layout = reading_layout(frame.image);
    source.image_srgb = frame.is_srgb();
    SAC_TRY(slot.commands.begin(true));
    acquire_image(runtime_.device, slot.commands.handle(), frame.image);
    SAC_TRY(record(slot, image_slot, source, active, thresholds));
    release_image(runtime_.device, slot.commands.handle(), frame.image);
    return slot.commands.end();
}

Status FrameRunner::record(Slot &slot, uint32_t index, const FrameSource &source, ActiveModel &active,
                           const DetectionThresholds &thresholds) {
    const VkCommandBuffer commands = slot.commands.handle();
    const vk::ScopedLabel label(runtime_.device, commands, "saccade frame");
    slot.stamps.reset(commands);
    slot.stamps.write(commands, 0);
    SAC_TRY(active.model->record(commands, index, source, thresholds));
    slot.stamps.write(commands, 1);
    return {};
}

Status FrameRunner::submit(const Slot &slot, const Frame &frame, bool &submitted) {
    const uint64_t value = timeline_->next();
    const Points points(frame.is_image ? &frame.image : nullptr, *timeline_, value);
    const VkCommandBuffer commands = slot.commands.handle();
    SAC_TRY(runtime_.device.submit({&commands, 1}, points.to_wait(), points.to_signal()));
    submitted = true;
    const Status waited = timeline_->wait(value);
    // The device may still be reading what the caller gives back next.
    if (!waited.ok()) (void)runtime_.device.wait_idle();
    return waited;
}

Status FrameRunner::pass_over(std::span<const sac_vk_image> images) {
    // One image that cannot be passed over must not keep the others from their host.
    Status first;
    const auto keep = [&](Status status) {
        if (first.ok() && !status.ok()) first = std::move(status);
    };
    uint64_t last = 0;
    for (const sac_vk_image &image : images) {
        if (!image.wait_semaphore && !image.signal_semaphore) continue;
        const uint64_t value = timeline_->next();
        const Points points(&image, *timeline_, value);
        Status passed = runtime_.device.submit({}, points.to_wait(), points.to_signal());
        if (passed.ok()) last = value;
        keep(std::move(passed));
    }
    if (last != 0) keep(timeline_->wait(last));
    return first;
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
