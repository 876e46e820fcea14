#pragma once
// The running model, described.

#include "plugins/vision/loader.h"
#include "plugins/vision/saccade_debug.h"

namespace sac::vision {

// [thread] any. Error not_found: the index is beyond the last.

sac_running_info running_info(const ActiveModel &active);
Result<sac_running_dispatch> running_dispatch(const ActiveModel &active, uint32_t index);
Result<sac_layer_info> layer_info(const ActiveModel &active, uint32_t index);

/// Bytes of a plan's inputs and outputs, and of its weights.
struct PlanBytes {
    uint64_t io = 0, weights = 0;
};
PlanBytes bytes_of(const Plan &plan);

}  // namespace sac::vision
