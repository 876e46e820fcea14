// The panel recorded into a host's own commands, into its own images.
#include <doctest/doctest.h>

#include <cstring>
#include <optional>

#include "compute/vk/gpu_image.h"
#include "tests/engine/pictures.h"
#include "tests/panel/library_support.h"
#include "tests/support/device.h"

using namespace sac;
using namespace sac::test;

namespace {

// A host with a device, an image that it shows, and a few command buffers in a ring.
class Engine {
public:
    Engine(VkFormat format, VkExtent2D extent) : extent_(extent) {
        features12_.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES;
        features12_.timelineSemaphore = VK_TRUE;
        features_.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2;
        features_.pNext = &features12_;
        const auto loader = vk::open_system_loader();
        REQUIRE(loader.ok());
        desc.mode = SAC_MODE_OWN_QUEUE;
        desc.vulkan_version = VK_API_VERSION_1_2;
        desc.get_instance_proc_addr = reinterpret_cast<sac_proc>(*loader);
        desc.instance = device().instance();
        desc.physical_device = device().physical_device();
        desc.device = device().handle();
        desc.enabled_features = &features_;
        desc.queue_family = device().queue_family();
        desc.own_queue_index = SAC_NO_QUEUE;
        auto made = vk::GpuImage::create(
            device(), memory(), extent, format,
            VK_IMAGE_USAGE_TRANSFER_DST_BIT | VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_SAMPLED_BIT,
            "the host's image");
        REQUIRE(made.ok());
        image_ = std::move(*made);
        auto timeline = vk::Timeline::create(device(), "host");
        REQUIRE(timeline.ok());
        timeline_ = std::move(*timeline);
        for (vk::CommandBuffer &buffer : ring_) {
            auto commands = vk::CommandBuffer::create(device(), "host");
            REQUIRE(commands.ok());
            buffer = std::move(*commands);
        }
        target.image = reinterpret_cast<uint64_t>(image_.handle());
        target.format = static_cast<uint32_t>(format);
        target.width = extent.width;
        target.height = extent.height;
        target.layout_in = VK_IMAGE_LAYOUT_UNDEFINED;
        target.layout_out = VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL;
    }
    ~Engine() { CHECK(device().wait_idle().ok()); }

    /// Begins commands; `value` is what their submission will signal.
    sac_vk_commands begin() {
        auto commands = panel_struct<sac_vk_commands>(SAC_TYPE_VK_COMMANDS);
        vk::CommandBuffer &buffer = ring_[begun_++ % ring_.size()];
        REQUIRE(buffer.begin(true).ok());
        commands.command_buffer = buffer.handle();
        commands.queue_family = device().queue_family();
        commands.done_semaphore = reinterpret_cast<uint64_t>(timeline_->handle());
        commands.done_value = timeline_->next();
        return commands;
    }
    /// Ends and submits; with `gate`, not before that point of the gate is reached.
    void submit(const sac_vk_commands &commands, const vk::SemaphorePoint *gate = nullptr) {
        for (vk::CommandBuffer &buffer : ring_)
            if (buffer.handle() == commands.command_buffer) REQUIRE(buffer.end().ok());
        const auto handle = static_cast<VkCommandBuffer>(commands.command_buffer);
        const vk::SemaphorePoint done = {timeline_->handle(), commands.done_value};
        REQUIRE(device()
                    .submit({&handle, 1}, gate ? std::span(gate, 1) : std::span<const vk::SemaphorePoint>(), {&done, 1})
                    .ok());
    }
    void wait() { REQUIRE(timeline_->wait(timeline_->issued()).ok()); }

    /// What the image shows; it is in `layout` and stays there.
    engine::Image read(VkImageLayout layout) {
        const vk::Buffer readback = host_buffer(VkDeviceSize{extent_.width} * extent_.height * 4, "host readback");
        const vk::ImageUse use = {VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, VK_ACCESS_MEMORY_WRITE_BIT, layout};
        const Status copied = vk::run_once(
            device(),
            [&](VkCommandBuffer c) -> Status {
                vk::image_barrier(device(), c, image_.handle(), use, vk::transfer_read);
                vk::copy_to_host(device(), c, image_.handle(), extent_, readback.handle());
                vk::image_barrier(device(), c, image_.handle(), vk::transfer_read, use);
                return {};
            },
            "read");
        REQUIRE(copied.ok());
        engine::Image read(extent_.width, extent_.height);
        std::memcpy(read.pixels.data(), readback.mapped(), read.pixels.size());
        return read;
    }
    /// Fills the image with gray of 50.
    void fill(const sac_vk_commands &commands, VkImageLayout layout) {
        const auto c = static_cast<VkCommandBuffer>(commands.command_buffer);
        const vk::ImageUse use = {VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, VK_ACCESS_MEMORY_READ_BIT, layout};
        vk::image_barrier(device(), c, image_.handle(), vk::fresh, vk::transfer_write);
        VkClearColorValue gray = {};
        for (float &channel : gray.float32) channel = 50 / 255.0f;
        const VkImageSubresourceRange range = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1};
        device().fn().CmdClearColorImage(c, image_.handle(), VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, &gray, 1, &range);
        vk::image_barrier(device(), c, image_.handle(), vk::transfer_write, use);
    }

