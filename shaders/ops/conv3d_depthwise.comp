// 3-D depthwise convolution (one filter a channel) of any size. Tensors are C4. An invocation owns four channels of four
// neighbouring output pixels.
// Bindings: src, weights, [residual], dst. Weights: one texel of bias, then one for each (kz, ky, kx), for every quad.
// Dispatch: x = ceil(N out_d out_h blocks_w quads / 64), blocks_w = ceil(out_w / 4).
#version 450
#pragma kernel conv3d_depthwise_f32
#pragma kernel conv3d_depthwise_f32_t TEXEL needs=texel
#pragma kernel conv3d_depthwise_f32_full FULL_EPILOGUE
#pragma kernel conv3d_depthwise_f32_full_t TEXEL FULL_EPILOGUE needs=texel
#pragma kernel conv3d_depthwise_f16 STORAGE_F16
#pragma kernel conv3d_depthwise_f16_t TEXEL STORAGE_F16 needs=texel
#pragma kernel conv3d_depthwise_f16_full STORAGE_F16 FULL_EPILOGUE
#pragma kernel conv3d_depthwise_f16_full_t TEXEL STORAGE_F16 FULL_EPILOGUE needs=texel
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
    uint channels, blocks_w;
    uint src_stride, dst_stride, dst_offset;  // texels: a pixel's stride, where its channels begin
    uint has_residual, residual_stride, residual_offset;
    uint activation;
    float activation_a, activation_b;
    // Depth, height, width; the stride is the upper half of its word.
    uint in_size[3], out_size[3], kernel_stride[3];
    int dilation[3], pad[3];
} pc;

#include "epilogue.glsl"

#define KERNEL(axis) (pc.kernel_stride[axis] & 0xffffu)
#define STRIDE(axis) int(pc.kernel_stride[axis] >> 16)
#define BLOCK_W 4

void main() {
    if (INVOCATION_X >= pc.count) return;
    const uvec2 a = divide(INVOCATION_X, (pc.channels + 3u) / 4u);  // (block, quad)
    const uvec2 b = divide(a.x, pc.blocks_w);                       // (output row, block of it)
    const uvec2 c = divide(b.x, pc.out_size[1]);
    const uvec2 d = divide(c.x, pc.out_size[0]);  // (n, z)
    const uint quad = a.y, out_x = b.y * BLOCK_W;
    const int front = int(d.y) * STRIDE(0) - pc.pad[0], top = int(c.y) * STRIDE(1) - pc.pad[1];
    const int left = int(out_x) * STRIDE(2) - pc.pad[2];

    int weight = int(quad * (1u + KERNEL(0) * KERNEL(1) * KERNEL(2)));
    const vec4 bias = LOAD4(weights, weight);
    vec4 acc[BLOCK_W];
    [[unroll]] for (int i = 0; i < BLOCK_W; ++i) acc[i] = bias;
    uint kz = 0u;
    do {
        const int z = front + int(kz) * pc.dilation[0];
        uint ky = 0u;
        do {
            const int y = top + int(ky) * pc.dilation[1];
            const bool row_inside = uint(z) < pc.in_size[0] && uint(y) < pc.in_size[1];
            const int row = ((int(d.x * pc.in_size[0]) + z) * int(pc.in_size[1]) + y) * int(pc.in_size[2]);
            uint kx = 0u;
            do {
                const vec4 w = LOAD4(weights, ++weight);
                [[unroll]] for (int i = 0; i < BLOCK_W; ++i) {
                    const int x = left + i * STRIDE(2) + int(kx) * pc.dilation[2];
                    const bool inside = row_inside && uint(x) < pc.in_size[2];
                    const vec4 texel = LOAD4(src, inside ? (row + x) * int(pc.src_stride) + int(quad) : 0);
                    acc[i] += (inside ? texel : vec4(0.0)) * w;
                }
            } while (++kx < KERNEL(2));
        } while (++ky < KERNEL(1));
    } while (++kz < KERNEL(0));

    const bvec4 exists = lanes_below(quad, pc.channels);
    [[unroll]] for (uint i = 0u; i < BLOCK_W; ++i) {
        if (out_x + i < pc.out_size[2]) {
            const uint at = b.x * pc.out_size[2] + out_x + i;
            STORE4(dst, at * pc.dst_stride + pc.dst_offset + quad, mix(vec4(0.0), EPILOGUE(acc[i], at, quad), exists));
        }
    }
}
