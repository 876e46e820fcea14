#pragma once
// Numbers that turn YUV into RGB, for the CPU and as push constants of shaders/overlay/picture.frag.

#include <array>

#include "engine/io/frame.h"

namespace sac::engine {

struct YuvConversion {
    std::array<float, 4> to_rgb;  ///< red from V, green from U, green from V, blue from U
    std::array<float, 4> range;   ///< offset and scale of luma, then of chroma, for values in 0 .. 1
};

YuvConversion yuv_conversion(YuvMatrix matrix, bool full_range);

}  // namespace sac::engine
