// labels: window serial no_asan
// The program webcam in a real window, driven by the keyboard and the mouse (xdotool), and without one.
#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "engine/io/image.h"
#include "tests/support/files.h"

using namespace sac;
using namespace sac::test;

namespace {

std::string webcam() {
    std::error_code error;
    return (std::filesystem::read_symlink("/proc/self/exe", error).parent_path() / "webcam").string();
}

// What a shell makes of it, with $webcam, $out (a folder) and the project's assets and pictures.
int shell(const TempDir &folder, const std::string &script) {
    const std::filesystem::path path = folder / "script.sh";
    write_text(path, "set -e\nexport SACCADE_VALIDATION=1 SACCADE_ASSETS=$PWD/assets\nwebcam=" + webcam() +
                         "\nout=" + folder.path().string() + "\n" + script);
    return std::system(("bash " + path.string() + " > " + (folder / "log").string() + " 2>&1").c_str());
}

// Share of the pixels of an area that differ by more than a little.
double difference(const engine::Image &a, const engine::Image &b, uint32_t left, uint32_t top, uint32_t right,
                  uint32_t bottom) {
    uint32_t different = 0;
    for (uint32_t y = top; y < bottom; ++y)
        for (uint32_t x = left; x < right; ++x)
            for (int c = 0; c < 3; ++c)
                if (std::abs(a.at(x, y)[c] - b.at(x, y)[c]) > 24) {
                    ++different;
                    break;
                }
    return different / static_cast<double>((right - left) * (bottom - top));
}

engine::Image picture(const std::filesystem::path &path) {
    auto image = engine::read_image(path.string());
    REQUIRE_MESSAGE(image.ok(), image.error().message);
    return std::move(*image);
}

// Starts the program, waits for its window and a first second of it, does `hands`, closes it by a key, and takes over
// its exit code.
std::string session(const std::string &arguments, const std::string &hands) {
    return "$webcam " + arguments +
           " --model seeded &\npid=$!\n"
           "timeout 60 xdotool search --sync --onlyvisible --name Saccade > \"$out/window\"\nsleep 2\n"
           "at() { xdotool mousemove $1 $2; sleep 0.4; xdotool click 1; sleep 0.6; }\n" +
           hands + "\nxdotool mousemove 400 400 key q\nwait $pid\n";
}

}  // namespace

TEST_CASE("a tab that is clicked on comes to the front; F1 takes the panel away; q ends it") {
    if (std::system("xdotool version > /dev/null 2>&1") != 0) return skip("there is no xdotool");
    const TempDir folder;
    const std::string source = "assets/clips/house.png";
    int rc = shell(folder, session(source + " --screenshot $out/first.png", ""));
    REQUIRE_MESSAGE(rc == 0, read_text(folder / "log"));
    rc = shell(folder, session(source + " --screenshot $out/memory.png", "at 1134 40"));
    REQUIRE_MESSAGE(rc == 0, read_text(folder / "log"));
    rc = shell(folder, session(source + " --part Memory --screenshot $out/begun.png", ""));
    REQUIRE_MESSAGE(rc == 0, read_text(folder / "log"));
    rc = shell(folder, session(source + " --screenshot $out/bare.png", "xdotool mousemove 400 400 key F1\nsleep 0.5"));
    REQUIRE_MESSAGE(rc == 0, read_text(folder / "log"));
    const engine::Image first = picture(folder / "first.png"), memory = picture(folder / "memory.png");
    const engine::Image begun = picture(folder / "begun.png"), bare = picture(folder / "bare.png");
    CHECK(difference(first, memory, 812, 55, 1268, 400) > 0.05);
    CHECK(difference(begun, memory, 812, 55, 1268, 400) < 0.02);  // the same part, however it was reached
    CHECK(difference(first, memory, 0, 0, 700, 90) < 0.01);       // above the picture nothing changed
    CHECK(difference(first, bare, 812, 55, 1268, 700) > 0.3);
}

