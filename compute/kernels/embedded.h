#pragma once
// The kernels that were compiled into this binary. The table is made by shaders/CMakeLists.txt from the lines
// `#pragma kernel <name> [DEFINE[=value] ...] [needs=<capability>[,<capability>]]` of the shader files.

#include <cstddef>
#include <cstdint>
#include <span>

namespace sac {

/// One variant of one shader. All pointers are to static storage, valid as long as the library is loaded.
struct EmbeddedKernel {
    const char *name;       ///< unique over all shaders
    const char *source;     ///< path below shaders/, e.g. "ops/conv2d.comp"
    const char *defines;    ///< as written in the pragma, separated by single spaces: "STORAGE_F16 TILE=16", or ""
    const char *needs;      ///< capabilities, separated by commas: "float16,subgroup", or ""
    const uint32_t *words;  ///< SPIR-V 1.5
    size_t word_count;
};

/// Every kernel in the binary, in the order of paths and then of lines. Any thread.
std::span<const EmbeddedKernel> embedded_kernels();

}  // namespace sac
