#pragma once
// Writes ONNX files: for networks described in code (benchmarks, the demo's seeded network) and for tests.

#include <functional>
#include <string_view>
#include <utility>
#include <variant>

#include "compute/graph/graph.h"

namespace sac::onnx {

/// Builds one model in memory and writes it. Nothing is checked: tests write broken models on purpose.
///   ModelWriter model;
///   model.input("x", {1, 3, "height", "width"});
///   model.floats("w", {8, 3, 3, 3}, weights);
///   model.node("Conv", {"x", "w"}, {"y"}, {{"strides", std::vector<int64_t>{2, 2}}});
///   model.output("y");
///   model.save("model.onnx");
class ModelWriter {
public:
    /// A fixed size, or the name of a symbolic dimension.
    using Dim = std::variant<int64_t, int, const char *>;
    using Attributes = std::vector<std::pair<std::string, Attribute>>;

    explicit ModelWriter(int64_t opset = 13, int64_t ir_version = 8) : opset_(opset), ir_version_(ir_version) {}

    void input(const std::string &name, const std::vector<Dim> &dims, DType dtype = DType::f32);
    /// Without dims the output's shape is left to inference.
    void output(const std::string &name, const std::vector<Dim> &dims = {}, DType dtype = DType::f32);
    /// A constant, stored as raw data; shares the bytes' owner until the model is written.
    void constant(const std::string &name, const HostTensor &tensor);
    void floats(const std::string &name, Shape shape, std::span<const float> values);
    void int64s(const std::string &name, Shape shape, std::span<const int64_t> values);
    /// A constant whose data lies in another file (external data).
    void external(const std::string &name, DType dtype, const Shape &shape, const std::string &location, int64_t offset,
                  int64_t length);
    void node(const std::string &type, const std::vector<std::string> &inputs, const std::vector<std::string> &outputs,
              const Attributes &attributes = {}, const std::string &name = {}, const std::string &domain = {});
    /// Imports a further operator domain.
    void import_domain(const std::string &domain, int64_t version);

    /// The ModelProto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
    std::string bytes() const;
    /// Error io_error names the file.
    Status save(const std::string &path) const;

private:
    /// A field of GraphProto: what is encoded already, then the bytes of `data`, which are not copied before writing.
    struct Initializer {
        std::string head;
        HostTensor data;
    };
    /// Hands the file to `sink` piece by piece.
    void write(const std::function<void(std::string_view)> &sink) const;

    int64_t opset_, ir_version_;
    std::string nodes_, inputs_, outputs_, domains_;  // encoded fields of GraphProto / ModelProto
    std::vector<Initializer> initializers_;
};

/// TensorProto.DataType of a type.
int32_t onnx_type(DType type);

}  // namespace sac::onnx
