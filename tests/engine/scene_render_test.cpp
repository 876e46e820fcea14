// Pictures and truth of scenes, from the device.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>

#include "engine/scene/truth.h"
#include "tests/support/device.h"

using namespace sac;
using namespace sac::engine;
using namespace sac::test;

namespace {

constexpr SceneRendererOptions small = {320, 240, true};

std::unique_ptr<SceneRenderer> new_renderer(const SceneRendererOptions &options = small) {
    auto renderer = SceneRenderer::create(device(), memory(), options);
    REQUIRE_MESSAGE(renderer.ok(), renderer.error().message);
    return std::move(*renderer);
}

// A camera at the origin's height, looking along -z, with a square of 2 m at z = 0 just filling the picture's height.
SceneFrame facing_frame() {
    SceneFrame frame;
    frame.camera.eye = {0, 5, 10};
    frame.camera.target = {0, 5, 0};
    frame.camera.vertical_angle = 2 * std::atan(0.1f);
    frame.light.to_sun = normalize({0.2f, 1, 1});
    frame.light.sun = frame.light.sky = frame.light.ground = {0.5f, 0.5f, 0.5f};
    frame.backdrop.wall_normal = {0, 0, 1};
    return frame;
}

Part cube_part(uint8_t object, Vec3 center, Vec3 size) {
    Part part;
    part.mesh = Mesh::cube;
    part.object = object;
    part.material.a = part.material.b = {1, 0, 0};
    part.place = Affine::translation(center) * Affine::scaling(size);
    return part;
}

// A scene whose objects stand for those of a frame made by hand.
Scene scene_with(size_t objects) {
    for (uint64_t seed = 0;; ++seed) {
        Scene scene = Scene::make(seed);
        if (scene.objects().size() < objects) continue;
        std::array<bool, most_objects> flags = {};
        std::fill_n(flags.begin(), objects, true);
        scene.keep({flags.data(), scene.objects().size()});
        return scene;
    }
}

}  // namespace

TEST_CASE("a half hidden cube is half visible, to the pixel") {
    // 240 pixels are 2 m at z = 0: the front faces lie there and at z = 1, seen from 10 and 9 m.
    SceneFrame frame = facing_frame();
    frame.parts.push_back(cube_part(0, {0, 5, -0.5f}, {1, 1, 1}));  // front at z = 0: 120 x 120 pixels
    const auto renderer = new_renderer();
    Visibility visibility;
    REQUIRE(renderer->render(frame, nullptr, &visibility).ok());
    const Scene scene = scene_with(2);
    FrameTruth truth = truth_of(scene, 0, visibility);
    REQUIRE(truth.objects.size() == 1);
    CHECK(truth.objects[0].box == PixelBox{100, 60, 120, 120});
    CHECK(truth.objects[0].area == 120 * 120);
    CHECK(truth.objects[0].visible() == 1);
    CHECK_FALSE(truth.objects[0].behind);

    // A thin plate nearer by, whose left edge is seen at the cube's middle: x = 0 stays x = 0 at any depth.
    frame.parts.push_back(cube_part(1, {0.9f, 5, 1}, {1.8f, 3, 0.01f}));
    REQUIRE(renderer->render(frame, nullptr, &visibility).ok());
    truth = truth_of(scene, 0, visibility);
    REQUIRE(truth.objects.size() == 2);
    CHECK(truth.objects[0].box == PixelBox{100, 60, 60, 120});
    CHECK(truth.objects[0].full_box == PixelBox{100, 60, 120, 120});
    CHECK(truth.objects[0].area == 60 * 120);
    CHECK(truth.objects[0].full_area == 120 * 120);
    CHECK(truth.objects[0].visible() == 0.5f);
    CHECK(truth.objects[0].behind == 1);
    CHECK(truth.objects[1].box.x == 160);
    CHECK(truth.objects[1].visible() == 1);
    // The mask in columns: 100 empty ones and 60 rows, then 60 columns of 120 pixels.
    const std::vector<uint32_t> counts = mask_counts(visibility, 0);
    REQUIRE(counts.size() == 2 * 60 + 1);
    CHECK(counts[0] == 100 * 240 + 60);
    for (size_t i = 1; i < counts.size(); i += 2) CHECK(counts[i] == 120);
    for (size_t i = 2; i + 1 < counts.size(); i += 2) CHECK(counts[i] == 120);
}

