#pragma once
// Channels of a C4 tensor spread over blocks of pixels: pixel shuffles, and the end of transposed convolutions.

#include <array>

#include "compute/ops/op_common.h"

namespace sac::ops {

/// destination[n, p block + phase, c] = source[n, p, c channel_step + phase phase_step], over depth, height and width;
/// the phase counts along the width first.
struct DepthToSpace {
    StorageId source = 0;
    PlanContext::Place destination;
    int64_t batch = 1, channels = 1;  ///< channels of the destination
    int64_t source_channels = 1;      ///< of a source pixel
    int64_t channel_step = 1, phase_step = 1;
    std::array<int64_t, 3> in = {1, 1, 1}, out = {1, 1, 1};  ///< out may end within a block
    std::array<int64_t, 3> block = {1, 1, 1};
};

/// Appends the dispatch. With `epilogue` also act(... + residual) as the node asks for: then channel_step is 1 and
/// phase_step a multiple of four.
void dispatch_depth_to_space(PlanContext &ctx, const DepthToSpace &shuffle, bool epilogue = false);

}  // namespace sac::ops
