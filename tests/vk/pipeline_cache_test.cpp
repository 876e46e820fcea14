// labels: bad_input tsan
// The pipeline cache on disk: kept, replaced whole, and ignored where it is damaged.
#include <doctest/doctest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <thread>

#include "compute/vk/pipeline.h"
#include "tests/support/device.h"
#include "tests/support/files.h"
#include "tests/support/spirv.h"

using namespace sac;
namespace fs = std::filesystem;

namespace {

// A device of its own whose warnings are kept.
struct Listening {
    std::vector<std::string> warnings;
    std::unique_ptr<vk::Device> device;

    Listening() {
        vk::DeviceOptions options = test::device_options();
        options.log = {[](void *user, LogLevel level, const char *message) {
                           if (level >= LogLevel::warning)
                               static_cast<Listening *>(user)->warnings.emplace_back(message);
                       },
                       this};
        auto created = vk::Device::create(options);
        REQUIRE(created.ok());
        device = std::move(*created);
    }
    vk::PipelineCache open(const fs::path &path, uint64_t key = 7) {
        auto cache = vk::PipelineCache::create(*device, path.string(), key);
        REQUIRE(cache.ok());
        CHECK(cache->handle() != VK_NULL_HANDLE);
        return std::move(*cache);
    }
    // Saves a cache with a pipeline in it.
    void fill(const fs::path &path) {
        const vk::PipelineCache cache = open(path);
        const auto pipeline = vk::Pipeline::create(*device, cache.handle(), test::make_shader({}), "cached");
        REQUIRE(pipeline.ok());
        const Status saved = cache.save();
        REQUIRE_MESSAGE(saved.ok(), saved.error().message);
    }
};

size_t files_in(const fs::path &folder) {
    return static_cast<size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

}  // namespace

TEST_CASE("a saved cache is loaded again; missing folders are made; no temporary file stays") {
    Listening on;
    const test::TempDir dir;
    const fs::path path = dir / "a" / "b" / "pipelines.bin";
    CHECK_FALSE(on.open(path).loaded_from_file());
    on.fill(path);
    CHECK(on.open(path).loaded_from_file());
    on.fill(path);  // over the old one
    CHECK(on.open(path).loaded_from_file());
    CHECK(files_in(dir / "a" / "b") == 1);
    CHECK(on.warnings.empty());
}

TEST_CASE("without a path nothing is read or written") {
    Listening on;
    const vk::PipelineCache cache = on.open("");
    CHECK_FALSE(cache.loaded_from_file());
    CHECK(cache.save().ok());
    CHECK(on.warnings.empty());
}

TEST_CASE("a flipped bit anywhere, a cut at any length and bytes added are all ignored with a warning") {
    Listening on;
    const test::TempDir dir;
    const fs::path path = dir / "pipelines.bin";
    on.fill(path);
    const std::vector<uint8_t> whole = test::read_bytes(path);
    REQUIRE(whole.size() >= 64);  // our header and at least the driver's
    size_t expected = 0;
    const auto is_ignored = [&](const std::vector<uint8_t> &bytes) {
        test::write_bytes(path, bytes.data(), bytes.size());
        const bool loaded = on.open(path).loaded_from_file();
        return !loaded && on.warnings.size() == ++expected &&
               on.warnings.back().find(path.string()) != std::string::npos;
    };
    const size_t step = whole.size() > 2000 ? whole.size() / 500 : 1;  // each byte of both headers, then samples
    for (size_t at = 0; at < whole.size(); at += at < 64 ? 1 : step) {
        std::vector<uint8_t> damaged = whole;
        damaged[at] = static_cast<uint8_t>(damaged[at] ^ (1 << at % 8));
        CAPTURE(at);
        REQUIRE(is_ignored(damaged));
    }
    for (size_t length = 0; length < whole.size(); length += length < 64 ? 1 : step) {
        CAPTURE(length);
        REQUIRE(is_ignored({whole.begin(), whole.begin() + static_cast<ptrdiff_t>(length)}));
    }
    std::vector<uint8_t> longer = whole;
    longer.push_back(0);
    CHECK(is_ignored(longer));
    test::write_bytes(path, whole.data(), whole.size());
    CHECK(on.open(path).loaded_from_file());
}

TEST_CASE("a cache of another key is ignored and then replaced") {
    Listening on;
    const test::TempDir dir;
    const fs::path path = dir / "pipelines.bin";
    on.fill(path);
    const vk::PipelineCache other = on.open(path, 8);
    CHECK_FALSE(other.loaded_from_file());
    CHECK(on.warnings.size() == 1);
    REQUIRE(other.save().ok());
    CHECK(on.open(path, 8).loaded_from_file());
}

TEST_CASE("where the file cannot be written or read the cache still works, and the error names it") {
    Listening on;
    const test::TempDir dir;
    test::write_text(dir / "file", "a file where a folder is wanted");
    const fs::path below_a_file = dir / "file" / "pipelines.bin";
    const Status failed = on.open(below_a_file).save();
    REQUIRE_FALSE(failed.ok());
    CHECK(failed.error().code == Code::io_error);
    CHECK(failed.error().message.find(below_a_file.string()) != std::string::npos);
    fs::create_directory(dir / "folder.bin");  // a folder where the file is wanted
    const vk::PipelineCache cache = on.open(dir / "folder.bin");
    CHECK_FALSE(cache.loaded_from_file());
    CHECK(cache.save().error().code == Code::io_error);
    CHECK(files_in(dir.path()) == 2);
    if (geteuid() != 0) {  // root may write everywhere
        fs::create_directory(dir / "locked");
        REQUIRE(chmod((dir / "locked").c_str(), 0500) == 0);
        CHECK(on.open(dir / "locked" / "pipelines.bin").save().error().code == Code::io_error);
    }
}

TEST_CASE("writers at once leave one whole file") {
    Listening on;
    const test::TempDir dir;
    const fs::path path = dir / "pipelines.bin";
    on.fill(path);
    std::vector<std::thread> threads;
    threads.reserve(3);
    std::atomic<int> wrong = 0;
    for (int thread = 0; thread < 3; ++thread) {
        threads.emplace_back([&] {
            for (int i = 0; i < 30; ++i) {
                const auto cache = vk::PipelineCache::create(*on.device, path.string(), 7);
                if (!cache.ok() || !cache->loaded_from_file() || !cache->save().ok()) ++wrong;
            }
        });
    }
    for (std::thread &thread : threads) thread.join();
    CHECK(wrong == 0);
    CHECK(on.warnings.empty());
    CHECK(files_in(dir.path()) == 1);
}

TEST_CASE("the default folder follows the environment") {
    const test::ScopedEnv own("SACCADE_CACHE_DIR", "/x/own"), xdg("XDG_CACHE_HOME", "/x/xdg"), home("HOME", "/x/home"),
        local("LOCALAPPDATA", "/x/local");
    CHECK(vk::default_cache_directory() == "/x/own");
    const test::ScopedEnv no_own("SACCADE_CACHE_DIR", nullptr);
    CHECK(vk::default_cache_directory() == "/x/xdg/saccade");
    const test::ScopedEnv no_xdg("XDG_CACHE_HOME", "");
    CHECK(vk::default_cache_directory() == "/x/home/.cache/saccade");
    const test::ScopedEnv no_home("HOME", nullptr);
    CHECK(vk::default_cache_directory() == "/x/local/saccade/cache");
    const test::ScopedEnv no_local("LOCALAPPDATA", nullptr);
    CHECK(vk::default_cache_directory().empty());
}