TEST_CASE("frozen by the mouse, and full screen and back by F11, it goes on") {
    if (std::system("xdotool version > /dev/null 2>&1") != 0) return skip("there is no xdotool");
    const TempDir folder;
    const int rc = shell(folder, session("scene --part Network --screenshot $out/shot.png",
                                         "at 848 753\nat 925 753\nat 1010 753\nat 848 753\n"
                                         "xdotool mousemove 400 400 key F11\nsleep 1\nxdotool key F11\nsleep 1"));
    CHECK_MESSAGE(rc == 0, read_text(folder / "log"));
    CHECK(picture(folder / "shot.png").width == 1280);
}

TEST_CASE("another source and another model are chosen by the mouse") {
    if (std::system("xdotool version > /dev/null 2>&1") != 0) return skip("there is no xdotool");
    const TempDir folder;
    const std::string sources = "assets/clips/house.png scene:7";
    int rc = shell(folder, session(sources + " --screenshot $out/house.png", ""));
    REQUIRE_MESSAGE(rc == 0, read_text(folder / "log"));
    rc = shell(folder, session(sources + " --screenshot $out/scene.png", "at 1000 67\nat 1000 105"));
    REQUIRE_MESSAGE(rc == 0, read_text(folder / "log"));
    rc = shell(folder, session(sources + " --screenshot $out/model.png", "at 1000 94\nat 1000 132\nsleep 3"));
    REQUIRE_MESSAGE(rc == 0, read_text(folder / "log"));
    const engine::Image house = picture(folder / "house.png"), scene = picture(folder / "scene.png"),
                        model = picture(folder / "model.png");
    CHECK(difference(house, scene, 100, 110, 700, 690) > 0.8);
    CHECK(difference(house, model, 100, 110, 700, 690) < 0.3);  // the same picture, other boxes
    CHECK(difference(house, model, 830, 8, 1000, 24) > 0.03);   // the model's name
    CHECK(read_text(folder / "log").find("toybox") != std::string::npos);
}

TEST_CASE("every frame is an answer, or was dropped for a newer one, or is on its way; objects have ids") {
    const TempDir folder;
    const int rc = shell(folder, "$webcam scene:7 --track --frames 40 --out $out/last.png\n");
    const std::string log = read_text(folder / "log");
    REQUIRE_MESSAGE(rc == 0, log);
    unsigned submitted = 0, answers = 0, dropped = 0;
    const size_t at = log.find("webcam: ");
    REQUIRE(at != std::string::npos);
    REQUIRE(std::sscanf(log.c_str() + at, "webcam: %u frames submitted, %u answers, %u dropped", &submitted, &answers,
                        &dropped) == 3);
    CHECK(answers >= 40);
    CHECK(submitted >= answers + dropped);
    CHECK(submitted <= answers + dropped + 2);
    CHECK(log.find("; toybox") != std::string::npos);
    CHECK(picture(folder / "last.png").width == 640);
}

TEST_CASE("without a window: so many answers, and the annotated frame") {
    const TempDir folder;
    const int rc = shell(folder, "$webcam assets/clips/house.png --model seeded --frames 3 --out $out/last.png\n");
    REQUIRE_MESSAGE(rc == 0, read_text(folder / "log"));
    const engine::Image house = picture("assets/clips/house.png");
    CHECK(picture(folder / "last.png").width == house.width);
}

TEST_CASE("what cannot be is told in a sentence") {
    const TempDir folder;
    const std::pair<const char *, const char *> wrong[] = {
        {"--frames 0", "--frames"},
        {"--what", "--what"},
        {"no-such-file.mp4 --model seeded --frames 1 --out $out/x.png", "no-such-file.mp4"},
        {"scene --model nowhere --frames 1 --out $out/x.png", "nowhere"},
        {"scene --model seeded --frames 1 --out $out/x.txt", "--out wants a .png or .jpg"},
    };
    for (const auto &[given, expected] : wrong) {
        const char *arguments = given;  // a binding cannot be captured
        CAPTURE(arguments);
        CHECK(shell(folder, std::string("$webcam ") + arguments + "\n") != 0);
        CHECK(read_text(folder / "log").find(expected) != std::string::npos);
    }
}
