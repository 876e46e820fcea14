// labels: window serial
// saccade view: what it shows is what it saves, and how it ends.
#include <doctest/doctest.h>

#include <cstdlib>

#include "engine/io/video_writer.h"
#include "tests/cli/program.h"
#include "tests/engine/pictures.h"
#include "tests/support/files.h"

using namespace sac;
using namespace sac::test;

TEST_CASE("a picture in a window: screenshot, annotated frame, results") {
    const TempDir dir;
    const std::string picture = (dir / "picture.png").string(), shot = (dir / "shot.png").string(),
                      out = (dir / "out.png").string();
    const engine::Image plain = pattern(300, 200);
    REQUIRE(engine::write_image(picture, plain).ok());
    const Finished finished = saccade({"view", picture, "--model", "seeded", "--frames", "5", "--size", "640x480",
                                       "--screenshot", shot, "--out", out, "--json"});
    CAPTURE(finished.err);
    REQUIRE(finished.code == 0);
    CHECK(finished.lines().size() == 1);
    CHECK(finished.err.find("5 frames shown") != std::string::npos);
    CHECK(finished.err.find("random weights") != std::string::npos);
    const auto screenshot = engine::read_image(shot), annotated = engine::read_image(out);
    REQUIRE(screenshot.ok());
    REQUIRE(annotated.ok());
    CHECK(screenshot->width == 640);
    CHECK(screenshot->height == 480);
    CHECK(annotated->width == 300);
    CHECK(largest_difference(*annotated, plain) > 60);
    // The bars above the letterboxed picture are the background's, the picture's middle is not.
    CHECK(screenshot->at(320, 5)[0] < 30);
    CHECK(screenshot->at(320, 240)[1] > 60);
}

TEST_CASE("a video plays to its end, then the next source") {
    const TempDir dir;
    const std::string video = (dir / "clip.mkv").string(), picture = (dir / "last.png").string(),
                      out = (dir / "out.png").string();
    auto writer = engine::VideoWriter::create(video, 160, 120, 50);
    REQUIRE(writer.ok());
    for (uint32_t i = 0; i < 4; ++i) REQUIRE((*writer)->write(flat(160, 120, 0, 0, 200)).ok());
    REQUIRE((*writer)->finish().ok());
    REQUIRE(engine::write_image(picture, flat(100, 90, 200, 0, 0)).ok());
    const Finished finished = saccade({"view", video, picture, "--model", "seeded", "--frames", "60", "--out", out});
    CAPTURE(finished.err);
    REQUIRE(finished.code == 0);
    const auto annotated = engine::read_image(out);
    REQUIRE(annotated.ok());
    CHECK(annotated->width == 100);  // the last source
}

TEST_CASE("wrong sizes and unreadable sources are told before a window opens") {
    const TempDir dir;
    write_text(dir / "bad.png", "no picture");
    CHECK(saccade({"view", (dir / "bad.png").string(), "--model", "seeded", "--frames", "1"}).code == 1);
    REQUIRE(engine::write_image((dir / "good.png").string(), pattern(32, 32)).ok());
    const Finished wrong =
        saccade({"view", (dir / "good.png").string(), "--model", "seeded", "--frames", "1", "--size", "big"});
    CHECK(wrong.code == 2);
    CHECK(wrong.err.find("--size") != std::string::npos);
}

TEST_CASE("without a display the error says so") {
    const TempDir dir;
    const std::string picture = (dir / "picture.png").string();
    REQUIRE(engine::write_image(picture, pattern(32, 32)).ok());
    const ScopedEnv no_display("DISPLAY", nullptr), no_wayland("WAYLAND_DISPLAY", nullptr);
    const Finished finished = saccade({"view", picture, "--model", "seeded", "--frames", "1"});
    CHECK(finished.code == 1);
    CHECK(finished.err.find("no window can be opened") != std::string::npos);
}
