// The library is loaded and unloaded a hundred times by a process of its own.

#include <doctest/doctest.h>

#ifdef __linux__

#include <dlfcn.h>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/support/files.h"
#include "tests/vision/abi_support.h"

using namespace sac::test;
namespace fs = std::filesystem;

namespace {

// What is freed stays in quarantine, and the leaks of a driver that was unloaded have no name to be left out by.
#ifdef __SANITIZE_ADDRESS__
constexpr bool address_sanitizer = true;
#else
constexpr bool address_sanitizer = false;
#endif

fs::path own_path() { return fs::read_symlink("/proc/self/exe"); }
fs::path library() { return own_path().parent_path().parent_path() / "lib" / "libsaccade.so"; }

bool is_mapped() {
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);)
        if (line.find("libsaccade") != std::string::npos) return true;
    return false;
}

// What is left after malloc has given back what it can.
long resident_kib() {
    malloc_trim(0);
    std::ifstream status("/proc/self/statm");
    long total = 0, resident = 0;
    status >> total >> resident;
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

long heap_kib() { return static_cast<long>(mallinfo2().uordblks / 1024); }

long thread_count() {
    long count = 0;
    for (const auto &entry : fs::directory_iterator("/proc/self/task")) count += entry.exists() ? 1 : 0;
    return count;
}

// Loads, makes a context, finds a colour, and unloads.
void use_once(const fs::path &model) {
    void *const handle = dlopen(library().c_str(), RTLD_NOW | RTLD_LOCAL);
    REQUIRE_MESSAGE(handle, dlerror());
    const auto get = reinterpret_cast<sac_get_api_function>(dlsym(handle, "sac_get_api"));
    REQUIRE(bool(get));
    sac_api sac = {};
    sac.size = sizeof sac;
    REQUIRE(get(SAC_MAJOR, &sac) == SAC_OK);
    auto desc = make_struct<sac_context_desc>(SAC_TYPE_CONTEXT_DESC);
    desc.cache_directory = "";
    sac_context context = {};
    REQUIRE(sac.create_context(&desc, &context) == SAC_OK);
    auto model_desc = make_struct<sac_model_desc>(SAC_TYPE_MODEL_DESC);
    const std::string path = model.string();
    model_desc.folder = path.c_str();
    REQUIRE(sac.load_model(context, &model_desc, nullptr) == SAC_OK);
    REQUIRE(sac.wait_model(context, 0, 60000) == SAC_OK);
    const ColorFrame picture(SAC_FORMAT_RGB8, 8, 2, 1, 0);
    REQUIRE(sac.submit_frame(context, &picture.frame) == SAC_OK);
    const sac_snapshot *snapshot = nullptr;
    REQUIRE(sac.wait_result(context, 0, 60000, &snapshot) == SAC_OK);
    check_color(snapshot, 8, 2, 1, 0);
    REQUIRE(sac.release_result(context, snapshot) == SAC_OK);
    REQUIRE(sac.destroy_context(context) == SAC_OK);
    CHECK(is_mapped());
    REQUIRE(dlclose(handle) == 0);
}

}  // namespace

// Run by the test below: the process must be a fresh one.
TEST_CASE("unloading child" * doctest::skip()) {
    const TempDir folder;
    write_color_model(folder / "colors");
    // What is in use on the heap is exact; resident memory goes up and down with compiled code: its low marks count.
    constexpr int loads = 100, window = 25;
    long early = LONG_MAX, late = LONG_MAX, heap = 0;
    for (int i = 0; i < loads; ++i) {
        use_once(folder / "colors");
        REQUIRE_FALSE(is_mapped());
        REQUIRE(thread_count() == 1);
        if (i == window) heap = heap_kib();
        if (i >= window && i < 2 * window) early = std::min(early, resident_kib());
        if (i >= loads - window) late = std::min(late, resident_kib());
    }
    if (address_sanitizer) return;
    CAPTURE(early);
    CAPTURE(late);
    const long growth = heap_kib() - heap;
    CHECK(growth < loads - window);  // less than 1 KiB a load
    CHECK(late - early < 4096);
}

TEST_CASE("a hundred loads and unloads leave nothing behind") {
    if (!fs::exists(library())) {
        skip("the plugin is not beside the tests");
        return;
    }
    const std::string no_leaks = address_sanitizer ? "ASAN_OPTIONS=\"$ASAN_OPTIONS:detect_leaks=0\" " : "";
    const std::string command = no_leaks + "'" + own_path().string() + "' --no-skip --test-case='unloading child'";
    CHECK(std::system(command.c_str()) == 0);
}

#endif
