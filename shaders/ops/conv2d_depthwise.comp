// 2-D depthwise convolution (one filter a channel). Tensors are C4.
// An invocation owns four channels of a block of BLOCK_W x BLOCK_H output pixels, whose inputs overlap.
// With KERNEL (square, STRIDE, dilation 1) all of it is unrolled and every input is loaded once; otherwise sizes, strides
// and dilations are push constants and BLOCK_H is 1.
// Bindings: src, weights, [residual], dst. Weights: one texel of bias, then one for each (ky, kx), for every quad.
// Dispatch: x = ceil(quads ceil(out_w / BLOCK_W) ceil(out_h / BLOCK_H) N / 64).
// Blocks measured on llvmpipe (two cores of 2.6 GHz), 3x3 144 at 56 x 56, ms: 4x4 0.54, 4x2 0.60, 2x2 0.67, 8x1 0.72, 4x1 0.77, any size 1.1.
#version 450
#pragma kernel conv2d_depthwise_f32 BLOCK_W=4 BLOCK_H=1
#pragma kernel conv2d_depthwise_f32_t BLOCK_W=4 BLOCK_H=1 TEXEL needs=texel
#pragma kernel conv2d_depthwise_f32_full BLOCK_W=4 BLOCK_H=1 FULL_EPILOGUE
#pragma kernel conv2d_depthwise_f32_t_full BLOCK_W=4 BLOCK_H=1 FULL_EPILOGUE TEXEL needs=texel
#pragma kernel conv2d_depthwise_f32_gate BLOCK_W=4 BLOCK_H=1 FULL_EPILOGUE GATE
#pragma kernel conv2d_depthwise_f32_t_gate BLOCK_W=4 BLOCK_H=1 FULL_EPILOGUE GATE TEXEL needs=texel
#pragma kernel conv2d_depthwise_f16 BLOCK_W=4 BLOCK_H=1 STORAGE_F16
#pragma kernel conv2d_depthwise_f16_t BLOCK_W=4 BLOCK_H=1 STORAGE_F16 TEXEL needs=texel
#pragma kernel conv2d_depthwise_f16_full BLOCK_W=4 BLOCK_H=1 STORAGE_F16 FULL_EPILOGUE
#pragma kernel conv2d_depthwise_f16_t_full BLOCK_W=4 BLOCK_H=1 STORAGE_F16 FULL_EPILOGUE TEXEL needs=texel
#pragma kernel conv2d_depthwise_f16_gate BLOCK_W=4 BLOCK_H=1 STORAGE_F16 FULL_EPILOGUE GATE
#pragma kernel conv2d_depthwise_f16_t_gate BLOCK_W=4 BLOCK_H=1 STORAGE_F16 FULL_EPILOGUE GATE TEXEL needs=texel
#pragma kernel conv2d_depthwise_f32_k3s1 KERNEL=3 STRIDE=1 BLOCK_W=4 BLOCK_H=4 TEXEL needs=texel
#pragma kernel conv2d_depthwise_f32_k3s1_full KERNEL=3 STRIDE=1 BLOCK_W=4 BLOCK_H=4 TEXEL FULL_EPILOGUE needs=texel
#pragma kernel conv2d_depthwise_f32_k3s1_gate KERNEL=3 STRIDE=1 BLOCK_W=4 BLOCK_H=4 TEXEL FULL_EPILOGUE GATE needs=texel
#pragma kernel conv2d_depthwise_f32_k3s2 KERNEL=3 STRIDE=2 BLOCK_W=4 BLOCK_H=2 TEXEL needs=texel
#pragma kernel conv2d_depthwise_f32_k3s2_full KERNEL=3 STRIDE=2 BLOCK_W=4 BLOCK_H=2 TEXEL FULL_EPILOGUE needs=texel
#pragma kernel conv2d_depthwise_f32_k3s2_gate KERNEL=3 STRIDE=2 BLOCK_W=4 BLOCK_H=2 TEXEL FULL_EPILOGUE GATE needs=texel
#pragma kernel conv2d_depthwise_f32_k5s1 KERNEL=5 STRIDE=1 BLOCK_W=4 BLOCK_H=4 TEXEL needs=texel
#pragma kernel conv2d_depthwise_f32_k5s1_full KERNEL=5 STRIDE=1 BLOCK_W=4 BLOCK_H=4 TEXEL FULL_EPILOGUE needs=texel
#pragma kernel conv2d_depthwise_f32_k5s1_gate KERNEL=5 STRIDE=1 BLOCK_W=4 BLOCK_H=4 TEXEL FULL_EPILOGUE GATE needs=texel
#pragma kernel conv2d_depthwise_f32_k5s2 KERNEL=5 STRIDE=2 BLOCK_W=4 BLOCK_H=2 TEXEL needs=texel
#pragma kernel conv2d_depthwise_f32_k5s2_full KERNEL=5 STRIDE=2 BLOCK_W=4 BLOCK_H=2 TEXEL FULL_EPILOGUE needs=texel
#pragma kernel conv2d_depthwise_f32_k5s2_gate KERNEL=5 STRIDE=2 BLOCK_W=4 BLOCK_H=2 TEXEL FULL_EPILOGUE GATE needs=texel
#pragma kernel conv2d_depthwise_f16_k3s1 KERNEL=3 STRIDE=1 BLOCK_W=4 BLOCK_H=4 TEXEL STORAGE_F16 needs=texel
#pragma kernel conv2d_depthwise_f16_k3s1_full KERNEL=3 STRIDE=1 BLOCK_W=4 BLOCK_H=4 TEXEL STORAGE_F16 FULL_EPILOGUE needs=texel
#pragma kernel conv2d_depthwise_f16_k3s1_gate KERNEL=3 STRIDE=1 BLOCK_W=4 BLOCK_H=4 TEXEL STORAGE_F16 FULL_EPILOGUE GATE needs=texel
#pragma kernel conv2d_depthwise_f16_k3s2 KERNEL=3 STRIDE=2 BLOCK_W=4 BLOCK_H=2 TEXEL STORAGE_F16 needs=texel
#pragma kernel conv2d_depthwise_f16_k3s2_full KERNEL=3 STRIDE=2 BLOCK_W=4 BLOCK_H=2 TEXEL STORAGE_F16 FULL_EPILOGUE needs=texel
#pragma kernel conv2d_depthwise_f16_k3s2_gate KERNEL=3 STRIDE=2 BLOCK_W=4 BLOCK_H=2 TEXEL STORAGE_F16 FULL_EPILOGUE GATE needs=texel
#pragma kernel conv2d_depthwise_f16_k5s1 KERNEL=5 STRIDE=1 BLOCK_W=4 BLOCK_H=4 TEXEL STORAGE_F16 needs=texel
#pragma kernel conv2d_depthwise_f16_k5s1_full KERNEL=5 STRIDE=1 BLOCK_W=4 BLOCK_H=4 TEXEL STORAGE_F16 FULL_EPILOGUE needs=texel
#pragma kernel conv2d_depthwise_f16_k5s1_gate KERNEL=5 STRIDE=1 BLOCK_W=4 BLOCK_H=4 TEXEL STORAGE_F16 FULL_EPILOGUE GATE needs=texel
#pragma kernel conv2d_depthwise_f16_k5s2 KERNEL=5 STRIDE=2 BLOCK_W=4 BLOCK_H=2 TEXEL STORAGE_F16 needs=texel
#pragma kernel conv2d_depthwise_f16_k5s2_full KERNEL=5 STRIDE=2 BLOCK_W=4 BLOCK_H=2 TEXEL STORAGE_F16 FULL_EPILOGUE needs=texel
#pragma kernel conv2d_depthwise_f16_k5s2_gate KERNEL=5 STRIDE=2 BLOCK_W=4 BLOCK_H=2 TEXEL STORAGE_F16 FULL_EPILOGUE GATE needs=texel
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
    uint src_stride, src_offset, dst_stride, dst_offset;  // texels: a pixel's stride, where its channels begin
    uint has_residual, residual_stride, residual_offset;
    uint activation;
    float activation_a, activation_b;
    uint in_h, in_w, out_h, out_w;
    uint kernel_h, kernel_w;
    int stride_y, stride_x, dilation_y, dilation_x, pad_y, pad_x;
} pc;

