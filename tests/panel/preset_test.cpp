// labels: host_only bad_input
// Presets: what is written is read again, damage is told and changes nothing, and the C snippet compiles.
#include "plugins/panel/preset.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/support/files.h"

using namespace sac::panel;

namespace {

Preset sample() {
    Preset preset;
    preset.score_threshold = 0.35f;
    preset.iou_threshold = 0.123456789f;
    preset.max_detections = 17;
    preset.all_classes = false;
    preset.classes = {0, 5, 31, 32, 79};
    preset.track = true;
    preset.budget_ms = 16.6f;
    preset.source = R"(a "quoted" \ name.mp4)";
    preset.model = "toybox";
    return preset;
}

}  // namespace

TEST_CASE("a preset comes back as it went, bit for bit") {
    for (const Preset &preset : {Preset(), sample()}) {
        Preset read = sample();
        std::string error;
        REQUIRE_MESSAGE(from_json(to_json(preset), read, error), error);
        CHECK(read == preset);
    }
}

TEST_CASE("missing fields are defaults, unknown ones are passed over") {
    Preset read = sample();
    std::string error;
    REQUIRE(from_json("{\"later\": \"a \\\"word\\\"\", \"saccade_preset\": 1, \"more\": [1, 2]}", read, error));
    CHECK(read == Preset());
}

TEST_CASE("another version is told by both numbers") {
    Preset read = sample();
    std::string error;
    CHECK(!from_json("{\"saccade_preset\": 2}", read, error));
    CHECK(error == "is a preset of version 2; this panel reads version 1");
    CHECK(read == sample());
}

TEST_CASE("bad presets are refused with a sentence and change nothing") {
    const std::pair<const char *, const char *> bad[] = {
        {"", "is not a preset"},
        {"[]", "is not a preset"},
        {"{", "is not a preset"},
        {"{\"saccade_preset\": 1", "is not a preset"},
        {"{\"saccade_preset\": 1} x", "is not a preset"},
        {"{\"saccade_preset\": 1,}", "is not a preset"},
        {"{\"saccade_preset\": 1e999}", "is not a preset"},
        {"{\"saccade_preset\": 1, \"classes\": [[[[]]]]}", "is not a preset"},
        {"{\"saccade_preset\": 1, \"name\": \"\\", "is not a preset"},
        {"{}", "no number \"saccade_preset\""},
        {"{\"saccade_preset\": \"1\"}", "no number \"saccade_preset\""},
        {"{\"saccade_preset\": 1, \"score_threshold\": 2}", "\"score_threshold\" must be"},
        {"{\"saccade_preset\": 1, \"iou_threshold\": -0.1}", "\"iou_threshold\" must be"},
        {"{\"saccade_preset\": 1, \"max_detections\": 1.5}", "\"max_detections\" must be"},
        {"{\"saccade_preset\": 1, \"max_detections\": 1025}", "\"max_detections\" must be"},
        {"{\"saccade_preset\": 1, \"track\": 1}", "\"track\" must be"},
        {"{\"saccade_preset\": 1, \"classes\": 3}", "\"classes\" must be"},
        {"{\"saccade_preset\": 1, \"classes\": [-1]}", "\"classes\" must be"},
        {"{\"saccade_preset\": 1, \"classes\": [40000]}", "\"classes\" must be"},
        {"{\"saccade_preset\": 1, \"budget_ms\": []}", "\"budget_ms\" must be"},
        {"{\"saccade_preset\": 1, \"source\": 3}", "\"source\" must be a name"},
        {"{\"saccade_preset\": 1, \"model\": [1]}", "\"model\" must be a name"},
    };
    for (const auto &[given, expected] : bad) {
        const char *text = given;  // a binding cannot be captured
        CAPTURE(text);
        Preset read = sample();
        std::string error;
        CHECK(!from_json(text, read, error));
        CHECK_MESSAGE(error.find(expected) != std::string::npos, error);
        CHECK(read == sample());
    }
}

TEST_CASE("every shortened preset is refused") {
    const std::string text = to_json(sample());
    for (size_t n = 0; n + 3 < text.size(); ++n) {
        Preset read;
        std::string error;
        CHECK(!from_json(text.substr(0, n), read, error));
    }
}

TEST_CASE("files: errors name them, and what is there stays when writing fails") {
    const sac::test::TempDir folder;
    const std::string path = folder.path().string() + "/one.json";
    std::string error;
    REQUIRE(save_preset(path, sample(), error));
    Preset read;
    REQUIRE(load_preset(path, read, error));
    CHECK(read == sample());
    CHECK(std::distance(std::filesystem::directory_iterator(folder.path().string()), {}) == 1);

    CHECK(!load_preset(folder.path().string() + "/none.json", read, error));
    CHECK(error.find("none.json: there is no such preset") != std::string::npos);
    CHECK(!save_preset(folder.path().string() + "/no folder/one.json", sample(), error));
    CHECK(error.find("no folder/one.json: cannot be written") != std::string::npos);
    std::ofstream(path) << "{\"saccade_preset\": 9}";
    CHECK(!load_preset(path, read, error));
    CHECK(error.find("one.json: is a preset of version 9") != std::string::npos);
    CHECK(read == sample());
}

#ifndef _WIN32
TEST_CASE("the C snippet compiles as C99 without a warning, and says what was set") {
    if (std::system("cc --version > /dev/null 2>&1") != 0) {
        sac::test::skip("there is no C compiler");
        return;
    }
    const sac::test::TempDir folder;
    for (const Preset &preset : {Preset(), sample()}) {
        const std::string path = folder.path().string() + "/snippet.c";
        std::ofstream(path) << to_c(preset) << "sac_result (*user)(const sac_api *, sac_context) = apply_settings;\n";
        const std::string command = "cc -std=c99 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -I " SACCADE_SOURCE_DIR
                                    "/plugins/vision " +
                                    path;
        CHECK(std::system(command.c_str()) == 0);
    }
    CHECK(to_c(sample()).find("detect.score_threshold = 0.35f;") != std::string::npos);
    CHECK(to_c(sample()).find("{0x80000021u, 0x00000001u, 0x00008000u}") != std::string::npos);
    CHECK(to_c(Preset()).find("set_class_filter") == std::string::npos);
}
#endif
