// 2-D convolution of any number of groups, one texel of output channels of one pixel an invocation. Tensors are C4.
// The fallback between one group (conv2d) and a group a channel (conv2d_depthwise); ALIGNED: both channel counts of a
// group are multiples of four.
// Bindings: src, weights, [residual], dst. Weights, for every quad of output channels: one texel of bias, then for each
// (ky, kx, i < group_in) one texel: the weight of input channel i of its group, for each of the four output channels.
// Dispatch: x = ceil(N out_h out_w ceil(out_channels / 4) / 64).
#version 450
#pragma kernel conv2d_grouped_f32
#pragma kernel conv2d_grouped_f32_full FULL_EPILOGUE
#pragma kernel conv2d_grouped_f32_gate FULL_EPILOGUE GATE
#pragma kernel conv2d_grouped_f16 STORAGE_F16
#pragma kernel conv2d_grouped_f16_full STORAGE_F16 FULL_EPILOGUE
#pragma kernel conv2d_grouped_f16_gate STORAGE_F16 FULL_EPILOGUE GATE
#pragma kernel conv2d_grouped_aligned_f32 ALIGNED
#pragma kernel conv2d_grouped_aligned_f32_full ALIGNED FULL_EPILOGUE
#pragma kernel conv2d_grouped_aligned_f32_gate ALIGNED FULL_EPILOGUE GATE
#pragma kernel conv2d_grouped_aligned_f16 ALIGNED STORAGE_F16
#pragma kernel conv2d_grouped_aligned_f16_full ALIGNED STORAGE_F16 FULL_EPILOGUE
#pragma kernel conv2d_grouped_aligned_f16_gate ALIGNED STORAGE_F16 FULL_EPILOGUE GATE
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
    uint src_stride, src_offset;  // texels
    uint out_channels, dst_stride, dst_offset;
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
    const uvec2 a = divide(INVOCATION_X, (pc.out_channels + 3u) / 4u);  // (pixel, quad)
    const uvec2 b = divide(a.x, pc.out_w);
    const uvec2 c = divide(b.x, pc.out_h);
    const uint quad = a.y;
    const int top = int(c.y) * pc.stride_y - pc.pad_y, left = int(b.y) * pc.stride_x - pc.pad_x;

    // First input channel of each output channel's group.
    const uvec4 channel = min(quad * 4u + uvec4(0, 1, 2, 3), uvec4(pc.out_channels - 1u));
    const ivec4 first = ivec4(channel / pc.group_out * pc.group_in);

    int weight = int(quad * (1u + pc.kernel_h * pc.kernel_w * pc.group_in));
    vec4 sum = LOAD4(weights, weight);
    uint ky = 0u;
    do {
        const int y = top + int(ky) * pc.dilation_y;
        uint kx = 0u;
        do {
            const int x = left + int(kx) * pc.dilation_x;
            const bool inside = uint(y) < pc.in_h && uint(x) < pc.in_w;
            const int at = (int(c.x * pc.in_h) + y) * int(pc.in_w) + x;
            const int pixel = inside ? at * int(pc.src_stride) + int(pc.src_offset) : 0;
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
        } while (++kx < pc.kernel_w);
    } while (++ky < pc.kernel_h);

    STORE4(dst, a.x * pc.dst_stride + pc.dst_offset + quad,
           mix(vec4(0.0), EPILOGUE(sum, a.x, quad), lanes_below(quad, pc.out_channels)));
}
