#include "engine/renderer.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "compute/base/format.h"
#include "compute/vk/commands.h"
#include "compute/vk/graphics_pipeline.h"
#include "engine/embedded_shaders.h"
#include "engine/io/yuv.h"

namespace sac::engine {

namespace {

// Push constants of shaders/overlay/picture.*
struct PicturePush {
    float rect[4];
    float target[2];
    int32_t format;
    int32_t taps;
    float yuv_to_rgb[4];
    float yuv_range[4];
    float turn[4];
};
static_assert(sizeof(PicturePush) == 80);

// Where the picture's texture coordinates go as the upright picture's x, then y, go from 0 to 1.
std::array<float, 4> texture_axes(Turn turn) {
    constexpr float axes[4][4] = {{1, 0, 0, 1}, {0, -1, 1, 0}, {-1, 0, 0, -1}, {0, 1, -1, 0}};
    const auto &[xx, xy, yx, yy] = axes[turn.rotation / 90 % 4];
    return turn.mirror ? std::array{-xx, -xy, yx, yy} : std::array{xx, xy, yx, yy};
}

struct PlaneLayout {
    VkFormat format = VK_FORMAT_R8_UNORM;
    uint32_t width = 1, height = 1, pixel_bytes = 1;
};

// Textures of a frame, in the order of the shader's bindings. Formats that have no texture of their own become RGBA on
// the way.
std::array<PlaneLayout, 3> plane_layouts(const Frame &frame) {
    const uint32_t w = frame.width, h = frame.height, half_w = (w + 1) / 2, half_h = (h + 1) / 2;
    const PlaneLayout none;
    switch (frame.format) {
        case PixelFormat::nv12:
            return {PlaneLayout{VK_FORMAT_R8_UNORM, w, h, 1}, PlaneLayout{VK_FORMAT_R8G8_UNORM, half_w, half_h, 2},
                    none};
        case PixelFormat::i420:
            return {PlaneLayout{VK_FORMAT_R8_UNORM, w, h, 1}, PlaneLayout{VK_FORMAT_R8_UNORM, half_w, half_h, 1},
                    PlaneLayout{VK_FORMAT_R8_UNORM, half_w, half_h, 1}};
        case PixelFormat::bgra: return {PlaneLayout{VK_FORMAT_B8G8R8A8_UNORM, w, h, 4}, none, none};
        default: return {PlaneLayout{VK_FORMAT_R8G8B8A8_UNORM, w, h, 4}, none, none};
    }
}

bool needs_rgba(PixelFormat format) { return format == PixelFormat::rgb || format == PixelFormat::yuyv; }

constexpr VkDeviceSize plane_alignment = 16;  // of each plane in the staging buffer: a multiple of every texel's size

VkDeviceSize align_plane(VkDeviceSize size) { return (size + plane_alignment - 1) / plane_alignment * plane_alignment; }

}  // namespace

Result<std::unique_ptr<Renderer>> Renderer::create(vk::Device &device, vk::Memory &memory, VkFormat format,
                                                   VkImageLayout final_layout, uint32_t slots) {
    std::unique_ptr<Renderer> renderer(new Renderer(device, memory));
    renderer->slots_.resize(slots);
    SAC_ASSIGN(renderer->pass_, vk::create_clear_pass(device, format, final_layout, "the picture"));
    SAC_TRY(renderer->create_layouts());
    SAC_ASSIGN(renderer->shapes_renderer_, overlay::ShapesRenderer::create(device, memory));
    SAC_TRY(renderer->create_pipelines());
    Frame none;  // text may be drawn before there is a picture, and drivers want all of a set to be there
    none.width = none.height = 1;
    SAC_TRY(renderer->fit_textures(none));
    return renderer;
}

Renderer::~Renderer() {
    const vk::DeviceFunctions &fn = device_.fn();
    const VkDevice device = device_.handle();
    for (const auto &row : picture_pipelines_)
        for (VkPipeline pipeline : row)
            if (pipeline) fn.DestroyPipeline(device, pipeline, nullptr);
    if (shapes_pipeline_) fn.DestroyPipeline(device, shapes_pipeline_, nullptr);
    if (layout_) fn.DestroyPipelineLayout(device, layout_, nullptr);
    if (pool_) fn.DestroyDescriptorPool(device, pool_, nullptr);
    if (set_layout_) fn.DestroyDescriptorSetLayout(device, set_layout_, nullptr);
    if (sampler_) fn.DestroySampler(device, sampler_, nullptr);
    if (pass_) fn.DestroyRenderPass(device, pass_, nullptr);
}

Status Renderer::create_layouts() {
    const vk::DeviceFunctions &fn = device_.fn();
    VkSamplerCreateInfo sampler = {};
    sampler.sType = VK_STRUCTURE_TYPE_SAMPLER_CREATE_INFO;
    sampler.magFilter = sampler.minFilter = VK_FILTER_LINEAR;
    sampler.addressModeU = sampler.addressModeV = sampler.addressModeW = VK_SAMPLER_ADDRESS_MODE_CLAMP_TO_EDGE;
    SAC_VK(fn.CreateSampler(device_.handle(), &sampler, nullptr, &sampler_), "creating the picture's sampler");

    VkDescriptorSetLayoutBinding bindings[3] = {};
    for (uint32_t i = 0; i < 3; ++i) {
        bindings[i].binding = i;
        bindings[i].descriptorType = VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER;
        bindings[i].descriptorCount = 1;
        bindings[i].stageFlags = VK_SHADER_STAGE_FRAGMENT_BIT;
    }
    VkDescriptorSetLayoutCreateInfo set = {};
    set.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO;
    set.bindingCount = 3;
    set.pBindings = bindings;
    SAC_VK(fn.CreateDescriptorSetLayout(device_.handle(), &set, nullptr, &set_layout_),
           "creating the picture's set layout");

    const VkDescriptorPoolSize size = {VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER, 3};
    VkDescriptorPoolCreateInfo pool = {};
    pool.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO;
    pool.maxSets = 1;
    pool.poolSizeCount = 1;
    pool.pPoolSizes = &size;
    SAC_VK(fn.CreateDescriptorPool(device_.handle(), &pool, nullptr, &pool_), "creating the picture's descriptor pool");
    VkDescriptorSetAllocateInfo allocate = {};
    allocate.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO;
    allocate.descriptorPool = pool_;
    allocate.descriptorSetCount = 1;
    allocate.pSetLayouts = &set_layout_;
    SAC_VK(fn.AllocateDescriptorSets(device_.handle(), &allocate, &set_), "allocating the picture's descriptor set");

    const VkPushConstantRange push = {VK_SHADER_STAGE_VERTEX_BIT | VK_SHADER_STAGE_FRAGMENT_BIT, 0,
                                      sizeof(PicturePush)};
    VkPipelineLayoutCreateInfo layout = {};
    layout.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO;
    layout.setLayoutCount = 1;
    layout.pSetLayouts = &set_layout_;
    layout.pushConstantRangeCount = 1;
    layout.pPushConstantRanges = &push;
    SAC_VK(fn.CreatePipelineLayout(device_.handle(), &layout, nullptr, &layout_),
           "creating the picture's pipeline layout");
    return {};
}

Status Renderer::create_pipelines() {
    vk::GraphicsPipelineDesc picture;
    picture.name = "overlay picture";
    picture.vertex = {spirv::overlay_picture_vert, spirv::overlay_picture_vert_words};
    picture.layout = layout_;
    picture.pass = pass_;
    const decltype(picture.fragment) fragments[2][2] = {
        {{spirv::overlay_picture_rgb_frag, spirv::overlay_picture_rgb_frag_words},
         {spirv::overlay_picture_rgb_area_frag, spirv::overlay_picture_rgb_area_frag_words}},
        {{spirv::overlay_picture_yuv_frag, spirv::overlay_picture_yuv_frag_words},
         {spirv::overlay_picture_yuv_area_frag, spirv::overlay_picture_yuv_area_frag_words}}};
    for (int yuv = 0; yuv < 2; ++yuv)
        for (int area = 0; area < 2; ++area) {
            picture.fragment = fragments[yuv][area];
            SAC_ASSIGN(picture_pipelines_[yuv][area], vk::create_graphics_pipeline(device_, picture));
        }
    SAC_ASSIGN(shapes_pipeline_, shapes_renderer_->create_pipeline(pass_));
    return {};
}

Result<VkFramebuffer> Renderer::create_framebuffer(VkImageView view, VkExtent2D extent) {
    return vk::create_framebuffer(device_, pass_, {&view, 1}, extent, "the picture");
}

Status Renderer::fit_textures(const Frame &frame) {
    const auto layouts = plane_layouts(frame);
    const auto fits = [&](size_t i) {
        return planes_[i] && planes_[i].extent().width == layouts[i].width &&
               planes_[i].extent().height == layouts[i].height && planes_[i].format() == layouts[i].format;
    };
    if (fits(0) && fits(1) && fits(2)) return {};

    SAC_TRY(device_.wait_idle());  // another size or format is rare, and what was drawn before may still be read
    std::array<vk::GpuImage, 3> planes;
    for (size_t i = 0; i < 3; ++i) {
        SAC_ASSIGN(planes[i],
                   vk::GpuImage::create(device_, memory_, {layouts[i].width, layouts[i].height}, layouts[i].format,
                                        VK_IMAGE_USAGE_SAMPLED_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT, "picture"));
    }
    planes_ = std::move(planes);
    planes_written_ = false;

    VkDescriptorImageInfo images[3] = {};
    VkWriteDescriptorSet writes[3] = {};
    for (uint32_t i = 0; i < 3; ++i) {
        images[i] = {sampler_, planes_[i].view(), VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL};
        writes[i].sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET;
        writes[i].dstSet = set_;
        writes[i].dstBinding = i;
        writes[i].descriptorCount = 1;
        writes[i].descriptorType = VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER;
        writes[i].pImageInfo = &images[i];
    }
    device_.fn().UpdateDescriptorSets(device_.handle(), 3, writes, 0, nullptr);
    return {};
}

Status Renderer::upload(VkCommandBuffer commands, Slot &slot, const Frame &frame) {
    SAC_TRY(fit_textures(frame));
    shown_ = frame;
    shown_.owner.reset();
    shown_.planes = {};

    const auto layouts = plane_layouts(frame);
    VkDeviceSize bytes = 0;
    for (const PlaneLayout &l : layouts) bytes += align_plane(VkDeviceSize{l.width} * l.height * l.pixel_bytes);
    if (slot.staging.size() < bytes) {
        SAC_ASSIGN(slot.staging, vk::Buffer::create(device_, memory_, bytes, VK_BUFFER_USAGE_TRANSFER_SRC_BIT,
                                                    vk::MemoryUse::upload, "picture staging"));
    }
    std::shared_ptr<uint8_t[]> converted;
    std::array<Plane, 3> from = frame.planes;
    if (needs_rgba(frame.format)) {
        converted = to_rgba(frame);
        from = {Plane{converted.get(), frame.width * 4}};
    }

    const vk::ImageUse before = planes_written_ ? vk::fragment_read : vk::fresh;
    VkDeviceSize offset = 0;
    for (size_t i = 0; i < 3; ++i) {
        const PlaneLayout &l = layouts[i];
        const size_t row = size_t{l.width} * l.pixel_bytes;
        uint8_t *to = slot.staging.mapped<uint8_t>() + offset;
        if (!from[i].data)
            std::memset(to, 0, row * l.height);
        else if (from[i].stride == row)
            std::memcpy(to, from[i].data, row * l.height);
        else
            for (size_t y = 0; y < l.height; ++y) std::memcpy(to + y * row, from[i].data + y * from[i].stride, row);

        vk::image_barrier(device_, commands, planes_[i].handle(), before, vk::transfer_write);
        VkBufferImageCopy region = {};
        region.bufferOffset = offset;
        region.imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1};
        region.imageExtent = {l.width, l.height, 1};
        device_.fn().CmdCopyBufferToImage(commands, slot.staging.handle(), planes_[i].handle(),
                                          VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, 1, &region);
        vk::image_barrier(device_, commands, planes_[i].handle(), vk::transfer_write, vk::fragment_read);
        offset += align_plane(row * l.height);
    }
    planes_written_ = picture_shown_ = true;
    return {};
}

