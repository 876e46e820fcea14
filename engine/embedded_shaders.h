#pragma once
// The engine's own shaders, compiled and embedded by the build from the `#pragma kernel` lines of shaders/overlay
// and shaders/scene.

#include <cstddef>
#include <cstdint>

namespace sac::spirv {

extern const uint32_t overlay_picture_vert[], overlay_picture_rgb_frag[], overlay_picture_yuv_frag[],
    overlay_picture_rgb_area_frag[], overlay_picture_yuv_area_frag[];
extern const size_t overlay_picture_vert_words, overlay_picture_rgb_frag_words, overlay_picture_yuv_frag_words,
    overlay_picture_rgb_area_frag_words, overlay_picture_yuv_area_frag_words;

extern const uint32_t scene_mesh_vert[], scene_silhouette_vert[], scene_shadow_vert[], scene_backdrop_vert[];
extern const uint32_t scene_mesh_frag[], scene_backdrop_frag[], scene_ids_frag[], scene_coverage_frag[];
extern const size_t scene_mesh_vert_words, scene_silhouette_vert_words, scene_shadow_vert_words,
    scene_backdrop_vert_words, scene_mesh_frag_words, scene_backdrop_frag_words, scene_ids_frag_words,
    scene_coverage_frag_words;

}  // namespace sac::spirv
