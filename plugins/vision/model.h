#pragma once
// A model folder on a device: card, network, preprocessing before it and head behind it.

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

/// Reads a network's graph from a path, through the host's read_asset where it has one.
Result<Graph> load_graph(const Host &host, const std::string &path);
/// Loads it with the kernels that won when the device was tuned; `options.tuning` is ignored.
Result<std::unique_ptr<Session>> load_session(Runtime &runtime, const Host &host, const std::string &path,
                                              SessionOptions options);

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

    /// What may fail of recording a frame that was prepared for, before anything is recorded.
    Status bind(uint32_t slot, const FrameSource &source) { return preprocess_.bind(slot, source); }

    /// Detections of a slot whose submission is done; valid until the next read.
    std::span<const Detection> read(uint32_t slot, uint32_t &candidates);

private:
    Model(Card card, std::unique_ptr<Session> session, Preprocess preprocess, DetectionHead head);

    Card card_;
    std::shared_ptr<const Labels> labels_;
    std::unique_ptr<Session> session_;
    std::vector<Layer> layers_;
    Preprocess preprocess_;
    DetectionHead head_;
    std::vector<Detection> detections_;
};

}  // namespace sac::vision
