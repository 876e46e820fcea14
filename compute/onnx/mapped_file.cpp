#include "compute/onnx/mapped_file.h"

#ifdef _WIN32
#define WIN32_LEAN_AND_MEAN
#ifndef NOMINMAX
#define NOMINMAX
#endif
#include <windows.h>
#else
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

namespace sac::onnx {

namespace fs = std::filesystem;

std::string to_utf8(const fs::path &path) {
    const std::u8string text = path.u8string();
    return {reinterpret_cast<const char *>(text.data()), text.size()};
}

fs::path from_utf8(const std::string &text) {
    return fs::path(std::u8string(reinterpret_cast<const char8_t *>(text.data()), text.size()));
}

Result<std::shared_ptr<const MappedFile>> MappedFile::open(const fs::path &path) {
    const std::string name = to_utf8(path);
    std::error_code failure;
    const fs::file_status status = fs::status(path, failure);
    if (!fs::exists(status)) return Error(Code::not_found, name + ": no such file");
    if (fs::is_directory(status)) return Error(Code::io_error, name + ": is a folder, not a file");
    if (!fs::is_regular_file(status)) return Error(Code::io_error, name + ": is not a regular file");
    const uintmax_t size = fs::file_size(path, failure);
    if (failure) return Error(Code::io_error, name + ": " + failure.message());
    if (size == 0) return Error(Code::invalid_file, name + ": the file is empty");
    if (size > SIZE_MAX / 2) return Error(Code::out_of_memory, name + ": too large to map");

    void *data = nullptr;
#ifdef _WIN32
    HANDLE file = CreateFileW(path.c_str(), GENERIC_READ, FILE_SHARE_READ, nullptr, OPEN_EXISTING,
                              FILE_ATTRIBUTE_NORMAL, nullptr);
    if (file == INVALID_HANDLE_VALUE) return Error(Code::io_error, name + ": cannot be opened");
    HANDLE mapping = CreateFileMappingW(file, nullptr, PAGE_READONLY, 0, 0, nullptr);
    if (mapping) {
        data = MapViewOfFile(mapping, FILE_MAP_READ, 0, 0, static_cast<SIZE_T>(size));
        CloseHandle(mapping);  // the view keeps it
    }
    CloseHandle(file);
#else
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return Error(Code::io_error, name + ": cannot be opened");
    data = ::mmap(nullptr, static_cast<size_t>(size), PROT_READ, MAP_PRIVATE, file, 0);
    if (data == MAP_FAILED) data = nullptr;
    ::close(file);
#endif
    if (!data) return Error(Code::io_error, name + ": cannot be mapped into memory");
    std::shared_ptr<MappedFile> mapped(new MappedFile);
    mapped->data_ = static_cast<const std::byte *>(data);
    mapped->size_ = static_cast<size_t>(size);
    return std::shared_ptr<const MappedFile>(std::move(mapped));
}

MappedFile::~MappedFile() {
    if (!data_) return;
#ifdef _WIN32
    UnmapViewOfFile(data_);
#else
    ::munmap(const_cast<std::byte *>(data_), size_);
#endif
}

}  // namespace sac::onnx
