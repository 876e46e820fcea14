#version 450
// A frame becomes the network's input: one invocation makes a pixel of the tensor (TENSOR_C4) or four.
#pragma kernel preprocess_packed_c4 FRAME_PACKED TENSOR_C4 COLUMNS=2
#pragma kernel preprocess_packed_c4_f16 FRAME_PACKED TENSOR_C4 STORAGE_F16 COLUMNS=2
#pragma kernel preprocess_packed_dense FRAME_PACKED COLUMNS=2
#pragma kernel preprocess_packed_dense_f16 FRAME_PACKED STORAGE_F16 COLUMNS=2
#pragma kernel preprocess_packed4_c4 FRAME_PACKED4 TENSOR_C4 COLUMNS=2
#pragma kernel preprocess_packed4_c4_f16 FRAME_PACKED4 TENSOR_C4 STORAGE_F16 COLUMNS=2
#pragma kernel preprocess_packed4_dense FRAME_PACKED4 COLUMNS=2
#pragma kernel preprocess_packed4_dense_f16 FRAME_PACKED4 STORAGE_F16 COLUMNS=2
#pragma kernel preprocess_yuv_c4 FRAME_YUV TENSOR_C4 COLUMNS=2
#pragma kernel preprocess_yuv_c4_f16 FRAME_YUV TENSOR_C4 STORAGE_F16 COLUMNS=2
#pragma kernel preprocess_yuv_dense FRAME_YUV COLUMNS=2
#pragma kernel preprocess_yuv_dense_f16 FRAME_YUV STORAGE_F16 COLUMNS=2
#pragma kernel preprocess_image_c4 FRAME_IMAGE TENSOR_C4 COLUMNS=2
#pragma kernel preprocess_image_c4_f16 FRAME_IMAGE TENSOR_C4 STORAGE_F16 COLUMNS=2
#pragma kernel preprocess_image_dense FRAME_IMAGE COLUMNS=2
#pragma kernel preprocess_image_dense_f16 FRAME_IMAGE STORAGE_F16 COLUMNS=2
#pragma kernel preprocess_image_srgb_c4 FRAME_IMAGE FRAME_SRGB TENSOR_C4 COLUMNS=2
#pragma kernel preprocess_image_srgb_c4_f16 FRAME_IMAGE FRAME_SRGB TENSOR_C4 STORAGE_F16 COLUMNS=2
#pragma kernel preprocess_image_srgb_dense FRAME_IMAGE FRAME_SRGB COLUMNS=2
#pragma kernel preprocess_image_srgb_dense_f16 FRAME_IMAGE FRAME_SRGB STORAGE_F16 COLUMNS=2
#pragma kernel preprocess_packed_c4_texel2 FRAME_PACKED TENSOR_C4 FRAME_TEXEL COLUMNS=2 needs=texel
#pragma kernel preprocess_packed_c4_texel3 FRAME_PACKED TENSOR_C4 FRAME_TEXEL COLUMNS=3 needs=texel
#pragma kernel preprocess_packed_dense_texel2 FRAME_PACKED FRAME_TEXEL COLUMNS=2 needs=texel
#pragma kernel preprocess_packed_dense_texel3 FRAME_PACKED FRAME_TEXEL COLUMNS=3 needs=texel
#pragma kernel preprocess_packed4_c4_texel2 FRAME_PACKED4 TENSOR_C4 FRAME_TEXEL COLUMNS=2 needs=texel
#pragma kernel preprocess_packed4_c4_texel3 FRAME_PACKED4 TENSOR_C4 FRAME_TEXEL COLUMNS=3 needs=texel
#pragma kernel preprocess_packed4_dense_texel2 FRAME_PACKED4 FRAME_TEXEL COLUMNS=2 needs=texel
#pragma kernel preprocess_packed4_dense_texel3 FRAME_PACKED4 FRAME_TEXEL COLUMNS=3 needs=texel
#pragma kernel preprocess_yuv_c4_texel2 FRAME_YUV TENSOR_C4 FRAME_TEXEL COLUMNS=2 needs=texel
#pragma kernel preprocess_yuv_c4_texel3 FRAME_YUV TENSOR_C4 FRAME_TEXEL COLUMNS=3 needs=texel
#pragma kernel preprocess_yuv_dense_texel2 FRAME_YUV FRAME_TEXEL COLUMNS=2 needs=texel
#pragma kernel preprocess_yuv_dense_texel3 FRAME_YUV FRAME_TEXEL COLUMNS=3 needs=texel
// FRAME_PACKED   3 or 4 bytes a pixel at any address        FRAME_YUV    luma and two chroma bytes, each in a plane of any steps
// FRAME_PACKED4  4 bytes a pixel, all at multiples of 4     FRAME_IMAGE  a sampled image (FRAME_SRGB: of an sRGB format)
// TENSOR_C4      channels last, padded to four; otherwise dense, in either order
// On llvmpipe, FRAME_TEXEL: the frame's words come through a texel buffer, three times as fast as a storage buffer, and
// COLUMNS is chosen by the filter: picture columns unrolled, whose addresses and weights serve all rows.
//
// Both filters are the average of a box over the upright picture, axis by axis. The box round an output pixel's centre
// is as wide as the output pixel (area, shrinking) or as one picture pixel (bilinear: the overlap of a box one wide
// with its two neighbours is just the two weights). Positions are exact: integers in units of 1 / (2 fit size) pixel.
#extension GL_EXT_control_flow_attributes : require
#extension GL_GOOGLE_include_directive : require
#include "dispatch.glsl"
#include "storage.glsl"

