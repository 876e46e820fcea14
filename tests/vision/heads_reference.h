#pragma once
// Running a detection head on made-up network outputs, and suppression one after another for comparison.

#include "plugins/vision/heads/detection_head.h"

namespace sac::test {

/// A network output of a test: values in the order of `shape`, put into a buffer of that layout and storage.
struct HeadOutput {
    std::string name;
    Shape shape;
    std::vector<float> values;
    Layout layout = Layout::dense;
    DType storage = DType::f32;
};

struct HeadResult {
    DetectionCounts counts;
    std::vector<Detection> detections;
};

/// Makes the head, runs it once and reads the boxes. Error as of DetectionHead.
Result<HeadResult> detect_on_device(const Card &card, const std::vector<HeadOutput> &outputs,
                                    const DetectionThresholds &thresholds, const PreprocessTransform &transform = {});

/// A cell that takes part in suppression.
struct Candidate {
    float x1, y1, x2, y2, score;
    uint32_t class_id, cell;
};

/// Greedy suppression, one candidate after another, in the floats and the order of operations of the kernel, so that
/// even a tie of overlaps is decided alike.
std::vector<Detection> reference_suppression(std::vector<Candidate> candidates, const DetectionThresholds &thresholds);

/// A card with an anchor-free head of absolute boxes over `cells` cells in one row, channels last: what it is given
/// comes out as candidates unchanged.
Card candidate_card(uint32_t cells, uint32_t classes);
/// The output of such a network; cells without a candidate get score 0. A candidate's box becomes what the decoder
/// makes of its centre and size, in float.
HeadOutput candidate_output(std::vector<Candidate> &candidates, uint32_t cells, uint32_t classes);

}  // namespace sac::test
