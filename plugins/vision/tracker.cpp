#include "plugins/vision/tracker.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace sac::vision {
namespace {

// All in shares of the box, so that a picture's size does not matter. Positions: of the width and the height; sizes: of
// themselves, which is what a logarithm's difference is.
constexpr double position_noise = 0.05, size_noise = 0.1;
constexpr double position_push = 2, size_push = 0.5;         // a second to the power of 3/2
constexpr double first_speed = 0.5, first_size_speed = 0.5;  // a second; standard deviations of what is not known yet

double square(double x) { return x * x; }

bool usable(const Detection &box) {
    return std::isfinite(box.x1 + box.x2 + box.y1 + box.y2) && box.x2 > box.x1 && box.y2 > box.y1;
}

struct Measured {
    double x, y, width, height, log_area, log_aspect;
    explicit Measured(const Detection &box)
        : x((double{box.x1} + box.x2) / 2),
          y((double{box.y1} + box.y2) / 2),
          width(double{box.x2} - box.x1),
          height(double{box.y2} - box.y1),
          log_area(std::log(width * height)),
          log_aspect(std::log(width / height)) {}
};

double iou(const Detection &a, const Detection &b) {
    const double width = std::min<double>(a.x2, b.x2) - std::max<double>(a.x1, b.x1);
    const double height = std::min<double>(a.y2, b.y2) - std::max<double>(a.y1, b.y1);
    if (width <= 0 || height <= 0) return 0;
    const auto area = [](const Detection &d) { return (double{d.x2} - d.x1) * (double{d.y2} - d.y1); };
    return width * height / (area(a) + area(b) - width * height);
}

}  // namespace

void MotionFilter::predict(double seconds, double push) {
    const double t = seconds;
    value += rate * t;
    variance += t * (2 * covariance + t * rate_variance) + push * t * t * t / 3;
    covariance += t * rate_variance + push * t * t / 2;
    rate_variance += push * t;
}

void MotionFilter::correct(double measured, double noise) {
    const double surprise = measured - value, total = variance + noise;
    const double gain = variance / total, rate_gain = covariance / total;
    value += gain * surprise;
    rate += rate_gain * surprise;
    rate_variance -= rate_gain * covariance;
    covariance -= gain * covariance;
    variance -= gain * variance;
}

void Tracker::Track::correct(const Detection &box) {
    const Measured at(box);
    x.correct(at.x, square(position_noise * at.width));
    y.correct(at.y, square(position_noise * at.height));
    log_area.correct(at.log_area, square(size_noise));
    log_aspect.correct(at.log_aspect, square(size_noise));
    seen = box;
    hidden = 0;
    ++hits;
}

Detection Tracker::Track::expected() const {
    const double half_width = std::exp((log_area.value + log_aspect.value) / 2) / 2;
    const double half_height = std::exp((log_area.value - log_aspect.value) / 2) / 2;
    Detection box = seen;
    box.x1 = static_cast<float>(x.value - half_width);
    box.x2 = static_cast<float>(x.value + half_width);
    box.y1 = static_cast<float>(y.value - half_height);
    box.y2 = static_cast<float>(y.value + half_height);
    return box;
}

Tracker::Tracker(const TrackOptions &options, std::atomic<uint32_t> &last_id) : options_(options), last_id_(last_id) {
    constexpr size_t n = max_detections_limit;
    tracks_.reserve(n);
    expected_.reserve(n);
    found_.reserve(n);
    track_of_.reserve(n);
    ids_.reserve(n);
    rows_.reserve(n);
    columns_.reserve(n);
    gains_.reserve(n * n);
    assignment_.reserve(n, n);
}

