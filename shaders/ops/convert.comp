// Changes the storage type, texel by texel, in any layout.
// Bindings: src, dst. Dispatch: x = ceil(count / 64).
#version 450
#pragma kernel convert_f32_f16 TO_F16
#pragma kernel convert_f16_f32
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "dispatch.glsl"

layout(local_size_x = 64) in;

#ifdef TO_F16
layout(set = 0, binding = 0, std430) readonly buffer src_block { vec4 src[]; };
layout(set = 0, binding = 1, std430) writeonly buffer dst_block { uvec2 dst[]; };
#else
layout(set = 0, binding = 0, std430) readonly buffer src_block { uvec2 src[]; };
layout(set = 0, binding = 1, std430) writeonly buffer dst_block { vec4 dst[]; };
#endif

PUSH {
    uint group_base;
    uint count;  // texels
} pc;

void main() {
    if (INVOCATION_X >= pc.count) return;
#ifdef TO_F16
    const vec4 texel = src[INVOCATION_X];
    dst[INVOCATION_X] = uvec2(packHalf2x16(texel.xy), packHalf2x16(texel.zw));
#else
    const uvec2 words = src[INVOCATION_X];
    dst[INVOCATION_X] = vec4(unpackHalf2x16(words.x), unpackHalf2x16(words.y));
#endif
}