#include "epilogue.glsl"

void main() {
    if (INVOCATION_X >= pc.count) return;
    const uint quads = (pc.channels + 3u) / 4u;
    const uvec2 a = divide(INVOCATION_X, quads);  // (block, quad)
    const uvec2 b = divide(a.x, pc.blocks_w);     // (n blocks_h + block row, block column)
    const uvec2 c = divide(b.x, pc.blocks_h);     // (n, block row)
    const uint quad = a.y;
    const uint out_x = b.y * BLOCK_W, out_y = c.y * BLOCK_H;

#ifdef KERNEL
    const uint first_weight = quad * (1 + KERNEL * KERNEL);
    const int left = int(out_x) * STRIDE - pc.pad_x, top = int(out_y) * STRIDE - pc.pad_y;
#else
    const uint first_weight = quad * (1u + pc.kernel_h * pc.kernel_w);
    const int left = int(out_x) * pc.stride_x - pc.pad_x, top = int(out_y) * pc.stride_y - pc.pad_y;
#endif
    const int image = int(c.x * pc.in_h * pc.in_w * pc.src_stride + pc.src_offset + quad);
    const int pitch = int(pc.in_w * pc.src_stride);

    const vec4 bias = LOAD4(weights, first_weight);
    vec4 acc[BLOCK_H][BLOCK_W];
    [[unroll]] for (int y = 0; y < BLOCK_H; ++y) [[unroll]] for (int x = 0; x < BLOCK_W; ++x) acc[y][x] = bias;

#ifdef KERNEL
#define WINDOW_W ((BLOCK_W - 1) * STRIDE + KERNEL)
#define WINDOW_H ((BLOCK_H - 1) * STRIDE + KERNEL)
    vec4 w[KERNEL * KERNEL];
    [[unroll]] for (int i = 0; i < KERNEL * KERNEL; ++i) w[i] = LOAD4(weights, first_weight + 1u + uint(i));
    [[unroll]] for (int row = 0; row < WINDOW_H; ++row) {
        const bool row_inside = uint(top + row) < pc.in_h;
        const int line = image + (top + row) * pitch;
        vec4 window[WINDOW_W];
        [[unroll]] for (int i = 0; i < WINDOW_W; ++i) {
            const bool inside = row_inside && uint(left + i) < pc.in_w;
            const vec4 texel = LOAD4(src, inside ? line + (left + i) * int(pc.src_stride) : 0);
            window[i] = inside ? texel : vec4(0.0);
        }
        [[unroll]] for (int y = 0; y < BLOCK_H; ++y) {
            const int ky = row - y * STRIDE;
            if (ky >= 0 && ky < KERNEL) {
                [[unroll]] for (int kx = 0; kx < KERNEL; ++kx) {
                    [[unroll]] for (int x = 0; x < BLOCK_W; ++x) acc[y][x] += window[x * STRIDE + kx] * w[ky * KERNEL + kx];
                }
            }
        }
    }
#else
    int weight = int(first_weight);
    uint ky = 0u;
    do {
        const int in_y = top + int(ky) * pc.dilation_y;
        const bool row_inside = uint(in_y) < pc.in_h;
        const int line = image + in_y * pitch;
        uint kx = 0u;
        do {
            const vec4 w = LOAD4(weights, ++weight);
            [[unroll]] for (int x = 0; x < BLOCK_W; ++x) {
                const int in_x = left + x * pc.stride_x + int(kx) * pc.dilation_x;
                const bool inside = row_inside && uint(in_x) < pc.in_w;
                const vec4 texel = LOAD4(src, inside ? line + in_x * int(pc.src_stride) : 0);
                acc[0][x] += (inside ? texel : vec4(0.0)) * w;
            }
        } while (++kx < pc.kernel_w);
    } while (++ky < pc.kernel_h);
#endif

    const bvec4 exists = lanes_below(quad, pc.channels);
    const uint pixel = (c.x * pc.out_h + out_y) * pc.out_w + out_x;
    [[unroll]] for (int y = 0; y < BLOCK_H; ++y) {
        [[unroll]] for (int x = 0; x < BLOCK_W; ++x) {
            if (out_y + uint(y) < pc.out_h && out_x + uint(x) < pc.out_w) {
                const uint at = pixel + uint(y) * pc.out_w + uint(x);
                STORE4(dst, at * pc.dst_stride + pc.dst_offset + quad,
                       mix(vec4(0.0), EPILOGUE(acc[y][x], at, quad), exists));
            }
        }
    }
}
