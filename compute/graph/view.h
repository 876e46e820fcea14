#pragma once
// Tensors that only show another's elements under a shape of their own, with one step for every axis: how a kernel can
// read them in place, where fusion follows operators that move nothing, or need not.

#include "compute/graph/rewrite.h"

namespace sac {

/// Which element of a tensor each element of another is: an offset, and a step for every axis (0: repeated).
struct StridedView {
    int64_t offset = 0;
    Shape sizes;
    std::vector<int64_t> strides;

    /// All of a dense tensor.
    static StridedView of(const Shape &shape);
};

/// The view under another shape, if it still has one step for every axis: axes of the old shape are joined only where
/// their elements follow one another evenly, then cut up anew.
std::optional<StridedView> reshape(const StridedView &view, const Shape &to);

/// The view repeated over leading axes and axes of size 1, as arithmetic broadcasts it; nothing if it cannot be.
std::optional<StridedView> broadcast(const StridedView &view, const Shape &to);

/// True for Reshape, Flatten, Squeeze and Unsqueeze.
bool keeps_elements(const Node &node);

/// What `view` becomes by `node`, which it is input 0 of, at `output`, one of the node's outputs. Nothing if the node
/// is none of those above, Transpose, Gather of one index, Slice forwards, Split or Expand.
std::optional<StridedView> view_after(const Graph &graph, const Node &node, ValueId output, const StridedView &view);

/// What `view`, the output of a Reshape or its like or of a Transpose, was as its input.
std::optional<StridedView> view_before(const Graph &graph, const Node &node, const StridedView &view);

}  // namespace sac
