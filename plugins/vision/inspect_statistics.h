#pragma once
// Numbers about the elements of a tensor.

#include "compute/session_layers.h"
#include "plugins/vision/saccade_debug.h"

namespace sac::vision {

/// Fills the fields of `statistics` that are about elements (see saccade_debug.h), and the histogram's bins if it is
/// not null: one that was checked by check_histogram. Mean and deviation are summed in double. [thread] any.
void compute_statistics(const Layer &layer, const std::byte *storage, const sac_histogram *histogram,
                        sac_tensor_statistics &statistics);

/// Errors name the field.
Status check_histogram(const sac_histogram &histogram);

}  // namespace sac::vision
