#include "tests/overlay/overlay_host.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>

#include "compute/base/half.h"
#include "tests/support/device.h"

namespace sac::test {

namespace {

uint32_t texel_bytes(VkFormat format) { return format == VK_FORMAT_R16G16B16A16_SFLOAT ? 8 : 4; }

float to_light(float code) { return code <= 0.04045f ? code / 12.92f : std::pow((code + 0.055f) / 1.055f, 2.4f); }

float to_code(float light) {
    const float l = std::clamp(light, 0.0f, 1.0f);
    return l <= 0.0031308f ? 12.92f * l : 1.055f * std::pow(l, 1 / 2.4f) - 0.055f;
}

uint8_t to_byte(float value) { return static_cast<uint8_t>(std::lround(value * 255)); }

// One texel of an image of that format from sRGB-coded bytes, and back.
void encode(VkFormat format, const uint8_t *rgba, std::byte *texel) {
    if (format == VK_FORMAT_A2B10G10R10_UNORM_PACK32) {
        const auto ten = [](uint8_t v) { return (uint32_t{v} * 1023 + 127) / 255; };
        const uint32_t packed = ten(rgba[0]) | ten(rgba[1]) << 10 | ten(rgba[2]) << 20 | 3u << 30;
        std::memcpy(texel, &packed, 4);
    } else if (format == VK_FORMAT_R16G16B16A16_SFLOAT) {
        uint16_t halves[4];
        for (size_t i = 0; i < 4; ++i) {
            const float code = static_cast<float>(rgba[i]) / 255;
            halves[i] = float_to_half(i < 3 ? to_light(code) : code);
        }
        std::memcpy(texel, halves, 8);
    } else {
        const bool bgra = format == VK_FORMAT_B8G8R8A8_UNORM || format == VK_FORMAT_B8G8R8A8_SRGB;
        const uint8_t bytes[4] = {rgba[bgra ? 2 : 0], rgba[1], rgba[bgra ? 0 : 2], rgba[3]};
        std::memcpy(texel, bytes, 4);
    }
}

void decode(VkFormat format, const std::byte *texel, uint8_t *rgba) {
    if (format == VK_FORMAT_A2B10G10R10_UNORM_PACK32) {
        uint32_t packed;
        std::memcpy(&packed, texel, 4);
        for (uint32_t i = 0; i < 3; ++i)
            rgba[i] = static_cast<uint8_t>(((packed >> (10 * i) & 1023) * 255 + 511) / 1023);
        rgba[3] = static_cast<uint8_t>((packed >> 30) * 85);
    } else if (format == VK_FORMAT_R16G16B16A16_SFLOAT) {
        uint16_t halves[4];
        std::memcpy(halves, texel, 8);
        for (size_t i = 0; i < 4; ++i) {
            const float value = half_to_float(halves[i]);
            rgba[i] = to_byte(i < 3 ? to_code(value) : value);
        }
    } else {
        const bool bgra = format == VK_FORMAT_B8G8R8A8_UNORM || format == VK_FORMAT_B8G8R8A8_SRGB;
        uint8_t bytes[4];
        std::memcpy(bytes, texel, 4);
        const uint8_t ordered[4] = {bytes[bgra ? 2 : 0], bytes[1], bytes[bgra ? 0 : 2], bytes[3]};
        std::memcpy(rgba, ordered, 4);
    }
}

constexpr VkImageSubresourceRange whole = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1};

void change_layout(VkCommandBuffer commands, VkImage image, VkPipelineStageFlags from_stage, VkAccessFlags from_access,
                   VkImageLayout from, VkPipelineStageFlags to_stage, VkAccessFlags to_access, VkImageLayout to) {
    VkImageMemoryBarrier barrier = {};
    barrier.sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER;
    barrier.srcAccessMask = from_access;
    barrier.dstAccessMask = to_access;
    barrier.oldLayout = from;
    barrier.newLayout = to;
    barrier.srcQueueFamilyIndex = barrier.dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED;
    barrier.image = image;
    barrier.subresourceRange = whole;
    device().fn().CmdPipelineBarrier(commands, from_stage, to_stage, 0, 0, nullptr, 0, nullptr, 1, &barrier);
}

}  // namespace