TEST_CASE("boxes, areas and masks agree with the ids, and alone every object covers what it is said to") {
    const auto renderer = new_renderer();
    Visibility visibility, alone;
    for (uint64_t seed = 0; seed < 12; ++seed) {
        const Scene scene = Scene::make(seed);
        const SceneFrame frame = scene.at(0.4);
        REQUIRE(renderer->render(frame, nullptr, &visibility).ok());
        for (const ObjectTruth &t : truth_of(scene, 0.4, visibility).objects) {
            const auto id = static_cast<uint8_t>(t.object + 1);
            CHECK(std::count(visibility.ids.begin(), visibility.ids.end(), id) == t.area);
            // A box's four sides each touch a pixel, and none lies outside.
            uint32_t inside = 0;
            bool sides[4] = {};
            for (uint32_t y = t.box.y; y < t.box.y + t.box.height; ++y) {
                for (uint32_t x = t.box.x; x < t.box.x + t.box.width; ++x) {
                    if (visibility.ids[y * 320 + x] != id) continue;
                    ++inside;
                    sides[0] |= x == t.box.x;
                    sides[1] |= x + 1 == t.box.x + t.box.width;
                    sides[2] |= y == t.box.y;
                    sides[3] |= y + 1 == t.box.y + t.box.height;
                }
            }
            CHECK(inside == t.area);
            CHECK(std::all_of(std::begin(sides), std::end(sides), [](bool b) { return b; }));
            // The run lengths give the ids again.
            size_t at = 0;
            bool one = false, same = true;
            for (const uint32_t run : mask_counts(visibility, t.object)) {
                for (uint32_t k = 0; k < run; ++k, ++at)
                    same = same && (visibility.ids[at % 240 * 320 + at / 240] == id) == one;
                one = !one;
            }
            CHECK(same);
            CHECK(at == 320 * 240);

            SceneFrame only = frame;
            std::erase_if(only.parts, [&](const Part &p) { return p.object != t.object; });
            REQUIRE(renderer->render(only, nullptr, &alone).ok());
            CHECK(std::count(alone.ids.begin(), alone.ids.end(), id) == t.full_area);
            bool covered = true;
            for (size_t i = 0; i < alone.ids.size(); ++i)
                covered = covered && (alone.ids[i] == id) == bool(visibility.coverage[i] >> t.object & 1);
            CHECK(covered);
        }
    }
}

TEST_CASE("the picture shows an object where its mask is") {
    SceneFrame frame = facing_frame();
    frame.parts.push_back(cube_part(0, {0, 5, -0.5f}, {1, 1, 1}));
    frame.backdrop.wall.a = frame.backdrop.wall.b = frame.backdrop.wall_top = {0, 0, 1};
    for (const bool smooth_edges : {true, false}) {
        const auto renderer = new_renderer({320, 240, smooth_edges});
        Image picture;
        Visibility visibility;
        REQUIRE(renderer->render(frame, &picture, &visibility).ok());
        for (uint32_t y = 0; y < 240; ++y) {
            for (uint32_t x = 0; x < 320; ++x) {
                const uint8_t *p = picture.at(x, y);
                const bool on = visibility.ids[y * 320 + x] == 1;
                CHECK((on ? p[0] > 100 && p[2] == 0 : p[0] == 0 && p[2] > 100));
            }
        }
    }
}

TEST_CASE("the same scene gives the same bytes, from another renderer and after other frames") {
    const auto first = new_renderer(), second = new_renderer();
    Image a, b;
    Visibility seen_a, seen_b;
    for (uint64_t seed = 20; seed < 24; ++seed) {
        const Scene scene = Scene::make(seed);
        REQUIRE(first->render(scene.at(2), &a, &seen_a).ok());
        REQUIRE(second->render(Scene::make(seed + 7).at(0), &b, &seen_b).ok());
        REQUIRE(second->render(scene.at(2), &b, &seen_b).ok());
        CHECK(a.pixels == b.pixels);
        CHECK(seen_a.ids == seen_b.ids);
        CHECK(seen_a.coverage == seen_b.coverage);
    }
}

TEST_CASE("over 200 seeds: counts, sizes, hidden objects, classes, colors and actions are as asked for") {
    const auto renderer = new_renderer();
    Visibility visibility;
    size_t objects = 0, hidden = 0;
    std::array<size_t, scene_class_count> classes = {};
    std::array<size_t, scene_color_count> colors = {};
    std::array<size_t, action_count> actions = {};
    uint32_t shortest = 1000, tenth = 0;
    for (uint64_t seed = 0; seed < 200; ++seed) {
        const auto scene = make_clear_scene(seed, small, *renderer);
        REQUIRE_MESSAGE(scene.ok(), scene.error().message);
        REQUIRE(renderer->render(scene->at(0), nullptr, &visibility).ok());
        const FrameTruth truth = truth_of(*scene, 0, visibility);
        CHECK(truth.objects.size() == scene->objects().size());
        CHECK(truth.objects.size() >= 3);
        CHECK(truth.objects.size() <= 12);
        for (const ObjectTruth &t : truth.objects) {
            CHECK_FALSE(t.ignore());
            CHECK(t.full_box.width * t.full_box.height <= 320 * 240 / 2);
            const uint32_t side = std::max(t.box.width, t.box.height);
            shortest = std::min(shortest, side);
            tenth += side < 20;
            hidden += t.visible() <= 0.7f;
            ++classes[static_cast<size_t>(t.kind)];
            ++colors[static_cast<size_t>(t.color)];
            if (t.action) ++actions[static_cast<size_t>(*t.action)];
        }
        objects += truth.objects.size();
    }
    MESSAGE("objects a scene: " << static_cast<double>(objects) / 200 << ", hidden by 30 % or more: "
                                << static_cast<double>(hidden) / static_cast<double>(objects));
    CHECK(objects > 200 * 5);
    CHECK(hidden > objects * 28 / 100);
    CHECK(hidden < objects * 40 / 100);
    CHECK(shortest >= 12);
    CHECK(shortest < 15);
    CHECK(tenth > objects / 25);
    const auto least = [](const auto &counts) { return *std::min_element(counts.begin(), counts.end()); };
    CHECK(least(classes) > objects / 10);
    CHECK(least(colors) > objects / 14);
    CHECK(least(actions) > classes[static_cast<size_t>(SceneClass::figure)] / 16);
}
