// saccade bench.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include <nlohmann/json.hpp>

#include "samples/cli/bench_report.h"
#include "samples/cli/statistics.h"
#include "tests/cli/program.h"
#include "tests/support/files.h"

using namespace sac;
using namespace sac::test;
using Json = nlohmann::json;

namespace {

// A program that answers as benchncnn does, from files <description>.says, and keeps what it was called with.
struct FakeBenchncnn {
    TempDir dir;
    std::string program = (dir / "build" / "benchmark" / "benchncnn").string();
    std::filesystem::path models = dir / "benchmark" / "models";

    FakeBenchncnn() {
        std::filesystem::create_directories(dir / "build" / "benchmark");
        std::filesystem::create_directories(models);
        write_text(models / "resnet50.param", "");
        write_text(program,
                   "#!/bin/sh\n"
                   "echo \"$@\" >> calls\n"
                   "echo 'loop_count = 3' >&2\n"
                   "name=${6#param=}\n"
                   "cat \"${name%.param}.says\" >&2\n");
        std::filesystem::permissions(program, std::filesystem::perms::owner_all);
    }
    void says(const std::string &description, const std::string &text) const {
        write_text(models / (description + ".param"), "");
        write_text(models / (description + ".says"), text);
    }
};

std::vector<Json> json_lines(const Finished &finished) {
    std::vector<Json> lines;
    for (const std::string &line : finished.lines()) lines.push_back(Json::parse(line));
    return lines;
}

}  // namespace

TEST_CASE("bench measures, in text and JSON") {
    const Finished finished = saccade({"bench", "--net", "squeezenet", "--runs", "3", "--json", "--kernels"});
    CAPTURE(finished.err);
    REQUIRE(finished.code == 0);
    REQUIRE(finished.lines().size() == 1);
    const Json line = Json::parse(finished.lines()[0]);
    CHECK(line.at("network") == "squeezenet");
    CHECK(line.at("runs") == 3);
    const double median = line.at("median_ms");
    CHECK(median > 0);
    CHECK(line.at("p99_ms") >= median);
    CHECK(line.at("min_ms") <= median);
    CHECK(line.at("multiply_adds") == doctest::Approx(418467520).epsilon(1e-6));
    CHECK(line.at("gflops") == doctest::Approx(2 * 0.418467520 / median * 1e3).epsilon(1e-6));
    CHECK(line.at("live_set_bytes") > 113 * 113 * 64 * 4);  // the first convolution's output, at the least
    CHECK(line.at("activation_bytes") >= line.at("live_set_bytes"));
    CHECK(line.at("weight_bytes") > 4 * 1231552);
    CHECK(line.at("kernels").size() == line.at("dispatches"));
    CHECK_FALSE(line.contains("load_cold_ms"));
    CHECK_FALSE(line.contains("ncnn_ms"));

    const Finished text = saccade({"bench", "--net", "squeezenet", "--runs", "3"});
    REQUIRE(text.code == 0);
    REQUIRE(text.lines().size() == 3);  // the device, the columns, the network
    CHECK(text.lines()[1].find("median ms") != std::string::npos);
    CHECK(text.lines()[2].find("squeezenet ") == 0);
    CHECK(text.lines()[2].find(" 418.5") != std::string::npos);
}

TEST_CASE("bench ends its runs when their time is over") {
    const Finished finished = saccade({"bench", "--net", "squeezenet", "--runs", "100000", "--seconds", "1", "--json"});
    REQUIRE(finished.code == 0);
    const Json line = Json::parse(finished.lines().at(0));
    CHECK(line.at("runs") >= 3);
    CHECK(line.at("runs") < 1000);
}

#ifndef _WIN32
TEST_CASE("bench runs in turns with ncnn's, and tells the ratios") {
    const FakeBenchncnn ncnn;
    ncnn.says("squeezenet", "    squeezenet.param  min =  100.00  max =  400.00  avg =  200.00\n");
    ncnn.says("FastestDet", "    FastestDet.param  min =   10.00  max =   12.00  avg =   11.50\n");
    const std::vector<std::string> arguments = {
        "bench", "--net",    "squeezenet", "--net",     "fastestdet",          "--runs",
        "8",     "--rounds", "2",          "--against", "ncnn=" + ncnn.program};
    std::vector<std::string> for_json = arguments;
    for_json.push_back("--json");
    const Finished finished = saccade(for_json);
    CAPTURE(finished.err);
    REQUIRE(finished.code == 0);
    const std::vector<Json> lines = json_lines(finished);
    REQUIRE(lines.size() == 3);
    const double expected_ms[] = {100, 12.5};  // the one of three that is neither least nor largest
    double ratios[2];
    for (size_t i = 0; i < 2; ++i) {
        CHECK(lines[i].at("runs") == 8);
        CHECK(lines[i].at("ncnn_ms") == doctest::Approx(expected_ms[i]));
        CHECK(lines[i].at("ncnn_multiply_adds") == lines[i].at("multiply_adds"));
        ratios[i] = lines[i].at("times_as_fast");
        CHECK(ratios[i] == doctest::Approx(expected_ms[i] / lines[i].at("median_ms").get<double>()));
    }
    CHECK(lines[2].at("networks") == 2);
    CHECK(lines[2].at("geometric_mean") == doctest::Approx(std::sqrt(ratios[0] * ratios[1])));
    CHECK(lines[2].at("slowest") == (ratios[0] < ratios[1] ? "squeezenet" : "fastestdet"));
    CHECK(lines[2].at("slowest_times_as_fast") == std::min(ratios[0], ratios[1]));

    const std::string calls = read_text(ncnn.models / "calls");
    CHECK(std::count(calls.begin(), calls.end(), '\n') == 4);  // two networks, two rounds
    CHECK(calls.find(" 0 0 0 param=squeezenet.param shape=[227,227,3]\n") != std::string::npos);
    CHECK(calls.find("param=FastestDet.param shape=[352,352,3]\n") != std::string::npos);

    const Finished text = saccade(arguments);
    REQUIRE(text.code == 0);
    REQUIRE(text.lines().size() == 5);
    CHECK(text.lines()[2].find("    418.5    418.5    100.00 ") != std::string::npos);
    CHECK(text.lines()[4].find("2 networks against ncnn: ") == 0);
}

