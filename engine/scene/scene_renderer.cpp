#include "engine/scene/scene_renderer.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "compute/base/format.h"
#include "compute/vk/graphics_pipeline.h"
#include "engine/embedded_shaders.h"

namespace sac::engine {

namespace {

constexpr uint32_t shadow_side = 1024;
constexpr uint32_t coverage_images = most_objects / 4;

// shaders/include/scene.glsl
struct Uniforms {
    Mat4 view_projection, sun_projection;
    float eye[4], ray_corner[4], ray_right[4], ray_down[4];
    float to_sun[4], sun[4], sky[4], ground[4];
    float floor_a[4], floor_b[4], floor_weights[4], floor_scale[4];
    float wall_a[4], wall_b[4], wall_weights[4], wall_scale[4];
    float wall_top[4], wall_plane[4];
};
static_assert(sizeof(Uniforms) == 2 * 64 + 18 * 16);

// shaders/scene/mesh.vert
struct Instance {
    float rows[3][4];
    float surface[4];
    uint8_t a[4], b[4];
    uint32_t pattern, object;
};
static_assert(sizeof(Instance) == 80);

void put(float (&to)[4], Vec3 v, float w = 0) {
    to[0] = v.x;
    to[1] = v.y;
    to[2] = v.z;
    to[3] = w;
}

void put_weights(float (&to)[4], Pattern pattern) {
    for (size_t i = 0; i < 4; ++i) to[i] = static_cast<size_t>(pattern) == i + 1 ? 1.f : 0.f;
}

void put_color(uint8_t (&to)[4], Vec3 color) {
    const float channels[3] = {color.x, color.y, color.z};
    for (size_t i = 0; i < 3; ++i)
        to[i] = static_cast<uint8_t>(std::lround(std::sqrt(std::clamp(channels[i], 0.f, 1.f)) * 255));
    to[3] = 255;
}

Instance instance_of(const Part &part) {
    Instance instance = {};
    const Affine &p = part.place;
    const Vec3 columns[4] = {p.x, p.y, p.z, p.origin};
    for (size_t c = 0; c < 4; ++c) {
        instance.rows[0][c] = columns[c].x;
        instance.rows[1][c] = columns[c].y;
        instance.rows[2][c] = columns[c].z;
    }
    put(instance.surface, {part.stretch, part.material.u_scale, part.material.v_scale}, part.material.gloss);
    put_color(instance.a, part.material.a);
    put_color(instance.b, part.material.b);
    instance.pattern = static_cast<uint32_t>(part.material.pattern);
    instance.object = part.object;
    return instance;
}

Uniforms uniforms_of(const SceneFrame &frame, float aspect) {
    Uniforms u = {};
    const CameraAxes axes = axes_of(frame.camera);
    const float tangent = std::tan(frame.camera.vertical_angle / 2);
    u.view_projection = multiply(perspective(1 / tangent, aspect, 0.2f, 100),
                                 view_matrix(frame.camera.eye, axes.right, axes.up, axes.back));
    put(u.eye, frame.camera.eye);
    put(u.ray_corner, axes.up * tangent - axes.right * (tangent * aspect) - axes.back);
    put(u.ray_right, axes.right * (2 * tangent * aspect));
    put(u.ray_down, axes.up * (-2 * tangent));

    const Light &light = frame.light;
    const Vec3 back = light.to_sun;
    const Vec3 right = normalize(cross(std::abs(back.y) < 0.99f ? Vec3{0, 1, 0} : Vec3{1, 0, 0}, back));
    const float radius = light.shadow_radius;
    u.sun_projection = multiply(orthographic(radius, 0, 2 * radius),
                                view_matrix(light.shadow_center + back * radius, right, cross(back, right), back));
    put(u.to_sun, light.to_sun);
    put(u.sun, light.sun);
    put(u.sky, light.sky);
    put(u.ground, light.ground);

    const Backdrop &b = frame.backdrop;
    put(u.floor_a, b.floor.a);
    put(u.floor_b, b.floor.b);
    put_weights(u.floor_weights, b.floor.pattern);
    put(u.floor_scale, {b.floor.u_scale, b.floor.v_scale, b.blend});
    put(u.wall_a, b.wall.a);
    put(u.wall_b, b.wall.b);
    put_weights(u.wall_weights, b.wall.pattern);
    put(u.wall_scale, {b.wall.u_scale, b.wall.v_scale, b.blend > 0 ? 1.f : 0.f});
    put(u.wall_top, b.wall_top, b.wall_height);
    put(u.wall_plane, b.wall_normal, b.wall_distance);
    return u;
}

// The finest depth that can be drawn to and sampled. D16_UNORM always can.
VkFormat depth_format(const vk::Device &device, VkFormatProperties &properties) {
    constexpr VkFormatFeatureFlags needed =
        VK_FORMAT_FEATURE_DEPTH_STENCIL_ATTACHMENT_BIT | VK_FORMAT_FEATURE_SAMPLED_IMAGE_BIT;
    for (const VkFormat format : {VK_FORMAT_D32_SFLOAT, VK_FORMAT_D16_UNORM}) {
        device.instance_fn().GetPhysicalDeviceFormatProperties(device.physical_device(), format, &properties);
        if ((properties.optimalTilingFeatures & needed) == needed) return format;
    }
    return VK_FORMAT_D16_UNORM;
}

}  // namespace

Result<std::unique_ptr<SceneRenderer>> SceneRenderer::create(vk::Device &device, vk::Memory &memory,
                                                             const SceneRendererOptions &options) {
    std::unique_ptr<SceneRenderer> renderer(new SceneRenderer(device, memory, options));
    SAC_TRY(renderer->create_targets());
    SAC_TRY(renderer->create_meshes());
    SAC_TRY(renderer->create_layouts());
    SAC_TRY(renderer->create_pipelines());
    SAC_ASSIGN(renderer->commands_, vk::CommandBuffer::create(device, "scene"));
    SAC_ASSIGN(renderer->timeline_, vk::Timeline::create(device, "scene"));
    return renderer;
}

SceneRenderer::~SceneRenderer() {
    const vk::DeviceFunctions &fn = device_.fn();
    const VkDevice device = device_.handle();
    for (const VkPipeline pipeline :
         {shadow_pipeline_, mesh_pipeline_, backdrop_pipeline_, ids_pipeline_, coverage_pipeline_})
        if (pipeline) fn.DestroyPipeline(device, pipeline, nullptr);
    if (layout_) fn.DestroyPipelineLayout(device, layout_, nullptr);
    if (pool_) fn.DestroyDescriptorPool(device, pool_, nullptr);
    if (set_layout_) fn.DestroyDescriptorSetLayout(device, set_layout_, nullptr);
    if (sampler_) fn.DestroySampler(device, sampler_, nullptr);
}

Status SceneRenderer::create_targets() {
    VkFormatProperties depth_properties = {};
    const VkFormat depth = depth_format(device_, depth_properties);
    RenderTargetDesc shadow;
    shadow.name = "scene shadows";
    shadow.extent = {shadow_side, shadow_side};
    shadow.depth = depth;
    shadow.sample_depth = true;
    SAC_ASSIGN(shadow_, RenderTarget::create(device_, memory_, shadow));

    const VkFormat color[] = {VK_FORMAT_R8G8B8A8_UNORM, VK_FORMAT_R8G8B8A8_UNORM, VK_FORMAT_R8G8B8A8_UNORM};
    const VkFormat id[] = {VK_FORMAT_R8_UINT};
    static_assert(std::size(color) == coverage_images);
    RenderTargetDesc picture;
    picture.name = "scene picture";
    picture.extent = {options_.width, options_.height};
    picture.colors = std::span(color, 1);
    picture.depth = depth;
    picture.samples = options_.smooth_edges ? VK_SAMPLE_COUNT_4_BIT : VK_SAMPLE_COUNT_1_BIT;
    SAC_ASSIGN(picture_, RenderTarget::create(device_, memory_, picture));

    RenderTargetDesc ids;
    ids.name = "scene ids";
    ids.extent = picture.extent;
    ids.colors = id;
    ids.depth = depth;
    SAC_ASSIGN(ids_, RenderTarget::create(device_, memory_, ids));
    RenderTargetDesc coverage;
    coverage.name = "scene coverage";
    coverage.extent = picture.extent;
    coverage.colors = color;
    SAC_ASSIGN(coverage_, RenderTarget::create(device_, memory_, coverage));

    const VkDeviceSize pixels = VkDeviceSize{options_.width} * options_.height;
    SAC_ASSIGN(readback_,
               vk::Buffer::create(device_, memory_, pixels * (4 + 4 * coverage_images + 1),
                                  VK_BUFFER_USAGE_TRANSFER_DST_BIT, vk::MemoryUse::readback, "scene readback"));

    VkSamplerCreateInfo sampler = {};
    sampler.sType = VK_STRUCTURE_TYPE_SAMPLER_CREATE_INFO;
    const bool filtered = depth_properties.optimalTilingFeatures & VK_FORMAT_FEATURE_SAMPLED_IMAGE_FILTER_LINEAR_BIT;
    sampler.magFilter = sampler.minFilter = filtered ? VK_FILTER_LINEAR : VK_FILTER_NEAREST;
    sampler.addressModeU = sampler.addressModeV = sampler.addressModeW = VK_SAMPLER_ADDRESS_MODE_CLAMP_TO_BORDER;
    sampler.borderColor = VK_BORDER_COLOR_FLOAT_OPAQUE_WHITE;  // nothing casts a shadow from outside the map
    sampler.compareEnable = VK_TRUE;
    sampler.compareOp = VK_COMPARE_OP_LESS_OR_EQUAL;
    SAC_VK(device_.fn().CreateSampler(device_.handle(), &sampler, nullptr, &sampler_), "creating the shadows' sampler");
    return {};
}

Status SceneRenderer::create_meshes() {
    meshes_ = build_meshes();
    const auto filled = [&](vk::Buffer &buffer, const void *data, size_t bytes, VkBufferUsageFlags usage,
                            const char *name) -> Status {
        SAC_ASSIGN(buffer, vk::Buffer::create(device_, memory_, bytes, usage, vk::MemoryUse::upload, name));
        std::memcpy(buffer.mapped(), data, bytes);
        return {};
    };
    SAC_TRY(filled(vertices_, meshes_.vertices.data(), meshes_.vertices.size() * sizeof(MeshVertex),
                   VK_BUFFER_USAGE_VERTEX_BUFFER_BIT, "scene vertices"));
    SAC_TRY(filled(indices_, meshes_.indices.data(), meshes_.indices.size() * sizeof(uint16_t),
                   VK_BUFFER_USAGE_INDEX_BUFFER_BIT, "scene indices"));
    SAC_ASSIGN(uniforms_, vk::Buffer::create(device_, memory_, sizeof(Uniforms), VK_BUFFER_USAGE_UNIFORM_BUFFER_BIT,
                                             vk::MemoryUse::upload, "scene uniforms"));
    return {};
}

Status SceneRenderer::create_layouts() {
    const vk::DeviceFunctions &fn = device_.fn();
    VkDescriptorSetLayoutBinding bindings[2] = {};
    bindings[0] = {0, VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER, 1, VK_SHADER_STAGE_VERTEX_BIT | VK_SHADER_STAGE_FRAGMENT_BIT,
                   nullptr};
    bindings[1] = {1, VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER, 1, VK_SHADER_STAGE_FRAGMENT_BIT, nullptr};
    VkDescriptorSetLayoutCreateInfo set = {};
    set.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO;
    set.bindingCount = 2;
    set.pBindings = bindings;
    SAC_VK(fn.CreateDescriptorSetLayout(device_.handle(), &set, nullptr, &set_layout_),
           "creating the scene's set layout");
    const VkDescriptorPoolSize sizes[] = {{VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER, 1},
                                          {VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER, 1}};
    VkDescriptorPoolCreateInfo pool = {};
    pool.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO;
    pool.maxSets = 1;
    pool.poolSizeCount = 2;
    pool.pPoolSizes = sizes;
    SAC_VK(fn.CreateDescriptorPool(device_.handle(), &pool, nullptr, &pool_), "creating the scene's descriptor pool");
    VkDescriptorSetAllocateInfo allocate = {};
    allocate.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO;
    allocate.descriptorPool = pool_;
    allocate.descriptorSetCount = 1;
    allocate.pSetLayouts = &set_layout_;
    SAC_VK(fn.AllocateDescriptorSets(device_.handle(), &allocate, &set_), "allocating the scene's descriptor set");

    const VkDescriptorBufferInfo buffer = {uniforms_.handle(), 0, sizeof(Uniforms)};
    const VkDescriptorImageInfo image = {sampler_, shadow_.depth().view(),
                                         VK_IMAGE_LAYOUT_DEPTH_STENCIL_READ_ONLY_OPTIMAL};
    VkWriteDescriptorSet writes[2] = {};
    for (uint32_t i = 0; i < 2; ++i) {
        writes[i].sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET;
        writes[i].dstSet = set_;
        writes[i].dstBinding = i;
        writes[i].descriptorCount = 1;
        writes[i].descriptorType = bindings[i].descriptorType;
    }
    writes[0].pBufferInfo = &buffer;
    writes[1].pImageInfo = &image;
    fn.UpdateDescriptorSets(device_.handle(), 2, writes, 0, nullptr);

    VkPipelineLayoutCreateInfo layout = {};
    layout.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO;
    layout.setLayoutCount = 1;
    layout.pSetLayouts = &set_layout_;
    SAC_VK(fn.CreatePipelineLayout(device_.handle(), &layout, nullptr, &layout_),
           "creating the scene's pipeline layout");
    return {};
}

Status SceneRenderer::create_pipelines() {
    const VkVertexInputAttributeDescription attributes[] = {
        {0, 0, VK_FORMAT_R32G32B32A32_SFLOAT, 0},
        {1, 0, VK_FORMAT_R32G32B32A32_SFLOAT, 16},
        {2, 0, VK_FORMAT_R32G32B32A32_SFLOAT, 32},
        {3, 0, VK_FORMAT_R32G32B32A32_SFLOAT, offsetof(Instance, surface)},
        {4, 0, VK_FORMAT_R8G8B8A8_UNORM, offsetof(Instance, a)},
        {5, 0, VK_FORMAT_R8G8B8A8_UNORM, offsetof(Instance, b)},
        {6, 0, VK_FORMAT_R32G32_UINT, offsetof(Instance, pattern)},
        {7, 1, VK_FORMAT_R32G32B32A32_SFLOAT, offsetof(MeshVertex, position)},
        {8, 1, VK_FORMAT_R32G32B32_SFLOAT, offsetof(MeshVertex, normal)},
        {9, 1, VK_FORMAT_R32G32_SFLOAT, offsetof(MeshVertex, u)},
    };
    vk::GraphicsPipelineDesc mesh;
    mesh.name = "scene meshes";
    mesh.vertex = {spirv::scene_mesh_vert, spirv::scene_mesh_vert_words};
    mesh.fragment = {spirv::scene_mesh_frag, spirv::scene_mesh_frag_words};
    mesh.layout = layout_;
    mesh.pass = picture_.pass();
    mesh.instance_stride = sizeof(Instance);
    mesh.vertex_stride = sizeof(MeshVertex);
    mesh.attributes = attributes;
    mesh.samples = options_.smooth_edges ? VK_SAMPLE_COUNT_4_BIT : VK_SAMPLE_COUNT_1_BIT;
    mesh.depth = true;
    mesh.cull = VK_CULL_MODE_BACK_BIT;
    SAC_ASSIGN(mesh_pipeline_, vk::create_graphics_pipeline(device_, mesh));

    vk::GraphicsPipelineDesc backdrop = mesh;
    backdrop.name = "scene backdrop";
    backdrop.vertex = {spirv::scene_backdrop_vert, spirv::scene_backdrop_vert_words};
    backdrop.fragment = {spirv::scene_backdrop_frag, spirv::scene_backdrop_frag_words};
    backdrop.instance_stride = backdrop.vertex_stride = 0;
    backdrop.attributes = {};
    backdrop.cull = VK_CULL_MODE_NONE;
    SAC_ASSIGN(backdrop_pipeline_, vk::create_graphics_pipeline(device_, backdrop));

    // Shadows are those of the sides away from the sun, so that the sides towards it are not darkened by their own.
    vk::GraphicsPipelineDesc shadow = mesh;
    shadow.name = "scene shadows";
    shadow.vertex = {spirv::scene_shadow_vert, spirv::scene_shadow_vert_words};
    shadow.fragment = {};
    shadow.pass = shadow_.pass();
    shadow.color_attachments = 0;
    shadow.samples = VK_SAMPLE_COUNT_1_BIT;
    shadow.cull = VK_CULL_MODE_FRONT_BIT;
    SAC_ASSIGN(shadow_pipeline_, vk::create_graphics_pipeline(device_, shadow));

    vk::GraphicsPipelineDesc ids = mesh;
    ids.name = "scene ids";
    ids.vertex = {spirv::scene_silhouette_vert, spirv::scene_silhouette_vert_words};
    ids.fragment = {spirv::scene_ids_frag, spirv::scene_ids_frag_words};
    ids.pass = ids_.pass();
    ids.samples = VK_SAMPLE_COUNT_1_BIT;
    SAC_ASSIGN(ids_pipeline_, vk::create_graphics_pipeline(device_, ids));

    vk::GraphicsPipelineDesc coverage = ids;
    coverage.name = "scene coverage";
    coverage.fragment = {spirv::scene_coverage_frag, spirv::scene_coverage_frag_words};
    coverage.pass = coverage_.pass();
    coverage.color_attachments = coverage_images;
    coverage.blend = vk::Blend::max;
    coverage.depth = false;
    SAC_ASSIGN(coverage_pipeline_, vk::create_graphics_pipeline(device_, coverage));
    return {};
}

Status SceneRenderer::upload(const SceneFrame &frame) {
    const float aspect = static_cast<float>(options_.width) / static_cast<float>(options_.height);
    *uniforms_.mapped<Uniforms>() = uniforms_of(frame, aspect);
    const VkDeviceSize bytes = std::max<VkDeviceSize>(frame.parts.size(), 1) * sizeof(Instance);
    if (instances_.size() < bytes) {
        SAC_ASSIGN(instances_,
                   vk::Buffer::create(device_, memory_, std::max<VkDeviceSize>(2 * bytes, 256 * sizeof(Instance)),
                                      VK_BUFFER_USAGE_VERTEX_BUFFER_BIT, vk::MemoryUse::upload, "scene instances"));
    }
    auto *instances = instances_.mapped<Instance>();
    size_t next = 0;
    for (size_t mesh = 0; mesh < mesh_count; ++mesh) {
        first_instance_[mesh] = static_cast<uint32_t>(next);
        for (const Part &part : frame.parts)
            if (part.mesh == static_cast<Mesh>(mesh)) instances[next++] = instance_of(part);
    }
    first_instance_[mesh_count] = static_cast<uint32_t>(next);
    return {};
}

void SceneRenderer::draw_meshes(VkCommandBuffer commands, VkPipeline pipeline) {
    const vk::DeviceFunctions &fn = device_.fn();
    fn.CmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_GRAPHICS, pipeline);
    const VkBuffer buffers[] = {instances_.handle(), vertices_.handle()};
    const VkDeviceSize offsets[] = {0, 0};
    fn.CmdBindVertexBuffers(commands, 0, 2, buffers, offsets);
    fn.CmdBindIndexBuffer(commands, indices_.handle(), 0, VK_INDEX_TYPE_UINT16);
    for (size_t mesh = 0; mesh < mesh_count; ++mesh) {
        const MeshRange &range = meshes_.ranges[mesh];
        const uint32_t first = first_instance_[mesh], count = first_instance_[mesh + 1] - first;
        if (count) fn.CmdDrawIndexed(commands, range.index_count, count, range.first_index, range.first_vertex, first);
    }
}

