#pragma once
// What is true of a frame of a scene: boxes, masks, how much of each object is seen, actions, and a caption.

#include <optional>
#include <string>

#include "engine/scene/scene.h"
#include "engine/scene/scene_renderer.h"

namespace sac::engine {

/// Whole pixels, from the upper left corner.
struct PixelBox {
    uint32_t x = 0, y = 0, width = 0, height = 0;
    friend bool operator==(const PixelBox &, const PixelBox &) = default;
};

struct ObjectTruth {
    size_t object = 0;  ///< index within the scene; the same in every frame of a clip
    SceneClass kind = SceneClass::ball;
    SceneColor color = SceneColor::red;
    PixelBox box;                  ///< of the pixels that are seen
    PixelBox full_box;             ///< of those and the hidden ones, within the picture
    uint32_t area = 0;             ///< pixels seen
    uint32_t full_area = 0;        ///< pixels that would be seen without the other objects
    std::optional<Action> action;  ///< of figures
    std::optional<size_t> behind;  ///< the object that hides most of it, if that is at least a fifth of it

    float visible() const { return static_cast<float>(area) / static_cast<float>(full_area); }
    /// Too little is seen for it to be asked for: less than 15 %, fewer than 40 pixels, or a box shorter than 12.
    bool ignore() const;
};

/// Objects of which at least a pixel is seen, by index.
struct FrameTruth {
    std::vector<ObjectTruth> objects;
    std::string caption;
};

FrameTruth truth_of(const Scene &scene, double seconds, const Visibility &visibility);

/// The mask of an object's seen pixels as COCO's run lengths: pixels column by column, first the number of zeros, then
/// of ones, and so on in turn.
std::vector<uint32_t> mask_counts(const Visibility &visibility, size_t object);

/// One sentence without a full stop, from the objects alone; README.md has the grammar.
std::string caption_of(const std::vector<ObjectTruth> &objects);

/// The scene of this seed as it is put into datasets: objects of which too little is seen at second 0 are taken away,
/// one round after another; if fewer than 3 stay, the next scene of the seed is taken. `renderer` is asked what is
/// seen.
Result<Scene> make_clear_scene(uint64_t seed, const SceneRendererOptions &size, SceneRenderer &renderer);

}  // namespace sac::engine
