// 2-D resize of a C4 tensor, nearest or bilinear. Where an output pixel's sources lie is in a table made at plan time, so
// that every coordinate mode is exact on every device.
// Bindings: src, table, dst. Table: out_h texels of float for the rows, then out_w for the columns, whatever the storage
// type: (first source index, second, weight of the second, 0).
// Dispatch: x = ceil(N out_h out_w ceil(channels / 4) / 64).
#version 450
#pragma kernel resize2d_nearest_f32 NEAREST
#pragma kernel resize2d_nearest_f32_t NEAREST TEXEL needs=texel
#pragma kernel resize2d_nearest_f16 NEAREST STORAGE_F16
#pragma kernel resize2d_nearest_f16_t NEAREST STORAGE_F16 TEXEL needs=texel
#pragma kernel resize2d_linear_f32
#pragma kernel resize2d_linear_f32_t TEXEL needs=texel
#pragma kernel resize2d_linear_f16 STORAGE_F16
#pragma kernel resize2d_linear_f16_t STORAGE_F16 TEXEL needs=texel
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
    uint count;  // invocations with work
    uint channels, src_stride, src_offset, dst_stride, dst_offset;
    uint in_h, in_w, out_h, out_w;
} pc;

void main() {
    if (INVOCATION_X >= pc.count) return;
    const uvec2 a = divide(INVOCATION_X, (pc.channels + 3u) / 4u);  // (pixel, quad)
    const uvec2 b = divide(a.x, pc.out_w);
    const uvec2 c = divide(b.x, pc.out_h);
    const vec4 row = TABLE(c.y), column = TABLE(pc.out_h + b.y);
    const uint image = c.x * pc.in_h;
#define SOURCE(from_y, from_x) \
    LOAD4(src, ((image + uint(from_y)) * pc.in_w + uint(from_x)) * pc.src_stride + pc.src_offset + a.y)
    vec4 result = SOURCE(row.x, column.x);
#ifndef NEAREST
    const vec4 top = mix(result, SOURCE(row.x, column.y), column.z);
    const vec4 bottom = mix(SOURCE(row.y, column.x), SOURCE(row.y, column.y), column.z);
    result = mix(top, bottom, row.z);
#endif
    STORE4(dst, a.x * pc.dst_stride + pc.dst_offset + a.y, result);
}
