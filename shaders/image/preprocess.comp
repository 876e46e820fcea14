#version 450
// A frame becomes the network's input: one invocation makes four pixels of the tensor.
#pragma kernel preprocess_packed FRAME_PACKED
#pragma kernel preprocess_packed_f16 FRAME_PACKED STORAGE_F16
#pragma kernel preprocess_packed_texel FRAME_PACKED FRAME_TEXEL needs=texel
#pragma kernel preprocess_packed_texel_f16 FRAME_PACKED FRAME_TEXEL STORAGE_F16 needs=texel
#pragma kernel preprocess_packed4 FRAME_PACKED4
#pragma kernel preprocess_packed4_f16 FRAME_PACKED4 STORAGE_F16
#pragma kernel preprocess_packed4_texel FRAME_PACKED4 FRAME_TEXEL needs=texel
#pragma kernel preprocess_packed4_texel_f16 FRAME_PACKED4 FRAME_TEXEL STORAGE_F16 needs=texel
#pragma kernel preprocess_yuv FRAME_YUV
#pragma kernel preprocess_yuv_f16 FRAME_YUV STORAGE_F16
#pragma kernel preprocess_yuv_texel FRAME_YUV FRAME_TEXEL needs=texel
#pragma kernel preprocess_yuv_texel_f16 FRAME_YUV FRAME_TEXEL STORAGE_F16 needs=texel
#pragma kernel preprocess_image FRAME_IMAGE
#pragma kernel preprocess_image_f16 FRAME_IMAGE STORAGE_F16
#pragma kernel preprocess_image_srgb FRAME_IMAGE FRAME_SRGB
#pragma kernel preprocess_image_srgb_f16 FRAME_IMAGE FRAME_SRGB STORAGE_F16
// FRAME_PACKED   3 or 4 bytes a pixel at any address        FRAME_YUV    luma and two chroma bytes, each in a plane of any steps
// FRAME_PACKED4  4 bytes a pixel, all at multiples of 4     FRAME_IMAGE  a sampled image (FRAME_SRGB: of an sRGB format)
// FRAME_TEXEL    the frame's words come through a texel buffer: three times as fast as a storage buffer on llvmpipe
//
// Both filters are the average of a box over the upright picture, axis by axis. The box round an output pixel's centre
// is as wide as the output pixel (area, shrinking) or as one picture pixel (bilinear: the overlap of a box one wide
// with its two neighbours is just the two weights). Positions are exact: integers in units of 1 / (2 fit size) pixel.
#extension GL_EXT_control_flow_attributes : require
#extension GL_GOOGLE_include_directive : require
#include "dispatch.glsl"
#include "storage.glsl"

layout(local_size_x = 64) in;

PUSH {
    uint group_base;
    uint width, height;                  // of the tensor
    int fit_x, fit_y;                    // where the picture lies in the tensor ...
    uint fit_width, fit_height;          // ... and how large it is there
    uint picture_width, picture_height;  // upright
    uint half_box_x, half_box_y;         // half the filter's width, in 1 / (2 fit size) picture pixels
    uint columns, rows;                  // picture pixels that such a box meets at most
    uint turn;                           // bits: 1 x and y change places, then 2 x and 4 y run backwards
    uint last_word;                      // of the frame's range
    uint plane_offset[3], stride[3];     // bytes
    uint steps;                          // bytes a pixel, of luma (or packed) | chroma << 8; shift of chroma rows << 16
    uint color;                          // packed: 1 if blue comes first; YUV: 1 full range, 2 BT.709
    uint order;                          // layout | 4 if the network wants blue first
    uint pad;                            // r | g << 8 | b << 16
    float multiply[3], add[3];           // in the network's channel order
} pc;

#define LAYOUT_NCHW 0u
#define LAYOUT_NHWC 1u
#define LAYOUT_C4 2u
#define LAYOUT_NCHW_ODD 3u  // planes do not start at a texel: an invocation makes four elements instead of four pixels

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

