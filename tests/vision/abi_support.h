#pragma once
// The plugin as a host sees it, and a small network of which the right answer is known.

#include <atomic>
#include <filesystem>
#include <mutex>
#include <string>
#include <vector>

#include "plugins/vision/device_import.h"
#include "plugins/vision/saccade.h"

namespace sac::test {

/// The table of functions.
sac_api api();

/// A host's log and a context. Messages of the validation layer fail the test; others are kept.
class TestHost {
public:
    TestHost();
    ~TestHost();
    TestHost(const TestHost &) = delete;
    TestHost &operator=(const TestHost &) = delete;

    sac_host table = {};         ///< log is set; more may be
    sac_context_desc desc = {};  ///< for create(): validation, no cache on disk
    sac_api sac = {};
    sac_context context = {};

    /// Creates the context by `desc`.
    sac_result create();
    /// The same with other functions in the device's table.
    sac_result create_patched(const vision::PatchFunctions &patch);
    sac_result destroy();

    std::string last_error() const;
    /// Loads and waits; the test ends where that fails.
    uint32_t load(const std::filesystem::path &folder, uint32_t flags = 0);
    sac_result load_result(const std::filesystem::path &folder, uint32_t flags = 0);
    /// Submits and waits for the result of that frame. Null if it failed.
    const sac_snapshot *run(const sac_frame &frame);
    sac_statistics statistics() const;
    std::vector<std::string> logged() const;
    uint64_t seen = 0;  ///< sequence of the newest snapshot of run()

private:
    static void log(void *user, int32_t level, const char *message);
    mutable std::mutex mutex_;
    std::vector<std::string> logged_;
};

template <class T>
T make_struct(uint32_t type) {
    T made = {};
    made.type = type;
    made.size = sizeof(T);
    return made;
}

/// Writes a model folder whose network finds cells of pure red, green or blue: input 3 x 32 x 32, 8 x 8 pixels a cell,
/// stretch, class 0 red, 1 green, 2 blue, the box exactly the cell, the score 1. With `extra_layers` convolutions that
/// change nothing come before it, to make it slow.
void write_color_model(const std::filesystem::path &folder, const std::string &name = "colors", int extra_layers = 0);

/// A picture of 4 x 4 cells of `cell` x `cell` pixels, black but for one: column, row, and class as above.
struct ColorFrame {
    std::vector<uint8_t> pixels;
    sac_frame frame = {};
    ColorFrame(uint32_t format, uint32_t cell, uint32_t column, uint32_t row, uint32_t color);
    ColorFrame(const ColorFrame &) = delete;
    ColorFrame &operator=(const ColorFrame &) = delete;
};

/// Checks that the snapshot has one detection: that cell and class.
void check_color(const sac_snapshot *snapshot, uint32_t cell, uint32_t column, uint32_t row, uint32_t color);

}  // namespace sac::test
