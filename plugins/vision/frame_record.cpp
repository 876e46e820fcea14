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
    return !warm_up_ && !more_slices_ && next_tag_ - first_tag_ < FrameRecorder::slots &&
           next_frame_ - first_frame_ < FrameRecorder::slots;
}

Result<HostCommands> FrameQueue::check_commands(const sac_vk_commands *given) const {
    SAC_ASSIGN(const HostCommands commands, read_commands(given, parts_.runtime.device));
    if (const uint32_t family = parts_.runtime.device.queue_family(); commands.queue_family != family)
        return Error(Code::invalid_argument, format("commands.queue_family is %u, that of the device's queue is %u",
                                                    commands.queue_family, family));
    SAC_TRY(parts_.health.status());
    return commands;
}

// Under the lock. From here on the frame thread does not end before these commands.
uint64_t FrameQueue::reserve(uint32_t work, const HostCommands &commands) {
    const uint64_t tag = next_tag_++;
    InFlight &next = slot_of(tag);
    next.done = commands.done;
    next.tag = tag;
    next.work = work;
    next.recorded = false;
    return tag;
}

// What may fail has been done: an error is a bug of ours.
Status FrameQueue::record_reserved(InFlight &next, const HostCommands &commands) {
    Work &work = work_of_frames_[next.work];
    ActiveModel &active = *work.settings.active;
    return no_throw([&] {
        return work.sliced ? recorder_->record_slice(next.work, commands.buffer, work.frame, active,
                                                     work.settings.thresholds, next.slice, next.tag, work.observed)
                           : recorder_->record(next.work, commands.buffer, work.frame, active, work.settings.thresholds,
                                               next.tag, work.observed);
    });
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
    SAC_ASSIGN(const HostCommands commands, check_commands(given_commands));
    SAC_ASSIGN(const bool usable, parts_.loader.usable());
    if (!usable) return false;
    SAC_ASSIGN(const bool may, may_record());
    if (!may) return false;
    frame.submitted_ns = now_ns();

    // What may fail comes first: after the first command there is no way back. The slot is this thread's until then.
    const uint32_t slot = work_of(next_frame_);
    std::shared_ptr<ActiveModel> active = parts_.loader.current();
    SAC_ASSIGN(const bool prepared, recorder_->prepare(slot, frame, *active));
    if (!prepared) {
        const std::lock_guard lock(mutex_);
        warm_up_ = WarmUp{std::move(active), recorder_->source(slot)};
        work_.notify_one();
        return false;
    }
    Work &work = work_of_frames_[slot];
    work.sliced = pacing_.active();
    if (work.sliced) SAC_TRY(recorder_->prepare_slice(*active, next_tag_));
    std::shared_ptr<Tracking> tracking;
    {
        const std::lock_guard lock(mutex_);
        tracking = tracking_;
        work.observed = !observing_;
    }
    if (work.observed) {  // nothing in flight uses what the inspector has
        parts_.inspector.follow(*active);
        work.observed = parts_.inspector.observes();
    }
    const bool profiled = work.observed && parts_.inspector.observation().stamps;
    work.timing = {};
    work.timing.index = parts_.inspector.log().begin();
    work.timing.frame_id = frame.host.frame_id;
    work.timing.submitted_ns = frame.submitted_ns;
    work.timing.started_ns = now_ns();
    work.timing.flags = uint32_t{SAC_FRAME_RECORDED} | (profiled ? uint32_t{SAC_FRAME_PROFILED} : 0);
    work.settings = settings(std::move(active), std::move(tracking), work.timing);
    work.frame = frame;
    work.slices = {};
    work.failure.reset();
    const double granted_ns = pacing_.granted_us() * 1e3;
    FrameSlice first;
    if (work.sliced) first = work.settings.active->model->slice(recorder_->source(slot), {}, granted_ns, profiled);
    work.recorded = first.end;
    uint64_t tag = 0;
    {
        const std::lock_guard lock(mutex_);
        if (stop_) return ending();
        tag = reserve(slot, commands);
        slot_of(tag).slice = first;
        ++next_frame_;
        observing_ = observing_ || work.observed;
    }
    Status recorded = record_reserved(slot_of(tag), commands);
    work.timing.queued_ns = work.slices.begun_ns = now_ns();
    const std::lock_guard lock(mutex_);
    work_.notify_one();
    if (!recorded.ok()) {
        next_tag_ = tag;
        --next_frame_;
        observing_ = observing_ && !work.observed;
        return std::move(recorded).error();
    }
    more_slices_ = work.sliced && work.recorded.part != FramePlace::Part::end;
    slot_of(tag).recorded = busy_ = true;
    ++counts_.submitted;
    return true;
}

