#include "plugins/vision/tuning_file.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include <nlohmann/json.hpp>

#include "compute/base/format.h"
#include "compute/base/hash.h"

namespace sac::vision {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr int version = 1;
constexpr uintmax_t most_bytes = 16u << 20;  // larger files are damage

fs::path utf8_path(const std::string &path) { return fs::path(std::u8string(path.begin(), path.end())); }

/// Keeps other writers out by a folder beside the file, which only one can make. One that ended without taking its
/// folder away is waited for in vain, for a second: then at worst what another writes at this moment is lost.
class WriterLock {
public:
    explicit WriterLock(const fs::path &file) : folder_(file) {
        folder_ += ".lock";
        std::error_code failed;
        for (int i = 0; i < 200 && !fs::create_directory(folder_, failed) && !failed; ++i)
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    ~WriterLock() {
        std::error_code failed;
        fs::remove(folder_, failed);
    }
    WriterLock(const WriterLock &) = delete;
    WriterLock &operator=(const WriterLock &) = delete;

private:
    fs::path folder_;
};

/// Error not_found if there is no file, invalid_file if it must be ignored.
Result<Tuning> read_file(const std::string &path, const std::string &key) {
    const fs::path file = utf8_path(path);
    const auto ignored = [&](const char *why) {
        return Error(Code::invalid_file, format("the measured kernels in %s are ignored: %s", path.c_str(), why));
    };
    std::error_code failed;
    const uintmax_t bytes = fs::file_size(file, failed);
    if (failed == std::errc::no_such_file_or_directory) return Error(Code::not_found, "there is no file " + path);
    if (failed || bytes > most_bytes) return ignored("it cannot be read");
    std::ifstream in(file, std::ios::binary);
    std::stringstream text;
    if (!(text << in.rdbuf())) return ignored("it cannot be read");
    const Json json = Json::parse(text.str(), nullptr, false);
    if (!json.is_object()) return ignored("it is damaged");
    const auto member = [&](const char *name) {
        const auto found = json.find(name);
        return found == json.end() ? Json() : *found;
    };
    if (member("version") != version) return ignored("it is of another version");
    if (member("key") != key) return ignored("it belongs to another device, driver or set of kernels");
    const Json winners = member("winners");
    if (!winners.is_object()) return ignored("it is damaged");
    Tuning tuning;
    for (const auto &[problem, winner] : winners.items()) {
        if (!winner.is_string()) return ignored("it is damaged");
        tuning[problem] = winner.get<std::string>();
    }
    return tuning;
}

}  // namespace

TuningFile::TuningFile(const std::string &pipelines) {
    const size_t name = pipelines.find_last_of('/') + 1, dash = pipelines.find('-', name);
    if (pipelines.empty() || dash == std::string::npos) return;
    key_ = pipelines.substr(dash + 1, pipelines.rfind('.') - dash - 1);
    path_ = pipelines.substr(0, name) + "tuning-" + key_ + ".json";
}

Tuning TuningFile::read(const Log &log) const {
    if (path_.empty()) return {};
    auto read = read_file(path_, key_);
    if (read.ok()) return std::move(*read);
    if (read.error().code != Code::not_found) log.write(LogLevel::warning, read.error().message.c_str());
    return {};
}

Status TuningFile::merge(const Tuning &winners, const Log &log) const {
    if (path_.empty()) return {};
    const fs::path file = utf8_path(path_);
    std::error_code failed;
    fs::create_directories(file.parent_path(), failed);
    const WriterLock lock(file);
    Tuning all = read(log);
    for (const auto &[problem, winner] : winners) all[problem] = winner;
    const Json json = {{"version", version}, {"key", key_}, {"winners", all}};
    // A name that no other thread or process has.
    const auto now = static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
    const uint64_t words[] = {now, reinterpret_cast<uintptr_t>(&lock)};
    fs::path temporary = file;
    temporary += format(".%016llx.tmp", static_cast<unsigned long long>(hash_bytes(words, sizeof words)));
    {
        std::ofstream out(temporary, std::ios::binary | std::ios::trunc);
        out << json.dump(1, ' ', false, Json::error_handler_t::replace) << '\n';
        out.close();
        if (!out) {
            fs::remove(temporary, failed);
            return Error(Code::io_error, "the measured kernels " + path_ + " cannot be written");
        }
    }
    fs::rename(temporary, file, failed);
    if (!failed) return {};
    const std::string why = failed.message();
    fs::remove(temporary, failed);
    return Error(Code::io_error, format("the measured kernels %s cannot be replaced: %s", path_.c_str(), why.c_str()));
}

}  // namespace sac::vision