#ifdef FRAME_PACKED
// Four bytes from any address.
uint bytes_at(uint address) {
    const uint word = address >> 2, shift = (address & 3u) * 8u;
    const uint low = FRAME_WORD(word) >> shift;
    const uint high = FRAME_WORD(min(word + 1u, pc.last_word));
    return shift == 0u ? low : low | (high << (32u - shift));
}
#endif
#ifdef FRAME_YUV
float byte_at(uint address) { return float((FRAME_WORD(address >> 2) >> ((address & 3u) * 8u)) & 255u); }
#endif

vec3 rgb_of(uint word) { return vec3(word & 255u, (word >> 8) & 255u, (word >> 16) & 255u); }

// Red, green and blue, 0 to 255, of a stored pixel.
vec3 stored_pixel(uint x, uint y) {
#if defined(FRAME_IMAGE)
    const vec3 rgb = texelFetch(frame, ivec2(x, y), 0).rgb;
#ifdef FRAME_SRGB
    // sRGB formats have 8 bits: rounding undoes the device's approximations.
    return round(255.0 * mix(12.92 * rgb, 1.055 * pow(max(rgb, vec3(0.0031308)), vec3(1.0 / 2.4)) - 0.055,
                             greaterThan(rgb, vec3(0.0031308))));
#else
    return 255.0 * rgb;
#endif
#elif defined(FRAME_YUV)
    const uint chroma_row = y >> (pc.steps >> 16), chroma_x = (x >> 1) * ((pc.steps >> 8) & 255u);
    float luma = byte_at(pc.plane_offset[0] + y * pc.stride[0] + x * (pc.steps & 255u));
    float u = byte_at(pc.plane_offset[1] + chroma_row * pc.stride[1] + chroma_x) - 128.0;
    float v = byte_at(pc.plane_offset[2] + chroma_row * pc.stride[2] + chroma_x) - 128.0;
    const bool full = (pc.color & 1u) != 0u, bt709 = (pc.color & 2u) != 0u;
    luma = full ? luma : (luma - 16.0) * (255.0 / 219.0);
    const float chroma_scale = full ? 1.0 : 255.0 / 224.0;
    u *= chroma_scale;
    v *= chroma_scale;
    // Rec. ITU-R BT.601 and BT.709: Kr, Kb = 0.299, 0.114 and 0.2126, 0.0722.
    const vec4 k = bt709 ? vec4(1.5748, 0.187324273, 0.468124273, 1.8556)
                         : vec4(1.402, 0.344136286, 0.714136286, 1.772);
    return clamp(vec3(luma + k.x * v, luma - k.y * u - k.z * v, luma + k.w * u), 0.0, 255.0);
#else
    const uint address = pc.plane_offset[0] + y * pc.stride[0] + x * (pc.steps & 255u);
#ifdef FRAME_PACKED
    return rgb_of(bytes_at(address));
#else
    return rgb_of(FRAME_WORD(address >> 2));
#endif
#endif
}

// The box over one axis: first picture pixel (may be -1), where the box starts in it, how long it is.
struct Box {
    int first;
    float start, size;
};

Box box_of(uint at, uint fit_size, uint picture_size, uint half_box) {
    const uint unit = 2u * fit_size;
    const uint low = (2u * at + 1u) * picture_size + unit - half_box;  // one pixel added: never negative
    const uvec2 first = divide(low, unit);
    return Box(int(first.x) - 1, float(first.y) / float(unit), float(2u * half_box) / float(unit));
}

float overlap(Box box, float pixel) {
    return max(min(pixel + 1.0, box.start + box.size) - max(pixel, box.start), 0.0);
}

