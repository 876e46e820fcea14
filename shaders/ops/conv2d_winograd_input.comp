// First of three steps of a 3x3 convolution of stride 1 by Winograd's F(4x4, 3x3): 6x6 tiles of the image, transformed.
// src: C4 image. dst: 36 matrices of `tiles` rows by in_quads texels, always f32; row t is tile first_tile + t of the
// batch's tiles_h x tiles_w tiles. Then 36 products (gemm.comp), then conv2d_winograd_output.comp.
// Dispatch: x = ceil(count / 64), count = tiles * in_quads.
#version 450
#pragma kernel conv2d_winograd_input_f32
#pragma kernel conv2d_winograd_input_f16 STORAGE_F16
#pragma kernel conv2d_winograd_input_f32_t TEXEL needs=texel
#pragma kernel conv2d_winograd_input_f16_t STORAGE_F16 TEXEL needs=texel
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "dispatch.glsl"
#include "storage.glsl"
#include "winograd.glsl"

layout(local_size_x = 64) in;
IN4(0, src);
layout(set = 0, binding = 1, std430) writeonly buffer dst_block { vec4 dst[]; };

PUSH {
    uint group_base;
    uint count, tiles, first_tile, tiles_h, tiles_w;
    uint in_quads, src_stride, src_offset;
    uint in_h, in_w;
    int pad_y, pad_x;
} pc;

void main() {
    if (INVOCATION_X >= pc.count) return;
    const uvec2 place = divide(INVOCATION_X, pc.in_quads);
    const uint tile = place.x, quad = place.y;
    const uvec2 line = divide(tile + pc.first_tile, pc.tiles_w);
    const uvec2 image = divide(line.x, pc.tiles_h);
    const int top = int(image.y) * 4 - pc.pad_y, left = int(line.y) * 4 - pc.pad_x;
    const int first = int(image.x * pc.in_h * pc.in_w);

    vec4 d[6][6];
    [[unroll]] for (int x = 0; x < 6; ++x) {
        [[unroll]] for (int y = 0; y < 6; ++y) {
            const bool inside = uint(top + y) < pc.in_h && uint(left + x) < pc.in_w;
            const int pixel = first + (top + y) * int(pc.in_w) + left + x;
            const vec4 texel = LOAD4(src, inside ? pixel * int(pc.src_stride) + int(pc.src_offset + quad) : 0);
            d[y][x] = inside ? texel : vec4(0.0);
        }
        winograd_input(d[0][x], d[1][x], d[2][x], d[3][x], d[4][x], d[5][x]);
    }
    const uint matrix = pc.tiles * pc.in_quads;
    uint at = tile * pc.in_quads + quad;
    [[unroll]] for (int y = 0; y < 6; ++y) {
        winograd_input(d[y][0], d[y][1], d[y][2], d[y][3], d[y][4], d[y][5]);
        [[unroll]] for (int x = 0; x < 6; ++x) {
            dst[at] = d[y][x];
            at += matrix;
        }
    }
}
