#pragma once
// How good tracks are: CLEAR MOT (Bernardin and Stiefelhagen 2008, doi:10.1155/2008/246309) and IDF1 (Ristani et al.
// 2016, arXiv:1609.01775), with the conventions of MOTChallenge.

#include <cstdint>
#include <span>
#include <vector>

namespace sac::cli {

/// A box of a frame: of the truth, or of a result.
struct TrackedBox {
    uint32_t track = 0;  ///< the same in every frame of a clip
    uint32_t class_id = 0;
    double x1 = 0, y1 = 0, x2 = 0, y2 = 0;  ///< pixels
    bool ignore = false;  ///< truth that need not be found: it counts nowhere, nor does a box that is paired with it
};

double overlap_of(const TrackedBox &a, const TrackedBox &b);  ///< intersection over union; 0 between two classes

/// Sums over clips; what is not counted is what the counts give.
struct TrackScore {
    uint64_t truth = 0, found = 0;  ///< boxes that are there, and boxes that are given
    uint64_t matches = 0;           ///< pairs of the two, frame by frame
    uint64_t switches = 0;          ///< a true track is paired with another track than the last time it was paired
    uint64_t fragments = 0;         ///< a true track is paired again after it was not
    uint64_t true_tracks = 0, tracks = 0;
    uint64_t id_matches = 0;  ///< pairs, where each true track has one track for the whole clip, at best
    double overlap = 0;       ///< sum over matches

    double mota() const;  ///< 1 - (missed + false + switches) / truth; may be below 0
    double motp() const;  ///< mean overlap of matches
    double idf1() const;  ///< 2 id_matches / (truth + found)
    double idp() const;
    double idr() const;
    TrackScore &operator+=(const TrackScore &other);
};

/// One clip, frame by frame. Boxes are paired where they overlap by `least` or more: first as in the frame before, then
/// so that the sum of the overlaps is the largest.
TrackScore score_tracks(std::span<const std::vector<TrackedBox>> truth, std::span<const std::vector<TrackedBox>> found,
                        double least = 0.5);

}  // namespace sac::cli
