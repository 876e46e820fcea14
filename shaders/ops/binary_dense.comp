// a (op) b with ONNX broadcasting: Dense tensors of rank 6 at most (smaller ranks: leading ones), by strides in elements, 0
// where an operand broadcasts. An invocation makes four neighbouring elements.
// Bindings: a, b, dst. Dispatch: x = ceil(ceil(elements / 4) / 64).
#version 450
#pragma kernel binary_dense_add_f32 OP=0
#pragma kernel binary_dense_add_f16 OP=0 STORAGE_F16
#pragma kernel binary_dense_sub_f32 OP=1
#pragma kernel binary_dense_sub_f16 OP=1 STORAGE_F16
#pragma kernel binary_dense_mul_f32 OP=2
#pragma kernel binary_dense_mul_f16 OP=2 STORAGE_F16
#pragma kernel binary_dense_div_f32 OP=3
#pragma kernel binary_dense_div_f16 OP=3 STORAGE_F16
#pragma kernel binary_dense_max_f32 OP=4
#pragma kernel binary_dense_max_f16 OP=4 STORAGE_F16
#pragma kernel binary_dense_min_f32 OP=5
#pragma kernel binary_dense_min_f16 OP=5 STORAGE_F16
#pragma kernel binary_dense_pow_f32 OP=6
#pragma kernel binary_dense_pow_f16 OP=6 STORAGE_F16
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "dispatch.glsl"
#include "storage.glsl"
#include "binary.glsl"

layout(local_size_x = 64) in;

IN4(0, a);
IN4(1, b);
OUT4(2, dst);

PUSH {
    uint group_base;
    uint elements;
    uint shape[6];
    uint a_stride[6], b_stride[6];
} pc;

void main() {
    const uint first = INVOCATION_X * 4u;
    if (first >= pc.elements) return;
    vec4 left, right;
    [[unroll]] for (uint i = 0u; i < 4u; ++i) {
        uint rest = min(first + i, pc.elements - 1u);
        uint at_a = 0u, at_b = 0u;
        [[unroll]] for (int axis = 5; axis >= 0; --axis) {
            const uint next = rest / pc.shape[axis];
            const uint index = rest - next * pc.shape[axis];
            at_a += index * pc.a_stride[axis];
            at_b += index * pc.b_stride[axis];
            rest = next;
        }
        left[i] = LOAD1(a, at_a);
        right[i] = LOAD1(b, at_b);
    }
    STORE4(dst, INVOCATION_X, combine(left, right));
}
