// C4 to Dense N x C x pixels. An invocation makes four neighbouring elements; with BLOCK (pixels a multiple of four) those of four
// channels, from whole texels.
// Bindings: src, dst. Dispatch: x = ceil(ceil(N C pixels / 4) / 64), BLOCK: ceil(N pixels / 4 quads / 64).
#version 450
#pragma kernel to_dense_f32
#pragma kernel to_dense_f32_t TEXEL needs=texel
#pragma kernel to_dense_f16 STORAGE_F16
#pragma kernel to_dense_f16_t STORAGE_F16 TEXEL needs=texel
#pragma kernel to_dense_block_f32 BLOCK
#pragma kernel to_dense_block_f32_t BLOCK TEXEL needs=texel
#pragma kernel to_dense_block_f16 BLOCK STORAGE_F16
#pragma kernel to_dense_block_f16_t BLOCK STORAGE_F16 TEXEL needs=texel
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
    uint elements;  // N C pixels
} pc;

void main() {
    if (INVOCATION_X >= pc.count) return;
    const uint quads = (pc.channels + 3u) / 4u;
#ifdef BLOCK
    const uint blocks = pc.pixels / 4u;
    const uvec2 line = divide(INVOCATION_X, blocks);  // (image and quad, four pixels)
    const uvec2 image = divide(line.x, quads);
    vec4 texels[4];
    [[unroll]] for (uint i = 0u; i < 4u; ++i) {
        texels[i] = LOAD4(src, (image.x * pc.pixels + line.y * 4u + i) * quads + image.y);
    }
    [[unroll]] for (uint i = 0u; i < 4u; ++i) {
        const uint channel = image.y * 4u + i;
        if (channel < pc.channels) {
            STORE4(dst, (image.x * pc.channels + channel) * blocks + line.y,
                   vec4(texels[0][i], texels[1][i], texels[2][i], texels[3][i]));
        }
    }
#else
    vec4 result;
    [[unroll]] for (uint i = 0u; i < 4u; ++i) {
        const uint element = min(INVOCATION_X * 4u + i, pc.elements - 1u);
        const uint line = element / pc.pixels;  // image and channel
        const uvec2 image = divide(line, pc.channels);
        const uint pixel = element - line * pc.pixels;
        result[i] = LOAD1(src, ((image.x * pc.pixels + pixel) * quads) * 4u + image.y);
    }
    STORE4(dst, INVOCATION_X, result);
#endif
}
