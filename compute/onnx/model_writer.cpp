#include "compute/onnx/model_writer.h"

#include <cstdio>
#include <iterator>
#include <protozero/pbf_writer.hpp>
#include <protozero/varint.hpp>

namespace sac::onnx {
namespace {

using protozero::pbf_writer;

// Field numbers of onnx.proto.
enum : protozero::pbf_tag_type {
    tensor_dims = 1,
    tensor_data_type = 2,
    tensor_name = 8,
    tensor_raw_data = 9,
    tensor_external = 13,
    tensor_location = 14,
    entry_key = 1,
    entry_value = 2,
    attribute_name = 1,
    attribute_f = 2,
    attribute_i = 3,
    attribute_s = 4,
    attribute_t = 5,
    attribute_floats = 7,
    attribute_ints = 8,
    attribute_strings = 9,
    attribute_type = 20,
    node_input = 1,
    node_output = 2,
    node_name = 3,
    node_op_type = 4,
    node_attribute = 5,
    node_domain = 7,
    graph_node = 1,
    graph_name = 2,
    graph_initializer = 5,
    graph_input = 11,
    graph_output = 12,
    value_name = 1,
    value_type = 2,
    type_tensor = 1,
    tensor_type_elem = 1,
    tensor_type_shape = 2,
    shape_dim = 1,
    dim_value = 1,
    dim_param = 2,
    model_ir_version = 1,
    model_producer = 2,
    model_graph = 7,
    model_opset = 8,
    opset_domain = 1,
    opset_version = 2,
};
enum : int32_t {
    kind_float = 1,
    kind_int = 2,
    kind_string = 3,
    kind_tensor = 4,
    kind_floats = 6,
    kind_ints = 7,
    kind_strings = 8
};

std::string encode_tensor_head(const std::string &name, DType dtype, const Shape &shape) {
    std::string bytes;
    pbf_writer tensor(bytes);
    for (const int64_t size : shape) tensor.add_int64(tensor_dims, size);
    tensor.add_int32(tensor_data_type, onnx_type(dtype));
    tensor.add_string(tensor_name, name);
    return bytes;
}

std::string encode_tensor(const std::string &name, const HostTensor &value) {
    std::string bytes = encode_tensor_head(name, value.dtype, value.shape);
    pbf_writer(bytes).add_bytes(tensor_raw_data, reinterpret_cast<const char *>(value.bytes), value.byte_size());
    return bytes;
}

/// What comes before the `size` bytes of a field.
std::string field_head(protozero::pbf_tag_type tag, size_t size) {
    std::string head;
    protozero::write_varint(std::back_inserter(head), tag << 3 | 2);  // 2: length-delimited
    protozero::write_varint(std::back_inserter(head), size);
    return head;
}

std::string encode_value_info(const std::string &name, const std::vector<ModelWriter::Dim> &dims, bool has_shape,
                              DType dtype) {
    std::string bytes;
    pbf_writer info(bytes);
    info.add_string(value_name, name);
    pbf_writer type(info, value_type);
    pbf_writer tensor(type, type_tensor);
    tensor.add_int32(tensor_type_elem, onnx_type(dtype));
    if (!has_shape) return tensor.commit(), type.commit(), bytes;
    pbf_writer shape(tensor, tensor_type_shape);
    for (const ModelWriter::Dim &dim : dims) {
        pbf_writer entry(shape, shape_dim);
        if (const auto *symbol = std::get_if<const char *>(&dim))
            entry.add_string(dim_param, *symbol);
        else if (const auto *wide = std::get_if<int64_t>(&dim))
            entry.add_int64(dim_value, *wide);
        else
            entry.add_int64(dim_value, std::get<int>(dim));
    }
    shape.commit();
    tensor.commit();
    type.commit();
    return bytes;
}

std::string encode_attribute(const std::string &name, const Attribute &value) {
    std::string bytes;
    pbf_writer out(bytes);
    out.add_string(attribute_name, name);
    if (const auto *i = std::get_if<int64_t>(&value)) {
        out.add_int64(attribute_i, *i);
        out.add_int32(attribute_type, kind_int);
    } else if (const auto *f = std::get_if<float>(&value)) {
        out.add_float(attribute_f, *f);
        out.add_int32(attribute_type, kind_float);
    } else if (const auto *s = std::get_if<std::string>(&value)) {
        out.add_string(attribute_s, *s);
        out.add_int32(attribute_type, kind_string);
    } else if (const auto *ints = std::get_if<std::vector<int64_t>>(&value)) {
        for (const int64_t v : *ints) out.add_int64(attribute_ints, v);
        out.add_int32(attribute_type, kind_ints);
    } else if (const auto *floats = std::get_if<std::vector<float>>(&value)) {
        for (const float v : *floats) out.add_float(attribute_floats, v);
        out.add_int32(attribute_type, kind_floats);
    } else if (const auto *strings = std::get_if<std::vector<std::string>>(&value)) {
        for (const std::string &v : *strings) out.add_string(attribute_strings, v);
        out.add_int32(attribute_type, kind_strings);
    } else if (const auto *tensor = std::get_if<HostTensor>(&value)) {
        out.add_message(attribute_t, encode_tensor("", *tensor));
        out.add_int32(attribute_type, kind_tensor);
    }
    return bytes;
}

std::string_view data_of(const HostTensor &tensor) {
    if (!tensor.bytes) return {};
    return {reinterpret_cast<const char *>(tensor.bytes), tensor.byte_size()};
}

std::string encode_opset(const std::string &domain, int64_t version) {
    std::string bytes;
    pbf_writer out(bytes);
    out.add_string(opset_domain, domain);
    out.add_int64(opset_version, version);
    return bytes;
}

}  // namespace

int32_t onnx_type(DType type) {
    switch (type) {
        case DType::f32: return 1;
        case DType::u8: return 2;
        case DType::i8: return 3;
        case DType::u16: return 4;
        case DType::i16: return 5;
        case DType::i32: return 6;
        case DType::i64: return 7;
        case DType::boolean: return 9;
        case DType::f16: return 10;
        case DType::f64: return 11;
        case DType::u32: return 12;
        case DType::u64: return 13;
        case DType::bf16: return 16;
    }
    return 0;
}

void ModelWriter::input(const std::string &name, const std::vector<Dim> &dims, DType dtype) {
    pbf_writer(inputs_).add_message(graph_input, encode_value_info(name, dims, true, dtype));
}

void ModelWriter::output(const std::string &name, const std::vector<Dim> &dims, DType dtype) {
    pbf_writer(outputs_).add_message(graph_output, encode_value_info(name, dims, !dims.empty(), dtype));
}

void ModelWriter::constant(const std::string &name, const HostTensor &tensor) {
    const size_t size = data_of(tensor).size();
    const std::string fields = encode_tensor_head(name, tensor.dtype, tensor.shape) + field_head(tensor_raw_data, size);
    initializers_.push_back({field_head(graph_initializer, fields.size() + size) + fields, tensor});
}

void ModelWriter::floats(const std::string &name, Shape shape, std::span<const float> values) {
    constant(name, HostTensor::copy_of(DType::f32, std::move(shape), values.data()));
}

void ModelWriter::int64s(const std::string &name, Shape shape, std::span<const int64_t> values) {
    constant(name, HostTensor::from_int64s(std::move(shape), values));
}

void ModelWriter::external(const std::string &name, DType dtype, const Shape &shape, const std::string &location,
                           int64_t offset, int64_t length) {
    std::string bytes = encode_tensor_head(name, dtype, shape);
    pbf_writer tensor(bytes);
    const std::pair<const char *, std::string> entries[] = {
        {"location", location}, {"offset", std::to_string(offset)}, {"length", std::to_string(length)}};
    for (const auto &[key, value] : entries) {
        pbf_writer entry(tensor, tensor_external);
        entry.add_string(entry_key, key);
        entry.add_string(entry_value, value);
    }
    tensor.add_int32(tensor_location, 1);
    initializers_.push_back({field_head(graph_initializer, bytes.size()) + bytes, {}});
}

void ModelWriter::node(const std::string &type, const std::vector<std::string> &inputs,
                       const std::vector<std::string> &outputs, const Attributes &attributes, const std::string &name,
                       const std::string &domain) {
    pbf_writer graph(nodes_);
    pbf_writer out(graph, graph_node);
    for (const std::string &input : inputs) out.add_string(node_input, input);
    for (const std::string &output : outputs) out.add_string(node_output, output);
    if (!name.empty()) out.add_string(node_name, name);
    out.add_string(node_op_type, type);
    for (const auto &[key, value] : attributes) out.add_message(node_attribute, encode_attribute(key, value));
    if (!domain.empty()) out.add_string(node_domain, domain);
}

void ModelWriter::import_domain(const std::string &domain, int64_t version) {
    pbf_writer(domains_).add_message(model_opset, encode_opset(domain, version));
}

void ModelWriter::write(const std::function<void(std::string_view)> &sink) const {
    std::string name;
    pbf_writer(name).add_string(graph_name, "saccade");
    size_t graph_size = nodes_.size() + name.size() + inputs_.size() + outputs_.size();
    for (const Initializer &constant : initializers_)
        graph_size += constant.head.size() + data_of(constant.data).size();

    std::string head;
    pbf_writer out(head);
    out.add_int64(model_ir_version, ir_version_);
    out.add_string(model_producer, "saccade");
    sink(head + field_head(model_graph, graph_size));
    sink(nodes_);
    sink(name);
    for (const Initializer &constant : initializers_) {
        sink(constant.head);
        sink(data_of(constant.data));
    }
    sink(inputs_);
    sink(outputs_);
    std::string opset;
    pbf_writer(opset).add_message(model_opset, encode_opset("", opset_));
    sink(opset);
    sink(domains_);
}

std::string ModelWriter::bytes() const {
    size_t size = 0;
    write([&](std::string_view piece) { size += piece.size(); });
    std::string model;
    model.reserve(size);
    write([&](std::string_view piece) { model += piece; });
    return model;
}

Status ModelWriter::save(const std::string &path) const {
    std::FILE *file = std::fopen(path.c_str(), "wb");
    if (!file) return Error(Code::io_error, path + ": cannot be opened for writing");
    bool written = true;
    write([&](std::string_view piece) {
        if (piece.empty()) return;  // fwrite takes no null pointer, not even for no bytes
        written = written && std::fwrite(piece.data(), 1, piece.size(), file) == piece.size();
    });
    if (std::fclose(file) != 0 || !written) return Error(Code::io_error, path + ": writing failed");
    return {};
}

}  // namespace sac::onnx
