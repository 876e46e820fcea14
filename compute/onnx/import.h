#pragma once
// ONNX file -> Graph (https://github.com/onnx/onnx/blob/main/docs/IR.md), by protozero over a memory-mapped file; the
// weights are not copied.

#include <span>

#include "compute/graph/graph.h"

namespace sac::onnx {

/// Reads a model. Initializers point into the mapped file, which the graph keeps alive. External data must lie inside
/// the model's folder (after resolving links). Errors name the file and what is wrong where: missing, empty, truncated,
/// damaged, cyclic, or not ONNX.
Result<Graph> import_file(const std::string &path);

/// The same from memory that `owner` keeps alive. `name` stands for the file in errors; external data is refused.
Result<Graph> import_memory(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                            const std::string &name);

}  // namespace sac::onnx
