// labels: no_min
// Tracks on clips of the built-in scene, where the truth is known: with the true boxes, and with boxes as a detector
// would give them. SACCADE_TEST_CLIPS=60 prints the figures of the README.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "compute/base/assignment.h"
#include "engine/scene/dataset.h"
#include "engine/scene/random.h"
#include "engine/scene/truth.h"
#include "plugins/vision/tracker.h"
#include "samples/cli/track_score.h"
#include "tests/support/device.h"

using namespace sac;
using cli::TrackedBox;
using cli::TrackScore;

namespace {

constexpr uint32_t width = 320, height = 240, frames_of_clip = 90;
constexpr double fps = 15;
constexpr float threshold = 0.5f;

struct TrueBox : TrackedBox {
    double visible = 1;
};
using TrueFrames = std::vector<std::vector<TrueBox>>;
using Boxes = std::vector<std::vector<Detection>>;

std::vector<TrueFrames> make_clips(size_t count) {
    const engine::SceneRendererOptions size = {width, height};
    auto renderer = engine::SceneRenderer::create(test::device(), test::memory(), size);
    REQUIRE(renderer.ok());
    std::vector<TrueFrames> clips(count);
    engine::Visibility visibility;
    for (size_t n = 0; n < count; ++n) {
        const auto scene = engine::make_clear_scene(engine::dataset_scene_seed(12, n), size, **renderer);
        REQUIRE(scene.ok());
        for (uint32_t i = 0; i < frames_of_clip; ++i) {
            REQUIRE((*renderer)->render(scene->at(i / fps), nullptr, &visibility).ok());
            auto &frame = clips[n].emplace_back();
            for (const engine::ObjectTruth &object : engine::truth_of(*scene, i / fps, visibility).objects) {
                TrueBox box;
                box.track = static_cast<uint32_t>(object.object) + 1;
                box.class_id = static_cast<uint32_t>(object.kind);
                box.x1 = object.box.x;
                box.y1 = object.box.y;
                box.x2 = box.x1 + object.box.width;
                box.y2 = box.y1 + object.box.height;
                box.ignore = object.ignore();
                box.visible = static_cast<double>(object.visible());
                frame.push_back(box);
            }
        }
    }
    return clips;
}

Detection detection(const TrackedBox &box, double score) {
    return {box.class_id,
            static_cast<float>(score),
            static_cast<float>(box.x1),
            static_cast<float>(box.y1),
            static_cast<float>(box.x2),
            static_cast<float>(box.y2)};
}

Boxes true_boxes(const TrueFrames &truth) {
    Boxes boxes;
    for (const auto &frame : truth) {
        boxes.emplace_back();
        for (const TrueBox &box : frame)
            if (!box.ignore) boxes.back().push_back(detection(box, 0.9));
    }
    return boxes;
}

// Edges off by 4 % of the box and half a pixel; 5 % of the boxes missing, more the more is hidden; scores that fall
// with what is hidden; a false box in every second frame.
Boxes detector_boxes(const TrueFrames &truth, uint64_t seed) {
    engine::Random random(seed);
    const auto uniform = [&] { return static_cast<double>(random.next() >> 11) * 0x1p-53; };
    const auto gauss = [&] {  // nearly
        double sum = -6;
        for (int i = 0; i < 12; ++i) sum += uniform();
        return sum;
    };
    Boxes boxes;
    for (const auto &frame : truth) {
        auto &found = boxes.emplace_back();
        for (TrueBox box : frame) {
            const double hidden = 1 - box.visible, w = box.x2 - box.x1, h = box.y2 - box.y1;
            const double score = std::min(1.0, 0.85 - 0.5 * hidden + 0.08 * gauss());
            const bool missed = uniform() < 0.05 + 0.5 * hidden * hidden;
            for (double *edge : {&box.x1, &box.x2}) *edge += (0.04 * w + 0.5) * gauss();
            for (double *edge : {&box.y1, &box.y2}) *edge += (0.04 * h + 0.5) * gauss();
            box.x2 = std::max(box.x2, box.x1 + 2);
            box.y2 = std::max(box.y2, box.y1 + 2);
            if (!missed && score > 0.1 && w * h > 20) found.push_back(detection(box, score));
        }
        if (uniform() < 0.5) {
            TrackedBox box;
            box.class_id = static_cast<uint32_t>(5 * uniform());
            box.x1 = width * uniform();
            box.y1 = height * uniform();
            box.x2 = box.x1 + 12 + 40 * uniform();
            box.y2 = box.y1 + 12 + 40 * uniform();
            found.push_back(detection(box, 0.15 + 0.55 * uniform()));
        }
        std::stable_sort(found.begin(), found.end(), [](auto &a, auto &b) { return a.score > b.score; });
    }
    return boxes;
}

// What there is without a filter: the box that was seen last is where an object is expected; for `memory` seconds.
class OverlapTracker {
public:
    explicit OverlapTracker(double memory) : memory_(memory) {}
    std::vector<uint32_t> update(std::vector<Detection> boxes, double seconds) {
        std::erase_if(boxes, [](const Detection &box) { return box.score < threshold; });
        const auto box_of = [](const Detection &d) { return TrackedBox{0, d.class_id, d.x1, d.y1, d.x2, d.y2}; };
        std::vector<double> gains;
        for (const Seen &seen : seen_)
            for (const Detection &box : boxes) {
                const double overlap = cli::overlap_of(box_of(seen.box), box_of(box));
                gains.push_back(overlap >= 0.1 ? overlap : 0);
            }
        const auto pairs = assignment_.solve(gains, seen_.size(), boxes.size());
        std::vector<uint32_t> ids(boxes.size(), Assignment::none);
        for (size_t i = 0; i < pairs.size(); ++i) {
            if (pairs[i] == Assignment::none) continue;
            if (!seen_[i].id) seen_[i].id = next_++;
            seen_[i] = {boxes[pairs[i]], seconds, seen_[i].id};
            ids[pairs[i]] = seen_[i].id;
        }
        std::erase_if(seen_, [&](const Seen &s) { return seconds > s.seconds + (s.id ? memory_ : 0); });
        for (size_t k = 0; k < boxes.size(); ++k) {
            if (ids[k] != Assignment::none) continue;
            seen_.push_back({boxes[k], seconds, 0});
            ids[k] = 0;
        }
        return ids;
    }

private:
    struct Seen {
        Detection box;
        double seconds;
        uint32_t id;
    };
    const double memory_;
    uint32_t next_ = 1;
    std::vector<Seen> seen_;
    Assignment assignment_;
};

// Every `step`-th frame of all clips; `begin` makes a tracker: boxes and seconds to ids.
template <class Begin>
TrackScore score(const std::vector<TrueFrames> &clips, const std::vector<Boxes> &all, size_t step, Begin begin) {
    TrackScore sum;
    for (size_t n = 0; n < clips.size(); ++n) {
        auto track = begin();
        std::vector<std::vector<TrackedBox>> truth, found;
        for (size_t i = 0; i < clips[n].size(); i += step) {
            const std::vector<Detection> &boxes = all[n][i];
            const std::vector<uint32_t> ids = track(boxes, static_cast<double>(i) / fps);
            truth.emplace_back(clips[n][i].begin(), clips[n][i].end());
            found.emplace_back();
            for (size_t k = 0; k < ids.size(); ++k)
                if (ids[k])
                    found.back().push_back(
                        {ids[k], boxes[k].class_id, boxes[k].x1, boxes[k].y1, boxes[k].x2, boxes[k].y2});
        }
        sum += cli::score_tracks(truth, found);
    }
    return sum;
}

struct Compared {
    TrackScore forgetful, overlap, strong, full;
};

Compared compare(const char *what, const std::vector<TrueFrames> &clips, const std::vector<Boxes> &boxes, size_t step) {
    const auto overlap = [](double memory) {
        return [=] {
            return [tracker = std::make_shared<OverlapTracker>(memory)](const std::vector<Detection> &found, double t) {
                return tracker->update(found, t);
            };
        };
    };
    const auto full = [](float weakest) {
        return [=] {
            struct Begun {
                std::atomic<uint32_t> last_id = 0;
                vision::Tracker tracker{{}, last_id};
            };
            return [weakest, begun = std::make_shared<Begun>()](const std::vector<Detection> &found, double t) {
                const auto end = std::find_if(found.begin(), found.end(), [&](auto &d) { return d.score < weakest; });
                const auto count = static_cast<size_t>(end - found.begin());
                const vision::TrackTime time = {static_cast<uint64_t>(t * 1e9) + 1, 0, width, height};
                const auto ids = begun->tracker.update(std::span(found).first(count), time, threshold);
                return std::vector<uint32_t>(ids.begin(), ids.end());
            };
        };
    };
    const Compared result = {score(clips, boxes, step, overlap(0)), score(clips, boxes, step, overlap(2)),
                             score(clips, boxes, step, full(threshold)),
                             score(clips, boxes, step, full(threshold / 2))};
    std::printf("%s, %.0f frames a second, %llu objects, %llu boxes:\n", what, fps / static_cast<double>(step),
                static_cast<unsigned long long>(result.full.true_tracks),
                static_cast<unsigned long long>(result.full.truth));
    const auto print = [](const char *name, const TrackScore &s) {
        std::printf("  %-32s IDF1 %.3f  MOTA %.3f  switches %3llu  tracks %llu\n", name, s.idf1(), s.mota(),
                    static_cast<unsigned long long>(s.switches), static_cast<unsigned long long>(s.tracks));
    };
    print("overlap, no memory", result.forgetful);
    print("overlap, 2 s", result.overlap);
    print("tracker, no weak boxes", result.strong);
    print("tracker", result.full);
    return result;
}

}  // namespace

TEST_CASE("tracks of the scene's clips keep their objects") {
    const char *wanted = std::getenv("SACCADE_TEST_CLIPS");
    const auto clips = make_clips(wanted ? static_cast<size_t>(std::max(1, std::atoi(wanted))) : 30);
    std::vector<Boxes> exact, rough;
    for (size_t n = 0; n < clips.size(); ++n) {
        exact.push_back(true_boxes(clips[n]));
        rough.push_back(detector_boxes(clips[n], 1000 + n));
    }
    for (const size_t step : {1, 3}) {
        CAPTURE(step);
        const Compared truth = compare("true boxes", clips, exact, step);
        CHECK(truth.full.idf1() > (step == 1 ? 0.97 : 0.95));
        CHECK(truth.full.idf1() >= truth.overlap.idf1());
        CHECK(truth.full.switches <= truth.overlap.switches);
        const Compared detector = compare("boxes of a detector", clips, rough, step);
        CHECK(detector.full.idf1() > (step == 1 ? 0.9 : 0.87));
        CHECK(detector.full.idf1() > detector.overlap.idf1() + 0.01);
        CHECK(detector.full.idf1() > detector.forgetful.idf1() + 0.2);
        CHECK(detector.full.idf1() > detector.strong.idf1());
    }
}
