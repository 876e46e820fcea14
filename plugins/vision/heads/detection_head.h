#pragma once
// From a network's output to final boxes, on the device: decode, rank, class-aware non-maximum suppression. Only the
// final boxes are read back.
//   decode   one invocation a cell: cells whose score reaches the threshold are appended to a list, in any order
//   rank     one invocation a candidate (dispatched indirectly): its place in the order of score, then of cell
//   suppress one workgroup: walks the ranked list in blocks, keeps what no kept better box overlaps
// The result does not depend on the order of appending.

#include "compute/session.h"
#include "plugins/vision/bound_kernel.h"
#include "plugins/vision/card.h"
#include "plugins/vision/preprocess.h"

namespace sac {

/// A final box, in pixels of the stored frame (continuous coordinates, not clipped to the frame).
struct Detection {
    uint32_t class_id = 0;
    float score = 0;
    float x1 = 0, y1 = 0, x2 = 0, y2 = 0;
};

/// What may change from frame to frame.
struct DetectionThresholds {
    float score = 0.5f;
    float nms_iou = 0.5f;
    uint32_t max_detections = 100;  ///< at most max_detections_limit
    bool class_aware = true;

    static DetectionThresholds of(const Card &card) {
        return {card.score_threshold, card.nms_iou, card.max_detections, card.class_aware};
    }
};

struct DetectionCounts {
    uint32_t candidates = 0;  ///< cells at or above the score threshold
    uint32_t not_ranked = 0;  ///< of them, the worst ones beyond max_candidates: not considered
};

/// Candidates that suppression considers; the best ones if there are more.
inline constexpr uint32_t max_candidates = 16384;

/// [thread] one at a time. Destroy only after the device's last use.
class DetectionHead {
public:
    /// Formats to load the session with, as the head reads best: SessionOptions::formats, inputs are the caller's.
    static IoFormats wanted_formats(const Card &card);

    /// `outputs` are the session's (any layout, f32 or f16). Error invalid_file if they do not fit the card, naming it.
    /// `slots` as in Preprocess. Pipelines are built and dispatched once, waiting.
    static Result<DetectionHead> create(vk::Memory &memory, KernelTable &kernels, const Card &card,
                                        std::span<const TensorInfo> outputs, uint32_t slots);
    DetectionHead(DetectionHead &&) noexcept;
    DetectionHead &operator=(DetectionHead &&) noexcept;
    ~DetectionHead();

    /// Records decode, rank and suppression after the network, with barriers before (against all earlier compute
    /// work), between, and after to the host. Candidates are shared: work of two slots runs one after another on a
    /// queue. No heap allocation.
    Status record(VkCommandBuffer commands, uint32_t slot, const PreprocessTransform &transform,
                  const DetectionThresholds &thresholds);

    /// The boxes of a slot, best first, once its submission is done. `detections` is overwritten; no heap allocation if
    /// its capacity holds them.
    DetectionCounts read(uint32_t slot, std::vector<Detection> &detections) const;

private:
    struct State;
    explicit DetectionHead(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace sac
