#pragma once
// Plans by each candidate of a network's first choice, on a device with smaller limits.

#include <string>
#include <vector>

#include "compute/onnx/model_writer.h"

namespace sac::test {

/// Plans `model` on the shared device with views of at most `views` texels and storages of at most `range` bytes, by
/// each candidate in turn; checks that every tensor that is read through a view fits in one. The candidates' names.
std::vector<std::string> plan_every_candidate(const onnx::ModelWriter &model, uint32_t views, uint32_t range);

}  // namespace sac::test
