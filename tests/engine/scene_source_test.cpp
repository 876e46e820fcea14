// The built-in scene as a source.
#include "engine/scene_source.h"

#include <doctest/doctest.h>

#include "engine/io/feed.h"
#include "tests/engine/pictures.h"
#include "tests/support/device.h"

using namespace sac;
using namespace sac::engine;
using namespace sac::test;

namespace {

SourceOptions small_scene() {
    SourceOptions options;
    options.width = 96;
    options.height = 64;
    options.frame_rate = 10;
    options.open_scene = scene_opener(device_options());
    return options;
}

Frame next(Source &source) {
    auto frame = source.next();
    REQUIRE_MESSAGE(frame.ok(), frame.error().message);
    REQUIRE(frame->has_value());
    return std::move(**frame);
}

Image image_of(const Frame &frame) {
    Image image(frame.width, frame.height);
    std::copy_n(to_rgba(frame).get(), image.pixels.size(), image.pixels.data());
    return image;
}

}  // namespace

TEST_CASE("a scene goes on frame by frame, the same for the same seed, and may be skipped on") {
    const auto source = Source::open("scene:5", small_scene()), same = Source::open("scene:5", small_scene()),
               other = Source::open("scene:6", small_scene());
    REQUIRE_MESSAGE(source.ok(), source.error().message);
    REQUIRE(same.ok());
    REQUIRE(other.ok());
    CHECK((*source)->kind() == Source::Kind::scene);
    CHECK((*source)->frame_rate() == 10);
    CHECK((*source)->estimated_frames() == 0);
    const Frame first = next(**source);
    CHECK(first.source == "scene:5");
    CHECK(first.width == 96);
    CHECK(first.height == 64);
    CHECK(first.timestamp_ns == 0);
    CHECK(largest_difference(image_of(first), image_of(next(**same))) == 0);
    CHECK(largest_difference(image_of(first), image_of(next(**other))) > 30);
    const Frame second = next(**source);
    CHECK(second.index == 1);
    CHECK(second.timestamp_ns == 100'000'000);

    (*source)->skip_to(2'050'000'000);
    const Frame late = next(**source);
    CHECK(late.index == 20);
    CHECK(late.timestamp_ns == 2'000'000'000);
    CHECK(largest_difference(image_of(first), image_of(late)) > 10);
    for (uint64_t i = 1; i < 20; ++i) next(**same);
    CHECK(largest_difference(image_of(late), image_of(next(**same))) == 0);
    (*source)->skip_to(0);  // never back
    CHECK(next(**source).index == 21);
}

TEST_CASE("a scene runs in a feed, and without a device there is none") {
    const auto name = SourceName::parse("scene");
    REQUIRE(name.ok());
    const auto feed = Feed::start(*name, small_scene());
    const auto first = feed->wait_for(std::chrono::seconds(20)), second = feed->wait_for(std::chrono::seconds(20));
    REQUIRE(first.has_value());
    REQUIRE(second.has_value());
    CHECK(second->timestamp_ns > first->timestamp_ns);

    vk::DeviceOptions nobodys = device_options();
    nobodys.which = "a device that nobody has";
    SourceOptions options;
    options.open_scene = scene_opener(nobodys);
    const auto none = Source::open("scene", options);
    REQUIRE(!none.ok());
    CHECK(none.error().code == Code::no_device);
}
