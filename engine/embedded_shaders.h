#pragma once
// The engine's own shaders, compiled and embedded by the build from the `#pragma kernel` lines of shaders/overlay.

#include <cstddef>
#include <cstdint>

namespace sac::spirv {

extern const uint32_t overlay_picture_vert[], overlay_picture_frag[], overlay_shapes_vert[], overlay_shapes_frag[];
extern const size_t overlay_picture_vert_words, overlay_picture_frag_words, overlay_shapes_vert_words,
    overlay_shapes_frag_words;

}  // namespace sac::spirv
