#include "compute/ops/host_math.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

#include "compute/base/half.h"

namespace sac::host {

namespace {

Error mismatch(std::string text) { return Error(Code::invalid_file, std::move(text)); }

/// Row-major strides in elements; 0 where `shape`, aligned at the right, is broadcast to `to`.
std::vector<int64_t> broadcast_strides(const Shape &shape, const Shape &to) {
    std::vector<int64_t> strides(to.size(), 0);
    int64_t step = 1;
    for (size_t i = 0; i < shape.size() && i < to.size(); ++i) {
        const size_t from = shape.size() - 1 - i;
        strides[to.size() - 1 - i] = shape[from] == 1 ? 0 : step;
        step *= shape[from];
    }
    return strides;
}

/// Calls visit(k) for each element of `shape` in order, where k is the offset that `strides` give it from `start`.
template <class Visit>
void walk(const Shape &shape, std::span<const int64_t> strides, int64_t start, Visit visit) {
    const int64_t count = element_count(shape);
    std::vector<int64_t> index(shape.size(), 0);
    int64_t offset = start;
    for (int64_t i = 0; i < count; ++i) {
        visit(offset);
        for (size_t axis = shape.size(); axis-- > 0;) {
            offset += strides[axis];
            if (++index[axis] < shape[axis]) break;
            offset -= strides[axis] * shape[axis];
            index[axis] = 0;
        }
    }
}

/// A tensor of `shape` made of the elements of x that walk() visits.
HostTensor pick(const HostTensor &x, Shape shape, std::span<const int64_t> strides, int64_t start) {
    const size_t size = size_of(x.dtype);
    std::vector<std::byte> bytes(static_cast<size_t>(element_count(shape)) * size);
    std::byte *out = bytes.data();
    walk(shape, strides, start, [&](int64_t offset) {
        std::memcpy(out, x.bytes + static_cast<size_t>(offset) * size, size);
        out += size;
    });
    return HostTensor::copy_of(x.dtype, std::move(shape), bytes.data());
}

std::vector<int64_t> strides_of(const Shape &shape) {
    std::vector<int64_t> strides(shape.size());
    int64_t step = 1;
    for (size_t i = shape.size(); i-- > 0;) {
        strides[i] = step;
        step *= shape[i];
    }
    return strides;
}

// Integer arithmetic wraps, as two's complement hardware does.
int64_t wrap(uint64_t value) { return static_cast<int64_t>(value); }

int64_t power(int64_t base, int64_t exponent) {
    if (exponent < 0) return base == 1 ? 1 : base == -1 ? (exponent % 2 ? -1 : 1) : 0;
    uint64_t result = 1, factor = static_cast<uint64_t>(base);
    for (; exponent; exponent >>= 1, factor *= factor)
        if (exponent & 1) result *= factor;
    return wrap(result);
}

int64_t apply(Binary op, int64_t a, int64_t b) {
    const auto ua = static_cast<uint64_t>(a), ub = static_cast<uint64_t>(b);
    switch (op) {
        case Binary::add: return wrap(ua + ub);
        case Binary::sub: return wrap(ua - ub);
        case Binary::mul: return wrap(ua * ub);
        case Binary::div: return b == -1 ? wrap(0 - ua) : a / b;
        case Binary::mod: {
            if (b == -1) return 0;
            const int64_t rest = a % b;  // ONNX: the sign of the divisor
            return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
        }
        case Binary::min: return std::min(a, b);
        case Binary::max: return std::max(a, b);
        case Binary::pow: return power(a, b);
        case Binary::equal: return a == b;
        case Binary::less: return a < b;
        case Binary::greater: return a > b;
        case Binary::less_equal: return a <= b;
        case Binary::greater_equal: return a >= b;
        case Binary::logical_and: return a && b;
        case Binary::logical_or: return a || b;
    }
    return 0;
}

double apply(Binary op, double a, double b) {
    switch (op) {
        case Binary::add: return a + b;
        case Binary::sub: return a - b;
        case Binary::mul: return a * b;
        case Binary::div: return a / b;
        case Binary::mod: return std::fmod(a, b);
        case Binary::min: return a != a || a < b ? a : b;
        case Binary::max: return a != a || a > b ? a : b;
        case Binary::pow: return std::pow(a, b);
        case Binary::equal: return a == b;
        case Binary::less: return a < b;
        case Binary::greater: return a > b;
        case Binary::less_equal: return a <= b;
        case Binary::greater_equal: return a >= b;
        case Binary::logical_and: return a != 0 && b != 0;
        case Binary::logical_or: return a != 0 || b != 0;
    }
    return 0;
}

bool is_predicate(Binary op) {
    return op == Binary::equal || op == Binary::less || op == Binary::greater || op == Binary::less_equal ||
           op == Binary::greater_equal || op == Binary::logical_and || op == Binary::logical_or;
}

double apply(Unary op, double x) {
    switch (op) {
        case Unary::neg: return -x;
        case Unary::abs: return std::fabs(x);
        case Unary::floor: return std::floor(x);
        case Unary::ceil: return std::ceil(x);
        case Unary::round: return std::nearbyint(x);  // ties to even in the default rounding mode
        case Unary::sqrt: return std::sqrt(x);
        case Unary::reciprocal: return 1 / x;
        case Unary::exp: return std::exp(x);
        case Unary::log: return std::log(x);
        case Unary::logical_not: return x == 0;
    }
    return x;
}

uint16_t to_bfloat16(float value) {
    const uint32_t bits = std::bit_cast<uint32_t>(value);
    if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<uint16_t>((bits >> 16) | 0x40u);
    return static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

template <class To, class From>
HostTensor store(DType type, const Shape &shape, std::span<const From> values) {
    std::vector<To> out(values.size());
    for (size_t i = 0; i < values.size(); ++i) {
        if constexpr (std::is_integral_v<To> && std::is_floating_point_v<From>) {
            const double v = values[i];  // out of range is undefined in C++: saturate, NaN is 0
            constexpr double low = static_cast<double>(std::numeric_limits<To>::min());
            constexpr double high = static_cast<double>(std::numeric_limits<To>::max());
            out[i] = v != v      ? To{0}
                     : v <= low  ? std::numeric_limits<To>::min()
                     : v >= high ? std::numeric_limits<To>::max()
                                 : static_cast<To>(v);
        } else {
            out[i] = static_cast<To>(values[i]);
        }
    }
    return HostTensor::copy_of(type, shape, out.data());
}

template <class From>
HostTensor store_as(DType type, const Shape &shape, std::span<const From> values) {
    switch (type) {
        case DType::f32: return store<float>(type, shape, values);
        case DType::f64: return store<double>(type, shape, values);
        case DType::i8: return store<int8_t>(type, shape, values);
        case DType::u8: return store<uint8_t>(type, shape, values);
        case DType::i16: return store<int16_t>(type, shape, values);
        case DType::u16: return store<uint16_t>(type, shape, values);
        case DType::i32: return store<int32_t>(type, shape, values);
        case DType::u32: return store<uint32_t>(type, shape, values);
        case DType::i64: return store<int64_t>(type, shape, values);
        case DType::u64: return store<uint64_t>(type, shape, values);
        case DType::boolean: {
            std::vector<uint8_t> out(values.size());
            for (size_t i = 0; i < values.size(); ++i) out[i] = values[i] != From{0};
            return HostTensor::copy_of(type, shape, out.data());
        }
        case DType::f16:
        case DType::bf16: {
            std::vector<uint16_t> out(values.size());
            for (size_t i = 0; i < values.size(); ++i) {
                const float v = static_cast<float>(values[i]);
                out[i] = type == DType::f16 ? float_to_half(v) : to_bfloat16(v);
            }
            return HostTensor::copy_of(type, shape, out.data());
        }
    }
    return {};
}

}  // namespace

HostTensor from_doubles(DType type, const Shape &shape, std::span<const double> values) {
    return store_as(type, shape, values);
}
HostTensor from_integers(DType type, const Shape &shape, std::span<const int64_t> values) {
    return store_as(type, shape, values);
}

std::vector<double> to_doubles(const HostTensor &x) {
    if (x.dtype == DType::f64) {
        const auto values = x.as<double>();
        return {values.begin(), values.end()};
    }
    if (is_float(x.dtype)) {
        const auto values = x.to_floats();
        return {values.begin(), values.end()};
    }
    std::vector<double> out;
    for (const int64_t v : x.to_int64s()) out.push_back(static_cast<double>(v));
    return out;
}

Result<Shape> broadcast(const Shape &a, const Shape &b) {
    Shape out(std::max(a.size(), b.size()));
    for (size_t i = 0; i < out.size(); ++i) {
        const int64_t x = i < a.size() ? a[a.size() - 1 - i] : 1, y = i < b.size() ? b[b.size() - 1 - i] : 1;
        if (x != y && x != 1 && y != 1)
            return mismatch("the shapes " + to_string(a) + " and " + to_string(b) + " do not broadcast");
        out[out.size() - 1 - i] = x == 1 ? y : x;
    }
    return out;
}

Result<int64_t> normalize_axis(int64_t axis, size_t rank) {
    const auto n = static_cast<int64_t>(rank);
    if (axis < -n || axis >= n)
        return mismatch("axis " + std::to_string(axis) + " is outside a tensor of rank " + std::to_string(rank));
    return axis < 0 ? axis + n : axis;
}

Result<HostTensor> binary(Binary op, const HostTensor &a, const HostTensor &b) {
    if (a.dtype != b.dtype)
        return mismatch(std::string("the inputs' types differ: ") + name_of(a.dtype) + " and " + name_of(b.dtype));
    SAC_ASSIGN(const Shape shape, broadcast(a.shape, b.shape));
    const auto as = broadcast_strides(a.shape, shape), bs = broadcast_strides(b.shape, shape);
    std::vector<int64_t> at, bt;
    walk(shape, as, 0, [&](int64_t i) { at.push_back(i); });
    walk(shape, bs, 0, [&](int64_t i) { bt.push_back(i); });
    const DType type = is_predicate(op) ? DType::boolean : a.dtype;
    if (is_float(a.dtype)) {
        const auto x = to_doubles(a), y = to_doubles(b);
        std::vector<double> out(at.size());
        for (size_t i = 0; i < out.size(); ++i)
            out[i] = apply(op, x[static_cast<size_t>(at[i])], y[static_cast<size_t>(bt[i])]);
        return from_doubles(type, shape, out);
    }
    const auto x = a.to_int64s(), y = b.to_int64s();
    std::vector<int64_t> out(at.size());
    for (size_t i = 0; i < out.size(); ++i) {
        const int64_t divisor = y[static_cast<size_t>(bt[i])];
        if (divisor == 0 && (op == Binary::div || op == Binary::mod)) return mismatch("integer division by zero");
        out[i] = apply(op, x[static_cast<size_t>(at[i])], divisor);
    }
    return from_integers(type, shape, out);
}

Result<HostTensor> unary(Unary op, const HostTensor &x) {
    if (!is_float(x.dtype)) {
        auto values = x.to_int64s();
        for (int64_t &v : values) {
            switch (op) {
                case Unary::neg: v = wrap(0 - static_cast<uint64_t>(v)); break;
                case Unary::abs: v = v < 0 ? wrap(0 - static_cast<uint64_t>(v)) : v; break;
                case Unary::logical_not: v = v == 0; break;
                case Unary::floor:
                case Unary::ceil:
                case Unary::round: break;
                default: return mismatch(std::string("not defined for ") + name_of(x.dtype));
            }
        }
        return from_integers(x.dtype, x.shape, values);
    }
    auto values = to_doubles(x);
    for (double &v : values) v = apply(op, v);
    return from_doubles(x.dtype, x.shape, values);
}

HostTensor reshape(const HostTensor &x, Shape shape) {
    HostTensor out = x;
    out.shape = std::move(shape);
    return out;
}

Result<Shape> reshaped(const Shape &from, std::span<const int64_t> to, bool allow_zero) {
    Shape out(to.begin(), to.end());
    size_t open = SIZE_MAX;
    for (size_t i = 0; i < out.size(); ++i) {
        if (out[i] == 0 && !allow_zero) {
            if (i >= from.size()) return mismatch("the new shape copies a dimension that is not there");
            out[i] = from[i];
        } else if (out[i] == -1) {
            if (open != SIZE_MAX) return mismatch("the new shape leaves two dimensions open");
            open = i;
        } else if (out[i] < 0) {
            return mismatch("the new shape " + to_string(out) + " has a negative size");
        }
    }
    const int64_t count = element_count(from);
    if (open != SIZE_MAX) {
        out[open] = 1;
        const int64_t known = element_count(out);
        if (known == 0 || count % known)
            return mismatch("cannot reshape " + to_string(from) + " to " + to_string(Shape(to.begin(), to.end())));
        out[open] = count / known;
    }
    if (element_count(out) != count) return mismatch("cannot reshape " + to_string(from) + " to " + to_string(out));
    return out;
}

bool is_permutation(std::span<const int64_t> perm, size_t rank) {
    if (perm.size() != rank) return false;
    std::vector<bool> seen(rank, false);
    for (const int64_t axis : perm) {
        if (axis < 0 || static_cast<size_t>(axis) >= rank || seen[static_cast<size_t>(axis)]) return false;
        seen[static_cast<size_t>(axis)] = true;
    }
    return true;
}

Result<HostTensor> transpose(const HostTensor &x, std::span<const int64_t> perm) {
    if (!is_permutation(perm, x.shape.size())) return mismatch("perm is no permutation of the axes");
    const auto strides = strides_of(x.shape);
    Shape shape;
    std::vector<int64_t> order;
    for (const int64_t axis : perm) {
        shape.push_back(x.shape[static_cast<size_t>(axis)]);
        order.push_back(strides[static_cast<size_t>(axis)]);
    }
    return pick(x, std::move(shape), order, 0);
}

Result<HostTensor> gather(const HostTensor &x, const HostTensor &indices, int64_t axis) {
    SAC_ASSIGN(const int64_t at, normalize_axis(axis, x.shape.size()));
    const auto split = x.shape.begin() + at;
    const int64_t outer = element_count(Shape(x.shape.begin(), split)), size = *split;
    const auto inner = static_cast<size_t>(element_count(Shape(split + 1, x.shape.end()))) * size_of(x.dtype);
    Shape shape(x.shape.begin(), split);
    shape.insert(shape.end(), indices.shape.begin(), indices.shape.end());
    shape.insert(shape.end(), split + 1, x.shape.end());

    std::vector<std::byte> out(static_cast<size_t>(element_count(shape)) * size_of(x.dtype));
    std::byte *to = out.data();
    const auto wanted = indices.to_int64s();
    for (int64_t o = 0; o < outer; ++o) {
        for (int64_t index : wanted) {
            if (index < -size || index >= size)
                return mismatch("index " + std::to_string(index) + " is outside an axis of " + std::to_string(size));
            if (index < 0) index += size;
            if (!inner) continue;
            std::memcpy(to, x.bytes + static_cast<size_t>(o * size + index) * inner, inner);
            to += inner;
        }
    }
    return HostTensor::copy_of(x.dtype, std::move(shape), out.data());
}

Result<HostTensor> concat(std::span<const HostTensor *const> inputs, int64_t axis) {
    if (inputs.empty()) return mismatch("nothing to concatenate");
    SAC_ASSIGN(const int64_t at, normalize_axis(axis, inputs[0]->shape.size()));
    const auto k = static_cast<size_t>(at);
    Shape shape = inputs[0]->shape;
    shape[k] = 0;
    for (const HostTensor *input : inputs) {
        Shape rest = input->shape;
        if (rest.size() != shape.size() || input->dtype != inputs[0]->dtype)
            return mismatch("the inputs differ in rank or type");
        shape[k] += rest[k];
        rest[k] = shape[k];
        if (rest != shape) return mismatch("the inputs differ in another axis than the one they are joined on");
    }
    const int64_t outer = element_count(Shape(shape.begin(), shape.begin() + at));
    std::vector<std::byte> out;
    for (int64_t o = 0; o < outer; ++o) {
        for (const HostTensor *input : inputs) {
            const size_t run = input->byte_size() / static_cast<size_t>(outer);
            const std::byte *from = input->bytes + static_cast<size_t>(o) * run;
            out.insert(out.end(), from, from + run);
        }
    }
    return HostTensor::copy_of(inputs[0]->dtype, std::move(shape), out.data());
}

Result<std::vector<SliceRange>> slice_ranges(const Shape &shape, std::span<const int64_t> starts,
                                             std::span<const int64_t> ends, std::span<const int64_t> axes,
                                             std::span<const int64_t> steps) {
    if (starts.size() != ends.size() || (!axes.empty() && axes.size() != starts.size()) ||
        (!steps.empty() && steps.size() != starts.size()))
        return mismatch("starts, ends, axes and steps differ in length");
    std::vector<SliceRange> ranges(shape.size());
    for (size_t i = 0; i < shape.size(); ++i) ranges[i].count = shape[i];
    std::vector<bool> seen(shape.size(), false);
    for (size_t i = 0; i < starts.size(); ++i) {
        SAC_ASSIGN(const int64_t at, normalize_axis(axes.empty() ? static_cast<int64_t>(i) : axes[i], shape.size()));
        const auto axis = static_cast<size_t>(at);
        if (seen[axis]) return mismatch("axis " + std::to_string(axis) + " is sliced twice");
        seen[axis] = true;
        const int64_t size = shape[axis], step = steps.empty() ? 1 : steps[i];
        if (step == 0 || step == std::numeric_limits<int64_t>::min()) return mismatch("a step of zero");
        if (size == 0) continue;  // whatever is asked of it, nothing
        const auto clamped = [&](int64_t at_end, int64_t low, int64_t high) {
            return std::clamp(at_end < 0 ? at_end + size : at_end, low, high);
        };
        // Backwards, a slice may start at the last element and end before the first.
        const int64_t start = step > 0 ? clamped(starts[i], 0, size) : clamped(starts[i], 0, size - 1);
        const int64_t end = step > 0 ? clamped(ends[i], 0, size) : clamped(ends[i], -1, size - 1);
        const int64_t span = step > 0 ? end - start : start - end, stride = step > 0 ? step : -step;
        ranges[axis] = {start, step, span <= 0 ? 0 : (span - 1) / stride + 1};
    }
    return ranges;
}

HostTensor slice(const HostTensor &x, std::span<const SliceRange> ranges) {
    auto strides = strides_of(x.shape);
    Shape shape;
    int64_t start = 0;
    for (size_t i = 0; i < ranges.size(); ++i) {
        shape.push_back(ranges[i].count);
        start += ranges[i].start * strides[i];
        strides[i] *= ranges[i].count > 1 ? ranges[i].step : 0;
    }
    return pick(x, std::move(shape), strides, start);
}

Result<HostTensor> expand(const HostTensor &x, const Shape &shape) {
    SAC_ASSIGN(const Shape joined, broadcast(x.shape, shape));
    if (joined != shape) return mismatch("cannot expand " + to_string(x.shape) + " to " + to_string(shape));
    return pick(x, shape, broadcast_strides(x.shape, shape), 0);
}

HostTensor cast(const HostTensor &x, DType to) {
    if (x.dtype == to) return x;
    if (is_float(x.dtype)) return from_doubles(to, x.shape, to_doubles(x));
    return from_integers(to, x.shape, x.to_int64s());
}

Result<HostTensor> where(const HostTensor &condition, const HostTensor &a, const HostTensor &b) {
    if (condition.dtype != DType::boolean) return mismatch("the condition is not boolean");
    if (a.dtype != b.dtype) return mismatch("the two choices differ in type");
    SAC_ASSIGN(const Shape choices, broadcast(a.shape, b.shape));
    SAC_ASSIGN(const Shape shape, broadcast(condition.shape, choices));
    SAC_ASSIGN(const HostTensor c, expand(condition, shape));
    SAC_ASSIGN(const HostTensor x, expand(a, shape));
    SAC_ASSIGN(const HostTensor y, expand(b, shape));
    const size_t size = size_of(a.dtype);
    const auto chosen = c.as<uint8_t>();
    std::vector<std::byte> out(chosen.size() * size);
    for (size_t i = 0; i < chosen.size(); ++i)
        std::memcpy(out.data() + i * size, (chosen[i] ? x : y).bytes + i * size, size);
    return HostTensor::copy_of(a.dtype, shape, out.data());
}

std::optional<DType> dtype_of_onnx(int64_t number) {
    switch (number) {
        case 1: return DType::f32;
        case 2: return DType::u8;
        case 3: return DType::i8;
        case 4: return DType::u16;
        case 5: return DType::i16;
        case 6: return DType::i32;
        case 7: return DType::i64;
        case 9: return DType::boolean;
        case 10: return DType::f16;
        case 11: return DType::f64;
        case 12: return DType::u32;
        case 13: return DType::u64;
        case 16: return DType::bf16;
        default: return std::nullopt;
    }
}

}  // namespace sac::host
