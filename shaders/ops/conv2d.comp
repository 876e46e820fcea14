// 2-D convolution of one group: implicit matrix product, rows = output pixels (n, y, x), columns = output channels.
// Tensors are C4; every size, stride, dilation and padding is a push constant.
// Bindings: src, weights (packed with the bias: matrix_panel.glsl, k = (ky, kx, input channel)), [residual], dst.
// Dispatch: x = ceil(rows / (TILE_ROWS TILE_GROUPS)) ceil(out_channels / (8 TILE_COLUMNS)).
#version 450
#pragma kernel conv2d_f32 TILE_ROWS=4 TILE_COLUMNS=4
#pragma kernel conv2d_f32_full TILE_ROWS=4 TILE_COLUMNS=4 FULL_EPILOGUE
#pragma kernel conv2d_f32_gate TILE_ROWS=4 TILE_COLUMNS=4 FULL_EPILOGUE GATE
#pragma kernel conv2d_f16 TILE_ROWS=4 TILE_COLUMNS=4 STORAGE_F16
#pragma kernel conv2d_f16_full TILE_ROWS=4 TILE_COLUMNS=4 STORAGE_F16 FULL_EPILOGUE
#pragma kernel conv2d_f16_gate TILE_ROWS=4 TILE_COLUMNS=4 STORAGE_F16 FULL_EPILOGUE GATE
#pragma kernel conv2d_f32_s32x4 TILE_ROWS=32 TILE_COLUMNS=4 SHUFFLE8 TEXEL needs=texel,shuffle8
#pragma kernel conv2d_f32_s32x4_full TILE_ROWS=32 TILE_COLUMNS=4 SHUFFLE8 TEXEL FULL_EPILOGUE needs=texel,shuffle8
#pragma kernel conv2d_f32_s32x4_gate TILE_ROWS=32 TILE_COLUMNS=4 SHUFFLE8 TEXEL FULL_EPILOGUE GATE needs=texel,shuffle8
#pragma kernel conv2d_f16_s32x4 TILE_ROWS=32 TILE_COLUMNS=4 SHUFFLE8 TEXEL STORAGE_F16 needs=texel,shuffle8
#pragma kernel conv2d_f16_s32x4_full TILE_ROWS=32 TILE_COLUMNS=4 SHUFFLE8 TEXEL STORAGE_F16 FULL_EPILOGUE needs=texel,shuffle8
#pragma kernel conv2d_f16_s32x4_gate TILE_ROWS=32 TILE_COLUMNS=4 SHUFFLE8 TEXEL STORAGE_F16 FULL_EPILOGUE GATE needs=texel,shuffle8
#pragma kernel conv2d_f32_s24x8 TILE_ROWS=24 TILE_COLUMNS=8 SHUFFLE8 TEXEL needs=texel,shuffle8
#pragma kernel conv2d_f32_s25x8 TILE_ROWS=25 TILE_COLUMNS=8 SHUFFLE8 TEXEL needs=texel,shuffle8
#pragma kernel conv2d_f32_s28x4 TILE_ROWS=28 TILE_COLUMNS=4 SHUFFLE8 TEXEL needs=texel,shuffle8
#pragma kernel conv2d_f32_s24x8_full TILE_ROWS=24 TILE_COLUMNS=8 SHUFFLE8 TEXEL FULL_EPILOGUE needs=texel,shuffle8
#pragma kernel conv2d_f32_s24x8_gate TILE_ROWS=24 TILE_COLUMNS=8 SHUFFLE8 TEXEL FULL_EPILOGUE GATE needs=texel,shuffle8
#pragma kernel conv2d_f32_s25x8_full TILE_ROWS=25 TILE_COLUMNS=8 SHUFFLE8 TEXEL FULL_EPILOGUE needs=texel,shuffle8
#pragma kernel conv2d_f32_s25x8_gate TILE_ROWS=25 TILE_COLUMNS=8 SHUFFLE8 TEXEL FULL_EPILOGUE GATE needs=texel,shuffle8
#pragma kernel conv2d_f32_s28x4_full TILE_ROWS=28 TILE_COLUMNS=4 SHUFFLE8 TEXEL FULL_EPILOGUE needs=texel,shuffle8
#pragma kernel conv2d_f32_s28x4_gate TILE_ROWS=28 TILE_COLUMNS=4 SHUFFLE8 TEXEL FULL_EPILOGUE GATE needs=texel,shuffle8
#pragma kernel conv2d_f16_s24x8 TILE_ROWS=24 TILE_COLUMNS=8 SHUFFLE8 TEXEL STORAGE_F16 needs=texel,shuffle8
#pragma kernel conv2d_f16_s25x8 TILE_ROWS=25 TILE_COLUMNS=8 SHUFFLE8 TEXEL STORAGE_F16 needs=texel,shuffle8
#pragma kernel conv2d_f16_s28x4 TILE_ROWS=28 TILE_COLUMNS=4 SHUFFLE8 TEXEL STORAGE_F16 needs=texel,shuffle8
#pragma kernel conv2d_f16_s24x8_full TILE_ROWS=24 TILE_COLUMNS=8 SHUFFLE8 TEXEL STORAGE_F16 FULL_EPILOGUE needs=texel,shuffle8
#pragma kernel conv2d_f16_s24x8_gate TILE_ROWS=24 TILE_COLUMNS=8 SHUFFLE8 TEXEL STORAGE_F16 FULL_EPILOGUE GATE needs=texel,shuffle8
#pragma kernel conv2d_f16_s25x8_full TILE_ROWS=25 TILE_COLUMNS=8 SHUFFLE8 TEXEL STORAGE_F16 FULL_EPILOGUE needs=texel,shuffle8
#pragma kernel conv2d_f16_s25x8_gate TILE_ROWS=25 TILE_COLUMNS=8 SHUFFLE8 TEXEL STORAGE_F16 FULL_EPILOGUE GATE needs=texel,shuffle8
#pragma kernel conv2d_f16_s28x4_full TILE_ROWS=28 TILE_COLUMNS=4 SHUFFLE8 TEXEL STORAGE_F16 FULL_EPILOGUE needs=texel,shuffle8
#pragma kernel conv2d_f16_s28x4_gate TILE_ROWS=28 TILE_COLUMNS=4 SHUFFLE8 TEXEL STORAGE_F16 FULL_EPILOGUE GATE needs=texel,shuffle8
#pragma kernel conv2d_f32_b32x32 BLOCK_ROWS=32 TILE_COLUMNS=4 THREAD_ROWS=4 THREAD_COLUMNS=4 STEP_QUADS=4
#pragma kernel conv2d_f32_b32x32_full BLOCK_ROWS=32 TILE_COLUMNS=4 THREAD_ROWS=4 THREAD_COLUMNS=4 STEP_QUADS=4 FULL_EPILOGUE
#pragma kernel conv2d_f16_b32x32 BLOCK_ROWS=32 TILE_COLUMNS=4 THREAD_ROWS=4 THREAD_COLUMNS=4 STEP_QUADS=4 STORAGE_F16
#pragma kernel conv2d_f16_b32x32_full BLOCK_ROWS=32 TILE_COLUMNS=4 THREAD_ROWS=4 THREAD_COLUMNS=4 STEP_QUADS=4 STORAGE_F16 FULL_EPILOGUE
#pragma kernel conv2d_f32_b64x64 BLOCK_ROWS=64 TILE_COLUMNS=8 THREAD_ROWS=8 THREAD_COLUMNS=8 STEP_QUADS=2
#pragma kernel conv2d_f32_b64x64_full BLOCK_ROWS=64 TILE_COLUMNS=8 THREAD_ROWS=8 THREAD_COLUMNS=8 STEP_QUADS=2 FULL_EPILOGUE
#pragma kernel conv2d_f16_b64x64 BLOCK_ROWS=64 TILE_COLUMNS=8 THREAD_ROWS=8 THREAD_COLUMNS=8 STEP_QUADS=2 STORAGE_F16
#pragma kernel conv2d_f16_b64x64_full BLOCK_ROWS=64 TILE_COLUMNS=8 THREAD_ROWS=8 THREAD_COLUMNS=8 STEP_QUADS=2 STORAGE_F16 FULL_EPILOGUE
#pragma kernel conv2d_f32_b128x64 BLOCK_ROWS=128 TILE_COLUMNS=8 THREAD_ROWS=8 THREAD_COLUMNS=8 STEP_QUADS=2
#pragma kernel conv2d_f32_b128x64_full BLOCK_ROWS=128 TILE_COLUMNS=8 THREAD_ROWS=8 THREAD_COLUMNS=8 STEP_QUADS=2 FULL_EPILOGUE
#pragma kernel conv2d_f16_b128x64 BLOCK_ROWS=128 TILE_COLUMNS=8 THREAD_ROWS=8 THREAD_COLUMNS=8 STEP_QUADS=2 STORAGE_F16
#pragma kernel conv2d_f16_b128x64_full BLOCK_ROWS=128 TILE_COLUMNS=8 THREAD_ROWS=8 THREAD_COLUMNS=8 STEP_QUADS=2 STORAGE_F16 FULL_EPILOGUE
#pragma kernel conv2d_f32_b128x128 BLOCK_ROWS=128 TILE_COLUMNS=16 THREAD_ROWS=8 THREAD_COLUMNS=8 STEP_QUADS=2 needs=large
#pragma kernel conv2d_f32_b128x128_full BLOCK_ROWS=128 TILE_COLUMNS=16 THREAD_ROWS=8 THREAD_COLUMNS=8 STEP_QUADS=2 FULL_EPILOGUE needs=large
#pragma kernel conv2d_f16_h64x64 BLOCK_ROWS=64 TILE_COLUMNS=8 THREAD_ROWS=8 THREAD_COLUMNS=8 STEP_QUADS=4 HALF_PRODUCTS STORAGE_F16 needs=float16
#pragma kernel conv2d_f16_h64x64_full BLOCK_ROWS=64 TILE_COLUMNS=8 THREAD_ROWS=8 THREAD_COLUMNS=8 STEP_QUADS=4 HALF_PRODUCTS STORAGE_F16 FULL_EPILOGUE needs=float16
#pragma kernel conv2d_f16_h128x64 BLOCK_ROWS=128 TILE_COLUMNS=8 THREAD_ROWS=8 THREAD_COLUMNS=8 STEP_QUADS=4 HALF_PRODUCTS STORAGE_F16 needs=float16
#pragma kernel conv2d_f16_h128x64_full BLOCK_ROWS=128 TILE_COLUMNS=8 THREAD_ROWS=8 THREAD_COLUMNS=8 STEP_QUADS=4 HALF_PRODUCTS STORAGE_F16 FULL_EPILOGUE needs=float16
#pragma kernel conv2d_f16_c32x32 BLOCK_ROWS=32 TILE_COLUMNS=4 SUBGROUP_ROWS=16 SUBGROUP_COLUMNS=32 STEP_QUADS=8 COOPMAT=16 SUBGROUP=32 STORAGE_F16 needs=coopmat,subgroup32
#pragma kernel conv2d_f16_c32x32_full BLOCK_ROWS=32 TILE_COLUMNS=4 SUBGROUP_ROWS=16 SUBGROUP_COLUMNS=32 STEP_QUADS=8 COOPMAT=16 SUBGROUP=32 STORAGE_F16 FULL_EPILOGUE needs=coopmat,subgroup32
#pragma kernel conv2d_f16_c64x64 BLOCK_ROWS=64 TILE_COLUMNS=8 SUBGROUP_ROWS=32 SUBGROUP_COLUMNS=32 STEP_QUADS=8 COOPMAT=16 SUBGROUP=32 STORAGE_F16 needs=coopmat,subgroup32
#pragma kernel conv2d_f16_c64x64_full BLOCK_ROWS=64 TILE_COLUMNS=8 SUBGROUP_ROWS=32 SUBGROUP_COLUMNS=32 STEP_QUADS=8 COOPMAT=16 SUBGROUP=32 STORAGE_F16 FULL_EPILOGUE needs=coopmat,subgroup32
#pragma kernel conv2d_f16_c128x128 BLOCK_ROWS=128 TILE_COLUMNS=16 SUBGROUP_ROWS=64 SUBGROUP_COLUMNS=64 STEP_QUADS=4 COOPMAT=16 SUBGROUP=32 STORAGE_F16 needs=coopmat,subgroup32
#pragma kernel conv2d_f16_c128x128_full BLOCK_ROWS=128 TILE_COLUMNS=16 SUBGROUP_ROWS=64 SUBGROUP_COLUMNS=64 STEP_QUADS=4 COOPMAT=16 SUBGROUP=32 STORAGE_F16 FULL_EPILOGUE needs=coopmat,subgroup32
#pragma kernel conv2d_f16_c32x32s64 BLOCK_ROWS=32 TILE_COLUMNS=4 SUBGROUP_ROWS=16 SUBGROUP_COLUMNS=32 STEP_QUADS=8 COOPMAT=16 SUBGROUP=64 STORAGE_F16 needs=coopmat,subgroup64
#pragma kernel conv2d_f16_c32x32s8 BLOCK_ROWS=32 TILE_COLUMNS=4 SUBGROUP_ROWS=16 SUBGROUP_COLUMNS=32 STEP_QUADS=8 COOPMAT=8 SUBGROUP=8 STORAGE_F16 needs=coopmat,subgroup8
#pragma kernel conv2d_f16_c32x32s64_full BLOCK_ROWS=32 TILE_COLUMNS=4 SUBGROUP_ROWS=16 SUBGROUP_COLUMNS=32 STEP_QUADS=8 COOPMAT=16 SUBGROUP=64 STORAGE_F16 FULL_EPILOGUE needs=coopmat,subgroup64
#pragma kernel conv2d_f16_c32x32s8_full BLOCK_ROWS=32 TILE_COLUMNS=4 SUBGROUP_ROWS=16 SUBGROUP_COLUMNS=32 STEP_QUADS=8 COOPMAT=8 SUBGROUP=8 STORAGE_F16 FULL_EPILOGUE needs=coopmat,subgroup8
#pragma kernel conv2d_f16_c64x64s64 BLOCK_ROWS=64 TILE_COLUMNS=8 SUBGROUP_ROWS=32 SUBGROUP_COLUMNS=32 STEP_QUADS=8 COOPMAT=16 SUBGROUP=64 STORAGE_F16 needs=coopmat,subgroup64
#pragma kernel conv2d_f16_c64x64s64_full BLOCK_ROWS=64 TILE_COLUMNS=8 SUBGROUP_ROWS=32 SUBGROUP_COLUMNS=32 STEP_QUADS=8 COOPMAT=16 SUBGROUP=64 STORAGE_F16 FULL_EPILOGUE needs=coopmat,subgroup64
#pragma kernel conv2d_f16_c128x128s64 BLOCK_ROWS=128 TILE_COLUMNS=16 SUBGROUP_ROWS=64 SUBGROUP_COLUMNS=64 STEP_QUADS=4 COOPMAT=16 SUBGROUP=64 STORAGE_F16 needs=coopmat,subgroup64
#pragma kernel conv2d_f16_c128x128s64_full BLOCK_ROWS=128 TILE_COLUMNS=16 SUBGROUP_ROWS=64 SUBGROUP_COLUMNS=64 STEP_QUADS=4 COOPMAT=16 SUBGROUP=64 STORAGE_F16 FULL_EPILOGUE needs=coopmat,subgroup64
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#ifdef SHUFFLE8
#extension GL_KHR_shader_subgroup_shuffle : require
#endif
#if defined(HALF_PRODUCTS) || defined(COOPMAT)
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#endif
#ifdef COOPMAT
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_memory_scope_semantics : require
#ifdef COOPMAT_KHR
#extension GL_KHR_cooperative_matrix : require
#else
#extension GL_NV_cooperative_matrix : require
#endif
#endif
#include "activation.glsl"
#include "dispatch.glsl"
#include "storage.glsl"

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
    uint rows;  // N out_h out_w
    uint in_quads, src_stride, src_offset;  // texels: input channels, a pixel's stride, where its channels begin
    uint out_channels, dst_stride, dst_offset;
    uint has_residual, residual_stride, residual_offset;
    uint panel_size;  // texels of a panel of weights
    uint tiles_inner, panels_inner;  // matrix_panel.glsl: the inner count of (row tiles, panels), which one is inner
    uint activation;
    float activation_a, activation_b;
    uint in_h, in_w, out_h, out_w;
    uint kernel_h, kernel_w;
    int stride_y, stride_x, dilation_y, dilation_x, pad_y, pad_x;
} pc;

