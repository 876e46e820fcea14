#pragma once
// The running model, described.

#include "plugins/vision/loader.h"
#include "plugins/vision/saccade_debug.h"

namespace sac::vision {

// [thread] any. Error not_found: the index is beyond the last.

sac_running_info running_info(const ActiveModel &active);
Result<sac_running_dispatch> running_dispatch(const ActiveModel &active, uint32_t index);
Result<sac_layer_info> layer_info(const ActiveModel &active, uint32_t index);

}  // namespace sac::vision
