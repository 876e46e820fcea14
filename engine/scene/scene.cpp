#include "engine/scene/scene.h"

#include <algorithm>

namespace sac::engine {

namespace {

constexpr const char *class_names[scene_class_count] = {"ball", "cube", "cone", "cylinder", "figure"};
constexpr const char *color_names[scene_color_count] = {"red",    "green",  "blue", "yellow",
                                                        "orange", "purple", "cyan", "white"};
constexpr const char *action_names[action_count] = {"idle", "walk", "run", "jump", "wave", "turn", "fall", "sit"};

constexpr Vec3 up_vector = {0, 1, 0};

}  // namespace

const char *name_of(SceneClass c) { return class_names[static_cast<size_t>(c)]; }
const char *name_of(SceneColor c) { return color_names[static_cast<size_t>(c)]; }
const char *name_of(Action a) { return action_names[static_cast<size_t>(a)]; }

CameraAxes axes_of(const Camera &camera) {
    const Vec3 back = normalize(camera.eye - camera.target);
    const Vec3 level = normalize(cross(up_vector, back)), upright = cross(back, level);
    const float c = std::cos(camera.roll), s = std::sin(camera.roll);
    return {level * c + upright * s, upright * c - level * s, back};
}

SceneFrame Scene::at(double time) const {
    const auto seconds = static_cast<float>(time);
    SceneFrame frame;
    frame.light = light_;
    frame.backdrop = backdrop_;

    const float turn = std::sin(2 * pi * camera_.rate * seconds);
    frame.camera = camera_.start;
    const Vec3 from_target = camera_.start.eye - camera_.start.target;
    frame.camera.eye = camera_.start.target +
                       Affine::rotation_y(camera_.orbit * turn).direction(from_target) * (1 + camera_.dolly * turn);
    const CameraAxes axes = axes_of(camera_.start);
    frame.camera.target =
        frame.camera.target + axes.right * (camera_.pan * std::sin(2 * pi * 0.8f * camera_.rate * seconds));
    const Vec3 shake = axes.right * (std::sin(2.9f * seconds) + 0.5f * std::sin(7.1f * seconds)) +
                       axes.up * (std::sin(3.7f * seconds) + 0.5f * std::sin(6.3f * seconds));
    frame.camera.eye = frame.camera.eye + shake * camera_.shake;

    for (size_t i = 0; i < objects_.size(); ++i) {
        const SceneObject &object = objects_[i];
        const auto index = static_cast<uint8_t>(i);
        if (object.kind == SceneClass::figure) {
            const Timetable::Moment moment = object.timetable.at(seconds);
            add_figure(frame.parts, index, object.build, moment.pose, moment.floor, moment.heading);
            continue;
        }
        Part part;
        part.mesh = static_cast<Mesh>(object.kind);
        part.object = index;
        part.material = object.material;
        const float cycle = object.phase + object.rate * seconds;
        Vec3 center = object.home + Vec3{0, (object.lies ? object.size.x : object.size.y) / 2, 0};
        Affine turned = Affine::rotation_y(object.heading);
        if (object.motion == Motion::spin) turned = Affine::rotation_y(object.heading + 2 * pi * object.rate * seconds);
        if (object.motion == Motion::bounce) center.y += 0.9f * object.size.y * std::abs(std::sin(pi * cycle));
        if (object.motion == Motion::roll) {
            const float way = std::sin(2 * pi * cycle) - std::sin(2 * pi * object.phase);
            center = center + object.roll * way;
            // About the axis to the left of the way.
            const float heading = std::atan2(object.roll.x, object.roll.z);
            const float angle = way * length(object.roll) / (object.size.y / 2);
            turned = Affine::rotation_y(heading) * Affine::rotation_x(angle) * Affine::rotation_y(-heading) * turned;
        }
        if (object.lies) turned = turned * Affine::rotation_z(pi / 2);
        part.place = Affine::translation(center) * turned * Affine::scaling(object.size);
        frame.parts.push_back(part);
    }
    std::stable_sort(frame.parts.begin(), frame.parts.end(),
                     [](const Part &a, const Part &b) { return a.mesh < b.mesh; });
    return frame;
}

Action Scene::action_of(size_t object, double seconds) const {
    return objects_[object].timetable.at(static_cast<float>(seconds)).action;
}

void Scene::keep(std::span<const bool> flags) {
    size_t kept = 0;
    for (size_t i = 0; i < objects_.size(); ++i)
        if (flags[i]) objects_[kept++] = objects_[i];
    objects_.resize(kept);
}

}  // namespace sac::engine
