// labels: host_only
// What a scene is made of, without a device: random numbers, timetables, poses, captions.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "engine/scene/truth.h"

using namespace sac::engine;

TEST_CASE("random numbers are those of SplitMix64, and streams do not meet") {
    Random random(1234567);
    // Reference values of the generator's published C code for this seed.
    for (const uint64_t expected : {6457827717110365317ull, 3203168211198807973ull, 9817491932198370423ull})
        CHECK(random.next() == expected);
    std::set<uint64_t> firsts;
    for (uint64_t i = 0; i < 1000; ++i) firsts.insert(Random(7).stream(i).next());
    CHECK(firsts.size() == 1000);
    for (int i = 0; i < 1000; ++i) {
        const float u = random.uniform();
        CHECK(u >= 0);
        CHECK(u < 1);
        CHECK(random.below(3) < 3);
    }
}

TEST_CASE("meshes are closed, face outwards and have normals of length 1") {
    const MeshSet set = build_meshes();
    for (size_t mesh = 0; mesh < mesh_count; ++mesh) {
        CAPTURE(mesh);
        const MeshRange range = set.ranges[mesh];
        REQUIRE(range.index_count > 0);
        const auto vertex = [&](uint32_t i) {
            return set.vertices[static_cast<size_t>(range.first_vertex) + set.indices[range.first_index + i]];
        };
        double volume = 0;
        Vec3 area;  // the sum of a closed surface's normals, by area, is zero
        for (uint32_t i = 0; i < range.index_count; i += 3) {
            const Vec3 a = vertex(i).position, b = vertex(i + 1).position, c = vertex(i + 2).position;
            volume += dot(a, cross(b, c)) / 6;
            area = area + cross(b - a, c - a) * 0.5f;
        }
        CHECK(length(area) < 1e-4);
        for (const auto &v : set.vertices) CHECK(length(v.normal) == doctest::Approx(1).epsilon(1e-4));
        // Facets lie within the round body: a little less than its volume.
        const double whole[mesh_count] = {3.14159265 / 6, 1, 3.14159265 / 12, 3.14159265 / 4, 4 * 3.14159265 / 3};
        CHECK(volume > 0.8 * whole[mesh]);
        CHECK(volume < 1.0001 * whole[mesh]);
    }
}

TEST_CASE("a timetable has no gap, no jump, every action, and labels that change where a segment starts") {
    std::set<Action> seen;
    for (uint64_t seed = 0; seed < 16; ++seed) {
        const auto first = static_cast<Action>(seed % action_count);
        const Timetable table = Timetable::plan(Random(seed), first, {1, 0, 2}, 0.5f, 1.6f, 4, {});
        const auto &segments = table.segments();
        REQUIRE(segments.size() > 10);
        CHECK(table.at(0).action == first);
        CHECK(segments.front().start < 0);
        for (size_t i = 0; i + 1 < segments.size(); ++i) {
            const Segment &a = segments[i], &b = segments[i + 1];
            CHECK(b.start == doctest::Approx(a.start + a.duration).epsilon(1e-5));
            CHECK(length(b.from - a.to) < 1e-4);
            CHECK(std::abs(b.heading_from - a.heading_to) < 1e-4);
            const float edge = b.start;
            CHECK(table.at(edge).action == b.action);
            CHECK(table.at(std::nextafter(edge, -1.f)).action == a.action);
            seen.insert(a.action);
        }
        // Without end: the end meets the start.
        const Segment &last = segments.back();
        CHECK(length(last.to - segments.front().from) < 1e-3);
        const float total = last.start + last.duration - segments.front().start;
        CHECK(table.at(total + 1.5f).action == table.at(1.5f).action);
    }
    CHECK(seen.size() == action_count);
}

