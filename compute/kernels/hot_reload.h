#pragma once
// Recompiles shaders while the program runs. Only in builds with SACCADE_HOT_RELOAD; elsewhere create() gives null.

#include <memory>
#include <string>
#include <vector>

#include "compute/base/log.h"
#include "compute/base/result.h"
#include "compute/kernels/embedded.h"

namespace sac {

/// Watches the shader folder: $SACCADE_SHADER_DIR, else the source tree this was built from. [thread] one at a time.
class HotReload {
public:
    virtual ~HotReload() = default;

    /// Source paths below the folder (as in EmbeddedKernel::source) that must be recompiled, because they or a file
    /// they include changed since the last call (since creation, at the first).
    virtual std::vector<std::string> changed_sources() = 0;

    /// The kernel's variant, compiled from the folder as it is now. Error invalid_file with the compiler's message,
    /// which names the file and the line.
    virtual Result<std::vector<uint32_t>> compile(const EmbeddedKernel &kernel) = 0;

    /// Null where hot reload is not built in or the folder does not exist.
    static std::unique_ptr<HotReload> create(const Log &log);
};

}  // namespace sac
