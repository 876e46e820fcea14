// Transposed convolution of any number of groups over three spatial axes, one texel of output channels of one pixel an
// invocation: it gathers the taps whose input pixel exists. Tensors are C4. The fallback to phases on the matrix core.
//   dst[o, m] = bias[m] + sum over taps k and input channels c of the group, where o + pad - k dilation = i stride, of src[i, c] w[c, m, k]
// Along an axis, taps that share an output pixel follow at `step` = stride / gcd(stride, dilation); `inverse` is that of
// dilation / gcd modulo step, which finds the first of them.
//   ALIGNED     channel counts of a group are multiples of four     DEPTHWISE  a group has one channel on either side
// Bindings: src, weights, [residual], dst. Weights, for every quad of output channels: one texel of bias, then for each
// (kz, ky, kx, i < group_in) one texel: the weight of input channel i of its group, for each of the four output channels.
// Dispatch: x = ceil(N out_d out_h out_w ceil(out_channels / 4) / 64).
#version 450
#pragma kernel conv_transpose_f32
#pragma kernel conv_transpose_f32_t TEXEL needs=texel
#pragma kernel conv_transpose_f32_full FULL_EPILOGUE
#pragma kernel conv_transpose_f32_full_t FULL_EPILOGUE TEXEL needs=texel
#pragma kernel conv_transpose_f16 STORAGE_F16
#pragma kernel conv_transpose_f16_t STORAGE_F16 TEXEL needs=texel
#pragma kernel conv_transpose_f16_full STORAGE_F16 FULL_EPILOGUE
#pragma kernel conv_transpose_f16_full_t STORAGE_F16 FULL_EPILOGUE TEXEL needs=texel
#pragma kernel conv_transpose_aligned_f32 ALIGNED
#pragma kernel conv_transpose_aligned_f32_t ALIGNED TEXEL needs=texel
#pragma kernel conv_transpose_aligned_f32_full ALIGNED FULL_EPILOGUE
#pragma kernel conv_transpose_aligned_f32_full_t ALIGNED FULL_EPILOGUE TEXEL needs=texel
#pragma kernel conv_transpose_aligned_f16 ALIGNED STORAGE_F16
#pragma kernel conv_transpose_aligned_f16_t ALIGNED STORAGE_F16 TEXEL needs=texel
#pragma kernel conv_transpose_aligned_f16_full ALIGNED STORAGE_F16 FULL_EPILOGUE
#pragma kernel conv_transpose_aligned_f16_full_t ALIGNED STORAGE_F16 FULL_EPILOGUE TEXEL needs=texel
#pragma kernel conv_transpose_depthwise_f32 DEPTHWISE
#pragma kernel conv_transpose_depthwise_f32_t DEPTHWISE TEXEL needs=texel
#pragma kernel conv_transpose_depthwise_f32_full DEPTHWISE FULL_EPILOGUE
#pragma kernel conv_transpose_depthwise_f32_full_t DEPTHWISE FULL_EPILOGUE TEXEL needs=texel
#pragma kernel conv_transpose_depthwise_f16 DEPTHWISE STORAGE_F16
#pragma kernel conv_transpose_depthwise_f16_t DEPTHWISE STORAGE_F16 TEXEL needs=texel
#pragma kernel conv_transpose_depthwise_f16_full DEPTHWISE STORAGE_F16 FULL_EPILOGUE
#pragma kernel conv_transpose_depthwise_f16_full_t DEPTHWISE STORAGE_F16 FULL_EPILOGUE TEXEL needs=texel
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
    // Depth, height, width; where two stand together the first is the lower half.
    uint in_size[3], out_size[3], kernel_pad[3], stride_dilation[3], step_inverse[3];
} pc;

#include "epilogue.glsl"

// Along an axis: the first tap of an output pixel and its input pixel; from tap to tap, `step` taps on and `back` pixels back.
struct Taps {
    int kernel, tap, source, step, back, trips, size;
};

