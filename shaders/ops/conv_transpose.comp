// Transposed convolution of any number of groups over three spatial axes. An invocation owns a texel of output channels of
// BLOCK_W pixels in a row, each a stride from the next, so that all have the same taps; it gathers those whose input pixel
// exists. Tensors are C4. The fallback to phases on the matrix core.
//   dst[o, m] = bias[m] + sum over taps k and input channels c of the group, where o + pad - k dilation = i stride, of src[i, c] w[c, m, k]
// Along an axis, taps that share an output pixel follow at `step` = stride / gcd(stride, dilation); `inverse` is that of
// dilation / gcd modulo step, which finds the first of them.
//   ALIGNED     channel counts of a group are multiples of four     DEPTHWISE  a group has one channel on either side
// Bindings: src, weights, [residual], dst. Weights, for every quad of output channels: one texel of bias, then for each
// (kz, ky, kx, i < group_in) one texel: the weight of input channel i of its group, for each of the four output channels.
// Dispatch: x = ceil(N out_d out_h blocks ceil(out_channels / 4) / 64), blocks = stride ceil(ceil(out_w / stride) / BLOCK_W).
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
    uint blocks;  // of a stride's phase in a row
    uint has_residual, residual_stride, residual_offset;
    uint activation;
    float activation_a, activation_b;
    // Depth, height, width; where two stand together the first is the lower half.
    uint in_size[3], out_size[3], kernel_pad[3], stride_dilation[3], step_inverse[3];
} pc;

#include "epilogue.glsl"

#define BLOCK_W 4

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
    const int distance = int(at + pad) - int(first * dilation);  // stride times the input pixel, which may lie before 0
    const int ahead = int(divide(uint(abs(distance)), stride).x);
    Taps taps;
    taps.kernel = int(kernel);
    taps.tap = place.y == 0u ? int(first) : 0xffff;  // none at all
    taps.source = distance < 0 ? -ahead : ahead;
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
    const uint stride = pc.stride_dilation[2] & 0xffffu;
    const uvec2 a = divide(INVOCATION_X, (pc.out_channels + 3u) / 4u);  // (block, quad)
    const uvec2 b = divide(a.x, pc.blocks * stride);                    // (row, block of it)
    const uvec2 c = divide(b.x, pc.out_size[1]);
    const uvec2 d = divide(c.x, pc.out_size[0]);  // (n, z)
    const uvec2 e = divide(b.y, pc.blocks);       // (phase, block of its pixels)
    const uint quad = a.y, out_x = e.y * BLOCK_W * stride + e.x;
    const Taps z = taps_of(0, d.y), y = taps_of(1, c.y);
    Taps x = taps_of(2, e.x);
    x.source += int(e.y) * BLOCK_W;

    // First input channel of each output channel's group.
    const uvec4 channel = min(quad * 4u + uvec4(0, 1, 2, 3), uvec4(pc.out_channels - 1u));
#ifndef DEPTHWISE
    const ivec4 first = ivec4(channel / pc.group_out * pc.group_in);
#endif

    const int group_in = int(pc.group_in);
    const int weight = int(quad) * (1 + z.kernel * y.kernel * x.kernel * group_in);
    const vec4 bias = LOAD4(weights, weight);
    vec4 sum[BLOCK_W];
    [[unroll]] for (int p = 0; p < BLOCK_W; ++p) sum[p] = bias;
    int jz = 0;
    do {
        const ivec2 tz = tap_at(z, jz);
        int jy = 0;
        do {
            const ivec2 ty = tap_at(y, jy);
            int jx = 0;
            do {
                const ivec2 tx = tap_at(x, jx);
                const bool row_inside = exists_at(z, tz) && exists_at(y, ty) && tx.x < x.kernel;
                const int tap = (tz.x * y.kernel + ty.x) * x.kernel + tx.x;
                const int row = ((int(d.x) * z.size + tz.y) * y.size + ty.y) * x.size;
                const int w = weight + (row_inside ? 1 + tap * group_in : 0);
                bool inside[BLOCK_W];
                int pixel[BLOCK_W];
                [[unroll]] for (int p = 0; p < BLOCK_W; ++p) {
                    inside[p] = row_inside && uint(tx.y + p) < uint(x.size);
                    pixel[p] = inside[p] ? (row + tx.y + p) * int(pc.src_stride) : 0;
                }
#if defined(DEPTHWISE)
                const vec4 factor = LOAD4(weights, w);
                [[unroll]] for (int p = 0; p < BLOCK_W; ++p) {
                    const vec4 texel = LOAD4(src, pixel[p] + int(quad));
                    sum[p] += (inside[p] ? texel : vec4(0.0)) * factor;
                }
#elif defined(ALIGNED)
                int i = 0;
                do {
                    vec4 factor[4];
                    [[unroll]] for (int k = 0; k < 4; ++k) factor[k] = LOAD4(weights, row_inside ? w + i + k : weight);
                    [[unroll]] for (int p = 0; p < BLOCK_W; ++p) {
                        const vec4 loaded = LOAD4(src, pixel[p] + (first.x + i) / 4);
                        const vec4 texel = inside[p] ? loaded : vec4(0.0);
                        [[unroll]] for (int k = 0; k < 4; ++k) sum[p] += texel[k] * factor[k];
                    }
                    i += 4;
                } while (i < group_in);
#else
                int i = 0;
                do {
                    const vec4 factor = LOAD4(weights, row_inside ? w + i : weight);
                    [[unroll]] for (int p = 0; p < BLOCK_W; ++p) {
                        vec4 inputs;
                        [[unroll]] for (int k = 0; k < 4; ++k) inputs[k] = LOAD1(src, pixel[p] * 4 + first[k] + i);
                        sum[p] += (inside[p] ? inputs : vec4(0.0)) * factor;
                    }
                } while (++i < group_in);
#endif
            } while (++jx < x.trips);
        } while (++jy < y.trips);
    } while (++jz < z.trips);

    [[unroll]] for (uint p = 0u; p < BLOCK_W; ++p) {
        const uint at_x = out_x + p * stride, at = b.x * pc.out_size[2] + at_x;
        if (at_x < pc.out_size[2]) {
            STORE4(dst, at * pc.dst_stride + pc.dst_offset + quad,
                   mix(vec4(0.0), EPILOGUE(sum[p], at, quad), lanes_below(quad, pc.out_channels)));
        }
    }
}
