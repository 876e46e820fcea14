#pragma once
// The running model as a tool sees it.

#include <doctest/doctest.h>

#include "plugins/vision/saccade_debug.h"
#include "tests/vision/abi_support.h"

namespace sac::test {

/// A context with a model, and version 2 of sac.debug/1.
struct Tool {
    TestHost host;
    const sac_debug_api *debug = nullptr;

    /// Creates the context.
    Tool();
    void release(const sac_snapshot *snapshot) { CHECK(host.sac.release_result(host.context, snapshot) == SAC_OK); }
    /// Runs a frame and gives the sequence of its snapshot.
    uint64_t run(const sac_frame &frame);
    /// Waits for the next snapshot above that sequence: its own.
    uint64_t wait(uint64_t after);
    sac_result watch(const std::vector<std::string> &tensors, uint32_t flags = 0);
    sac_running_info running() const;
    std::vector<sac_layer_info> layers() const;
    sac_run_state run_state() const;
    sac_detect_state detect_state() const;
    sac_memory_info memory() const;
    std::vector<sac_frame_timing> timings(uint64_t after = 0) const;
    std::vector<float> tensor(const std::string &name) const;
    std::vector<float> map(const std::string &name, uint32_t image, uint32_t channel) const;
};

/// A detector (input "image" 3 x 32 x 32, head fastestdet, classes "a", "b", "c") of a few layers with seeded weights:
/// "c1" is fused into "r1"; "left" and "right" are placed in "joined"; "sum" has a residual; "cells" is the output.
void write_layers_model(const std::filesystem::path &folder, uint64_t seed = 1);

}  // namespace sac::test
