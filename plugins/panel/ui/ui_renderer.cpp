// What of Ui is Vulkan: the pipeline, any number of textures, vertices and draws.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>

#include "compute/vk/commands.h"
#include "compute/vk/graphics_pipeline.h"
#include "plugins/panel/ui/ui.h"

// shaders/overlay/ui.*, compiled and embedded by the build.
namespace sac::spirv {
extern const uint32_t overlay_ui_vert[], overlay_ui_frag[];
extern const size_t overlay_ui_vert_words, overlay_ui_frag_words;
}  // namespace sac::spirv

namespace sac::panel {

namespace {
constexpr uint32_t sets_a_pool = 32;
static_assert(sizeof(ImDrawIdx) == 2);
}  // namespace

Ui::~Ui() {
    const vk::DeviceFunctions &fn = device_.fn();
    const VkDevice device = device_.handle();
    if (context_) ImGui::DestroyContext(context_);
    slots_.clear();
    textures_.clear();
    if (pipeline_) fn.DestroyPipeline(device, pipeline_, nullptr);
    if (layout_) fn.DestroyPipelineLayout(device, layout_, nullptr);
    for (const VkDescriptorPool pool : pools_) fn.DestroyDescriptorPool(device, pool, nullptr);
    if (set_layout_) fn.DestroyDescriptorSetLayout(device, set_layout_, nullptr);
    for (const VkSampler sampler : {smooth_, sharp_})
        if (sampler) fn.DestroySampler(device, sampler, nullptr);
}

Ui::Texture::~Texture() {
    if (set) free_sets.push_back(set);
}

Status Ui::create_objects(VkRenderPass pass) {
    const vk::DeviceFunctions &fn = device_.fn();
    VkSamplerCreateInfo sampler = {};
    sampler.sType = VK_STRUCTURE_TYPE_SAMPLER_CREATE_INFO;
    sampler.addressModeU = sampler.addressModeV = sampler.addressModeW = VK_SAMPLER_ADDRESS_MODE_CLAMP_TO_EDGE;
    SAC_VK(fn.CreateSampler(device_.handle(), &sampler, nullptr, &sharp_), "creating the ui's sampler");
    sampler.magFilter = sampler.minFilter = VK_FILTER_LINEAR;
    SAC_VK(fn.CreateSampler(device_.handle(), &sampler, nullptr, &smooth_), "creating the ui's sampler");

    VkDescriptorSetLayoutBinding binding = {};
    binding.descriptorType = VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER;
    binding.descriptorCount = 1;
    binding.stageFlags = VK_SHADER_STAGE_FRAGMENT_BIT;
    VkDescriptorSetLayoutCreateInfo set = {};
    set.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO;
    set.bindingCount = 1;
    set.pBindings = &binding;
    SAC_VK(fn.CreateDescriptorSetLayout(device_.handle(), &set, nullptr, &set_layout_), "creating the ui's set layout");
    const VkPushConstantRange push = {VK_SHADER_STAGE_VERTEX_BIT, 0, 2 * sizeof(float)};
    VkPipelineLayoutCreateInfo layout = {};
    layout.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO;
    layout.setLayoutCount = 1;
    layout.pSetLayouts = &set_layout_;
    layout.pushConstantRangeCount = 1;
    layout.pPushConstantRanges = &push;
    SAC_VK(fn.CreatePipelineLayout(device_.handle(), &layout, nullptr, &layout_), "creating the ui's pipeline layout");

    const VkVertexInputAttributeDescription attributes[] = {
        {0, 1, VK_FORMAT_R32G32_SFLOAT, offsetof(ImDrawVert, pos)},
        {1, 1, VK_FORMAT_R32G32_SFLOAT, offsetof(ImDrawVert, uv)},
        {2, 1, VK_FORMAT_R8G8B8A8_UNORM, offsetof(ImDrawVert, col)},
    };
    vk::GraphicsPipelineDesc desc;
    desc.name = "ui";
    desc.vertex = {spirv::overlay_ui_vert, spirv::overlay_ui_vert_words};
    desc.fragment = {spirv::overlay_ui_frag, spirv::overlay_ui_frag_words};
    desc.layout = layout_;
    desc.pass = pass;
    desc.vertex_stride = sizeof(ImDrawVert);
    desc.attributes = attributes;
    desc.blend = vk::Blend::over;
    SAC_ASSIGN(pipeline_, vk::create_graphics_pipeline(device_, desc));
    return {};
}

Status Ui::create_font() {
    ImGuiIO &io = ImGui::GetIO();
    unsigned char *pixels = nullptr;
    int width = 0, height = 0;
    io.Fonts->GetTexDataAsRGBA32(&pixels, &width, &height);
    SAC_ASSIGN(auto texture, make_texture(static_cast<uint32_t>(width), static_cast<uint32_t>(height), smooth_));
    textures_.push_back(std::move(texture));
    update_texture(textures_.back().get(), pixels);
    io.Fonts->SetTexID(textures_.back().get());
    return {};
}

// Sets come from pools of a fixed size, as many as it takes; those of textures that are gone are used again.
Result<VkDescriptorSet> Ui::take_set() {
    const vk::DeviceFunctions &fn = device_.fn();
    if (free_sets_.empty()) {
        const VkDescriptorPoolSize size = {VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER, sets_a_pool};
        VkDescriptorPoolCreateInfo info = {};
        info.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO;
        info.maxSets = sets_a_pool;
        info.poolSizeCount = 1;
        info.pPoolSizes = &size;
        VkDescriptorPool pool = VK_NULL_HANDLE;
        SAC_VK(fn.CreateDescriptorPool(device_.handle(), &info, nullptr, &pool), "creating the ui's descriptor pool");
        pools_.push_back(pool);
        const std::vector<VkDescriptorSetLayout> layouts(sets_a_pool, set_layout_);
        std::array<VkDescriptorSet, sets_a_pool> sets = {};
        VkDescriptorSetAllocateInfo allocate = {};
        allocate.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO;
        allocate.descriptorPool = pool;
        allocate.descriptorSetCount = sets_a_pool;
        allocate.pSetLayouts = layouts.data();
        SAC_VK(fn.AllocateDescriptorSets(device_.handle(), &allocate, sets.data()), "allocating the ui's sets");
        free_sets_.assign(sets.begin(), sets.end());
    }
    const VkDescriptorSet set = free_sets_.back();
    free_sets_.pop_back();
    return set;
}

Result<std::shared_ptr<Ui::Texture>> Ui::make_texture(uint32_t width, uint32_t height, VkSampler sampler) {
    auto texture = std::make_shared<Texture>(free_sets_);
    SAC_ASSIGN(texture->image,
               vk::GpuImage::create(device_, memory_, {width, height}, VK_FORMAT_R8G8B8A8_UNORM,
                                    VK_IMAGE_USAGE_SAMPLED_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT, "ui"));
    SAC_ASSIGN(texture->set, take_set());
    const VkDescriptorImageInfo image = {sampler, texture->image.view(), VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL};
    VkWriteDescriptorSet write = {};
    write.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET;
    write.dstSet = texture->set;
    write.descriptorCount = 1;
    write.descriptorType = VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER;
    write.pImageInfo = &image;
    device_.fn().UpdateDescriptorSets(device_.handle(), 1, &write, 0, nullptr);
    texture->pixels.assign(size_t{width} * height * 4, 0);  // defined also where nothing is ever put into it
    return texture;
}

Status Ui::upload_textures(VkCommandBuffer commands, Slot &slot) {
    VkDeviceSize bytes = 0;
    for (const auto &texture : textures_) bytes += texture->pixels.size();
    if (bytes == 0) return {};
    if (slot.staging.size() < bytes) {
        SAC_ASSIGN(slot.staging, vk::Buffer::create(device_, memory_, bytes, VK_BUFFER_USAGE_TRANSFER_SRC_BIT,
                                                    vk::MemoryUse::upload, "ui staging"));
    }
    VkDeviceSize offset = 0;
    for (const auto &texture : textures_) {
        if (texture->pixels.empty()) continue;
        std::memcpy(slot.staging.mapped<uint8_t>() + offset, texture->pixels.data(), texture->pixels.size());
        const VkImage image = texture->image.handle();
        vk::image_barrier(device_, commands, image, texture->written ? vk::fragment_read : vk::fresh,
                          vk::transfer_write);
        VkBufferImageCopy region = {};
        region.bufferOffset = offset;
        region.imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1};
        region.imageExtent = {texture->image.extent().width, texture->image.extent().height, 1};
        device_.fn().CmdCopyBufferToImage(commands, slot.staging.handle(), image, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL,
                                          1, &region);
        vk::image_barrier(device_, commands, image, vk::transfer_write, vk::fragment_read);
        offset += texture->pixels.size();
        texture->pixels.clear();
        texture->written = true;
    }
    return {};
}

