#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "compute/base/format.h"
#include "compute/base/hash.h"
#include "compute/vk/pipeline.h"

namespace sac::vk {
namespace {

namespace fs = std::filesystem;

// The file is this header and then the driver's bytes. Little-endian as written; another byte order fails the magic.
struct Header {
    uint32_t magic = 0x43504153;  // "SAPC"
    uint32_t version = 1;
    uint64_t size = 0;  // of the driver's bytes
    uint64_t key = 0;
    uint64_t checksum = 0;  // FNV-1a of the driver's bytes, seeded with the three numbers above
};
static_assert(sizeof(Header) == 32);

constexpr uint64_t most = 256u << 20;  // larger files are damage, not caches

uint64_t checksum(const Header &header, const std::vector<char> &bytes) {
    const uint64_t numbers[] = {header.version, header.size, header.key};
    return hash_bytes(bytes.data(), bytes.size(), hash_bytes(numbers, sizeof numbers));
}

fs::path utf8_path(const std::string &path) { return fs::path(std::u8string(path.begin(), path.end())); }

// The driver's bytes. Error not_found if there is no file, invalid_file (io_error) if it must be ignored.
Result<std::vector<char>> read_cache(const std::string &path, const Caps &caps, uint64_t key) {
    std::error_code failed;
    if (!fs::exists(utf8_path(path), failed)) return Error(Code::not_found, "there is no file " + path);
    std::ifstream file(utf8_path(path), std::ios::binary);
    Header header;
    const auto ignored = [&](const char *why) {
        return Error(Code::invalid_file, format("the pipeline cache %s is ignored: %s", path.c_str(), why));
    };
    if (!file) return ignored("it cannot be opened");
    if (!file.read(reinterpret_cast<char *>(&header), sizeof header)) return ignored("it is too short");
    const Header expected;
    if (header.magic != expected.magic) return ignored("it is not a pipeline cache");
    if (header.version != expected.version) return ignored("it is of another version");
    if (header.key != key) return ignored("it belongs to another device, driver or set of kernels");
    if (header.size > most) return ignored("its size is damaged");
    std::vector<char> bytes;
    bytes.resize(static_cast<size_t>(header.size));
    if (!file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()))) return ignored("it is cut short");
    if (file.peek() != std::ifstream::traits_type::eof()) return ignored("it is too long");
    if (header.checksum != checksum(header, bytes)) return ignored("its checksum is wrong");
    // Some drivers do not check their own header.
    VkPipelineCacheHeaderVersionOne driver = {};
    if (bytes.size() < sizeof driver) return ignored("the driver's part is too short");
    std::memcpy(&driver, bytes.data(), sizeof driver);
    if (driver.vendorID != caps.vendor_id || driver.deviceID != caps.device_id ||
        std::memcmp(driver.pipelineCacheUUID, caps.pipeline_cache_uuid, VK_UUID_SIZE) != 0)
        return ignored("the driver's part belongs to another device");
    return bytes;
}

}  // namespace

Result<PipelineCache> PipelineCache::create(Device &device, std::string path, uint64_t key) {
    PipelineCache cache;
    cache.device_ = &device;
    cache.path_ = std::move(path);
    cache.key_ = key;
    std::vector<char> bytes;
    if (!cache.path_.empty()) {
        auto read = read_cache(cache.path_, device.caps(), key);
        if (read.ok())
            bytes = std::move(*read);
        else if (read.error().code != Code::not_found)
            device.log().write(LogLevel::warning, read.error().message.c_str());
    }
    VkPipelineCacheCreateInfo info = {};
    info.sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO;
    info.initialDataSize = bytes.size();
    info.pInitialData = bytes.data();
    cache.loaded_bytes_ = bytes.size();
    VkResult result = device.fn().CreatePipelineCache(device.handle(), &info, nullptr, &cache.cache_);
    if (result != VK_SUCCESS && cache.loaded_from_file()) {  // the driver does not like the data: begin anew
        cache.loaded_bytes_ = 0;
        info.initialDataSize = 0;
        info.pInitialData = nullptr;
        result = device.fn().CreatePipelineCache(device.handle(), &info, nullptr, &cache.cache_);
    }
    if (result != VK_SUCCESS) return vk_error(result, "creating the pipeline cache");
    device.set_name(VK_OBJECT_TYPE_PIPELINE_CACHE, reinterpret_cast<uint64_t>(cache.cache_), "pipeline cache");
    return cache;
}

PipelineCache::~PipelineCache() {
    if (cache_) device_->fn().DestroyPipelineCache(device_->handle(), cache_, nullptr);
}

PipelineCache::PipelineCache(PipelineCache &&other) noexcept
    : device_(std::exchange(other.device_, nullptr)),
      cache_(std::exchange(other.cache_, VK_NULL_HANDLE)),
      path_(std::move(other.path_)),
      key_(other.key_),
      loaded_bytes_(other.loaded_bytes_) {}

PipelineCache &PipelineCache::operator=(PipelineCache &&other) noexcept {
    PipelineCache taken(std::move(other));
    std::swap(device_, taken.device_);
    std::swap(cache_, taken.cache_);
    std::swap(path_, taken.path_);
    std::swap(key_, taken.key_);
    std::swap(loaded_bytes_, taken.loaded_bytes_);
    return *this;
}

Status PipelineCache::save() const {
    if (path_.empty()) return {};
    size_t size = 0;
    const DeviceFunctions &fn = device_->fn();
    SAC_VK(fn.GetPipelineCacheData(device_->handle(), cache_, &size, nullptr), "asking for the pipeline cache's size");
    std::vector<char> bytes(size);
    SAC_VK(fn.GetPipelineCacheData(device_->handle(), cache_, &size, bytes.data()), "reading the pipeline cache");
    bytes.resize(size);
    Header header;
    header.size = bytes.size();
    header.key = key_;
    header.checksum = checksum(header, bytes);

    const fs::path path = utf8_path(path_);
    std::error_code failed;
    fs::create_directories(path.parent_path(), failed);
    // A name no other thread or process has: renaming is atomic, so that readers see the old file or the new one.
    static std::atomic<uint32_t> counter = 0;
    const auto now = static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
    const uint64_t words[] = {now, reinterpret_cast<uintptr_t>(this), ++counter};
    fs::path temporary = path;
    temporary += format(".%016llx.tmp", static_cast<unsigned long long>(hash_bytes(words, sizeof words)));
    {
        std::ofstream file(temporary, std::ios::binary | std::ios::trunc);
        file.write(reinterpret_cast<const char *>(&header), sizeof header);
        file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
        file.close();
        if (!file) {
            fs::remove(temporary, failed);
            return Error(Code::io_error, "the pipeline cache " + path_ + " cannot be written");
        }
    }
    fs::rename(temporary, path, failed);
    if (failed) {
        const std::string why = failed.message();
        fs::remove(temporary, failed);
        return Error(Code::io_error,
                     format("the pipeline cache %s cannot be replaced: %s", path_.c_str(), why.c_str()));
    }
    return {};
}

std::string default_cache_directory() {
    const struct {
        const char *variable, *below;
    } places[] = {{"SACCADE_CACHE_DIR", ""},
                  {"XDG_CACHE_HOME", "/saccade"},
                  {"HOME", "/.cache/saccade"},
                  {"LOCALAPPDATA", "/saccade/cache"}};
    for (const auto &place : places)
        if (const char *value = std::getenv(place.variable); value && *value) return std::string(value) + place.below;
    return {};
}

}  // namespace sac::vk
