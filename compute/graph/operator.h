#pragma once
// What an operator is: one definition in one file of compute/ops, listed in builtin_ops.cpp.

#include "compute/graph/plan.h"

namespace sac {

/// What infer_shapes gives an operator: its node, and its inputs' types, shapes and (where known) values.
class InferContext {
public:
    InferContext(Graph &graph, const Node &node) : graph_(graph), node_(node) {}
    const Node &node() const { return node_; }
    size_t input_count() const { return node_.inputs.size(); }
    bool has_input(size_t i) const { return i < node_.inputs.size() && node_.inputs[i] != no_value; }
    /// An input that is left out reads as an unknown value of rank 0: those an operator must have are its `min_inputs`.
    const Value &input(size_t i) const;
    const Shape &shape(size_t i) const { return input(i).shape; }
    /// The integers of a constant input. Error: unsupported, if its value is not known at plan time.
    Result<std::vector<int64_t>> int_values(size_t i) const;
    Result<std::vector<float>> float_values(size_t i) const;
    void set_output(size_t i, DType dtype, Shape shape);
    /// Gives an output its value at once: for operators whose result follows from the inputs' shapes alone (Shape,
    /// Size).
    void set_constant(size_t i, HostTensor value);
    /// Takes bytes for set_constant from the graph's budget; false if that many are not left.
    bool spend(uint64_t bytes) { return graph_.spend(bytes); }
    /// Error invalid_file with the node's name before the text.
    Error error(std::string text) const;
    Error unsupported(std::string text) const;

private:
    Graph &graph_;
    const Node &node_;
};

/// Which layouts a node's tensors must have. The layout pass puts in conversions where they differ.
struct LayoutChoice {
    std::vector<Layout> inputs;  ///< device inputs; constants are not converted (the operator packs them itself)
    Layout output = Layout::dense;
};

/// What plan gives an operator: kernels to choose from, storages of its tensors, and where dispatches go.
class PlanContext {
public:
    PlanContext(Plan &plan, size_t node_index, const vk::Caps &caps, const KernelTable &kernels, const Tuning &tuning)
        : plan_(plan), node_index_(node_index), caps_(caps), kernels_(kernels), tuning_(tuning) {}

    const Node &node() const { return plan_.graph.nodes[node_index_]; }
    bool has_input(size_t i) const { return i < node().inputs.size() && node().inputs[i] != no_value; }
    const Value &input(size_t i) const { return plan_.graph.values[node().inputs[i]]; }
    const Value &output(size_t i = 0) const { return plan_.graph.values[node().outputs[i]]; }
    /// The residual of a fused epilogue: the last input.
    const Value &residual() const { return input(node().inputs.size() - 1); }
    StorageId input_storage(size_t i);
    StorageId output_storage(size_t i = 0);
    /// Where a kernel writes the rows of a C4 output: its own storage, or, where a C4 Concat of channels is all that
    /// reads it and it begins at a whole texel there, the Concat's. Asking settles it.
    struct Place {
        StorageId storage = 0;
        int64_t stride = 0, offset = 0;  ///< texels: of a row, and where the output's channels begin in it
    };
    Place output_place(size_t i = 0);
    /// True if input i of this Concat lies in its output already.
    bool input_is_placed(size_t i) const { return plan_.placed[node().inputs[i]]; }
    StorageId residual_storage() { return input_storage(node().inputs.size() - 1); }
    bool half() const { return output().storage == DType::f16; }  ///< f16 storage asked for

    const vk::Caps &caps() const { return caps_; }
    /// True if the variant exists, the device has what it needs, and (texel variants) every one of `storages` fits in
    /// maxTexelBufferElements.
    bool available(std::string_view kernel, std::initializer_list<StorageId> storages = {}) const;

    /// Plans one of `candidates`, of which there must be one: the measured winner of `problem` if it is among them,
    /// else that of the least cost.
    Status choose(std::string problem, std::span<const KernelCandidate> candidates);

    /// A storage of weights: the `count` numbers that `pack` gives when the plan is materialised, as `type`, by default
    /// the node's storage type (f32 or f16); padded to whole texels with zeros. `pack` owns what it reads.
    StorageId upload(std::string name, int64_t count, std::function<std::vector<float>()> pack,
                     std::optional<DType> type = std::nullopt);
    /// The same for weights that are too large to be packed at once: `pieces` of `size` numbers, the last one of what
    /// is left of `count`; `pack` gives one of them.
    StorageId upload(std::string name, int64_t count, int64_t size,
                     const std::function<std::vector<float>(int64_t piece)> &pack, DType type);
    /// Scratch memory of the node, as `type`, by default the node's storage type.
    StorageId temporary(std::string name, int64_t elements, std::optional<DType> type = std::nullopt);
    /// The output shares the input's memory (same layout and storage type): reshape, squeeze, identity.
    void alias_output(size_t output, size_t input);

    /// Appends a dispatch; a group count in x beyond the device's limit is split into several by group_base.
    void dispatch(Dispatch dispatch);
    Error error(std::string text) const;
    Error unsupported(std::string text) const;

private:
    StorageId storage_of(ValueId value);
    Plan &plan_;
    size_t node_index_;
    const vk::Caps &caps_;
    const KernelTable &kernels_;
    const Tuning &tuning_;
    std::vector<StorageId> shared_;  ///< concatenations of which output_place gave a part
};

/// An operator: functions, no state.
struct Operator {
    const char *type;         ///< ONNX name
    const char *domain = "";  ///< "" is ai.onnx, "saccade" ours
    int since = 1;            ///< lowest opset understood
    int until = 1 << 20;      ///< highest opset understood
    size_t min_inputs = 1;    ///< inputs that may not be left out; infer_shapes checks them before infer is called

    /// Sets every output's type and shape; checks attributes, ranks and sizes.
    Status (*infer)(InferContext &) = nullptr;

    /// Computes outputs on the host from constant inputs (all inputs are HostTensors; a left-out one is empty). Null:
    /// not folded. May decline by an empty list.
    Result<std::vector<HostTensor>> (*evaluate)(const Node &, std::span<const HostTensor *const> inputs) = nullptr;

    /// Wanted layouts, given those the inputs have now. Null: all dense.
    LayoutChoice (*layouts)(const Graph &, const Node &) = nullptr;

    /// Appends dispatches. Null: the operator is only ever folded, and plan reports it as unsupported otherwise.
    Status (*plan)(PlanContext &) = nullptr;
};

/// Defines an operator that builtin_ops.cpp lists by this name, in namespace sac::ops (a plain const would stay in its
/// file):
///   SAC_OPERATOR(conv2d) = {.type = "Conv", .infer = infer, .layouts = layouts, .plan = plan};
#define SAC_OPERATOR(name)      \
    extern const Operator name; \
    const Operator name

/// Finds the definition for a type, domain and opset, or null.
using OperatorLookup = const Operator *(*)(std::string_view domain, std::string_view type, int opset);

}  // namespace sac