    sac_vk_device desc = panel_struct<sac_vk_device>(SAC_TYPE_VK_DEVICE);
    sac_panel_image target = panel_struct<sac_panel_image>(SAC_TYPE_PANEL_IMAGE);

private:
    VkExtent2D extent_;
    VkPhysicalDeviceFeatures2 features_ = {};
    VkPhysicalDeviceVulkan12Features features12_ = {};
    vk::GpuImage image_;
    std::unique_ptr<vk::Timeline> timeline_;
    std::array<vk::CommandBuffer, 8> ring_;
    uint32_t begun_ = 0;
};

struct EngineHost : PaperHost {
    explicit EngineHost(Engine &engine) { desc.device = &engine.desc, desc.flags = 0; }
    sac_result record(const Engine &engine, const sac_vk_commands &commands) {
        return api.record(panel, &frame, &engine.target, &commands, &wishes);
    }
    void draw(Engine &engine) {
        const sac_vk_commands commands = engine.begin();
        REQUIRE_MESSAGE(record(engine, commands) == SAC_OK, last_error());
        engine.submit(commands);
        engine.wait();
    }
};

// The same on a device of the panel's own.
engine::Image draw_pixels(uint32_t format, const char *part, int frames) {
    reset_fake();
    PaperHost host;
    host.desc.format = format;
    REQUIRE(host.create() == SAC_OK);
    REQUIRE(host.api.open_part(host.panel, part) == SAC_OK);
    host.draw_times(frames - 1);
    return host.draw();
}

}  // namespace

TEST_CASE("in each format and layout the host's image shows the pixels of the other way") {
    constexpr int frames = 6;
    for (const VkFormat format :
         {VK_FORMAT_R8G8B8A8_UNORM, VK_FORMAT_R8G8B8A8_SRGB, VK_FORMAT_B8G8R8A8_UNORM, VK_FORMAT_B8G8R8A8_SRGB}) {
        CAPTURE(format);
        const bool rgba = format == VK_FORMAT_R8G8B8A8_UNORM || format == VK_FORMAT_R8G8B8A8_SRGB;
        const uint32_t order = rgba ? SAC_FORMAT_RGBA8 : SAC_FORMAT_BGRA8;
        const engine::Image expected = draw_pixels(order, "Network", frames);
        for (const VkImageLayout layout : {VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL, VK_IMAGE_LAYOUT_GENERAL,
                                           VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL}) {
            CAPTURE(layout);
            reset_fake();
            Engine engine(format, {480, 800});
            EngineHost host(engine);
            host.desc.format = order;
            REQUIRE_MESSAGE(host.create() == SAC_OK, host.last_error());
            REQUIRE(host.api.open_part(host.panel, "Network") == SAC_OK);
            engine.target.layout_out = static_cast<uint32_t>(layout);
            for (int i = 0; i < frames; ++i) {
                host.draw(engine);
                engine.target.layout_in = static_cast<uint32_t>(layout);
                engine.target.layout_out = 0;  // the same again
            }
            CHECK(largest_difference(engine.read(layout), expected) == 0);
        }
    }
}

TEST_CASE("the panel goes where it is put, is cut off at the edge, and leaves alone what lies beside it") {
    const engine::Image panel = draw_pixels(SAC_FORMAT_RGBA8, "Overview", 1);
    reset_fake();
    Engine engine(VK_FORMAT_R8G8B8A8_UNORM, {600, 640});
    EngineHost host(engine);
    REQUIRE(host.create() == SAC_OK);
    REQUIRE(host.api.open_part(host.panel, "Overview") == SAC_OK);
    const sac_vk_commands commands = engine.begin();
    constexpr VkImageLayout layout = VK_IMAGE_LAYOUT_GENERAL;
    engine.fill(commands, layout);
    engine.target.layout_in = layout;
    engine.target.layout_out = 0;
    engine.target.x = 200;
    engine.target.y = 10;
    REQUIRE(host.record(engine, commands) == SAC_OK);
    engine.submit(commands);
    engine.wait();
    const engine::Image shown = engine.read(layout);
    int wrong = 0;
    for (uint32_t y = 0; y < 640; ++y)
        for (uint32_t x = 0; x < 600; ++x) {
            const bool inside = x >= 200 && y >= 10;
            const uint8_t gray[] = {50, 50, 50, 50};
            wrong += std::memcmp(shown.at(x, y), inside ? panel.at(x - 200, y - 10) : gray, 4) != 0;
        }
    CHECK(wrong == 0);
}

