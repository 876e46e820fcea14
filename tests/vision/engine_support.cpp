#include "tests/vision/engine_support.h"

#include <cstring>

#include "tests/support/device.h"

namespace sac::test {

Engine::Engine(uint32_t mode, bool validation) {
    vk::DeviceOptions options = device_options();
    options.validation = options.validation && validation;
    auto created = vk::Device::create(options);
    REQUIRE_MESSAGE(created.ok(), (created.ok() ? "" : created.error().message));
    device = std::move(*created);
    memory = std::make_unique<vk::Memory>(*device);
    features12.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES;
    features12.timelineSemaphore = VK_TRUE;
    features.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2;
    features.pNext = &features12;
    const auto loader = vk::open_system_loader();
    REQUIRE(loader.ok());

    desc.mode = mode;
    desc.vulkan_version = VK_API_VERSION_1_2;
    desc.get_instance_proc_addr = reinterpret_cast<sac_proc>(*loader);
    desc.instance = device->instance();
    desc.physical_device = device->physical_device();
    desc.device = device->handle();
    desc.enabled_features = &features;
    desc.queue_family = desc.own_queue_family = device->queue_family();
    desc.own_queue_index = SAC_NO_QUEUE;
}

Status Engine::submit(const vk::SemaphorePoint &signal) {
    const std::lock_guard lock(locks.mutex);
    return device->submit({}, {}, {&signal, 1});
}

void Engine::signal(const vk::SemaphorePoint &point) {
    VkSemaphoreSignalInfo info = {};
    info.sType = VK_STRUCTURE_TYPE_SEMAPHORE_SIGNAL_INFO;
    info.semaphore = point.semaphore;
    info.value = point.value;
    REQUIRE(device->fn().SignalSemaphore(device->handle(), &info) == VK_SUCCESS);
}

void Engine::lend(TestHost &host) {
    host.desc.flags = 0;  // the engine's instance has the layer
    host.desc.device = &desc;
    host.table.user = &locks;
    host.table.log = [](void *user, int32_t level, const char *message) {
        auto &self = *static_cast<Locks *>(user);
        const std::lock_guard lock(self.mutex);
        if (level == SAC_LOG_ERROR) self.errors.emplace_back(message);
    };
    host.table.lock_queue = [](void *user) {
        auto &self = *static_cast<Locks *>(user);
        self.mutex.lock();
        ++self.locked;
    };
    host.table.unlock_queue = [](void *user) { static_cast<Locks *>(user)->mutex.unlock(); };
}

EngineImage::EngineImage(Engine &engine, const ColorFrame &picture, VkFormat format, VkImageLayout layout)
    : engine_(engine), format_(format), layout_(layout), side_(picture.frame.width) {
    vk::Device &device = *engine.device;
    VkImageCreateInfo info = {};
    info.sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO;
    info.imageType = VK_IMAGE_TYPE_2D;
    info.format = format;
    info.extent = {side_, side_, 1};
    info.mipLevels = info.arrayLayers = 1;
    info.samples = VK_SAMPLE_COUNT_1_BIT;
    info.usage = VK_IMAGE_USAGE_SAMPLED_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT | VK_IMAGE_USAGE_TRANSFER_SRC_BIT;
    REQUIRE(device.fn().CreateImage(device.handle(), &info, nullptr, &image_) == VK_SUCCESS);
    VkMemoryRequirements requirements;
    device.fn().GetImageMemoryRequirements(device.handle(), image_, &requirements);
    auto memory = engine.memory->allocate(requirements, vk::MemoryUse::device, "engine image");
    REQUIRE(memory.ok());
    allocation_ = *memory;
    REQUIRE(device.fn().BindImageMemory(device.handle(), image_, allocation_.memory, allocation_.offset) == VK_SUCCESS);
    auto buffer = vk::Buffer::create(device, *engine.memory, picture.pixels.size(), VK_BUFFER_USAGE_TRANSFER_SRC_BIT,
                                     vk::MemoryUse::upload, "engine picture");
    REQUIRE(buffer.ok());
    std::memcpy(buffer->mapped(), picture.pixels.data(), picture.pixels.size());
    const Status filled = vk::run_once(
        device,
        [&](VkCommandBuffer commands) -> Status {
            change(commands, VK_IMAGE_LAYOUT_UNDEFINED, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL);
            VkBufferImageCopy region = {};
            region.imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1};
            region.imageExtent = {side_, side_, 1};
            device.fn().CmdCopyBufferToImage(commands, buffer->handle(), image_, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL,
                                             1, &region);
            change(commands, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, layout_);
            return {};
        },
        "fill the engine's image");
    REQUIRE(filled.ok());
}

