// Dense N x C x pixels to C4. An invocation makes a texel of channels of one pixel; with BLOCK (pixels a multiple of four) of four
// neighbouring pixels, from whole texels.
// Bindings: src, dst. Dispatch: x = ceil(N pixels quads / 64), BLOCK: ceil(N pixels / 4 quads / 64).
#version 450
#pragma kernel to_c4_f32
#pragma kernel to_c4_f32_t TEXEL needs=texel
#pragma kernel to_c4_f16 STORAGE_F16
#pragma kernel to_c4_f16_t STORAGE_F16 TEXEL needs=texel
#pragma kernel to_c4_block_f32 BLOCK
#pragma kernel to_c4_block_f32_t BLOCK TEXEL needs=texel
#pragma kernel to_c4_block_f16 BLOCK STORAGE_F16
#pragma kernel to_c4_block_f16_t BLOCK STORAGE_F16 TEXEL needs=texel
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "dispatch.glsl"
#include "storage.glsl"

layout(local_size_x = 64) in;

IN4(0, src);
OUT4(1, dst);

PUSH {
    uint group_base;
    uint count;  // invocations with work
    uint pixels, channels;
} pc;

void main() {
    if (INVOCATION_X >= pc.count) return;
    const uint quads = (pc.channels + 3u) / 4u;
    const uvec2 place = divide(INVOCATION_X, quads);  // (image and pixel or block, quad)
#ifdef BLOCK
    const uvec2 image = divide(place.x, pc.pixels / 4u);
    vec4 planes[4];
#else
    const uvec2 image = divide(place.x, pc.pixels);
    vec4 texel;
#endif
    [[unroll]] for (uint i = 0u; i < 4u; ++i) {
        const uint channel = place.y * 4u + i;
        const bool exists = channel < pc.channels;
        const uint plane = image.x * pc.channels + (exists ? channel : 0u);
#ifdef BLOCK
        const vec4 loaded = LOAD4(src, plane * (pc.pixels / 4u) + image.y);
        planes[i] = exists ? loaded : vec4(0.0);
#else
        const float loaded = LOAD1(src, plane * pc.pixels + image.y);
        texel[i] = exists ? loaded : 0.0;
#endif
    }
#ifdef BLOCK
    [[unroll]] for (uint i = 0u; i < 4u; ++i) {
        STORE4(dst, (place.x * 4u + i) * quads + place.y, vec4(planes[0][i], planes[1][i], planes[2][i], planes[3][i]));
    }
#else
    STORE4(dst, INVOCATION_X, texel);
#endif
}
