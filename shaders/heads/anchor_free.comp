#version 450
// Decoder of anchor-free heads (YOLOX, FCOS, NanoDet, YOLOv8 as exported): one dispatch a level. A cell's channels are four
// box numbers, objectness if there is one, and the classes.
#pragma kernel anchor_free
#pragma kernel anchor_free_f16 STORAGE_F16
#pragma kernel anchor_free_texel TEXEL needs=texel
#pragma kernel anchor_free_texel_f16 TEXEL STORAGE_F16 needs=texel
#extension GL_GOOGLE_include_directive : require
#include "dispatch.glsl"
#include "candidates.glsl"

// pc.flags: box encoding (as enum class BoxEncoding) | 4 objectness | 8 sigmoid | 16 every class above the score, not the best alone
#define BOX_GRID_OFFSET 0u
#define BOX_DISTANCE 1u

void main() {
    const uint cell = INVOCATION_X;
    if (cell >= pc.cells) return;
    const bool has_objectness = (pc.flags & 4u) != 0u, logits = (pc.flags & 8u) != 0u;
    float objectness = 1.0;
    if (has_objectness) {
        const float value = element(cell, 4u);
        objectness = finite(value) ? (logits ? sigmoid(value) : value) : 0.0;
    }
    // A class is at most 1: the classes of cells without an object need not be looked at.
    const bool possible = objectness >= pc.min_score;
    const Best best = best_class(cell, has_objectness ? 5u : 4u, possible ? pc.classes : 1u);
    const float class_score = logits ? sigmoid(best.value) : min(best.value, 1.0);
    const float score = possible ? objectness * class_score : 0.0;
    if (score < pc.min_score) return;

    const uvec2 yx = divide(cell, pc.grid_width);
    const vec2 grid = vec2(yx.y, yx.x), stride = vec2(pc.cell_width, pc.cell_height);
    const vec4 d = vec4(element(cell, 0u), element(cell, 1u), element(cell, 2u), element(cell, 3u));
    precise vec4 box;
    if ((pc.flags & 3u) == BOX_DISTANCE) {
        box = vec4((grid + 0.5 - d.xy) * stride, (grid + 0.5 + d.zw) * stride);
    } else {
        const bool offset = (pc.flags & 3u) == BOX_GRID_OFFSET;
        const vec2 centre = offset ? (grid + d.xy) * stride : d.xy, half_size = 0.5 * (offset ? exp(d.zw) * stride : d.zw);
        box = vec4(centre - half_size, centre + half_size);
    }
    const uint place = pc.first_cell + cell;
    if ((pc.flags & 16u) == 0u) {
        append(place, score, best.class_id, box);
        return;
    }
    for (uint i = 0; i < pc.classes; ++i) {
        const float value = element(cell, (has_objectness ? 5u : 4u) + i);
        if (!finite(value)) continue;
        append(place * pc.classes + i, objectness * (logits ? sigmoid(value) : min(value, 1.0)), i, box);
    }
}
