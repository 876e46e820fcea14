#version 450
#pragma kernel overlay_ui_vert
// A vertex of Dear ImGui, in pixels of the target.

layout(push_constant) uniform Target {
    vec2 target;  // size in pixels
};

layout(location = 0) in vec2 in_at;
layout(location = 1) in vec2 in_uv;
layout(location = 2) in vec4 in_color;  // not premultiplied

layout(location = 0) out vec2 uv;
layout(location = 1) out vec4 color;

void main() {
    uv = in_uv;
    color = in_color;
    gl_Position = vec4(in_at / target * 2.0 - 1.0, 0.0, 1.0);
}
