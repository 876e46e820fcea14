#pragma once
// A toy world from a seed: what stands where, how it looks and what it does, at any time. No Vulkan.

#include <span>

#include "engine/scene/figure.h"

namespace sac::engine {

/// What an object that is no figure does.
enum class Motion : uint8_t { still, spin, bounce, roll };

struct SceneObject {
    SceneClass kind = SceneClass::ball;
    SceneColor color = SceneColor::red;  ///< of a figure: its shirt's
    Vec3 home;                           ///< on the floor, where it is at second 0
    Vec3 size;                           ///< meters in its own axes; of a figure y is its height
    float heading = 0;
    bool lies = false;  ///< a cylinder on its side
    Material material;
    Motion motion = Motion::still;
    Vec3 roll;                     ///< as far as it rolls, there and back
    float rate = 0.3f, phase = 0;  ///< of the motion: turns a second, and at second 0
    Build build;                   ///< of a figure
    Timetable timetable;           ///< of a figure
};

/// Cheap to copy; immutable but for keep(). [thread] any, one at a time for keep().
class Scene {
public:
    /// 3 to 12 objects seen in a picture of this width by height. The same seed and aspect give the same scene. It was
    /// laid out for second 0: then objects are from 1/25 to about half of the picture's width, and about every third is
    /// partly hidden by another.
    static Scene make(uint64_t seed, float aspect = 4.f / 3);

    /// Everything at this time; it goes on without end. `aspect` is that of make().
    SceneFrame at(double seconds) const;
    /// Of figures.
    Action action_of(size_t object, double seconds) const;
    const std::vector<SceneObject> &objects() const { return objects_; }
    float aspect() const { return aspect_; }

    /// Takes away the objects whose flag is false; one flag for each.
    void keep(std::span<const bool> flags);

private:
    struct CameraPath {
        Camera start;
        float orbit = 0, dolly = 0, pan = 0, shake = 0;  ///< how far: radians, a share of the distance, meters, meters
        float rate = 0.1f;
    };
    friend class SceneMaker;
    std::vector<SceneObject> objects_;
    CameraPath camera_;
    Light light_;
    Backdrop backdrop_;
    float aspect_ = 1;
};

}  // namespace sac::engine
