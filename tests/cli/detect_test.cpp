// saccade detect: its lines of JSON, its pictures, and what it does with what it cannot read.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "engine/io/video_writer.h"
#include "tests/cli/program.h"
#include "tests/engine/pictures.h"
#include "tests/support/files.h"

using namespace sac;
using namespace sac::test;

namespace {

using Json = nlohmann::ordered_json;

// Checks a line against the schema of the README, and that boxes lie within the source.
void expect_schema(const Json &line, const std::string &source, int frame, double width, double height) {
    REQUIRE(line.is_object());
    REQUIRE(line.size() == 3);
    CHECK(line.at("source") == source);
    CHECK(line.at("frame") == frame);
    double before = 1;
    for (const Json &detection : line.at("detections")) {
        REQUIRE(detection.size() == 3);
        CHECK(detection.at("label").is_string());
        const double score = detection.at("score");
        CHECK(score > 0);
        CHECK(score <= before);  // best first
        before = score;
        const auto box = detection.at("box").get<std::vector<double>>();
        REQUIRE(box.size() == 4);
        CHECK(box[0] >= 0);
        CHECK(box[1] >= 0);
        CHECK(box[2] >= box[0]);
        CHECK(box[3] >= box[1]);
        CHECK(box[2] <= width);
        CHECK(box[3] <= height);
    }
}

std::vector<Json> parsed(const Finished &finished) {
    std::vector<Json> list;
    for (const std::string &line : finished.lines()) list.push_back(Json::parse(line, nullptr, false));
    return list;
}

}  // namespace

TEST_CASE("pictures, a folder and a video: one line of JSON a frame, in their order") {
    const TempDir dir;
    const std::string picture = (dir / "a \"strange\" name.png").string(), folder = (dir / "folder").string();
    const std::string video = (dir / "clip.mp4").string();
    REQUIRE(engine::write_image(picture, pattern(320, 200)).ok());
    std::filesystem::create_directory(folder);
    REQUIRE(engine::write_image(folder + "/1.png", pattern(64, 64)).ok());
    REQUIRE(engine::write_image(folder + "/2.jpg", pattern(500, 40)).ok());
    auto writer = engine::VideoWriter::create(video, 160, 120, 10);
    REQUIRE(writer.ok());
    for (uint32_t i = 0; i < 5; ++i) REQUIRE((*writer)->write(pattern(160, 120)).ok());
    REQUIRE((*writer)->finish().ok());

    const Finished finished =
        saccade({"detect", "--model", "seeded", "--json", "--frames", "3", picture, folder, video});
    CAPTURE(finished.err);
    REQUIRE(finished.code == 0);
    const std::vector<Json> lines = parsed(finished);
    REQUIRE(lines.size() == 6);
    expect_schema(lines[0], picture, 0, 320, 200);
    expect_schema(lines[1], folder + "/1.png", 0, 64, 64);
    expect_schema(lines[2], folder + "/2.jpg", 0, 500, 40);
    for (size_t i = 0; i < 3; ++i) expect_schema(lines[3 + i], video, static_cast<int>(i), 160, 120);
    CHECK(lines[0].at("detections").size() >= 1);
    CHECK(lines[0].at("detections").size() <= 6);
    CHECK(lines[3].at("detections").size() == lines[4].at("detections").size());  // nothing moves
}

TEST_CASE("annotated frames are written as pictures, folders and videos of the source's size") {
    const TempDir dir;
    const std::string picture = (dir / "picture.png").string(), video = (dir / "clip.mkv").string();
    const engine::Image plain = pattern(240, 180);
    REQUIRE(engine::write_image(picture, plain).ok());
    auto writer = engine::VideoWriter::create(video, 240, 180, 10);
    REQUIRE(writer.ok());
    for (uint32_t i = 0; i < 3; ++i) REQUIRE((*writer)->write(plain).ok());
    REQUIRE((*writer)->finish().ok());

    const std::string file = (dir / "out.png").string(), folder = (dir / "out").string(),
                      clip = (dir / "out.mkv").string();
    REQUIRE(saccade({"detect", "--model", "seeded", picture, "--out", file}).code == 0);
    const auto drawn = engine::read_image(file);
    REQUIRE(drawn.ok());
    CHECK(drawn->width == 240);
    CHECK(drawn->height == 180);
    CHECK(largest_difference(*drawn, plain) > 60);  // there is a box

    REQUIRE(saccade({"detect", "--model", "seeded", picture, video, "--out", folder}).code == 0);
    for (const char *name : {"picture.png", "clip_000000.png", "clip_000001.png", "clip_000002.png"}) {
        const auto one = engine::read_image(folder + "/" + name);
        REQUIRE(one.ok());
        CHECK(largest_difference(*one, *drawn) <= 2);
    }
    REQUIRE(saccade({"detect", "--model", "seeded", video, "--out", clip}).code == 0);
    const Finished again = saccade({"detect", "--model", "seeded", "--json", clip});
    CHECK(again.code == 0);
    CHECK(again.lines().size() == 3);
}

