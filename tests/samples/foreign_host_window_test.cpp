// labels: window serial no_asan
// foreign_host in a window: what is on the screen, another size, and the key that ends it.
#include <doctest/doctest.h>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <thread>

#include "engine/io/source.h"
#include "tests/engine/pictures.h"
#include "tests/samples/discs.h"
#include "tests/support/device.h"
#include "tests/support/files.h"

using namespace sac;
using namespace sac::test;

namespace {

engine::Image screen() {
    auto source = engine::Source::open("screen:1000x720+0,0");
    REQUIRE_MESSAGE(source.ok(), source.error().message);
    auto frame = (*source)->next();
    REQUIRE_MESSAGE(frame.ok(), frame.error().message);
    REQUIRE(frame->has_value());
    const engine::Frame &grabbed = **frame;
    const auto rgba = engine::to_rgba(grabbed);
    engine::Image image(grabbed.width, grabbed.height);
    std::copy_n(rgba.get(), image.pixels.size(), image.pixels.data());
    return image;
}

using Wanted = std::function<bool(const uint8_t *)>;

// Share of the pixels of an area that are as wanted.
double share(const engine::Image &image, uint32_t left, uint32_t top, uint32_t right, uint32_t bottom,
             const Wanted &wanted) {
    uint32_t count = 0;
    for (uint32_t y = top; y < bottom; ++y)
        for (uint32_t x = left; x < right; ++x) count += wanted(image.at(x, y)) ? 1 : 0;
    return count / static_cast<double>((right - left) * (bottom - top));
}

bool is_red(const uint8_t *p) { return p[0] > 210 && p[1] < 50 && p[2] < 50; }
// The color of class 0, that of the red disc's box and label.
bool is_first_class(const uint8_t *p) { return p[0] > 245 && std::abs(p[1] - 141) < 8 && std::abs(p[2] - 135) < 8; }
bool is_black(const uint8_t *p) { return p[0] + p[1] + p[2] == 0; }
bool is_bright(const uint8_t *p) { return p[0] > 180 && p[1] > 180 && p[2] > 180; }  // not the wall

/// Looks at the screen until it is as wanted, for some time; the last look.
bool seen(const std::function<bool(const engine::Image &)> &wanted) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!wanted(screen())) {
        if (std::chrono::steady_clock::now() > until) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(200));
    }
    return true;
}

int shell(const TempDir &folder, const std::string &script) {
    const std::string path = (folder / "script.sh").string();
    write_text(path, "set -e\ncd '" + folder.path().string() + "'\n" + script);
    return std::system(("bash '" + path + "'").c_str());
}

}  // namespace

TEST_CASE("the overlay is in the window, in each of its sizes, until a key ends it") {
    if (std::system("xdotool version > /dev/null 2>&1") != 0) return skip("there is no xdotool");
    const std::string program =
        (std::filesystem::read_symlink("/proc/self/exe").parent_path() / "foreign_host").string();
    for (const char *mode : {"shared", "commands"}) {
        CAPTURE(mode);
        const TempDir folder;
        write_disc_model(folder.path());
        std::string script = "(set +e; '";
        script += program + "' . --window --mode " + mode + (validation_enabled() ? " --validation" : "");
        script +=
            " > out 2> err; echo $? > code) &\n"
            "timeout 60 xdotool search --sync --onlyvisible --name foreign_host > window\n"
            "xdotool windowmove $(cat window) 0 0\n";
        REQUIRE(shell(folder, script) == 0);
        const auto scene = [](const engine::Image &image, uint32_t width, uint32_t height) {
            return share(image, 0, 0, width, height, is_red) > 0.02 &&
                   share(image, 0, 0, width, height, is_first_class) > 0.002 &&
                   share(image, 0, height - 30, width / 4, height, is_bright) > 0.005;  // the words
        };
        const auto beside_is_black = [](const engine::Image &image, uint32_t width) {
            return share(image, width, 0, 1000, 720, is_black) > 0.99;  // but for the pointer
        };
        CHECK(seen([&](const engine::Image &image) { return scene(image, 640, 480) && beside_is_black(image, 640); }));
        CHECK(shell(folder, "xdotool windowsize $(cat window) 960 720\n") == 0);
        CHECK(seen([&](const engine::Image &image) { return scene(image, 960, 720) && beside_is_black(image, 960); }));
        const int ended = shell(folder,
                                "xdotool mousemove 100 100 key q\n"
                                "for i in $(seq 600); do [[ -s code ]] && exit $(cat code); sleep 0.1; done\n"
                                "exit 99\n");
        CHECK_MESSAGE(ended == 0, read_text(folder / "err"));
        CHECK(read_text(folder / "out").find(" frames in ") != std::string::npos);
    }
}

TEST_CASE("no display: a sentence, not a crash") {
    const TempDir folder;
    const std::string program =
        (std::filesystem::read_symlink("/proc/self/exe").parent_path() / "foreign_host").string();
    write_disc_model(folder.path());
    CHECK(shell(folder, "code=0\nenv -u DISPLAY -u WAYLAND_DISPLAY '" + program +
                            "' . --window > out 2> err || code=$?\n"
                            "[[ $code == 1 ]] && grep -q '^foreign_host: no window can be opened' err\n") == 0);
}
