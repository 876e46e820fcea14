#include "plugins/vision/frame_queue.h"

#include <algorithm>
#include <chrono>

#include "compute/base/format.h"
#include "plugins/vision/no_throw.h"

namespace sac::vision {
namespace {

struct Entered {
    explicit Entered(std::atomic_flag &f) : flag(f), alone(!f.test_and_set(std::memory_order_acquire)) {}
    ~Entered() {
        if (alone) flag.clear(std::memory_order_release);
    }
    Entered(const Entered &) = delete;
    Entered &operator=(const Entered &) = delete;
    std::atomic_flag &flag;
    const bool alone;
};

DetectionThresholds thresholds_of(const Card &card, const DetectOverrides &overrides) {
    DetectionThresholds thresholds = DetectionThresholds::of(card);
    if (overrides.score > 0) thresholds.score = overrides.score;
    if (overrides.nms_iou > 0) thresholds.nms_iou = overrides.nms_iou;
    if (overrides.max_detections > 0) thresholds.max_detections = overrides.max_detections;
    return thresholds;
}

}  // namespace

Result<std::unique_ptr<FrameQueue>> FrameQueue::create(const Parts &parts) {
    std::unique_ptr<FrameQueue> self(new FrameQueue(parts));
    SAC_ASSIGN(self->runner_, FrameRunner::create(parts.runtime, parts.runtime_mutex, parts.host, self->staging_));
    self->overtaken_.reserve(64);
    self->returning_.reserve(64);
    self->thread_ = std::thread([queue = self.get()] { queue->run(); });
    return self;
}

FrameQueue::~FrameQueue() {
    cancel();
    if (thread_.joinable()) thread_.join();
}

void FrameQueue::cancel() {
    if (runner_) runner_->cancel();
    const std::lock_guard lock(mutex_);
    stop_ = true;
    work_.notify_all();
    results_.notify_all();
}

Result<bool> FrameQueue::submit(const sac_frame *given) {
    const Entered entered(submitting_);
    if (!entered.alone)
        return Error(Code::invalid_state, "submit_frame is running on another thread: it is for one thread at a time");
    Pending next;
    SAC_TRY(read_frame(given, parts_.images, next.frame));
    SAC_TRY(parts_.health.status());
    SAC_ASSIGN(const bool usable, parts_.loader.usable());
    if (!usable) return false;
    {
        const std::lock_guard lock(mutex_);  // room for the image that this frame may overtake, as it must not be lost
        if (overtaken_.size() == overtaken_.capacity()) overtaken_.reserve(2 * overtaken_.size());
    }

    if (!next.frame.is_image && !next.frame.host.release) {
        const FrameLayout layout = staging_layout(next.frame.layout);
        SAC_ASSIGN(const uint64_t bytes, layout.required_bytes());
        SAC_ASSIGN(next.staging, staging_.take(bytes));
        if (next.staging == Staging::none)
            return Error(Code::internal, "no staging buffer is free, though one frame at most is pending");
        copy_planes(next.frame, layout, staging_.mapped(next.staging));
        next.released = true;
    }
    next.frame.submitted_ns = now_ns();

    std::optional<Pending> dropped;
    {
        const std::lock_guard lock(mutex_);
        if (stop_) {  // the frame thread may be gone: nobody would give the frame back
            staging_.give_back(next.staging);
            return Error(Code::cancelled, "the context is being destroyed");
        }
        next.tracking = tracking_;
        dropped = pending_;
        pending_ = next;
        ++counts_.submitted;
        if (dropped) {
            ++counts_.dropped_newer;
            if (dropped->frame.is_image) {
                overtaken_.push_back(*dropped);
                dropped.reset();
            }
        }
    }
    work_.notify_one();  // without the lock, which the frame thread would only run into
    if (dropped) finish(*dropped);
    return true;
}

// Gives back what is left to give back of a frame.
void FrameQueue::finish(Pending &pending) {
    staging_.give_back(std::exchange(pending.staging, Staging::none));
    if (!std::exchange(pending.released, true)) pending.frame.release();
}

// Images that were not used: the host waits for their semaphores.
void FrameQueue::hand_back(std::span<Pending> frames) {
    for (const Pending &pending : frames)
        if (pending.frame.is_image && !pending.submitted)
            note(no_throw([&] { return runner_->pass_over(pending.frame.image); }));
    note(no_throw([&] { return runner_->wait_passed_over(); }));
    for (Pending &pending : frames) finish(pending);
}

void FrameQueue::note(const Status &status) {
    if (status.ok()) return;
    parts_.health.report(status.error());
    parts_.host.write(LogLevel::error, status.error().message);
}

// What may find no memory is within no_throw: the thread goes on with the next frame.
void FrameQueue::run() {
    for (;;) {
        std::optional<Pending> next;
        bool stop = false;
        {
            std::unique_lock lock(mutex_);
            work_.wait(lock, [&] { return stop_ || pending_ || !overtaken_.empty(); });
            returning_.swap(overtaken_);
            next = std::exchange(pending_, std::nullopt);
            stop = stop_;
            if (stop && next) ++counts_.dropped_newer;
            busy_ = next && !stop;
        }
        hand_back(returning_);
        returning_.clear();
        if (next && !stop) work_on(*next);
        if (next && stop) hand_back({&*next, 1});
        if (stop) return;
    }
}

void FrameQueue::work_on(Pending &pending) {
    float gpu_us = 0, latency_us = 0;
    Status status = no_throw([&] { return process(pending, gpu_us, latency_us); });
    hand_back({&pending, 1});
    note(status);
    const std::lock_guard lock(mutex_);
    busy_ = false;
    if (status.ok()) {
        ++counts_.finished;
        counts_.gpu_us = gpu_us;
        counts_.latency_us = latency_us;
        last_failure_.reset();
    } else {
        ++counts_.dropped_failed;
        last_failure_ = std::move(status).error();
    }
    results_.notify_all();
}

Status FrameQueue::process(Pending &pending, float &gpu_us, float &latency_us) {
    SAC_TRY(parts_.health.status());
    const Frame &frame = pending.frame;
    if (frame.is_image) SAC_TRY(runner_->wait_for_host(frame.image));
    const std::shared_ptr<ActiveModel> active = parts_.loader.current();
    if (!active) return Error(Code::internal, "a frame was accepted without a model");
    if (!frame.is_image && pending.staging == Staging::none) {  // planes that the host lent us
        const FrameLayout layout = staging_layout(frame.layout);
        SAC_ASSIGN(const uint64_t bytes, layout.required_bytes());
        SAC_ASSIGN(pending.staging, staging_.take(bytes));
        if (pending.staging == Staging::none) return Error(Code::internal, "no staging buffer is free");
        copy_planes(frame, layout, staging_.mapped(pending.staging));
        if (!std::exchange(pending.released, true)) frame.release();
    }
    DetectOverrides overrides;
    SnapshotContent content;
    sac_snapshot &fields = content.fields;
    {
        const std::lock_guard lock(mutex_);
        overrides = overrides_;
    }
    DetectionThresholds thresholds = thresholds_of(active->model->card(), overrides);
    Tracking *const tracking = pending.tracking.get();
    if (tracking) {
        content.least_score = thresholds.score;
        const float weak = tracking->weak_score > 0 ? tracking->weak_score : thresholds.score / 2;
        thresholds.score = std::min(thresholds.score, weak);
    }
    SAC_ASSIGN(const FrameOutcome outcome,
               runner_->run(frame, pending.staging, *active, thresholds, pending.submitted));

    fields.frame_id = frame.host.frame_id;
    fields.timestamp_ns = frame.host.timestamp_ns;
    fields.cookie = frame.host.cookie;
    fields.submitted_ns = frame.submitted_ns;
    fields.finished_ns = now_ns();
    {
        const std::lock_guard lock(mutex_);
        fields.dropped_newer = counts_.dropped_newer;
        fields.dropped_failed = counts_.dropped_failed;
    }
    fields.width = frame.host.width;
    fields.height = frame.host.height;
    fields.model_id = active->id;
    fields.gpu_us = outcome.gpu_us;
    fields.candidate_count = outcome.candidates;
    content.detections = outcome.detections;
    content.labels = active->model->labels();
    if (tracking) {
        if (std::exchange(tracking->model_id, active->id) != active->id) tracking->tracker.clear();
        const TrackTime time = {fields.timestamp_ns, fields.submitted_ns, fields.width, fields.height};
        content.track_ids = tracking->tracker.update(content.detections, time, content.least_score);
    }
    gpu_us = outcome.gpu_us;
    latency_us = static_cast<float>(fields.finished_ns - fields.submitted_ns) * 1e-3f;
    return parts_.snapshots.publish(content);
}

void FrameQueue::set_overrides(const DetectOverrides &overrides) {
    const std::lock_guard lock(mutex_);
    overrides_ = overrides;
}

void FrameQueue::track(const TrackOptions &options, float weak_score) {
    auto begun = std::make_shared<Tracking>(Tracking{Tracker(options, last_track_id_), weak_score, 0});
    const std::lock_guard lock(mutex_);
    tracking_.swap(begun);
}

void FrameQueue::stop_tracking() {
    std::shared_ptr<Tracking> none;
    const std::lock_guard lock(mutex_);
    tracking_.swap(none);
}

Result<const sac_snapshot *> FrameQueue::wait(uint64_t after, uint32_t timeout_ms) {
    using clock = std::chrono::steady_clock;
    constexpr std::chrono::milliseconds slice(100);  // a device lost while loading wakes nobody here
    const auto deadline = clock::now() + std::chrono::milliseconds(timeout_ms);
    std::unique_lock lock(mutex_);
    for (;;) {
        const sac_snapshot *snapshot = parts_.snapshots.acquire(after);
        if (snapshot) return snapshot;
        if (stop_) return Error(Code::cancelled, "the context is being destroyed");
        SAC_TRY(parts_.health.status());
        if (!busy_ && !pending_ && last_failure_) return *last_failure_;
        const auto now = clock::now();
        if (now >= deadline) return snapshot;
        results_.wait_until(lock, std::min(deadline, now + slice));
    }
}

sac_statistics FrameQueue::statistics() const {
    sac_statistics statistics;
    {
        const std::lock_guard lock(mutex_);
        statistics = counts_;
    }
    statistics.newest_sequence = parts_.snapshots.newest_sequence();
    statistics.snapshots_held = parts_.snapshots.held();
    const auto active = parts_.loader.current();
    statistics.model_id = active ? active->id : 0;
    statistics.models_loading = parts_.loader.loading();
    return statistics;
}

}  // namespace sac::vision
