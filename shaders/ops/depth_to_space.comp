// Blocks of channels to blocks of pixels, C4 to C4, over three spatial axes: the phases of a block, each with the channels of
// an output pixel, lie in one input pixel. Pixel shuffles, and the interleaving that ends a transposed convolution.
//   dst[n, p block + phase, c] = src[n, p, c channel_step + phase phase_step]
//   QUADS          channel_step 1 and phase_step a multiple of four: whole texels
//   FULL_EPILOGUE  activation(... + residual), QUADS alone
// The phase counts along x first. An invocation owns four channels of a block of dst: places cost more than copies.
// Bindings: src, [residual], dst. Dispatch: x = ceil(N in_d in_h in_w ceil(channels / 4) / 64).
#version 450
#pragma kernel depth_to_space_f32
#pragma kernel depth_to_space_f32_t TEXEL needs=texel
#pragma kernel depth_to_space_f16 STORAGE_F16
#pragma kernel depth_to_space_f16_t STORAGE_F16 TEXEL needs=texel
#pragma kernel depth_to_space_quads_f32 QUADS
#pragma kernel depth_to_space_quads_f32_t QUADS TEXEL needs=texel
#pragma kernel depth_to_space_quads_f16 QUADS STORAGE_F16
#pragma kernel depth_to_space_quads_f16_t QUADS STORAGE_F16 TEXEL needs=texel
#pragma kernel depth_to_space_quads_f32_full QUADS FULL_EPILOGUE
#pragma kernel depth_to_space_quads_f32_full_t QUADS FULL_EPILOGUE TEXEL needs=texel
#pragma kernel depth_to_space_quads_f16_full QUADS FULL_EPILOGUE STORAGE_F16
#pragma kernel depth_to_space_quads_f16_full_t QUADS FULL_EPILOGUE STORAGE_F16 TEXEL needs=texel
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "activation.glsl"
#include "dispatch.glsl"
#include "storage.glsl"

layout(local_size_x = 64) in;

IN4(0, src);
#ifdef FULL_EPILOGUE
IN4(1, residual);
OUT4(2, dst);
#else
OUT4(1, dst);
#endif

PUSH {
    uint group_base;
    uint count;  // invocations with work
    uint channels, src_stride, dst_stride, dst_offset;  // of dst; texels of a pixel
    uint channel_step, phase_step;  // channels of src
    uint in_d, in_h, in_w, out_d, out_h, out_w, block_d, block_h, block_w;
#ifdef FULL_EPILOGUE
    uint has_residual, residual_stride, residual_offset, activation;
    float activation_a, activation_b;
#endif
} pc;

#include "epilogue.glsl"

void main() {
    if (INVOCATION_X >= pc.count) return;
    const uint quads = (pc.channels + 3u) / 4u;
    const uvec2 a = divide(INVOCATION_X, quads);  // (pixel of src, quad)
    const uvec2 b = divide(a.x, pc.in_w);
    const uvec2 c = divide(b.x, pc.in_h);
    const uvec2 d = divide(c.x, pc.in_d);  // (n, z)
    const uint first_z = d.y * pc.block_d, first_y = c.y * pc.block_h, first_x = b.y * pc.block_w;
    const uint from = a.x * pc.src_stride;
    const bvec4 exists = lanes_below(a.y, pc.channels);
    uint phase = 0u, z = 0u;
    do {
        uint y = 0u;
        do {
            const uint line = ((d.x * pc.out_d + first_z + z) * pc.out_h + first_y + y) * pc.out_w + first_x;
            const bool line_inside = first_z + z < pc.out_d && first_y + y < pc.out_h;
            uint x = 0u;
            do {
                const uint pixel = line + x;
                if (line_inside && first_x + x < pc.out_w) {
#ifdef QUADS
                    vec4 result = LOAD4(src, from + phase * (pc.phase_step / 4u) + a.y);
#ifdef FULL_EPILOGUE
                    result = EPILOGUE(result, pixel, a.y);
#endif
#else
                    vec4 result;
                    [[unroll]] for (uint i = 0u; i < 4u; ++i) {
                        const uint channel = min(4u * a.y + i, pc.channels - 1u);
                        result[i] = LOAD1(src, from * 4u + channel * pc.channel_step + phase * pc.phase_step);
                    }
#endif
                    STORE4(dst, pixel * pc.dst_stride + pc.dst_offset + a.y, mix(vec4(0.0), result, exists));
                }
                ++phase;
            } while (++x < pc.block_w);
        } while (++y < pc.block_h);
    } while (++z < pc.block_d);
}
