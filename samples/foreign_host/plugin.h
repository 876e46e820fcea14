#pragma once
// Everything that this host does with Saccade: hand over the device, load a model, hand over frames, look for results,
// have the overlay drawn. All of it is in saccade.h and saccade_overlay.h.

#include <saccade.h>
#include <saccade_overlay.h>

#include <optional>
#include <string>
#include <vector>

#include "samples/foreign_host/frame_ring.h"

/// The table of functions, of which the host needs to have one before it has a device. Throws a HostError.
sac_api load_plugin();
/// Throws where the plugin insists on something that this host's devices do not have enabled.
void check_requirements(const sac_api &sac);

struct PluginOptions {
    uint32_t mode = SAC_MODE_OWN_QUEUE;  ///< how the device is shared: SAC_MODE_...
    uint32_t width = 0, height = 0;      ///< of the frames
    std::string folder, weights;         ///< the model's; weights empty: the folder's
};

/// The newest ten thousand of many measurements: a window may stay open for days, and memory is not to grow with time.
class Measurements {
public:
    void add(double value) {
        if (values_.size() < most)
            values_.push_back(value);
        else
            values_[next_++ % most] = value;
    }
    const std::vector<double> &values() const { return values_; }

private:
    static constexpr size_t most = 10000;
    std::vector<double> values_;
    size_t next_ = 0;
};

/// Host and ring must outlive it. [thread] one. Errors of the plugin's are thrown as HostErrors.
class Plugin {
public:
    /// Starts loading the model as well: see ready().
    Plugin(const sac_api &sac, VulkanHost &host, const FrameRing &ring, PluginOptions options);
    ~Plugin();
    Plugin(const Plugin &) = delete;
    Plugin &operator=(const Plugin &) = delete;

    /// The mode in use, in words.
    const char *mode_name() const;
    /// Mode C: hand_over records the frame's vision commands, which are to be submitted then.
    bool records_commands() const { return mode_ == SAC_MODE_HOST_COMMANDS; }
    /// Whether the model is loaded; throws if it cannot be.
    bool ready();

    /// What the network may take of each of the host's frames, in milliseconds; 0: there is no limit.
    void set_budget(double milliseconds);
    /// To be called at the beginning of each frame: with a budget the next slice may go.
    void begin_frame();
    /// Gives the scene of a frame that is being recorded to the plugin, which reads it when it is drawn: no copy, no
    /// wait. Mode C with a budget: records a slice of the frame before instead, if there is one left. False: neither.
    bool hand_over(Frame &frame, uint64_t id, uint64_t timestamp_ns);
    /// The newest result there is, as long as this is not called again; null: none yet. Never waits.
    const sac_snapshot *newest();
    std::optional<uint64_t> last_taken() const { return last_taken_; }  ///< the frame's number
    /// Waits for the result of the last frame that was taken, if one was. Not for a render loop.
    const sac_snapshot *wait_for_last();
    /// Records boxes and words over the frame's target, which is left in TRANSFER_SRC_OPTIMAL.
    void draw_overlay(const Frame &frame, const sac_snapshot *result);

    sac_statistics statistics() const;
    sac_budget_state budget_state() const;
    /// Of results, how old they were when they came, in milliseconds.
    const std::vector<double> &ages_ms() const { return ages_ms_.values(); }
    /// What the hand-overs took of the calling thread, in milliseconds.
    const std::vector<double> &hand_over_ms() const { return hand_over_ms_.values(); }

private:
    void create_context();
    void load_model();
    void adopt(const sac_snapshot *result);
    [[noreturn]] void fail(const char *what) const;

    const sac_api &sac_;
    VulkanHost &host_;
    const FrameRing &ring_;
    const PluginOptions options_;
    sac_context context_ = {};
    uint32_t mode_ = 0;
    const sac_overlay_api *overlay_ = nullptr;
    std::string model_name_;
    std::optional<uint64_t> last_taken_;
    const sac_snapshot *result_ = nullptr;
    Measurements ages_ms_, hand_over_ms_;
};
