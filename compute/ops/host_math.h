#pragma once
// Operators evaluated on the host at plan time: shape arithmetic and constants. Any element type; integers are computed
// in 64 bits, f16 and bf16 in float. Errors name the argument; infer_shapes puts the node's name before them.

#include <optional>

#include "compute/base/result.h"
#include "compute/graph/tensor.h"

namespace sac::host {

/// NumPy's broadcasting of two shapes. Error invalid_file names both.
Result<Shape> broadcast(const Shape &a, const Shape &b);

/// `axis` counted from the front. Error invalid_file unless -rank <= axis < rank.
Result<int64_t> normalize_axis(int64_t axis, size_t rank);

enum class Binary {
    add,
    sub,
    mul,
    div,
    min,
    max,
    pow,
    mod,
    equal,
    less,
    greater,
    less_equal,
    greater_equal,
    logical_and,
    logical_or
};
/// Element by element with broadcasting; both of one type. Comparisons give booleans. Integer division truncates; by
/// zero it is an error.
Result<HostTensor> binary(Binary op, const HostTensor &a, const HostTensor &b);

enum class Unary { neg, abs, floor, ceil, round, sqrt, reciprocal, exp, log, logical_not };
Result<HostTensor> unary(Unary op, const HostTensor &x);

/// The same bytes under another shape of as many elements.
HostTensor reshape(const HostTensor &x, Shape shape);

/// The shape that Reshape's second input asks for: 0 copies a dimension (unless `allow_zero`), one -1 is worked out.
Result<Shape> reshaped(const Shape &from, std::span<const int64_t> to, bool allow_zero);

/// y[i...] = x[i permuted]: shape y[k] = x[perm[k]]. Error unless `perm` is a permutation of the axes.
Result<HostTensor> transpose(const HostTensor &x, std::span<const int64_t> perm);
/// True if `perm` is a permutation of 0 .. rank-1.
bool is_permutation(std::span<const int64_t> perm, size_t rank);

/// ONNX Gather; negative indices count from the end. Error on one out of range.
Result<HostTensor> gather(const HostTensor &x, const HostTensor &indices, int64_t axis);

Result<HostTensor> concat(std::span<const HostTensor *const> inputs, int64_t axis);

/// Where a Slice begins, how far it steps and how many it takes, for each axis of the shape.
struct SliceRange {
    int64_t start = 0, step = 1, count = 0;
};
/// ONNX Slice's arguments (empty axes: 0, 1, ...; empty steps: all 1) clamped to `shape`.
Result<std::vector<SliceRange>> slice_ranges(const Shape &shape, std::span<const int64_t> starts,
                                             std::span<const int64_t> ends, std::span<const int64_t> axes,
                                             std::span<const int64_t> steps);
HostTensor slice(const HostTensor &x, std::span<const SliceRange> ranges);

/// Broadcasts x to `shape` (x's shape must be broadcastable to exactly it).
Result<HostTensor> expand(const HostTensor &x, const Shape &shape);

HostTensor cast(const HostTensor &x, DType to);

/// ONNX Where with broadcasting; `condition` is boolean.
Result<HostTensor> where(const HostTensor &condition, const HostTensor &a, const HostTensor &b);

/// Elements of `values` stored as `type`.
HostTensor from_doubles(DType type, const Shape &shape, std::span<const double> values);
HostTensor from_integers(DType type, const Shape &shape, std::span<const int64_t> values);
std::vector<double> to_doubles(const HostTensor &x);

/// DType of an ONNX TensorProto.DataType number, or nothing for strings, complex and sub-byte types.
std::optional<DType> dtype_of_onnx(int64_t number);

}  // namespace sac::host
