// How every kernel reads and writes tensors.
//
// A tensor is a range of a buffer. A kernel sees it four elements at a time ("texel" = 4 consecutive elements):
// in layout C4 these are four channels of one pixel, in layout Dense four neighbours in memory order. Buffers are
// always padded to whole texels, so the last texel may be read and written in full.
//
// Variants, chosen by defines:
//   STORAGE_F16  elements are halves in memory; arithmetic stays in float. Needs no device feature: halves travel as
//                packed words or through an rgba16f texel view.
//   TEXEL        inputs come through storage texel buffers. On CPU drivers that is three times as fast as a storage
//                buffer (llvmpipe, 2 cores: 5 ns against 16 ns for one vec4 by 8 lanes); the range must fit in
//                maxTexelBufferElements. Outputs are storage buffers always: imageStore is slow there.
//
// Bindings are all in set 0 and numbered from 0 without a gap: inputs first, the output last.
#ifndef SAC_STORAGE_GLSL
#define SAC_STORAGE_GLSL

#ifdef STORAGE_F16
#define SAC_WORD4 uvec2
#define SAC_TEXEL_FORMAT rgba16f
vec4 sac_unpack4(uvec2 w) { return vec4(unpackHalf2x16(w.x), unpackHalf2x16(w.y)); }
uvec2 sac_pack4(vec4 v) { return uvec2(packHalf2x16(v.xy), packHalf2x16(v.zw)); }
#else
#define SAC_WORD4 vec4
#define SAC_TEXEL_FORMAT rgba32f
#define sac_unpack4(w) (w)
#define sac_pack4(v) (v)
#endif

#ifdef TEXEL
#define IN4(slot, name) layout(set = 0, binding = slot, SAC_TEXEL_FORMAT) readonly uniform imageBuffer name
#define LOAD4(name, index) imageLoad(name, int(index))
#else
#define IN4(slot, name) layout(set = 0, binding = slot, std430) readonly buffer name##_block { SAC_WORD4 name[]; }
#define LOAD4(name, index) sac_unpack4(name[index])
#endif

#define OUT4(slot, name) layout(set = 0, binding = slot, std430) writeonly buffer name##_block { SAC_WORD4 name[]; }
#define STORE4(name, index, value) name[index] = sac_pack4(value)

// One element of a tensor, for kernels whose reads do not fall on texels.
#define LOAD1(name, index) (LOAD4(name, (index) >> 2)[(index) & 3])

#endif
