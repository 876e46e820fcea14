#pragma once
#include "compute/onnx/model_writer.h"

namespace sac::test {
using OnnxModel = onnx::ModelWriter;
}
