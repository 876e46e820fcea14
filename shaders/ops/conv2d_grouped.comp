// Convolution of any number of groups over three spatial axes, one texel of output channels of one pixel an invocation. Tensors are C4.
// The fallback between one group (conv2d) and a group a channel (conv2d_depthwise); ALIGNED: both channel counts of a
// group are multiples of four.
// Bindings: src, weights, [residual], dst. Weights, for every quad of output channels: one texel of bias, then for each
// (kz, ky, kx, i < group_in) one texel: the weight of input channel i of its group, for each of the four output channels.
// Dispatch: x = ceil(N out_d out_h out_w ceil(out_channels / 4) / 64).
#version 450
#pragma kernel conv2d_grouped_f32
#pragma kernel conv2d_grouped_f32_t TEXEL needs=texel
#pragma kernel conv2d_grouped_f32_full FULL_EPILOGUE
#pragma kernel conv2d_grouped_f32_t_full FULL_EPILOGUE TEXEL needs=texel
#pragma kernel conv2d_grouped_f32_gate FULL_EPILOGUE GATE
#pragma kernel conv2d_grouped_f32_t_gate FULL_EPILOGUE GATE TEXEL needs=texel
#pragma kernel conv2d_grouped_f16 STORAGE_F16
#pragma kernel conv2d_grouped_f16_t STORAGE_F16 TEXEL needs=texel
#pragma kernel conv2d_grouped_f16_full STORAGE_F16 FULL_EPILOGUE
#pragma kernel conv2d_grouped_f16_t_full STORAGE_F16 FULL_EPILOGUE TEXEL needs=texel
#pragma kernel conv2d_grouped_f16_gate STORAGE_F16 FULL_EPILOGUE GATE
#pragma kernel conv2d_grouped_f16_t_gate STORAGE_F16 FULL_EPILOGUE GATE TEXEL needs=texel
#pragma kernel conv2d_grouped_aligned_f32 ALIGNED
#pragma kernel conv2d_grouped_aligned_f32_t ALIGNED TEXEL needs=texel
#pragma kernel conv2d_grouped_aligned_f32_full ALIGNED FULL_EPILOGUE
#pragma kernel conv2d_grouped_aligned_f32_t_full ALIGNED FULL_EPILOGUE TEXEL needs=texel
#pragma kernel conv2d_grouped_aligned_f32_gate ALIGNED FULL_EPILOGUE GATE
#pragma kernel conv2d_grouped_aligned_f32_t_gate ALIGNED FULL_EPILOGUE GATE TEXEL needs=texel
#pragma kernel conv2d_grouped_aligned_f16 ALIGNED STORAGE_F16
#pragma kernel conv2d_grouped_aligned_f16_t ALIGNED STORAGE_F16 TEXEL needs=texel
#pragma kernel conv2d_grouped_aligned_f16_full ALIGNED STORAGE_F16 FULL_EPILOGUE
#pragma kernel conv2d_grouped_aligned_f16_t_full ALIGNED STORAGE_F16 FULL_EPILOGUE TEXEL needs=texel
#pragma kernel conv2d_grouped_aligned_f16_gate ALIGNED STORAGE_F16 FULL_EPILOGUE GATE
#pragma kernel conv2d_grouped_aligned_f16_t_gate ALIGNED STORAGE_F16 FULL_EPILOGUE GATE TEXEL needs=texel
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
    uint group_in, group_out;  // channels of a group
    uint src_stride;  // texels
    uint out_channels, dst_stride, dst_offset;
    uint has_residual, residual_stride, residual_offset;
    uint activation;
    float activation_a, activation_b;
    // Depth, height, width; the stride is the upper half of its word.
    uint in_size[3], out_size[3], kernel_stride[3];
    int dilation[3], pad[3];
} pc;

#define KERNEL(axis) (pc.kernel_stride[axis] & 0xffffu)
#define STRIDE(axis) int(pc.kernel_stride[axis] >> 16)

#include "epilogue.glsl"

void main() {
    if (INVOCATION_X >= pc.count) return;
    const uvec2 a = divide(INVOCATION_X, (pc.out_channels + 3u) / 4u);  // (pixel, quad)
    const uvec2 b = divide(a.x, pc.out_size[2]);
    const uvec2 c = divide(b.x, pc.out_size[1]);
    const uvec2 d = divide(c.x, pc.out_size[0]);  // (n, z)
    const uint quad = a.y;
    const int front = int(d.y) * STRIDE(0) - pc.pad[0], top = int(c.y) * STRIDE(1) - pc.pad[1];
    const int left = int(b.y) * STRIDE(2) - pc.pad[2];

    // First input channel of each output channel's group.
    const uvec4 channel = min(quad * 4u + uvec4(0, 1, 2, 3), uvec4(pc.out_channels - 1u));
    const ivec4 first = ivec4(channel / pc.group_out * pc.group_in);

    int weight = int(quad * (1u + KERNEL(0) * KERNEL(1) * KERNEL(2) * pc.group_in));
    vec4 sum = LOAD4(weights, weight);
    uint kz = 0u;
    do {
        const int z = front + int(kz) * pc.dilation[0];
        uint ky = 0u;
        do {
            const int y = top + int(ky) * pc.dilation[1];
            uint kx = 0u;
            do {
                const int x = left + int(kx) * pc.dilation[2];
                const bool inside = uint(z) < pc.in_size[0] && uint(y) < pc.in_size[1] && uint(x) < pc.in_size[2];
                const int at = ((int(d.x * pc.in_size[0]) + z) * int(pc.in_size[1]) + y) * int(pc.in_size[2]) + x;
                const int pixel = inside ? at * int(pc.src_stride) : 0;
                int i = 0;
#ifdef ALIGNED
                do {
                    const vec4 loaded = LOAD4(src, pixel + (first.x + i) / 4);
                    const vec4 texel = inside ? loaded : vec4(0.0);
                    [[unroll]] for (int k = 0; k < 4; ++k) sum += texel[k] * LOAD4(weights, ++weight);
                    i += 4;
                } while (i < int(pc.group_in));
#else
                do {
                    vec4 inputs;
                    [[unroll]] for (int k = 0; k < 4; ++k) inputs[k] = LOAD1(src, pixel * 4 + first[k] + i);
                    sum += (inside ? inputs : vec4(0.0)) * LOAD4(weights, ++weight);
                } while (++i < int(pc.group_in));
#endif
            } while (++kx < KERNEL(2));
        } while (++ky < KERNEL(1));
    } while (++kz < KERNEL(0));

    STORE4(dst, a.x * pc.dst_stride + pc.dst_offset + quad,
           mix(vec4(0.0), EPILOGUE(sum, a.x, quad), lanes_below(quad, pc.out_channels)));
}