Status Ui::upload_vertices(Slot &slot, const ImDrawData &data) {
    const VkDeviceSize vertex_bytes = static_cast<VkDeviceSize>(data.TotalVtxCount) * sizeof(ImDrawVert);
    const VkDeviceSize index_bytes = static_cast<VkDeviceSize>(data.TotalIdxCount) * sizeof(ImDrawIdx);
    if (slot.vertices.size() < vertex_bytes) {
        SAC_ASSIGN(slot.vertices,
                   vk::Buffer::create(device_, memory_, vertex_bytes * 2, VK_BUFFER_USAGE_VERTEX_BUFFER_BIT,
                                      vk::MemoryUse::upload, "ui vertices"));
    }
    if (slot.indices.size() < index_bytes) {
        SAC_ASSIGN(slot.indices, vk::Buffer::create(device_, memory_, index_bytes * 2, VK_BUFFER_USAGE_INDEX_BUFFER_BIT,
                                                    vk::MemoryUse::upload, "ui indices"));
    }
    auto *vertices = vertex_bytes ? slot.vertices.mapped<ImDrawVert>() : nullptr;
    auto *indices = index_bytes ? slot.indices.mapped<ImDrawIdx>() : nullptr;
    for (int i = 0; i < data.CmdListsCount; ++i) {
        const ImDrawList &list = *data.CmdLists[i];
        vertices = std::copy(list.VtxBuffer.begin(), list.VtxBuffer.end(), vertices);
        indices = std::copy(list.IdxBuffer.begin(), list.IdxBuffer.end(), indices);
    }
    return {};
}

