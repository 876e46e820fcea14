#pragma once
// What a tensor is: element type, shape, layout, and (for constants) its bytes on the host.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace sac {

/// Element types, in ONNX's order of meaning. Only f32 and f16 are computed on the device; the integer types live on
/// the host, where shape arithmetic is folded at plan time, and int64 keeps its values.
enum class DType : uint8_t { f32, f16, bf16, f64, i8, u8, i16, u16, i32, u32, i64, u64, boolean };

size_t size_of(DType type);
const char *name_of(DType type);
bool is_float(DType type);

using Shape = std::vector<int64_t>;

int64_t element_count(const Shape &shape);
std::string to_string(const Shape &shape);  ///< "[1, 3, 352, 352]"

/// How a tensor lies in device memory.
///   dense  ONNX order (row-major), any rank; the buffer is padded to a multiple of 4 elements
///   c4     channels last: a tensor N x C x spatial... lies as rows N*spatial by C padded to a multiple of 4; the pad
///   lanes are always zero.
///          Rank 2 and more; the channel axis is axis 1.
enum class Layout : uint8_t { dense, c4 };
const char *name_of(Layout layout);

/// Elements that a tensor takes in memory, padding included.
int64_t padded_element_count(const Shape &shape, Layout layout);
inline int64_t round_up(int64_t value, int64_t multiple) { return (value + multiple - 1) / multiple * multiple; }

/// Constant data on the host. The bytes belong to `owner` (a mapped file, a vector) and are little-endian and aligned
/// to the element size.
struct HostTensor {
    DType dtype = DType::f32;
    Shape shape;
    std::shared_ptr<const void> owner;
    const std::byte *bytes = nullptr;

    size_t byte_size() const { return static_cast<size_t>(element_count(shape)) * size_of(dtype); }

    template <class T>
    std::span<const T> as() const {
        return {reinterpret_cast<const T *>(bytes), byte_size() / sizeof(T)};
    }

    /// Owns a fresh copy of `data`.
    static HostTensor copy_of(DType dtype, Shape shape, const void *data);
    static HostTensor from_floats(Shape shape, std::vector<float> values);
    static HostTensor from_int64s(Shape shape, std::span<const int64_t> values);

    /// The elements as f32: this tensor itself if they are that, else a converted one.
    HostTensor as_f32() const;
    /// The elements as float / int64 whatever the numeric type (f16, bf16, f64 ... converted).
    std::vector<float> to_floats() const;
    std::vector<int64_t> to_int64s() const;
};

/// ONNX order (N x C x ...) to the elements of a C4 tensor: rows of channels, padded to four with zeros.
std::vector<float> to_c4(std::span<const float> values, const Shape &shape);

}  // namespace sac
