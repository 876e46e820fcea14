#include "plugins/vision/frame_queue.h"

#include <algorithm>
#include <chrono>

#include "compute/base/background.h"
#include "compute/base/format.h"
#include "plugins/vision/no_throw.h"
#include "plugins/vision/one_writer.h"

namespace sac::vision {

DetectionThresholds thresholds_of(const Card &card, const DetectOverrides &overrides) {
    DetectionThresholds thresholds = DetectionThresholds::of(card);
    if (overrides.score > 0) thresholds.score = overrides.score;
    if (overrides.nms_iou > 0) thresholds.nms_iou = overrides.nms_iou;
    if (overrides.max_detections > 0) thresholds.max_detections = overrides.max_detections;
    return thresholds;
}

Result<std::unique_ptr<FrameQueue>> FrameQueue::create(const Parts &parts) {
    std::unique_ptr<FrameQueue> self(new FrameQueue(parts));
    if (parts.host_commands) {
        SAC_ASSIGN(self->recorder_, FrameRecorder::create(parts.runtime, parts.runtime_mutex, parts.inspector));
    } else {
        SAC_ASSIGN(self->runner_, FrameRunner::create(parts.runtime, parts.runtime_mutex, parts.host, self->host_wait_,
                                                      self->staging_, parts.inspector, self->pacing_));
    }
    self->overtaken_.reserve(64);
    self->returning_.reserve(64);
    self->wanted_.reserve(max_detections_limit);
    self->thread_ = std::thread([queue = self.get()] { queue->recorder_ ? queue->run_recorded() : queue->run(); });
    return self;
}

FrameQueue::~FrameQueue() {
    cancel();
    if (thread_.joinable()) thread_.join();
}

void FrameQueue::cancel() {
    host_wait_.cancel();
    pacing_.cancel();
    const std::lock_guard lock(mutex_);
    stop_ = true;
    work_.notify_all();
    results_.notify_all();
}

Result<bool> FrameQueue::submit(const sac_frame *given) {
    if (recorder_)
        return Error(Code::unsupported,
                     "submit_frame: the context is in SAC_MODE_HOST_COMMANDS, its frames go through record_frame");
    const OneWriter writer(submitting_);
    if (!writer.alone())
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
    give_way_when_woken();
    for (;;) {
        std::optional<Pending> next;
        Turn turn = Turn::none;
        bool stop = false;
        {
            std::unique_lock lock(mutex_);
            const auto replay_due = [&] { return held_ && run_.replays_due > 0; };
            work_.wait(lock, [&] { return stop_ || pending_ || !overtaken_.empty() || replay_due(); });
            returning_.swap(overtaken_);
            turn = choose();
            if (turn == Turn::run || turn == Turn::drop) next = std::exchange(pending_, std::nullopt);
            if (turn == Turn::drop) ++counts_.dropped_newer;
            busy_ = turn == Turn::run || turn == Turn::replay;
            stop = stop_;
        }
        hand_back(returning_);
        returning_.clear();
        if (turn == Turn::run) work_on(*next, false);
        if (turn == Turn::replay) work_on_held();
        if (turn == Turn::drop) hand_back({&*next, 1});
        if (stop) return;
    }
}

void FrameQueue::work_on(Pending &pending, bool replayed) {
    sac_frame_timing timing = {};
    timing.index = parts_.inspector.log().begin();
    timing.frame_id = pending.frame.host.frame_id;
    timing.submitted_ns = pending.frame.submitted_ns;
    timing.started_ns = now_ns();
    timing.flags = replayed ? uint32_t{SAC_FRAME_REPLAYED} : 0;
    Status status = no_throw([&] { return process(pending, timing); });
    if (!status.ok()) {
        timing.sequence = 0;
        timing.result = static_cast<sac_result>(status.error().code);
        parts_.inspector.log().put(timing);
    }
    if (!replayed) {
        if (status.ok()) hold(pending);
        hand_back({&pending, 1});
    }
    note(status);
    const std::lock_guard lock(mutex_);
    busy_ = false;
    account(std::move(status), timing, !replayed);
}

void FrameQueue::account(Status status, const sac_frame_timing &timing, bool counted) {
    if (counted) ++(status.ok() ? counts_.finished : counts_.dropped_failed);
    if (status.ok()) {
        counts_.gpu_us = timing.gpu_us;
        counts_.latency_us = static_cast<float>(timing.finished_ns - timing.submitted_ns) * 1e-3f;
        last_failure_.reset();
    } else {
        last_failure_ = std::move(status).error();
    }
    results_.notify_all();
}

Status FrameQueue::process(Pending &pending, sac_frame_timing &timing) {
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
    const Settings settings = this->settings(active, pending.tracking, timing);
    SAC_ASSIGN(const FrameOutcome outcome,
               runner_->run(frame, pending.staging, *active, settings.thresholds, pending.submitted, timing));
    return publish(frame, settings, outcome, true, timing);
}

FrameQueue::Settings FrameQueue::settings(std::shared_ptr<ActiveModel> active, std::shared_ptr<Tracking> tracking,
                                          sac_frame_timing &timing) const {
    const DetectOverrides overrides = this->overrides();
    Settings settings;
    DetectionThresholds &thresholds = settings.thresholds;
    thresholds = thresholds_of(active->model->card(), overrides);
    timing.model_id = active->id;
    timing.score_threshold = thresholds.score;
    timing.iou_threshold = thresholds.nms_iou;
    timing.max_detections = thresholds.max_detections;
    if (tracking) {
        settings.least_score = thresholds.score;
        const float weak = tracking->weak_score > 0 ? tracking->weak_score : thresholds.score / 2;
        thresholds.score = std::min(thresholds.score, weak);
    }
    if (overrides.classes) {
        timing.flags |= uint32_t{SAC_FRAME_FILTERED};
        thresholds.max_detections = max_detections_limit;  // before those of other classes are taken out
    }
    settings.active = std::move(active);
    settings.tracking = std::move(tracking);
    settings.classes = overrides.classes;
    return settings;
}

Status FrameQueue::publish(const Frame &frame, const Settings &settings, const FrameOutcome &outcome, bool observed,
                           sac_frame_timing &timing) {
    SnapshotContent content;
    content.detections = wanted(outcome.detections, settings.classes, timing.max_detections);
    content.least_score = settings.least_score;
    sac_snapshot &fields = content.fields;
    fields.frame_id = frame.host.frame_id;
    fields.timestamp_ns = frame.host.timestamp_ns;
    fields.cookie = frame.host.cookie;
    fields.submitted_ns = frame.submitted_ns;
    fields.finished_ns = timing.finished_ns = now_ns();
    {
        const std::lock_guard lock(mutex_);
        fields.dropped_newer = counts_.dropped_newer;
        fields.dropped_failed = counts_.dropped_failed;
    }
    fields.width = frame.host.width;
    fields.height = frame.host.height;
    fields.model_id = settings.active->id;
    fields.gpu_us = timing.gpu_us;
    fields.candidate_count = timing.candidate_count = outcome.candidates;
    content.slices = outcome.slices;
    content.labels = settings.active->model->labels();
    if (Tracking *const tracking = settings.tracking.get()) {
        if (std::exchange(tracking->model_id, fields.model_id) != fields.model_id) tracking->tracker.clear();
        const TrackTime time = {fields.timestamp_ns, fields.submitted_ns, fields.width, fields.height};
        content.track_ids = tracking->tracker.update(content.detections, time, content.least_score);
    }
    timing.detection_count = static_cast<uint32_t>(
        std::count_if(content.detections.begin(), content.detections.end(),
                      [&](const Detection &found) { return found.score >= content.least_score; }));
    timing.sequence = parts_.snapshots.newest_sequence() + 1;
    if (!observed) {
        parts_.inspector.log().put(timing);
        return parts_.snapshots.publish(content);
    }
    parts_.inspector.announce(timing);
    Status published = parts_.snapshots.publish(content);
    if (!published.ok()) parts_.inspector.take_back();
    return published;
}

void FrameQueue::set_overrides(const DetectOverrides &overrides) {
    const std::lock_guard lock(mutex_);
    overrides_.score = overrides.score;
    overrides_.nms_iou = overrides.nms_iou;
    overrides_.max_detections = overrides.max_detections;
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
