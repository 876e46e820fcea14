// 2-D convolution of one group with at most four input channels: a network's first layer. Tensors are C4.
// An invocation owns four output channels of a block of BLOCK_W x BLOCK_H pixels, whose inputs overlap. With KERNEL (square,
// STRIDE, dilation 1) all of it is unrolled and every input is loaded once; otherwise sizes, strides and dilations are push
// constants and BLOCK_H is 1. CHANNELS: how many of the four are looked at.
// Bindings: src, weights, [residual], dst. Weights, for every quad of output channels: one texel of bias, then for each
// (ky, kx, i < CHANNELS) one texel: the weights of input channel i.
// Dispatch: x = ceil(quads ceil(out_w / BLOCK_W) ceil(out_h / BLOCK_H) N / 64).
#version 450
#pragma kernel conv2d_direct_f32 CHANNELS=4 BLOCK_W=4 BLOCK_H=1
#pragma kernel conv2d_direct_f32_full CHANNELS=4 BLOCK_W=4 BLOCK_H=1 FULL_EPILOGUE
#pragma kernel conv2d_direct_f32_c3k3s1 CHANNELS=3 KERNEL=3 STRIDE=1 BLOCK_W=4 BLOCK_H=4 TEXEL needs=texel
#pragma kernel conv2d_direct_f32_c3k3s1_gate CHANNELS=3 KERNEL=3 STRIDE=1 BLOCK_W=4 BLOCK_H=4 TEXEL FULL_EPILOGUE GATE needs=texel
#pragma kernel conv2d_direct_f32_c3k3s1_full CHANNELS=3 KERNEL=3 STRIDE=1 BLOCK_W=4 BLOCK_H=4 TEXEL FULL_EPILOGUE needs=texel
#pragma kernel conv2d_direct_f32_c3k3s2 CHANNELS=3 KERNEL=3 STRIDE=2 BLOCK_W=4 BLOCK_H=2 TEXEL needs=texel
#pragma kernel conv2d_direct_f32_c3k3s2_gate CHANNELS=3 KERNEL=3 STRIDE=2 BLOCK_W=4 BLOCK_H=2 TEXEL FULL_EPILOGUE GATE needs=texel
#pragma kernel conv2d_direct_f32_c3k3s2_full CHANNELS=3 KERNEL=3 STRIDE=2 BLOCK_W=4 BLOCK_H=2 TEXEL FULL_EPILOGUE needs=texel
#pragma kernel conv2d_direct_f32_c4k3s1 CHANNELS=4 KERNEL=3 STRIDE=1 BLOCK_W=4 BLOCK_H=4 TEXEL needs=texel
#pragma kernel conv2d_direct_f32_c4k3s1_gate CHANNELS=4 KERNEL=3 STRIDE=1 BLOCK_W=4 BLOCK_H=4 TEXEL FULL_EPILOGUE GATE needs=texel
#pragma kernel conv2d_direct_f32_c4k3s1_full CHANNELS=4 KERNEL=3 STRIDE=1 BLOCK_W=4 BLOCK_H=4 TEXEL FULL_EPILOGUE needs=texel
#pragma kernel conv2d_direct_f32_c4k3s2 CHANNELS=4 KERNEL=3 STRIDE=2 BLOCK_W=4 BLOCK_H=2 TEXEL needs=texel
#pragma kernel conv2d_direct_f32_c4k3s2_gate CHANNELS=4 KERNEL=3 STRIDE=2 BLOCK_W=4 BLOCK_H=2 TEXEL FULL_EPILOGUE GATE needs=texel
#pragma kernel conv2d_direct_f32_c4k3s2_full CHANNELS=4 KERNEL=3 STRIDE=2 BLOCK_W=4 BLOCK_H=2 TEXEL FULL_EPILOGUE needs=texel
#pragma kernel conv2d_direct_f16 CHANNELS=4 BLOCK_W=4 BLOCK_H=1 STORAGE_F16
#pragma kernel conv2d_direct_f16_full CHANNELS=4 BLOCK_W=4 BLOCK_H=1 STORAGE_F16 FULL_EPILOGUE
#pragma kernel conv2d_direct_f16_c3k3s1 CHANNELS=3 KERNEL=3 STRIDE=1 BLOCK_W=4 BLOCK_H=4 TEXEL STORAGE_F16 needs=texel
#pragma kernel conv2d_direct_f16_c3k3s1_gate CHANNELS=3 KERNEL=3 STRIDE=1 BLOCK_W=4 BLOCK_H=4 TEXEL STORAGE_F16 FULL_EPILOGUE GATE needs=texel
#pragma kernel conv2d_direct_f16_c3k3s1_full CHANNELS=3 KERNEL=3 STRIDE=1 BLOCK_W=4 BLOCK_H=4 TEXEL STORAGE_F16 FULL_EPILOGUE needs=texel
#pragma kernel conv2d_direct_f16_c3k3s2 CHANNELS=3 KERNEL=3 STRIDE=2 BLOCK_W=4 BLOCK_H=2 TEXEL STORAGE_F16 needs=texel
#pragma kernel conv2d_direct_f16_c3k3s2_gate CHANNELS=3 KERNEL=3 STRIDE=2 BLOCK_W=4 BLOCK_H=2 TEXEL STORAGE_F16 FULL_EPILOGUE GATE needs=texel
#pragma kernel conv2d_direct_f16_c3k3s2_full CHANNELS=3 KERNEL=3 STRIDE=2 BLOCK_W=4 BLOCK_H=2 TEXEL STORAGE_F16 FULL_EPILOGUE needs=texel
#pragma kernel conv2d_direct_f16_c4k3s1 CHANNELS=4 KERNEL=3 STRIDE=1 BLOCK_W=4 BLOCK_H=4 TEXEL STORAGE_F16 needs=texel
#pragma kernel conv2d_direct_f16_c4k3s1_gate CHANNELS=4 KERNEL=3 STRIDE=1 BLOCK_W=4 BLOCK_H=4 TEXEL STORAGE_F16 FULL_EPILOGUE GATE needs=texel
#pragma kernel conv2d_direct_f16_c4k3s1_full CHANNELS=4 KERNEL=3 STRIDE=1 BLOCK_W=4 BLOCK_H=4 TEXEL STORAGE_F16 FULL_EPILOGUE needs=texel
#pragma kernel conv2d_direct_f16_c4k3s2 CHANNELS=4 KERNEL=3 STRIDE=2 BLOCK_W=4 BLOCK_H=2 TEXEL STORAGE_F16 needs=texel
#pragma kernel conv2d_direct_f16_c4k3s2_gate CHANNELS=4 KERNEL=3 STRIDE=2 BLOCK_W=4 BLOCK_H=2 TEXEL STORAGE_F16 FULL_EPILOGUE GATE needs=texel
#pragma kernel conv2d_direct_f16_c4k3s2_full CHANNELS=4 KERNEL=3 STRIDE=2 BLOCK_W=4 BLOCK_H=2 TEXEL STORAGE_F16 FULL_EPILOGUE needs=texel
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
    uint channels, blocks_w, blocks_h;  // channels: of the output
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
    const uint first_weight = quad * (1 + KERNEL * KERNEL * CHANNELS);
    const int left = int(out_x) * STRIDE - pc.pad_x, top = int(out_y) * STRIDE - pc.pad_y;
