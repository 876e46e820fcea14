// dst[:, dst_begin + j] = src[:, src_begin + j * src_step] for j < count, C4 to C4: concat, split and slice along channels, and
// the channel shuffle of grouped networks (src_step 2). An invocation owns one texel of dst that holds such channels.
//   KEEP  the other lanes of that texel stay; without it they become zero, which is cheaper and right where dst_begin is a
//         multiple of four and count is too, or ends at the last channel.
//   QUADS  src_step 1 and all channel numbers multiples of four (count may end at the last channel): whole texels.
//   PAIRS  src_step 2, the others multiples of four, but src_begin a multiple of eight, or one more.
// Bindings: src, dst. Dispatch: x = ceil(rows quads / 64), rows = N H W, quads = those of dst that the copy touches.
#version 450
#pragma kernel copy_channels_f32
#pragma kernel copy_channels_f32_t TEXEL needs=texel
#pragma kernel copy_channels_f16 STORAGE_F16
#pragma kernel copy_channels_f16_t STORAGE_F16 TEXEL needs=texel
#pragma kernel copy_channels_keep_f32 KEEP
#pragma kernel copy_channels_keep_f32_t KEEP TEXEL needs=texel
#pragma kernel copy_channels_keep_f16 KEEP STORAGE_F16
#pragma kernel copy_channels_keep_f16_t KEEP STORAGE_F16 TEXEL needs=texel
#pragma kernel copy_channels_quads_f32 QUADS
#pragma kernel copy_channels_quads_f32_t QUADS TEXEL needs=texel
#pragma kernel copy_channels_quads_f16 QUADS STORAGE_F16
#pragma kernel copy_channels_quads_f16_t QUADS STORAGE_F16 TEXEL needs=texel
#pragma kernel copy_channels_pairs_f32 PAIRS
#pragma kernel copy_channels_pairs_f32_t PAIRS TEXEL needs=texel
#pragma kernel copy_channels_pairs_f16 PAIRS STORAGE_F16
#pragma kernel copy_channels_pairs_f16_t PAIRS STORAGE_F16 TEXEL needs=texel
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "dispatch.glsl"
#include "storage.glsl"

layout(local_size_x = 64) in;

IN4(0, src);
layout(set = 0, binding = 1, std430) buffer dst_block { SAC_WORD4 dst[]; };

PUSH {
    uint group_base;
    uint rows, quads;
    uint src_stride, dst_stride;  // texels of a pixel
    uint src_begin, src_step, dst_begin, count;  // channels
    uint dst_channels;  // lanes from here on are padding
} pc;

void main() {
    if (INVOCATION_X >= pc.rows * pc.quads) return;
    const uvec2 place = divide(INVOCATION_X, pc.quads);  // (row, quad)
    const uint quad = pc.dst_begin / 4u + place.y;
    const uint at = place.x * pc.dst_stride + quad;
#if defined(QUADS)
    const vec4 result = LOAD4(src, place.x * pc.src_stride + pc.src_begin / 4u + place.y);
#elif defined(PAIRS)
    const uint from = place.x * pc.src_stride + pc.src_begin / 4u + 2u * place.y;
    const vec4 left = LOAD4(src, from), right = LOAD4(src, from + 1u);
    const vec4 picked = (pc.src_begin & 1u) == 0u ? vec4(left.xz, right.xz) : vec4(left.yw, right.yw);
    const bvec4 exists = lessThan(quad * 4u + uvec4(0, 1, 2, 3), uvec4(pc.dst_channels));
    const vec4 result = mix(vec4(0.0), picked, exists);
#else
#ifdef KEEP
    vec4 result = sac_unpack4(dst[at]);
#else
    vec4 result = vec4(0.0);
#endif
    [[unroll]] for (uint i = 0u; i < 4u; ++i) {
        const uint channel = quad * 4u + i;
        const uint j = channel - pc.dst_begin;  // wraps below
        const bool copied = j < pc.count;
        const uint from = pc.src_begin + (copied ? j : 0u) * pc.src_step;
        const float value = LOAD1(src, place.x * pc.src_stride * 4u + from);
        result[i] = copied ? value : (channel < pc.dst_channels ? result[i] : 0.0);
    }
#endif
    dst[at] = sac_pack4(result);
}
