// dst[:, dst_begin + j] = src[:, src_begin + j * src_step] for j < count, C4 to C4: concat, split and slice along channels, and
// the channel shuffle of grouped networks (src_step 2). An invocation owns one texel of dst that holds such channels.
//   KEEP  the other lanes of that texel stay; without it they become zero, which is cheaper and right where dst_begin is a
//         multiple of four and count is too, or ends at the last channel.
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
    dst[at] = sac_pack4(result);
}
