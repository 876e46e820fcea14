#include "samples/cli/npy.h"

#include <bit>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

#include "compute/base/format.h"

namespace sac::cli {

static_assert(std::endian::native == std::endian::little, "files are little-endian, and so are all hosts so far");

namespace {

constexpr char magic[] = "\x93NUMPY";

// What comes after 'key': in the header's Python dictionary.
std::string value_of(const std::string &header, const std::string &key) {
    const size_t at = header.find("'" + key + "':");
    if (at == std::string::npos) return {};
    const size_t start = header.find_first_not_of(' ', at + key.size() + 3);
    if (start == std::string::npos) return {};
    const size_t end = header[start] == '(' ? header.find(')', start) : header.find_first_of(",}", start);
    return end == std::string::npos ? std::string() : header.substr(start, end - start);
}

}  // namespace

Result<NpyArray> read_npy(const std::string &path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) return Error(Code::not_found, path + ": cannot be opened");
    const std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    const auto damaged = [&](const char *what) { return Error(Code::invalid_file, path + ": " + what); };
    if (bytes.size() < 10 || std::memcmp(bytes.data(), magic, 6) != 0) return damaged("not a .npy file");
    const auto byte = [&](size_t i) { return static_cast<size_t>(static_cast<unsigned char>(bytes[i])); };
    const bool long_header = bytes[6] >= 2;
    const size_t start = long_header ? 12 : 10;
    if (bytes.size() < start) return damaged("the header is truncated");
    const size_t length = byte(8) | byte(9) << 8 | (long_header ? byte(10) << 16 | byte(11) << 24 : 0);
    if (length > bytes.size() - start) return damaged("the header is truncated");
    const std::string header = bytes.substr(start, length);

    if (value_of(header, "descr") != "'<f4'")
        return Error(Code::unsupported,
                     path + ": only 32-bit floats are read here; numpy's array.astype('float32') makes them");
    if (value_of(header, "fortran_order") != "False")
        return Error(Code::unsupported,
                     path + ": is in Fortran order; numpy.ascontiguousarray(array) makes it C order");
    const std::string shape = value_of(header, "shape");
    if (shape.empty() || shape[0] != '(') return damaged("the header has no shape");
    NpyArray array;
    const size_t available = (bytes.size() - start - length) / sizeof(float);
    size_t count = 1;
    for (const char *at = shape.c_str() + 1; *at;) {
        char *end = nullptr;
        const long long size = std::strtoll(at, &end, 10);
        if (end == at) break;
        if (size < 0 || (size > 0 && count > available / static_cast<size_t>(size)))
            return damaged("the data is truncated");
        count *= static_cast<size_t>(size);
        array.shape.push_back(size);
        at = end + (*end == ',' ? 1 : 0);
    }
    if (count > available) return damaged("the data is truncated");
    array.values.resize(count);
    std::memcpy(array.values.data(), bytes.data() + start + length, count * sizeof(float));
    return array;
}

Status write_npy(const std::string &path, const NpyArray &array) {
    std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (";
    for (const int64_t size : array.shape) header += std::to_string(size) + ",";
    header += "), }";
    header.append(64 - (10 + header.size() + 1) % 64, ' ');  // the data starts at a multiple of 64
    header += '\n';
    std::string bytes(magic, 6);
    bytes += {'\x01', '\x00', static_cast<char>(header.size() & 255), static_cast<char>(header.size() >> 8)};
    bytes += header;
    std::ofstream out(path, std::ios::binary);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    out.write(reinterpret_cast<const char *>(array.values.data()),
              static_cast<std::streamsize>(array.values.size() * sizeof(float)));
    out.close();
    if (!out) return Error(Code::io_error, path + ": cannot be written");
    return {};
}

}  // namespace sac::cli
