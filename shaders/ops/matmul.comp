// Batched product of two Dense tensors that are both computed at run time: dst[batch] = a[batch] (M x K) b[batch] (K x N).
// ALIGNED: N is a multiple of four; an invocation makes four columns of four rows. Otherwise four neighbouring elements.
// Batches have two axes, by strides in elements, 0 where an operand broadcasts. K: at most 65,000.
// Bindings: a, b, dst. Dispatch: x = ceil(count / 64); count: ceil(elements / 4), ALIGNED: batches ceil(M / 4) (N / 4).
#version 450
#pragma kernel matmul_f32
#pragma kernel matmul_f32_t TEXEL needs=texel
#pragma kernel matmul_f16 STORAGE_F16
#pragma kernel matmul_f16_t STORAGE_F16 TEXEL needs=texel
#pragma kernel matmul_aligned_f32 ALIGNED
#pragma kernel matmul_aligned_f32_t ALIGNED TEXEL needs=texel
#pragma kernel matmul_aligned_f16 ALIGNED STORAGE_F16
#pragma kernel matmul_aligned_f16_t ALIGNED STORAGE_F16 TEXEL needs=texel
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "dispatch.glsl"
#include "storage.glsl"

layout(local_size_x = 64) in;

IN4(0, a);
IN4(1, b);
OUT4(2, dst);

PUSH {
    uint group_base;
    uint count;     // invocations with work
    uint elements;  // of dst
    uint m, k, n;
    uint inner_batches;  // batch = (outer, inner)
    uint a_outer, a_inner, b_outer, b_inner;
} pc;

void main() {
    if (INVOCATION_X >= pc.count) return;
#ifdef ALIGNED
    const uvec2 column = divide(INVOCATION_X, pc.n / 4u);          // (batch and row block, column texel)
    const uvec2 block = divide(column.x, (pc.m + 3u) / 4u);        // (batch, row block)
    const uvec2 batch = divide(block.x, pc.inner_batches);
    const uint row = block.y * 4u;
    uint at_a[4];
    [[unroll]] for (uint r = 0u; r < 4u; ++r) {
        at_a[r] = batch.x * pc.a_outer + batch.y * pc.a_inner + min(row + r, pc.m - 1u) * pc.k;
    }
    uint at_b = (batch.x * pc.b_outer + batch.y * pc.b_inner) / 4u + column.y;
    vec4 sum[4] = vec4[4](vec4(0.0), vec4(0.0), vec4(0.0), vec4(0.0));
    uint i = 0u;
    do {
        const vec4 right = LOAD4(b, at_b);
        at_b += pc.n / 4u;
        [[unroll]] for (uint r = 0u; r < 4u; ++r) sum[r] += LOAD1(a, at_a[r] + i) * right;
    } while (++i < pc.k);
    [[unroll]] for (uint r = 0u; r < 4u; ++r) {
        if (row + r < pc.m) STORE4(dst, (block.x * pc.m + row + r) * (pc.n / 4u) + column.y, sum[r]);
    }
#else
    uvec4 at_a, at_b;
    [[unroll]] for (uint e = 0u; e < 4u; ++e) {
        const uint element = min(INVOCATION_X * 4u + e, pc.elements - 1u);
        const uint line = element / pc.n;  // batch and row
        const uint which = line / pc.m;
        const uvec2 batch = divide(which, pc.inner_batches);
        at_a[e] = batch.x * pc.a_outer + batch.y * pc.a_inner + (line - which * pc.m) * pc.k;
        at_b[e] = batch.x * pc.b_outer + batch.y * pc.b_inner + (element - line * pc.n);
    }
    vec4 sum = vec4(0.0);
    uint i = 0u;
    do {
        [[unroll]] for (uint e = 0u; e < 4u; ++e) sum[e] += LOAD1(a, at_a[e] + i) * LOAD1(b, at_b[e] + i * pc.n);
    } while (++i < pc.k);
    STORE4(dst, INVOCATION_X, sum);
#endif
}
