// What decoders of detection heads share: reading the network's output one number at a time, and the list of candidates.
// A decoder has local_size_x = 64 and one invocation a cell.
//   STORAGE_F16  the output's elements are halves        TEXEL  it is read through a texel buffer of 32-bit words
#ifndef SAC_CANDIDATES_GLSL
#define SAC_CANDIDATES_GLSL

layout(local_size_x = 64) in;

// Element of the network's output: cell (first_cell + n) * cell_stride + channel * channel_stride. Any layout is a pair of strides.
#ifdef TEXEL
layout(set = 0, binding = 0, r32ui) readonly uniform uimageBuffer network;
#define NETWORK_WORD(index) imageLoad(network, int(index)).x
#else
layout(set = 0, binding = 0, std430) readonly buffer network_block { uint network[]; };
#define NETWORK_WORD(index) network[index]
#endif

// All integers: a class as a float's bits would be a denormal, which a device may flush.
// Candidates in the order of their coming, which is any: keys (score's bits, place: a number of its own for each, by which equal
// scores are ordered), boxes (x1, y1, x2, y2), (class, 0, 0, 0).
layout(set = 0, binding = 1, std430) writeonly buffer keys_block { uvec2 keys[]; };
layout(set = 0, binding = 2, std430) writeonly buffer candidates_block { uvec4 candidates[]; };
// The indirect dispatch of what is done for each candidate (64 a workgroup), then their number.
layout(set = 0, binding = 3, std430) buffer counters_block { uint groups_x, groups_y, groups_z, count; };

PUSH {
    uint group_base;
    uint cells, first_cell;            // of this level; how many come before it
    uint network_cell;                 // the level's first cell in its tensor
    uint cell_stride, channel_stride;  // elements
    uint classes;
    uint grid_width;
    float cell_width, cell_height;     // input pixels
    float input_width, input_height;   // input pixels
    float min_score;                   // above 0
    uint flags;                        // of the decoder
} pc;

float element(uint cell, uint channel) {
    const uint index = (pc.network_cell + cell) * pc.cell_stride + channel * pc.channel_stride;
#ifdef STORAGE_F16
    const vec2 halves = unpackHalf2x16(NETWORK_WORD(index >> 1));
    return (index & 1u) != 0u ? halves.y : halves.x;
#else
    return uintBitsToFloat(NETWORK_WORD(index));
#endif
}

// By the bits: comparisons with NaN need not be right in a shader.
bool finite(float x) { return (floatBitsToUint(x) & 0x7f800000u) != 0x7f800000u; }

float sigmoid(float x) {
    const float e = exp(-abs(x));
    return (x < 0.0 ? e : 1.0) / (1.0 + e);
}

// The best class of a cell: (value, class); a value that is not finite never wins. (-1e30, 0) if none does. Of equals the first.
struct Best {
    float value;
    uint class_id;
};
Best best_class(uint cell, uint first_channel, uint count_classes) {
    Best best = Best(-1e30, 0u);
    for (uint i = 0; i < count_classes; ++i) {  // not a do-while: see suppress.comp on llvmpipe
        const float value = element(cell, first_channel + i);
        const bool better = finite(value) && value > best.value;
        best.value = better ? value : best.value;
        best.class_id = better ? i : best.class_id;
    }
    return best;
}

void append(uint place, float score, uint class_id, vec4 box) {
    if (!(finite(score) && score >= pc.min_score)) return;
    if (!(finite(box.x) && finite(box.y) && finite(box.z) && finite(box.w))) return;
    const uint slot = atomicAdd(count, 1u);
    atomicMax(groups_x, slot / 64u + 1u);
    keys[slot] = uvec2(floatBitsToUint(score), place);
    candidates[2u * slot] = floatBitsToUint(box);
    candidates[2u * slot + 1u] = uvec4(class_id, 0u, 0u, 0u);
}

#endif