Status Ui::upload(VkCommandBuffer commands, uint32_t slot) {
    ImGui::SetCurrentContext(context_);
    if (begun_) ImGui::Render();
    begun_ = false;
    const vk::ScopedLabel label(device_, commands, "ui");
    slots_[slot].shown = textures_;
    SAC_TRY(upload_textures(commands, slots_[slot]));
    const ImDrawData *data = ImGui::GetDrawData();
    return data ? upload_vertices(slots_[slot], *data) : Status();
}

void Ui::draw(VkCommandBuffer commands, uint32_t slot_index, VkExtent2D target) {
    ImGui::SetCurrentContext(context_);
    const ImDrawData *data = ImGui::GetDrawData();
    if (!data || data->TotalIdxCount == 0) return;
    const vk::DeviceFunctions &fn = device_.fn();
    const Slot &slot = slots_[slot_index];
    const VkBuffer vertices = slot.vertices.handle();
    const VkDeviceSize start = 0;
    const float size[2] = {static_cast<float>(target.width), static_cast<float>(target.height)};
    fn.CmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_GRAPHICS, pipeline_);
    fn.CmdPushConstants(commands, layout_, VK_SHADER_STAGE_VERTEX_BIT, 0, sizeof size, size);
    fn.CmdBindVertexBuffers(commands, 1, 1, &vertices, &start);
    fn.CmdBindIndexBuffer(commands, slot.indices.handle(), 0, VK_INDEX_TYPE_UINT16);
    uint32_t first_index = 0;
    int32_t first_vertex = 0;
    for (int i = 0; i < data->CmdListsCount; ++i) {
        const ImDrawList &list = *data->CmdLists[i];
        for (const ImDrawCmd &command : list.CmdBuffer) {
            const float left = std::clamp(command.ClipRect.x, 0.0f, size[0]);
            const float top = std::clamp(command.ClipRect.y, 0.0f, size[1]);
            const float right = std::clamp(command.ClipRect.z, 0.0f, size[0]);
            const float bottom = std::clamp(command.ClipRect.w, 0.0f, size[1]);
            if (right <= left || bottom <= top || command.ElemCount == 0) continue;
            const VkRect2D scissor = {{static_cast<int32_t>(left), static_cast<int32_t>(top)},
                                      {static_cast<uint32_t>(right - left), static_cast<uint32_t>(bottom - top)}};
            const VkDescriptorSet set = static_cast<const Texture *>(command.GetTexID())->set;
            fn.CmdSetScissor(commands, 0, 1, &scissor);
            fn.CmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_GRAPHICS, layout_, 0, 1, &set, 0, nullptr);
            fn.CmdDrawIndexed(commands, command.ElemCount, 1, first_index + command.IdxOffset,
                              first_vertex + static_cast<int32_t>(command.VtxOffset), 0);
        }
        first_index += static_cast<uint32_t>(list.IdxBuffer.Size);
        first_vertex += list.VtxBuffer.Size;
    }
}

}  // namespace sac::panel
