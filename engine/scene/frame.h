#pragma once
// One moment of a scene, ready to be drawn: what SceneRenderer takes. No Vulkan.

#include <cstdint>
#include <vector>

#include "engine/scene/mesh.h"

namespace sac::engine {

enum class SceneClass : uint8_t { ball, cube, cone, cylinder, figure };
enum class SceneColor : uint8_t { red, green, blue, yellow, orange, purple, cyan, white };
enum class Action : uint8_t { idle, walk, run, jump, wave, turn, fall, sit };
inline constexpr size_t scene_class_count = 5, scene_color_count = 8, action_count = 8;

/// "ball", "red", "walk".
const char *name_of(SceneClass c);
const char *name_of(SceneColor c);
const char *name_of(Action a);

/// Objects of one scene: each has a bit of the renderer's coverage.
inline constexpr size_t most_objects = 12;

enum class Pattern : uint8_t { plain, stripes, checks, dots, marble };

/// A surface: `a` with a pattern of `b`. Colors are linear, 0 to 1.
struct Material {
    Vec3 a, b;
    Pattern pattern = Pattern::plain;
    float u_scale = 1, v_scale = 1;  ///< turns of the pattern over the mesh's u and v; on floor and wall per meter
    float gloss = 0;                 ///< strength of the highlight
};

/// One mesh of an object.
struct Part {
    Mesh mesh = Mesh::ball;
    uint8_t object = 0;  ///< index within the scene
    float stretch = 0;   ///< of a capsule, in its own units along y
    Affine place;        ///< columns at right angles
    Material material;
};

struct Camera {
    Vec3 eye, target;
    float roll = 0;
    float vertical_angle = 0.9f;  ///< of view
};

/// The camera's axes, unit length.
struct CameraAxes {
    Vec3 right, up, back;
};
CameraAxes axes_of(const Camera &camera);

struct Light {
    Vec3 to_sun = {0, 1, 0};  ///< unit length
    Vec3 sun, sky, ground;    ///< linear colors: direct light, ambient from above and from below
    Vec3 shadow_center;       ///< shadows are cast within this ball
    float shadow_radius = 10;
};

/// A floor at y = 0 that ends at a wall, or runs into it where `blend` is large.
struct Backdrop {
    Material floor, wall;
    Vec3 wall_top;             ///< color of the wall high up; `wall` at its foot
    Vec3 wall_normal;          ///< horizontal, towards the scene
    float wall_distance = 20;  ///< from the origin, behind the scene
    float wall_height = 6;     ///< where wall_top is reached
    float blend = 0;           ///< meters before the wall over which the floor fades into it
};

struct SceneFrame {
    Camera camera;
    Light light;
    Backdrop backdrop;
    std::vector<Part> parts;  ///< sorted by mesh
};

}  // namespace sac::engine
