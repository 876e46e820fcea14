#include "plugins/overlay/shapes_renderer.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "compute/vk/graphics_pipeline.h"

namespace sac::spirv {

// Compiled and embedded by the build from shaders/overlay/shapes.*.
extern const uint32_t overlay_shapes_vert[], overlay_shapes_frag[];
extern const size_t overlay_shapes_vert_words, overlay_shapes_frag_words;

}  // namespace sac::spirv

namespace sac::overlay {

namespace {

constexpr VkDeviceSize least_shapes = 1024;  // a buffer's room at first
constexpr VkShaderStageFlags both_stages = VK_SHADER_STAGE_VERTEX_BIT | VK_SHADER_STAGE_FRAGMENT_BIT;

// Push constants of shaders/overlay/shapes.*
struct Push {
    float target[2];
    float opacity;
    uint32_t linear;
};
static_assert(sizeof(Push) == 16);

}  // namespace

Status ShapeBuffer::write(vk::Device &device, vk::Memory &memory, std::span<const Shape> shapes) {
    count_ = 0;
    if (shapes.empty()) return {};
    if (shapes.size_bytes() > buffer_.size()) {
        const VkDeviceSize bytes = std::max(2 * shapes.size(), least_shapes) * sizeof(Shape);
        SAC_ASSIGN(buffer_, vk::Buffer::create(device, memory, bytes, VK_BUFFER_USAGE_VERTEX_BUFFER_BIT,
                                               vk::MemoryUse::upload, "overlay shapes"));
    }
    std::memcpy(buffer_.mapped(), shapes.data(), shapes.size_bytes());
    count_ = static_cast<uint32_t>(shapes.size());
    return {};
}

Result<std::unique_ptr<ShapesRenderer>> ShapesRenderer::create(vk::Device &device, vk::Memory &memory) {
    std::unique_ptr<ShapesRenderer> renderer(new ShapesRenderer(device));
    SAC_TRY(renderer->create_layouts());
    SAC_TRY(renderer->create_font_set(memory));
    return renderer;
}

ShapesRenderer::~ShapesRenderer() {
    const vk::DeviceFunctions &fn = device_.fn();
    const VkDevice device = device_.handle();
    if (layout_) fn.DestroyPipelineLayout(device, layout_, nullptr);
    if (pool_) fn.DestroyDescriptorPool(device, pool_, nullptr);
    if (set_layout_) fn.DestroyDescriptorSetLayout(device, set_layout_, nullptr);
}

Status ShapesRenderer::create_layouts() {
    const vk::DeviceFunctions &fn = device_.fn();
    const VkDescriptorSetLayoutBinding strokes = {0, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1, VK_SHADER_STAGE_FRAGMENT_BIT,
                                                  nullptr};
    VkDescriptorSetLayoutCreateInfo set = {};
    set.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO;
    set.bindingCount = 1;
    set.pBindings = &strokes;
    SAC_VK(fn.CreateDescriptorSetLayout(device_.handle(), &set, nullptr, &set_layout_),
           "creating the overlay's set layout");
    const VkPushConstantRange push = {both_stages, 0, sizeof(Push)};
    VkPipelineLayoutCreateInfo layout = {};
    layout.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO;
    layout.setLayoutCount = 1;
    layout.pSetLayouts = &set_layout_;
    layout.pushConstantRangeCount = 1;
    layout.pPushConstantRanges = &push;
    SAC_VK(fn.CreatePipelineLayout(device_.handle(), &layout, nullptr, &layout_),
           "creating the overlay's pipeline layout");
    return {};
}

Status ShapesRenderer::create_font_set(vk::Memory &memory) {
    const vk::DeviceFunctions &fn = device_.fn();
    const std::span<const Stroke> strokes = font_.strokes();
    SAC_ASSIGN(strokes_, vk::Buffer::create(device_, memory, strokes.size_bytes(), VK_BUFFER_USAGE_STORAGE_BUFFER_BIT,
                                            vk::MemoryUse::upload, "overlay font"));
    std::memcpy(strokes_.mapped(), strokes.data(), strokes.size_bytes());

    const VkDescriptorPoolSize size = {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1};
    VkDescriptorPoolCreateInfo pool = {};
    pool.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO;
    pool.maxSets = 1;
    pool.poolSizeCount = 1;
    pool.pPoolSizes = &size;
    SAC_VK(fn.CreateDescriptorPool(device_.handle(), &pool, nullptr, &pool_), "creating the overlay's descriptor pool");
    VkDescriptorSetAllocateInfo allocate = {};
    allocate.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO;
    allocate.descriptorPool = pool_;
    allocate.descriptorSetCount = 1;
    allocate.pSetLayouts = &set_layout_;
    SAC_VK(fn.AllocateDescriptorSets(device_.handle(), &allocate, &set_), "allocating the overlay's descriptor set");
    const VkDescriptorBufferInfo buffer = {strokes_.handle(), 0, VK_WHOLE_SIZE};
    VkWriteDescriptorSet write = {};
    write.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET;
    write.dstSet = set_;
    write.descriptorCount = 1;
    write.descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
    write.pBufferInfo = &buffer;
    fn.UpdateDescriptorSets(device_.handle(), 1, &write, 0, nullptr);
    return {};
}

Result<VkPipeline> ShapesRenderer::create_pipeline(VkRenderPass pass) const {
    const VkVertexInputAttributeDescription attributes[] = {
        {0, 0, VK_FORMAT_R32G32B32A32_SFLOAT, offsetof(Shape, rect)},
        {1, 0, VK_FORMAT_R32G32B32A32_SFLOAT, offsetof(Shape, form)},
        {2, 0, VK_FORMAT_R8G8B8A8_UNORM, offsetof(Shape, color)},
        {3, 0, VK_FORMAT_R32G32_UINT, offsetof(Shape, first_stroke)},
    };
    vk::GraphicsPipelineDesc shapes;
    shapes.name = "overlay shapes";
    shapes.vertex = {spirv::overlay_shapes_vert, spirv::overlay_shapes_vert_words};
    shapes.fragment = {spirv::overlay_shapes_frag, spirv::overlay_shapes_frag_words};
    shapes.layout = layout_;
    shapes.pass = pass;
    shapes.instance_stride = sizeof(Shape);
    shapes.attributes = attributes;
    shapes.blend = vk::Blend::over;
    return vk::create_graphics_pipeline(device_, shapes);
}

void ShapesRenderer::draw(VkCommandBuffer commands, VkPipeline pipeline, const ShapeBuffer &shapes,
                          const Target &target) const {
    if (shapes.count() == 0) return;
    const Push push = {{static_cast<float>(target.extent.width), static_cast<float>(target.extent.height)},
                       target.opacity,
                       target.linear ? 1u : 0u};
    const VkBuffer buffer = shapes.handle();
    const VkDeviceSize offset = 0;
    const vk::DeviceFunctions &fn = device_.fn();
    fn.CmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_GRAPHICS, pipeline);
    fn.CmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_GRAPHICS, layout_, 0, 1, &set_, 0, nullptr);
    fn.CmdPushConstants(commands, layout_, both_stages, 0, sizeof push, &push);
    fn.CmdBindVertexBuffers(commands, 0, 1, &buffer, &offset);
    fn.CmdDraw(commands, 6, shapes.count(), 0, 0);
}

}  // namespace sac::overlay
