// labels: bad_input
// Memory that runs out at any call of the compositor: an error, nothing recorded, nothing left behind, and it goes on.
#include <doctest/doctest.h>

#include "compute/vk/commands.h"
#include "plugins/overlay/compositor.h"
#include "tests/support/device.h"
#include "tests/support/fault.h"

using namespace sac;
using namespace sac::test;
using namespace sac::overlay;

TEST_CASE("each call of the compositor that can fail fails once") {
    Faults faults;
    {
        vk::DeviceOptions options = device_options();
        options.patch_functions = [&](vk::DeviceFunctions &fn) { faults.patch(fn); };
        auto device = vk::Device::create(options);
        REQUIRE(device.ok());
        vk::Memory memory(**device);
        const vk::DeviceFunctions &fn = (*device)->fn();
        VkImageCreateInfo info = {};
        info.sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO;
        info.imageType = VK_IMAGE_TYPE_2D;
        info.format = VK_FORMAT_R8G8B8A8_UNORM;
        info.extent = {32, 32, 1};
        info.mipLevels = info.arrayLayers = 1;
        info.samples = VK_SAMPLE_COUNT_1_BIT;
        info.usage = VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT;
        VkImage image = VK_NULL_HANDLE;
        REQUIRE(fn.CreateImage((*device)->handle(), &info, nullptr, &image) == VK_SUCCESS);
        VkMemoryRequirements requirements;
        fn.GetImageMemoryRequirements((*device)->handle(), image, &requirements);
        auto place = memory.allocate(requirements, vk::MemoryUse::device, "target", vk::MemoryKind::optimal_image);
        REQUIRE(place.ok());
        REQUIRE(fn.BindImageMemory((*device)->handle(), image, place->memory, place->offset) == VK_SUCCESS);
        // The block that the compositor's buffers come from is there: how blocks are had is another room's matter.
        auto block = vk::Buffer::create(**device, memory, 16, VK_BUFFER_USAGE_VERTEX_BUFFER_BIT, vk::MemoryUse::upload,
                                        "keeps the block");
        REQUIRE(block.ok());
        auto timeline = vk::Timeline::create(**device, "host");
        auto buffer = vk::CommandBuffer::create(**device, "host");
        REQUIRE(timeline.ok());
        REQUIRE(buffer.ok());
        CompositorTarget target;
        target.image = image;
        target.format = info.format;
        target.extent = {32, 32};
        target.layout_in = VK_IMAGE_LAYOUT_GENERAL;
        target.layout_out = VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL;
        target.visible = {{4, 4}, {20, 20}};
        Shape shape;
        shape.rect = {5, 5, 10, 10};

        uint32_t failures = 0;
        for (uint64_t n = 0;; ++n) {
            CAPTURE(n);
            const auto before = faults.live();
            faults.arm(n, VK_ERROR_OUT_OF_DEVICE_MEMORY);
            auto compositor = Compositor::create(**device, memory);
            if (!compositor.ok()) {
                CHECK(faults.fired());
                CHECK(compositor.error().code == Code::out_of_memory);
                faults.disarm();
                CHECK(faults.live() == before);
                ++failures;
                continue;
            }
            const ForeignCommands commands = {buffer->handle(), (*timeline)->handle(), (*timeline)->issued() + 1};
            Result<bool> recorded = buffer->begin(true).ok()
                                        ? (*compositor)->record({&shape, 1}, target, commands)
                                        : Result<bool>(Error(Code::out_of_memory, "the host's own"));
            const bool fired = faults.fired();
            faults.disarm();
            if (fired) {
                REQUIRE_MESSAGE(!recorded.ok(), faults.fired_in());
                CHECK(recorded.error().code == Code::out_of_memory);
                ++failures;
                CHECK((*compositor)->wait({}).value() == 0);
                REQUIRE(buffer->begin(true).ok());
                recorded = (*compositor)->record({&shape, 1}, target, commands);  // and it goes on
            }
            REQUIRE(recorded.ok());
            CHECK(*recorded);
            CHECK((*compositor)->wait({}).value() == 1);
            VkSemaphoreSignalInfo signal = {};
            signal.sType = VK_STRUCTURE_TYPE_SEMAPHORE_SIGNAL_INFO;
            signal.semaphore = commands.done;
            signal.value = (*timeline)->next();
            REQUIRE(fn.SignalSemaphore((*device)->handle(), &signal) == VK_SUCCESS);
            CHECK((*compositor)->wait({}).value() == 0);
            if (!fired) break;
        }
        CHECK(failures >= 12);
        block = vk::Buffer();
        buffer = vk::CommandBuffer();
        timeline->reset();
        fn.DestroyImage((*device)->handle(), image, nullptr);
        memory.free(*place);
    }
    CHECK(faults.live().empty());
}
