#include <bit>
#include <cmath>
#include <limits>
#include <numeric>

#include <doctest/doctest.h>

#include "tests/support/ref.h"
#include "tests/vision/heads_reference.h"

using namespace sac;
using namespace sac::test;

namespace {

struct Scene {
    uint32_t count = 0, classes = 5;
    double spread = 500, size = 60;  // of box centres and boxes, pixels
    uint32_t score_steps = 0;        // 0: any score; else that many different ones, so that there are ties
};

// Random boxes in random cells (three cells for every two candidates).
std::vector<test::Candidate> random_candidates(const Scene &scene, uint64_t seed) {
    Random random(seed);
    std::vector<uint32_t> cells(scene.count + scene.count / 2);
    std::iota(cells.begin(), cells.end(), 0u);
    for (size_t i = cells.size(); i > 1; --i) std::swap(cells[i - 1], cells[random.below(i)]);
    std::vector<test::Candidate> candidates(scene.count);
    for (uint32_t i = 0; i < scene.count; ++i) {
        const double x = random.uniform(0, scene.spread), y = random.uniform(0, scene.spread);
        const double w = random.uniform(0.3, 1) * scene.size, h = random.uniform(0.3, 1) * scene.size;
        const double score = scene.score_steps ? (1.0 + random.below(scene.score_steps)) / (scene.score_steps + 1)
                                               : random.uniform(0.2, 1);
        candidates[i] = {float(x),     float(y),     float(x + w),
                         float(y + h), float(score), uint32_t(random.below(scene.classes)),
                         cells[i]};
    }
    return candidates;
}

// In every bit.
bool same(const Detection &a, const Detection &b) {
    using Words = std::array<uint32_t, 6>;
    return std::bit_cast<Words>(a) == std::bit_cast<Words>(b);
}

uint32_t cells_for(const std::vector<test::Candidate> &candidates) {
    uint32_t cells = 1;
    for (const test::Candidate &c : candidates) cells = std::max(cells, c.cell + 1);
    return cells;
}

// Runs both and compares set, order and every bit. Returns what the device kept.
std::vector<Detection> check(std::vector<test::Candidate> candidates, uint32_t classes,
                             const DetectionThresholds &thresholds) {
    const uint32_t cells = cells_for(candidates);
    const HeadOutput output = candidate_output(candidates, cells, classes);
    const auto actual = detect_on_device(candidate_card(cells, classes), {output}, thresholds);
    REQUIRE_MESSAGE(actual.ok(), (actual.ok() ? "" : actual.error().message));
    const std::vector<Detection> expected = reference_suppression(candidates, thresholds);
    CHECK(actual->detections.size() == expected.size());
    size_t different = 0;
    for (size_t i = 0; i < std::min(expected.size(), actual->detections.size()); ++i)
        different += !same(actual->detections[i], expected[i]);
    CHECK(different == 0);
    const auto above = std::count_if(candidates.begin(), candidates.end(),
                                     [&](const test::Candidate &c) { return c.score >= thresholds.score; });
    CHECK(actual->counts.candidates == above);
    CHECK(actual->counts.not_ranked == std::max<int64_t>(above - max_candidates, 0));
    return actual->detections;
}

}  // namespace

TEST_CASE("as one after another, for 0 to 10,000 candidates") {
    for (const uint32_t count : {0u,   1u,   2u,   3u,   7u,   8u,   9u,   63u,   64u,   65u,   127u,
                                 128u, 129u, 130u, 255u, 256u, 257u, 500u, 1000u, 3000u, 10000u})
        for (const bool class_aware : {true, false}) {
            CAPTURE(count);
            CAPTURE(class_aware);
            const double spread = 40 * std::sqrt(count + 1.0);
            check(random_candidates({count, 5, spread, 60, 0}, count), 5, {0.1f, 0.45f, 1024, class_aware});
        }
}

