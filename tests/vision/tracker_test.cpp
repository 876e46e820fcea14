// labels: host_only no_asan
// Tracks: the filter against its matrices, ids through gaps, crossings and what else happens to boxes.

#include "plugins/vision/tracker.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>
#include <set>

#include "tests/support/heap_count.h"

using namespace sac;
using namespace sac::vision;

namespace {

// The same filter as the books write it: x = F x, P = F P F' + Q; K = P H' / (H P H' + R), P = (I - K H) P.
struct MatrixFilter {
    double x[2] = {}, p[2][2] = {};

    void predict(double t, double push) {
        const double f[2][2] = {{1, t}, {0, 1}};
        const double q[2][2] = {{push * t * t * t / 3, push * t * t / 2}, {push * t * t / 2, push * t}};
        double next[2] = {}, next_p[2][2] = {};
        for (int i = 0; i < 2; ++i)
            for (int j = 0; j < 2; ++j) {
                next[i] += f[i][j] * x[j];
                next_p[i][j] = q[i][j];
                for (int k = 0; k < 2; ++k)
                    for (int l = 0; l < 2; ++l) next_p[i][j] += f[i][k] * p[k][l] * f[j][l];
            }
        std::copy(&next[0], &next[2], x);
        std::copy(&next_p[0][0], &next_p[0][0] + 4, &p[0][0]);
    }
    void correct(double z, double r) {
        const double k[2] = {p[0][0] / (p[0][0] + r), p[1][0] / (p[0][0] + r)}, y = z - x[0];
        double next_p[2][2];
        for (int i = 0; i < 2; ++i) {
            x[i] += k[i] * y;
            for (int j = 0; j < 2; ++j) next_p[i][j] = p[i][j] - k[i] * p[0][j];
        }
        std::copy(&next_p[0][0], &next_p[0][0] + 4, &p[0][0]);
    }
};

void check_same(const MotionFilter &filter, const MatrixFilter &books) {
    const auto near = [](double a, double b) { CHECK(a == doctest::Approx(b).epsilon(1e-9)); };
    near(filter.value, books.x[0]);
    near(filter.rate, books.x[1]);
    near(filter.variance, books.p[0][0]);
    near(filter.covariance, books.p[0][1]);
    near(filter.covariance, books.p[1][0]);
    near(filter.rate_variance, books.p[1][1]);
}

Detection box_at(double x, double y, double width = 40, double height = 40, uint32_t class_id = 0, float score = 0.9f) {
    Detection box;
    box.class_id = class_id;
    box.score = score;
    box.x1 = static_cast<float>(x - width / 2);
    box.x2 = static_cast<float>(x + width / 2);
    box.y1 = static_cast<float>(y - height / 2);
    box.y2 = static_cast<float>(y + height / 2);
    return box;
}

// A tracker at frames of 640 x 480, by seconds.
struct Follower {
    explicit Follower(TrackOptions options = {}) : tracker(options, last_id) {}
    std::vector<uint32_t> at(double seconds, const std::vector<Detection> &boxes, float threshold = 0.5f) {
        const TrackTime time = {static_cast<uint64_t>(1e9 + seconds * 1e9), 0, 640, 480};
        const auto ids = tracker.update(boxes, time, threshold);
        return {ids.begin(), ids.end()};
    }
    std::atomic<uint32_t> last_id = 0;
    Tracker tracker;
};

using Ids = std::vector<uint32_t>;

}  // namespace

TEST_CASE("the filter is the one of the books") {
    std::mt19937 random(3);
    const auto uniform = [&](double low, double high) { return low + (high - low) * random() / 4294967296.0; };
    MotionFilter filter = {10, 0, 4, 0, 9};
    MatrixFilter books = {{10, 0}, {{4, 0}, {0, 9}}};
    for (int i = 0; i < 500; ++i) {
        const double t = uniform(0.001, 0.5), push = uniform(0.01, 20), z = uniform(-100, 100), r = uniform(0.1, 9);
        filter.predict(t, push);
        books.predict(t, push);
        check_same(filter, books);
        if (i % 3) continue;  // hidden meanwhile
        filter.correct(z, r);
        books.correct(z, r);
        check_same(filter, books);
    }
}

TEST_CASE("two steps in time are as good as one") {
    MotionFilter once = {10, 3, 4, 1, 9}, twice = once;
    once.predict(0.7, 5);
    twice.predict(0.2, 5);
    twice.predict(0.5, 5);
    CHECK(once.value == doctest::Approx(twice.value).epsilon(1e-12));
    CHECK(once.variance == doctest::Approx(twice.variance).epsilon(1e-12));
    CHECK(once.covariance == doctest::Approx(twice.covariance).epsilon(1e-12));
    CHECK(once.rate_variance == doctest::Approx(twice.rate_variance).epsilon(1e-12));
}

