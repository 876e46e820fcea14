#pragma once
// The named phases between a file and a running network, in their order:
//   import (onnx/) -> infer_shapes -> fold -> fuse -> assign_layouts -> choose_kernels -> plan_memory -> record
//   (session)
// Each is one function with one test, and each result can be dumped.

#include "compute/graph/operator.h"

namespace sac {

/// How a graph input or output lies in device memory. Default: dense f32, as a host writes it.
struct IoFormat {
    Layout layout = Layout::dense;
    DType storage = DType::f32;
};
using IoFormats = std::map<std::string, IoFormat, std::less<>>;

/// Types and shapes of every value; operators with `evaluate` and known inputs also get their values (shape
/// arithmetic). Error: unsupported names an unknown operator, its domain, opset and node; invalid_file an impossible
/// shape.
Status infer_shapes(Graph &graph, OperatorLookup lookup);

/// Removes nodes whose outputs are known, identities and dropouts, and values that nobody reads.
void fold(Graph &graph);

/// Conv + BatchNormalization, Conv/Gemm + bias Add, + activation, + residual Add; standalone Pad into Conv; the
/// ShuffleNet channel shuffle (Reshape-Transpose-Reshape-Gather) into saccade.ChannelGather; x * sigmoid(x), hard-swish
/// spellings.
void fuse(Graph &graph);

/// Chooses each value's layout and storage type, and inserts saccade.ToC4 / saccade.ToDense where they differ.
/// `storage`: f32 or f16 for activations and weights.
Status assign_layouts(Graph &graph, OperatorLookup lookup, DType storage, const IoFormats &formats);

/// Calls every node's plan: kernels, dispatches, uploads. `tuning` is what was measured on the device before.
Result<Plan> choose_kernels(Graph graph, OperatorLookup lookup, const vk::Caps &caps, const KernelTable &kernels,
                            const Tuning &tuning = {});

/// Places storages in buffers (activations share an arena by liveness) and sets barriers. Offsets obey the device's
/// storage and texel buffer alignments. Error out_of_memory or unsupported where a limit cannot be kept.
Status plan_memory(Plan &plan, const vk::Caps &caps);

/// Sets Plan::barrier_before: before a dispatch that meets an earlier one's write, or writes what an earlier one reads,
/// with no barrier between.
void place_barriers(Plan &plan);

}  // namespace sac