layout(local_size_x = 128) in;

// Pairs: along the upright picture's columns, and its rows.
PUSH {
    uint group_base;
    uint size[2];                  // of the tensor
    int fit_corner[2];             // where the picture lies in the tensor ...
    uint fit_size[2];              // ... and how large it is there
    uint picture_size[2];          // upright
    uint half_box[2];              // half the filter's width, in 1 / (2 fit size) picture pixels
    uint samples[2];               // picture pixels that such a box meets at most
    uint flags;                    // below
    uint last_word;                // of the frame's range
    uint plane_offset[3];          // bytes
    uint luma_step[2];             // bytes from pixel to pixel, of luma or of packed pixels
    uint u_step[2], v_step[2];     // bytes from chroma sample to chroma sample
    uint pad;                      // r | g << 8 | b << 16
    float multiply[3], add[3];     // in the network's channel order
} pc;

#define IS(flag) ((pc.flags & (flag)) != 0u)
#define BACKWARDS_X 1u   // upright columns run against the stored ones (or, turned, rows)
#define BACKWARDS_Y 2u
#define SIDEWAYS 4u      // images: upright columns are stored rows
#define SHIFT_X 8u       // YUV: two columns share a chroma sample
#define SHIFT_Y 16u
#define FULL_RANGE 32u   // YUV
#define BT709 64u
#define FRAME_BGR 128u   // packed
#define NETWORK_BGR 256u
#define NHWC 512u
#define ODD_PLANES 1024u  // NCHW whose planes do not begin at a texel: an invocation makes four elements, not pixels

#ifdef FRAME_IMAGE
layout(set = 0, binding = 0) uniform sampler2D frame;
#elif defined(FRAME_TEXEL)
layout(set = 0, binding = 0, r32ui) readonly uniform uimageBuffer frame;
#define FRAME_WORD(index) imageLoad(frame, int(index)).x
#else
layout(set = 0, binding = 0, std430) readonly buffer frame_block { uint frame[]; };
#define FRAME_WORD(index) frame[index]
#endif
OUT4(1, tensor);

vec3 rgb_of(uint word) { return vec3(int(word & 255u), int((word >> 8) & 255u), int((word >> 16) & 255u)); }

// What a column or a row adds to the addresses of its pixels (a row the plane's offset, too); of an image, its coordinate.
#ifdef FRAME_YUV
#define PART uvec3
#else
#define PART uint
#endif

