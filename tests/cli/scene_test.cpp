// The command `saccade scene`.
#include <doctest/doctest.h>

#include "engine/io/image.h"
#include "tests/cli/program.h"
#include "tests/support/files.h"

using namespace sac;
using namespace sac::test;

TEST_CASE("one picture, one video, a dataset") {
    const TempDir dir;
    const std::string picture = (dir / "a.png").string(), video = (dir / "a.mkv").string();
    const Finished one = saccade({"scene", "--seed", "3", "--size", "200x150", "--out", picture});
    CAPTURE(one.err);
    REQUIRE(one.code == 0);
    CHECK(one.out.starts_with(picture + ": a"));  // its caption
    const auto image = engine::read_image(picture);
    REQUIRE(image.ok());
    CHECK(image->width == 200);
    CHECK(image->height == 150);
    CHECK(saccade({"scene", "--out", video, "--size", "128x96", "--frames", "4", "--time", "2.5"}).code == 0);
    CHECK(std::filesystem::file_size(video) > 1000);

    const std::string folder = (dir / "set").string();
    const Finished set = saccade({"scene", "--dataset", folder, "--count", "3", "--size", "128x96"});
    CAPTURE(set.err);
    CHECK(set.code == 0);
    CHECK(set.out == folder + ": 3 pictures\n");
    CHECK(std::filesystem::exists(dir / "set/images/000002.png"));
    const Finished clips = saccade({"scene", "--dataset", folder, "--count", "3", "--size", "128x96", "--clips"});
    CHECK(clips.code == 1);
    CHECK(clips.err.find("other settings") != std::string::npos);
}

TEST_CASE("wrong arguments") {
    const auto fails = [](std::vector<std::string> arguments, int code, const std::string &says) {
        arguments.insert(arguments.begin(), "scene");
        const Finished finished = saccade(arguments);
        CAPTURE(finished.err);
        CHECK(finished.code == code);
        CHECK(finished.err.find(says) != std::string::npos);
    };
    fails({}, 1, "--dataset");
    fails({"--out", "a.png", "--dataset", "b"}, 1, "--dataset");
    fails({"--out", "a.gif"}, 1, "a.gif");
    fails({"--out", "a.png", "--size", "10x10"}, 2, "--size");
    fails({"--out", "a.png", "--size", "big"}, 2, "--size");
    fails({"--out", "no/such/folder/a.png"}, 1, "no/such/folder/a.png");
    fails({"--dataset", "b", "--count", "0"}, 2, "--count");
}