Result<bool> FrameQueue::record_slice(const sac_vk_commands *given_commands) {
    if (!recorder_)
        return Error(Code::unsupported,
                     "record_slice is for SAC_MODE_HOST_COMMANDS: elsewhere slices go by themselves");
    const OneWriter writer(submitting_);
    if (!writer.alone())
        return Error(Code::invalid_state, "record_slice is running on another thread: it is for one thread at a time");
    SAC_ASSIGN(const HostCommands commands, check_commands(given_commands));
    const double granted_ns = pacing_.granted_us() * 1e3;
    uint64_t tag = 0;
    {
        const std::lock_guard lock(mutex_);
        if (stop_) return ending();
        if (!more_slices_ || next_tag_ - first_tag_ >= FrameRecorder::slots) return false;
        // The frame's model and settings stay until none of its commands is in flight and no slices are left.
        const uint32_t index = work_of(next_frame_ - 1);
        Work &work = work_of_frames_[index];
        Model &model = *work.settings.active->model;
        SAC_TRY(recorder_->prepare_slice(*work.settings.active, next_tag_));
        tag = reserve(index, commands);
        const bool profiled = (work.timing.flags & uint32_t{SAC_FRAME_PROFILED}) != 0;
        slot_of(tag).slice = model.slice(recorder_->source(index), work.recorded, granted_ns, profiled);
        work.recorded = slot_of(tag).slice.end;
    }
    InFlight &next = slot_of(tag);
    Status recorded = record_reserved(next, commands);
    const std::lock_guard lock(mutex_);
    work_.notify_one();
    Work &work = work_of_frames_[next.work];
    more_slices_ = more_slices_ && recorded.ok() && work.recorded.part != FramePlace::Part::end;
    if (!recorded.ok()) {
        next_tag_ = tag;
        work.failure = recorded.error();
        return std::move(recorded).error();
    }
    next.recorded = true;
    return true;
}

// Under the lock: nothing more will come of the oldest frame.
bool FrameQueue::oldest_is_over() {
    if (first_frame_ == next_frame_) return false;
    if (more_slices_ && first_frame_ + 1 == next_frame_) return false;
    return first_tag_ == next_tag_ || slot_of(first_tag_).work != work_of(first_frame_);
}

// The frames are waited for a while at a time, as there may be a kind to prepare for meanwhile.
void FrameQueue::run_recorded() {
    give_way_when_woken();
    for (;;) {
        InFlight *oldest = nullptr;
        std::optional<WarmUp> warm_up;
        bool over = false;
        {
            std::unique_lock lock(mutex_);
            work_.wait(lock, [&] {
                InFlight &first = slot_of(first_tag_);
                oldest = first_tag_ < next_tag_ && first.recorded ? &first : nullptr;
                if (stop_ && more_slices_) {
                    more_slices_ = false;
                    work_of_frames_[work_of(next_frame_ - 1)].failure = ending();
                }
                over = oldest_is_over();
                return oldest || over || (warm_up_ && !stop_) || (stop_ && first_frame_ == next_frame_);
            });
            if (!stop_) warm_up = warm_up_;
        }
        if (!oldest && !warm_up && !over) return;
        if (over) {
            finish_oldest();
            continue;
        }
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

// Commands are over. A frame of which a slice was not executed has failed, and no more of it is recorded.
void FrameQueue::finish(InFlight &commands, Status status) {
    Work &work = work_of_frames_[commands.work];
    if (status.ok()) {
        work.timing.done_ns = now_ns();
        status = recorder_->executed(commands.tag);
    }
    if (status.ok() && work.sliced)
        status = no_throw([&]() -> Status {
            SAC_ASSIGN(const SliceTimes times, recorder_->learn(commands.work, *work.settings.active, commands.slice,
                                                                commands.tag, work.observed));
            add_slice(times, work.slices, work.timing);
            pacing_.finished(times.total * 1e-3, commands.slice.expected_ns * 1e-3);
            return {};
        });
    const std::lock_guard lock(mutex_);
    if (!status.ok()) {
        if (commands.work == work_of(next_frame_ - 1)) more_slices_ = false;
        if (!work.failure) work.failure = std::move(status).error();
    }
    ++first_tag_;
}

void FrameQueue::finish_oldest() {
    const uint32_t slot = work_of(first_frame_);
    Work &work = work_of_frames_[slot];
    Status status;
    if (work.failure) {
        status = std::move(*work.failure);
        work.failure.reset();
    } else {
        status = no_throw([&]() -> Status {
            SAC_ASSIGN(FrameOutcome outcome,
                       recorder_->read(slot, *work.settings.active, work.observed, work.sliced, work.timing));
            outcome.slices = work.slices;
            return publish(work.frame, work.settings, outcome, work.observed, work.timing);
        });
    }
    if (!status.ok()) {
        work.timing.sequence = 0;
        work.timing.result = static_cast<sac_result>(status.error().code);
        parts_.inspector.log().put(work.timing);
    }
    recorder_->clear(slot);
    work.settings = {};  // a model that was replaced may go with it
    work.frame.release();
    note(status);
    const std::lock_guard lock(mutex_);
    observing_ = observing_ && !work.observed;
    busy_ = ++first_frame_ < next_frame_;
    account(std::move(status), work.timing, true);
}

}  // namespace sac::vision
