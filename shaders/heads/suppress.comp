#version 450
// Greedy non-maximum suppression over the ranked candidates, exactly as one after another: a candidate is kept unless a kept
// better one (of its class, if classes count) overlaps it by more than the threshold. One workgroup walks the list in
// blocks of 128: (1) every invocation tests its candidate against all kept before the block, and notes which earlier
// ones of the block overlap it; (2) the first invocation goes through those notes in order; (3) the kept are written.
// Loops take as many turns in all invocations: on llvmpipe 22.3 what one carries out of a do-while is wrong where its
// neighbours stay in it longer.
#pragma kernel suppress
#extension GL_EXT_control_flow_attributes : require
#extension GL_GOOGLE_include_directive : require
#include "dispatch.glsl"

#define BLOCK 128u
layout(local_size_x = BLOCK) in;

layout(set = 0, binding = 0, std430) readonly buffer ranked_block { uvec4 ranked[]; };
layout(set = 0, binding = 1, std430) readonly buffer counters_block { uint groups_x, groups_y, groups_z, count; };
layout(set = 0, binding = 2, std430) coherent buffer kept_block { uvec4 kept[]; };  // box, (class, 0, 0, 0)
// Read by the host: boxes in pixels of the stored frame, (score, class, cell, 0).
layout(set = 0, binding = 3, std430) writeonly buffer result_block {
    uint kept_count, candidate_count, not_ranked, unused;
    uvec4 result[];
};

PUSH {
    uint group_base;
    uint capacity;  // of ranked
    uint max_detections;
    float iou;
    uint class_aware;
    float transform[6];  // from input pixels to stored pixels
} pc;

shared vec4 box_of[BLOCK];
shared uint class_of[BLOCK];
shared uvec4 overlapped_by[BLOCK];  // bits: earlier ones of the block; all set: a kept one of an earlier block
shared uint place_of[BLOCK];        // among all kept; max_detections or more: not kept
shared uint total;

// No division: every device rounds these alike, and so does a host.
bool overlaps(vec4 a, uint class_a, vec4 b, uint class_b) {
    precise const float width = max(min(a.z, b.z) - max(a.x, b.x), 0.0);
    precise const float height = max(min(a.w, b.w) - max(a.y, b.y), 0.0);
    precise const float inter = width * height;
    precise const float area_a = (a.z - a.x) * (a.w - a.y);
    precise const float area_b = (b.z - b.x) * (b.w - b.y);
    precise const float limit = pc.iou * (area_a + area_b - inter);
    return inter > limit && (class_a == class_b || pc.class_aware == 0u);
}

vec4 to_frame(vec4 box) {
    const vec2 a = vec2(pc.transform[0] * box.x + pc.transform[1] * box.y + pc.transform[2],
                        pc.transform[3] * box.x + pc.transform[4] * box.y + pc.transform[5]);
    const vec2 b = vec2(pc.transform[0] * box.z + pc.transform[1] * box.w + pc.transform[2],
                        pc.transform[3] * box.z + pc.transform[4] * box.w + pc.transform[5]);
    return vec4(min(a, b), max(a, b));
}

bool overlaps_kept(vec4 box, uint class_id, uint kept_before) {
    bool found = false;
    uint i = 0;
    do {  // eight at a time, for the bound on turns
        [[unroll]] for (uint j = 0; j < 8u; ++j) {
            const uint other = i + j;
            const bool hit = overlaps(uintBitsToFloat(kept[2u * other]), kept[2u * other + 1u].x, box, class_id);
            found = found || (hit && other < kept_before);
        }
        i += 8u;
    } while (i < kept_before);
    return found;
}

// Bits of the earlier ones of the block that overlap this one. Four of a word at a time, for the bound on turns.
uvec4 overlaps_block(vec4 box, uint class_id, uint own, uint block) {
    uvec4 bits = uvec4(0u);
    uint i = 0;
    do {
        uint four = 0u;
        [[unroll]] for (uint j = 0; j < 4u; ++j)
            four |= uint(i + j < own && overlaps(box_of[i + j], class_of[i + j], box, class_id)) << j;
        four <<= i & 31u;
        bits |= uvec4(equal(uvec4(i >> 5), uvec4(0, 1, 2, 3))) * four;
        i += 4u;
    } while (i < block);
    return bits;
}

void main() {
    const uint own = gl_LocalInvocationID.x;
    const uint ranked_count = min(count, pc.capacity);
    if (own == 0u) {
        candidate_count = count;
        not_ranked = count - ranked_count;
        unused = 0u;
        if (ranked_count == 0u) kept_count = 0u;
    }
    if (ranked_count == 0u) return;

    uint kept_before = 0u, first = 0u;
    do {
        const uint block = min(ranked_count - first, BLOCK);
        const uint used = min(own, block - 1u);
        const vec4 box = uintBitsToFloat(ranked[2u * (first + used)]);
        const uvec4 rest = ranked[2u * (first + used) + 1u];
        const uint class_id = rest.y;
        box_of[own] = box;
        class_of[own] = class_id;
        barrier();

        uvec4 overlapping = uvec4(0u);
        if (own < block) {
            overlapping = overlaps_block(box, class_id, own, block);
            if (kept_before != 0u && overlaps_kept(box, class_id, kept_before)) overlapping = uvec4(~0u);
            // A real set of earlier ones never has its last bit set.
        }
        overlapped_by[own] = overlapping;
        barrier();

        if (own == 0u) {
            uvec4 kept_bits = uvec4(0u);
            uint kept_now = kept_before, i = 0;
            do {
                const uvec4 by = overlapped_by[i];
                const bool keep = by.w != ~0u && (by & kept_bits) == uvec4(0u) && kept_now < pc.max_detections;
                place_of[i] = keep ? kept_now : ~0u;
                kept_bits |= uvec4(equal(uvec4(i >> 5), uvec4(0, 1, 2, 3))) * (uint(keep) << (i & 31u));
                kept_now += uint(keep);
            } while (++i < block);
            total = kept_now;
        }
        barrier();

        const uint place = own < block ? place_of[own] : ~0u;
        if (place != ~0u) {
            kept[2u * place] = floatBitsToUint(box);
            kept[2u * place + 1u] = uvec4(class_id, 0u, 0u, 0u);
            result[2u * place] = floatBitsToUint(to_frame(box));
            result[2u * place + 1u] = rest;
        }
        kept_before = total;
        first += BLOCK;
        memoryBarrierBuffer();
        barrier();
    } while (first < ranked_count && kept_before < pc.max_detections);
    if (own == 0u) kept_count = kept_before;
}
