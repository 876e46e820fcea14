// 3-D depthwise convolution (one filter a channel). Tensors are C4. An invocation owns four channels of a block of BLOCK_W x
// BLOCK_H output pixels of one depth, whose inputs overlap.
// With KERNEL (square in height and width, STRIDE, dilation 1 there) all but the depth is unrolled and an input is loaded once
// for each depth; otherwise all sizes are push constants and BLOCK_H is 1.
// Bindings: src, weights, [residual], dst. Weights: one texel of bias, then one for each (kz, ky, kx), for every quad.
// Dispatch: x = ceil(N out_d ceil(out_h / BLOCK_H) ceil(out_w / BLOCK_W) quads / 64).
#version 450
#pragma kernel conv3d_depthwise_f32 BLOCK_W=4 BLOCK_H=1
#pragma kernel conv3d_depthwise_f32_t BLOCK_W=4 BLOCK_H=1 TEXEL needs=texel
#pragma kernel conv3d_depthwise_f32_full BLOCK_W=4 BLOCK_H=1 FULL_EPILOGUE
#pragma kernel conv3d_depthwise_f32_t_full BLOCK_W=4 BLOCK_H=1 TEXEL FULL_EPILOGUE needs=texel
#pragma kernel conv3d_depthwise_f32_gate BLOCK_W=4 BLOCK_H=1 FULL_EPILOGUE GATE
#pragma kernel conv3d_depthwise_f32_t_gate BLOCK_W=4 BLOCK_H=1 TEXEL FULL_EPILOGUE GATE needs=texel
#pragma kernel conv3d_depthwise_f16 BLOCK_W=4 BLOCK_H=1 STORAGE_F16
#pragma kernel conv3d_depthwise_f16_t BLOCK_W=4 BLOCK_H=1 TEXEL STORAGE_F16 needs=texel
#pragma kernel conv3d_depthwise_f16_full BLOCK_W=4 BLOCK_H=1 STORAGE_F16 FULL_EPILOGUE
#pragma kernel conv3d_depthwise_f16_t_full BLOCK_W=4 BLOCK_H=1 TEXEL STORAGE_F16 FULL_EPILOGUE needs=texel
#pragma kernel conv3d_depthwise_f16_gate BLOCK_W=4 BLOCK_H=1 STORAGE_F16 FULL_EPILOGUE GATE
#pragma kernel conv3d_depthwise_f16_t_gate BLOCK_W=4 BLOCK_H=1 TEXEL STORAGE_F16 FULL_EPILOGUE GATE needs=texel
#pragma kernel conv3d_depthwise_f32_k3s1 KERNEL=3 STRIDE=1 BLOCK_W=4 BLOCK_H=4 TEXEL needs=texel
#pragma kernel conv3d_depthwise_f32_k3s1_full KERNEL=3 STRIDE=1 BLOCK_W=4 BLOCK_H=4 TEXEL FULL_EPILOGUE needs=texel
#pragma kernel conv3d_depthwise_f32_k3s1_gate KERNEL=3 STRIDE=1 BLOCK_W=4 BLOCK_H=4 TEXEL FULL_EPILOGUE GATE needs=texel
#pragma kernel conv3d_depthwise_f16_k3s1 KERNEL=3 STRIDE=1 BLOCK_W=4 BLOCK_H=4 TEXEL STORAGE_F16 needs=texel
#pragma kernel conv3d_depthwise_f16_k3s1_full KERNEL=3 STRIDE=1 BLOCK_W=4 BLOCK_H=4 TEXEL STORAGE_F16 FULL_EPILOGUE needs=texel
#pragma kernel conv3d_depthwise_f16_k3s1_gate KERNEL=3 STRIDE=1 BLOCK_W=4 BLOCK_H=4 TEXEL STORAGE_F16 FULL_EPILOGUE GATE needs=texel
#pragma kernel conv3d_depthwise_f32_k3s2 KERNEL=3 STRIDE=2 BLOCK_W=4 BLOCK_H=2 TEXEL needs=texel
#pragma kernel conv3d_depthwise_f32_k3s2_full KERNEL=3 STRIDE=2 BLOCK_W=4 BLOCK_H=2 TEXEL FULL_EPILOGUE needs=texel
#pragma kernel conv3d_depthwise_f32_k3s2_gate KERNEL=3 STRIDE=2 BLOCK_W=4 BLOCK_H=2 TEXEL FULL_EPILOGUE GATE needs=texel
#pragma kernel conv3d_depthwise_f16_k3s2 KERNEL=3 STRIDE=2 BLOCK_W=4 BLOCK_H=2 TEXEL STORAGE_F16 needs=texel
#pragma kernel conv3d_depthwise_f16_k3s2_full KERNEL=3 STRIDE=2 BLOCK_W=4 BLOCK_H=2 TEXEL STORAGE_F16 FULL_EPILOGUE needs=texel
#pragma kernel conv3d_depthwise_f16_k3s2_gate KERNEL=3 STRIDE=2 BLOCK_W=4 BLOCK_H=2 TEXEL STORAGE_F16 FULL_EPILOGUE GATE needs=texel
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "activation.glsl"
#include "dispatch.glsl"
#include "storage.glsl"

layout(local_size_x = 64) in;

IN4(0, src);
IN4(1, weights);
#ifdef FULL_EPILOGUE
IN4(2, residual);
OUT4(3, dst);
#else
OUT4(2, dst);
#endif