TEST_CASE("crowded scenes: long chains of boxes that suppress one another") {
    for (uint64_t seed = 0; seed < 8; ++seed) {
        check(random_candidates({700, 1, 150, 80, 0}, seed), 1, {0.1f, 0.3f, 500, true});
        check(random_candidates({700, 80, 60, 80, 0}, seed), 80, {0.1f, 0.6f, 500, true});
    }
    // A row of boxes, each overlapping the next alone: every second one stays, decided from one end to the other.
    std::vector<test::Candidate> row;
    for (uint32_t i = 0; i < 1500; ++i)
        row.push_back({float(6 * i), 0, float(6 * i + 10), 10, 0.9f - 0.0005f * float(i), 0, 1499 - i});
    CHECK(check(row, 1, {0.1f, 0.2f, 1024, true}).size() == 750);
}

TEST_CASE("equal scores are taken in the order of cells") {
    check(random_candidates({400, 3, 200, 60, 1}, 1), 3, {0.1f, 0.5f, 400, true});
    check(random_candidates({900, 3, 200, 60, 4}, 2), 3, {0.1f, 0.5f, 900, true});
    check(random_candidates({10000, 2, 3000, 60, 7}, 3), 2, {0.1f, 0.5f, 1024, true});
}

TEST_CASE("identical boxes leave the best one of each class") {
    std::vector<test::Candidate> same;
    for (uint32_t i = 0; i < 1000; ++i)
        same.push_back({10, 20, 30, 50, 0.5f + 0.0001f * float(i * 7 % 1000), i % 4, i});
    CHECK(check(same, 4, {0.1f, 0.9f, 100, true}).size() == 4);
    CHECK(check(same, 4, {0.1f, 0.9f, 100, false}).size() == 1);
    for (test::Candidate &c : same) c.score = 0.5f;
    const auto kept = check(same, 4, {0.1f, 0.9f, 100, false});
    REQUIRE(kept.size() == 1);
    CHECK(kept[0].class_id == 0);  // cell 0
}

TEST_CASE("all kept: boxes apart; and boxes of no area, which suppress nothing") {
    std::vector<test::Candidate> apart;
    for (uint32_t i = 0; i < 10000; ++i) {
        const uint32_t column = i % 100, row = i / 100;
        const float x = float(column) * 10, y = float(row) * 10;
        apart.push_back({x, y, x + 8, y + 8, 0.2f + 0.00007f * float((i * 7919) % 10000), 0, i});
    }
    CHECK(check(apart, 1, {0.1f, 0.0f, 1024, true}).size() == 1024);
    apart.resize(600);
    CHECK(check(apart, 1, {0.1f, 0.0f, 1024, true}).size() == 600);
    for (test::Candidate &c : apart) c.x1 = c.x2 = c.y1 = c.y2 = 5;
    CHECK(check(apart, 1, {0.1f, 0.5f, 1024, true}).size() == 600);
}

TEST_CASE("the limit of detections") {
    for (const uint32_t limit : {1u, 2u, 127u, 128u, 129u, 1000u})
        check(random_candidates({2000, 3, 3000, 40, 0}, limit), 3, {0.1f, 0.5f, limit, true});
}

TEST_CASE("thresholds at their ends") {
    const auto candidates = random_candidates({300, 2, 200, 60, 0}, 9);
    check(candidates, 2, {0.0f, 1.0f, 1024, true});
    check(candidates, 2, {1.0f, 0.5f, 1024, true});
    check(candidates, 2, {0.1f, 0.0f, 1024, true});
    // A score that is just the threshold stays.
    check({{0, 0, 4, 4, 0.25f, 0, 0}, {10, 0, 14, 4, std::nextafter(0.25f, 0.0f), 0, 1}}, 1, {0.25f, 0.5f, 10, true});
    // An overlap that is just the threshold does not suppress: 2 of 4 + 2.
    CHECK(check({{0, 0, 2, 2, 0.9f, 0, 0}, {0, 0, 2, 1, 0.8f, 0, 1}}, 1, {0.1f, 0.5f, 10, true}).size() == 2);
}

