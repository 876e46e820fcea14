#pragma once
// When the next slice of a frame may go, and how long it may take: see sac_budget.

#include <condition_variable>
#include <mutex>

#include "plugins/vision/host.h"

namespace sac::vision {

constexpr uint32_t usual_frame_us = 16'667;

/// The numbers of a sac_budget, defaults filled in.
struct Budget {
    uint32_t budget_us = 0;  ///< 0: there is none
    uint32_t least_us = 0, host_frame_us = usual_frame_us;
};

/// What a host frame may take: half of it after a frame that was late, and slowly back.
class Governor {
public:
    void set(const Budget &budget);
    /// A host frame took so long. True: it was late.
    bool host_frame(uint64_t frame_us);
    const Budget &budget() const { return budget_; }
    double granted_us() const { return granted_us_; }

private:
    Budget budget_;
    double granted_us_ = 0;
    uint32_t since_halved_ = 0;  ///< host frames
};

/// [thread] any, but wait_turn and finished, which are for the one that runs slices.
class Pacing {
public:
    void set(const Budget &budget);
    /// See saccade.h.
    void host_frame(uint32_t frame_us);
    sac_budget_state state() const;
    bool active() const;
    /// What a slice may take now; infinite without a budget.
    double granted_us() const;

    /// Waits until a slice may go, and says what it may take. Infinite, at once: no budget, or cancelled.
    double wait_turn();
    /// A slice is done.
    void finished(double took_us, double expected_us);
    /// From now on nobody waits.
    void cancel();

private:
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    Governor governor_;
    sac_budget_state state_ = {};
    uint64_t used_ = 0;  ///< host frames whose slice has gone, or will not come back
    uint64_t last_host_frame_ns_ = 0, last_turn_ns_ = 0;
    bool cancelled_ = false;
};

}  // namespace sac::vision
