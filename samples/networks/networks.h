#pragma once
// Known architectures written as ONNX files with seeded random weights: for benchmarks and tests, and for a demo on a
// machine that has no trained weights. Their answers mean nothing.

#include <span>
#include <string>

#include "compute/base/result.h"

namespace sac {

/// "fastestdet", "squeezenet", "mobilenet_v2", "resnet18". One float input "image" [1, 3, height, width], one
/// "output": FastestDet [1, 85, 22, 22], the others [1, 1000].
std::span<const char *const> network_names();

/// Height and width of a network's input, 0 for an unknown name.
int network_input_size(const std::string &name);

/// The model's bytes. The same name and seed give the same bytes on every machine. Error not_found lists the names.
Result<std::string> network_bytes(const std::string &name, uint64_t seed);

/// Writes the model to a file.
Status write_network(const std::string &name, uint64_t seed, const std::string &path);

}  // namespace sac