TEST_CASE("an id comes with the second box and stays, at an uneven pace and with frames left out") {
    Follower follower;
    std::mt19937 random(4);
    CHECK(follower.at(0, {box_at(50, 100)}) == Ids{0});
    double seconds = 0;
    for (int i = 1; i < 60; ++i) {
        seconds += 0.01 + 0.09 * (random() % 100) / 100;
        if (i % 10 == 0) seconds += 0.3;
        const double x = 50 + 90 * seconds;  // it moves, grows and gets narrower
        const double size = 40 * std::exp(0.2 * seconds);
        CHECK(follower.at(seconds, {box_at(x, 100 + 20 * seconds, size, 1.3 * size)}) == Ids{1});
    }
    CHECK(seconds > 3);
}

TEST_CASE("hidden objects come back, where their motion took them or where they went in") {
    TrackOptions options;
    options.max_hidden = 1;
    for (const double hidden : {0.2, 0.9, 1.2}) {
        CAPTURE(hidden);
        Follower follower(options);
        double t = 0;
        for (int frame = 0; frame < 10; ++frame) {
            t = 0.1 * frame;
            follower.at(t, {box_at(100 + 80 * t, 100), box_at(400, 300, 60, 60, 1)});
        }
        const double out = t + hidden;
        const uint32_t back = hidden < 1 ? 1 : 0;  // 0: a new one, and too young
        const Ids ids = follower.at(out, {box_at(100 + 80 * out, 100), box_at(400, 300, 60, 60, 1)});
        CHECK(ids == Ids{back, back * 2});
        if (!back) CHECK(follower.at(out + 0.1, {box_at(100 + 80 * (out + 0.1), 100)}) == Ids{3});  // never an old one
    }
    // Half hidden, a box shrinks from one side and so seems to move on; it then comes out where it went in.
    Follower follower(options);
    for (int i = 0; i < 10; ++i) follower.at(0.1 * i, {box_at(200, 200, 80, 40)});
    for (int i = 0; i < 6; ++i) CHECK(follower.at(1 + 0.1 * i, {box_at(200 - 5 * i, 200, 80 - 10 * i, 40)}) == Ids{1});
    CHECK(follower.at(2.3, {box_at(200, 200, 80, 40)}) == Ids{1});
}

TEST_CASE("one passes behind another of its class") {
    Follower follower;
    uint32_t mover = 0, stander = 0;
    for (int i = 0; i < 40; ++i) {
        const double t = i / 15.0, x = 100 + 150 * t;
        std::vector<Detection> boxes = {box_at(300, 200, 50, 50)};
        const bool hidden = std::abs(x - 300) < 40;
        if (!hidden) boxes.push_back(box_at(x, 205, 50, 50));
        const Ids ids = follower.at(t, boxes);
        if (i == 5) stander = ids[0], mover = ids[1];
        if (i < 5) continue;
        CHECK(ids[0] == stander);
        if (!hidden) CHECK(ids[1] == mover);
    }
    CHECK(mover != stander);
}

TEST_CASE("the sum of overlaps decides, not the best pair first") {
    Follower follower;
    const std::vector<Detection> before = {box_at(100, 100), box_at(120, 100)};
    follower.at(0, before);
    CHECK(follower.at(0.1, before) == Ids{1, 2});
    // Both have moved on by 14: the second place's nearest box is now the first one's, which is nearer to its own track
    // than any other.
    CHECK(follower.at(0.2, {box_at(114, 100), box_at(134, 100)}) == Ids{1, 2});
}

TEST_CASE("a class is never changed") {
    Follower follower;
    follower.at(0, {box_at(100, 100, 40, 40, 3)});
    CHECK(follower.at(0.1, {box_at(100, 100, 40, 40, 3)}) == Ids{1});
    CHECK(follower.at(0.2, {box_at(100, 100, 40, 40, 4)}) == Ids{0});
    CHECK(follower.at(0.3, {box_at(100, 100, 40, 40, 4)}) == Ids{2});
    CHECK(follower.at(0.4, {box_at(100, 100, 40, 40, 3)}) == Ids{1});
}

TEST_CASE("min_hits: what flickers gets no id") {
    TrackOptions options;
    options.min_hits = 3;
    Follower follower(options);
    const std::vector<Detection> boxes = {box_at(100, 100)};
    for (int i = 0; i < 12; ++i)  // two frames there, one not
        if (i % 3 == 2)
            CHECK(follower.at(0.1 * i, {}).empty());
        else
            CHECK(follower.at(0.1 * i, boxes) == Ids{0});
    CHECK(follower.at(2.0, boxes) == Ids{0});
    CHECK(follower.at(2.1, boxes) == Ids{0});
    CHECK(follower.at(2.2, boxes) == Ids{1});
    options.min_hits = 1;
    Follower eager(options);
    CHECK(eager.at(0, boxes) == Ids{1});
}

