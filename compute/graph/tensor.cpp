#include "compute/graph/tensor.h"

#include <cstring>
#include <limits>

#include "compute/base/half.h"

namespace sac {

size_t size_of(DType type) {
    switch (type) {
        case DType::i8:
        case DType::u8:
        case DType::boolean: return 1;
        case DType::f16:
        case DType::bf16:
        case DType::i16:
        case DType::u16: return 2;
        case DType::f32:
        case DType::i32:
        case DType::u32: return 4;
        case DType::f64:
        case DType::i64:
        case DType::u64: return 8;
    }
    return 0;
}

const char *name_of(DType type) {
    switch (type) {
        case DType::f32: return "f32";
        case DType::f16: return "f16";
        case DType::bf16: return "bf16";
        case DType::f64: return "f64";
        case DType::i8: return "i8";
        case DType::u8: return "u8";
        case DType::i16: return "i16";
        case DType::u16: return "u16";
        case DType::i32: return "i32";
        case DType::u32: return "u32";
        case DType::i64: return "i64";
        case DType::u64: return "u64";
        case DType::boolean: return "bool";
    }
    return "?";
}

bool is_float(DType type) {
    return type == DType::f32 || type == DType::f16 || type == DType::bf16 || type == DType::f64;
}

const char *name_of(Layout layout) { return layout == Layout::c4 ? "c4" : "dense"; }

int64_t element_count(const Shape &shape) {
    constexpr int64_t most = std::numeric_limits<int64_t>::max();
    int64_t count = 1;
    for (const int64_t size : shape) {
        if (size <= 0) return 0;
        count = count > most / size ? most : count * size;
    }
    return count;
}

std::string to_string(const Shape &shape) {
    std::string text = "[";
    for (size_t i = 0; i < shape.size(); ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
    return text + "]";
}

int64_t padded_element_count(const Shape &shape, Layout layout) {
    if (layout == Layout::dense) return round_up(element_count(shape), 4);
    Shape padded = shape;
    if (padded.size() > 1) padded[1] = round_up(padded[1], 4);
    return element_count(padded);
}

HostTensor HostTensor::copy_of(DType dtype, Shape shape, const void *data) {
    HostTensor tensor{dtype, std::move(shape), nullptr, nullptr};
    const size_t size = tensor.byte_size();
    // Words of eight bytes: aligned for every element type, and never null.
    auto storage = std::make_shared_for_overwrite<uint64_t[]>(size / 8 + 1);
    if (size) std::memcpy(storage.get(), data, size);
    tensor.bytes = reinterpret_cast<const std::byte *>(storage.get());
    tensor.owner = std::move(storage);
    return tensor;
}

HostTensor HostTensor::from_floats(Shape shape, std::vector<float> values) {
    auto storage = std::make_shared<const std::vector<float>>(std::move(values));
    if (storage->empty()) return copy_of(DType::f32, std::move(shape), nullptr);
    const auto *bytes = reinterpret_cast<const std::byte *>(storage->data());
    return {DType::f32, std::move(shape), std::move(storage), bytes};
}

HostTensor HostTensor::as_f32() const { return dtype == DType::f32 ? *this : from_floats(shape, to_floats()); }

HostTensor HostTensor::from_int64s(Shape shape, std::span<const int64_t> values) {
    return copy_of(DType::i64, std::move(shape), values.data());
}

namespace {

// Float to integer without undefined behaviour: saturating, NaN is 0.
int64_t to_integer(double value) {
    if (!(value == value)) return 0;
    if (value >= 0x1p63) return std::numeric_limits<int64_t>::max();
    if (value < -0x1p63) return std::numeric_limits<int64_t>::min();
    return static_cast<int64_t>(value);
}

template <class To, class From>
void convert(const HostTensor &tensor, std::vector<To> &out) {
    const auto values = tensor.as<From>();
    if constexpr (std::is_same_v<To, From>) return out.assign(values.begin(), values.end());
    out.resize(values.size());
    for (size_t i = 0; i < values.size(); ++i) {
        if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>)
            out[i] = to_integer(static_cast<double>(values[i]));
        else
            out[i] = static_cast<To>(+values[i]);  // + makes an int of an int8_t, which is a number here
    }
}

template <class To>
std::vector<To> convert_all(const HostTensor &tensor) {
    std::vector<To> out;
    switch (tensor.dtype) {
        case DType::f32: convert<To, float>(tensor, out); break;
        case DType::f64: convert<To, double>(tensor, out); break;
        case DType::i8: convert<To, int8_t>(tensor, out); break;
        case DType::u8: convert<To, uint8_t>(tensor, out); break;
        case DType::i16: convert<To, int16_t>(tensor, out); break;
        case DType::u16: convert<To, uint16_t>(tensor, out); break;
        case DType::i32: convert<To, int32_t>(tensor, out); break;
        case DType::u32: convert<To, uint32_t>(tensor, out); break;
        case DType::i64: convert<To, int64_t>(tensor, out); break;
        case DType::u64: convert<To, uint64_t>(tensor, out); break;
        case DType::boolean:
            for (const uint8_t value : tensor.as<uint8_t>()) out.push_back(static_cast<To>(value ? 1 : 0));
            break;
        case DType::f16:
        case DType::bf16:
            for (const uint16_t bits : tensor.as<uint16_t>()) {
                const float value = tensor.dtype == DType::f16 ? half_to_float(bits) : bfloat16_to_float(bits);
                if constexpr (std::is_integral_v<To>)
                    out.push_back(to_integer(static_cast<double>(value)));
                else
                    out.push_back(value);
            }
            break;
    }
    return out;
}

}  // namespace

std::vector<float> to_c4(std::span<const float> values, const Shape &shape) {
    const int64_t channels = shape[1], pitch = round_up(channels, 4);
    const int64_t pixels = element_count(Shape(shape.begin() + 2, shape.end()));
    std::vector<float> out(static_cast<size_t>(shape[0] * pixels * pitch), 0.0f);
    for (int64_t plane = 0; plane < shape[0] * channels; ++plane) {
        const float *from = values.data() + plane * pixels;
        float *to = out.data() + plane / channels * pixels * pitch + plane % channels;
        for (int64_t pixel = 0; pixel < pixels; ++pixel) to[pixel * pitch] = from[pixel];
    }
    return out;
}

std::vector<float> HostTensor::to_floats() const { return convert_all<float>(*this); }
std::vector<int64_t> HostTensor::to_int64s() const { return convert_all<int64_t>(*this); }

}  // namespace sac
