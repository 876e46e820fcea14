#pragma once
// The table of saccade_overlay.h.

#include "plugins/vision/saccade_overlay.h"

namespace sac::vision {

const sac_overlay_api *overlay_api();

}  // namespace sac::vision