TEST_CASE("what bench cannot do is said") {
    const FakeBenchncnn ncnn;
    const auto fails = [](std::vector<std::string> more, const std::string &says, int code = 1) {
        more.insert(more.begin(), "bench");
        const Finished failed = saccade(more);
        CAPTURE(failed.err);
        CHECK(failed.code == code);
        CHECK(failed.err.find(says) != std::string::npos);
        return failed;
    };
    fails({"--net", "alexnet"}, "'alexnet' is not known; there are squeezenet, ", 2);
    const std::string against = "ncnn=" + ncnn.program;
    const auto fails_against = [&](const std::string &with, const std::string &says, int code = 1) {
        fails({"--net", "squeezenet", "--runs", "1", "--against", with}, says, code);
    };
    fails_against("tvm=" + ncnn.program, "--against knows ncnn=PATH, not tvm", 2);
    fails_against("ncnn=" + (ncnn.dir / "none").string(), "none: no such program");
    fails_against(against, "squeezenet.param: no such description");
    ncnn.says("squeezenet", "vkCreateInstance failed -9\n");
    fails_against(against, "on squeezenet failed: vkCreateInstance failed -9");
    fails({"--net", "squeezenet", "--against", against, "--against-models", (ncnn.dir / "nowhere").string()},
          "no folder of .param files");

    // One that fails does not take the others with it.
    const std::string broken = (ncnn.dir / "broken.onnx").string();
    write_text(broken, "no network");
    const Finished finished =
        fails({"--weights", broken, "--net", "squeezenet", "--runs", "1", "--json"}, "not measured: broken");
    REQUIRE(finished.lines().size() == 1);
    CHECK(Json::parse(finished.lines()[0]).at("network") == "squeezenet");
}
#endif

TEST_CASE("loads and runs that last are told of on a terminal") {
    const TempDir caches;  // empty: loading lasts for seconds, at least on a CPU
    const ScopedEnv ours("SACCADE_CACHE_DIR", (caches / "ours").string().c_str());
    const ScopedEnv drivers("MESA_SHADER_CACHE_DIR", (caches / "driver").string().c_str());
    const std::string path = (caches / "net.onnx").string();
    REQUIRE(write_network("resnet18", 1, path).ok());
    const auto tells = [](const Finished &finished, const std::string &what, double milliseconds) {
        CAPTURE(finished.err);
        CAPTURE(what);
        if (milliseconds > 1500) CHECK(finished.err.find("\r" + what) != std::string::npos);
    };
    const Finished inspected = saccade_on_terminal({"inspect", path});
    REQUIRE(inspected.code == 0);
    const size_t ready = inspected.out.find("ready in ");
    REQUIRE(ready != std::string::npos);
    tells(inspected, "loading net.onnx", std::stod(inspected.out.substr(ready + 9)));

    const Finished measured =
        saccade_on_terminal({"bench", "--net", "resnet18", "--load", "--runs", "24", "--rounds", "2", "--json"});
    REQUIRE(measured.code == 0);
    REQUIRE(measured.lines().size() == 1);  // nothing of it on stdout
    const Json line = Json::parse(measured.lines()[0]);
    tells(measured, "loading resnet18.onnx", line.at("load_cold_ms"));
    tells(measured, "resnet18, round 2 of 2  [", 24 * line.at("min_ms").get<double>());
}

TEST_CASE("a summary is over what the other program ran as well") {
    const auto result = [](const char *name, double ours, std::vector<double> theirs) {
        cli::BenchResult made;
        made.name = name;
        made.runs = {ours};
        made.theirs = std::move(theirs);
        return made;
    };
    CHECK_FALSE(cli::summarise({}));
    CHECK_FALSE(cli::summarise({result("alone", 5, {})}));
    const auto summary = cli::summarise(
        {result("a", 10, {20, 40, 90}), result("alone", 5, {}), result("b", 4, {4}), result("c", 1, {2})});
    REQUIRE(summary);
    CHECK(summary->networks == 3);
    CHECK(summary->geometric_mean == doctest::Approx(2));  // of 4, 1 and 2
    CHECK(summary->slowest == "b");
    CHECK(summary->slowest_ratio == 1);
}

TEST_CASE("percentiles and the other program's lines") {
    CHECK(cli::median({3, 1, 2}) == 2);
    CHECK(cli::median({4, 1, 2, 3}) == 2.5);
    CHECK(cli::median({}) == 0);
    CHECK(cli::percentile({1, 2, 3, 4, 5}, 1) == 5);
    CHECK(cli::percentile({0, 10}, 0.25) == 2.5);
    const auto line = cli::parse_benchncnn("          FastestDet  min =   96.60  max =  101.79  avg =   98.61\n");
    REQUIRE(line);
    CHECK(line->name == "FastestDet");
    CHECK(line->least == 96.6);
    CHECK(line->average == 98.61);
    CHECK(!cli::parse_benchncnn("loop_count = 4"));
}