#else
    const uint first_weight = quad * (1u + pc.kernel_h * pc.kernel_w * CHANNELS);
    const int left = int(out_x) * pc.stride_x - pc.pad_x, top = int(out_y) * pc.stride_y - pc.pad_y;
#endif
    const int image = int(c.x * pc.in_h * pc.in_w * pc.src_stride + pc.src_offset);
    const int pitch = int(pc.in_w * pc.src_stride);

    const vec4 bias = LOAD4(weights, first_weight);
    vec4 acc[BLOCK_H][BLOCK_W];
    [[unroll]] for (int y = 0; y < BLOCK_H; ++y) [[unroll]] for (int x = 0; x < BLOCK_W; ++x) acc[y][x] = bias;

#ifdef KERNEL
#define WINDOW_W ((BLOCK_W - 1) * STRIDE + KERNEL)
#define WINDOW_H ((BLOCK_H - 1) * STRIDE + KERNEL)
    vec4 w[KERNEL * KERNEL * CHANNELS];
    [[unroll]] for (int i = 0; i < KERNEL * KERNEL * CHANNELS; ++i) w[i] = LOAD4(weights, first_weight + 1u + uint(i));
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
                    [[unroll]] for (int i = 0; i < CHANNELS; ++i) {
                        [[unroll]] for (int x = 0; x < BLOCK_W; ++x)
                            acc[y][x] += window[x * STRIDE + kx][i] * w[(ky * KERNEL + kx) * CHANNELS + i];
                    }
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
            vec4 w[CHANNELS];
            [[unroll]] for (int i = 0; i < CHANNELS; ++i) w[i] = LOAD4(weights, ++weight);
            [[unroll]] for (int x = 0; x < BLOCK_W; ++x) {
                const int in_x = left + x * pc.stride_x + int(kx) * pc.dilation_x;
                const bool inside = row_inside && uint(in_x) < pc.in_w;
                const vec4 texel = LOAD4(src, inside ? line + in_x * int(pc.src_stride) : 0);
                const vec4 value = inside ? texel : vec4(0.0);
                [[unroll]] for (int i = 0; i < CHANNELS; ++i) acc[0][x] += value[i] * w[i];
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
