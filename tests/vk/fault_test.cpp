// labels: bad_input
// Every Vulkan call of making, running and ending fails once: the error says so, nothing leaks, the layer is silent,
// and the device works again afterwards.
#include <doctest/doctest.h>

#include "compute/vk/commands.h"
#include "compute/vk/memory.h"
#include "compute/vk/pipeline.h"
#include "tests/support/device.h"
#include "tests/support/fault.h"
#include "tests/support/files.h"
#include "tests/support/spirv.h"

using namespace sac;

namespace {

// All of the room in one go; the buffer must hold what the shader wrote.
Status everything(vk::Device &device, const std::string &cache_file) {
    vk::Memory memory(device);
    SAC_ASSIGN(vk::PipelineCache cache, vk::PipelineCache::create(device, cache_file, 1));
    SAC_ASSIGN(vk::Pipeline pipeline, vk::Pipeline::create(device, cache.handle(), test::make_shader({}), "faulty"));
    SAC_ASSIGN(vk::Buffer buffer,
               vk::Buffer::create(device, memory, 64, vk::tensor_usage, vk::MemoryUse::readback, "out"));
    SAC_ASSIGN(vk::Buffer scratch,
               vk::Buffer::create(device, memory, 64, vk::tensor_usage, vk::MemoryUse::device, "scratch"));
    SAC_ASSIGN(vk::Timestamps stamps, vk::Timestamps::create(device, 2));
    SAC_TRY(test::run_shader(device, pipeline, buffer, 5));
    SAC_TRY(vk::run_once(
        device,
        [&](VkCommandBuffer commands) -> Status {
            stamps.reset(commands);
            stamps.write(commands, 0);
            stamps.write(commands, 1);
            return {};
        },
        "stamps"));
    SAC_ASSIGN(const auto read, stamps.read(2));
    SAC_TRY(device.wait_idle());
    SAC_TRY(cache.save());
    if (buffer.mapped<uint32_t>()[15] != 20) return Error(Code::internal, "the shader's result is wrong");
    return {};
}

void fail_each_call(VkResult result, Code expected) {
    const test::TempDir dir;
    test::Faults faults;
    vk::DeviceOptions options = test::device_options();
    options.patch_functions = [&](vk::DeviceFunctions &fn) { faults.patch(fn); };
    {
        const auto device = vk::Device::create(options);
        REQUIRE(device.ok());
        uint64_t n = 0, failed = 0;
        for (;; ++n) {
            REQUIRE(n < 500);
            faults.arm(n, result, true);
            const Status status = everything(**device, (dir / "cache.bin").string());
            faults.disarm();
            if (!faults.fired()) {
                REQUIRE_MESSAGE(status.ok(), status.error().message);
                break;
            }
            CAPTURE(n);
            CAPTURE(faults.fired_in());
            REQUIRE_FALSE(status.ok());
            CHECK_MESSAGE(status.error().code == expected, status.error().message);
            CHECK(status.error().vk_result == result);
            CHECK(faults.live().empty());
            ++failed;
        }
        CHECK(failed > 25);  // there are that many calls that can fail
        CHECK(everything(**device, (dir / "cache.bin").string()).ok());
    }
    CHECK(faults.live().empty());
}

}  // namespace

TEST_CASE("out of device memory at every call") { fail_each_call(VK_ERROR_OUT_OF_DEVICE_MEMORY, Code::out_of_memory); }

TEST_CASE("out of host memory at every call") { fail_each_call(VK_ERROR_OUT_OF_HOST_MEMORY, Code::out_of_memory); }

TEST_CASE("a lost device at every call") { fail_each_call(VK_ERROR_DEVICE_LOST, Code::device_lost); }

TEST_CASE("a whole block refused is asked for again in the size needed") {
    test::Faults faults;
    vk::DeviceOptions options = test::device_options();
    options.patch_functions = [&](vk::DeviceFunctions &fn) { faults.patch(fn); };
    const auto device = vk::Device::create(options);
    REQUIRE(device.ok());
    vk::Memory memory(**device);
    faults.arm(0, VK_ERROR_OUT_OF_DEVICE_MEMORY, false, "AllocateMemory");
    const auto buffer = vk::Buffer::create(**device, memory, 1000, vk::tensor_usage, vk::MemoryUse::device, "small");
    REQUIRE(buffer.ok());
    CHECK(memory.statistics().reserved < 4096);
    CHECK(faults.calls("AllocateMemory") == 2);
    CHECK(memory.statistics().driver_allocations == 2);
    faults.arm(0, VK_ERROR_OUT_OF_DEVICE_MEMORY, true, "AllocateMemory");
    const auto refused =
        vk::Buffer::create(**device, memory, 3u << 20, vk::tensor_usage, vk::MemoryUse::device, "weights");
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().code == Code::out_of_memory);
    CHECK(refused.error().message.find("weights (3.0 MiB)") != std::string::npos);
    faults.disarm();
}

TEST_CASE("driver data that the driver itself refuses is dropped and the cache begins anew") {
    const test::TempDir dir;
    const std::string path = (dir / "cache.bin").string();
    test::Faults faults;
    vk::DeviceOptions options = test::device_options();
    options.patch_functions = [&](vk::DeviceFunctions &fn) { faults.patch(fn); };
    const auto device = vk::Device::create(options);
    REQUIRE(device.ok());
    REQUIRE(vk::PipelineCache::create(**device, path, 1)->save().ok());
    faults.arm(0, VK_ERROR_INITIALIZATION_FAILED, false, "CreatePipelineCache");
    const auto cache = vk::PipelineCache::create(**device, path, 1);
    REQUIRE(cache.ok());
    CHECK(faults.fired());
    CHECK_FALSE(cache->loaded_from_file());
}

TEST_CASE("retired things of a lost device are destroyed at the end") {
    test::Faults faults;
    vk::DeviceOptions options = test::device_options();
    options.patch_functions = [&](vk::DeviceFunctions &fn) { faults.patch(fn); };
    {
        const auto device = vk::Device::create(options);
        REQUIRE(device.ok());
        vk::Memory memory(**device);
        const auto timeline = std::move(*vk::Timeline::create(**device, "lost"));
        vk::RetireQueue queue(*timeline);
        auto buffer = vk::Buffer::create(**device, memory, 64, vk::tensor_usage, vk::MemoryUse::device, "retired");
        REQUIRE(buffer.ok());
        const uint64_t value = timeline->next();
        const vk::SemaphorePoint done = {timeline->handle(), value};
        REQUIRE((*device)->submit({}, {}, {&done, 1}).ok());
        queue.retire(value, std::move(*buffer));
        faults.arm(0, VK_ERROR_DEVICE_LOST, true);
        queue.collect();
        CHECK(timeline->reached().error().code == Code::device_lost);
    }
    CHECK(faults.live().empty());
}
