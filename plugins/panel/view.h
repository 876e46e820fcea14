#pragma once
// What the parts of the panel share: what was read of the plugin for this draw, and what the user has chosen.

#include <string>
#include <vector>

#include "plugins/panel/panel.h"
#include "plugins/panel/preset.h"

namespace sac::panel {

/// A copy of the newest snapshot.
struct Answer {
    sac_snapshot snapshot = {};  ///< its pointers are of no use
    std::vector<sac_detection> detections;
};

/// A texture of the panel; the host's null is an empty one.
struct Picture {
    ImTextureID id = nullptr;
    uint32_t width = 0, height = 0;
};

struct View {
    sac_api api = {};
    const sac_debug_api *debug = nullptr;  ///< null: the plugin has no sac.debug/1 of version 2
    sac_context context = {};
    TextureHost *textures = nullptr;
    std::string preset_folder;

    // ---- read of the plugin by refresh() ----
    sac_statistics statistics = {};
    sac_context_info info = {};
    sac_model_info model = {};      ///< the newest that was asked for
    sac_model_info in_use = {};     ///< that frames go through; id 0: none
    sac_running_info running = {};  ///< model_id 0: none is in use
    sac_detect_state detect = {};
    sac_run_state run = {};
    sac_memory_info memory = {};
    Answer answer;
    double age_ms = 0;                      ///< of the answer
    std::vector<sac_frame_timing> timings;  ///< the newest last
    std::vector<sac_running_dispatch> dispatches;
    std::vector<sac_layer_info> layers;
    std::vector<std::string> labels;
    std::vector<float> dispatch_us;  ///< empty: none were timed

    // ---- chosen by the user ----
    Preset settings;
    std::string message;  ///< the last "no" of the plugin or of a file; "": none
    bool profile = true;  ///< dispatches are timed while the timing part is open
    int layer = -1;       ///< that is looked at
    uint32_t first_map = 0;
    bool wants_profile = false, wants_tensors = false;  ///< by the parts of this draw
    std::vector<float> host_ms;                         ///< the newest last

    /// Keeps the sentence of a call that failed. True if it did not.
    bool check(sac_result result);
    /// Reads all of the above.
    void refresh();
    /// Hands the settings to the plugin.
    void apply_detection();
    void apply_classes();
    void apply_tracks();
    void apply_all() { apply_detection(), apply_classes(), apply_tracks(); }
    /// Asks the plugin for what this draw wanted to see.
    void watch();

    /// Fits `picture` to that size and fills it with RGBA bytes.
    void fill(Picture &picture, uint32_t width, uint32_t height, const std::vector<uint8_t> &pixels);

private:
    void refresh_model();
    std::vector<std::string> watched_;
    uint32_t watch_flags_ = 0, known_model_ = 0, watched_model_ = 0;
};

// ---- the parts, one file each ----

struct OverviewPart {
    Wishes draw(View &view, const Host &host);
};
struct DetectionPart {
    char search[64] = {};
    void draw(View &view);
};
/// A section of the timing part: networks in slices of the host's frames.
struct SlicesPart {
    /// The plugin's counts as they were at a draw.
    struct Seen {
        double time = 0;  ///< ImGui's
        uint64_t slices = 0, passes = 0;
    };
    std::vector<Seen> last_second;  ///< the newest last
    std::vector<bool> over;         ///< of the slices seen of late, whether each was over what it was granted
    uint32_t seen_budget_us = 0, granted_us = 0;  ///< at the draw before
    float budget_ms = 4;                          ///< to go back to when it is turned on
    void draw(View &view);

private:
    void see(const View &view, const sac_budget_state &state);
    void draw_counts(const sac_budget_state &state) const;
};
struct TimingPart {
    int series = 0;
    std::vector<int> order;  ///< of the dispatches, as they are sorted
    SlicesPart slices;
    void draw(View &view);
};
struct NetworkPart {
    Picture input, maps;
    char search[64] = {};
    uint64_t seen = 0;        ///< sequence that the pictures are of
    double next_read = 0;     ///< ImGui's time
    std::string name;         ///< of the layer that the next are about
    uint32_t shown_from = 0;  ///< first of the maps shown
    sac_tensor_statistics statistics = {};
    std::vector<uint64_t> bins;
    std::string reason;  ///< why there is nothing to see
    void draw(View &view);
    void read(View &view);
};
struct MemoryPart {
    void draw(View &view);
};
struct PresetPart {
    char name[64] = "default";
    std::string done;
    Wishes draw(View &view, const Host &host);
};
struct TransportPart {
    void draw(View &view);
};

// ---- small things for all parts ----

/// A name in gray and its value in one row of a table of two columns.
void row(const char *name, const char *format, ...) IM_FMTARGS(2);
/// Such a table; the first column is so many letters wide. To be ended where it is true.
bool begin_rows(const char *id, float letters = 11);
void heading(const char *text);
/// "3.4 MB".
std::string bytes_text(uint64_t bytes);
/// "1x64x88x88".
std::string shape_text(const sac_layer_info &layer);
/// Color of a class: the same in every run.
ImU32 class_color(uint32_t class_id);
/// A value of 0 to 1 as a color from dark to bright, readable also in gray.
ImU32 heat_color(float value);

}  // namespace sac::panel
