#include <cmath>
#include <limits>

#include <doctest/doctest.h>

#include "tests/support/ref.h"
#include "tests/vision/heads_reference.h"

using namespace sac;
using namespace sac::test;

namespace {

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

// What a decoder makes of one cell, in double.
struct Decoded {
    double x1, y1, x2, y2, score;
    uint32_t class_id;
};

Decoded decode_fastestdet(const std::vector<double> &v, double gx, double gy, double grid_w, double grid_h,
                          double width, double height) {
    const auto best = std::max_element(v.begin() + 5, v.end());
    const double score = std::pow(v[0], 0.6) * std::pow(*best, 0.4);
    const double cx = (gx + std::tanh(v[1])) / grid_w * width, cy = (gy + std::tanh(v[2])) / grid_h * height;
    const double w = sigmoid(v[3]) * width, h = sigmoid(v[4]) * height;
    return {cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2, score, uint32_t(best - v.begin() - 5)};
}

Decoded decode_anchor_free(const std::vector<double> &v, double gx, double gy, double s, const CardHead &head) {
    const size_t first = head.objectness ? 5 : 4;
    const auto best = std::max_element(v.begin() + static_cast<std::ptrdiff_t>(first), v.end());
    const auto probability = [&](double x) { return head.sigmoid ? sigmoid(x) : x; };
    Decoded d = {0,
                 0,
                 0,
                 0,
                 (head.objectness ? probability(v[4]) : 1) * probability(*best),
                 uint32_t(size_t(best - v.begin()) - first)};
    double cx = 0, cy = 0, w = 0, h = 0;
    switch (head.box) {
        case BoxEncoding::distance:
            d.x1 = (gx + 0.5 - v[0]) * s, d.y1 = (gy + 0.5 - v[1]) * s;
            d.x2 = (gx + 0.5 + v[2]) * s, d.y2 = (gy + 0.5 + v[3]) * s;
            return d;
        case BoxEncoding::grid_offset:
            cx = (gx + v[0]) * s, cy = (gy + v[1]) * s, w = std::exp(v[2]) * s, h = std::exp(v[3]) * s;
            break;
        case BoxEncoding::absolute: cx = v[0], cy = v[1], w = v[2], h = v[3]; break;
    }
    d.x1 = cx - w / 2, d.x2 = cx + w / 2, d.y1 = cy - h / 2, d.y2 = cy + h / 2;
    return d;
}

// No suppression (of a threshold of 1), so every cell above the score comes out; both sides sorted by score.
void compare(std::vector<Decoded> expected, const HeadResult &actual, double score_bound, double box_bound) {
    std::sort(expected.begin(), expected.end(), [](const auto &a, const auto &b) { return a.score > b.score; });
    REQUIRE(actual.detections.size() == expected.size());
    double score_error = 0, box_error = 0;
    size_t wrong_class = 0;
    for (size_t i = 0; i < expected.size(); ++i) {
        const Detection &a = actual.detections[i];
        const Decoded &e = expected[i];
        wrong_class += a.class_id != e.class_id;
        score_error = std::max(score_error, std::abs(a.score - e.score));
        for (const double difference : {a.x1 - e.x1, a.y1 - e.y1, a.x2 - e.x2, a.y2 - e.y2})
            box_error = std::max(box_error, std::abs(difference));
    }
    CHECK(wrong_class == 0);
    CHECK(score_error <= score_bound);
    CHECK(box_error <= box_bound);
}

// Values rounded to what the storage holds, so that the reference sees the same numbers.
void round_to(std::vector<float> &values, DType storage) {
    if (storage == DType::f16) values = rounded_to_half(values);
}

constexpr DetectionThresholds everything = {0.05f, 1.0f, 1024, true};

// Distinct scores, so that the order is certain: steps of 1/2048 survive halves.
float step_score(Random &random, std::vector<bool> &used) {
    size_t step = 0;
    do step = random.below(used.size());
    while (used[step]);
    used[step] = true;
    return static_cast<float>(step + 1) / 2048.0f;
}

Card fastestdet_card(uint32_t width, uint32_t height, uint32_t classes) {
    Card card = candidate_card(1, classes);
    card.input.width = width;
    card.input.height = height;
    card.head = {};
    card.head.type = HeadType::fastestdet;
    card.head.outputs = {"out"};
    return card;
}

}  // namespace

