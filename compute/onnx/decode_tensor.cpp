// TensorProto: typed fields, raw bytes, bytes in another file. https://github.com/onnx/onnx/blob/main/onnx/onnx.proto

#include <bit>
#include <charconv>
#include <cstring>

#include "compute/onnx/decode.h"
#include "compute/onnx/mapped_file.h"

namespace sac::onnx {

namespace {

static_assert(std::endian::native == std::endian::little, "raw_data is used as it lies in the file");

constexpr size_t most_axes = 64;

/// The fields of a TensorProto as they are found; views point into the file.
struct TensorFields {
    std::string name;
    Shape dims;
    int64_t type = 0;
    std::optional<protozero::data_view> raw;
    std::vector<float> floats;
    std::vector<double> doubles;
    std::vector<int64_t> integers;  ///< int32_data, int64_data and uint64_data
    bool has_strings = false, is_external = false;
    std::map<std::string, std::string, std::less<>> external;
};

template <class Out, class Range>
void append(std::vector<Out> &out, const Range &range) {
    for (const auto value : range) out.push_back(static_cast<Out>(value));
}

constexpr uint32_t key(uint32_t field, protozero::pbf_wire_type type) { return protozero::tag_and_type(field, type); }
constexpr auto varint = protozero::pbf_wire_type::varint;
constexpr auto bytes = protozero::pbf_wire_type::length_delimited;
constexpr auto word = protozero::pbf_wire_type::fixed32;
constexpr auto double_word = protozero::pbf_wire_type::fixed64;

TensorFields read_fields(protozero::data_view view) {
    TensorFields fields;
    protozero::pbf_reader message(view);
    while (message.next()) {
        switch (message.tag_and_type()) {
            case key(1, varint): fields.dims.push_back(message.get_int64()); break;
            case key(1, bytes): append(fields.dims, message.get_packed_int64()); break;
            case key(2, varint): fields.type = message.get_int32(); break;
            case key(3, bytes): fail("tensor '" + fields.name + "' is split into segments", Code::unsupported);
            case key(4, word): fields.floats.push_back(message.get_float()); break;
            case key(4, bytes): append(fields.floats, message.get_packed_float()); break;
            case key(5, varint): fields.integers.push_back(message.get_int32()); break;
            case key(5, bytes): append(fields.integers, message.get_packed_int32()); break;
            case key(6, bytes):
                fields.has_strings = true;
                message.skip();
                break;
            case key(7, varint): fields.integers.push_back(message.get_int64()); break;
            case key(7, bytes): append(fields.integers, message.get_packed_int64()); break;
            case key(8, bytes): fields.name = text_of(message.get_view()); break;
            case key(9, bytes): fields.raw = message.get_view(); break;
            case key(10, double_word): fields.doubles.push_back(message.get_double()); break;
            case key(10, bytes): append(fields.doubles, message.get_packed_double()); break;
            case key(11, varint): fields.integers.push_back(static_cast<int64_t>(message.get_uint64())); break;
            case key(11, bytes): append(fields.integers, message.get_packed_uint64()); break;
            case key(13, bytes): {
                protozero::pbf_reader entry(message.get_view());
                std::string name, value;
                while (entry.next()) {
                    if (entry.tag_and_type() == key(1, bytes))
                        name = text_of(entry.get_view());
                    else if (entry.tag_and_type() == key(2, bytes))
                        value = text_of(entry.get_view());
                    else
                        entry.skip();
                }
                fields.external[name] = value;
                break;
            }
            case key(14, varint): fields.is_external = message.get_int32() == 1; break;
            default: message.skip();
        }
    }
    return fields;
}

/// Bytes of a tensor in place, or copied where they are not aligned to the element.
HostTensor adopt(DType type, Shape shape, const std::byte *data, const std::shared_ptr<const void> &owner) {
    if (reinterpret_cast<uintptr_t>(data) % size_of(type)) return HostTensor::copy_of(type, std::move(shape), data);
    return {type, std::move(shape), owner, data};
}

uint64_t number_of(const TensorFields &fields, std::string_view entry, uint64_t fallback) {
    const auto at = fields.external.find(entry);
    if (at == fields.external.end()) return fallback;
    uint64_t value = 0;
    const char *end = at->second.data() + at->second.size();
    const auto parsed = std::from_chars(at->second.data(), end, value);
    if (parsed.ec != std::errc() || parsed.ptr != end)
        fail("tensor '" + fields.name + "': external " + std::string(entry) + " '" + at->second + "' is no number");
    return value;
}

/// The file that `location` names, which must lie in the model's folder once every link is resolved.
std::pair<std::span<const std::byte>, std::shared_ptr<const void>> open_external(Source &source,
                                                                                 const TensorFields &fields) {
    namespace fs = std::filesystem;
    const std::string what = "tensor '" + fields.name + "': external data ";
    if (!source.external_allowed) fail(what + "cannot be read for a model in memory", Code::unsupported);
    const auto location = fields.external.find("location");
    if (location == fields.external.end() || location->second.empty()) fail(what + "has no location");
    if (location->second.find('\0') != std::string::npos) fail(what + "has a location that is no path");
    if (const auto open = source.external.find(location->second); open != source.external.end()) return open->second;

    const std::string quoted = what + "'" + location->second + "' ";
    const fs::path relative = from_utf8(location->second);
    if (relative.is_absolute() || relative.has_root_name() || relative.has_root_directory())
        fail(quoted + "lies outside the model's folder");
    for (const fs::path &part : relative)
        if (part == "..") fail(quoted + "lies outside the model's folder");
    std::error_code failure;
    const fs::path folder = fs::canonical(from_utf8(source.folder), failure);
    if (failure) fail(quoted + "cannot be read: " + failure.message(), Code::io_error);
    const fs::path file = fs::canonical(folder / relative, failure);
    if (failure) fail(quoted + "does not exist", Code::not_found);
    const auto inside = std::mismatch(folder.begin(), folder.end(), file.begin(), file.end());
    if (inside.first != folder.end()) fail(quoted + "lies outside the model's folder");

    auto mapped = MappedFile::open(file);
    if (!mapped) throw Damage{std::move(mapped).error().with_context("tensor '" + fields.name + "'")};
    std::pair<std::span<const std::byte>, std::shared_ptr<const void>> opened{(*mapped)->bytes(), *mapped};
    source.external[location->second] = opened;
    return opened;
}

HostTensor read_external(Source &source, const TensorFields &fields, DType type, size_t size) {
    const auto [data, owner] = open_external(source, fields);
    const uint64_t offset = number_of(fields, "offset", 0), length = number_of(fields, "length", size);
    if (length != size)
        fail("tensor '" + fields.name + "' of shape " + to_string(fields.dims) + " needs " + std::to_string(size) +
             " bytes of external data, not " + std::to_string(length));
    if (offset > data.size() || length > data.size() - offset)
        fail("tensor '" + fields.name + "': its external data ends beyond the file");
    return adopt(type, fields.dims, data.data() + offset, owner);
}

template <class To, class From>
HostTensor copy_typed(DType type, const Shape &shape, const std::vector<From> &values) {
    std::vector<To> out;
    out.reserve(values.size());
    for (const From value : values) out.push_back(static_cast<To>(value));
    return HostTensor::copy_of(type, shape, out.data());
}

HostTensor read_typed(const TensorFields &fields, DType type, size_t count) {
    const size_t given = type == DType::f32   ? fields.floats.size()
                         : type == DType::f64 ? fields.doubles.size()
                                              : fields.integers.size();
    if (given != count)
        fail("tensor '" + fields.name + "' of shape " + to_string(fields.dims) + " has " + std::to_string(given) +
             " elements of data");
    switch (type) {
        case DType::f32: return copy_typed<float>(type, fields.dims, fields.floats);
        case DType::f64: return copy_typed<double>(type, fields.dims, fields.doubles);
        case DType::f16:
        case DType::bf16:
        case DType::u16: return copy_typed<uint16_t>(type, fields.dims, fields.integers);
        case DType::i8: return copy_typed<int8_t>(type, fields.dims, fields.integers);
        case DType::u8: return copy_typed<uint8_t>(type, fields.dims, fields.integers);
        case DType::i16: return copy_typed<int16_t>(type, fields.dims, fields.integers);
        case DType::i32: return copy_typed<int32_t>(type, fields.dims, fields.integers);
        case DType::u32: return copy_typed<uint32_t>(type, fields.dims, fields.integers);
        case DType::i64:
        case DType::u64: return copy_typed<int64_t>(type, fields.dims, fields.integers);
        case DType::boolean: {
            std::vector<uint8_t> out;
            for (const int64_t value : fields.integers) out.push_back(value != 0);
            return HostTensor::copy_of(type, fields.dims, out.data());
        }
    }
    fail("tensor '" + fields.name + "' has an unknown type");
}

/// 4-bit integers, two to a byte, low nibble first; they become bytes.
HostTensor read_nibbles(const TensorFields &fields, bool is_signed, size_t count) {
    std::vector<uint8_t> packed;
    if (fields.raw)
        packed.assign(fields.raw->data(), fields.raw->data() + fields.raw->size());
    else
        for (const int64_t value : fields.integers) packed.push_back(static_cast<uint8_t>(value));
    if (packed.size() != (count + 1) / 2) fail("tensor '" + fields.name + "' has too few or too many bytes");
    std::vector<uint8_t> out(count);
    for (size_t i = 0; i < count; ++i) {
        const int nibble = (packed[i / 2] >> (i % 2 ? 4 : 0)) & 15;
        out[i] = static_cast<uint8_t>(is_signed && nibble > 7 ? nibble - 16 : nibble);
    }
    return HostTensor::copy_of(is_signed ? DType::i8 : DType::u8, fields.dims, out.data());
}

}  // namespace

std::string text_of(protozero::data_view view) { return {view.data(), view.size()}; }

DType decode_type(int64_t number, const std::string &what) {
    static constexpr DType types[] = {DType::f32, DType::u8,  DType::i8,  DType::u16,     DType::i16,
                                      DType::i32, DType::i64, DType::f32, DType::boolean, DType::f16,
                                      DType::f64, DType::u32, DType::u64};
    if (number == 16) return DType::bf16;
    if (number == 21) return DType::u8;
    if (number == 22) return DType::i8;
    if (number < 1 || number > 13 || number == 8)
        fail(what + " has element type " + std::to_string(number) + ", which is not supported", Code::unsupported);
    return types[number - 1];
}

NamedTensor decode_tensor(Source &source, protozero::data_view view) {
    const TensorFields fields = read_fields(view);
    const std::string what = "tensor '" + fields.name + "'";
    if (fields.dims.size() > most_axes) fail(what + " has " + std::to_string(fields.dims.size()) + " axes");
    size_t count = 1;
    for (const int64_t size : fields.dims) {
        if (size < 0) fail(what + " has the negative size " + std::to_string(size));
        if (size && count > (SIZE_MAX >> 8) / static_cast<size_t>(size)) fail(what + " is too large");
        count *= static_cast<size_t>(size);
    }
    const DType type = decode_type(fields.type, what);
    const bool nibbles = fields.type == 21 || fields.type == 22;
    const size_t size = count * size_of(type);
    if (fields.is_external) {
        if (nibbles) fail(what + ": 4-bit integers in external data", Code::unsupported);
        return {fields.name, read_external(source, fields, type, size)};
    }
    if (nibbles) return {fields.name, read_nibbles(fields, fields.type == 22, count)};
    if (!fields.raw) return {fields.name, read_typed(fields, type, count)};
    if (fields.raw->size() != size)
        fail(what + " of shape " + to_string(fields.dims) + " needs " + std::to_string(size) + " bytes of data, not " +
             std::to_string(fields.raw->size()));
    const auto *data = reinterpret_cast<const std::byte *>(fields.raw->data());
    return {fields.name, adopt(type, fields.dims, data, source.owner)};
}

}  // namespace sac::onnx
