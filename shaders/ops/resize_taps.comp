// Resize along one axis by weighted sums of any number of elements: cubic, antialiased, cropped, and axes other than those of
// images. Which elements with which weights is in a table made at plan time.
//   DENSE      tensors in ONNX order, an element of which has `inner` after it along the axis; an invocation owns four elements
//   otherwise  C4, an axis of pixels; an invocation owns a texel
// Bindings: src, table, dst. Table, of float whatever the storage type: for each output along the axis `row` texels: (what is
// added, 0, 0, 0), then (source, weight, source, weight).
// Dispatch: x = ceil(texels of dst / 64).
#version 450
#pragma kernel resize_taps_f32
#pragma kernel resize_taps_f32_t TEXEL needs=texel
#pragma kernel resize_taps_f16 STORAGE_F16
#pragma kernel resize_taps_f16_t STORAGE_F16 TEXEL needs=texel
#pragma kernel resize_taps_dense_f32 DENSE
#pragma kernel resize_taps_dense_f32_t DENSE TEXEL needs=texel
#pragma kernel resize_taps_dense_f16 DENSE STORAGE_F16
#pragma kernel resize_taps_dense_f16_t DENSE STORAGE_F16 TEXEL needs=texel
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "dispatch.glsl"
#include "storage.glsl"

layout(local_size_x = 64) in;

IN4(0, src);
#ifdef TEXEL
layout(set = 0, binding = 1, rgba32f) readonly uniform imageBuffer table;
#define TABLE(i) imageLoad(table, int(i))
#else
layout(set = 0, binding = 1, std430) readonly buffer table_block { vec4 table[]; };
#define TABLE(i) table[i]
#endif
OUT4(2, dst);

PUSH {
    uint group_base;
    uint count;  // texels of dst
    uint in_size, out_size, inner;  // along the axis; pixels after it, or DENSE elements
    uint row;  // texels of the table for an output
#ifdef DENSE
    uint elements;  // of dst
#else
    uint channels, dst_stride, dst_offset;  // texels of a pixel
#endif
} pc;

// An infinity with a weight of zero is nothing.
vec4 scaled(vec4 x, float weight) { return weight == 0.0 ? vec4(0.0) : x * weight; }

void main() {
    if (INVOCATION_X >= pc.count) return;
#ifdef DENSE
    vec4 result;
    [[unroll]] for (uint i = 0u; i < 4u; ++i) {
        const uint element = min(INVOCATION_X * 4u + i, pc.elements - 1u);
        const uvec2 a = divide(element, pc.inner);  // (outer out_size + o, inner)
        const uvec2 b = divide(a.x, pc.out_size);   // (outer, o)
        const uint from = b.x * pc.in_size;
        const uint at = b.y * pc.row;
        float sum = TABLE(at).x;
        uint tap = 1u;
        do {
            const vec4 pair = TABLE(at + tap);
            const float x = LOAD1(src, (from + uint(pair.x)) * pc.inner + a.y);
            const float y = LOAD1(src, (from + uint(pair.z)) * pc.inner + a.y);
            sum += scaled(vec4(x), pair.y).x + scaled(vec4(y), pair.w).x;
        } while (++tap < pc.row);
        result[i] = sum;
    }
    STORE4(dst, INVOCATION_X, result);
#else
    const uint quads = (pc.channels + 3u) / 4u;
    const uvec2 a = divide(INVOCATION_X, quads);  // (pixel, quad)
    const uvec2 b = divide(a.x, pc.inner);        // (outer out_size + o, inner)
    const uvec2 c = divide(b.x, pc.out_size);     // (outer, o)
    const uint at = c.y * pc.row;
    vec4 sum = vec4(TABLE(at).x);
    uint tap = 1u;
    do {
        const vec4 pair = TABLE(at + tap);
        const vec4 x = LOAD4(src, ((c.x * pc.in_size + uint(pair.x)) * pc.inner + b.y) * quads + a.y);
        const vec4 y = LOAD4(src, ((c.x * pc.in_size + uint(pair.z)) * pc.inner + b.y) * quads + a.y);
        sum += scaled(x, pair.y) + scaled(y, pair.w);
    } while (++tap < pc.row);
    const bvec4 exists = lessThan(a.y * 4u + uvec4(0, 1, 2, 3), uvec4(pc.channels));
    STORE4(dst, a.x * pc.dst_stride + pc.dst_offset + a.y, mix(vec4(0.0), sum, exists));
#endif
}