OverlayHost::OverlayHost(PFN_vkGetInstanceProcAddr get, uint32_t mode) {
    sac.size = sizeof sac;
    REQUIRE(sac_get_api(SAC_MAJOR, &sac) == SAC_OK);
    auto created = vk::Timeline::create(device(), "host");
    REQUIRE(created.ok());
    timeline = std::move(*created);

    auto table = make_struct<sac_host>(SAC_TYPE_HOST);
    table.user = this;
    table.log = log;
    table.lock_queue = [](void *user) { static_cast<OverlayHost *>(user)->queue_mutex_.lock(); };
    table.unlock_queue = [](void *user) { static_cast<OverlayHost *>(user)->queue_mutex_.unlock(); };
    VkPhysicalDeviceVulkan12Features features12 = {};
    features12.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES;
    features12.timelineSemaphore = VK_TRUE;
    VkPhysicalDeviceFeatures2 features = {};
    features.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2;
    features.pNext = &features12;
    auto lent = make_struct<sac_vk_device>(SAC_TYPE_VK_DEVICE);
    lent.mode = mode;
    lent.vulkan_version = VK_API_VERSION_1_2;
    const auto loader = vk::open_system_loader();
    REQUIRE(loader.ok());
    lent.get_instance_proc_addr = reinterpret_cast<sac_proc>(get ? get : *loader);
    lent.instance = device().instance();
    lent.physical_device = device().physical_device();
    lent.device = device().handle();
    lent.enabled_features = &features;
    lent.queue_family = lent.own_queue_family = device().queue_family();
    lent.own_queue_index = SAC_NO_QUEUE;
    auto desc = make_struct<sac_context_desc>(SAC_TYPE_CONTEXT_DESC);
    desc.host = &table;
    desc.cache_directory = "";
    if (mode != SAC_MODE_OWN_DEVICE) desc.device = &lent;
    REQUIRE_MESSAGE(sac.create_context(&desc, &context) == SAC_OK, last_error());
    overlay = static_cast<const sac_overlay_api *>(sac.get_extension(context, "sac.overlay/1"));
    REQUIRE(overlay != nullptr);
    CHECK(overlay->size == sizeof *overlay);
    CHECK(overlay->version == 1);
}

OverlayHost::~OverlayHost() {
    if (context.id) CHECK(destroy() == SAC_OK);
}

sac_result OverlayHost::destroy() {
    const sac_result result = sac.destroy_context(context);
    context = {};
    return result;
}

sac_vk_commands OverlayHost::commands_of(VkCommandBuffer commands) {
    auto made = make_struct<sac_vk_commands>(SAC_TYPE_VK_COMMANDS);
    made.command_buffer = commands;
    made.queue_family = device().queue_family();
    made.done_semaphore = reinterpret_cast<uint64_t>(timeline->handle());
    made.done_value = timeline->next();
    return made;
}

void OverlayHost::signal(uint64_t value) {
    VkSemaphoreSignalInfo info = {};
    info.sType = VK_STRUCTURE_TYPE_SEMAPHORE_SIGNAL_INFO;
    info.semaphore = timeline->handle();
    info.value = value;
    REQUIRE(device().fn().SignalSemaphore(device().handle(), &info) == VK_SUCCESS);
}

std::string OverlayHost::last_error() const {
    char text[1024];
    sac.get_last_error(context, text, sizeof text);
    return text;
}

std::vector<std::string> OverlayHost::logged() const {
    const std::lock_guard lock(mutex_);
    return logged_;
}

void OverlayHost::log(void *user, int32_t, const char *message) {
    auto &self = *static_cast<OverlayHost *>(user);
    const std::lock_guard lock(self.mutex_);
    self.logged_.emplace_back(message);
}

HostImage::HostImage(VkFormat format, VkExtent2D extent, VkImageCreateFlags flags) : format_(format), extent_(extent) {
    const vk::DeviceFunctions &fn = device().fn();
    VkImageCreateInfo info = {};
    info.sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO;
    info.flags = flags;
    info.imageType = VK_IMAGE_TYPE_2D;
    info.format = format;
    info.extent = {extent.width, extent.height, 1};
    info.mipLevels = info.arrayLayers = 1;
    info.samples = VK_SAMPLE_COUNT_1_BIT;
    info.usage = VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT | VK_IMAGE_USAGE_SAMPLED_BIT | VK_IMAGE_USAGE_TRANSFER_SRC_BIT |
                 VK_IMAGE_USAGE_TRANSFER_DST_BIT;
    REQUIRE(fn.CreateImage(device().handle(), &info, nullptr, &image_) == VK_SUCCESS);
    VkMemoryRequirements requirements;
    fn.GetImageMemoryRequirements(device().handle(), image_, &requirements);
    auto allocated =
        memory().allocate(requirements, vk::MemoryUse::device, "host image", vk::MemoryKind::optimal_image);
    REQUIRE(allocated.ok());
    allocation_ = *allocated;
    REQUIRE(fn.BindImageMemory(device().handle(), image_, allocation_.memory, allocation_.offset) == VK_SUCCESS);
    auto buffer = vk::Buffer::create(
        device(), memory(), VkDeviceSize{extent.width} * extent.height * texel_bytes(format),
        VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT, vk::MemoryUse::readback, "host pixels");
    REQUIRE(buffer.ok());
    bytes_ = std::move(*buffer);
}

HostImage::~HostImage() {
    device().fn().DestroyImage(device().handle(), image_, nullptr);
    memory().free(allocation_);
}

sac_overlay_target HostImage::target() const {
    auto target = make_struct<sac_overlay_target>(SAC_TYPE_OVERLAY_TARGET);
    target.image = reinterpret_cast<uint64_t>(image_);
    target.format = static_cast<uint32_t>(format_);
    target.width = extent_.width;
    target.height = extent_.height;
    target.layout_in = target.layout_out = VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL;
    return target;
}

