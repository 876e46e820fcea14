// labels: window serial bad_input
// Cameras, the screen, streams and the scene on the command line.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "engine/io/video_writer.h"
#include "tests/cli/program.h"
#include "tests/engine/pictures.h"
#include "tests/support/files.h"

using namespace sac;
using namespace sac::test;
using Json = nlohmann::json;

TEST_CASE("the scene is looked at frame by frame, the same each time") {
    const TempDir dir;
    const std::string out = (dir / "out.png").string();
    const std::vector<std::string> arguments = {"detect", "scene:3", "--model", "seeded",        "--frames", "3",
                                                "--json", "--out",   out,       "--source-size", "160x120"};
    const Finished once = saccade(arguments), again = saccade(arguments);
    CAPTURE(once.err);
    REQUIRE(once.code == 0);
    CHECK(once.out == again.out);
    const std::vector<std::string> lines = once.lines();
    REQUIRE(lines.size() == 3);
    for (size_t i = 0; i < 3; ++i) {
        const Json line = Json::parse(lines[i]);
        CHECK(line["source"] == "scene:3");
        CHECK(line["frame"] == i);
    }
    const auto annotated = engine::read_image(out);
    REQUIRE(annotated.ok());
    CHECK(annotated->width == 160);
    CHECK(annotated->height == 120);
}

TEST_CASE("turned pictures: the network sees them upright, boxes and annotated frames are those of the upright one") {
    const TempDir dir;
    const engine::Image upright = pattern(120, 160);
    engine::Image stored(160, 120);  // such that 90 degrees clockwise and a mirror make it upright
    for (uint32_t y = 0; y < 120; ++y)
        for (uint32_t x = 0; x < 160; ++x) std::copy_n(upright.at(y, x), 4, stored.at(x, y));
    REQUIRE(engine::write_image((dir / "upright.png").string(), upright).ok());
    REQUIRE(engine::write_image((dir / "stored.png").string(), stored).ok());
    const auto detect = [&](const std::string &name, std::vector<std::string> more) {
        more.insert(more.begin(), {"detect", (dir / name).string(), "--model", "seeded", "--json", "--out",
                                   (dir / ("out-" + name)).string()});
        const Finished finished = saccade(more);
        CAPTURE(finished.err);
        REQUIRE(finished.code == 0);
        REQUIRE(finished.lines().size() == 1);
        return Json::parse(finished.lines()[0])["detections"];
    };
    const Json expected = detect("upright.png", {}), turned = detect("stored.png", {"--rotate", "90", "--mirror"});
    REQUIRE(!expected.empty());
    REQUIRE(turned.size() == expected.size());
    for (size_t i = 0; i < expected.size(); ++i)
        for (size_t side = 0; side < 4; ++side)
            CHECK(turned[i]["box"][side].get<double>() ==
                  doctest::Approx(expected[i]["box"][side].get<double>()).epsilon(0.001));
    const auto a = engine::read_image((dir / "out-upright.png").string()),
               b = engine::read_image((dir / "out-stored.png").string());
    REQUIRE(a.ok());
    REQUIRE(b.ok());
    CHECK(largest_difference(*a, *b) <= 1);
}

TEST_CASE("the window: the scene, the screen, and a camera that is not there") {
    const TempDir dir;
    const std::string shot = (dir / "shot.png").string();
    const auto view = [&](const std::string &source, const std::string &frames) {
        return saccade({"view", source, "--model", "seeded", "--frames", frames, "--screenshot", shot});
    };
    const Finished scene = view("scene:2", "5");
    CAPTURE(scene.err);
    CHECK(scene.code == 0);
    const auto of_scene = engine::read_image(shot);
    REQUIRE(of_scene.ok());
    CHECK(of_scene->width == 640);
    CHECK(of_scene->height == 480);

    const Finished screen = view("screen:320x200+0,0", "5");
    CAPTURE(screen.err);
    CHECK(screen.code == 0);

    const Finished camera = view("camera:/dev/nobody", "5");
    CAPTURE(camera.err);
    CHECK(camera.code == 0);  // the window stays up
    CHECK(camera.err.find("camera:/dev/nobody: is not there") != std::string::npos);
    CHECK(camera.err.find("trying again") != std::string::npos);
    const auto of_camera = engine::read_image(shot);
    REQUIRE(of_camera.ok());
    CHECK(largest_difference(*of_camera, flat(640, 480, of_camera->at(320, 5)[0], of_camera->at(320, 5)[1],
                                              of_camera->at(320, 5)[2])) > 100);  // the message in the corner
    const Finished unsaved =
        saccade({"view", "camera:/dev/nobody", "--model", "seeded", "--frames", "2", "--out", shot});
    CHECK(unsaved.code == 1);
    CHECK(unsaved.err.find("gave no frame") != std::string::npos);
}

TEST_CASE("what cannot be opened is told by name, wrong names before anything is loaded") {
    const auto fails = [](const std::vector<std::string> &arguments, const std::string &says) {
        const Finished failed = saccade(arguments);
        CAPTURE(failed.err);
        CHECK(failed.code == 1);
        CHECK(failed.err.find(says) != std::string::npos);
    };
    for (const char *command : {"detect", "view"}) {
        fails({command, "screen:12"}, "screen:12: an area is");
        fails({command, "scene:x"}, "scene:x: a seed is");
        fails({command, "foo://host"}, "foo://host: streams are");
        fails({command, "scene", "--rotate", "45"}, "--rotate");
        fails({command, "scene", "--source-size", "9"}, "--source-size");
    }
    fails({"detect", "camera:/dev/nobody", "--model", "seeded"}, "camera:/dev/nobody: is not there");
    fails({"detect", "tcp://127.0.0.1:1", "--model", "seeded"}, "tcp://127.0.0.1:1: cannot be opened");
    fails({"detect", "scene", "--model", "seeded", "--out", "clip.mp4"}, "scene: has no end");
}

TEST_CASE("sources are listed") {
    const Finished plain = saccade({"sources"});
    CAPTURE(plain.err);
    CHECK(plain.code == 0);
    CHECK(plain.out.find("scene") != std::string::npos);
    CHECK(plain.out.find("screen") != std::string::npos);
    for (const std::string &line : saccade({"sources", "--json"}).lines())
        CHECK(!Json::parse(line)["source"].get<std::string>().empty());
}
