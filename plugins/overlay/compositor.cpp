#include "plugins/overlay/compositor.h"

#include <algorithm>
#include <iterator>

#include "compute/base/format.h"
#include "compute/vk/commands.h"
#include "compute/vk/graphics_pipeline.h"

namespace sac::overlay {

namespace {

// All of them are formats that every device can draw to and blend (Vulkan 1.2, "Required Format Support").
struct Format {
    VkFormat format;
    bool linear;
};
constexpr Format formats[] = {
    {VK_FORMAT_R8G8B8A8_UNORM, false},           {VK_FORMAT_R8G8B8A8_SRGB, true},
    {VK_FORMAT_B8G8R8A8_UNORM, false},           {VK_FORMAT_B8G8R8A8_SRGB, true},
    {VK_FORMAT_A2B10G10R10_UNORM_PACK32, false}, {VK_FORMAT_R16G16B16A16_SFLOAT, true},
};

// Its place in the table; the table's size if it is not there.
size_t find(VkFormat format) {
    const auto *at =
        std::find_if(std::begin(formats), std::end(formats), [&](const Format &f) { return f.format == format; });
    return static_cast<size_t>(at - std::begin(formats));
}

constexpr VkImageLayout drawing = VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL;

// Load and store; layouts and dependencies are barriers of record().
Result<VkRenderPass> create_pass(vk::Device &device, VkFormat format) {
    VkAttachmentDescription color = {};
    color.format = format;
    color.samples = VK_SAMPLE_COUNT_1_BIT;
    color.loadOp = VK_ATTACHMENT_LOAD_OP_LOAD;
    color.storeOp = VK_ATTACHMENT_STORE_OP_STORE;
    color.stencilLoadOp = VK_ATTACHMENT_LOAD_OP_DONT_CARE;
    color.stencilStoreOp = VK_ATTACHMENT_STORE_OP_DONT_CARE;
    color.initialLayout = color.finalLayout = drawing;
    const VkAttachmentReference reference = {0, drawing};
    VkSubpassDescription subpass = {};
    subpass.pipelineBindPoint = VK_PIPELINE_BIND_POINT_GRAPHICS;
    subpass.colorAttachmentCount = 1;
    subpass.pColorAttachments = &reference;
    VkRenderPassCreateInfo info = {};
    info.sType = VK_STRUCTURE_TYPE_RENDER_PASS_CREATE_INFO;
    info.attachmentCount = 1;
    info.pAttachments = &color;
    info.subpassCount = 1;
    info.pSubpasses = &subpass;
    VkRenderPass pass = VK_NULL_HANDLE;
    SAC_VK(device.fn().CreateRenderPass(device.handle(), &info, nullptr, &pass), "creating the overlay's render pass");
    return pass;
}

constexpr VkImageSubresourceRange first_image = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1};

struct Side {
    VkPipelineStageFlags stage;
    VkAccessFlags access;
    VkImageLayout layout;
};

void barrier(const vk::Device &device, VkCommandBuffer commands, VkImage image, const Side &from, const Side &to) {
    VkImageMemoryBarrier info = {};
    info.sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER;
    info.srcAccessMask = from.access;
    info.dstAccessMask = to.access;
    info.oldLayout = from.layout;
    info.newLayout = to.layout;
    info.srcQueueFamilyIndex = info.dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED;
    info.image = image;
    info.subresourceRange = first_image;
    device.fn().CmdPipelineBarrier(commands, from.stage, to.stage, 0, 0, nullptr, 0, nullptr, 1, &info);
}

}  // namespace

Result<std::unique_ptr<Compositor>> Compositor::create(vk::Device &device, vk::Memory &memory) {
    std::unique_ptr<Compositor> compositor(new Compositor(device, memory));
    SAC_ASSIGN(compositor->renderer_, ShapesRenderer::create(device, memory));
    return compositor;
}

Compositor::~Compositor() {
    for (Slot &slot : slots_) free_slot(slot);
    for (const Pass &pass : passes_) {
        if (pass.pipeline) device_.fn().DestroyPipeline(device_.handle(), pass.pipeline, nullptr);
        if (pass.pass) device_.fn().DestroyRenderPass(device_.handle(), pass.pass, nullptr);
    }
}

bool Compositor::knows(VkFormat format) {
    static_assert(std::size(formats) == format_count);
    return find(format) < format_count;
}

Status Compositor::prepare(VkFormat format) {
    const size_t index = find(format);
    if (index == format_count)
        return Error(Code::unsupported,
                     sac::format("no overlay can be drawn to VkFormat %d", static_cast<int>(format)));
    Pass &pass = passes_[index];
    if (!pass.pass) { SAC_ASSIGN(pass.pass, create_pass(device_, format)); }
    if (!pass.pipeline) { SAC_ASSIGN(pass.pipeline, renderer_->create_pipeline(pass.pass)); }
    return {};
}

Result<uint64_t> Compositor::reached(VkSemaphore semaphore) const {
    uint64_t value = 0;
    SAC_VK(device_.fn().GetSemaphoreCounterValue(device_.handle(), semaphore, &value),
           "reading the semaphore of an overlay's commands");
    return value;
}