void SceneRenderer::copy(VkCommandBuffer commands, const vk::GpuImage &image, VkDeviceSize offset) {
    VkBufferImageCopy region = {};
    region.bufferOffset = offset;
    region.imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1};
    region.imageExtent = {options_.width, options_.height, 1};
    device_.fn().CmdCopyImageToBuffer(commands, image.handle(), VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL,
                                      readback_.handle(), 1, &region);
}

// What is read back, one after another: the picture, the coverage's images, the ids.
void SceneRenderer::record_picture(VkCommandBuffer commands) {
    const vk::ScopedLabel label(device_, commands, "scene picture");
    shadow_.begin(commands);
    draw_meshes(commands, shadow_pipeline_);
    shadow_.end(commands);
    picture_.begin(commands);
    draw_meshes(commands, mesh_pipeline_);
    device_.fn().CmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_GRAPHICS, backdrop_pipeline_);
    device_.fn().CmdDraw(commands, 3, 1, 0, 0);
    picture_.end(commands);
    copy(commands, picture_.color(0), 0);
}

void SceneRenderer::record_visibility(VkCommandBuffer commands) {
    const vk::ScopedLabel label(device_, commands, "scene visibility");
    const VkDeviceSize image_bytes = VkDeviceSize{options_.width} * options_.height * 4;
    coverage_.begin(commands);
    draw_meshes(commands, coverage_pipeline_);
    coverage_.end(commands);
    for (uint32_t i = 0; i < coverage_images; ++i) copy(commands, coverage_.color(i), (1 + i) * image_bytes);
    ids_.begin(commands);
    draw_meshes(commands, ids_pipeline_);
    ids_.end(commands);
    copy(commands, ids_.color(0), (1 + coverage_images) * image_bytes);
}

