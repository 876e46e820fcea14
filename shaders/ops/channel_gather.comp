// dst[:, j] = src[:, channels[j]], C4 to C4: channel shuffles. An invocation owns one texel of dst.
// table: for each quad of dst, a texel with the four source channels as floats (exact below 2^24); -1 makes a zero.
// Bindings: src, table (f32), dst. Dispatch: x = ceil(count / 64), count = N spatial... x quads of dst.
#version 450
#pragma kernel channel_gather_f32
#pragma kernel channel_gather_f32_t TEXEL needs=texel
#pragma kernel channel_gather_f16 STORAGE_F16
#pragma kernel channel_gather_f16_t STORAGE_F16 TEXEL needs=texel
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "dispatch.glsl"
#include "storage.glsl"

layout(local_size_x = 64) in;

IN4(0, src);
#ifdef TEXEL
layout(set = 0, binding = 1, rgba32f) readonly uniform imageBuffer table;
#define CHANNELS(quad) imageLoad(table, int(quad))
#else
layout(set = 0, binding = 1, std430) readonly buffer table_block { vec4 table[]; };
#define CHANNELS(quad) table[quad]
#endif
OUT4(2, dst);

PUSH {
    uint group_base;
    uint count, quads;  // texels of dst, those of a pixel
    uint src_stride, dst_stride, dst_offset;  // texels
} pc;

void main() {
    if (INVOCATION_X >= pc.count) return;
    const uvec2 place = divide(INVOCATION_X, pc.quads);  // (pixel, quad)
    const ivec4 channels = ivec4(CHANNELS(place.y));  // signed: CPU drivers convert to unsigned one lane at a time
    const ivec4 from = max(channels, ivec4(0));
    const int first = int(place.x * pc.src_stride);
    vec4 result;
    [[unroll]] for (int i = 0; i < 4; ++i) {
        const vec4 texel = LOAD4(src, first + (from[i] >> 2));
        const bool odd = (from[i] & 1) != 0;
        const float low = odd ? texel.y : texel.x, high = odd ? texel.w : texel.z;
        result[i] = channels[i] < 0 ? 0.0 : (from[i] & 2) != 0 ? high : low;
    }
    STORE4(dst, place.x * pc.dst_stride + pc.dst_offset + place.y, result);
}
