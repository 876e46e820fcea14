#include "engine/scene/mesh.h"

namespace sac::engine {

namespace {

// A point of a profile: its distance from the axis and height, and the normal's parts away from the axis and along it.
struct ProfilePoint {
    float radius, y, out, up, v;
    float stretch = 0;
};

// Turns a profile, from bottom to top, round the y axis. An edge is two points at one place with different normals.
void add_lathe(MeshSet &set, size_t first_vertex, const std::vector<ProfilePoint> &profile, uint32_t segments) {
    const auto base = static_cast<uint32_t>(set.vertices.size() - first_vertex);
    for (const ProfilePoint &p : profile) {
        for (uint32_t i = 0; i <= segments; ++i) {
            const float u = static_cast<float>(i) / static_cast<float>(segments), angle = 2 * pi * u;
            const float c = i == segments ? 1 : std::cos(angle), s = i == segments ? 0 : std::sin(angle);
            set.vertices.push_back(
                {{p.radius * c, p.y, p.radius * s}, p.stretch, {p.out * c, p.up, p.out * s}, u, p.v});
        }
    }
    for (uint32_t row = 0; row + 1 < profile.size(); ++row) {
        const ProfilePoint &low = profile[row], &high = profile[row + 1];
        if (low.radius == high.radius && low.y == high.y && low.stretch == high.stretch) continue;
        for (uint32_t i = 0; i < segments; ++i) {
            const uint32_t a = base + row * (segments + 1) + i, b = a + segments + 1;
            const auto triangle = [&](uint32_t x, uint32_t y, uint32_t z) {
                for (const uint32_t index : {x, y, z}) set.indices.push_back(static_cast<uint16_t>(index));
            };
            if (low.radius > 0) triangle(a, b, a + 1);
            if (high.radius > 0) triangle(a + 1, b, b + 1);
        }
    }
}

std::vector<ProfilePoint> ball_profile(uint32_t rings) {
    std::vector<ProfilePoint> profile;
    for (uint32_t i = 0; i <= rings; ++i) {
        const float v = static_cast<float>(i) / static_cast<float>(rings), angle = pi * v;
        const bool pole = i == 0 || i == rings;
        const float s = pole ? 0 : std::sin(angle), c = -std::cos(angle);
        profile.push_back({s / 2, c / 2, s, c, v});
    }
    return profile;
}

std::vector<ProfilePoint> capsule_profile(uint32_t rings) {
    std::vector<ProfilePoint> profile;
    for (const float half : {-0.5f, 0.5f}) {
        for (uint32_t i = 0; i <= rings; ++i) {
            const float angle = pi / 2 * static_cast<float>(i) / static_cast<float>(rings) + (half > 0 ? pi / 2 : 0);
            const bool pole = half < 0 ? i == 0 : i == rings;
            const float s = pole ? 0 : std::sin(angle), c = -std::cos(angle);
            profile.push_back({s, c, s, c, half + 0.5f, half});
        }
    }
    return profile;
}

void add_cube(MeshSet &set) {
    const Vec3 axes[3] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
    uint16_t base = 0;
    for (size_t axis = 0; axis < 3; ++axis) {
        for (const float side : {-1.f, 1.f}) {
            // On the side walls v runs upwards.
            const Vec3 normal = axes[axis] * side;
            const Vec3 up = axis == 1 ? axes[2] : axes[1], right = cross(up, normal);
            for (const auto &[u, v] : {std::pair{0.f, 0.f}, {1.f, 0.f}, {0.f, 1.f}, {1.f, 1.f}})
                set.vertices.push_back({normal * 0.5f + right * (u - 0.5f) + up * (v - 0.5f), 0, normal, u, v});
            for (const int index : {0, 1, 2, 2, 1, 3}) set.indices.push_back(static_cast<uint16_t>(base + index));
            base = static_cast<uint16_t>(base + 4);
        }
    }
}

}  // namespace

MeshSet build_meshes() {
    MeshSet set;
    const float slope = 1 / std::sqrt(1.25f);  // the cone's side rises 1 over 0.5
    for (size_t mesh = 0; mesh < mesh_count; ++mesh) {
        const size_t vertex = set.vertices.size(), index = set.indices.size();
        switch (static_cast<Mesh>(mesh)) {
            case Mesh::ball: add_lathe(set, vertex, ball_profile(16), 28); break;
            case Mesh::cube: add_cube(set); break;
            case Mesh::cone:
                // Rows on the way up keep the normals of the side right, which meet in no single one at the tip.
                add_lathe(set, vertex,
                          {{0, -0.5f, 0, -1, 0},
                           {0.5f, -0.5f, 0, -1, 0.3f},
                           {0.5f, -0.5f, slope, slope / 2, 0},
                           {0.125f, 0.25f, slope, slope / 2, 0.75f},
                           {0, 0.5f, slope, slope / 2, 1}},
                          32);
                break;
            case Mesh::cylinder:
                add_lathe(set, vertex,
                          {{0, -0.5f, 0, -1, 0},
                           {0.5f, -0.5f, 0, -1, 0.3f},
                           {0.5f, -0.5f, 1, 0, 0},
                           {0.5f, 0.5f, 1, 0, 1},
                           {0.5f, 0.5f, 0, 1, 0.7f},
                           {0, 0.5f, 0, 1, 1}},
                          32);
                break;
            case Mesh::capsule: add_lathe(set, vertex, capsule_profile(3), 10); break;
        }
        set.ranges[mesh] = {static_cast<uint32_t>(index), static_cast<uint32_t>(set.indices.size() - index),
                            static_cast<int32_t>(vertex)};
    }
    return set;
}

}  // namespace sac::engine
