// 2-D maximum and average pooling, one texel of channels of one output pixel an invocation. Tensors are C4.
// Rounding up of the output size is a matter of the shape alone: windows that hang over the end lose those taps.
// Bindings: src, dst. Dispatch: x = ceil(N out_h out_w ceil(channels / 4) / 64).
#version 450
#pragma kernel pool2d_max_f32 MAXIMUM
#pragma kernel pool2d_max_f32_t MAXIMUM TEXEL needs=texel
#pragma kernel pool2d_max_f16 MAXIMUM STORAGE_F16
#pragma kernel pool2d_max_f16_t MAXIMUM STORAGE_F16 TEXEL needs=texel
#pragma kernel pool2d_average_f32
#pragma kernel pool2d_average_f32_t TEXEL needs=texel
#pragma kernel pool2d_average_f16 STORAGE_F16
#pragma kernel pool2d_average_f16_t STORAGE_F16 TEXEL needs=texel
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "dispatch.glsl"
#include "storage.glsl"

layout(local_size_x = 64) in;

IN4(0, src);
OUT4(1, dst);

PUSH {
    uint group_base;
    uint count;  // invocations with work
    uint channels, src_stride, src_offset, dst_stride, dst_offset;
    uint in_h, in_w, out_h, out_w;
    uint kernel_h, kernel_w;
    int stride_y, stride_x, dilation_y, dilation_x, pad_y, pad_x;
    // Average: taps inside [-pad, counted) count in the divisor. in_h, in_w and count_pad = 0 to leave padding out;
    // in_h + pad_bottom, in_w + pad_right and count_pad = 1 to count it.
    int counted_h, counted_w;
    uint count_pad;
} pc;

void main() {
    if (INVOCATION_X >= pc.count) return;
    const uvec2 a = divide(INVOCATION_X, (pc.channels + 3u) / 4u);  // (pixel, quad)
    const uvec2 b = divide(a.x, pc.out_w);
    const uvec2 c = divide(b.x, pc.out_h);
    const int top = int(c.y) * pc.stride_y - pc.pad_y, left = int(b.y) * pc.stride_x - pc.pad_x;

    const float infinity = uintBitsToFloat(0x7f800000u);
#ifdef MAXIMUM
    vec4 result = vec4(-infinity);
#else
    vec4 result = vec4(0.0);
    float taps = 0.0;
#endif
    uint ky = 0u;
    do {
        const int y = top + int(ky) * pc.dilation_y;
        uint kx = 0u;
        do {
            const int x = left + int(kx) * pc.dilation_x;
            const bool inside = uint(y) < pc.in_h && uint(x) < pc.in_w;
            const int pixel = inside ? (int(c.x * pc.in_h) + y) * int(pc.in_w) + x : 0;
            const vec4 texel = LOAD4(src, pixel * int(pc.src_stride) + int(pc.src_offset + a.y));
#ifdef MAXIMUM
            result = max(result, inside ? texel : vec4(-infinity));
#else
            result += inside ? texel : vec4(0.0);
            const bool counts = y < pc.counted_h && x < pc.counted_w && (inside || pc.count_pad != 0u);
            taps += counts ? 1.0 : 0.0;
#endif
        } while (++kx < pc.kernel_w);
    } while (++ky < pc.kernel_h);
#ifndef MAXIMUM
    result /= max(taps, 1.0);
#endif

    const bvec4 exists = lessThan(a.y * 4u + uvec4(0, 1, 2, 3), uvec4(pc.channels));
    STORE4(dst, a.x * pc.dst_stride + pc.dst_offset + a.y, mix(vec4(0.0), result, exists));
}
