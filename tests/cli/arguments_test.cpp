// labels: host_only bad_input
// How the program is called, and what it says when it is called wrongly.
#include <doctest/doctest.h>

#include "tests/cli/program.h"
#include "tests/support/files.h"

using namespace sac::test;

namespace {

const char *const commands[] = {"detect", "view", "inspect", "run", "bench", "devices"};

bool has(const std::string &text, const std::string &part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("help goes to stdout and is no error") {
    const Finished general = saccade({"--help"});
    CHECK(general.code == 0);
    CHECK(general.err.empty());
    for (const std::string command : commands) {
        CHECK(has(general.out, "  " + command));
        const Finished one = saccade({command, "--help"});
        CAPTURE(command);
        CHECK(one.code == 0);
        CHECK(one.err.empty());
        CHECK(has(one.out, "saccade " + command));
        if (command != "devices") CHECK(has(one.out, "--device"));
    }
    CHECK(saccade({"--version"}).out.starts_with("saccade "));
}

TEST_CASE("wrong calls end with 2 and say what is wrong") {
    struct Wrong {
        std::vector<std::string> arguments;
        std::string says;
    };
    const Wrong wrongs[] = {
        {{}, "COMMAND"},
        {{"detekt"}, "detekt"},
        {{"detect"}, "missing"},
        {{"detect", "--colour", "red", "a.png"}, "--colour"},
        {{"detect", "a.png", "--score"}, "--score"},
        {{"detect", "a.png", "--score", "high"}, "high"},
        {{"detect", "a.png", "--score", "1.5"}, "1.5"},
        {{"detect", "a.png", "--score", ""}, "--score"},
        {{"detect", "a.png", "--score", "nan"}, "nan"},
        {{"detect", "a.png", "--iou=-1"}, "-1"},
        {{"detect", "a.png", "--frames", "0"}, "--frames"},
        {{"detect", "a.png", "--frames", "2.5"}, "2.5"},
        {{"detect", "a.png", "--json=yes"}, "--json"},
        {{"detect", "a.png", "--score", "0.5", "--score", "0.6"}, "twice"},
        {{"inspect"}, "MODEL.onnx|DIR is missing"},
        {{"inspect", "a.onnx", "--json"}, "--kernels"},
        {{"inspect", "a.onnx", "--dim", "batch=x"}, "batch=x"},
        {{"inspect", "a.onnx", "--dim", "batch=0"}, "batch=0"},
        {{"run", "a.onnx", "--input", "x"}, "--input"},
        {{"pacing", "--size", "0x0"}, "0x0"},
        {{"pacing", "--budget", "10"}, "from 50 to 1000000"},
        {{"bench", "--net", "alexnet"}, "alexnet"},
        {{"bench", "--against", "ncnn"}, "--against"},
        {{"bench", "--against", "other=a"}, "ncnn=PATH"},
        {{"inspect", "a.onnx", "b.onnx"}, "b.onnx"},
        {{"devices", "all"}, "all"},
    };
    for (const Wrong &wrong : wrongs) {
        const Finished finished = saccade(wrong.arguments);
        CAPTURE(finished.err);
        CHECK(finished.code == 2);
        CHECK(finished.out.empty());
        CHECK(has(finished.err, wrong.says));
    }
}

TEST_CASE("what cannot be done ends with 1 and names the file or option") {
    const TempDir dir;
    write_text(dir / "text.onnx", "no network");
    write_text(dir / "text.npy", "no tensor");
    const std::string onnx = (dir / "text.onnx").string();
    struct Failing {
        std::vector<std::string> arguments;
        std::string says;
    };
    const Failing failings[] = {
        {{"detect", "a.png", "--model", "no-such-model"}, "no-such-model"},
        {{"detect", "a.png", "--model", (dir / "nothing").string()}, "nothing"},
        {{"detect", "a.png", "--device", "no such device"}, "no such device"},
        {{"inspect", (dir / "missing.onnx").string()}, "missing.onnx"},
        {{"inspect", onnx}, "text.onnx"},
        {{"run", onnx}, "text.onnx"},
        {{"bench", "--net", "squeezenet", "--against", "ncnn=" + (dir / "benchncnn").string()}, "benchncnn"},
        {{"view", "missing.png", "--model", "seeded"}, "missing.png"},
        {{"view", "a.png", "--screenshot", "shot.bmp"}, "shot.bmp"},
    };
    for (const Failing &failing : failings) {
        const Finished finished = saccade(failing.arguments);
        CAPTURE(finished.err);
        CHECK(finished.code == 1);
        CHECK(has(finished.err, failing.says));
    }
}

TEST_CASE("devices are listed, one line each") {
    const Finished text = saccade({"devices"});
    REQUIRE(text.code == 0);
    CHECK(text.lines().size() >= 1);
    const Finished json = saccade({"devices", "--json"});
    CHECK(json.lines().size() == text.lines().size());
    CHECK(has(json.lines().at(0), "\"name\":"));
}
