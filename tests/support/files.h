#pragma once
// Files that tests read and write.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "compute/base/result.h"

namespace sac::test {

/// A fresh empty folder, removed with all in it at the end.
class TempDir {
public:
    TempDir();
    ~TempDir();
    TempDir(const TempDir &) = delete;
    TempDir &operator=(const TempDir &) = delete;
    const std::filesystem::path &path() const { return path_; }
    std::filesystem::path operator/(const std::filesystem::path &below) const { return path_ / below; }

private:
    std::filesystem::path path_;
};

/// Sets or (with null) unsets a variable of the environment, and puts it back at the end. Not while other threads run.
class ScopedEnv {
public:
    ScopedEnv(const char *name, const char *value);
    ~ScopedEnv();
    ScopedEnv(const ScopedEnv &) = delete;
    ScopedEnv &operator=(const ScopedEnv &) = delete;

private:
    std::string name_;
    std::optional<std::string> before_;
};

/// The whole file; the test ends where it cannot be read.
std::vector<uint8_t> read_bytes(const std::filesystem::path &path);
std::string read_text(const std::filesystem::path &path);
void write_bytes(const std::filesystem::path &path, const void *data, size_t size);
void write_text(const std::filesystem::path &path, const std::string &text);

/// A NumPy .npy file (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html), C order, little-endian.
struct NpyArray {
    std::string dtype;  ///< as in the file: "<f4", "|u1", "<i8" ...
    std::vector<int64_t> shape;
    std::vector<uint8_t> bytes;
    /// The elements as floats, whatever their type (f2, f4, f8, i1, i2, i4, i8, u1, u2, u4, u8, b1).
    std::vector<float> floats() const;
};
Result<NpyArray> read_npy(const std::filesystem::path &path);

/// The folder of public weights and photographs: $SACCADE_REAL, else ../shared/real beside the source tree; with
/// `below` appended. Empty where it does not exist: then "SKIPPED: <test> because <path> is missing" is printed and
/// counted, and the test is to return.
std::optional<std::filesystem::path> real_data(const std::string &below);

/// Prints "SKIPPED: <running test case> because <why>" and counts it; the run's last line gives the count.
void skip(const std::string &why);

}  // namespace sac::test
