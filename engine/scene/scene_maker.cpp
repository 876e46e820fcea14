#include <algorithm>
#include <optional>

#include "engine/scene/scene.h"

namespace sac::engine {

namespace {

// Colors are written as they look (sRGB) and kept linear; the shaders use a square for the curve.
Vec3 srgb(float r, float g, float b) { return {r * r, g * g, b * b}; }

// Hue in turns, saturation, brightness.
Vec3 hsv(float hue, float saturation, float value) {
    const auto channel = [&](float offset) {
        const float t = hue + offset, k = 6 * (t - std::floor(t));
        return value * (1 - saturation * std::clamp(std::min(k, 4 - k), 0.f, 1.f));
    };
    return srgb(channel(5.f / 6), channel(3.f / 6), channel(1.f / 6));
}

struct NamedColor {
    float hue, saturation, value;
};
constexpr NamedColor named_colors[scene_color_count] = {
    {0.995f, 0.84f, 0.82f}, {0.36f, 0.7f, 0.62f}, {0.62f, 0.8f, 0.8f},   {0.142f, 0.84f, 0.93f},
    {0.07f, 0.86f, 0.93f},  {0.77f, 0.6f, 0.66f}, {0.505f, 0.72f, 0.8f}, {0.12f, 0.03f, 0.94f}};

Pattern random_pattern(Random &random, float plain) {
    return random.chance(plain) ? Pattern::plain : static_cast<Pattern>(1 + random.below(4));
}

}  // namespace

/// Lays a scene out: in the picture first, for there sizes and overlaps are asked for, and from there on the floor.
class SceneMaker {
public:
    SceneMaker(uint64_t seed, float aspect) : root_(seed) { scene_.aspect_ = aspect; }

    Scene make() {
        make_camera(root_.stream(1));
        make_light(root_.stream(2));
        make_backdrop(root_.stream(3));
        place_objects(root_.stream(4));
        for (size_t i = 0; i < scene_.objects_.size(); ++i) dress(scene_.objects_[i], root_.stream(100 + i));
        for (size_t i = 0; i < scene_.objects_.size(); ++i) animate(scene_.objects_[i], root_.stream(200 + i));
        bound_shadows();
        return std::move(scene_);
    }

private:
    // Where an object stands, in the picture and on the floor.
    struct Place {
        float x = 0;          // of its foot in the picture, -1 to 1
        float ground = 0;     // meters before the camera along the floor
        float side = 0;       // longest side as a share of the picture's width
        float meters = 0;     // the same in the world
        float footprint = 0;  // radius
        Vec3 floor;
    };

    static constexpr float smallest = 0.048f, largest = 0.46f;  // of Place::side

    struct Area {
        float left, right, top, bottom;
        float size() const { return std::max(0.f, right - left) * std::max(0.f, bottom - top); }
        float shared(const Area &o) const {
            return Area{std::max(left, o.left), std::min(right, o.right), std::max(top, o.top),
                        std::min(bottom, o.bottom)}
                .size();
        }
    };

    void make_camera(Random random) {
        Scene::CameraPath &path = scene_.camera_;
        pitch_ = random.uniform(0.12f, 0.7f);
        const float ground = random.uniform(4.5f, 8);
        height_ = std::max(0.8f, ground * std::tan(pitch_));
        pitch_ = std::atan2(height_, ground);
        path.start.eye = {0, height_, ground};
        path.start.vertical_angle = random.uniform(0.66f, 1);
        path.start.roll = random.chance(0.5f) ? 0 : random.uniform(-0.06f, 0.06f);
        tangent_ = std::tan(path.start.vertical_angle / 2);
        path.rate = random.uniform(0.05f, 0.14f);
        switch (random.below(5)) {
            case 0: break;
            case 1: path.orbit = random.sign() * random.uniform(0.08f, 0.25f); break;
            case 2: path.dolly = random.sign() * random.uniform(0.05f, 0.14f); break;
            case 3: path.pan = random.sign() * random.uniform(0.2f, 0.7f); break;
            case 4:
                path.orbit = random.sign() * random.uniform(0.03f, 0.12f);
                path.shake = random.uniform(0.003f, 0.012f);
                break;
        }
    }

    void make_light(Random random) {
        Light &light = scene_.light_;
        const float elevation = random.uniform(0.55f, 1.25f), azimuth = random.uniform(0, 2 * pi);
        light.to_sun = {std::cos(elevation) * std::sin(azimuth), std::sin(elevation),
                        std::cos(elevation) * std::cos(azimuth)};
        const float warmth = random.uniform(-1, 1), strength = random.uniform(0.5f, 1);
        light.sun = Vec3{1 + 0.1f * warmth, 1, 1 - 0.14f * warmth} * strength;
        const float ambient = random.uniform(0.24f, 0.5f);
        light.sky = Vec3{1 - 0.08f * warmth, 1, 1 + 0.1f * warmth} * ambient;
        light.ground = Vec3{1, 0.96f, 0.9f} * (ambient * random.uniform(0.35f, 0.6f));
    }

