#pragma once
// Copies of boxes between tensors: what concat, slice, split, pad, transpose, expand and gather are made of.

#include "compute/ops/op_common.h"

namespace sac {

/// A tensor as it lies in memory: dense as it is, C4 as N x spatial... x channels padded to four.
struct MemoryView {
    Shape shape;                   ///< in memory order; the last axis is the fastest
    std::vector<int64_t> strides;  ///< elements, by axis of `shape`
    std::vector<size_t> axis_of;   ///< where the tensor's axis i is in `shape`
};
MemoryView view_of(const Shape &shape, Layout layout);
inline MemoryView view_of(const Value &value) { return view_of(value.shape, value.layout); }

/// Uploads a constant in that layout, whatever layout the value has.
StorageId upload_constant(PlanContext &ctx, const Value &value, Layout layout);

/// Input i in that layout: as it is, or, if it is a constant, uploaded so.
StorageId input_as(PlanContext &ctx, size_t i, Layout layout);

/// destination[begin + i] = source[offset + sum of i stride] for i within `size`, over the axes of `shape`. The rest of
/// the destination stays as it is, or becomes `fill`.
struct BoxCopy {
    StorageId source = 0, destination = 0;
    Shape shape;  ///< of the destination
    std::vector<int64_t> begin, size, stride;
    int64_t offset = 0;
    std::optional<float> fill;
};

/// Appends the dispatch (none if nothing is copied or filled). Error unsupported: more than six axes that cannot be
/// merged.
Status dispatch_copy(PlanContext &ctx, BoxCopy copy);

/// C4 to C4: destination[:, destination_begin + j] = source[:, source_begin + j step] for j < count. Rows are pixels.
struct ChannelCopy {
    StorageId source = 0, destination = 0;
    int64_t rows = 0;
    int64_t source_channels = 0, destination_channels = 0;  ///< of the whole tensors
    int64_t source_begin = 0, step = 1, destination_begin = 0, count = 0;
};

/// Appends the dispatch. Several into one destination must come in the order of their places: the first of a texel
/// clears it.
void dispatch_channels(PlanContext &ctx, const ChannelCopy &copy);

/// Pixels of all images: N x spatial.
inline int64_t rows_of(const Shape &shape) { return shape[0] * product(shape, 2, shape.size()); }

}  // namespace sac