TEST_CASE("FastestDet's decoder, every layout and storage") {
    for (const auto &[grid_w, grid_h, classes] : {std::tuple{22u, 22u, 80u}, {5u, 3u, 1u}, {1u, 1u, 2u}, {13u, 7u, 3u}})
        for (const Layout layout : {Layout::dense, Layout::c4})
            for (const DType storage : {DType::f32, DType::f16}) {
                const uint32_t cells = grid_w * grid_h, channels = 5 + classes;
                HeadOutput output;
                output.name = "out";
                output.shape = {1, channels, grid_h, grid_w};
                output.layout = layout;
                output.storage = storage;
                output.values = random_floats(size_t(cells) * channels, cells, -2, 2);
                Random random(channels);
                for (uint32_t c = 0; c < channels; ++c)
                    for (uint32_t cell = 0; cell < cells; ++cell)
                        if (c == 0 || c >= 5)
                            output.values[c * cells + cell] = static_cast<float>(random.uniform(0.001, 1));
                round_to(output.values, storage);
                std::vector<Decoded> expected;
                for (uint32_t cell = 0; cell < cells; ++cell) {
                    const uint32_t gx = cell % grid_w, gy = cell / grid_w;
                    std::vector<double> v(channels);
                    for (uint32_t c = 0; c < channels; ++c) v[c] = output.values[c * cells + cell];
                    expected.push_back(decode_fastestdet(v, gx, gy, grid_w, grid_h, 352, 320));
                }
                // A threshold between two scores.
                std::vector<double> scores(cells);
                for (uint32_t cell = 0; cell < cells; ++cell) scores[cell] = expected[cell].score;
                std::sort(scores.begin(), scores.end());
                const double threshold = (scores[cells / 3] + (cells > 1 ? scores[cells / 3 - (cells > 3)] : 0)) / 2;
                std::erase_if(expected, [&](const Decoded &d) { return d.score < threshold; });
                const auto result = detect_on_device(fastestdet_card(352, 320, classes), {output},
                                                     {static_cast<float>(threshold), 1.0f, 1024, true});
                REQUIRE_MESSAGE(result.ok(), (result.ok() ? "" : result.error().message));
                CAPTURE(cells);
                compare(expected, *result, 2e-5, 2e-3);
            }
}

