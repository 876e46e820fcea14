#pragma once
// What tools look at in the frames of a context: asked for by any thread, done by the frame thread, read by any.

#include <array>

#include "plugins/vision/inspect_log.h"
#include "plugins/vision/loader.h"

namespace sac::vision {

/// A tensor that is copied after each frame. Pictures of it are written by the frame thread and read by tools, without
/// one waiting for the other.
struct Watched {
    static constexpr uint32_t none = UINT32_MAX;
    struct Picture {
        std::vector<std::byte> bytes;
        uint64_t sequence = 0;
        uint32_t readers = 0;
    };
    Layer layer;
    uint32_t model = 0;
    std::array<Picture, 3> pictures;
    uint32_t newest = none;  ///< this and the pictures' last two fields: under the inspector's lock
};

class Inspector {
public:
    /// `may_hold`: frames can be held, see SAC_INSPECT_HOLD.
    Inspector(Runtime &runtime, const Host &host, bool may_hold)
        : runtime_(runtime), host_(host), may_hold_(may_hold) {}
    Inspector(const Inspector &) = delete;
    Inspector &operator=(const Inspector &) = delete;

    // [thread] any:

    /// See set_inspection. `active` (may be null) is the model in use.
    Status set(const sac_inspection *given, const ActiveModel *active);
    bool holds() const { return holds_; }

    /// The newest picture of a tensor; it stays as it is for as long as this lives.
    class Reading {
    public:
        Reading() = default;
        Reading(Inspector &inspector, std::shared_ptr<Watched> watched);
        ~Reading();
        Reading(Reading &&other) noexcept;
        Reading &operator=(Reading &&) = delete;
        explicit operator bool() const { return watched_ != nullptr; }
        const Layer &layer() const { return watched_->layer; }
        const std::byte *bytes() const { return watched_->pictures[picture_].bytes.data(); }
        uint64_t sequence() const { return watched_->pictures[picture_].sequence; }
        uint32_t model() const { return watched_->model; }

    private:
        Inspector *inspector_ = nullptr;
        std::shared_ptr<Watched> watched_;
        uint32_t picture_ = 0;
    };
    /// Empty: there is none yet. Error not_found: not watched, or the model has no such tensor.
    Result<Reading> read(const char *name);
    /// Microseconds by dispatch of that model: how many, and the frame's sequence, 0 if there are none yet. With null:
    /// how many there are.
    uint32_t times(uint32_t model, float *microseconds, uint32_t capacity, uint64_t &sequence) const;
    uint64_t watched_bytes() const { return watched_bytes_; }
    FrameLog &log() { return log_; }

    // [thread] the frame thread; in mode C follow, observation and begin are the recording thread's, while no frame
    // that is observed is in flight. No heap but in follow, and there only if something has changed:

    /// Takes up what is asked for, for this model. What cannot be had is told to the log; frames go on without it.
    void follow(const ActiveModel &active);
    /// What was recorded under another number is stale.
    uint64_t generation() const { return generation_; }
    const Observation &observation() const { return observation_; }
    bool observes() const { return !observation_.copies.empty() || observation_.stamps; }
    /// To be recorded before the observation is used.
    void begin(VkCommandBuffer commands);
    /// In slices instead: their stamps come by add, from the dispatch `first` on.
    void begin_slices();
    void add(uint32_t first, std::span<const double> stamps);
    /// Takes what the submission has left, or the last slice's, once it is done.
    Status collect(bool sliced = false);
    /// Lets tools see it, as that frame's. Before the snapshot is published, so that nobody has to wait for it.
    void announce(const sac_frame_timing &timing);
    /// The frame failed after all.
    void take_back();

private:
    friend class Reading;
    struct Wish {
        uint32_t flags = 0;
        std::vector<std::string> tensors;
    };
    Status prepare(const ActiveModel &active, const Wish &wish);
    void clear();

    Runtime &runtime_;
    const Host &host_;
    const bool may_hold_;
    FrameLog log_;
    std::atomic<bool> holds_ = false;
    std::atomic<uint64_t> wished_ = 0;  ///< number of the wish
    std::atomic<uint64_t> watched_bytes_ = 0;

    mutable std::mutex mutex_;
    Wish wish_;
    uint64_t seen_wish_ = 0;  ///< the one that `watched_` is of
    std::vector<std::shared_ptr<Watched>> watched_;
    std::vector<float> times_;
    uint64_t times_sequence_ = 0;
    uint32_t times_model_ = 0;

    // The frame thread's, in mode C handed over with the frame that is observed:
    uint64_t followed_ = 0, generation_ = 0;
    uint32_t model_ = 0;
    struct Target {
        std::shared_ptr<Watched> watched;
        vk::Buffer buffer;
        uint32_t writing = Watched::none;
    };
    std::vector<Target> targets_;  ///< in the order of `after`
    std::vector<Observation::Copy> copies_;
    vk::Timestamps stamps_;
    std::vector<double> stamps_ns_;  ///< empty: not profiled
    Observation observation_;
};

}  // namespace sac::vision