// Red, green and blue, 0 to 255, of a tensor pixel.
vec3 filtered(uint x, uint y) {
    const uvec2 at = uvec2(ivec2(x, y) - ivec2(pc.fit_x, pc.fit_y));
    const bool inside = at.x < pc.fit_width && at.y < pc.fit_height;
    const uvec2 used = inside ? at : uvec2(0);
    const Box column = box_of(used.x, pc.fit_width, pc.picture_width, pc.half_box_x);
    const Box row = box_of(used.y, pc.fit_height, pc.picture_height, pc.half_box_y);
    const ivec2 edge = ivec2(pc.picture_width, pc.picture_height) - 1;
    // Every pixel takes the same number of turns, some with a weight of 0: on llvmpipe 22.3 what an invocation carries out of
    // a do-while is wrong where its neighbours stay in it longer (and a for costs it one turn more).
    vec3 sum = vec3(0.0);
    uint j = 0;
    do {
        vec3 row_sum = vec3(0.0);
        uint i = 0;
        do {
            ivec2 pixel = clamp(ivec2(column.first + int(i), row.first + int(j)), ivec2(0), edge);
            pixel.x = (pc.turn & 2u) != 0u ? edge.x - pixel.x : pixel.x;
            pixel.y = (pc.turn & 4u) != 0u ? edge.y - pixel.y : pixel.y;
            pixel = (pc.turn & 1u) != 0u ? pixel.yx : pixel;
            row_sum += overlap(column, float(i)) * stored_pixel(uint(pixel.x), uint(pixel.y));
        } while (++i < pc.columns);
        sum += overlap(row, float(j)) * row_sum;
    } while (++j < pc.rows);
    sum /= column.size * row.size;
#if defined(FRAME_PACKED) || defined(FRAME_PACKED4)
    sum = pc.color != 0u ? sum.bgr : sum;
#endif
    return inside ? sum : rgb_of(pc.pad);
}

void main() {
    const uint texel = INVOCATION_X, pixels = pc.width * pc.height, layout_kind = pc.order & 3u;
    const bool odd = layout_kind == LAYOUT_NCHW_ODD;
    if (4u * texel >= (odd ? 3u * pixels : pixels)) return;

    vec4 red = vec4(0.0), green = vec4(0.0), blue = vec4(0.0);
    uint k = 0;
    do {
        const uint element = 4u * texel + k;
        const uint channel = odd ? uint(element >= pixels) + uint(element >= 2u * pixels) : 0u;
        const uvec2 yx = divide(min(element - channel * pixels, pixels - 1u), pc.width);
        vec3 rgb = filtered(yx.y, yx.x);
        rgb = (pc.order & 4u) != 0u ? rgb.bgr : rgb;
        rgb = rgb * vec3(pc.multiply[0], pc.multiply[1], pc.multiply[2]) + vec3(pc.add[0], pc.add[1], pc.add[2]);
        const vec4 lane = vec4(equal(uvec4(0, 1, 2, 3), uvec4(k)));
        red += lane * (channel == 0u ? rgb.r : channel == 1u ? rgb.g : rgb.b);
        green += lane * rgb.g;
        blue += lane * rgb.b;
    } while (++k < 4u);

    switch (layout_kind) {
        case LAYOUT_NCHW:
            STORE4(tensor, texel, red);
            STORE4(tensor, texel + pixels / 4u, green);
            STORE4(tensor, texel + pixels / 2u, blue);
            break;
        case LAYOUT_NHWC: {
            const uint last = (3u * pixels - 1u) >> 2;
            STORE4(tensor, 3u * texel, vec4(red.x, green.x, blue.x, red.y));
            if (3u * texel + 1u <= last) STORE4(tensor, 3u * texel + 1u, vec4(green.y, blue.y, red.z, green.z));
            if (3u * texel + 2u <= last) STORE4(tensor, 3u * texel + 2u, vec4(blue.z, red.w, green.w, blue.w));
            break;
        }
        case LAYOUT_C4:
            [[unroll]] for (uint i = 0; i < 4u; ++i)
                if (4u * texel + i < pixels) STORE4(tensor, 4u * texel + i, vec4(red[i], green[i], blue[i], 0.0));
            break;
        default: STORE4(tensor, texel, red);
    }
}
