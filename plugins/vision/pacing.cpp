#include "plugins/vision/pacing.h"

#include <algorithm>
#include <chrono>
#include <limits>

namespace sac::vision {
namespace {

constexpr double late = 1.25;  // times what a host frame should take
constexpr uint64_t pause_us = 1'000'000;
constexpr uint32_t hold_frames = 3;  // those that were under way when the grant was halved say nothing about it
constexpr double give_back = 0.01;   // of the budget, for each frame in time
constexpr uint64_t silent_frames = 4;

constexpr double everything = std::numeric_limits<double>::infinity();

}  // namespace

void Governor::set(const Budget &budget) {
    budget_ = budget;
    granted_us_ = budget.budget_us;
    since_halved_ = hold_frames;
}

bool Governor::host_frame(uint64_t frame_us) {
    if (frame_us > pause_us) return false;
    const bool missed = static_cast<double>(frame_us) > late * budget_.host_frame_us;
    ++since_halved_;
    if (!missed) {
        granted_us_ = std::min<double>(granted_us_ + give_back * budget_.budget_us, budget_.budget_us);
    } else if (since_halved_ >= hold_frames) {
        granted_us_ = std::max<double>(granted_us_ / 2, budget_.least_us);
        since_halved_ = 0;
    }
    return missed;
}

void Pacing::set(const Budget &budget) {
    const std::lock_guard lock(mutex_);
    governor_.set(budget);
    changed_.notify_all();
}

void Pacing::host_frame(uint32_t frame_us) {
    const std::lock_guard lock(mutex_);
    const uint64_t now = now_ns(), since = last_host_frame_ns_ ? (now - last_host_frame_ns_) / 1000 : 0;
    last_host_frame_ns_ = now;
    ++state_.host_frames;
    if (governor_.budget().budget_us && governor_.host_frame(frame_us ? frame_us : since)) ++state_.missed;
    changed_.notify_all();
}

sac_budget_state Pacing::state() const {
    const std::lock_guard lock(mutex_);
    sac_budget_state state = state_;
    const Budget &budget = governor_.budget();
    state.budget_us = budget.budget_us;
    state.least_us = budget.least_us;
    state.host_frame_us = budget.host_frame_us;
    state.granted_us = static_cast<uint32_t>(governor_.granted_us());
    return state;
}

bool Pacing::active() const {
    const std::lock_guard lock(mutex_);
    return governor_.budget().budget_us > 0;
}

double Pacing::granted_us() const {
    const std::lock_guard lock(mutex_);
    return governor_.budget().budget_us ? governor_.granted_us() : everything;
}

double Pacing::wait_turn() {
    std::unique_lock lock(mutex_);
    for (;;) {
        const Budget &budget = governor_.budget();
        if (cancelled_ || !budget.budget_us) return everything;
        const uint64_t now = now_ns(), frame_ns = uint64_t{budget.host_frame_us} * 1000;
        const uint64_t silent = last_host_frame_ns_ + silent_frames * frame_ns, clock = last_turn_ns_ + frame_ns;
        // The host's frames, or where there are none, our own clock.
        const uint64_t due = last_host_frame_ns_ ? std::max(silent, clock) : clock;
        if (used_ < state_.host_frames || now >= due) {
            used_ = state_.host_frames;
            last_turn_ns_ = now;
            return governor_.granted_us();
        }
        changed_.wait_for(lock, std::chrono::nanoseconds(due - now));
    }
}

void Pacing::finished(double took_us, double expected_us) {
    const std::lock_guard lock(mutex_);
    ++state_.slices;
    state_.slice_us = static_cast<float>(took_us);
    state_.expected_us = static_cast<float>(expected_us);
}

void Pacing::cancel() {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
    changed_.notify_all();
}

}  // namespace sac::vision
