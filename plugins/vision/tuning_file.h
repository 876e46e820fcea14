#pragma once
// The winners of a device's measurements on disk: tuning-<key>.json beside the pipeline cache, pipelines-<key>.bin. The
// key is of device, driver, profile and kernels.

#include "compute/session.h"

namespace sac::vision {

/// Problem to candidate (compute/graph/choice.h). Several programs may read and write one file at once. [thread] any.
class TuningFile {
public:
    explicit TuningFile(const Runtime &runtime) : TuningFile(runtime.kernels->cache().path()) {}
    /// By the pipeline cache's path; empty: nothing is kept.
    explicit TuningFile(const std::string &pipelines);

    const std::string &path() const { return path_; }  ///< empty: nothing is kept

    /// Nothing if there is no file; nothing and one line in the log if it is damaged or belongs to other kernels,
    /// another device or driver.
    Tuning read(const Log &log) const;
    /// Puts `winners` in place of what the file says of their problems; the rest stays. Without any it shows whether
    /// the file can be written. Readers see the old file or the new one. Error io_error names the file.
    Status merge(const Tuning &winners, const Log &log) const;

private:
    std::string path_;
    std::string key_;
};

}  // namespace sac::vision