TEST_CASE("anchor-free decoders: every box encoding, with and without objectness, logits or not") {
    for (const BoxEncoding box : {BoxEncoding::grid_offset, BoxEncoding::distance, BoxEncoding::absolute})
        for (const bool objectness : {false, true})
            for (const bool logits : {false, true})
                for (const int arrangement : {0, 1, 2, 3, 4}) {  // of outputs, layouts and storages
                    Card card = candidate_card(1, 6);
                    card.input.width = 64;
                    card.input.height = 48;
                    card.head.box = box;
                    card.head.objectness = objectness;
                    card.head.sigmoid = logits;
                    card.head.strides = {8, 16, 32};
                    card.head.channels_last = arrangement == 0 || arrangement == 4;
                    const bool each = arrangement >= 2;  // an output for each stride
                    if (each) card.head.outputs = {"a", "b", "c"};
                    const Layout layout =
                        arrangement == 1 || arrangement == 3 || arrangement == 4 ? Layout::c4 : Layout::dense;
                    const DType storage = arrangement == 3 ? DType::f16 : DType::f32;
                    const uint32_t channels = (objectness ? 5 : 4) + 6;

                    std::vector<std::array<uint32_t, 3>> levels = {{8, 6, 8}, {4, 3, 16}, {2, 2, 32}};
                    uint32_t total = 0;
                    for (const auto &[w, h, s] : levels) total += w * h;
                    Random random(17);
                    std::vector<bool> used(2000);
                    std::vector<std::vector<float>> cells;
                    std::vector<Decoded> expected;
                    for (const auto &[w, h, s] : levels)
                        for (uint32_t cell = 0; cell < w * h; ++cell) {
                            std::vector<float> v(channels, logits ? -9.0f : 0.0f);
                            for (size_t i = 0; i < 4; ++i) v[i] = static_cast<float>(random.uniform(0.2, 2));
                            const float score = step_score(random, used);
                            v[(objectness ? 5 : 4) + random.below(6)] = logits ? 8 * score - 4 : score;
                            if (objectness) v[4] = logits ? 3.0f : 0.5f;
                            round_to(v, storage);
                            cells.push_back(v);
                            const uint32_t gx = cell % w, gy = cell / w;
                            const Decoded d = decode_anchor_free({v.begin(), v.end()}, gx, gy, s, card.head);
                            if (d.score >= everything.score) expected.push_back(d);
                        }
                    std::vector<HeadOutput> outputs;
                    uint32_t first = 0;
                    for (size_t level = 0; level < (each ? 3 : 1); ++level) {
                        const uint32_t count = each ? levels[level][0] * levels[level][1] : total;
                        HeadOutput output;
                        output.name = card.head.outputs[level];
                        output.layout = layout;
                        output.storage = storage;
                        output.values.resize(size_t(count) * channels);
                        if (card.head.channels_last)
                            output.shape = {1, count, channels};
                        else if (each)
                            output.shape = {1, channels, levels[level][1], levels[level][0]};
                        else
                            output.shape = {1, channels, count};
                        for (uint32_t cell = 0; cell < count; ++cell)
                            for (uint32_t c = 0; c < channels; ++c)
                                output.values[card.head.channels_last ? cell * channels + c : c * count + cell] =
                                    cells[first + cell][c];
                        first += count;
                        outputs.push_back(output);
                    }
                    const auto result = detect_on_device(card, outputs, everything);
                    REQUIRE_MESSAGE(result.ok(), (result.ok() ? "" : result.error().message));
                    CAPTURE(static_cast<int>(box));
                    CAPTURE(objectness);
                    CAPTURE(logits);
                    CAPTURE(arrangement);
                    compare(expected, *result, 2e-6, 1e-3);
                }
}

TEST_CASE("every class of a cell above the score, where the card wants it") {
    for (const bool objectness : {false, true}) {
        CAPTURE(objectness);
        Card card = candidate_card(6, 5);
        card.head.multi_label = true;
        card.head.objectness = objectness;
        const uint32_t channels = objectness ? 10 : 9;
        HeadOutput output;
        output.name = "out";
        output.shape = {1, 6, channels};
        std::vector<Decoded> expected;
        std::vector<bool> used(2000);
        Random random(5);
        for (uint32_t cell = 0; cell < 6; ++cell) {
            std::vector<float> v(channels, 0.0f);
            for (size_t i = 0; i < 4; ++i) v[i] = static_cast<float>(random.uniform(1, 6));
            if (objectness) v[4] = 0.5f;
            for (uint32_t i = 0; i < 5; ++i)  // of the last cell a class is no number, of some others there is nothing
                if ((cell + i) % 3 != 0) v[channels - 5 + i] = step_score(random, used);
            if (cell == 5) v[channels - 1] = std::numeric_limits<float>::quiet_NaN();
            output.values.insert(output.values.end(), v.begin(), v.end());
            for (uint32_t i = 0; i < 5; ++i) {
                std::vector<double> alone(v.begin(), v.end() - 5);
                alone.resize(channels, 0);
                alone[channels - 5 + i] = static_cast<double>(v[channels - 5 + i]);
                if (!(alone[channels - 5 + i] > 0)) continue;
                const Decoded d = decode_anchor_free(alone, cell, 0, 1, card.head);
                if (d.score >= static_cast<double>(everything.score)) expected.push_back(d);
            }
        }
        REQUIRE(expected.size() > 12);
        const auto result = detect_on_device(card, {output}, everything);
        REQUIRE_MESSAGE(result.ok(), (result.ok() ? "" : result.error().message));
        compare(expected, *result, 2e-6, 1e-3);
    }
    Card card = candidate_card(4096, 100);
    card.head.multi_label = true;
    std::vector<test::Candidate> none;
    const auto result = detect_on_device(card, {candidate_output(none, 4096, 100)}, everything);
    REQUIRE_FALSE(result.ok());
    CHECK(result.error().message.find("4096 cells of 100 classes are more than 400000") != std::string::npos);
}

