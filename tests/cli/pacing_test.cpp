// saccade pacing.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "tests/cli/program.h"

using namespace sac::test;
using Json = nlohmann::json;

TEST_CASE("pacing measures a renderer without the plugin, with budgets, and with whole networks") {
    const Finished finished = saccade({"pacing", "--model", "seeded", "--seconds", "0.7", "--budget", "6000",
                                       "--budget", "20000", "--rate", "20", "--size", "64x48", "--json"});
    CAPTURE(finished.err);
    REQUIRE(finished.code == 0);
    const auto lines = finished.lines();
    REQUIRE(lines.size() == 4);
    const char *const settings[] = {"off", "6000 us", "20000 us", "whole network"};
    for (size_t i = 0; i < lines.size(); ++i) {
        const Json line = Json::parse(lines[i]);
        CHECK(line["setting"] == settings[i]);
        CHECK(line["frames"].get<int>() > 0);
        CHECK(line["frame_median_ms"].get<double>() > 0);
        CHECK(line["frame_p99_ms"].get<double>() >= line["frame_median_ms"].get<double>());
        if (i == 0) CHECK(line["answers_a_second"].get<double>() == 0);
        CHECK((line["slices"].get<int>() > 0) == (i == 1 || i == 2));
    }
}

TEST_CASE("pacing refuses what it cannot measure") {
    for (const char *const size : {"5x5", "64", "x", "5000x5000"}) {
        const Finished finished = saccade({"pacing", "--model", "seeded", "--size", size});
        CHECK(finished.code == 2);
        CHECK(finished.err.find("--size") != std::string::npos);
    }
    CHECK(saccade({"pacing", "--budget", "1"}).code == 2);
}
