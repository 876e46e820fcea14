#pragma once
// Another program's benchmark, run in turns with ours.

#include <string>

#include "compute/base/result.h"

namespace sac::cli {

/// ncnn's benchncnn (github.com/Tencent/ncnn), built elsewhere.
struct Ncnn {
    std::string program, models;  ///< the program; the folder of its .param files
    std::string device;           ///< number of the Vulkan device

    /// `models` empty: looked for where ncnn's own tree has it, seen from the program. Error not_found.
    static Result<Ncnn> find(const std::string &program, const std::string &models, const std::string &device);

    /// Milliseconds: the median of three runs of one description, after ten that warm up. Errors not_found (the
    /// description), io_error (the program fails or says nothing), unsupported (on Windows).
    Result<double> run(const std::string &description, int input_size) const;
};

}  // namespace sac::cli