    Material ground_material(Random &random, Vec3 color, float plain) {
        Material material;
        material.pattern = random_pattern(random, plain);
        material.a = color;
        const float other = random.chance(0.5f) ? random.uniform(0.55f, 0.85f) : random.uniform(1.15f, 1.45f);
        material.b = color * other;
        const float scale = random.log_uniform(0.4f, 2.2f);
        material.u_scale = scale;
        material.v_scale = material.pattern == Pattern::stripes ? 0 : scale;
        return material;
    }

    void make_backdrop(Random random) {
        Backdrop &backdrop = scene_.backdrop_;
        const float tilt = random.uniform(-0.25f, 0.25f);
        backdrop.wall_normal = {std::sin(tilt), 0, std::cos(tilt)};
        // Mostly quiet colors; some as loud as the objects'.
        const auto quiet = [&] {
            const float saturation = random.chance(0.2f) ? random.uniform(0.25f, 0.55f) : random.uniform(0, 0.25f);
            return hsv(random.uniform(), saturation, random.uniform(0.3f, 0.85f));
        };
        switch (random.below(4)) {
            case 0: {  // a studio: the floor runs into the wall
                const Vec3 color = quiet();
                backdrop.floor = ground_material(random, color, 0.7f);
                backdrop.wall = {color, color};
                backdrop.wall_top = color * random.uniform(0.5f, 1.2f);
                backdrop.wall_distance = random.uniform(13, 18);
                backdrop.wall_height = random.uniform(4, 10);
                backdrop.blend = random.uniform(4, 8);
                break;
            }
            case 1:
            case 2:  // a room
                backdrop.floor = ground_material(random, quiet(), 0.25f);
                backdrop.wall = ground_material(random, quiet(), 0.35f);
                backdrop.wall_top = backdrop.wall.a * random.uniform(0.75f, 1.1f);
                backdrop.wall_distance = random.uniform(12.5f, 16);
                backdrop.wall_height = random.uniform(3, 7);
                break;
            default: {  // outside
                const bool grass = random.chance(0.5f);
                const Vec3 color =
                    grass ? hsv(random.uniform(0.2f, 0.33f), random.uniform(0.25f, 0.5f), random.uniform(0.35f, 0.6f))
                          : hsv(random.uniform(0.05f, 0.14f), random.uniform(0.1f, 0.35f), random.uniform(0.45f, 0.8f));
                backdrop.floor = ground_material(random, color, 0);
                backdrop.floor.pattern = random.chance(0.8f) ? Pattern::marble : backdrop.floor.pattern;
                backdrop.floor.v_scale = backdrop.floor.u_scale;
                const Vec3 haze =
                    hsv(random.uniform(0.52f, 0.64f), random.uniform(0.05f, 0.25f), random.uniform(0.75f, 0.95f));
                backdrop.wall = {haze, haze};
                backdrop.wall_top =
                    hsv(random.uniform(0.54f, 0.62f), random.uniform(0.3f, 0.6f), random.uniform(0.65f, 0.9f));
                backdrop.wall_distance = 60;
                backdrop.wall_height = random.uniform(20, 40);
                backdrop.blend = 45;
                break;
            }
        }
    }

    // The depth of a point of the floor before the camera.
    float depth_at(float ground) const { return ground * std::cos(pitch_) + height_ * std::sin(pitch_); }
    // The ground distance of a height in the picture, -1 at its top; none above the horizon.
    std::optional<float> ground_at(float y) const {
        const float down = pitch_ + std::atan(y * tangent_);
        if (down < 0.02f) return {};
        return height_ / std::tan(down);
    }
    // The height in the picture of a point above the floor.
    float y_of(float ground, float above) const {
        const float down = height_ - above;
        const float depth = ground * std::cos(pitch_) + down * std::sin(pitch_);
        return (down * std::cos(pitch_) - ground * std::sin(pitch_)) / (depth * tangent_);
    }
    float half_width(float depth) const { return depth * tangent_ * scene_.aspect_; }

