#version 450
// The place of every candidate in the order of falling score, of equals the lower cell first: it counts the better ones.
// Dispatched indirectly, 64 candidates a workgroup, so that few candidates cost little.
#pragma kernel rank_candidates
#extension GL_EXT_control_flow_attributes : require
#extension GL_GOOGLE_include_directive : require
#include "dispatch.glsl"

layout(local_size_x = 64) in;

layout(set = 0, binding = 0, std430) readonly buffer keys_block { uvec4 keys[]; };  // two (score's bits, cell) each
layout(set = 0, binding = 1, std430) readonly buffer candidates_block { uvec4 candidates[]; };
layout(set = 0, binding = 2, std430) readonly buffer counters_block { uint groups_x, groups_y, groups_z, count; };
// (x1, y1, x2, y2), (score, class, cell, 0)
layout(set = 0, binding = 3, std430) writeonly buffer ranked_block { uvec4 ranked[]; };

PUSH {
    uint group_base;
    uint capacity;  // of ranked
} pc;

// Scores are above 0, so their bits are ordered as they are.
uint better(uvec2 a, uvec2 b) { return uint(a.x > b.x || (a.x == b.x && a.y < b.y)); }

void main() {
    const uint candidate = INVOCATION_X;
    if (candidate >= count) return;
    const uvec4 pair = keys[candidate >> 1];
    const uvec2 own = (candidate & 1u) != 0u ? pair.zw : pair.xy;
    uint rank = 0, i = 0;
    do {  // eight at a time: all loops of an invocation together may take 65,535 turns on llvmpipe
        [[unroll]] for (uint j = 0; j < 4u; ++j) {
            const uvec4 others = keys[i / 2u + j];
            rank += better(others.xy, own) & uint(i + 2u * j < count);
            rank += better(others.zw, own) & uint(i + 2u * j + 1u < count);
        }
        i += 8u;
    } while (i < count);
    if (rank >= pc.capacity) return;
    ranked[2u * rank] = candidates[2u * candidate];
    ranked[2u * rank + 1u] = uvec4(own.x, candidates[2u * candidate + 1u].x, own.y, 0u);
}
