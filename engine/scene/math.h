#pragma once
// Vectors and matrices of the scene. Right-handed, y is up, lengths are meters, angles radians.

#include <array>
#include <cmath>

namespace sac::engine {

inline constexpr float pi = 3.14159265358979f;

struct Vec3 {
    float x = 0, y = 0, z = 0;
    friend Vec3 operator+(Vec3 a, Vec3 b) { return {a.x + b.x, a.y + b.y, a.z + b.z}; }
    friend Vec3 operator-(Vec3 a, Vec3 b) { return {a.x - b.x, a.y - b.y, a.z - b.z}; }
    friend Vec3 operator*(Vec3 a, float s) { return {a.x * s, a.y * s, a.z * s}; }
    friend Vec3 operator*(float s, Vec3 a) { return a * s; }
};

inline float dot(Vec3 a, Vec3 b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
inline Vec3 cross(Vec3 a, Vec3 b) { return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x}; }
inline float length(Vec3 a) { return std::sqrt(dot(a, a)); }
inline Vec3 normalize(Vec3 a) { return a * (1 / length(a)); }
inline Vec3 lerp(Vec3 a, Vec3 b, float t) { return a + (b - a) * t; }
inline float lerp(float a, float b, float t) { return a + (b - a) * t; }
/// 0 below 0, 1 above 1, smooth between.
inline float smooth(float t) {
    t = t < 0 ? 0 : t > 1 ? 1 : t;
    return t * t * (3 - 2 * t);
}

/// A point p goes to x * p.x + y * p.y + z * p.z + origin.
struct Affine {
    Vec3 x = {1, 0, 0}, y = {0, 1, 0}, z = {0, 0, 1}, origin;

    Vec3 direction(Vec3 d) const { return x * d.x + y * d.y + z * d.z; }
    Vec3 point(Vec3 p) const { return direction(p) + origin; }
    friend Affine operator*(const Affine &a, const Affine &b) {
        return {a.direction(b.x), a.direction(b.y), a.direction(b.z), a.point(b.origin)};
    }
    static Affine translation(Vec3 to) { return {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}, to}; }
    static Affine scaling(Vec3 s) { return {{s.x, 0, 0}, {0, s.y, 0}, {0, 0, s.z}, {}}; }
    static Affine rotation_x(float angle) {
        const float c = std::cos(angle), s = std::sin(angle);
        return {{1, 0, 0}, {0, c, s}, {0, -s, c}, {}};
    }
    static Affine rotation_y(float angle) {
        const float c = std::cos(angle), s = std::sin(angle);
        return {{c, 0, -s}, {0, 1, 0}, {s, 0, c}, {}};
    }
    static Affine rotation_z(float angle) {
        const float c = std::cos(angle), s = std::sin(angle);
        return {{c, s, 0}, {-s, c, 0}, {0, 0, 1}, {}};
    }
};

/// Columns, as GLSL keeps them.
using Mat4 = std::array<float, 16>;

inline Mat4 multiply(const Mat4 &a, const Mat4 &b) {
    Mat4 out = {};
    for (size_t c = 0; c < 4; ++c)
        for (size_t r = 0; r < 4; ++r)
            for (size_t k = 0; k < 4; ++k) out[c * 4 + r] += a[k * 4 + r] * b[c * 4 + k];
    return out;
}

/// World to a camera at `eye` with these axes (unit length, at right angles), looking along -back.
inline Mat4 view_matrix(Vec3 eye, Vec3 right, Vec3 up, Vec3 back) {
    return {right.x, up.x, back.x, 0, right.y,          up.y,          back.y,          0,
            right.z, up.z, back.z, 0, -dot(right, eye), -dot(up, eye), -dot(back, eye), 1};
}

/// Vulkan's clip space: y down, depth 0 at `near` to 1 at `far`. `focal`: 1 / tan(half the vertical angle of view).
inline Mat4 perspective(float focal, float aspect, float near, float far) {
    Mat4 m = {};
    m[0] = focal / aspect;
    m[5] = -focal;
    m[10] = far / (near - far);
    m[11] = -1;
    m[14] = near * far / (near - far);
    return m;
}

/// A box of half size `extent` seen along -z, from `near` to `far` in front.
inline Mat4 orthographic(float extent, float near, float far) {
    Mat4 m = {};
    m[0] = 1 / extent;
    m[5] = -1 / extent;
    m[10] = 1 / (near - far);
    m[14] = near / (near - far);
    m[15] = 1;
    return m;
}

}  // namespace sac::engine
