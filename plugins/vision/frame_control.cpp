// What tools change while frames go through: classes that are wanted; frames held, stepped and run again.

#include "plugins/vision/frame_queue.h"

namespace sac::vision {

void FrameQueue::set_class_filter(ClassFilter classes) {
    const std::lock_guard lock(mutex_);
    overrides_.classes.swap(classes);
}

DetectOverrides FrameQueue::overrides() const {
    const std::lock_guard lock(mutex_);
    return overrides_;
}

std::span<const Detection> FrameQueue::wanted(std::span<const Detection> found, const ClassFilter &classes,
                                              uint32_t most) {
    if (!classes) return found;
    wanted_.clear();
    for (const Detection &detection : found) {
        const size_t word = detection.class_id / 32;
        if (wanted_.size() == most) break;
        if (word < classes->size() && ((*classes)[word] >> detection.class_id % 32 & 1)) wanted_.push_back(detection);
    }
    return wanted_;
}

Status FrameQueue::set_run_mode(uint32_t mode) {
    if (recorder_ && mode != SAC_RUN_LIVE)
        return Error(Code::unsupported,
                     "frames cannot be held in SAC_MODE_HOST_COMMANDS: what would run them again is the host's");
    const std::lock_guard lock(mutex_);
    run_.mode = mode;
    if (mode == SAC_RUN_LIVE) run_.steps_due = 0;
    return {};
}

Status FrameQueue::step() {
    const std::lock_guard lock(mutex_);
    if (run_.mode == SAC_RUN_LIVE)
        return Error(Code::invalid_state, "frames go through as they come: call set_run_mode before step_frame");
    ++run_.steps_due;
    return {};
}

Status FrameQueue::replay() {
    const std::lock_guard lock(mutex_);
    if (!held_) return Error(Code::invalid_state, "no frame is held that could be run again");
    ++run_.replays_due;
    work_.notify_one();
    return {};
}

sac_run_state FrameQueue::run_state() const {
    const std::lock_guard lock(mutex_);
    sac_run_state state = run_;
    state.is_held = held_.has_value();
    state.held_frame_id = held_ ? held_->frame.host.frame_id : 0;
    return state;
}

// Under the lock. A replay comes before what is pending, or it might never come.
FrameQueue::Turn FrameQueue::choose() {
    if (stop_) return pending_ ? Turn::drop : Turn::none;
    if (held_ && run_.replays_due > 0) {
        --run_.replays_due;
        ++run_.replayed;
        return Turn::replay;
    }
    if (!pending_) return Turn::none;
    if (run_.mode == SAC_RUN_LIVE) return Turn::run;
    if (run_.steps_due > 0) {
        --run_.steps_due;
        ++run_.stepped;
        return Turn::run;
    }
    if (!held_ && !pending_->frame.is_image) return Turn::run;  // it is the one that will be held
    if (held_ && run_.mode == SAC_RUN_FROZEN) ++run_.replays_due;
    return Turn::drop;
}

// Keeps a frame's staging buffer in the place of the one that was kept before it, as long as that is asked for.
void FrameQueue::hold(Pending &pending) {
    std::optional<Pending> before;
    {
        const std::lock_guard lock(mutex_);
        const bool asked = run_.mode != SAC_RUN_LIVE || parts_.inspector.holds();
        before = std::exchange(held_, std::nullopt);
        if (asked && pending.staging != Staging::none) {
            held_ = pending;
            held_->released = true;
            pending.staging = Staging::none;
        }
        if (!held_) run_.replays_due = 0;
    }
    if (before) staging_.give_back(before->staging);
}

void FrameQueue::work_on_held() {
    Pending again = *held_;
    again.frame.submitted_ns = now_ns();
    {
        const std::lock_guard lock(mutex_);
        again.tracking = tracking_;
    }
    work_on(again, true);
}

}  // namespace sac::vision
