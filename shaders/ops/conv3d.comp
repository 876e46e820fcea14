// 3-D convolution of one group: implicit matrix product, rows = output pixels (n, z, y, x), columns = output channels.
// As conv2d.comp, with depth as the outermost loop. Windows that leave an axis alone need it not: they are of two axes.
// Bindings: src, weights (packed with the bias: matrix_panel.glsl, k = (kz, ky, kx, input channel)), [residual], dst.
// Dispatch: x = ceil(rows / (TILE_ROWS TILE_GROUPS)) ceil(out_channels / (8 TILE_COLUMNS)).
#version 450
#pragma kernel conv3d_f32 TILE_ROWS=4 TILE_COLUMNS=4
#pragma kernel conv3d_f32_full TILE_ROWS=4 TILE_COLUMNS=4 FULL_EPILOGUE
#pragma kernel conv3d_f16 TILE_ROWS=4 TILE_COLUMNS=4 STORAGE_F16
#pragma kernel conv3d_f16_full TILE_ROWS=4 TILE_COLUMNS=4 STORAGE_F16 FULL_EPILOGUE
#pragma kernel conv3d_f32_s32x4 TILE_ROWS=32 TILE_COLUMNS=4 SHUFFLE8 TEXEL needs=texel,shuffle8
#pragma kernel conv3d_f32_s32x4_full TILE_ROWS=32 TILE_COLUMNS=4 SHUFFLE8 TEXEL FULL_EPILOGUE needs=texel,shuffle8
#pragma kernel conv3d_f16_s32x4 TILE_ROWS=32 TILE_COLUMNS=4 SHUFFLE8 TEXEL STORAGE_F16 needs=texel,shuffle8
#pragma kernel conv3d_f16_s32x4_full TILE_ROWS=32 TILE_COLUMNS=4 SHUFFLE8 TEXEL STORAGE_F16 FULL_EPILOGUE needs=texel,shuffle8
#pragma kernel conv3d_f32_s24x8 TILE_ROWS=24 TILE_COLUMNS=8 SHUFFLE8 TEXEL needs=texel,shuffle8
#pragma kernel conv3d_f32_s24x8_full TILE_ROWS=24 TILE_COLUMNS=8 SHUFFLE8 TEXEL FULL_EPILOGUE needs=texel,shuffle8
#pragma kernel conv3d_f16_s24x8 TILE_ROWS=24 TILE_COLUMNS=8 SHUFFLE8 TEXEL STORAGE_F16 needs=texel,shuffle8
#pragma kernel conv3d_f16_s24x8_full TILE_ROWS=24 TILE_COLUMNS=8 SHUFFLE8 TEXEL STORAGE_F16 FULL_EPILOGUE needs=texel,shuffle8
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#ifdef SHUFFLE8
#extension GL_KHR_shader_subgroup_shuffle : require
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
    uint rows;  // N out_d out_h out_w
    uint in_quads, src_stride, src_offset;  // texels: input channels, a pixel's stride, where its channels begin
    uint out_channels, dst_stride, dst_offset;
    uint has_residual, residual_stride, residual_offset;
    uint panel_size;  // texels of a panel of weights
    uint tiles_inner, panels_inner;  // matrix_panel.glsl: the inner count of (row tiles, panels), which one is inner
    uint activation;
    float activation_a, activation_b;
    // Depth, height, width; the stride is the upper half of its word.
    uint in_size[3], out_size[3], kernel_stride[3];
    int dilation[3], pad[3];
} pc;

#include "matrix_tile.glsl"

#define KERNEL(axis) (pc.kernel_stride[axis] & 0xffffu)
#define STRIDE(axis) int(pc.kernel_stride[axis] >> 16)

void main() {
    tile_place();
    int front[TILE_SLOTS], top[TILE_SLOTS], left[TILE_SLOTS], image[TILE_SLOTS];
    [[unroll]] for (int i = 0; i < TILE_SLOTS; ++i) {
        const uint row = min(SLOT_ROW(i), pc.rows - 1u);
        const uvec2 line = divide(row, pc.out_size[2]);      // ((n out_d + z) out_h + y, x)
        const uvec2 slice = divide(line.x, pc.out_size[1]);  // (n out_d + z, y)
        const uvec2 pixel = divide(slice.x, pc.out_size[0]);  // (n, z)
        front[i] = int(pixel.y) * STRIDE(0) - pc.pad[0];
        top[i] = int(slice.y) * STRIDE(1) - pc.pad[1];
        left[i] = int(line.y) * STRIDE(2) - pc.pad[2];
        image[i] = int(pixel.x * pc.in_size[0]);
    }

    int weight = tile_begin();
    uint kz = 0u;
    do {
        uint ky = 0u;
        do {
            uint kx = 0u;
            do {
                int at[TILE_SLOTS];
                bool inside[TILE_SLOTS];
                [[unroll]] for (int i = 0; i < TILE_SLOTS; ++i) {
                    const int z = front[i] + int(kz) * pc.dilation[0];
                    const int y = top[i] + int(ky) * pc.dilation[1];
                    const int x = left[i] + int(kx) * pc.dilation[2];
                    inside[i] = uint(z) < pc.in_size[0] && uint(y) < pc.in_size[1] && uint(x) < pc.in_size[2];
                    const int pixel = ((image[i] + z) * int(pc.in_size[1]) + y) * int(pc.in_size[2]) + x;
                    at[i] = inside[i] ? pixel * int(pc.src_stride) + int(pc.src_offset) : 0;
                }
                int quad = 0;
                do {
                    vec4 a[TILE_SLOTS];
                    [[unroll]] for (int i = 0; i < TILE_SLOTS; ++i) {
                        const vec4 texel = LOAD4(src, at[i] + quad);
                        a[i] = inside[i] ? texel : vec4(0.0);
                    }
                    tile_step(a, weight);
                } while (++quad < int(pc.in_quads));
            } while (++kx < KERNEL(2));
        } while (++ky < KERNEL(1));
    } while (++kz < KERNEL(0));

    tile_store();
}
