// Matrix product with constant weights: linear layers, and 1x1 convolutions of stride 1 without padding.
// src: rows of in_quads texels; dst: rows of out_channels elements padded to texels. In C4 a row is a pixel or a token.
// Bindings: src, weights (packed with the bias: matrix_panel.glsl, k = input channel), [residual], dst.
// Dispatch: x = ceil(rows / (TILE_ROWS TILE_GROUPS)) ceil(out_channels / (8 TILE_COLUMNS)), y = products of that shape, each
// batch_src, batch_weights and batch_dst texels after the one before.
// The variants of one row are for products that only stream the weights: few rows, as in a classifier's last layer.
#version 450
#pragma kernel gemm_f32 TILE_ROWS=4 TILE_COLUMNS=4
#pragma kernel gemm_f32_full TILE_ROWS=4 TILE_COLUMNS=4 FULL_EPILOGUE
#pragma kernel gemm_f32_gate TILE_ROWS=4 TILE_COLUMNS=4 FULL_EPILOGUE GATE
#pragma kernel gemm_f16 TILE_ROWS=4 TILE_COLUMNS=4 STORAGE_F16
#pragma kernel gemm_f16_full TILE_ROWS=4 TILE_COLUMNS=4 STORAGE_F16 FULL_EPILOGUE
#pragma kernel gemm_f16_gate TILE_ROWS=4 TILE_COLUMNS=4 STORAGE_F16 FULL_EPILOGUE GATE
#pragma kernel gemm_f32_t1x4_full TILE_ROWS=1 TILE_COLUMNS=4 TILE_GROUPS=1 TEXEL FULL_EPILOGUE needs=texel
#pragma kernel gemm_f16_t1x4_full TILE_ROWS=1 TILE_COLUMNS=4 TILE_GROUPS=1 TEXEL STORAGE_F16 FULL_EPILOGUE needs=texel
#pragma kernel gemm_f32_s32x4 TILE_ROWS=32 TILE_COLUMNS=4 SHUFFLE8 TEXEL needs=texel,shuffle8
#pragma kernel gemm_f32_s32x4_full TILE_ROWS=32 TILE_COLUMNS=4 SHUFFLE8 TEXEL FULL_EPILOGUE needs=texel,shuffle8
#pragma kernel gemm_f32_s32x4_gate TILE_ROWS=32 TILE_COLUMNS=4 SHUFFLE8 TEXEL FULL_EPILOGUE GATE needs=texel,shuffle8
#pragma kernel gemm_f32_s32x4_gelu TILE_ROWS=32 TILE_COLUMNS=4 SHUFFLE8 TEXEL FULL_EPILOGUE GELU needs=texel,shuffle8
#pragma kernel gemm_f16_s32x4 TILE_ROWS=32 TILE_COLUMNS=4 SHUFFLE8 TEXEL STORAGE_F16 needs=texel,shuffle8
#pragma kernel gemm_f16_s32x4_full TILE_ROWS=32 TILE_COLUMNS=4 SHUFFLE8 TEXEL STORAGE_F16 FULL_EPILOGUE needs=texel,shuffle8
#pragma kernel gemm_f16_s32x4_gate TILE_ROWS=32 TILE_COLUMNS=4 SHUFFLE8 TEXEL STORAGE_F16 FULL_EPILOGUE GATE needs=texel,shuffle8
#pragma kernel gemm_f16_s32x4_gelu TILE_ROWS=32 TILE_COLUMNS=4 SHUFFLE8 TEXEL STORAGE_F16 FULL_EPILOGUE GELU needs=texel,shuffle8
#pragma kernel gemm_f32_s16x8 TILE_ROWS=16 TILE_COLUMNS=8 SHUFFLE8 TEXEL needs=texel,shuffle8
#pragma kernel gemm_f32_s16x8_full TILE_ROWS=16 TILE_COLUMNS=8 SHUFFLE8 TEXEL FULL_EPILOGUE needs=texel,shuffle8
#pragma kernel gemm_f32_s16x8_gate TILE_ROWS=16 TILE_COLUMNS=8 SHUFFLE8 TEXEL FULL_EPILOGUE GATE needs=texel,shuffle8
#pragma kernel gemm_f32_s16x8_gelu TILE_ROWS=16 TILE_COLUMNS=8 SHUFFLE8 TEXEL FULL_EPILOGUE GELU needs=texel,shuffle8
#pragma kernel gemm_f16_s16x8 TILE_ROWS=16 TILE_COLUMNS=8 SHUFFLE8 TEXEL STORAGE_F16 needs=texel,shuffle8
#pragma kernel gemm_f16_s16x8_full TILE_ROWS=16 TILE_COLUMNS=8 SHUFFLE8 TEXEL STORAGE_F16 FULL_EPILOGUE needs=texel,shuffle8
#pragma kernel gemm_f16_s16x8_gate TILE_ROWS=16 TILE_COLUMNS=8 SHUFFLE8 TEXEL STORAGE_F16 FULL_EPILOGUE GATE needs=texel,shuffle8
#pragma kernel gemm_f16_s16x8_gelu TILE_ROWS=16 TILE_COLUMNS=8 SHUFFLE8 TEXEL STORAGE_F16 FULL_EPILOGUE GELU needs=texel,shuffle8
#pragma kernel gemm_f32_s24x8 TILE_ROWS=24 TILE_COLUMNS=8 SHUFFLE8 TEXEL needs=texel,shuffle8
#pragma kernel gemm_f32_s25x8 TILE_ROWS=25 TILE_COLUMNS=8 SHUFFLE8 TEXEL needs=texel,shuffle8
#pragma kernel gemm_f32_s28x4 TILE_ROWS=28 TILE_COLUMNS=4 SHUFFLE8 TEXEL needs=texel,shuffle8
#pragma kernel gemm_f32_s24x8_full TILE_ROWS=24 TILE_COLUMNS=8 SHUFFLE8 TEXEL FULL_EPILOGUE needs=texel,shuffle8
#pragma kernel gemm_f32_s24x8_gate TILE_ROWS=24 TILE_COLUMNS=8 SHUFFLE8 TEXEL FULL_EPILOGUE GATE needs=texel,shuffle8
#pragma kernel gemm_f32_s24x8_gelu TILE_ROWS=24 TILE_COLUMNS=8 SHUFFLE8 TEXEL FULL_EPILOGUE GELU needs=texel,shuffle8
#pragma kernel gemm_f32_s25x8_full TILE_ROWS=25 TILE_COLUMNS=8 SHUFFLE8 TEXEL FULL_EPILOGUE needs=texel,shuffle8
#pragma kernel gemm_f32_s25x8_gate TILE_ROWS=25 TILE_COLUMNS=8 SHUFFLE8 TEXEL FULL_EPILOGUE GATE needs=texel,shuffle8
#pragma kernel gemm_f32_s25x8_gelu TILE_ROWS=25 TILE_COLUMNS=8 SHUFFLE8 TEXEL FULL_EPILOGUE GELU needs=texel,shuffle8
#pragma kernel gemm_f32_s28x4_full TILE_ROWS=28 TILE_COLUMNS=4 SHUFFLE8 TEXEL FULL_EPILOGUE needs=texel,shuffle8
#pragma kernel gemm_f32_s28x4_gate TILE_ROWS=28 TILE_COLUMNS=4 SHUFFLE8 TEXEL FULL_EPILOGUE GATE needs=texel,shuffle8
#pragma kernel gemm_f32_s28x4_gelu TILE_ROWS=28 TILE_COLUMNS=4 SHUFFLE8 TEXEL FULL_EPILOGUE GELU needs=texel,shuffle8
#pragma kernel gemm_f16_s24x8 TILE_ROWS=24 TILE_COLUMNS=8 SHUFFLE8 TEXEL STORAGE_F16 needs=texel,shuffle8
#pragma kernel gemm_f16_s25x8 TILE_ROWS=25 TILE_COLUMNS=8 SHUFFLE8 TEXEL STORAGE_F16 needs=texel,shuffle8
#pragma kernel gemm_f16_s28x4 TILE_ROWS=28 TILE_COLUMNS=4 SHUFFLE8 TEXEL STORAGE_F16 needs=texel,shuffle8
#pragma kernel gemm_f16_s24x8_full TILE_ROWS=24 TILE_COLUMNS=8 SHUFFLE8 TEXEL STORAGE_F16 FULL_EPILOGUE needs=texel,shuffle8
#pragma kernel gemm_f16_s24x8_gate TILE_ROWS=24 TILE_COLUMNS=8 SHUFFLE8 TEXEL STORAGE_F16 FULL_EPILOGUE GATE needs=texel,shuffle8
#pragma kernel gemm_f16_s24x8_gelu TILE_ROWS=24 TILE_COLUMNS=8 SHUFFLE8 TEXEL STORAGE_F16 FULL_EPILOGUE GELU needs=texel,shuffle8
#pragma kernel gemm_f16_s25x8_full TILE_ROWS=25 TILE_COLUMNS=8 SHUFFLE8 TEXEL STORAGE_F16 FULL_EPILOGUE needs=texel,shuffle8
#pragma kernel gemm_f16_s25x8_gate TILE_ROWS=25 TILE_COLUMNS=8 SHUFFLE8 TEXEL STORAGE_F16 FULL_EPILOGUE GATE needs=texel,shuffle8
#pragma kernel gemm_f16_s25x8_gelu TILE_ROWS=25 TILE_COLUMNS=8 SHUFFLE8 TEXEL STORAGE_F16 FULL_EPILOGUE GELU needs=texel,shuffle8
#pragma kernel gemm_f16_s28x4_full TILE_ROWS=28 TILE_COLUMNS=4 SHUFFLE8 TEXEL STORAGE_F16 FULL_EPILOGUE needs=texel,shuffle8
#pragma kernel gemm_f16_s28x4_gate TILE_ROWS=28 TILE_COLUMNS=4 SHUFFLE8 TEXEL STORAGE_F16 FULL_EPILOGUE GATE needs=texel,shuffle8
#pragma kernel gemm_f16_s28x4_gelu TILE_ROWS=28 TILE_COLUMNS=4 SHUFFLE8 TEXEL STORAGE_F16 FULL_EPILOGUE GELU needs=texel,shuffle8
#pragma kernel gemm_f32_b32x32 BLOCK_ROWS=32 TILE_COLUMNS=4 THREAD_ROWS=4 THREAD_COLUMNS=4 STEP_QUADS=4
#pragma kernel gemm_f32_b32x32_full BLOCK_ROWS=32 TILE_COLUMNS=4 THREAD_ROWS=4 THREAD_COLUMNS=4 STEP_QUADS=4 FULL_EPILOGUE
#pragma kernel gemm_f16_b32x32 BLOCK_ROWS=32 TILE_COLUMNS=4 THREAD_ROWS=4 THREAD_COLUMNS=4 STEP_QUADS=4 STORAGE_F16
#pragma kernel gemm_f16_b32x32_full BLOCK_ROWS=32 TILE_COLUMNS=4 THREAD_ROWS=4 THREAD_COLUMNS=4 STEP_QUADS=4 STORAGE_F16 FULL_EPILOGUE
#pragma kernel gemm_f32_b64x64 BLOCK_ROWS=64 TILE_COLUMNS=8 THREAD_ROWS=8 THREAD_COLUMNS=8 STEP_QUADS=2
#pragma kernel gemm_f32_b64x64_full BLOCK_ROWS=64 TILE_COLUMNS=8 THREAD_ROWS=8 THREAD_COLUMNS=8 STEP_QUADS=2 FULL_EPILOGUE
#pragma kernel gemm_f16_b64x64 BLOCK_ROWS=64 TILE_COLUMNS=8 THREAD_ROWS=8 THREAD_COLUMNS=8 STEP_QUADS=2 STORAGE_F16
#pragma kernel gemm_f16_b64x64_full BLOCK_ROWS=64 TILE_COLUMNS=8 THREAD_ROWS=8 THREAD_COLUMNS=8 STEP_QUADS=2 STORAGE_F16 FULL_EPILOGUE
#pragma kernel gemm_f32_b128x64 BLOCK_ROWS=128 TILE_COLUMNS=8 THREAD_ROWS=8 THREAD_COLUMNS=8 STEP_QUADS=2
#pragma kernel gemm_f32_b128x64_full BLOCK_ROWS=128 TILE_COLUMNS=8 THREAD_ROWS=8 THREAD_COLUMNS=8 STEP_QUADS=2 FULL_EPILOGUE
#pragma kernel gemm_f16_b128x64 BLOCK_ROWS=128 TILE_COLUMNS=8 THREAD_ROWS=8 THREAD_COLUMNS=8 STEP_QUADS=2 STORAGE_F16
#pragma kernel gemm_f16_b128x64_full BLOCK_ROWS=128 TILE_COLUMNS=8 THREAD_ROWS=8 THREAD_COLUMNS=8 STEP_QUADS=2 STORAGE_F16 FULL_EPILOGUE
#pragma kernel gemm_f32_b128x128 BLOCK_ROWS=128 TILE_COLUMNS=16 THREAD_ROWS=8 THREAD_COLUMNS=8 STEP_QUADS=2 needs=large
#pragma kernel gemm_f32_b128x128_full BLOCK_ROWS=128 TILE_COLUMNS=16 THREAD_ROWS=8 THREAD_COLUMNS=8 STEP_QUADS=2 FULL_EPILOGUE needs=large
#pragma kernel gemm_f16_h64x64 BLOCK_ROWS=64 TILE_COLUMNS=8 THREAD_ROWS=8 THREAD_COLUMNS=8 STEP_QUADS=4 HALF_PRODUCTS STORAGE_F16 needs=float16
#pragma kernel gemm_f16_h64x64_full BLOCK_ROWS=64 TILE_COLUMNS=8 THREAD_ROWS=8 THREAD_COLUMNS=8 STEP_QUADS=4 HALF_PRODUCTS STORAGE_F16 FULL_EPILOGUE needs=float16
#pragma kernel gemm_f16_h128x64 BLOCK_ROWS=128 TILE_COLUMNS=8 THREAD_ROWS=8 THREAD_COLUMNS=8 STEP_QUADS=4 HALF_PRODUCTS STORAGE_F16 needs=float16
#pragma kernel gemm_f16_h128x64_full BLOCK_ROWS=128 TILE_COLUMNS=8 THREAD_ROWS=8 THREAD_COLUMNS=8 STEP_QUADS=4 HALF_PRODUCTS STORAGE_F16 FULL_EPILOGUE needs=float16
#pragma kernel gemm_f16_c32x32 BLOCK_ROWS=32 TILE_COLUMNS=4 SUBGROUP_ROWS=16 SUBGROUP_COLUMNS=32 STEP_QUADS=8 COOPMAT=16 SUBGROUP=32 STORAGE_F16 needs=coopmat,subgroup32
#pragma kernel gemm_f16_c32x32_full BLOCK_ROWS=32 TILE_COLUMNS=4 SUBGROUP_ROWS=16 SUBGROUP_COLUMNS=32 STEP_QUADS=8 COOPMAT=16 SUBGROUP=32 STORAGE_F16 FULL_EPILOGUE needs=coopmat,subgroup32
#pragma kernel gemm_f16_c64x64 BLOCK_ROWS=64 TILE_COLUMNS=8 SUBGROUP_ROWS=32 SUBGROUP_COLUMNS=32 STEP_QUADS=8 COOPMAT=16 SUBGROUP=32 STORAGE_F16 needs=coopmat,subgroup32
#pragma kernel gemm_f16_c64x64_full BLOCK_ROWS=64 TILE_COLUMNS=8 SUBGROUP_ROWS=32 SUBGROUP_COLUMNS=32 STEP_QUADS=8 COOPMAT=16 SUBGROUP=32 STORAGE_F16 FULL_EPILOGUE needs=coopmat,subgroup32
#pragma kernel gemm_f16_c128x128 BLOCK_ROWS=128 TILE_COLUMNS=16 SUBGROUP_ROWS=64 SUBGROUP_COLUMNS=64 STEP_QUADS=4 COOPMAT=16 SUBGROUP=32 STORAGE_F16 needs=coopmat,subgroup32
#pragma kernel gemm_f16_c128x128_full BLOCK_ROWS=128 TILE_COLUMNS=16 SUBGROUP_ROWS=64 SUBGROUP_COLUMNS=64 STEP_QUADS=4 COOPMAT=16 SUBGROUP=32 STORAGE_F16 FULL_EPILOGUE needs=coopmat,subgroup32
#pragma kernel gemm_f16_c32x32s64 BLOCK_ROWS=32 TILE_COLUMNS=4 SUBGROUP_ROWS=16 SUBGROUP_COLUMNS=32 STEP_QUADS=8 COOPMAT=16 SUBGROUP=64 STORAGE_F16 needs=coopmat,subgroup64
#pragma kernel gemm_f16_c32x32s8 BLOCK_ROWS=32 TILE_COLUMNS=4 SUBGROUP_ROWS=16 SUBGROUP_COLUMNS=32 STEP_QUADS=8 COOPMAT=8 SUBGROUP=8 STORAGE_F16 needs=coopmat,subgroup8
#pragma kernel gemm_f16_c32x32s64_full BLOCK_ROWS=32 TILE_COLUMNS=4 SUBGROUP_ROWS=16 SUBGROUP_COLUMNS=32 STEP_QUADS=8 COOPMAT=16 SUBGROUP=64 STORAGE_F16 FULL_EPILOGUE needs=coopmat,subgroup64
#pragma kernel gemm_f16_c32x32s8_full BLOCK_ROWS=32 TILE_COLUMNS=4 SUBGROUP_ROWS=16 SUBGROUP_COLUMNS=32 STEP_QUADS=8 COOPMAT=8 SUBGROUP=8 STORAGE_F16 FULL_EPILOGUE needs=coopmat,subgroup8
#pragma kernel gemm_f16_c64x64s64 BLOCK_ROWS=64 TILE_COLUMNS=8 SUBGROUP_ROWS=32 SUBGROUP_COLUMNS=32 STEP_QUADS=8 COOPMAT=16 SUBGROUP=64 STORAGE_F16 needs=coopmat,subgroup64
#pragma kernel gemm_f16_c64x64s64_full BLOCK_ROWS=64 TILE_COLUMNS=8 SUBGROUP_ROWS=32 SUBGROUP_COLUMNS=32 STEP_QUADS=8 COOPMAT=16 SUBGROUP=64 STORAGE_F16 FULL_EPILOGUE needs=coopmat,subgroup64
#pragma kernel gemm_f16_c128x128s64 BLOCK_ROWS=128 TILE_COLUMNS=16 SUBGROUP_ROWS=64 SUBGROUP_COLUMNS=64 STEP_QUADS=4 COOPMAT=16 SUBGROUP=64 STORAGE_F16 needs=coopmat,subgroup64
#pragma kernel gemm_f16_c128x128s64_full BLOCK_ROWS=128 TILE_COLUMNS=16 SUBGROUP_ROWS=64 SUBGROUP_COLUMNS=64 STEP_QUADS=4 COOPMAT=16 SUBGROUP=64 STORAGE_F16 FULL_EPILOGUE needs=coopmat,subgroup64
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
#ifndef SHUFFLE8  // those have variants for it alone
#define WITH_GELU
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
    uint rows;
    uint in_quads, src_stride, src_offset;  // texels: a row's length, its stride, where its columns begin
    uint out_channels, dst_stride, dst_offset;
    uint has_residual, residual_stride, residual_offset;
    uint panel_size;  // texels of a panel of weights
    uint tiles_inner, panels_inner;  // matrix_panel.glsl: the inner count of (row tiles, panels), which one is inner
    uint activation;
    float activation_a, activation_b;
    uint batch_src, batch_weights, batch_dst;
    uint skip_at, skip;  // texels of a row from skip_at on lie `skip` further: what is between has weights of zero
} pc;

