#version 450
#pragma kernel scene_ids_frag IDS
#pragma kernel scene_coverage_frag
// Which object is seen at a pixel's middle; or, blended by MAX without depth, all that would be seen if it were alone.

layout(location = 0) flat in uint object;

#ifdef IDS
layout(location = 0) out uint id;  // 0 is none

void main() { id = object + 1u; }
#else
// A channel for each object.
layout(location = 0) out vec4 first;
layout(location = 1) out vec4 second;
layout(location = 2) out vec4 third;

vec4 channels(uint from) { return vec4(equal(uvec4(from, from + 1u, from + 2u, from + 3u), uvec4(object))); }

void main() {
    first = channels(0u);
    second = channels(4u);
    third = channels(8u);
}
#endif