TEST_CASE("figures move without jumps, stay on the floor, and walk as fast as their steps") {
    const Timetable table = Timetable::plan(Random(3), Action::walk, {}, 0, 1.7f, 5, {});
    Build build;
    const auto parts_at = [&](float seconds) {
        std::vector<Part> parts;
        const Timetable::Moment moment = table.at(seconds);
        add_figure(parts, 0, build, moment.pose, moment.floor, moment.heading);
        return parts;
    };
    constexpr float step = 1 / 240.f;
    std::vector<Part> before = parts_at(0);
    for (int i = 1; i < 70 * 240; ++i) {
        const std::vector<Part> now = parts_at(static_cast<float>(i) * step);
        float lowest = 1e9f;
        for (size_t k = 0; k < now.size(); ++k) {
            // No limb's middle is faster than 15 m/s.
            CHECK(length(now[k].place.origin - before[k].place.origin) < 15 * step);
            lowest = std::min(lowest, now[k].place.origin.y);
        }
        CHECK(lowest > 0);
        before = now;
    }
    for (const Segment &segment : table.segments()) {
        const float speed = length(segment.to - segment.from) / segment.duration / build.height;
        if (segment.action == Action::walk) CHECK(speed == doctest::Approx(0.84f).epsilon(0.01));
        if (segment.action == Action::run) CHECK(speed == doctest::Approx(2.175f).epsilon(0.01));
        if (segment.action != Action::walk && segment.action != Action::run) CHECK(speed == 0);
    }
}

TEST_CASE("figures keep off what stands in their way") {
    const std::vector<Obstacle> obstacles = {{{1.5f, 0, 0}, {1.5f, 0, 0}, 0.5f}, {{-1, 0, -2}, {1, 0, -2}, 0.3f}};
    for (uint64_t seed = 0; seed < 20; ++seed) {
        const Timetable table = Timetable::plan(Random(seed), Action::run, {}, 0, 1, 3, obstacles);
        for (int i = 40; i < 1200; ++i) {
            const Vec3 p = table.at(static_cast<float>(i) / 20).floor;
            CHECK(length(p - Vec3{1.5f, 0, 0}) > 0.5f);
            if (std::abs(p.x) < 1) CHECK(std::abs(p.z + 2) > 0.3f);
        }
    }
}

TEST_CASE("a scene is the same for the same seed, and another for another") {
    const auto same = [](const SceneFrame &a, const SceneFrame &b) {
        return a.parts.size() == b.parts.size() &&
               std::equal(a.parts.begin(), a.parts.end(), b.parts.begin(), [](const Part &x, const Part &y) {
                   return x.mesh == y.mesh && x.place.origin.x == y.place.origin.x && x.material.a.x == y.material.a.x;
               });
    };
    for (uint64_t seed = 0; seed < 50; ++seed) {
        const Scene scene = Scene::make(seed);
        CHECK(same(scene.at(1.25), Scene::make(seed).at(1.25)));
        CHECK_FALSE(same(scene.at(1.25), Scene::make(seed + 1).at(1.25)));
        CHECK(scene.objects().size() <= most_objects);
        // Nothing stands in another at the start.
        for (const SceneObject &a : scene.objects())
            for (const SceneObject &b : scene.objects())
                if (&a != &b) CHECK(length(a.home - b.home) > 0.24f * (a.size.x + b.size.x));
    }
}

TEST_CASE("captions: the four largest from left to right, with what is behind or before") {
    const auto object = [](size_t index, SceneClass kind, SceneColor color, uint32_t x, uint32_t side) {
        ObjectTruth t;
        t.object = index;
        t.kind = kind;
        t.color = color;
        t.box = t.full_box = {x, 50, side, side};
        t.area = t.full_area = side * side;
        return t;
    };
    ObjectTruth ball = object(0, SceneClass::ball, SceneColor::red, 10, 30);
    ObjectTruth cube = object(1, SceneClass::cube, SceneColor::blue, 30, 50);
    ObjectTruth figure = object(2, SceneClass::figure, SceneColor::green, 120, 40);
    figure.action = Action::wave;
    const ObjectTruth cone = object(3, SceneClass::cone, SceneColor::orange, 200, 20);
    CHECK(caption_of({ball, cube, figure}) == "a red ball, a blue cube, a figure waving");
    ball.behind = 1;
    CHECK(caption_of({ball, cube, figure}) == "a red ball behind a blue cube, a figure waving");
    ball.box.x = 60;  // now the cube comes first
    CHECK(caption_of({ball, cube, figure}) == "a blue cube in front of a red ball, a figure waving");
    CHECK(caption_of({cone, figure}) == "a figure waving, an orange cone");
    CHECK(caption_of({ball, cube, figure, cone, object(4, SceneClass::cylinder, SceneColor::white, 250, 15)}) ==
          "a blue cube in front of a red ball, a figure waving, an orange cone");
    CHECK(caption_of({object(0, SceneClass::ball, SceneColor::red, 0, 6)}) == "nothing");
}