#define TILE_WEIGHTS (gl_WorkGroupID.y * pc.batch_weights)
#define TILE_DST (gl_WorkGroupID.y * pc.batch_dst)
#ifdef BLOCK_ROWS
#include "matrix_block.glsl"
#else
#include "matrix_tile.glsl"
#endif

int at[TILE_SLOTS];  // of the rows whose texels the invocation loads, the first

int place_in_row(uint quad) { return int(quad + (quad < pc.skip_at ? 0u : pc.skip)); }

void find_rows() {
    [[unroll]] for (int i = 0; i < TILE_SLOTS; ++i) {
        at[i] = int(min(SLOT_ROW(i), pc.rows - 1u) * pc.src_stride + pc.src_offset + gl_WorkGroupID.y * pc.batch_src);
    }
}

#ifdef BLOCK_ROWS

uint slot_quad;  // of the slots' texels in the current step

SAC_WORD4 load_slot(int slot) {
    const bool exists = slot_quad < pc.in_quads;
    const SAC_WORD4 word = src[exists ? at[slot] + place_in_row(slot_quad) : 0];
    return exists ? word : SAC_WORD4(0);
}

void next_step() { slot_quad += uint(STEP_QUADS); }

void main() {
    tile_place();
    find_rows();
    slot_quad = SLOT_QUAD;
    block_product();
}

#else

void main() {
    tile_place();
    find_rows();
    int weight = tile_begin();
    uint quad = 0u;
    do {
        vec4 a[TILE_SLOTS];
        const int from = place_in_row(quad);
        [[unroll]] for (int i = 0; i < TILE_SLOTS; ++i) a[i] = LOAD4(src, at[i] + from);
        tile_step(a, weight);
    } while (++quad < pc.in_quads);
    tile_store();
}

#endif