#ifdef BLOCK_ROWS
#include "matrix_block.glsl"
#else
#include "matrix_tile.glsl"
#endif

// Of the rows whose texels the invocation loads: the window's first pixel, and the image's first line.
int top[TILE_SLOTS], left[TILE_SLOTS], image[TILE_SLOTS];
// Of the window's current tap: the pixel, and whether it is one.
int at[TILE_SLOTS];
bool inside[TILE_SLOTS];

void find_windows() {
    [[unroll]] for (int i = 0; i < TILE_SLOTS; ++i) {
        const uint row = min(SLOT_ROW(i), pc.rows - 1u);
        const uvec2 line = divide(row, pc.out_w);    // (n out_h + y, x)
        const uvec2 pixel = divide(line.x, pc.out_h);  // (n, y)
        top[i] = int(pixel.y) * pc.stride_y - pc.pad_y;
        left[i] = int(line.y) * pc.stride_x - pc.pad_x;
        image[i] = int(pixel.x * pc.in_h);
    }
}

void find_pixels(uint ky, uint kx) {
    [[unroll]] for (int i = 0; i < TILE_SLOTS; ++i) {
        const int y = top[i] + int(ky) * pc.dilation_y;
        const int x = left[i] + int(kx) * pc.dilation_x;
        inside[i] = uint(y) < pc.in_h && uint(x) < pc.in_w;
        at[i] = inside[i] ? ((image[i] + y) * int(pc.in_w) + x) * int(pc.src_stride) + int(pc.src_offset) : 0;
    }
}

