// labels: host_only bad_input
// What users call sources, and how pictures are turned.
#include "engine/io/source_name.h"

#include <doctest/doctest.h>

#include "engine/io/capture.h"
#include "engine/io/source.h"
#include "tests/support/files.h"

using namespace sac;
using namespace sac::engine;
using Scheme = SourceName::Scheme;

namespace {

SourceName parsed(const std::string &text) {
    const auto name = SourceName::parse(text);
    REQUIRE_MESSAGE(name.ok(), text);
    CHECK(name->text == text);
    return *name;
}

}  // namespace

TEST_CASE("names of sources") {
    CHECK(parsed("camera").scheme == Scheme::camera);
    CHECK(parsed("camera").device.empty());
    CHECK(parsed("camera:0").device == "0");
    CHECK(parsed("camera:/dev/video2").device == "/dev/video2");
    CHECK(parsed("camera:Integrated Camera: front").device == "Integrated Camera: front");
    CHECK(parsed("screen").scheme == Scheme::screen);
    CHECK(parsed("screen").area.width == 0);
    const ScreenArea area = parsed("screen:640x480+10,20").area;
    CHECK(area.width == 640);
    CHECK(area.height == 480);
    CHECK(area.x == 10);
    CHECK(area.y == 20);
    CHECK(parsed("screen:640x480").area.height == 480);
    CHECK(parsed("scene").seed == 1);
    CHECK(parsed("scene:7").seed == 7);
    CHECK(parsed("scene:18446744073709551615").seed == UINT64_MAX);
    for (const char *url : {"http://host/a", "https://host/a", "rtsp://user:word@host:554/a", "rtmp://host/a/b",
                            "udp://@239.0.0.1:5000", "rtp://host:5000", "tcp://host:9", "srt://host:9"})
        CHECK(parsed(url).scheme == Scheme::url);
    for (const char *path : {"clip.mp4", "./camera", "cameras", "screenshot.png", "scene1.mp4", "C:/clip.mp4",
                             "C://clip.mp4", "dir/http://x", "://x", "a b", "screens:1x1"})
        CHECK(parsed(path).scheme == Scheme::path);
    for (const char *live : {"camera", "screen", "udp://host:1"}) CHECK(parsed(live).is_live());
    for (const char *other : {"scene", "clip.mp4", "folder"}) CHECK(!parsed(other).is_live());
}

TEST_CASE("wrong names are refused with a sentence that names them") {
    for (const char *wrong :
         {"camera:", "screen:", "scene:", "screen:640", "screen:640x", "screen:0x480", "screen:640x480+10",
          "screen:640x480+10,", "screen:640x480+-1,2", "screen:640x480+1,2 ", "screen:99999x480", "screen:axb",
          "scene:x", "scene:-1", "scene:7x", "scene:18446744073709551616"}) {
        CAPTURE(wrong);
        const auto name = SourceName::parse(wrong);
        REQUIRE(!name.ok());
        CHECK(name.error().code == Code::invalid_argument);
        CHECK(name.error().message.find(wrong) != std::string::npos);
        CHECK(Source::open(wrong).error().message == name.error().message);
    }
    CHECK(SourceName::parse("").error().code == Code::invalid_argument);
    for (const char *other : {"file:///clip.mp4", "ftp://host/clip.mp4", "concat://a"}) {
        const auto name = SourceName::parse(other);
        REQUIRE(!name.ok());
        CHECK(name.error().code == Code::unsupported);
        CHECK(name.error().message.find(other) != std::string::npos);
    }
}

TEST_CASE("cameras and screens that are not there are told by name") {
    const auto camera = Source::open("camera:/dev/no such camera");
    REQUIRE(!camera.ok());
    CHECK(camera.error().code == Code::not_found);
    CHECK(camera.error().message.find("camera:/dev/no such camera: is not there") == 0);
    const auto number = Source::open("camera:4711");
    REQUIRE(!number.ok());
    CHECK(number.error().message.find("camera:4711: ") == 0);
    CHECK(list_cameras().ok());
    const auto scene = Source::open("scene:3");
    REQUIRE(!scene.ok());
    CHECK(scene.error().code == Code::unsupported);
#if !defined(_WIN32) && !defined(__APPLE__)
    const test::ScopedEnv no_display("DISPLAY", nullptr);
    const auto screen = Source::open("screen");
    REQUIRE(!screen.ok());
    CHECK(screen.error().code == Code::not_found);
    CHECK(screen.error().message.find("screen: ") == 0);
    const test::ScopedEnv wrong_display("DISPLAY", ":4711");
    CHECK(Source::open("screen").error().message.find("screen: ") == 0);
#endif
}
