// labels: real
// saccade detect on photographs with public weights gives the boxes that another runtime gave.
#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>

#include <nlohmann/json.hpp>

#include "tests/cli/program.h"
#include "tests/support/files.h"

using namespace sac::test;
using Json = nlohmann::json;

namespace {

double overlap(const std::vector<double> &a, const std::vector<double> &b) {
    const double w = std::min(a[2], b[2]) - std::max(a[0], b[0]), h = std::min(a[3], b[3]) - std::max(a[1], b[1]);
    if (w <= 0 || h <= 0) return 0;
    const double both = w * h;
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both);
}

// The best counterpart of a detection by label and overlap.
const Json *counterpart(const Json &detection, const Json &others) {
    const Json *best = nullptr;
    double best_overlap = 0;
    for (const Json &other : others) {
        if (other.at("label") != detection.at("label")) continue;
        const double now = overlap(detection.at("box"), other.at("box"));
        if (now > best_overlap) best_overlap = now, best = &other;
    }
    return best;
}

// Above this score nothing may be missing or too much: nearer to the threshold of 0.5 a decoder's rounding decides.
constexpr double sure = 0.58;

void compare(const std::string &photo, const Json &got, const Json &wanted) {
    CAPTURE(photo);
    for (const Json &w : wanted) {
        CAPTURE(w.dump());
        const Json *g = counterpart(w, got);
        if (w.at("score") > sure) REQUIRE(g);
        if (!g || (w.at("score") <= sure && overlap(w.at("box"), g->at("box")) < 0.5)) continue;
        CHECK(overlap(w.at("box"), g->at("box")) > 0.98);
        CHECK(std::abs(w.at("score").get<double>() - g->at("score").get<double>()) < 0.02);
    }
    for (const Json &g : got) {
        CAPTURE(g.dump());
        if (g.at("score") > sure) CHECK(counterpart(g, wanted));
    }
}

}  // namespace

TEST_CASE("FastestDet's boxes on five photographs") {
    const auto folder = real_data("detect-fastestdet"), photos = real_data("photos");
    if (!folder || !photos) return;
    std::ifstream in(*folder / "expected.json");
    const Json expected = Json::parse(in, nullptr, false);
    REQUIRE(expected.is_object());
    REQUIRE(expected.size() == 5);
    std::vector<std::string> arguments = {"detect", "--json", "--weights", (*folder / "FastestDet.onnx").string()};
    std::vector<std::string> names;
    for (const auto &[name, boxes] : expected.items()) {
        arguments.push_back((*photos / name).string());
        names.push_back(name);
    }
    const Finished finished = saccade(arguments);
    CAPTURE(finished.err);
    REQUIRE(finished.code == 0);
    const std::vector<std::string> lines = finished.lines();
    REQUIRE(lines.size() == names.size());
    for (size_t i = 0; i < names.size(); ++i)
        compare(names[i], Json::parse(lines[i]).at("detections"), expected.at(names[i]));
}