TEST_CASE("many classes, and a grid that the stride does not divide") {
    Card card = candidate_card(1, 2000);
    card.input.width = 50;
    card.input.height = 33;
    card.head.strides = {16};
    HeadOutput output;
    output.name = "out";
    output.shape = {1, 12, 2004};
    output.values.assign(12 * 2004, 0.0f);
    for (uint32_t cell = 0; cell < 12; ++cell) {
        for (size_t i = 0; i < 4; ++i) output.values[cell * 2004 + i] = static_cast<float>(10 + cell);
        output.values[cell * 2004 + 4 + (cell * 181) % 2000] = 0.9f - 0.01f * static_cast<float>(cell);
    }
    const auto result = detect_on_device(card, {output}, everything);
    REQUIRE_MESSAGE(result.ok(), (result.ok() ? "" : result.error().message));
    REQUIRE(result->detections.size() == 12);
    for (uint32_t cell = 0; cell < 12; ++cell) CHECK(result->detections[cell].class_id == (cell * 181) % 2000);
}

TEST_CASE("outputs that do not fit the card are refused by name") {
    const auto error_of = [](const Card &card, const std::vector<HeadOutput> &outputs, Code code) {
        const auto result = detect_on_device(card, outputs, everything);
        REQUIRE_FALSE(result.ok());
        CHECK(result.error().code == code);
        return result.error().message;
    };
    const auto output = [](std::string name, Shape shape, DType storage = DType::f32) {
        HeadOutput o;
        o.name = std::move(name);
        o.values.resize(static_cast<size_t>(element_count(shape)));
        o.shape = std::move(shape);
        o.storage = storage;
        return o;
    };
    const auto has = [](const std::string &text, const char *part) { return text.find(part) != text.npos; };
    const Card fast = fastestdet_card(64, 64, 3);
    CHECK(has(error_of(fast, {output("other", {1, 8, 4, 4})}, Code::invalid_file), "'out'"));
    CHECK(has(error_of(fast, {output("out", {1, 9, 4, 4})}, Code::invalid_file), "8 channels for 3 labels"));
    CHECK(has(error_of(fast, {output("out", {1, 8, 16})}, Code::invalid_file), "[1, 8, 16]"));
    CHECK(has(error_of(fast, {output("out", {2, 8, 4, 4})}, Code::invalid_file), "[2, 8, 4, 4]"));
    CHECK(has(error_of(fast, {output("out", {8})}, Code::invalid_file), "[8]"));
    Card free = candidate_card(16, 3);
    CHECK(has(error_of(free, {output("out", {1, 15, 7})}, Code::invalid_file), "16 cells"));
    CHECK(has(error_of(free, {output("out", {1, 16, 8})}, Code::invalid_file), "7 channels"));
    CHECK(has(error_of(free, {output("out", {1, 16, 1, 7})}, Code::invalid_file), "channels"));
    free.head.outputs = {"a", "b"};
    free.head.strides = {1, 1};
    CHECK(
        has(error_of(free, {output("a", {1, 16, 7}), output("b", {1, 16, 7}, DType::f16)}, Code::unsupported), "'b'"));
    const Card large = candidate_card(500000, 1);
    CHECK(has(error_of(large, {output("out", {1, 500000, 5})}, Code::invalid_file), "cells"));
}

TEST_CASE("wrong thresholds are refused") {
    const Card card = candidate_card(1, 1);
    std::vector<test::Candidate> candidates = {{0, 0, 4, 4, 0.5f, 0, 0}};
    const HeadOutput output = candidate_output(candidates, 1, 1);
    for (const DetectionThresholds &wrong :
         {DetectionThresholds{-0.1f, 0.5f, 10, true}, DetectionThresholds{1.1f, 0.5f, 10, true},
          DetectionThresholds{std::nanf(""), 0.5f, 10, true}, DetectionThresholds{0.5f, -1, 10, true},
          DetectionThresholds{0.5f, std::nanf(""), 10, true}, DetectionThresholds{0.5f, 0.5f, 0, true},
          DetectionThresholds{0.5f, 0.5f, max_detections_limit + 1, true}}) {
        const auto result = detect_on_device(card, {output}, wrong);
        REQUIRE_FALSE(result.ok());
        CHECK(result.error().code == Code::invalid_argument);
    }
}
