#pragma once
// The five meshes that everything is built of.

#include <cstdint>
#include <span>
#include <vector>

#include "engine/scene/math.h"

namespace sac::engine {

/// All have their center at the origin. Ball, cylinder (along y) and cone (tip up) have diameter and height 1, the cube
/// has sides of 1; the capsule has radius 1 and no length: it is stretched along y by its instance.
enum class Mesh : uint8_t { ball, cube, cone, cylinder, capsule };
inline constexpr size_t mesh_count = 5;

struct MeshVertex {
    Vec3 position;
    float stretch = 0;  ///< -0.5 or 0.5 of the instance's length is added to y; 0 but for capsules
    Vec3 normal;
    float u = 0, v = 0;  ///< once round and once along the surface; a cube's faces have [0, 1] each
};

/// Where a mesh lies in the lists below.
struct MeshRange {
    uint32_t first_index = 0, index_count = 0;
    int32_t first_vertex = 0;
};

/// All meshes in one list of vertices and one of indices (of their own mesh's vertices): triangles, counter-clockwise
/// from outside.
struct MeshSet {
    std::vector<MeshVertex> vertices;
    std::vector<uint16_t> indices;
    MeshRange ranges[mesh_count];
};

MeshSet build_meshes();

}  // namespace sac::engine