#ifdef BLOCK_ROWS

uint slot_ky, slot_kx, slot_quad;  // of the slots' texels in the current step

SAC_WORD4 load_slot(int slot) {
    const bool exists = inside[slot] && slot_ky < pc.kernel_h;
    const SAC_WORD4 word = src[exists ? at[slot] + int(slot_quad) : 0];
    return exists ? word : SAC_WORD4(0);
}

void move_slots(uint quads) {
    slot_quad += quads;
    bool moved = quads == 0u;
    // A step may reach over as many taps as it has texels.
    [[unroll]] for (int i = 0; i < STEP_QUADS; ++i) {
        if (slot_quad >= pc.in_quads) {
            slot_quad -= pc.in_quads;
            const bool line = ++slot_kx == pc.kernel_w;
            slot_kx = line ? 0u : slot_kx;
            slot_ky += line ? 1u : 0u;
            moved = true;
        }
    }
    if (moved) find_pixels(slot_ky, slot_kx);
}

void next_step() { move_slots(uint(STEP_QUADS)); }

void main() {
    tile_place();
    find_windows();
    slot_ky = slot_kx = 0u;
    slot_quad = SLOT_QUAD;
    move_slots(0u);
    block_product();
}

#else

void main() {
    tile_place();
    find_windows();
    int weight = tile_begin();
    uint ky = 0u;
    do {
        uint kx = 0u;
        do {
            find_pixels(ky, kx);
            int quad = 0;
            do {
                vec4 a[TILE_SLOTS];
                [[unroll]] for (int i = 0; i < TILE_SLOTS; ++i) {
                    const vec4 texel = LOAD4(src, at[i] + quad);
                    a[i] = inside[i] ? texel : vec4(0.0);
                }
                tile_step(a, weight);
            } while (++quad < int(pc.in_quads));
        } while (++kx < pc.kernel_w);
    } while (++ky < pc.kernel_h);
    tile_store();
}

#endif