TEST_CASE("thresholds are obeyed") {
    const TempDir dir;
    const std::string picture = (dir / "picture.png").string();
    REQUIRE(engine::write_image(picture, pattern(240, 180)).ok());
    const auto count = [&](const std::vector<std::string> &more) {
        std::vector<std::string> arguments = {"detect", "--model", "seeded", "--json", picture};
        arguments.insert(arguments.end(), more.begin(), more.end());
        const Finished finished = saccade(arguments);
        CAPTURE(finished.err);
        REQUIRE(finished.code == 0);
        return parsed(finished).at(0).at("detections").size();
    };
    CHECK(count({}) > 0);
    CHECK(count({"--score", "0.99"}) == 0);
    CHECK(count({"--half"}) > 0);
    const Finished text = saccade({"detect", "--model", "seeded", "--score", "0.99", picture});
    CHECK(text.out == picture + ": nothing found\n");
}

TEST_CASE("a source that cannot be read does not keep the others from being looked at") {
    const TempDir dir;
    const std::string good = (dir / "good.png").string(), bad = (dir / "bad.png").string(),
                      folder = (dir / "f").string();
    REQUIRE(engine::write_image(good, pattern(64, 48)).ok());
    write_text(bad, "no picture");
    std::filesystem::create_directory(folder);
    write_text(folder + "/1.png", "no picture");
    REQUIRE(engine::write_image(folder + "/2.png", pattern(64, 48)).ok());
    const Finished finished =
        saccade({"detect", "--model", "seeded", "--json", bad, good, folder, (dir / "missing.mp4").string()});
    CHECK(finished.code == 1);
    const std::vector<Json> lines = parsed(finished);
    REQUIRE(lines.size() == 2);
    CHECK(lines[0].at("source") == good);
    CHECK(lines[1].at("source") == folder + "/2.png");
    for (const char *name : {"bad.png", "1.png", "missing.mp4"}) {
        CAPTURE(name);
        CHECK(finished.err.find(name) != std::string::npos);
    }
}

TEST_CASE("a model without its weights says how to give them") {
    const TempDir dir;
    const std::string picture = (dir / "picture.png").string();
    REQUIRE(engine::write_image(picture, pattern(64, 48)).ok());
    const Finished finished = saccade({"detect", picture, "--model", "fastestdet"});
    CHECK(finished.code == 1);
    const size_t named = finished.err.find("FastestDet.onnx");
    CHECK(named != std::string::npos);
    CHECK(finished.err.find("FastestDet.onnx", named + 1) == std::string::npos);  // told once
    CHECK(finished.err.find("--weights") != std::string::npos);

    const Finished no_model = saccade({"detect", picture, "--model", dir.path().string()});
    CHECK(no_model.code == 1);
    CHECK(no_model.err.find("card.json") != std::string::npos);
    CHECK(no_model.err.find("--weights") == std::string::npos);
}

TEST_CASE("what cannot be written is told before anything is looked at, and what is empty is called so") {
    const TempDir dir;
    const std::string picture = (dir / "picture.png").string(), empty = (dir / "empty.mp4").string();
    REQUIRE(engine::write_image(picture, pattern(64, 48)).ok());
    write_text(empty, "");
    const Finished bitmap = saccade({"detect", "--model", "seeded", picture, "--out", (dir / "out.bmp").string()});
    CHECK(bitmap.code == 1);
    CHECK(bitmap.out.empty());
    CHECK(bitmap.err.find("out.bmp: pictures are written as") != std::string::npos);
    const Finished nothing = saccade({"detect", "--model", "seeded", empty});
    CHECK(nothing.code == 1);
    CHECK(nothing.err.find("empty.mp4: the file is empty") != std::string::npos);
}