TEST_CASE("weak boxes keep a track and begin none") {
    Follower follower;
    const auto with = [](float score) { return box_at(100, 100, 40, 40, 0, score); };
    for (int i = 0; i < 5; ++i) CHECK(follower.at(0.1 * i, {with(0.3f)}) == Ids{0});
    follower.at(0.5, {with(0.6f)});
    CHECK(follower.at(0.6, {with(0.3f)}) == Ids{0});  // nor do they help a young one to its id
    follower.at(0.7, {with(0.6f)});
    CHECK(follower.at(0.8, {with(0.6f)}) == Ids{1});
    for (int i = 9; i < 50; ++i) CHECK(follower.at(0.1 * i, {with(0.3f)}) == Ids{1});
    // A strong box goes before a weak one that fits better.
    CHECK(follower.at(5, {box_at(106, 100), with(0.3f)}) == Ids{1, 0});
}

TEST_CASE("another source: time goes back, another size; time that stands still") {
    std::atomic<uint32_t> last_id = 7;
    Tracker tracker({}, last_id);
    const Detection box[] = {box_at(100, 100)};
    const auto id = [&](uint64_t stamp_ms, uint64_t submitted_ms, uint32_t width = 640) {
        return tracker.update(box, {stamp_ms * 1'000'000, submitted_ms * 1'000'000, width, 480}, 0.5f)[0];
    };
    CHECK(id(100, 1) == 0);
    CHECK(id(200, 2) == 8);
    CHECK(id(150, 3) == 0);  // back
    CHECK(id(250, 4) == 9);
    CHECK(id(350, 5, 320) == 0);
    CHECK(id(450, 6, 320) == 10);
    CHECK(id(450, 900, 320) == 10);  // no timestamps: 0.894 s by the time of submission
    CHECK(id(450, 2000, 320) == 10);
    CHECK(id(450, 4500, 320) == 0);  // 2.5 s
    CHECK(id(450, 4600, 320) == 11);
    tracker.clear();
    CHECK(id(450, 4700, 320) == 0);
    Tracker next({}, last_id);
    CHECK(next.update(box, {0, 0, 640, 480}, 0.5f)[0] == 0);
    CHECK(next.update(box, {1, 0, 640, 480}, 0.5f)[0] == 12);
}

TEST_CASE("boxes that are none have no track and do no harm") {
    const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
    Detection none[6];
    for (Detection &box : none) box = box_at(100, 100);
    none[0].x1 = nan;
    none[1].y2 = inf;
    none[2].x2 = none[2].x1;
    none[3].y2 = none[3].y1 - 5;
    none[4] = {0, 0.9f, -3e38f, -3e38f, 3e38f, 3e38f};
    none[5].score = nan;
    Follower follower;
    for (int i = 0; i < 4; ++i) {
        std::vector<Detection> boxes(std::begin(none), std::end(none) - 1);
        boxes.push_back(box_at(300, 300));
        const Ids ids = follower.at(0.1 * i, boxes);
        CHECK(ids[5] == (i > 0 ? follower.last_id.load() : 0u));
        for (size_t k = 0; k < 4; ++k) CHECK(ids[k] == 0);
    }
    for (int i = 4; i < 8; ++i) follower.at(0.1 * i, {none[5], box_at(300, 300)});
    CHECK(follower.at(0.9, {box_at(300, 300)})[0] != 0);
}

TEST_CASE("no memory is taken from frame to frame, and ids are each of one box") {
    Follower follower;
    std::mt19937 random(8);
    std::vector<Detection> boxes;
    for (uint32_t i = 0; i < max_detections_limit + 20; ++i)
        boxes.push_back(box_at(random() % 640, random() % 480, 8 + random() % 30, 8 + random() % 30, random() % 5));
    const uint64_t before = test::heap_allocations();
    for (int frame = 0; frame < 30; ++frame) {
        for (Detection &box : boxes) {
            const float dx = static_cast<float>(random() % 5) - 2, dy = static_cast<float>(random() % 5) - 2;
            box.x1 += dx, box.x2 += dx, box.y1 += dy, box.y2 += dy;
        }
        const TrackTime time = {uint64_t(frame + 1) * 50'000'000, 0, 640, 480};
        const size_t count = frame % 7 == 3 ? 10 : boxes.size();
        const auto ids = follower.tracker.update(std::span(boxes).first(count), time, 0.5f);
        if (frame < 29) continue;
        CHECK(test::heap_allocations() == before);
        CHECK(ids.size() == max_detections_limit);
        std::set<uint32_t> seen;
        size_t tracked = 0;
        for (const uint32_t id : ids) tracked += id != 0, seen.insert(id);
        CHECK(tracked > 900);
        CHECK(seen.size() - seen.count(0) == tracked);
    }
    // There is no room for more; it comes when what is hidden is forgotten.
    for (Detection &box : boxes) box.x1 += 5000, box.x2 += 5000;
    for (uint64_t frame = 31; frame < 80; ++frame) {
        const uint64_t allocations = test::heap_allocations();
        const auto ids = follower.tracker.update(boxes, {frame * 50'000'000, 0, 640, 480}, 0.5f);
        const bool none = test::heap_allocations() == allocations;
        CHECK(none);
        const auto tracked = std::count_if(ids.begin(), ids.end(), [](uint32_t id) { return id != 0; });
        if (frame == 40) CHECK(tracked < 100);
        if (frame == 79) CHECK(tracked > 900);
    }
}
