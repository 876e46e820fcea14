#pragma once
// A model folder on a device: card, network, preprocessing before it and head behind it.

#include <atomic>
#include <memory>

#include "compute/session_layers.h"
#include "plugins/vision/card.h"
#include "plugins/vision/frame.h"
#include "plugins/vision/heads/detection_head.h"
#include "plugins/vision/host.h"
#include "plugins/vision/preprocess.h"
#include "plugins/vision/snapshot.h"

namespace sac::vision {

struct ModelSource {
    std::string folder;
    std::string weights;  ///< empty: the file that the card names
    bool fp16 = false;
};

/// How far a frame is on its way through a model.
struct FramePlace {
    enum class Part : uint32_t { preprocess, network, head, end };
    Part part = Part::preprocess;
    PlanPlace network = {};  ///< in that part
    auto operator<=>(const FramePlace &) const = default;
};

/// A part of a frame's work that is submitted at once.
struct FrameSlice {
    bool preprocess = false, head = false;
    PlanPlace network_first, network_last;  ///< the same: nothing of the network
    bool by_dispatch = false;               ///< the network's dispatches are stamped, each
    FramePlace end;
    double expected_ns = 0;

    uint32_t pieces() const {
        return network_last.dispatch - network_first.dispatch + (network_last.group > 0 ? 1u : 0u);
    }
    bool network() const { return network_first != network_last; }
    uint32_t stamp_count() const {
        return 1u + preprocess + (network() ? (by_dispatch ? pieces() + 1 : 1) : 0u) + head;
    }
};

/// What a slice took on the device, in nanoseconds.
struct SliceTimes {
    double total = 0, preprocess = 0, network = 0, head = 0;  ///< without timestamps the first alone
    std::span<const double> stamps;  ///< of FrameSlice::by_dispatch: before each dispatch and after the last
};

/// Reads a network's graph from a path, through the host's read_asset where it has one.
Result<Graph> load_graph(const Host &host, const std::string &path);
/// Loads it with the kernels that won when the device was tuned; `options.tuning` is ignored.
Result<std::unique_ptr<Session>> load_session(Runtime &runtime, const Host &host, Graph graph, SessionOptions options);

/// [thread] One at a time; of frames in a host's commands, one records (prepared, forget, bind, record) while another
/// reads other slots (read), or prepares while none is recorded. load, prepare, prepare_as and refresh touch the
/// runtime's kernels: the caller holds its lock. Destroy only after the device's last use.
class Model {
public:
    /// `slots`: frames that may be recorded at once. Errors name the file and node or field.
    static Result<std::unique_ptr<Model>> load(Runtime &runtime, const Host &host, const ModelSource &source,
                                               uint32_t slots);

    const Card &card() const { return card_; }
    const Session &session() const { return *session_; }
    /// Of the network; the input that preprocessing writes is among the first.
    const std::vector<Layer> &layers() const { return layers_; }
    const std::shared_ptr<const Labels> &labels() const { return labels_; }

    /// True if prepare has been here for such frames.
    bool prepared(const FrameSource &source) const { return preprocess_.warm(preprocess_.kind_of(source)); }
    /// Builds and dispatches what frames of this kind need.
    Status prepare(const FrameSource &source) { return preprocess_.warm_up(preprocess_.kind_of(source)); }
    /// The same for all that another model was prepared for, so that a change of models delays no frame.
    Status prepare_as(const Model &other);
    /// To be called before a staging buffer is destroyed.
    void forget(VkBuffer buffer) { preprocess_.forget(buffer); }

    /// Takes up kernels that were changed while running. What was recorded before is stale.
    Status refresh() { return session_->refresh(); }

    /// Stamps of record: before preprocessing, and after each of the three.
    static constexpr uint32_t stamp_count = 4;
    /// Preprocessing, network and head of one frame, into commands that may be submitted again. The source is visible
    /// to shaders already. `stamps` were reset; `observation` is of the network.
    Status record(VkCommandBuffer commands, uint32_t slot, const FrameSource &source,
                  const DetectionThresholds &thresholds, vk::Timestamps &stamps, const Observation &observation);

    /// The next slice of a frame: all that should be done within `budget_ns`, something in any case. What was never run
    /// before comes alone. Infinite: the rest. [thread] may be called while another learns
    FrameSlice slice(const FrameSource &source, const FramePlace &first, double budget_ns, bool every_dispatch);
    /// Records a slice; `stamps` were reset and have room for most_slice_stamps().
    Status record(VkCommandBuffer commands, uint32_t slot, const FrameSource &source,
                  const DetectionThresholds &thresholds, vk::Timestamps &stamps, const FrameSlice &slice,
                  std::span<const Observation::Copy> copies);
    uint32_t most_slice_stamps() const { return session_->dispatch_count() + 4; }
    /// Reads what a slice took, once it is done, for the slices to come. `wall_ns` counts where there are no stamps.
    /// The result is valid until the next call.
    Result<SliceTimes> learn(const FrameSource &source, const FrameSlice &slice, const vk::Timestamps &stamps,
                             double wall_ns);

    /// What may fail of recording a frame that was prepared for, before anything is recorded.
    Status bind(uint32_t slot, const FrameSource &source) { return preprocess_.bind(slot, source); }

    /// Detections of a slot whose submission is done; valid until the next read.
    std::span<const Detection> read(uint32_t slot, uint32_t &candidates);

private:
    /// What preprocessing or the head takes. One thread learns, another may read.
    struct PartCost {
        std::atomic<double> ns = 0;    ///< 0: not known
        std::atomic<uint64_t> of = 0;  ///< which frames, for preprocessing
        double known(uint64_t what) const { return of == what ? ns.load() : 0; }
        void learn(uint64_t what, double took);
    };
    Model(Card card, std::unique_ptr<Session> session, Preprocess preprocess, DetectionHead head, uint32_t slots,
          bool timestamps);
    uint64_t frames_like(const FrameSource &source) const;

    Card card_;
    std::shared_ptr<const Labels> labels_;
    std::unique_ptr<Session> session_;
    std::vector<Layer> layers_;
    Preprocess preprocess_;
    DetectionHead head_;
    std::vector<Detection> detections_;
    std::vector<PreprocessTransform> transforms_;  ///< by slot
    const bool timestamps_;
    PartCost preprocess_cost_, head_cost_;
    std::vector<double> slice_ns_;
};

}  // namespace sac::vision