// Brings all tracks to the time of this frame, but for those that are over.
void Tracker::predict(const TrackTime &time) {
    const TrackTime before = std::exchange(last_, time);
    const bool stamped = time.timestamp_ns != before.timestamp_ns;
    const uint64_t from = stamped ? before.timestamp_ns : before.submitted_ns;
    const uint64_t to = stamped ? time.timestamp_ns : time.submitted_ns;
    if (to < from || before.width != time.width || before.height != time.height) tracks_.clear();
    const double seconds = static_cast<double>(to - from) * 1e-9;

    for (Track &track : tracks_) track.hidden += seconds;
    std::erase_if(tracks_, [&](const Track &track) { return track.hidden > options_.max_hidden; });
    expected_.clear();
    for (Track &track : tracks_) {
        const Measured at(track.expected());
        track.x.predict(seconds, square(position_push * at.width));
        track.y.predict(seconds, square(position_push * at.height));
        track.log_area.predict(seconds, square(size_push));
        track.log_aspect.predict(seconds, square(size_push));
        expected_.push_back(track.expected());
    }
}

std::span<const uint32_t> Tracker::update(std::span<const Detection> boxes, const TrackTime &time,
                                          float score_threshold) {
    boxes = boxes.first(std::min<size_t>(boxes.size(), max_detections_limit));
    predict(time);
    found_.assign(tracks_.size(), 0);
    track_of_.assign(boxes.size(), Assignment::none);
    const auto first_weak =
        std::find_if(boxes.begin(), boxes.end(), [&](const Detection &box) { return box.score < score_threshold; });
    const auto strong = static_cast<size_t>(first_weak - boxes.begin());
    match(boxes, 0, strong, false);
    match(boxes, strong, boxes.size(), true);

    ids_.assign(boxes.size(), 0);
    for (size_t i = 0; i < boxes.size(); ++i) {
        if (track_of_[i] == Assignment::none) {
            if (i >= strong || !usable(boxes[i]) || tracks_.size() == max_detections_limit) continue;
            track_of_[i] = static_cast<uint32_t>(tracks_.size());
            begin(boxes[i]);
        } else {
            tracks_[track_of_[i]].correct(boxes[i]);
        }
        Track &track = tracks_[track_of_[i]];
        if (track.id == 0 && track.hits >= options_.min_hits) track.id = ++last_id_;
        ids_[i] = track.id;
    }
    std::erase_if(tracks_, [](const Track &track) { return track.hidden > 0 && track.id == 0; });
    return ids_;
}

// Pairs the boxes [first, end) with the tracks that have none yet, so that the sum of the overlaps is the largest. What
// was hidden may come out where its motion has taken it, or where it went in: half hidden objects seem to move, as
// their boxes shrink from one side.
void Tracker::match(std::span<const Detection> boxes, size_t first, size_t end, bool weak) {
    rows_.clear();
    columns_.clear();
    for (uint32_t t = 0; t < tracks_.size(); ++t)
        if (!found_[t] && (!weak || tracks_[t].id != 0)) rows_.push_back(t);
    for (size_t i = first; i < end; ++i)
        if (usable(boxes[i])) columns_.push_back(static_cast<uint32_t>(i));
    gains_.clear();
    for (const uint32_t t : rows_) {
        const Detection &seen = tracks_[t].seen;
        for (const uint32_t i : columns_) {
            const Detection &box = boxes[i];
            const double overlap = seen.class_id == box.class_id ? std::max(iou(expected_[t], box), iou(seen, box)) : 0;
            gains_.push_back(overlap >= options_.min_iou ? overlap : 0);
        }
    }
    const std::span<const uint32_t> pairs = assignment_.solve(gains_, rows_.size(), columns_.size());
    for (size_t row = 0; row < rows_.size(); ++row) {
        if (pairs[row] == Assignment::none) continue;
        found_[rows_[row]] = 1;
        track_of_[columns_[pairs[row]]] = rows_[row];
    }
}

void Tracker::begin(const Detection &box) {
    const Measured at(box);
    const auto filter = [](double value, double noise, double speed) {
        return MotionFilter{value, 0, square(noise), 0, square(speed)};
    };
    Track track;
    track.x = filter(at.x, position_noise * at.width, first_speed * at.width);
    track.y = filter(at.y, position_noise * at.height, first_speed * at.height);
    track.log_area = filter(at.log_area, size_noise, first_size_speed);
    track.log_aspect = filter(at.log_aspect, size_noise, first_size_speed);
    track.seen = box;
    track.hits = 1;
    tracks_.push_back(track);
}

}  // namespace sac::vision
