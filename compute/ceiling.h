#pragma once
// How fast the device is at best with the kernels there are: what a report compares kernels with.

#include "compute/session.h"

namespace sac {

struct Ceiling {
    double gflops = 0;  ///< multiply-adds count twice: a convolution of the matrix core
    double gbytes = 0;  ///< read and written: an element-wise kernel over tensors that fit none
};

/// Measures both, with tensors and weights of `storage`, in a second or two: with more and more work until a run takes
/// a millisecond or two, or its tensors a quarter of the device's memory or 1 GiB. Not while the device does other
/// work.
Result<Ceiling> measure_ceiling(Runtime &runtime, DType storage);

}  // namespace sac
