#pragma once
// NumPy's .npy files of 32-bit floats (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html).

#include <cstdint>
#include <string>
#include <vector>

#include "compute/base/result.h"

namespace sac::cli {

struct NpyArray {
    std::vector<int64_t> shape;
    std::vector<float> values;  ///< row-major
};

/// Error names the file: not_found, invalid_file (damaged, truncated) or unsupported (another type, Fortran order).
Result<NpyArray> read_npy(const std::string &path);
Status write_npy(const std::string &path, const NpyArray &array);

}  // namespace sac::cli
