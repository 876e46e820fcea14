// 2-D maximum pooling of the usual windows (square KERNEL, STRIDE, dilation 1), unrolled: an invocation owns four channels
// of a block of BLOCK_W x BLOCK_H output pixels, whose inputs are loaded once. Tensors are C4. Else: pool2d.comp.
// Bindings: src, dst. Dispatch: x = ceil(quads ceil(out_w / BLOCK_W) ceil(out_h / BLOCK_H) N / 64).
#version 450
#pragma kernel pool2d_window_f32_k2s2 KERNEL=2 STRIDE=2 TEXEL needs=texel
#pragma kernel pool2d_window_f32_k3s1 KERNEL=3 STRIDE=1 TEXEL needs=texel
#pragma kernel pool2d_window_f32_k3s2 KERNEL=3 STRIDE=2 TEXEL needs=texel
#pragma kernel pool2d_window_f16_k2s2 KERNEL=2 STRIDE=2 STORAGE_F16 TEXEL needs=texel
#pragma kernel pool2d_window_f16_k3s1 KERNEL=3 STRIDE=1 STORAGE_F16 TEXEL needs=texel
#pragma kernel pool2d_window_f16_k3s2 KERNEL=3 STRIDE=2 STORAGE_F16 TEXEL needs=texel
#pragma kernel pool2d_window_f32_k2s2_any KERNEL=2 STRIDE=2
#pragma kernel pool2d_window_f32_k3s1_any KERNEL=3 STRIDE=1
#pragma kernel pool2d_window_f32_k3s2_any KERNEL=3 STRIDE=2
#pragma kernel pool2d_window_f16_k2s2_any KERNEL=2 STRIDE=2 STORAGE_F16
#pragma kernel pool2d_window_f16_k3s1_any KERNEL=3 STRIDE=1 STORAGE_F16
#pragma kernel pool2d_window_f16_k3s2_any KERNEL=3 STRIDE=2 STORAGE_F16
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "dispatch.glsl"
#include "storage.glsl"

#define BLOCK_W 4
#define BLOCK_H 2
#define WINDOW_W ((BLOCK_W - 1) * STRIDE + KERNEL)
#define WINDOW_H ((BLOCK_H - 1) * STRIDE + KERNEL)

layout(local_size_x = 64) in;

IN4(0, src);
OUT4(1, dst);

PUSH {
    uint group_base;
    uint count;  // invocations with work
    uint quads, blocks_w, blocks_h;
    uint dst_stride, dst_offset;  // texels
    uint in_h, in_w, out_h, out_w;
    int pad_y, pad_x;
} pc;

void main() {
    if (INVOCATION_X >= pc.count) return;
    const uvec2 a = divide(INVOCATION_X, pc.quads);  // (block, quad)
    const uvec2 b = divide(a.x, pc.blocks_w);        // (n blocks_h + block row, block column)
    const uvec2 c = divide(b.x, pc.blocks_h);        // (n, block row)
    const uint out_x = b.y * BLOCK_W, out_y = c.y * BLOCK_H;
    const int left = int(out_x) * STRIDE - pc.pad_x, top = int(out_y) * STRIDE - pc.pad_y;
    const int image = int(c.x * pc.in_h * pc.in_w);

    vec4 result[BLOCK_H][BLOCK_W];
    [[unroll]] for (int row = 0; row < WINDOW_H; ++row) {
        // What lies outside is a pixel of the edge again: it is in the window then, for padding is narrower than that.
        const int y = clamp(top + row, 0, int(pc.in_h) - 1);
        vec4 window[WINDOW_W];
        [[unroll]] for (int i = 0; i < WINDOW_W; ++i) {
            const int x = clamp(left + i, 0, int(pc.in_w) - 1);
            window[i] = LOAD4(src, ((image + y * int(pc.in_w)) + x) * int(pc.quads) + int(a.y));
        }
        [[unroll]] for (int x = 0; x < BLOCK_W; ++x) {
            vec4 highest = max(window[x * STRIDE], window[x * STRIDE + 1]);
            if (KERNEL == 3) highest = max(highest, window[x * STRIDE + KERNEL - 1]);
            [[unroll]] for (int by = 0; by < BLOCK_H; ++by) {
                const int ky = row - by * STRIDE;
                if (ky == 0) result[by][x] = highest;
                if (ky > 0 && ky < KERNEL) result[by][x] = max(result[by][x], highest);
            }
        }
    }

    const uint pixel = (c.x * pc.out_h + out_y) * pc.out_w + out_x;
    [[unroll]] for (int y = 0; y < BLOCK_H; ++y) {
        [[unroll]] for (int x = 0; x < BLOCK_W; ++x) {
            if (out_y + uint(y) < pc.out_h && out_x + uint(x) < pc.out_w) {
                STORE4(dst, (pixel + uint(y) * pc.out_w + uint(x)) * pc.dst_stride + pc.dst_offset + a.y, result[y][x]);
            }
        }
    }
}
