// 2-D maximum pooling that also tells where in its window each maximum was: the number ky kernel_w + kx of the first tap that
// holds it, as a float. Tensors are C4; a texel of channels of one output pixel an invocation.
// Bindings: src, dst, taps. Dispatch: x = ceil(N out_h out_w ceil(channels / 4) / 64).
#version 450
#pragma kernel pool2d_taps_f32
#pragma kernel pool2d_taps_f32_t TEXEL needs=texel
#pragma kernel pool2d_taps_f16 STORAGE_F16
#pragma kernel pool2d_taps_f16_t STORAGE_F16 TEXEL needs=texel
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "dispatch.glsl"
#include "storage.glsl"

layout(local_size_x = 64) in;

IN4(0, src);
OUT4(1, dst);
OUT4(2, taps);

PUSH {
    uint group_base;
    uint count;  // invocations with work
    uint channels, dst_stride, dst_offset;
    uint in_h, in_w, out_h, out_w;
    uint kernel_h, kernel_w;
    int stride_y, stride_x, dilation_y, dilation_x, pad_y, pad_x;
} pc;

void main() {
    if (INVOCATION_X >= pc.count) return;
    const uint quads = (pc.channels + 3u) / 4u;
    const uvec2 a = divide(INVOCATION_X, quads);  // (pixel, quad)
    const uvec2 b = divide(a.x, pc.out_w);
    const uvec2 c = divide(b.x, pc.out_h);
    const int top = int(c.y) * pc.stride_y - pc.pad_y, left = int(b.y) * pc.stride_x - pc.pad_x;

    vec4 result = vec4(0.0), tap = vec4(0.0);
    bool found = false;
    float number = 0.0;
    uint ky = 0u;
    do {
        const int y = top + int(ky) * pc.dilation_y;
        uint kx = 0u;
        do {
            const int x = left + int(kx) * pc.dilation_x;
            const bool inside = uint(y) < pc.in_h && uint(x) < pc.in_w;
            const int pixel = inside ? (int(c.x * pc.in_h) + y) * int(pc.in_w) + x : 0;
            const vec4 texel = LOAD4(src, pixel * int(quads) + int(a.y));
            [[unroll]] for (int i = 0; i < 4; ++i) {
                const bool better = inside && (!found || texel[i] > result[i]);
                result[i] = better ? texel[i] : result[i];
                tap[i] = better ? number : tap[i];
            }
            found = found || inside;
            number += 1.0;
        } while (++kx < pc.kernel_w);
    } while (++ky < pc.kernel_h);

    const bvec4 exists = lessThan(a.y * 4u + uvec4(0, 1, 2, 3), uvec4(pc.channels));
    STORE4(dst, a.x * pc.dst_stride + pc.dst_offset + a.y, mix(vec4(0.0), result, exists));
    STORE4(taps, INVOCATION_X, mix(vec4(0.0), tap, exists));
}
