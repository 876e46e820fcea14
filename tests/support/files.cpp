#include "tests/support/files.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <random>

#include "compute/base/format.h"
#include "compute/base/half.h"

namespace sac::test {
namespace fs = std::filesystem;

TempDir::TempDir() {
    std::random_device random;
    for (;;) {
        path_ = fs::temp_directory_path() / format("saccade-test-%08x%08x", random(), random());
        if (fs::create_directories(path_)) return;
    }
}

TempDir::~TempDir() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
}

ScopedEnv::ScopedEnv(const char *name, const char *value) : name_(name) {
    if (const char *text = std::getenv(name)) before_ = text;
    if (value)
        setenv(name, value, 1);
    else
        unsetenv(name);
}

ScopedEnv::~ScopedEnv() {
    if (before_)
        setenv(name_.c_str(), before_->c_str(), 1);
    else
        unsetenv(name_.c_str());
}

std::vector<uint8_t> read_bytes(const fs::path &path) {
    std::ifstream file(path, std::ios::binary);
    REQUIRE_MESSAGE(file.good(), path.string() << " cannot be read");
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::string read_text(const fs::path &path) {
    const std::vector<uint8_t> bytes = read_bytes(path);
    return {bytes.begin(), bytes.end()};
}

void write_bytes(const fs::path &path, const void *data, size_t size) {
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file.write(static_cast<const char *>(data), static_cast<std::streamsize>(size));
    file.close();
    REQUIRE_MESSAGE(file.good(), path.string() << " cannot be written");
}

void write_text(const fs::path &path, const std::string &text) { write_bytes(path, text.data(), text.size()); }

Result<NpyArray> read_npy(const fs::path &path) {
    std::ifstream file(path, std::ios::binary);
    const auto bad = [&](const char *why) { return Error(Code::invalid_file, path.string() + ": " + why); };
    unsigned char start[8] = {};
    if (!file.read(reinterpret_cast<char *>(start), 8) || std::memcmp(start, "\x93NUMPY", 6) != 0)
        return bad("not an .npy file");
    unsigned char length[4] = {};
    if (!file.read(reinterpret_cast<char *>(length), start[6] >= 2 ? 4 : 2)) return bad("cut short");
    std::string header(length[0] | length[1] << 8 | length[2] << 16 | uint32_t(length[3]) << 24, '\0');
    if (!file.read(header.data(), static_cast<std::streamsize>(header.size()))) return bad("cut short");
    NpyArray array;
    const size_t descr = header.find("'descr': '"), shape = header.find("'shape': (");
    if (descr == std::string::npos || shape == std::string::npos) return bad("its header lacks descr or shape");
    if (header.find("'fortran_order': False") == std::string::npos) return bad("not in C order");
    array.dtype = header.substr(descr + 10, header.find('\'', descr + 10) - descr - 10);
    for (const char *at = header.c_str() + shape + 10; *at && *at != ')';) {
        char *end = nullptr;
        const long long extent = std::strtoll(at, &end, 10);
        if (end == at) break;
        array.shape.push_back(extent);
        at = end + std::strspn(end, ", ");
    }
    array.bytes.assign(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    size_t expected = array.dtype.size() == 3 ? static_cast<size_t>(array.dtype[2] - '0') : 0;
    for (const int64_t extent : array.shape) expected *= static_cast<size_t>(extent);
    if (expected != array.bytes.size()) return bad("its size does not fit its shape and type");
    return array;
}

std::vector<float> NpyArray::floats() const {
    const auto convert = [&](auto zero, auto to_float) {
        std::vector<float> values(bytes.size() / sizeof zero);
        for (size_t i = 0; i < values.size(); ++i) {
            std::memcpy(&zero, bytes.data() + i * sizeof zero, sizeof zero);
            values[i] = to_float(zero);
        }
        return values;
    };
    const auto plain = [](auto x) { return static_cast<float>(x); };
    const std::string type = dtype.substr(1);
    if (type == "f2") return convert(uint16_t(), half_to_float);
    if (type == "f4") return convert(float(), plain);
    if (type == "f8") return convert(double(), plain);
    if (type == "i1") return convert(int8_t(), plain);
    if (type == "i2") return convert(int16_t(), plain);
    if (type == "i4") return convert(int32_t(), plain);
    if (type == "i8") return convert(int64_t(), plain);
    if (type == "u1" || type == "b1") return convert(uint8_t(), plain);
    if (type == "u2") return convert(uint16_t(), plain);
    if (type == "u4") return convert(uint32_t(), plain);
    if (type == "u8") return convert(uint64_t(), plain);
    FAIL("an .npy array of type " << dtype);
    return {};
}

std::optional<fs::path> real_data(const std::string &below) {
    const char *chosen = std::getenv("SACCADE_REAL");
    const fs::path root =
        chosen && *chosen ? fs::path(chosen) : fs::path(SACCADE_SOURCE_DIR) / ".." / "shared" / "real";
    const fs::path path = (root / below).lexically_normal();
    std::error_code ignored;
    if (fs::exists(path, ignored)) return path;
    skip(path.string() + " is missing");
    return {};
}

}  // namespace sac::test