PART part_of(uint axis, int position, bool backwards, bool shift) {
    const int last = int(pc.picture_size[axis]) - 1;
    const int inside = clamp(position, 0, last);
    const uint stored = uint(backwards ? last - inside : inside);
#if defined(FRAME_IMAGE)
    return stored;
#elif defined(FRAME_YUV)
    const uint chroma = shift ? stored >> 1 : stored;
    const uvec3 step = uvec3(stored * pc.luma_step[axis], chroma * pc.u_step[axis], chroma * pc.v_step[axis]);
    return axis == 0u ? step : step + uvec3(pc.plane_offset[0], pc.plane_offset[1], pc.plane_offset[2]);
#else
    return stored * pc.luma_step[axis] + (axis == 0u ? 0u : pc.plane_offset[0]);
#endif
}

#ifdef FRAME_YUV
float byte_at(uint address) { return float(int((FRAME_WORD(address >> 2) >> ((address & 3u) * 8u)) & 255u)); }
#endif

// Three stored numbers, 0 to 255.
vec3 stored_pixel(PART column, PART row) {
#if defined(FRAME_IMAGE)
    const vec3 rgb = texelFetch(frame, IS(SIDEWAYS) ? ivec2(row, column) : ivec2(column, row), 0).rgb;
#ifdef FRAME_SRGB
    // sRGB formats have 8 bits: rounding undoes the device's approximations.
    return round(255.0 * mix(12.92 * rgb, 1.055 * pow(max(rgb, vec3(0.0031308)), vec3(1.0 / 2.4)) - 0.055,
                             greaterThan(rgb, vec3(0.0031308))));
#else
    return 255.0 * rgb;
#endif
#elif defined(FRAME_YUV)
    const uvec3 address = column + row;
    return vec3(byte_at(address.x), byte_at(address.y), byte_at(address.z));
#else
    const uint address = column + row, word = address >> 2;
#ifdef FRAME_PACKED
    // Four bytes from any address.
    const uint shift = (address & 3u) * 8u, low = FRAME_WORD(word) >> shift;
    const uint high = FRAME_WORD(min(word + 1u, pc.last_word));
    return rgb_of(low | (shift == 0u ? 0u : high << (32u - shift)));
#else
    return rgb_of(FRAME_WORD(word));
#endif
#endif
}

// Red, green and blue of three averages. Rec. ITU-R BT.601 and BT.709: Kr, Kb = 0.299, 0.114 and 0.2126, 0.0722.
vec3 rgb_from(vec3 sum) {
#if defined(FRAME_YUV)
    const float luma = IS(FULL_RANGE) ? sum.x : (sum.x - 16.0) * (255.0 / 219.0);
    const vec2 chroma = (sum.yz - 128.0) * (IS(FULL_RANGE) ? 1.0 : 255.0 / 224.0);
    const vec4 k = IS(BT709) ? vec4(1.5748, 0.187324273, 0.468124273, 1.8556) : vec4(1.402, 0.344136286, 0.714136286, 1.772);
    return clamp(luma + vec3(k.x * chroma.y, -k.y * chroma.x - k.z * chroma.y, k.w * chroma.x), 0.0, 255.0);
#elif defined(FRAME_IMAGE)
    return sum;
#else
    return IS(FRAME_BGR) ? sum.bgr : sum;
#endif
}

// The box over one axis: first picture pixel (may be -1), where the box starts in it, how long it is.
struct Box {
    int first;
    float start, size;
};

// As divide() of numbers below 2^31: conversions of signed numbers are much cheaper on CPU drivers.
ivec2 divide_signed(int a, int b) {
    const int quotient = int(float(a) / float(b)), remainder = a - quotient * b;
    const int step = remainder < 0 ? -1 : (remainder >= b ? 1 : 0);
    return ivec2(quotient + step, remainder - step * b);
}

Box box_of(uint axis, int at) {
    const int unit = 2 * int(pc.fit_size[axis]), half_box = int(pc.half_box[axis]);
    // One pixel is added: never negative.
    const ivec2 first = divide_signed((2 * at + 1) * int(pc.picture_size[axis]) + unit - half_box, unit);
    const float scale = 1.0 / float(unit);
    return Box(first.x - 1, scale * float(first.y), scale * float(2 * half_box));
}