    // Whether it may stand there, with what follows from its place in the picture.
    bool settle(Place &place, SceneClass kind) const {
        const float near = 1.2f, far = scene_.camera_.start.eye.z + 7.5f;
        if (place.ground < near || place.ground > far) return false;
        const float depth = depth_at(place.ground);
        place.meters = place.side * 2 * half_width(depth);
        if (place.meters < 0.12f || place.meters > 2.6f) return false;
        if (place.ground < 0.8f * place.meters + 0.3f) return false;
        place.footprint = place.meters * (kind == SceneClass::figure ? 0.24f
                                          : kind == SceneClass::cube ? 0.66f
                                                                     : 0.52f);
        place.floor = {place.x * half_width(depth), 0, scene_.camera_.start.eye.z - place.ground};
        // Most of it lies within the picture.
        const float top = y_of(place.ground, place.meters), foot = y_of(place.ground, 0);
        if (top < -1.15f || foot > 1.15f || std::abs(place.x) > 0.97f) return false;
        return std::none_of(places_.begin(), places_.end(), [&](const Place &other) {
            return length(other.floor - place.floor) < other.footprint + place.footprint + 0.04f;
        });
    }

    // Roughly what a settled object takes up in the picture, -1 to 1 both ways.
    Area area_of(const Place &place, SceneClass kind) const {
        constexpr float widths[scene_class_count] = {1, 0.95f, 0.75f, 0.65f, 0.32f};
        const float half = place.side * widths[static_cast<size_t>(kind)];
        return {place.x - half, place.x + half, y_of(place.ground, place.meters), y_of(place.ground, 0)};
    }

    // A place at any size and height of the picture.
    bool place_freely(Random &random, SceneClass kind, Place &place) const {
        place.side = smallest * std::pow(largest / smallest, std::pow(random.uniform(), 0.75f));  // fewer of the small
        place.x = random.uniform(-0.95f, 0.95f);
        const std::optional<float> ground = ground_at(random.uniform(-1, 1));
        if (!ground) return false;
        place.ground = *ground;
        return settle(place, kind);
    }

    // A place before or behind another object, so that about a third to most of the hindmost is hidden.
    bool place_with(Random &random, size_t partner, SceneClass kind, Place &place) const {
        const Place &other = places_[partner];
        const bool before = random.chance(0.5f);
        place.side =
            std::clamp(other.side * random.log_uniform(before ? 0.6f : 0.35f, before ? 2.5f : 1.6f), smallest, largest);
        place.x = other.x + random.uniform(-0.9f, 0.9f) * (place.side + other.side);
        const float size = place.side * 2 * half_width(depth_at(other.ground));
        const float gap = 0.55f * (size + other.meters) * random.uniform(0.9f, 1.6f);
        place.ground = other.ground + (before ? -gap : gap);
        if (!settle(place, kind)) return false;
        const Area mine = area_of(place, kind), its = area_of(other, scene_.objects_[partner].kind);
        const Area &front = before ? mine : its, &back = before ? its : mine;
        const float hidden = front.shared(back) / back.size();
        return hidden > 0.42f && hidden < 0.88f;
    }

    void place_objects(Random random) {
        const uint32_t count = 3 + random.below(most_objects - 2);
        for (uint32_t tries = 0; scene_.objects_.size() < count && tries < 60; ++tries) {
            SceneObject object;
            object.kind = random.chance(0.26f) ? SceneClass::figure : static_cast<SceneClass>(random.below(4));
            const bool with = !places_.empty() && random.chance(0.78f);
            Place place;
            bool placed = false;
            for (int attempt = 0; attempt < 60 && !placed; ++attempt) {
                const auto partner = random.below(std::max(1u, static_cast<uint32_t>(places_.size())));
                placed =
                    with ? place_with(random, partner, object.kind, place) : place_freely(random, object.kind, place);
            }
            if (!placed) continue;
            object.home = place.floor;
            object.size = {place.meters, place.meters, place.meters};
            places_.push_back(place);
            scene_.objects_.push_back(object);
        }
    }

