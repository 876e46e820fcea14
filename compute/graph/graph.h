#pragma once
// The graph of a network as it comes from the file and as the passes rewrite it.

#include <map>
#include <optional>
#include <string>
#include <variant>

#include "compute/base/result.h"
#include "compute/graph/activation.h"
#include "compute/graph/tensor.h"

namespace sac {

using ValueId = uint32_t;
inline constexpr ValueId no_value = UINT32_MAX;  ///< an optional input that is left out

/// A dimension as the file gives it: a number, or a name that is bound at load.
struct Dimension {
    int64_t value = -1;  ///< -1: not known
    std::string symbol;  ///< empty if it has no name
};

/// One tensor of the graph. Written by one node, or an input, or a constant.
struct Value {
    std::string name;
    DType dtype = DType::f32;
    std::vector<Dimension> declared;     ///< as in the file (graph inputs)
    Shape shape;                         ///< valid once `known`
    bool known = false;                  ///< shape inference has been here, and no pass has let go of the value since
    std::optional<HostTensor> constant;  ///< weights, and what folding found

    // Chosen by the layout pass:
    Layout layout = Layout::dense;
    DType storage = DType::f32;  ///< type in device memory: f32 or f16
};

struct Graph;
using Attribute = std::variant<int64_t, float, std::string, std::vector<int64_t>, std::vector<float>,
                               std::vector<std::string>, HostTensor, std::shared_ptr<Graph>>;

struct Node {
    std::string name;    ///< as in the file; made up ("Conv_12") where the file has none
    std::string type;    ///< ONNX operator, or one of ours in domain "saccade"
    std::string domain;  ///< "" is ai.onnx
    int opset = 0;       ///< version of the domain that the file imports
    std::vector<ValueId> inputs, outputs;
    std::map<std::string, Attribute, std::less<>> attributes;
    Epilogue epilogue;  ///< filled by fusion

    /// The attribute, or `fallback` if it is absent. A wrong kind counts as absent; infer functions that must know use
    /// find().
    int64_t int_or(std::string_view key, int64_t fallback) const;
    float float_or(std::string_view key, float fallback) const;
    std::string string_or(std::string_view key, std::string_view fallback) const;
    std::vector<int64_t> ints_or(std::string_view key, std::vector<int64_t> fallback) const;
    const Attribute *find(std::string_view key) const;
    /// "Conv 'stem/conv'": how errors name a node.
    std::string describe() const;
};

struct Graph {
    std::string source;  ///< file name, for errors
    std::vector<Value> values;
    std::vector<Node> nodes;  ///< in an order in which each comes after what it reads (import checks)
    std::vector<ValueId> inputs, outputs;
    /// Bytes that loading may still compute on the host (folding, scaled weights, packing): what a small file can ask
    /// for is limited. infer_shapes adds to it in proportion to the constants that the file itself brings.
    uint64_t host_budget = uint64_t{1} << 28;

    /// Takes bytes from the budget; false (and nothing taken) if that many are not left.
    bool spend(uint64_t bytes);

    ValueId add_value(std::string name);
    ValueId add_constant(std::string name, HostTensor tensor);
    /// Who writes each value (index into nodes; SIZE_MAX for none) / how many nodes and graph outputs read it.
    std::vector<size_t> producers() const;
    std::vector<uint32_t> use_counts() const;
    /// The one node that reads each value, and reads it once; SIZE_MAX for none, for several, and for graph outputs.
    std::vector<size_t> sole_readers() const;
    std::optional<ValueId> find_value(std::string_view name) const;
    /// A readable listing, one line a node, with shapes and layouts where they are known.
    std::string dump() const;
};

/// Gives the graph inputs their shapes: every dimension without a number takes the value of `bindings[symbol]`, or of
/// `bindings["input:axis"]` where it has no symbol; a leading dimension left open becomes 1. Error: an unbound or
/// non-positive dimension.
Status bind_dimensions(Graph &graph, const std::map<std::string, int64_t, std::less<>> &bindings);

}  // namespace sac
