// saccade tune and inspect --kernels.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "compute/onnx/model_writer.h"
#include "tests/cli/program.h"
#include "tests/support/files.h"
#include "tests/support/ref.h"

using namespace sac;
using namespace sac::test;
using Json = nlohmann::json;

namespace {

// A convolution of 3 x 3, which has several kernels on every device, `layers` times, and a sum.
std::string network(const TempDir &dir, int layers, int64_t channels, int64_t side) {
    onnx::ModelWriter model;
    const std::vector<int64_t> same = {1, 1, 1, 1};
    model.input("x0", {1, channels, side, "width"});
    model.floats("w", {channels, channels, 3, 3},
                 random_floats(static_cast<size_t>(channels * channels * 9), 1, -0.01, 0.01));
    std::string last = "x0";
    for (int i = 1; i <= layers; ++i) {
        const std::string next = "x" + std::to_string(i);
        model.node("Conv", {last, "w"}, {next}, {{"pads", same}}, "conv" + std::to_string(i));
        last = next;
    }
    model.node("Sin", {last}, {"y"}, {}, "wave");  // not a part of the convolution before it
    model.output("y");
    std::string path = (dir / "net.onnx").string();
    REQUIRE(model.save(path).ok());
    return path;
}

bool says(const std::string &text, const std::string &part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("tune prints candidates, winners and gains, and inspect shows them") {
    const TempDir dir;
    const ScopedEnv caches("SACCADE_CACHE_DIR", (dir / "caches").string().c_str());
    const std::string path = network(dir, 2, 16, 20);
    const auto kernels = [&] {
        const Finished inspected = saccade({"inspect", path, "--dim", "width=24", "--kernels", "--json"});
        REQUIRE_MESSAGE(inspected.code == 0, inspected.err);
        REQUIRE(inspected.lines().size() == 1);
        return Json::parse(inspected.lines()[0]);
    };
    const Json before = kernels();
    CHECK(before.at("ceiling_gflops") > 0);
    CHECK(before.at("ceiling_gbytes") > 0);
    REQUIRE(before.at("nodes").size() >= 3);
    size_t chosen = 0;
    double total = 0;
    for (const Json &node : before.at("nodes")) {
        CHECK(!node.at("kernel").get<std::string>().empty());
        CHECK(node.at("dispatches") >= 1);
        CHECK(node.at("of_ceiling") >= 0);
        total += node.at("us").get<double>();
        if (!node.contains("problem")) continue;
        ++chosen;
        CHECK(node.at("candidates") >= 2);
        CHECK(node.at("measured") == false);
    }
    CHECK(chosen == 2);
    CHECK_FALSE(before.contains("choices_measured"));
    const std::vector<std::string> inspect = {"inspect", path, "--dim", "width=24"};
    const std::vector<std::string> bench = {"bench", "--weights", path, "--dim", "width=24", "--runs", "3"};
    for (const auto &command : {inspect, bench}) {
        const Finished untuned = saccade(command);
        REQUIRE_MESSAGE(untuned.code == 0, untuned.err);
        CHECK_FALSE(says(untuned.out, "choices"));
    }
    CHECK(total == doctest::Approx(before.at("total_us").get<double>()));

    const Finished tuned = saccade({"tune", path, "--dim", "width=24"});
    REQUIRE_MESSAGE(tuned.code == 0, tuned.err);
    for (const char *part : {"conv2d f32 480x", "(2 nodes)", "portable", "winograd", " us", "expected", "of 1 problems",
                             "ms before", "kept in "})
        CHECK_MESSAGE(says(tuned.out, part), part << tuned.out);
    CHECK_FALSE(says(tuned.out, "stopped"));

    const Json after = kernels();
    for (const Json &node : after.at("nodes"))
        if (node.contains("problem")) CHECK(node.at("measured") == true);
    CHECK(after.at("choices_measured") == 2);
    CHECK(after.at("choices") == 2);
    for (const auto &command : {inspect, bench}) CHECK(says(saccade(command).out, "2 of 2 choices measured"));
    std::vector<std::string> in_json = bench;
    in_json.push_back("--json");
    const Json benched = Json::parse(saccade(in_json).lines().at(0));
    CHECK(benched.at("choices_measured") == 2);
    CHECK(benched.at("choices") == 2);
    const Finished table = saccade({"inspect", path, "--dim", "width=24", "--kernels"});
    REQUIRE(table.code == 0);
    for (const char *part : {"GFLOP/s", "ceiling", "conv1", "measured", "wave", "2 of 2 choices measured"})
        CHECK(says(table.out, part));
}

TEST_CASE("Ctrl-C ends tuning and keeps what is known") {
    const TempDir dir;
    const ScopedEnv caches("SACCADE_CACHE_DIR", (dir / "caches").string().c_str());
    const std::string path = network(dir, 40, 64, 56);  // a minute of work
    const Finished finished = saccade_interrupted({"tune", path, "--dim", "width=56"}, "plans, about");
    CAPTURE(finished.err);
    CAPTURE(finished.out);
    CHECK(finished.code == 0);
    CHECK(says(finished.out, "stopped before all was measured"));
    CHECK(says(finished.out, "(40 nodes)"));
    CHECK_FALSE(says(finished.out, "ms before"));
}

TEST_CASE("tune and inspect --kernels say what is wrong") {
    const TempDir dir;
    const std::string path = network(dir, 1, 4, 4);
    const auto fails = [&](const std::vector<std::string> &arguments, const std::string &part) {
        const Finished finished = saccade(arguments);
        CHECK(finished.code == 1);
        CHECK_MESSAGE(says(finished.err, part), finished.err);
    };
    fails({"tune", path}, "width");
    fails({"tune", (dir / "nowhere.onnx").string()}, "nowhere.onnx");
    CHECK(saccade({"tune"}).code == 2);
    CHECK(saccade({"tune", path, "--seconds", "0"}).code == 2);
    const ScopedEnv nowhere("SACCADE_CACHE_DIR", path.c_str());
    fails({"tune", path, "--dim", "width=4"}, "tuning-");  // the folder is a file
}
