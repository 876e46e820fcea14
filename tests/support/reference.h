#pragma once
// Whole networks in double precision by plain loops over ONNX's definitions: what sessions are compared with. Shares
// nothing with compute but the imported graph; computes every shape itself.

#include <map>
#include <string>
#include <vector>

#include "compute/graph/graph.h"

namespace sac::test {

struct ReferenceTensor {
    Shape shape;
    std::vector<double> data;
};

using ReferenceTensors = std::map<std::string, ReferenceTensor>;

/// Evaluates a graph as import gives it (inputs by name) and returns its outputs by name. Integer tensors travel as
/// doubles too (exact up to 2^53). Error unsupported: an operator the reference does not have.
Result<ReferenceTensors> evaluate_reference(const Graph &graph, const ReferenceTensors &inputs);

}  // namespace sac::test