void HostImage::record_upload(VkCommandBuffer commands, const engine::Image &picture, VkImageLayout layout) {
    REQUIRE(picture.width == extent_.width);
    REQUIRE(picture.height == extent_.height);
    for (size_t i = 0; i < size_t{extent_.width} * extent_.height; ++i)
        encode(format_, picture.pixels.data() + 4 * i, bytes_.mapped<std::byte>() + i * texel_bytes(format_));
    change_layout(commands, image_, VK_PIPELINE_STAGE_TOP_OF_PIPE_BIT, 0, VK_IMAGE_LAYOUT_UNDEFINED,
                  VK_PIPELINE_STAGE_TRANSFER_BIT, VK_ACCESS_TRANSFER_WRITE_BIT, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL);
    VkBufferImageCopy region = {};
    region.imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1};
    region.imageExtent = {extent_.width, extent_.height, 1};
    device().fn().CmdCopyBufferToImage(commands, bytes_.handle(), image_, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, 1,
                                       &region);
    // Available, but made visible to nobody: that is the plugin's barrier's.
    if (layout != VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL)
        change_layout(commands, image_, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_ACCESS_TRANSFER_WRITE_BIT,
                      VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, 0, layout);
}

void HostImage::record_download(VkCommandBuffer commands, VkImageLayout layout) {
    // In another layout nothing is waited for here: the plugin's barrier, which led to it, must have done that. The one
    // between uses as an attachment is what a host would record anyway.
    const bool attachment = layout == VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL;
    change_layout(commands, image_,
                  attachment ? VK_PIPELINE_STAGE_COLOR_ATTACHMENT_OUTPUT_BIT : VK_PIPELINE_STAGE_TRANSFER_BIT,
                  attachment ? VK_ACCESS_COLOR_ATTACHMENT_WRITE_BIT : 0, layout, VK_PIPELINE_STAGE_TRANSFER_BIT,
                  VK_ACCESS_TRANSFER_READ_BIT, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL);
    VkBufferImageCopy region = {};
    region.imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1};
    region.imageExtent = {extent_.width, extent_.height, 1};
    device().fn().CmdCopyImageToBuffer(commands, image_, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, bytes_.handle(), 1,
                                       &region);
    VkBufferMemoryBarrier barrier = {};
    barrier.sType = VK_STRUCTURE_TYPE_BUFFER_MEMORY_BARRIER;
    barrier.srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT;
    barrier.dstAccessMask = VK_ACCESS_HOST_READ_BIT;
    barrier.srcQueueFamilyIndex = barrier.dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED;
    barrier.buffer = bytes_.handle();
    barrier.size = VK_WHOLE_SIZE;
    device().fn().CmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_HOST_BIT, 0, 0,
                                     nullptr, 1, &barrier, 0, nullptr);
}

engine::Image HostImage::downloaded() const {
    engine::Image image(extent_.width, extent_.height);
    for (size_t i = 0; i < size_t{extent_.width} * extent_.height; ++i)
        decode(format_, bytes_.mapped<std::byte>() + i * texel_bytes(format_), image.pixels.data() + 4 * i);
    return image;
}

engine::Image composite(OverlayHost &host, HostImage &image, const engine::Image &picture, const sac_overlay &what,
                        const std::function<void(sac_overlay_target &)> &change) {
    auto commands = vk::CommandBuffer::create(device(), "host");
    REQUIRE(commands.ok());
    sac_overlay_target target = image.target();
    if (change) change(target);
    REQUIRE(commands->begin(true).ok());
    image.record_upload(commands->handle(), picture, static_cast<VkImageLayout>(target.layout_in));
    const sac_vk_commands out = host.commands_of(commands->handle());
    REQUIRE_MESSAGE(host.overlay->record(host.context, &what, &target, &out) == SAC_OK, host.last_error());
    image.record_download(commands->handle(), static_cast<VkImageLayout>(target.layout_out));
    REQUIRE(commands->end().ok());
    const VkCommandBuffer handle = commands->handle();
    const vk::SemaphorePoint done = {host.timeline->handle(), out.done_value};
    REQUIRE(device().submit({&handle, 1}, {}, {&done, 1}).ok());
    REQUIRE(host.timeline->wait(out.done_value).ok());
    return image.downloaded();
}

HandSnapshot::HandSnapshot(uint32_t width, uint32_t height) {
    fields.width = width;
    fields.height = height;
}

void HandSnapshot::add(float x1, float y1, float x2, float y2, uint32_t class_id, const char *label, float score,
                       uint32_t track_id) {
    detections.push_back({x1, y1, x2, y2, score, class_id, track_id, 0, label});
}

sac_overlay HandSnapshot::overlay() {
    fields.detections = detections.data();
    fields.detection_count = static_cast<uint32_t>(detections.size());
    auto what = make_struct<sac_overlay>(SAC_TYPE_OVERLAY);
    what.snapshot = &fields;
    return what;
}

}  // namespace sac::test