void Renderer::draw_picture(VkCommandBuffer commands, VkExtent2D extent, const overlay::Rect &where) {
    const YuvConversion yuv = yuv_conversion(shown_.matrix, shown_.full_range);
    PicturePush push = {};
    push.rect[0] = where.x;
    push.rect[1] = where.y;
    push.rect[2] = where.width;
    push.rect[3] = where.height;
    push.target[0] = static_cast<float>(extent.width);
    push.target[1] = static_cast<float>(extent.height);
    push.format = shown_.format == PixelFormat::nv12 ? 1 : shown_.format == PixelFormat::i420 ? 2 : 0;
    // One bilinear sample takes in two source pixels in each direction.
    push.taps = std::clamp(
        static_cast<int32_t>(std::ceil(static_cast<float>(shown_.upright_width()) / where.width - 0.01f)), 1, 8);
    std::copy(yuv.to_rgb.begin(), yuv.to_rgb.end(), push.yuv_to_rgb);
    std::copy(yuv.range.begin(), yuv.range.end(), push.yuv_range);
    const std::array<float, 4> axes = texture_axes(shown_.turn);
    std::copy(axes.begin(), axes.end(), push.turn);
    const vk::DeviceFunctions &fn = device_.fn();
    fn.CmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_GRAPHICS, picture_pipelines_[push.format != 0][push.taps > 1]);
    fn.CmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_GRAPHICS, layout_, 0, 1, &set_, 0, nullptr);
    fn.CmdPushConstants(commands, layout_, VK_SHADER_STAGE_VERTEX_BIT | VK_SHADER_STAGE_FRAGMENT_BIT, 0, sizeof push,
                        &push);
    fn.CmdDraw(commands, 6, 1, 0, 0);
}