TEST_CASE("four recordings in flight, with a frame and its sizes changing; the fifth is not ready and draws nothing") {
    reset_fake();
    Engine engine(VK_FORMAT_R8G8B8A8_UNORM, {480, 800});
    EngineHost host(engine);
    REQUIRE(host.create() == SAC_OK);
    auto gate = vk::Timeline::create(device(), "gate");
    REQUIRE(gate.ok());
    std::vector<uint8_t> red(size_t{64} * 64 * 4, 180);
    host.frame.pixels = red.data();
    uint64_t opened = 0;
    for (int round = 0; round < 5; ++round) {
        const vk::SemaphorePoint closed = {(*gate)->handle(), (*gate)->next()};
        for (uint32_t i = 0; i < SAC_PANEL_MAX_IN_FLIGHT; ++i) {
            host.frame.width = 16 + 8 * i;
            host.frame.height = 64;
            host.frame.stride = 64 * 4;
            REQUIRE(host.api.resize(host.panel, 480 - 8 * i, 800) == SAC_OK);
            const sac_vk_commands commands = engine.begin();
            REQUIRE_MESSAGE(host.record(engine, commands) == SAC_OK, host.last_error());
            engine.submit(commands, &closed);
        }
        const int before = fake().calls["set_detect_settings"];
        const sac_vk_commands commands = engine.begin();
        CHECK(host.record(engine, commands) == SAC_NOT_READY);
        CHECK(fake().calls["set_detect_settings"] == before);
        VkSemaphoreSignalInfo open = {};
        open.sType = VK_STRUCTURE_TYPE_SEMAPHORE_SIGNAL_INFO;
        open.semaphore = closed.semaphore;
        open.value = ++opened;
        REQUIRE(device().fn().SignalSemaphore(device().handle(), &open) == VK_SUCCESS);
        engine.submit(commands);  // without the panel
        engine.wait();
    }
    host.frame.pixels = nullptr;
    REQUIRE(host.api.resize(host.panel, 480, 800) == SAC_OK);
    host.draw(engine);
    CHECK(engine.read(VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL).at(2, 2)[3] == 255);
}

TEST_CASE("a panel whose commands are not done is not destroyed") {
    reset_fake();
    Engine engine(VK_FORMAT_R8G8B8A8_UNORM, {480, 800});
    EngineHost host(engine);
    REQUIRE(host.create() == SAC_OK);
    const sac_vk_commands commands = engine.begin();
    REQUIRE(host.record(engine, commands) == SAC_OK);
    CHECK(host.api.destroy(host.panel) == SAC_TIMEOUT);
    CHECK(host.api.hide(host.panel) == SAC_OK);
    engine.submit(commands);
    CHECK(host.api.destroy(host.panel) == SAC_OK);
    CHECK(host.api.destroy(host.panel) == SAC_ERROR_NOT_FOUND);
    host.panel = {};
}

TEST_CASE("clicks reach the plugin in this way too") {
    reset_fake();
    Engine engine(VK_FORMAT_R8G8B8A8_UNORM, {480, 800});
    EngineHost host(engine);
    REQUIRE(host.create() == SAC_OK);
    REQUIRE(host.api.open_part(host.panel, "Detection") == SAC_OK);
    for (int i = 0; i < 3; ++i) host.draw(engine);
    host.click(33, 379);
    for (int i = 0; i < 3; ++i) host.draw(engine);
    CHECK(fake().filter == std::vector<uint32_t>{0b11110u});
    CHECK(host.wishes.wants_pointer == 1);
}

TEST_CASE("three hundred recordings take no more memory than the first") {
    reset_fake();
    Engine engine(VK_FORMAT_R8G8B8A8_UNORM, {480, 800});
    static uint64_t allocations;
    static PFN_vkAllocateMemory allocate;
    static PFN_vkGetDeviceProcAddr real_device_proc;
    static PFN_vkGetInstanceProcAddr real_instance_proc;
    allocations = 0;
    real_instance_proc = reinterpret_cast<PFN_vkGetInstanceProcAddr>(engine.desc.get_instance_proc_addr);
    const auto counted = [](VkDevice d, const VkMemoryAllocateInfo *info, const VkAllocationCallbacks *by,
                            VkDeviceMemory *made) {
        ++allocations;
        return allocate(d, info, by, made);
    };
    static PFN_vkAllocateMemory const count = counted;
    static const PFN_vkGetDeviceProcAddr device_proc = [](VkDevice d, const char *name) {
        const PFN_vkVoidFunction real = real_device_proc(d, name);
        if (std::strcmp(name, "vkAllocateMemory") != 0) return real;
        allocate = reinterpret_cast<PFN_vkAllocateMemory>(real);
        return reinterpret_cast<PFN_vkVoidFunction>(count);
    };
    const PFN_vkGetInstanceProcAddr instance_proc = [](VkInstance i, const char *name) {
        const PFN_vkVoidFunction real = real_instance_proc(i, name);
        if (std::strcmp(name, "vkGetDeviceProcAddr") != 0) return real;
        real_device_proc = reinterpret_cast<PFN_vkGetDeviceProcAddr>(real);
        return reinterpret_cast<PFN_vkVoidFunction>(device_proc);
    };
    engine.desc.get_instance_proc_addr = reinterpret_cast<sac_proc>(instance_proc);
    EngineHost host(engine);
    REQUIRE_MESSAGE(host.create() == SAC_OK, host.last_error());
    REQUIRE(host.api.open_part(host.panel, "Network") == SAC_OK);
    uint64_t warm = 0;
    for (int i = 0; i < 300; ++i) {
        host.draw(engine);
        ++fake().sequence;
        if (i == 10) warm = allocations;
    }
    CHECK(warm > 0);
    CHECK(allocations == warm);
}

