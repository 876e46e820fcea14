#pragma once
// Boxes of one frame after another become tracks: SORT (Bewley et al. 2016, arXiv:1602.00763) with the second look at
// weak boxes of ByteTrack (Zhang et al. 2022, arXiv:2110.06864). No appearance: where a box was and how it moved
// decides.

#include <atomic>

#include "compute/base/assignment.h"
#include "plugins/vision/heads/detection_head.h"

namespace sac::vision {

/// A number that changes at a steady pace but for random pushes, and what is known of it: a Kalman filter of two states
/// (constant velocity, white acceleration; Bar-Shalom, Li and Kirubarajan 2001, 6.2.2).
struct MotionFilter {
    double value = 0, rate = 0;  ///< rate: a second
    double variance = 0, covariance = 0, rate_variance = 0;

    /// On by `seconds`; `push` is the acceleration's spectral density.
    void predict(double seconds, double push);
    /// Takes up a measurement of that variance.
    void correct(double measured, double noise);
};

struct TrackOptions {
    float max_hidden = 2;   ///< seconds that a track lives unseen
    uint32_t min_hits = 2;  ///< boxes in a row that a track must have had before it is given an id
    float min_iou = 0.1f;   ///< of a box with where its track is expected or was seen last
};

/// When a frame was taken, and its size in pixels.
struct TrackTime {
    uint64_t timestamp_ns = 0, submitted_ns = 0;
    uint32_t width = 0, height = 0;
};

/// [thread] one at a time. No heap allocation after creation.
class Tracker {
public:
    /// Ids are taken from `last_id`, which goes on from tracker to tracker, so that none is given twice.
    Tracker(const TrackOptions &options, std::atomic<uint32_t> &last_id);

    /// Forgets all tracks.
    void clear() { tracks_.clear(); }

    /// Takes up the boxes of the next frame (at most max_detections_limit), best first. Those below `score_threshold`
    /// are weak: they keep a track that no other box was found for, and begin none. The track of each box; 0: none, or
    /// one too young for an id. Valid until the next call. Frames may come at any pace: what counts is the difference
    /// of timestamps, or of the times of submission where the host gives none (all the same). A timestamp from before
    /// the last one or another size of frame is another source: all tracks are forgotten.
    std::span<const uint32_t> update(std::span<const Detection> boxes, const TrackTime &time, float score_threshold);

private:
    struct Track {
        MotionFilter x, y;  ///< of the centre, pixels
        MotionFilter log_area, log_aspect;
        Detection seen;   ///< the last box that was its
        uint32_t id = 0;  ///< 0: not yet
        uint32_t hits = 0;
        double hidden = 0;  ///< seconds since it was seen

        void correct(const Detection &box);
        Detection expected() const;
    };

    void predict(const TrackTime &time);
    void match(std::span<const Detection> boxes, size_t first, size_t end, bool weak);
    void begin(const Detection &box);

    const TrackOptions options_;
    std::atomic<uint32_t> &last_id_;
    TrackTime last_;
    std::vector<Track> tracks_;
    std::vector<Detection> expected_;       ///< of each track in this frame
    std::vector<uint8_t> found_;            ///< for each track: a box of this frame is its
    std::vector<uint32_t> track_of_, ids_;  ///< for each box
    std::vector<uint32_t> rows_, columns_;
    std::vector<double> gains_;
    Assignment assignment_;
};

}  // namespace sac::vision
