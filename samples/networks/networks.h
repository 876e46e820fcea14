#pragma once
// Known architectures written as ONNX files with seeded random weights: for benchmarks and tests, and for a demo on a
// machine that has no trained weights. Their answers mean nothing. Every network takes one float input "image"
// [1, 3, size, size]; outputs are named in families.h.

#include <span>
#include <string>

#include "compute/base/result.h"

namespace sac {

namespace networks {
class Builder;
}

struct NetworkEntry {
    const char *name;
    int size;   ///< height and width of the input, pixels
    int opset;  ///< of the file
    void (*build)(networks::Builder &);
    double multiply_adds;  ///< of ncnn's description of the same network (its benchmark/models), 0 where it has none
    const char *ncnn = nullptr;  ///< that description's name
    bool in_bench() const { return ncnn != nullptr; }
};

/// All that can be made; those that a benchmark runs come first.
std::span<const NetworkEntry> network_list();

/// Error not_found lists the names.
Result<const NetworkEntry *> find_network(const std::string &name);

/// Multiply-adds of one run: of convolutions and products alone, none for padding.
Result<double> network_multiply_adds(const std::string &name);

/// The model's bytes. The same name and seed give the same bytes on every machine. Error not_found lists the names.
Result<std::string> network_bytes(const std::string &name, uint64_t seed);

/// Writes the model to a file. Errors not_found, io_error.
Status write_network(const std::string &name, uint64_t seed, const std::string &path);

}  // namespace sac
