#pragma once
// The plugin's C ABI as the commands use it: owned handles, Results, and nothing that the header does not offer.

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "compute/base/result.h"
#include "engine/io/frame.h"
#include "plugins/overlay/overlay.h"
#include "plugins/vision/saccade_debug.h"

namespace sac::cli {

/// SACCADE_VALIDATION is set to something but 0: programs run under the validation layer, and a message of it is a
/// failure.
bool validation_wanted();

struct Detection {
    std::string label;
    uint32_t class_id = 0;
    float score = 0, x1 = 0, y1 = 0, x2 = 0, y2 = 0;  ///< pixels of the upright picture
    uint32_t track = 0;                               ///< 0: none
};

/// A copy of a snapshot.
struct Answer {
    uint64_t sequence = 0, frame_id = 0;
    double gpu_ms = 0, latency_ms = 0;
    uint64_t dropped = 0;
    std::vector<Detection> detections;
};

/// Which model, and how it is run.
struct ModelChoice {
    std::string folder, weights;
    bool half = false;
    float score = 0, iou = 0;  ///< 0: the card's
};

/// A context in mode D. [thread] one at a time.
class Vision {
public:
    /// `device` empty: SACCADE_DEVICE or the best. `cache_directory` null: the user's; "": none.
    static Result<std::unique_ptr<Vision>> create(const std::string &device, const char *cache_directory = nullptr);
    ~Vision();
    Vision(const Vision &) = delete;
    Vision &operator=(const Vision &) = delete;

    /// Loads a model and waits until it is ready; tells so on stderr, if that lasts.
    Status load(const ModelChoice &choice);
    const sac_model_info &model() const { return model_; }
    sac_statistics statistics() const;
    /// The one that frames go through now: another one if the host has loaded it since by the ABI.
    sac_model_info model_in_use() const;
    sac_context_info info() const;

    /// Gives objects track ids from the next frame on; every call begins anew, as another source does.
    Status track();

    /// Hands a frame over, by reference: its planes are kept alive. `id` comes back in the answer.
    Status submit(const engine::Frame &frame, uint64_t id);
    /// The newest answer after `sequence`, if there is one.
    Result<std::optional<Answer>> poll(uint64_t after);
    /// Waits for the answer to the frame `id`, which was the last that was submitted.
    Result<Answer> wait(uint64_t id);

    /// Error if the validation layer has said something.
    Status validation_status() const;

    const sac_api &api() const { return api_; }
    sac_context context() const { return context_; }
    /// Turns a result into an error with the plugin's sentence.
    Status check(sac_result result) const;
    /// The debug extension; null is an error of its own.
    Result<const sac_debug_api *> debug() const;

private:
    Vision() = default;
    static void log(void *user, int32_t level, const char *message);
    Status load_and_wait(const ModelChoice &choice);
    Answer take(const sac_snapshot *snapshot) const;

    sac_api api_ = {};
    sac_context context_ = {};
    sac_host host_ = {};
    sac_model_info model_ = {};
    std::atomic<uint64_t> errors_logged_ = 0;
    std::mutex log_mutex_;
    std::optional<std::vector<std::string>> held_;  // what is logged while a model is loaded
};

/// Boxes with "label 0.78" for an overlay, or "label 0.78 #5" in the color of the track.
overlay::Overlay to_overlay(const std::vector<Detection> &detections);

}  // namespace sac::cli
