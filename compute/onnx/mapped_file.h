#pragma once
// A file mapped read-only into memory.

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>

#include "compute/base/result.h"

namespace sac::onnx {

/// The mapping lives as long as the object. [thread] any: it never changes.
class MappedFile {
public:
    /// Error: not_found, io_error (not a regular file, not readable) or invalid_file (empty); names `path`.
    static Result<std::shared_ptr<const MappedFile>> open(const std::filesystem::path &path);
    ~MappedFile();
    MappedFile(const MappedFile &) = delete;
    MappedFile &operator=(const MappedFile &) = delete;

    std::span<const std::byte> bytes() const { return {data_, size_}; }

private:
    MappedFile() = default;
    const std::byte *data_ = nullptr;
    size_t size_ = 0;
};

/// A path as UTF-8 text, and back. The project's strings are UTF-8 on every system.
std::string to_utf8(const std::filesystem::path &path);
std::filesystem::path from_utf8(const std::string &text);

}  // namespace sac::onnx