Status Renderer::draw(VkCommandBuffer commands, uint32_t slot_index, VkFramebuffer framebuffer, VkExtent2D extent,
                      const Scene &scene) {
    Slot &slot = slots_[slot_index];
    const vk::DeviceFunctions &fn = device_.fn();
    const vk::ScopedLabel label(device_, commands, "picture and overlay");
    if (scene.frame) SAC_TRY(upload(commands, slot, *scene.frame));

    shapes_.clear();
    const overlay::Rect whole = {0, 0, static_cast<float>(extent.width), static_cast<float>(extent.height)};
    const overlay::Rect target = scene.area.width > 0 ? scene.area : whole;
    const auto target_width = static_cast<uint32_t>(target.width), target_height = static_cast<uint32_t>(target.height);
    const uint32_t width = picture_shown_ ? shown_.upright_width() : target_width;
    const uint32_t height = picture_shown_ ? shown_.upright_height() : target_height;
    overlay::Rect where = overlay::letterbox(width, height, target_width, target_height);
    where.x += target.x;
    where.y += target.y;
    if (scene.overlay)
        overlay::layout_overlay(shapes_renderer_->font(), *scene.overlay, width, height, where, target, {scene.scale},
                                shapes_);
    SAC_TRY(slot.shapes.write(device_, memory_, shapes_));

    VkClearValue background = {};
    background.color = {{0.09f, 0.09f, 0.1f, 1}};
    VkRenderPassBeginInfo begin = {};
    begin.sType = VK_STRUCTURE_TYPE_RENDER_PASS_BEGIN_INFO;
    begin.renderPass = pass_;
    begin.framebuffer = framebuffer;
    begin.renderArea.extent = extent;
    begin.clearValueCount = 1;
    begin.pClearValues = &background;
    fn.CmdBeginRenderPass(commands, &begin, VK_SUBPASS_CONTENTS_INLINE);
    const VkViewport viewport = {0, 0, static_cast<float>(extent.width), static_cast<float>(extent.height), 0, 1};
    const VkRect2D scissor = {{0, 0}, extent};
    fn.CmdSetViewport(commands, 0, 1, &viewport);
    fn.CmdSetScissor(commands, 0, 1, &scissor);
    if (picture_shown_) draw_picture(commands, extent, where);
    shapes_renderer_->draw(commands, shapes_pipeline_, slot.shapes, {extent});
    if (scene.on_top) scene.on_top(commands);
    fn.CmdEndRenderPass(commands);
    return {};
}

}  // namespace sac::engine