void Compositor::free_slot(Slot &slot) {
    if (slot.framebuffer) device_.fn().DestroyFramebuffer(device_.handle(), slot.framebuffer, nullptr);
    if (slot.view) device_.fn().DestroyImageView(device_.handle(), slot.view, nullptr);
    slot.framebuffer = VK_NULL_HANDLE;
    slot.view = VK_NULL_HANDLE;
    slot.done = VK_NULL_HANDLE;
}

Status Compositor::collect() {
    for (Slot &slot : slots_) {
        if (!slot.done) continue;
        SAC_ASSIGN(const uint64_t value, reached(slot.done));
        if (value >= slot.done_value) free_slot(slot);
    }
    return {};
}

Status Compositor::fill(Slot &slot, std::span<const Shape> shapes, const CompositorTarget &target, VkRenderPass pass) {
    SAC_TRY(slot.shapes.write(device_, memory_, shapes));
    VkImageViewCreateInfo view = {};
    view.sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO;
    view.image = target.image;
    view.viewType = VK_IMAGE_VIEW_TYPE_2D;
    view.format = target.format;
    view.subresourceRange = first_image;
    SAC_VK(device_.fn().CreateImageView(device_.handle(), &view, nullptr, &slot.view),
           "creating a view of the overlay's target");
    SAC_ASSIGN(slot.framebuffer, vk::create_framebuffer(device_, pass, {&slot.view, 1}, target.extent, "the overlay"));
    return {};
}

Result<bool> Compositor::record(std::span<const Shape> shapes, const CompositorTarget &target,
                                const ForeignCommands &foreign) {
    SAC_TRY(collect());
    const VkCommandBuffer commands = foreign.commands;
    constexpr VkPipelineStageFlags all = VK_PIPELINE_STAGE_ALL_COMMANDS_BIT;
    constexpr VkAccessFlags write = VK_ACCESS_MEMORY_WRITE_BIT, read_write = VK_ACCESS_MEMORY_READ_BIT | write;
    const Side before = {all, write, target.layout_in}, after = {all, read_write, target.layout_out};
    if (shapes.empty()) {
        if (target.layout_in != target.layout_out) barrier(device_, commands, target.image, before, after);
        return true;
    }
    const auto slot = std::find_if(std::begin(slots_), std::end(slots_), [](const Slot &s) { return !s.done; });
    if (slot == std::end(slots_)) return false;
    SAC_TRY(prepare(target.format));
    const size_t format = find(target.format);
    const Pass &pass = passes_[format];
    if (Status filled = fill(*slot, shapes, target, pass.pass); !filled.ok()) {
        free_slot(*slot);
        return std::move(filled).error();
    }
    slot->done = foreign.done;
    slot->done_value = foreign.done_value;

    const vk::DeviceFunctions &fn = device_.fn();
    const vk::ScopedLabel label(device_, commands, "saccade overlay");
    constexpr Side attachment = {VK_PIPELINE_STAGE_COLOR_ATTACHMENT_OUTPUT_BIT,
                                 VK_ACCESS_COLOR_ATTACHMENT_READ_BIT | VK_ACCESS_COLOR_ATTACHMENT_WRITE_BIT, drawing};
    barrier(device_, commands, target.image, before, attachment);
    VkRenderPassBeginInfo begin = {};
    begin.sType = VK_STRUCTURE_TYPE_RENDER_PASS_BEGIN_INFO;
    begin.renderPass = pass.pass;
    begin.framebuffer = slot->framebuffer;
    begin.renderArea = target.visible;
    fn.CmdBeginRenderPass(commands, &begin, VK_SUBPASS_CONTENTS_INLINE);
    const VkViewport viewport = {
        0, 0, static_cast<float>(target.extent.width), static_cast<float>(target.extent.height), 0, 1};
    fn.CmdSetViewport(commands, 0, 1, &viewport);
    fn.CmdSetScissor(commands, 0, 1, &target.visible);
    renderer_->draw(commands, pass.pipeline, slot->shapes, {target.extent, target.opacity, formats[format].linear});
    fn.CmdEndRenderPass(commands);
    barrier(device_, commands, target.image,
            {VK_PIPELINE_STAGE_COLOR_ATTACHMENT_OUTPUT_BIT, VK_ACCESS_COLOR_ATTACHMENT_WRITE_BIT, drawing}, after);
    return true;
}

Result<uint32_t> Compositor::wait(std::chrono::nanoseconds timeout) {
    VkSemaphore semaphores[slots];
    uint64_t values[slots];
    uint32_t count = 0;
    for (const Slot &slot : slots_) {
        if (!slot.done) continue;
        semaphores[count] = slot.done;
        values[count++] = slot.done_value;
    }
    if (count == 0) return 0u;
    VkSemaphoreWaitInfo info = {};
    info.sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO;
    info.semaphoreCount = count;
    info.pSemaphores = semaphores;
    info.pValues = values;
    const VkResult result =
        device_.fn().WaitSemaphores(device_.handle(), &info, static_cast<uint64_t>(timeout.count()));
    if (result != VK_SUCCESS && result != VK_TIMEOUT)
        return vk::vk_error(result, "waiting for the commands of overlays");
    SAC_TRY(collect());
    return static_cast<uint32_t>(
        std::count_if(std::begin(slots_), std::end(slots_), [](const Slot &s) { return s.done; }));
}

}  // namespace sac::overlay
