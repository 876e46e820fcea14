#pragma once
// Where models are found: a folder that is named, one of the project's own by name, or one with seeded weights made on
// the spot.

#include <algorithm>
#include <array>

#include "samples/cli/arguments.h"
#include "samples/cli/vision.h"

namespace sac::cli {

/// The project's assets: $SACCADE_ASSETS, else ../share/saccade/assets beside an installed program, else `assets` in a
/// folder above it (a build tree). Empty if there is none.
std::string assets_directory();

/// A folder that is removed with all in it at the end.
class TemporaryFolder {
public:
    static Result<TemporaryFolder> create();
    ~TemporaryFolder();
    TemporaryFolder(TemporaryFolder &&other) noexcept : path_(std::move(other.path_)) { other.path_.clear(); }
    TemporaryFolder &operator=(TemporaryFolder &&other) noexcept {
        std::swap(path_, other.path_);
        return *this;
    }
    const std::string &path() const { return path_; }

private:
    TemporaryFolder() = default;
    std::string path_;
};

/// A model choice and, for "seeded", the folder that was made for it.
struct Model {
    ModelChoice choice;
    std::optional<TemporaryFolder> made;
    bool seeded() const { return made.has_value(); }
};

inline constexpr Option half_option = {"--half", nullptr, "half-precision storage", Option::Kind::flag};
inline constexpr Option device_option = {"--device", "D",
                                         "number or part of the name of the Vulkan device (see saccade devices)"};

/// The options of every command that looks at frames with a model.
inline constexpr std::array<Option, 6> model_options = {{
    {"--model", "DIR",
     "a model's folder, a model's name in the project, or 'seeded': random weights (default: toybox; with --weights "
     "fastestdet)"},
    {"--weights", "FILE", "the network's ONNX file, if it is not in the model's folder"},
    {"--score", "S", "lowest score of a detection, 0 to 1 (default: the model's)", Option::Kind::number, 0.0001, 1},
    {"--iou", "I", "overlap above which the lesser box is dropped, 0 to 1 (default: the model's)", Option::Kind::number,
     0.0001, 1},
    half_option,
    device_option,
}};

/// Those, then a command's own.
template <size_t n>
constexpr std::array<Option, model_options.size() + n> with_model_options(const Option (&own)[n]) {
    std::array<Option, model_options.size() + n> all = {};
    std::copy(std::begin(own), std::end(own), std::copy(model_options.begin(), model_options.end(), all.begin()));
    return all;
}

/// What model_options choose.
Result<Model> choose_model(const Arguments &arguments);

}  // namespace sac::cli