Taps taps_of(int axis, uint at) {
    const uint kernel = pc.kernel_pad[axis] & 0xffffu, pad = pc.kernel_pad[axis] >> 16;
    const uint stride = pc.stride_dilation[axis] & 0xffffu, dilation = pc.stride_dilation[axis] >> 16;
    const uint step = pc.step_inverse[axis] & 0xffffu, inverse = pc.step_inverse[axis] >> 16;
    const uint shared_factor = divide(stride, step).x;
    const uvec2 place = divide(at + pad, shared_factor);
    const uint first = divide(divide(place.x, step).y * inverse, step).y;
    const int distance = int(at + pad) - int(first * dilation);  // stride times the input pixel
    const bool any = place.y == 0u && distance >= 0;
    Taps taps;
    taps.kernel = int(kernel);
    taps.tap = int(first);
    taps.source = any ? int(divide(uint(max(distance, 0)), stride).x) : -1;
    taps.step = int(step);
    taps.back = int(divide(dilation, shared_factor).x);
    taps.trips = int(divide(kernel + step - 1u, step).x);
    taps.size = int(pc.in_size[axis]);
    return taps;
}

// The j-th tap: its number in the kernel, its input pixel.
ivec2 tap_at(Taps taps, int j) { return ivec2(taps.tap + j * taps.step, taps.source - j * taps.back); }
bool exists_at(Taps taps, ivec2 at) { return at.x < taps.kernel && uint(at.y) < uint(taps.size); }

void main() {
    if (INVOCATION_X >= pc.count) return;
    const uvec2 a = divide(INVOCATION_X, (pc.out_channels + 3u) / 4u);  // (pixel, quad)
    const uvec2 b = divide(a.x, pc.out_size[2]);
    const uvec2 c = divide(b.x, pc.out_size[1]);
    const uvec2 d = divide(c.x, pc.out_size[0]);  // (n, z)
    const uint quad = a.y;
    const Taps z = taps_of(0, d.y), y = taps_of(1, c.y), x = taps_of(2, b.y);

    // First input channel of each output channel's group.
    const uvec4 channel = min(quad * 4u + uvec4(0, 1, 2, 3), uvec4(pc.out_channels - 1u));
#ifndef DEPTHWISE
    const ivec4 first = ivec4(channel / pc.group_out * pc.group_in);
#endif

    const int group_in = int(pc.group_in);
    const int weight = int(quad) * (1 + z.kernel * y.kernel * x.kernel * group_in);
    vec4 sum = LOAD4(weights, weight);
    int jz = 0;
    do {
        const ivec2 tz = tap_at(z, jz);
        int jy = 0;
        do {
            const ivec2 ty = tap_at(y, jy);
            int jx = 0;
            do {
                const ivec2 tx = tap_at(x, jx);
                const bool inside = exists_at(z, tz) && exists_at(y, ty) && exists_at(x, tx);
                const int tap = (tz.x * y.kernel + ty.x) * x.kernel + tx.x;
                const int at = ((int(d.x) * z.size + tz.y) * y.size + ty.y) * x.size + tx.y;
                const int pixel = inside ? at * int(pc.src_stride) : 0;
                const int w = weight + (inside ? 1 + tap * group_in : 0);
#if defined(DEPTHWISE)
                const vec4 texel = LOAD4(src, pixel + int(quad));
                sum += (inside ? texel : vec4(0.0)) * LOAD4(weights, w);
#elif defined(ALIGNED)
                int i = 0;
                do {
                    const vec4 loaded = LOAD4(src, pixel + (first.x + i) / 4);
                    const vec4 texel = inside ? loaded : vec4(0.0);
                    [[unroll]] for (int k = 0; k < 4; ++k) sum += texel[k] * LOAD4(weights, inside ? w + i + k : weight);
                    i += 4;
                } while (i < group_in);
#else
                int i = 0;
                do {
                    vec4 inputs;
                    [[unroll]] for (int k = 0; k < 4; ++k) inputs[k] = LOAD1(src, pixel * 4 + first[k] + i);
                    sum += (inside ? inputs : vec4(0.0)) * LOAD4(weights, inside ? w + i : weight);
                } while (++i < group_in);
#endif
            } while (++jx < x.trips);
        } while (++jy < y.trips);
    } while (++jz < z.trips);

    STORE4(dst, a.x * pc.dst_stride + pc.dst_offset + quad,
           mix(vec4(0.0), EPILOGUE(sum, a.x, quad), lanes_below(quad, pc.out_channels)));
}
