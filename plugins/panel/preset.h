#pragma once
// Settings that can be kept: as a file and as a C snippet. No ImGui here.

#include <cstdint>
#include <string>
#include <vector>

namespace sac::panel {

inline constexpr int preset_version = 1;

struct Preset {
    float score_threshold = 0, iou_threshold = 0;  ///< 0: the card's
    uint32_t max_detections = 0;                   ///< 0: the card's
    bool all_classes = true;
    std::vector<uint32_t> classes;  ///< that are wanted, ascending, where not all are
    bool track = false;
    float budget_ms = 33.3f;    ///< of the budget line
    std::string source, model;  ///< as the host named them; "": whatever is in use

    bool operator==(const Preset &) const = default;
};

/// JSON, one line a field.
std::string to_json(const Preset &preset);

/// Reads to_json's text; fields that are missing keep their defaults, unknown ones are passed over. False with a
/// sentence in `error`, and `preset` untouched: no JSON object, another version, a value of the wrong kind or range.
bool from_json(const std::string &text, Preset &preset, std::string &error);

/// The same to and from a file; the sentence names it. A file is written beside its place and renamed.
bool save_preset(const std::string &path, const Preset &preset, std::string &error);
bool load_preset(const std::string &path, Preset &preset, std::string &error);

/// A C function that applies the preset to a context, with its includes: it compiles as it is.
std::string to_c(const Preset &preset);

}  // namespace sac::panel