void SceneRenderer::read_visibility(Visibility &visibility) const {
    const size_t pixels = size_t{options_.width} * options_.height;
    visibility.width = options_.width;
    visibility.height = options_.height;
    const uint8_t *channels = readback_.mapped<uint8_t>() + 4 * pixels, *ids = channels + 4 * coverage_images * pixels;
    visibility.ids.assign(ids, ids + pixels);
    visibility.coverage.assign(pixels, 0);
    for (uint32_t image = 0; image < coverage_images; ++image) {
        for (size_t i = 0; i < pixels; ++i) {
            const uint8_t *c = channels + (image * pixels + i) * 4;
            const uint32_t bits = (c[0] & 1u) | (c[1] & 2u) | (c[2] & 4u) | (c[3] & 8u);
            visibility.coverage[i] = static_cast<uint16_t>(visibility.coverage[i] | bits << (4 * image));
        }
    }
}

Status SceneRenderer::render(const SceneFrame &frame, Image *picture, Visibility *visibility) {
    SAC_TRY(upload(frame));
    SAC_TRY(commands_.begin(true));
    const VkCommandBuffer commands = commands_.handle();
    device_.fn().CmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_GRAPHICS, layout_, 0, 1, &set_, 0, nullptr);
    if (picture) record_picture(commands);
    if (visibility) record_visibility(commands);
    VkMemoryBarrier barrier = {};
    barrier.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER;
    barrier.srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT;
    barrier.dstAccessMask = VK_ACCESS_HOST_READ_BIT;
    device_.fn().CmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_HOST_BIT, 0, 1,
                                    &barrier, 0, nullptr, 0, nullptr);
    SAC_TRY(commands_.end());
    const vk::SemaphorePoint done = {timeline_->handle(), timeline_->next()};
    SAC_TRY(device_.submit({&commands, 1}, {}, {&done, 1}));
    SAC_TRY(timeline_->wait(done.value));

    if (picture) {
        if (picture->width != options_.width || picture->height != options_.height)
            *picture = Image(options_.width, options_.height);
        std::memcpy(picture->pixels.data(), readback_.mapped(), picture->pixels.size());
    }
    if (visibility) read_visibility(*visibility);
    return {};
}

}  // namespace sac::engine