TEST_CASE("more candidates than are considered: the best ones are, the others counted") {
    check(random_candidates({20000, 3, 9000, 60, 0}, 11), 3, {0.1f, 0.5f, 1024, true});
    // The worst, beyond the capacity, would have been kept.
    std::vector<test::Candidate> many;
    for (uint32_t i = 0; i < max_candidates + 100; ++i) {
        const bool best = i % 4 != 0 || i / 4 >= 100;
        many.push_back({0, 0, 10, 10, best ? 0.9f : 0.3f, 0, i});
        if (!best) many.back().x1 = many.back().x2 - 1, many.back().x2 += 500;
    }
    CHECK(check(many, 1, {0.1f, 0.1f, 1024, true}).size() == 1);
}

TEST_CASE("scores and boxes that are no numbers count as below the threshold") {
    const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
    std::vector<test::Candidate> candidates = random_candidates({500, 2, 400, 60, 0}, 4);
    const uint32_t cells = cells_for(candidates);
    HeadOutput output = candidate_output(candidates, cells, 2);
    std::vector<test::Candidate> left;
    for (size_t i = 0; i < candidates.size(); ++i) {
        float *const cell = &output.values[size_t(candidates[i].cell) * 6];
        const float bad = i % 3 == 0 ? nan : i % 3 == 1 ? inf : -inf;
        if (i % 5 == 0)
            cell[4] = cell[5] = bad;
        else if (i % 5 == 1)
            cell[i % 4] = bad;
        else
            left.push_back(candidates[i]);
    }
    const DetectionThresholds thresholds = {0.1f, 0.5f, 1024, true};
    auto result = detect_on_device(candidate_card(cells, 2), {output}, thresholds);
    REQUIRE(result.ok());
    const auto expected = reference_suppression(left, thresholds);
    CHECK(result->counts.candidates == left.size());
    REQUIRE(result->detections.size() == expected.size());
    CHECK(std::equal(expected.begin(), expected.end(), result->detections.begin(), same));

    for (const float bad : {nan, inf, -inf}) {
        std::fill(output.values.begin(), output.values.end(), bad);
        result = detect_on_device(candidate_card(cells, 2), {output}, thresholds);
        REQUIRE(result.ok());
        CHECK(result->detections.empty());
    }
}

TEST_CASE("boxes come out in stored pixels, also turned and mirrored") {
    std::vector<test::Candidate> candidates = {{10, 20, 30, 60, 0.9f, 0, 0}};
    const HeadOutput output = candidate_output(candidates, 1, 1);
    for (const uint32_t rotation : {0u, 90u, 180u, 270u})
        for (const bool mirror : {false, true}) {
            FrameLayout frame = FrameLayout::tight(PixelFormat::rgb, 640, 480);
            frame.rotation = rotation;
            frame.mirror = mirror;
            const PreprocessTransform transform = transform_of({-3, 7, 100, 80}, frame);
            const auto result = detect_on_device(candidate_card(1, 1), {output}, {0.1f, 0.5f, 5, true}, transform);
            REQUIRE(result.ok());
            REQUIRE(result->detections.size() == 1);
            const auto map = [&](double x, double y) {
                return std::pair{transform.m[0] * x + transform.m[1] * y + transform.m[2],
                                 transform.m[3] * x + transform.m[4] * y + transform.m[5]};
            };
            const auto [ax, ay] = map(10, 20);
            const auto [bx, by] = map(30, 60);
            const Detection &d = result->detections[0];
            CHECK(d.x1 == doctest::Approx(std::min(ax, bx)).epsilon(1e-5));
            CHECK(d.x2 == doctest::Approx(std::max(ax, bx)).epsilon(1e-5));
            CHECK(d.y1 == doctest::Approx(std::min(ay, by)).epsilon(1e-5));
            CHECK(d.y2 == doctest::Approx(std::max(ay, by)).epsilon(1e-5));
        }
}