EngineImage::~EngineImage() {
    vk::Device &device = *engine_.device;
    CHECK(device.wait_idle().ok());
    device.fn().DestroyImage(device.handle(), image_, nullptr);
    engine_.memory->free(allocation_);
}

void EngineImage::put(ColorFrame &picture) {
    desc_ = make_struct<sac_vk_image>(SAC_TYPE_VK_IMAGE);
    desc_.image = reinterpret_cast<uint64_t>(image_);
    desc_.format = static_cast<uint32_t>(format_);
    desc_.layout_in = static_cast<uint32_t>(layout_);
    desc_.queue_family = engine_.device->queue_family();
    picture.frame.image = &desc_;
}

void EngineImage::use_again(VkImageLayout layout) {
    const Status used = vk::run_once(
        *engine_.device,
        [&](VkCommandBuffer commands) -> Status {
            change(commands, layout, layout_);
            return {};
        },
        "use the engine's image");
    CHECK(used.ok());
}

void EngineImage::change(VkCommandBuffer commands, VkImageLayout from, VkImageLayout to) {
    VkImageMemoryBarrier barrier = {};
    barrier.sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER;
    barrier.srcAccessMask = VK_ACCESS_MEMORY_WRITE_BIT;
    barrier.dstAccessMask = VK_ACCESS_MEMORY_READ_BIT | VK_ACCESS_MEMORY_WRITE_BIT;
    barrier.oldLayout = from;
    barrier.newLayout = to;
    barrier.srcQueueFamilyIndex = barrier.dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED;
    barrier.image = image_;
    barrier.subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1};
    engine_.device->fn().CmdPipelineBarrier(commands, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT,
                                            VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, 0, 0, nullptr, 0, nullptr, 1, &barrier);
}

EngineCommands::EngineCommands(Engine &engine) : engine_(engine) {
    auto timeline = vk::Timeline::create(*engine.device, "engine commands");
    REQUIRE(timeline.ok());
    timeline_ = std::move(*timeline);
}

EngineCommands::~EngineCommands() { CHECK(engine_.device->wait_idle().ok()); }

sac_vk_commands EngineCommands::begin() {
    auto buffer = vk::CommandBuffer::create(*engine_.device, "engine");
    REQUIRE(buffer.ok());
    REQUIRE(buffer->begin(true).ok());
    auto commands = make_struct<sac_vk_commands>(SAC_TYPE_VK_COMMANDS);
    commands.command_buffer = buffer->handle();
    commands.queue_family = engine_.device->queue_family();
    commands.done_semaphore = reinterpret_cast<uint64_t>(timeline_->handle());
    commands.done_value = timeline_->next();
    buffers_.push_back(std::move(*buffer));
    return commands;
}

void EngineCommands::submit(std::span<const vk::SemaphorePoint> wait) {
    REQUIRE(over_ < buffers_.size());
    vk::CommandBuffer &buffer = buffers_[over_];
    REQUIRE(buffer.end().ok());
    const VkCommandBuffer handle = buffer.handle();
    const vk::SemaphorePoint done = {timeline_->handle(), ++over_};
    const std::lock_guard lock(engine_.locks.mutex);
    REQUIRE(engine_.device->submit({&handle, 1}, wait, {&done, 1}).ok());
}

void EngineCommands::throw_away() {
    REQUIRE(over_ < buffers_.size());
    buffers_[over_] = {};
    engine_.signal({timeline_->handle(), ++over_});
}

void EngineCommands::wait() { REQUIRE(timeline_->wait(over_).ok()); }

}  // namespace sac::test
