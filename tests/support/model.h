#pragma once
// Models written in memory, and read back as a file would be.

#include <doctest/doctest.h>

#include "compute/onnx/import.h"
#include "compute/onnx/model_writer.h"

namespace sac::test {

/// The graph that import makes of a model's bytes, which errors call `name`. Fails the test case if it makes none.
inline Graph import_model(std::string bytes, const std::string &name = "memory.onnx") {
    auto owner = std::make_shared<const std::string>(std::move(bytes));
    auto graph = onnx::import_memory(std::as_bytes(std::span(*owner)), owner, name);
    REQUIRE_MESSAGE(graph.ok(), graph.error().message);
    return std::move(*graph);
}
inline Graph import_model(const onnx::ModelWriter &model) { return import_model(model.bytes()); }

}  // namespace sac::test
