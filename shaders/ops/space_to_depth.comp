// Blocks of pixels to blocks of channels, C4 to C4.
//   dst[n, y, x, i] = src[n, y block_h + phase / block_w, x block_w + phase % block_w, c]
// where i = phase channels + c, or, with channels_outer, i = c block_h block_w + phase.
//   QUADS  the first of these with whole texels of channels
// An invocation owns a texel of dst. Bindings: src, dst. Dispatch: x = ceil(N out_h out_w ceil(out_channels / 4) / 64).
#version 450
#pragma kernel space_to_depth_f32
#pragma kernel space_to_depth_f32_t TEXEL needs=texel
#pragma kernel space_to_depth_f16 STORAGE_F16
#pragma kernel space_to_depth_f16_t STORAGE_F16 TEXEL needs=texel
#pragma kernel space_to_depth_quads_f32 QUADS
#pragma kernel space_to_depth_quads_f32_t QUADS TEXEL needs=texel
#pragma kernel space_to_depth_quads_f16 QUADS STORAGE_F16
#pragma kernel space_to_depth_quads_f16_t QUADS STORAGE_F16 TEXEL needs=texel
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
    uint channels, out_channels, src_stride, dst_stride, dst_offset;
    uint out_h, out_w, block_h, block_w;
    uint channels_outer;
} pc;

void main() {
    if (INVOCATION_X >= pc.count) return;
    const uvec2 a = divide(INVOCATION_X, (pc.out_channels + 3u) / 4u);  // (pixel, quad)
    const uvec2 b = divide(a.x, pc.out_w);                              // (n out_h + y, x)
    const uint in_w = pc.out_w * pc.block_w;
    // Pixel of src at which the block begins; its images follow one another as those of dst do.
    const uint corner = b.x * pc.block_h * in_w + b.y * pc.block_w;
#ifdef QUADS
    const uvec2 place = divide(a.y, pc.channels / 4u);  // (phase, quad of src)
    const uvec2 within = divide(place.x, pc.block_w);
    const vec4 result = LOAD4(src, (corner + within.x * in_w + within.y) * pc.src_stride + place.y);
#else
    vec4 result;
    const uint inner = pc.channels_outer != 0u ? pc.block_h * pc.block_w : pc.channels;
    [[unroll]] for (uint i = 0u; i < 4u; ++i) {
        const uint index = 4u * a.y + i;
        const uvec2 parts = divide(min(index, pc.out_channels - 1u), inner);
        const uint phase = pc.channels_outer != 0u ? parts.y : parts.x, channel = pc.channels_outer != 0u ? parts.x : parts.y;
        const uvec2 within = divide(phase, pc.block_w);
        const float value = LOAD1(src, (corner + within.x * in_w + within.y) * pc.src_stride * 4u + channel);
        result[i] = index < pc.out_channels ? value : 0.0;
    }
#endif
    STORE4(dst, a.x * pc.dst_stride + pc.dst_offset + a.y, result);
}
