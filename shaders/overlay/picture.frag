#version 450
#pragma kernel overlay_picture_rgb_frag
#pragma kernel overlay_picture_yuv_frag YUV
#pragma kernel overlay_picture_rgb_area_frag AREA
#pragma kernel overlay_picture_yuv_area_frag YUV AREA
// The picture's pixels: RGB as they are, YUV by the matrix and range of the frame; an area average where it is made
// smaller. A shader for each: on a CPU one for all takes ten times as long.

layout(push_constant) uniform Picture {
    vec4 rect;
    vec2 target;
    int format;
    int taps;
    vec4 yuv_to_rgb;
    vec4 yuv_range;
    vec4 turn;
} p;

layout(set = 0, binding = 0) uniform sampler2D plane0;  // RGBA or Y
layout(set = 0, binding = 1) uniform sampler2D plane1;  // UV or U
layout(set = 0, binding = 2) uniform sampler2D plane2;  // V

layout(location = 0) in vec2 uv;
layout(location = 0) out vec4 color;

vec3 pixel(vec2 at) {
    const vec4 first = textureLod(plane0, at, 0.0);
#ifdef YUV
    const vec2 chroma = p.format == 1 ? textureLod(plane1, at, 0.0).rg
                                      : vec2(textureLod(plane1, at, 0.0).r, textureLod(plane2, at, 0.0).r);
    const float y = (first.r - p.yuv_range.x) * p.yuv_range.y;
    const vec2 c = (chroma - p.yuv_range.z) * p.yuv_range.w;
    return vec3(y + p.yuv_to_rgb.x * c.y, y + p.yuv_to_rgb.y * c.x + p.yuv_to_rgb.z * c.y, y + p.yuv_to_rgb.w * c.x);
#else
    return first.rgb;
#endif
}

void main() {
#ifdef AREA
    const mat2 footprint = mat2(p.turn.xy / p.rect.z, p.turn.zw / p.rect.w);
    vec3 sum = vec3(0.0);
    for (int y = 0; y < p.taps; ++y)
        for (int x = 0; x < p.taps; ++x)
            sum += pixel(uv + footprint * ((vec2(x, y) + 0.5 - 0.5 * float(p.taps)) / float(p.taps)));
    color = vec4(sum / float(p.taps * p.taps), 1.0);
#else
    color = vec4(pixel(uv), 1.0);
#endif
}
