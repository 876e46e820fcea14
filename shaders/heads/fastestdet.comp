#version 450
// Decoder of FastestDet: one level; a cell's channels are objectness, dx, dy, w, h and the classes' probabilities.
//   score = objectness^0.6 (best class)^0.4, centre = (cell + tanh(d)) / grid, size = sigmoid
#pragma kernel fastestdet
#pragma kernel fastestdet_f16 STORAGE_F16
#pragma kernel fastestdet_texel TEXEL needs=texel
#pragma kernel fastestdet_texel_f16 TEXEL STORAGE_F16 needs=texel
#extension GL_GOOGLE_include_directive : require
#include "dispatch.glsl"
#include "candidates.glsl"

float signed_tanh(float x) {
    const float e = exp(-2.0 * abs(x));
    return sign(x) * (1.0 - e) / (1.0 + e);
}

float probability(float x) { return finite(x) ? clamp(x, 0.0, 1.0) : 0.0; }

void main() {
    const uint cell = INVOCATION_X;
    if (cell >= pc.cells) return;
    // No class raises a score above the objectness' part: the classes of most cells need not be looked at.
    const float objectness = pow(probability(element(cell, 0u)), 0.6);
    const bool possible = objectness >= pc.min_score;
    const Best best = best_class(cell, 5u, possible ? pc.classes : 1u);
    const float score = possible ? objectness * pow(probability(best.value), 0.4) : 0.0;
    if (score < pc.min_score) return;

    const uvec2 yx = divide(cell, pc.grid_width);
    const vec2 centre = vec2((float(yx.y) + signed_tanh(element(cell, 1u))) * pc.cell_width,
                             (float(yx.x) + signed_tanh(element(cell, 2u))) * pc.cell_height);
    const vec2 size = vec2(sigmoid(element(cell, 3u)) * pc.input_width, sigmoid(element(cell, 4u)) * pc.input_height);
    append(pc.first_cell + cell, score, best.class_id, vec4(centre - 0.5 * size, centre + 0.5 * size));
}
