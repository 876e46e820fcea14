// The numbers of a frame of the scene. SceneRenderer fills them in.

layout(set = 0, binding = 0, std140) uniform Frame {
    mat4 view_projection;
    mat4 sun_projection;  // to the shadow map: x and y -1 to 1, z 0 to 1
    vec4 eye;             // w: unused
    vec4 ray_corner;      // world direction through the picture's upper left corner; then what width and height add
    vec4 ray_right;
    vec4 ray_down;
    vec4 to_sun;
    vec4 sun, sky, ground;  // linear
    // Weights: of stripes, checks, dots, marble. Scale: u, v; of the floor then the meters over which it fades into
    // the wall, of the wall 1 if it does.
    vec4 floor_a, floor_b, floor_weights, floor_scale;
    vec4 wall_a, wall_b, wall_weights, wall_scale;
    vec4 wall_top;    // w: height at which it is reached
    vec4 wall_plane;  // xyz normal, w distance
} frame;