TEST_CASE("wrong images, commands and devices are refused by the name of their field") {
    reset_fake();
    Engine engine(VK_FORMAT_R8G8B8A8_UNORM, {480, 800});
    EngineHost host(engine);
    REQUIRE(host.create() == SAC_OK);
    const sac_vk_commands commands = engine.begin();
    const auto refused = [&](const sac_panel_image &image, const sac_vk_commands &with, const char *named) {
        CAPTURE(named);
        CHECK(host.api.record(host.panel, &host.frame, &image, &with, nullptr) < 0);
        CHECK_MESSAGE(host.last_error().find(named) != std::string::npos, host.last_error());
    };
    using Image = sac_panel_image;
    const std::pair<void (*)(Image &), const char *> images[] = {
        {[](Image &i) { i.type = 0; }, "image.type"},
        {[](Image &i) { i.image = 0; }, "image.image"},
        {[](Image &i) { i.format = VK_FORMAT_B8G8R8A8_UNORM; }, "image.format"},
        {[](Image &i) { i.width = 0; }, "image.width"},
        {[](Image &i) { i.height = 0; }, "image.height"},
        {[](Image &i) { i.x = i.width; }, "image.x"},
        {[](Image &i) { i.y = i.height; }, "image.y"},
        {[](Image &i) { i.layout_in = VK_IMAGE_LAYOUT_PREINITIALIZED; }, "image.layout_in"},
        {[](Image &i) { i.layout_out = 0; }, "image.layout_out"},
    };
    for (const auto &[change, named] : images) {
        Image image = engine.target;
        change(image);
        refused(image, commands, named);
    }
    using Commands = sac_vk_commands;
    const std::pair<void (*)(Commands &), const char *> wrongs[] = {
        {[](Commands &c) { c.type = 0; }, "commands.type"},
        {[](Commands &c) { c.command_buffer = nullptr; }, "commands.command_buffer"},
        {[](Commands &c) { c.queue_family += 1; }, "commands.queue_family"},
        {[](Commands &c) { c.done_semaphore = 0; }, "commands.done_semaphore"},
        {[](Commands &c) { c.done_value = 0; }, "commands.done_value"},
    };
    for (const auto &[change, named] : wrongs) {
        Commands wrong = commands;
        change(wrong);
        refused(engine.target, wrong, named);
    }
    auto pixels = panel_struct<sac_panel_pixels>(SAC_TYPE_PANEL_PIXELS);
    CHECK(host.api.draw_pixels(host.panel, nullptr, &pixels, nullptr) == SAC_ERROR_INVALID_STATE);
    CHECK(host.record(engine, commands) == SAC_OK);
    engine.submit(commands);

    using Device = sac_vk_device;
    const std::pair<void (*)(Device &), const char *> devices[] = {
        {[](Device &d) { d.type = 0; }, "device.type"},
        {[](Device &d) { d.get_instance_proc_addr = nullptr; }, "device.get_instance_proc_addr"},
        {[](Device &d) { d.device = nullptr; }, "device.device"},
        {[](Device &d) { d.queue_family = 99; }, "device.queue_family"},
        {[](Device &d) { d.enabled_features = nullptr; }, "timelineSemaphore"},
    };
    for (const auto &damage : devices) {
        CAPTURE(damage.second);
        Device wrong = engine.desc;
        damage.first(wrong);
        sac_panel_desc desc = host.desc;
        desc.device = &wrong;
        sac_panel panel = {};
        CHECK(host.api.create(&desc, &panel) < 0);
        char text[512] = {};
        CHECK(host.api.get_last_error({}, text, sizeof text) < 0);
        CHECK_MESSAGE(std::string(text).find(damage.second) != std::string::npos, text);
    }
}