    void dress(SceneObject &object, Random random) {
        object.color = static_cast<SceneColor>(random.below(scene_color_count));
        object.heading = random.uniform(-pi, pi);
        const NamedColor &named = named_colors[static_cast<size_t>(object.color)];
        const Vec3 color =
            hsv(named.hue + random.uniform(-0.012f, 0.012f), named.saturation * random.uniform(0.88f, 1.08f),
                std::min(1.f, named.value * random.uniform(0.88f, 1.06f)));
        Material &material = object.material;
        material.a = color;
        // The pattern is a shade of the same color, so that its name stays right.
        material.b = random.chance(0.5f) ? color * random.uniform(0.35f, 0.6f)
                                         : lerp(color, Vec3{0.9f, 0.9f, 0.9f}, random.uniform(0.3f, 0.5f));
        if (object.color == SceneColor::white) material.b = color * random.uniform(0.5f, 0.75f);
        material.pattern = random_pattern(random, 0.45f);
        material.gloss = random.chance(0.6f) ? random.uniform(0.1f, 0.6f) : 0;
        const float turns = static_cast<float>(2 + random.below(4));
        material.u_scale = object.kind == SceneClass::cube ? turns : 2 * turns;
        material.v_scale = object.kind == SceneClass::cube ? turns : std::round(1.3f * turns);
        if (material.pattern == Pattern::stripes) (random.chance(0.5f) ? material.u_scale : material.v_scale) = 0;

        const float side = object.size.y;
        switch (object.kind) {
            case SceneClass::ball: break;
            case SceneClass::cube: object.size = Vec3{1, 1, 1} * (side * 0.82f); break;
            case SceneClass::cone: {
                const float width = random.uniform(0.55f, 0.95f) * side;
                object.size = {width, side, width};
                break;
            }
            case SceneClass::cylinder: {
                const float width = random.uniform(0.45f, 0.85f) * side;
                object.size = {width, side, width};
                object.lies = random.chance(0.25f);
                break;
            }
            case SceneClass::figure: {
                Build &build = object.build;
                build.height = side;
                build.girth = random.uniform(0.9f, 1.2f);
                build.shirt = material;
                build.shirt.u_scale = build.shirt.u_scale > 0 ? 4 : 0;
                build.shirt.v_scale = build.shirt.v_scale > 0 ? 3 : 0;
                build.shirt.gloss = 0;
                build.trousers.a = hsv(random.uniform(), random.uniform(0.05f, 0.4f), random.uniform(0.18f, 0.5f));
                const float tone = random.uniform();
                build.skin.a = lerp(srgb(0.96f, 0.8f, 0.69f), srgb(0.42f, 0.28f, 0.2f), tone);
                build.hair.a =
                    hsv(random.uniform(0.03f, 0.12f), random.uniform(0.2f, 0.7f), random.uniform(0.1f, 0.7f));
                build.shoes.a = hsv(random.uniform(), 0.1f, random.uniform(0.1f, 0.9f));
                for (Material *m : {&build.trousers, &build.skin, &build.hair, &build.shoes}) m->b = m->a;
                break;
            }
        }
    }

    // Everything but this object, and where the figures before it walk.
    std::vector<Obstacle> obstacles_for(const SceneObject &object) const {
        std::vector<Obstacle> obstacles;
        for (size_t i = 0; i < scene_.objects_.size(); ++i) {
            const SceneObject &other = scene_.objects_[i];
            if (&other == &object) continue;
            obstacles.push_back({other.home - other.roll * 2, other.home + other.roll * 2, places_[i].footprint});
            for (const Segment &segment : other.timetable.segments())
                obstacles.push_back({segment.from, segment.to, places_[i].footprint});
        }
        return obstacles;
    }

    void animate(SceneObject &object, Random random) {
        const std::vector<Obstacle> obstacles = obstacles_for(object);
        object.phase = random.uniform();
        object.rate = random.uniform(0.12f, 0.3f);
        if (object.kind == SceneClass::figure) {
            const auto first = static_cast<Action>(random.below(action_count));
            object.timetable = Timetable::plan(random.stream(1), first, object.home, object.heading,
                                               object.build.height, 3 * object.build.height, obstacles);
            return;
        }
        if (object.kind != SceneClass::ball) {
            if (random.chance(0.4f)) object.motion = Motion::spin;
            return;
        }
        if (random.chance(0.35f)) {
            object.motion = Motion::bounce;
            object.rate = random.uniform(0.7f, 1.1f);
        } else if (random.chance(0.6f)) {
            const float angle = random.uniform(0, 2 * pi), way = random.uniform(0.4f, 0.9f) * object.size.x;
            const Vec3 roll = Vec3{std::sin(angle), 0, std::cos(angle)} * way;
            const bool free = std::all_of(obstacles.begin(), obstacles.end(), [&](const Obstacle &o) {
                return length(o.a - object.home) > o.radius + length(o.b - o.a) + object.size.x / 2 + 2 * way;
            });
            if (!free) return;
            object.motion = Motion::roll;
            object.roll = roll;
        }
    }

    void bound_shadows() {
        Vec3 low = {1e9f, 0, 1e9f}, high = {-1e9f, 0, -1e9f};
        for (size_t i = 0; i < scene_.objects_.size(); ++i) {
            const float reach = 2 * scene_.objects_[i].size.y;
            const Vec3 home = scene_.objects_[i].home;
            low = {std::min(low.x, home.x - reach), 0, std::min(low.z, home.z - reach)};
            high = {std::max(high.x, home.x + reach), 0, std::max(high.z, home.z + reach)};
        }
        scene_.light_.shadow_center = (low + high) * 0.5f;
        scene_.light_.shadow_radius = length(high - low) / 2;
    }

    Random root_;
    Scene scene_;
    std::vector<Place> places_;  // of scene_.objects_
    float pitch_ = 0, height_ = 0, tangent_ = 0;
};

Scene Scene::make(uint64_t seed, float aspect) { return SceneMaker(seed, aspect).make(); }

}  // namespace sac::engine