float overlap(Box box, float pixel) { return max(min(pixel + 1.0, box.start + box.size) - max(pixel, box.start), 0.0); }

// Red, green and blue, 0 to 255, of a tensor pixel.
vec3 filtered(ivec2 at) {
    at -= ivec2(pc.fit_corner[0], pc.fit_corner[1]);
    const bool inside = uint(at.x) < pc.fit_size[0] && uint(at.y) < pc.fit_size[1];
    const Box column = box_of(0, inside ? at.x : 0), row = box_of(1, inside ? at.y : 0);
    // Every pixel takes the same number of turns, some with a weight of 0: on llvmpipe 22.3 what an invocation carries out of
    // a do-while is wrong where its neighbours stay in it longer (and a for costs it one turn more).
    vec3 sum = vec3(0.0);
    int i = 0;
    do {
        float weight[COLUMNS];
        PART part[COLUMNS];
        [[unroll]] for (int c = 0; c < COLUMNS; ++c) {
            weight[c] = overlap(column, float(i + c));
            part[c] = part_of(0, column.first + i + c, IS(BACKWARDS_X), IS(SHIFT_X));
        }
        int j = 0;
        do {
            const PART row_part = part_of(1, row.first + j, IS(BACKWARDS_Y), IS(SHIFT_Y));
            vec3 row_sum = vec3(0.0);
            [[unroll]] for (int c = 0; c < COLUMNS; ++c) row_sum += weight[c] * stored_pixel(part[c], row_part);
            sum += overlap(row, float(j)) * row_sum;
        } while (++j < int(pc.samples[1]));
        i += COLUMNS;
    } while (i < int(pc.samples[0]));
    return inside ? rgb_from(sum * (1.0 / (column.size * row.size))) : rgb_of(pc.pad);
}

// The network's values of tensor pixel `index`.
vec3 tensor_pixel(uint index) {
    const vec3 rgb = filtered(divide_signed(int(index), int(pc.size[0])).yx);
    return (IS(NETWORK_BGR) ? rgb.bgr : rgb) * vec3(pc.multiply[0], pc.multiply[1], pc.multiply[2]) +
           vec3(pc.add[0], pc.add[1], pc.add[2]);
}

#ifdef TENSOR_C4
void main() {
    const uint pixel = INVOCATION_X;
    if (pixel >= pc.size[0] * pc.size[1]) return;
    STORE4(tensor, pixel, vec4(tensor_pixel(pixel), 0.0));
}
#else
void main() {
    const uint texel = INVOCATION_X, pixels = pc.size[0] * pc.size[1];
    const bool odd = IS(ODD_PLANES), nhwc = IS(NHWC);
    if (4u * texel >= (odd ? 3u * pixels : pixels)) return;
    vec4 red = vec4(0.0), green = vec4(0.0), blue = vec4(0.0);
    uint k = 0;
    do {
        const uint element = 4u * texel + k;
        const uint channel = odd ? uint(element >= pixels) + uint(element >= 2u * pixels) : 0u;
        const vec3 rgb = tensor_pixel(min(element - channel * pixels, pixels - 1u));
        const vec4 lane = vec4(equal(uvec4(0, 1, 2, 3), uvec4(k)));
        red += lane * (channel == 0u ? rgb.r : channel == 1u ? rgb.g : rgb.b);
        green += lane * rgb.g;
        blue += lane * rgb.b;
    } while (++k < 4u);

    // Three stores, whose places and values depend on the order: stores that are branched over cost as much on llvmpipe.
    const uint last = odd ? texel : (3u * pixels - 1u) >> 2;
    const uint first = nhwc ? 3u * texel : texel, step = nhwc ? 1u : odd ? last + 1u : pixels / 4u;
    STORE4(tensor, first, nhwc ? vec4(red.x, green.x, blue.x, red.y) : red);
    if (first + step <= last) STORE4(tensor, first + step, nhwc ? vec4(green.y, blue.y, red.z, green.z) : green);
    if (first + 2u * step <= last) STORE4(tensor, first + 2u * step, nhwc ? vec4(blue.z, red.w, green.w, blue.w) : blue);
}
#endif
