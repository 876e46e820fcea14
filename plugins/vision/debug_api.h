#pragma once
#include "plugins/vision/saccade_debug.h"

namespace sac::vision {

/// The table of "sac.debug/1".
const sac_debug_api *debug_api();

}  // namespace sac::vision
