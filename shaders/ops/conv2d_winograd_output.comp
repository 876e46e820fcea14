// Last of three steps of a 3x3 convolution of stride 1 by Winograd's F(4x4, 3x3): 4x4 outputs of each tile, with bias and
// epilogue. products: 36 matrices of `tiles` rows by ceil(channels / 4) texels, always f32 (conv2d_winograd_input.comp has
// the tiles' order). Bindings: products, bias (a texel a quad of channels, f32), [residual], dst (C4).
// Dispatch: x = ceil(count / 64), count = tiles * ceil(channels / 4).
#version 450
#pragma kernel conv2d_winograd_output_f32
#pragma kernel conv2d_winograd_output_f32_full FULL_EPILOGUE
#pragma kernel conv2d_winograd_output_f32_gate FULL_EPILOGUE GATE
#pragma kernel conv2d_winograd_output_f16 STORAGE_F16
#pragma kernel conv2d_winograd_output_f16_full STORAGE_F16 FULL_EPILOGUE
#pragma kernel conv2d_winograd_output_f16_gate STORAGE_F16 FULL_EPILOGUE GATE
#pragma kernel conv2d_winograd_output_f32_t TEXEL needs=texel
#pragma kernel conv2d_winograd_output_f32_t_full TEXEL FULL_EPILOGUE needs=texel
#pragma kernel conv2d_winograd_output_f32_t_gate TEXEL FULL_EPILOGUE GATE needs=texel
#pragma kernel conv2d_winograd_output_f16_t STORAGE_F16 TEXEL needs=texel
#pragma kernel conv2d_winograd_output_f16_t_full STORAGE_F16 TEXEL FULL_EPILOGUE needs=texel
#pragma kernel conv2d_winograd_output_f16_t_gate STORAGE_F16 TEXEL FULL_EPILOGUE GATE needs=texel
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "activation.glsl"
#include "dispatch.glsl"
#include "storage.glsl"
#include "winograd.glsl"

layout(local_size_x = 64) in;
#ifdef TEXEL
layout(set = 0, binding = 0, rgba32f) readonly uniform imageBuffer products;
layout(set = 0, binding = 1, rgba32f) readonly uniform imageBuffer bias;
#define LOAD_F32(name, index) imageLoad(name, int(index))
#else
layout(set = 0, binding = 0, std430) readonly buffer products_block { vec4 products[]; };
layout(set = 0, binding = 1, std430) readonly buffer bias_block { vec4 bias[]; };
#define LOAD_F32(name, index) name[index]
#endif
#ifdef FULL_EPILOGUE
IN4(2, residual);
OUT4(3, dst);
#else
OUT4(2, dst);
#endif

PUSH {
    uint group_base;
    uint count, tiles, first_tile, tiles_h, tiles_w;
    uint channels, dst_stride, dst_offset;
    uint has_residual, residual_stride, residual_offset;
    uint out_h, out_w;
    uint activation;
    float activation_a, activation_b;
} pc;

#include "epilogue.glsl"

void main() {
    if (INVOCATION_X >= pc.count) return;
    const uint quads = (pc.channels + 3u) / 4u;
    const uvec2 place = divide(INVOCATION_X, quads);
    const uint tile = place.x, quad = place.y;
    const uvec2 line = divide(tile + pc.first_tile, pc.tiles_w);
    const uvec2 image = divide(line.x, pc.tiles_h);
    const uint top = image.y * 4u, left = line.y * 4u;

    const uint matrix = pc.tiles * quads;
    vec4 m[6][6];
    [[unroll]] for (int x = 0; x < 6; ++x) {
        [[unroll]] for (int y = 0; y < 6; ++y) {
            m[y][x] = LOAD_F32(products, uint(6 * y + x) * matrix + tile * quads + quad);
        }
        winograd_output(m[0][x], m[1][x], m[2][x], m[3][x], m[4][x], m[5][x]);
    }
    const vec4 b = LOAD_F32(bias, quad);
    const bvec4 exists = lanes_below(quad, pc.channels);
    [[unroll]] for (int y = 0; y < 4; ++y) {
        winograd_output(m[y][0], m[y][1], m[y][2], m[y][3], m[y][4], m[y][5]);
        [[unroll]] for (int x = 0; x < 4; ++x) {
            if (top + uint(y) < pc.out_h && left + uint(x) < pc.out_w) {
                const uint row = (image.x * pc.out_h + top + uint(y)) * pc.out_w + left + uint(x);
                STORE4(dst, row * pc.dst_stride + pc.dst_offset + quad,
                       mix(vec4(0.0), EPILOGUE((m[y][x] + b), row, quad), exists));
            }
        }
    }
}
