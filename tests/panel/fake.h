#pragma once
// A plugin without a device: saccade.h and sac.debug/1 of a small model, always the same, that remembers what was asked
// of it. One at a time: functions of C have no room for more.

#include <map>
#include <string>
#include <vector>

#include "plugins/vision/saccade_debug.h"

namespace sac::test {

struct Fake {
    bool has_debug = true, has_model = true, refuses = false;
    bool is_older = false;  ///< than 1.3: without budgets
    uint32_t debug_version = 2;
    uint64_t sequence = 1;         ///< of the newest snapshot
    uint64_t frames = 200;         ///< that went through the device
    sac_budget_state slices = {};  ///< what it tells of them; its budget is what it was given

    // What was asked of it.
    std::map<std::string, int> calls;
    sac_detect_settings detect = {};
    sac_track_settings track = {};
    std::vector<uint32_t> filter;
    bool is_filtered = false;
    uint32_t run_mode = SAC_RUN_LIVE;
    uint32_t inspect_flags = 0;
    std::vector<std::string> watched;
    int snapshots_held = 0;
};

/// The state of the one that is in use, put back to its beginning by reset_fake().
Fake &fake();
void reset_fake();
sac_api fake_api();

}  // namespace sac::test
