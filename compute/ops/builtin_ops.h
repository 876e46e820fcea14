#pragma once
// All operators of the project. Adding one: its three files and a line in builtin_ops.cpp.

#include "compute/graph/operator.h"

namespace sac {

/// The operator for an ONNX type, or null. The newest definition whose [since, until] holds `opset`.
const Operator *find_builtin_operator(std::string_view domain, std::string_view type, int opset);

/// All of them, for listings and tests.
std::span<const Operator *const> builtin_operators();

}  // namespace sac
