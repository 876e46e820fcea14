#pragma once
// TensorProto and AttributeProto -> HostTensor and Attribute. Inside this room, damage is thrown as Damage (beside
// protozero's own exceptions) and caught where import returns.

#include <map>
#include <protozero/pbf_message.hpp>

#include "compute/graph/graph.h"

namespace sac::onnx {

/// What is wrong with the file, with the place where it is.
struct Damage {
    Error error;
};

[[noreturn]] inline void fail(std::string text, Code code = Code::invalid_file) {
    throw Damage{Error(code, std::move(text))};
}

/// Where the model's bytes are and who keeps them.
struct Source {
    std::string name;  ///< the file, for errors
    std::span<const std::byte> bytes;
    std::shared_ptr<const void> owner;
    std::string folder;  ///< of external data; empty: external data is refused
    bool external_allowed = false;
    std::map<std::string, std::pair<std::span<const std::byte>, std::shared_ptr<const void>>, std::less<>> external;
};

/// A named tensor (`name` is empty in attributes). Points into the source where the bytes are raw and aligned.
struct NamedTensor {
    std::string name;
    HostTensor tensor;
};
NamedTensor decode_tensor(Source &source, protozero::data_view message);

/// The element type of a TensorProto.DataType. Fails as unsupported on strings, complex and sub-byte floats.
DType decode_type(int64_t number, const std::string &what);

/// Text of a field: bytes as they stand, which errors may show.
std::string text_of(protozero::data_view view);

}  // namespace sac::onnx