PUSH {
    uint group_base;
    uint count;  // invocations with work
    uint channels, blocks_w, blocks_h;
    uint src_stride, dst_stride, dst_offset;  // texels: a pixel's stride, where its channels begin
    uint has_residual, residual_stride, residual_offset;
    uint activation;
    float activation_a, activation_b;
    // Depth, height, width; the stride is the upper half of its word.
    uint in_size[3], out_size[3], kernel_stride[3];
    int dilation[3], pad[3];
} pc;

#include "epilogue.glsl"

#define KERNEL_OF(axis) (pc.kernel_stride[axis] & 0xffffu)
#define STRIDE_OF(axis) int(pc.kernel_stride[axis] >> 16)

void main() {
    if (INVOCATION_X >= pc.count) return;
    const uvec2 a = divide(INVOCATION_X, (pc.channels + 3u) / 4u);  // (block, quad)
    const uvec2 b = divide(a.x, pc.blocks_w);                       // (row of blocks, block of it)
    const uvec2 c = divide(b.x, pc.blocks_h);                       // (n out_d + z, row)
    const uvec2 d = divide(c.x, pc.out_size[0]);                    // (n, z)
    const uint quad = a.y, out_x = b.y * BLOCK_W, out_y = c.y * BLOCK_H;
    const int front = int(d.y) * STRIDE_OF(0) - pc.pad[0], top = int(out_y) * STRIDE_OF(1) - pc.pad[1];
    const int left = int(out_x) * STRIDE_OF(2) - pc.pad[2];

    int weight = int(quad * (1u + KERNEL_OF(0) * KERNEL_OF(1) * KERNEL_OF(2)));
    const vec4 bias = LOAD4(weights, weight);
    vec4 acc[BLOCK_H][BLOCK_W];
    [[unroll]] for (int y = 0; y < BLOCK_H; ++y) [[unroll]] for (int x = 0; x < BLOCK_W; ++x) acc[y][x] = bias;
    uint kz = 0u;
    do {
        const int in_z = front + int(kz) * pc.dilation[0];
        const bool slice_inside = uint(in_z) < pc.in_size[0];
        const int slice = (int(d.x * pc.in_size[0]) + in_z) * int(pc.in_size[1]);
#ifdef KERNEL
        vec4 w[KERNEL * KERNEL];
        [[unroll]] for (int i = 0; i < KERNEL * KERNEL; ++i) w[i] = LOAD4(weights, ++weight);
        [[unroll]] for (int row = 0; row < (BLOCK_H - 1) * STRIDE + KERNEL; ++row) {
            const bool row_inside = slice_inside && uint(top + row) < pc.in_size[1];
            const int line = (slice + top + row) * int(pc.in_size[2]) + left;
            vec4 window[(BLOCK_W - 1) * STRIDE + KERNEL];
            [[unroll]] for (int i = 0; i < (BLOCK_W - 1) * STRIDE + KERNEL; ++i) {
                const bool inside = row_inside && uint(left + i) < pc.in_size[2];
                const vec4 texel = LOAD4(src, inside ? (line + i) * int(pc.src_stride) + int(quad) : 0);
                window[i] = inside ? texel : vec4(0.0);
            }
            [[unroll]] for (int y = 0; y < BLOCK_H; ++y) {
                const int ky = row - y * STRIDE;
                if (ky >= 0 && ky < KERNEL) {
                    [[unroll]] for (int kx = 0; kx < KERNEL; ++kx) {
                        [[unroll]] for (int x = 0; x < BLOCK_W; ++x)
                            acc[y][x] += window[x * STRIDE + kx] * w[ky * KERNEL + kx];
                    }
                }
            }
        }
#else
        uint ky = 0u;
        do {
            const int in_y = top + int(ky) * pc.dilation[1];
            const bool row_inside = slice_inside && uint(in_y) < pc.in_size[1];
            const int line = (slice + in_y) * int(pc.in_size[2]);
            uint kx = 0u;
            do {
                const vec4 w = LOAD4(weights, ++weight);
                [[unroll]] for (int x = 0; x < BLOCK_W; ++x) {
                    const int in_x = left + x * STRIDE_OF(2) + int(kx) * pc.dilation[2];
                    const bool inside = row_inside && uint(in_x) < pc.in_size[2];
                    const vec4 texel = LOAD4(src, inside ? (line + in_x) * int(pc.src_stride) + int(quad) : 0);
                    acc[0][x] += (inside ? texel : vec4(0.0)) * w;
                }
            } while (++kx < KERNEL_OF(2));
        } while (++ky < KERNEL_OF(1));
#endif
    } while (++kz < KERNEL_OF(0));

    const bvec4 exists = lanes_below(quad, pc.channels);
    const uint pixel = (c.x * pc.out_size[1] + out_y) * pc.out_size[2] + out_x;
    [[unroll]] for (int y = 0; y < BLOCK_H; ++y) {
        [[unroll]] for (int x = 0; x < BLOCK_W; ++x) {
            if (out_y + uint(y) < pc.out_size[1] && out_x + uint(x) < pc.out_size[2]) {
                const uint at = pixel + uint(y) * pc.out_size[2] + uint(x);
                STORE4(dst, at * pc.dst_stride + pc.dst_offset + quad,
                       mix(vec4(0.0), EPILOGUE(acc[y][x], at, quad), exists));
            }
        }
    }
}
