// The way back from pool2d_taps.comp: each element goes where its window's maximum was, all else is zero. Where windows
// overlap and two name one pixel, the later one's element is there. Tensors are C4; an invocation owns a texel of dst and
// asks the windows that reach its pixel.
// Bindings: src, taps, dst. Dispatch: x = ceil(N out_h out_w ceil(channels / 4) / 64).
#version 450
#pragma kernel unpool2d_f32
#pragma kernel unpool2d_f32_t TEXEL needs=texel
#pragma kernel unpool2d_f16 STORAGE_F16
#pragma kernel unpool2d_f16_t STORAGE_F16 TEXEL needs=texel
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "dispatch.glsl"
#include "storage.glsl"

layout(local_size_x = 64) in;

IN4(0, src);
IN4(1, taps);
OUT4(2, dst);

PUSH {
    uint group_base;
    uint count;  // invocations with work
    uint channels, dst_stride, dst_offset;
    uint in_h, in_w, out_h, out_w;  // of src, of dst
    uint kernel_h, kernel_w, stride_y, stride_x, pad_y, pad_x;
    uint windows_y, windows_x;  // that may reach a pixel, along each axis
} pc;

void main() {
    if (INVOCATION_X >= pc.count) return;
    const uint quads = (pc.channels + 3u) / 4u;
    const uvec2 a = divide(INVOCATION_X, quads);  // (pixel, quad)
    const uvec2 b = divide(a.x, pc.out_w);
    const uvec2 c = divide(b.x, pc.out_h);
    const int y = int(c.y + pc.pad_y), x = int(b.y + pc.pad_x);
    // The last window that begins at or before the pixel; then the ones before it.
    const int last_y = int(divide(uint(y), pc.stride_y).x), last_x = int(divide(uint(x), pc.stride_x).x);

    vec4 result = vec4(0.0);
    bvec4 found = bvec4(false);
    int i = 0;
    do {
        const int window_y = last_y - i, ky = y - window_y * int(pc.stride_y);
        int j = 0;
        do {
            const int window_x = last_x - j, kx = x - window_x * int(pc.stride_x);
            const bool reaches = uint(window_y) < pc.in_h && uint(window_x) < pc.in_w && ky < int(pc.kernel_h) &&
                                 kx < int(pc.kernel_w);
            const int at = reaches ? ((int(c.x * pc.in_h) + window_y) * int(pc.in_w) + window_x) * int(quads) + int(a.y) : 0;
            const vec4 texel = LOAD4(src, at);
            const vec4 distance = abs(LOAD4(taps, at) - float(ky * int(pc.kernel_w) + kx));
            [[unroll]] for (int k = 0; k < 4; ++k) {
                const bool here = reaches && !found[k] && distance[k] < 0.5;
                result[k] = here ? texel[k] : result[k];
                found[k] = found[k] || here;
            }
        } while (++j < int(pc.windows_x));
    } while (++i < int(pc.windows_y));

    const bvec4 exists = lessThan(a.y * 4u + uvec4(0, 1, 2, 3), uvec4(pc.channels));
    STORE4(dst, a.x * pc.dst_stride + pc.dst_offset + a.y, mix(vec4(0.0), result, exists));
}
