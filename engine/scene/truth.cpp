#include "engine/scene/truth.h"

#include <algorithm>
#include <array>

#include "compute/base/format.h"

namespace sac::engine {

namespace {

constexpr size_t most_in_caption = 4;
constexpr const char *doing[action_count] = {"standing", "walking", "running", "jumping",
                                             "waving",   "turning", "falling", "sitting"};

// The smallest box round all added pixels.
struct Bounds {
    uint32_t left = UINT32_MAX, top = UINT32_MAX, right = 0, bottom = 0;
    void add(uint32_t x, uint32_t y) {
        left = std::min(left, x);
        top = std::min(top, y);
        right = std::max(right, x + 1);
        bottom = std::max(bottom, y + 1);
    }
    PixelBox box() const { return left < right ? PixelBox{left, top, right - left, bottom - top} : PixelBox{}; }
};

std::string words_for(const ObjectTruth &object) {
    if (object.kind == SceneClass::figure)
        return std::string("a figure ") + doing[static_cast<size_t>(object.action.value_or(Action::idle))];
    const char *article = object.color == SceneColor::orange ? "an " : "a ";
    return std::string(article) + name_of(object.color) + " " + name_of(object.kind);
}

}  // namespace

bool ObjectTruth::ignore() const { return visible() < 0.15f || area < 40 || std::max(box.width, box.height) < 12; }

FrameTruth truth_of(const Scene &scene, double seconds, const Visibility &visibility) {
    const size_t count = scene.objects().size();
    std::array<Bounds, most_objects> seen, full;
    std::array<uint32_t, most_objects> area = {}, full_area = {};
    std::array<std::array<uint32_t, most_objects>, most_objects> hidden_by = {};
    size_t i = 0;
    for (uint32_t y = 0; y < visibility.height; ++y) {
        for (uint32_t x = 0; x < visibility.width; ++x, ++i) {
            if (!visibility.coverage[i]) continue;
            const size_t front = visibility.ids[i];  // plus 1
            if (front) {
                seen[front - 1].add(x, y);
                ++area[front - 1];
            }
            for (size_t object = 0; object < count; ++object) {
                if (!(visibility.coverage[i] >> object & 1)) continue;
                full[object].add(x, y);
                ++full_area[object];
                if (front && front - 1 != object) ++hidden_by[object][front - 1];
            }
        }
    }

    FrameTruth truth;
    for (size_t object = 0; object < count; ++object) {
        if (!area[object]) continue;
        ObjectTruth t;
        t.object = object;
        t.kind = scene.objects()[object].kind;
        t.color = scene.objects()[object].color;
        t.box = seen[object].box();
        t.full_box = full[object].box();
        t.area = area[object];
        t.full_area = full_area[object];
        if (t.kind == SceneClass::figure) t.action = scene.action_of(object, seconds);
        const auto most = std::max_element(hidden_by[object].begin(), hidden_by[object].end());
        if (*most * 5 >= t.full_area) t.behind = static_cast<size_t>(most - hidden_by[object].begin());
        truth.objects.push_back(t);
    }
    truth.caption = caption_of(truth.objects);
    return truth;
}

std::vector<uint32_t> mask_counts(const Visibility &visibility, size_t object) {
    std::vector<uint32_t> counts;
    uint32_t run = 0;
    bool inside = false;
    for (uint32_t x = 0; x < visibility.width; ++x) {
        for (uint32_t y = 0; y < visibility.height; ++y) {
            const bool here = visibility.ids[size_t{y} * visibility.width + x] == object + 1;
            if (here != inside) {
                counts.push_back(run);
                run = 0;
                inside = here;
            }
            ++run;
        }
    }
    counts.push_back(run);
    return counts;
}

std::string caption_of(const std::vector<ObjectTruth> &objects) {
    std::vector<const ObjectTruth *> chosen;
    for (const ObjectTruth &object : objects)
        if (!object.ignore()) chosen.push_back(&object);
    std::stable_sort(chosen.begin(), chosen.end(),
                     [](const ObjectTruth *a, const ObjectTruth *b) { return a->area > b->area; });
    chosen.resize(std::min(chosen.size(), most_in_caption));
    const auto twice_middle = [](const ObjectTruth *o) { return 2 * o->box.x + o->box.width; };
    std::stable_sort(chosen.begin(), chosen.end(),
                     [&](const ObjectTruth *a, const ObjectTruth *b) { return twice_middle(a) < twice_middle(b); });

    std::string caption;
    std::vector<bool> told(chosen.size(), false);
    for (size_t i = 0; i < chosen.size(); ++i) {
        if (told[i]) continue;
        told[i] = true;
        caption += (caption.empty() ? "" : ", ") + words_for(*chosen[i]);
        const auto relation = [&](const char *word, auto &&holds) {
            for (size_t k = 0; k < chosen.size(); ++k) {
                if (told[k] || !holds(*chosen[i], *chosen[k])) continue;
                told[k] = true;
                caption += word + words_for(*chosen[k]);
                return true;
            }
            return false;
        };
        const auto is_behind = [](const ObjectTruth &a, const ObjectTruth &b) { return a.behind == b.object; };
        if (!relation(" behind ", is_behind))
            relation(" in front of ", [&](const ObjectTruth &a, const ObjectTruth &b) { return is_behind(b, a); });
    }
    return caption.empty() ? "nothing" : caption;
}

Result<Scene> make_clear_scene(uint64_t seed, const SceneRendererOptions &size, SceneRenderer &renderer) {
    constexpr size_t fewest = 3;
    const float aspect = static_cast<float>(size.width) / static_cast<float>(size.height);
    Visibility visibility;
    for (uint64_t attempt = 0; attempt < 64; ++attempt) {
        Scene scene = Scene::make(Random(seed).stream(attempt).next(), aspect);
        for (;;) {
            SAC_TRY(renderer.render(scene.at(0), nullptr, &visibility));
            const FrameTruth truth = truth_of(scene, 0, visibility);
            bool flags[most_objects] = {};
            for (const ObjectTruth &object : truth.objects) {
                const bool too_large = 2 * object.full_box.width * object.full_box.height > size.width * size.height;
                flags[object.object] = !object.ignore() && !too_large;
            }
            const size_t count = scene.objects().size();
            const auto kept = static_cast<size_t>(std::count(flags, flags + count, true));
            scene.keep({flags, count});
            if (kept < fewest) break;
            if (kept == count) return scene;
        }
    }
    return Error(Code::internal,
                 sac::format("scene %llu: no layout shows three objects", static_cast<unsigned long long>(seed)));
}

}  // namespace sac::engine
