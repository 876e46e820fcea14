// Mode C: frames that go through the device in the host's own commands. The host's thread records them, the frame
// thread waits for them in the same order.

#include <thread>

#include "compute/base/background.h"
#include "compute/base/format.h"
#include "plugins/vision/frame_queue.h"
#include "plugins/vision/no_throw.h"
#include "plugins/vision/one_writer.h"

namespace sac::vision {
namespace {

Status check_semaphores(const Frame &frame) {
    if (!frame.is_image) return {};
    const bool waits = frame.image.wait_semaphore != 0;
    if (!waits && !frame.image.signal_semaphore) return {};
    return Error(Code::invalid_argument,
                 format("frame.image.%s is set: in SAC_MODE_HOST_COMMANDS the host's own submission waits and signals",
                        waits ? "wait_semaphore" : "signal_semaphore"));
}

Error ending() { return Error(Code::cancelled, "the context is being destroyed"); }

}  // namespace

Result<bool> FrameQueue::may_record() {
    const std::lock_guard lock(mutex_);
    if (stop_) return ending();
    if (warm_up_error_) {
        Error error = std::move(*warm_up_error_);
        warm_up_error_.reset();
        return error;
    }
    return !warm_up_ && next_tag_ - first_tag_ < FrameRecorder::slots;
}

Result<bool> FrameQueue::record(const sac_frame *given, const sac_vk_commands *given_commands) {
    if (!recorder_)
        return Error(Code::unsupported,
                     "record_frame is for SAC_MODE_HOST_COMMANDS: this context's frames go through submit_frame");
    const OneWriter writer(submitting_);
    if (!writer.alone())
        return Error(Code::invalid_state, "record_frame is running on another thread: it is for one thread at a time");
    Frame frame;
    SAC_TRY(read_frame(given, parts_.images, frame));
    SAC_TRY(check_semaphores(frame));
    SAC_ASSIGN(const HostCommands commands, read_commands(given_commands, parts_.runtime.device));
    if (const uint32_t family = parts_.runtime.device.queue_family(); commands.queue_family != family)
        return Error(Code::invalid_argument, format("commands.queue_family is %u, that of the device's queue is %u",
                                                    commands.queue_family, family));
    SAC_TRY(parts_.health.status());
    SAC_ASSIGN(const bool usable, parts_.loader.usable());
    if (!usable) return false;
    SAC_ASSIGN(const bool may, may_record());
    if (!may) return false;
    frame.submitted_ns = now_ns();

    // What may fail comes first: after the first command there is no way back. The slot is this thread's until then.
    const uint64_t tag = next_tag_;
    const auto slot = static_cast<uint32_t>(tag % FrameRecorder::slots);
    std::shared_ptr<ActiveModel> active = parts_.loader.current();
    SAC_ASSIGN(const bool prepared, recorder_->prepare(slot, frame, *active));
    if (!prepared) {
        const std::lock_guard lock(mutex_);
        warm_up_ = WarmUp{std::move(active), recorder_->source(slot)};
        work_.notify_one();
        return false;
    }
    InFlight &next = in_flight_[slot];
    std::shared_ptr<Tracking> tracking;
    {
        const std::lock_guard lock(mutex_);
        tracking = tracking_;
        next.observed = !observing_;
    }
    if (next.observed) {  // nothing in flight uses what the inspector has
        parts_.inspector.follow(*active);
        next.observed = parts_.inspector.observes();
    }
    next.timing = {};
    next.timing.index = parts_.inspector.log().begin();
    next.timing.frame_id = frame.host.frame_id;
    next.timing.submitted_ns = frame.submitted_ns;
    next.timing.started_ns = now_ns();
    next.timing.flags = uint32_t{SAC_FRAME_RECORDED};
    if (next.observed && parts_.inspector.observation().stamps) next.timing.flags |= uint32_t{SAC_FRAME_PROFILED};
    next.settings = settings(std::move(active), std::move(tracking), next.timing);
    next.frame = frame;
    next.done = commands.done;
    next.tag = tag;
    next.recorded = false;
    {
        const std::lock_guard lock(mutex_);
        if (stop_) return ending();
        ++next_tag_;  // from here on the frame thread does not end before this frame
        observing_ = observing_ || next.observed;
    }
    Status recorded = no_throw([&] {
        return recorder_->record(slot, commands.buffer, frame, *next.settings.active, next.settings.thresholds, tag,
                                 next.observed);
    });
    next.timing.queued_ns = now_ns();
    const std::lock_guard lock(mutex_);
    work_.notify_one();
    if (!recorded.ok()) {  // a bug of ours
        next_tag_ = tag;
        observing_ = observing_ && !next.observed;
        return std::move(recorded).error();
    }
    next.recorded = busy_ = true;
    ++counts_.submitted;
    return true;
}

// The frames are waited for a while at a time, as there may be a kind to prepare for meanwhile.
void FrameQueue::run_recorded() {
    give_way_when_woken();
    for (;;) {
        InFlight *oldest = nullptr;
        std::optional<WarmUp> warm_up;
        {
            std::unique_lock lock(mutex_);
            work_.wait(lock, [&] {
                InFlight &first = slot_of(first_tag_);
                oldest = first_tag_ < next_tag_ && first.recorded ? &first : nullptr;
                return oldest || (warm_up_ && !stop_) || (stop_ && first_tag_ == next_tag_);
            });
            if (!stop_) warm_up = warm_up_;
        }
        if (!oldest && !warm_up) return;
        if (warm_up) {
            Status warm = no_throw([&] { return recorder_->warm_up(*warm_up->active, warm_up->source); });
            note(warm);
            const std::lock_guard lock(mutex_);
            warm_up_.reset();
            if (!warm.ok()) warm_up_error_ = std::move(warm).error();
        }
        if (!oldest) continue;
        Result<bool> reached =
            no_throw([&] { return host_wait_.wait_a_while(oldest->done, "commands.done_semaphore"); });
        if (reached.ok() && *reached) {
            finish(*oldest, {});
        } else if (!reached.ok()) {
            const Code code = reached.error().code;
            if (code == Code::cancelled || code == Code::device_lost)
                finish(*oldest, std::move(reached).error());
            else  // the device may still be at it
                std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
    }
}

void FrameQueue::finish(InFlight &frame, Status status) {
    const auto slot = static_cast<uint32_t>(frame.tag % FrameRecorder::slots);
    sac_frame_timing timing = frame.timing;
    if (status.ok()) {
        timing.done_ns = now_ns();
        status = no_throw([&]() -> Status {
            SAC_ASSIGN(const FrameOutcome outcome,
                       recorder_->read(slot, *frame.settings.active, frame.tag, frame.observed, timing));
            return publish(frame.frame, frame.settings, outcome, frame.observed, timing);
        });
    }
    if (!status.ok()) {
        timing.sequence = 0;
        timing.result = static_cast<sac_result>(status.error().code);
        parts_.inspector.log().put(timing);
    }
    recorder_->clear(slot);
    frame.settings = {};  // a model that was replaced may go with it
    frame.frame.release();
    note(status);
    const std::lock_guard lock(mutex_);
    observing_ = observing_ && !frame.observed;
    busy_ = ++first_tag_ < next_tag_;
    account(std::move(status), timing, true);
}

}  // namespace sac::vision
