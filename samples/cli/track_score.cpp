#include "samples/cli/track_score.h"

#include <algorithm>
#include <cassert>
#include <map>
#include <set>

#include "compute/base/assignment.h"

namespace sac::cli {

namespace {

double ratio(double part, double whole) { return whole > 0 ? part / whole : 0; }

// Without truth that is ignored and what is paired with it.
void drop_ignored(std::vector<TrackedBox> &truth, std::vector<TrackedBox> &found, double least, Assignment &solver) {
    if (std::none_of(truth.begin(), truth.end(), [](const TrackedBox &t) { return t.ignore; })) return;
    std::vector<double> gains;
    for (const TrackedBox &t : truth)
        for (const TrackedBox &f : found) {
            const double overlap = overlap_of(t, f);
            gains.push_back(overlap >= least ? overlap : 0);
        }
    const auto pairs = solver.solve(gains, truth.size(), found.size());
    std::vector<bool> gone(found.size());
    for (size_t i = 0; i < truth.size(); ++i)
        if (truth[i].ignore && pairs[i] != Assignment::none) gone[pairs[i]] = true;
    size_t at = 0;
    std::erase_if(found, [&](const TrackedBox &) { return gone[at++]; });
    std::erase_if(truth, [](const TrackedBox &t) { return t.ignore; });
}

struct Followed {
    uint32_t paired_with = 0;  // the last time
    bool in_last_frame = false;
};

}  // namespace

double overlap_of(const TrackedBox &a, const TrackedBox &b) {
    const double width = std::min(a.x2, b.x2) - std::max(a.x1, b.x1);
    const double height = std::min(a.y2, b.y2) - std::max(a.y1, b.y1);
    if (a.class_id != b.class_id || width <= 0 || height <= 0) return 0;
    const auto area = [](const TrackedBox &box) { return (box.x2 - box.x1) * (box.y2 - box.y1); };
    return width * height / (area(a) + area(b) - width * height);
}

double TrackScore::mota() const {
    const double wrong = static_cast<double>(truth - matches) + static_cast<double>(found - matches + switches);
    return truth > 0 ? 1 - wrong / static_cast<double>(truth) : 0;
}
double TrackScore::motp() const { return ratio(overlap, static_cast<double>(matches)); }
double TrackScore::idf1() const {
    return ratio(2.0 * static_cast<double>(id_matches), static_cast<double>(truth + found));
}
double TrackScore::idp() const { return ratio(static_cast<double>(id_matches), static_cast<double>(found)); }
double TrackScore::idr() const { return ratio(static_cast<double>(id_matches), static_cast<double>(truth)); }

TrackScore &TrackScore::operator+=(const TrackScore &other) {
    truth += other.truth;
    found += other.found;
    matches += other.matches;
    switches += other.switches;
    fragments += other.fragments;
    true_tracks += other.true_tracks;
    tracks += other.tracks;
    id_matches += other.id_matches;
    overlap += other.overlap;
    return *this;
}

TrackScore score_tracks(std::span<const std::vector<TrackedBox>> all_truth,
                        std::span<const std::vector<TrackedBox>> all_found, double least) {
    assert(all_truth.size() == all_found.size());
    constexpr double above_all = 1000;  // a pair of the frame before goes before any overlap
    TrackScore score;
    Assignment solver;
    std::map<uint32_t, Followed> followed;                       // by true track
    std::map<std::pair<uint32_t, uint32_t>, uint64_t> together;  // frames in which the two overlap enough
    std::set<uint32_t> tracks;
    std::vector<double> gains;
    for (size_t frame = 0; frame < all_truth.size(); ++frame) {
        std::vector<TrackedBox> truth = all_truth[frame], found = all_found[frame];
        drop_ignored(truth, found, least, solver);
        score.truth += truth.size();
        score.found += found.size();
        gains.clear();
        for (const TrackedBox &t : truth) {
            const auto last = followed.try_emplace(t.track).first;
            for (const TrackedBox &f : found) {
                const double overlap = overlap_of(t, f);
                const bool goes_on = last->second.in_last_frame && last->second.paired_with == f.track;
                gains.push_back(overlap >= least ? overlap + (goes_on ? above_all : 0) : 0);
                if (overlap >= least) ++together[{t.track, f.track}];
            }
        }
        for (const TrackedBox &f : found) tracks.insert(f.track);

        const auto pairs = solver.solve(gains, truth.size(), found.size());
        std::set<uint32_t> seen;
        for (size_t i = 0; i < truth.size(); ++i) {
            if (pairs[i] == Assignment::none) continue;
            Followed &last = followed[truth[i].track];
            const TrackedBox &pair = found[pairs[i]];
            ++score.matches;
            score.overlap += overlap_of(truth[i], pair);
            if (last.paired_with != 0 && last.paired_with != pair.track) ++score.switches;
            if (last.paired_with != 0 && !last.in_last_frame) ++score.fragments;
            last.paired_with = pair.track;
            seen.insert(truth[i].track);
        }
        for (auto &[track, last] : followed) last.in_last_frame = seen.contains(track);
    }

    score.true_tracks = followed.size();
    score.tracks = tracks.size();
    gains.assign(followed.size() * tracks.size(), 0);
    for (const auto &[pair, frames] : together) {
        const auto row = std::distance(followed.begin(), followed.find(pair.first));
        const auto column = std::distance(tracks.begin(), tracks.find(pair.second));
        gains[static_cast<size_t>(row) * tracks.size() + static_cast<size_t>(column)] = static_cast<double>(frames);
    }
    const auto pairs = solver.solve(gains, followed.size(), tracks.size());
    for (size_t i = 0; i < pairs.size(); ++i)
        if (pairs[i] != Assignment::none)
            score.id_matches += static_cast<uint64_t>(gains[i * tracks.size() + pairs[i]]);
    return score;
}

}  // namespace sac::cli
