// Command buffers, timelines, the retire queue and timestamps.
#include "compute/vk/commands.h"

#include <doctest/doctest.h>

#include <chrono>

#include "compute/vk/memory.h"
#include "tests/support/device.h"

using namespace sac;

namespace {

struct Tracked {
    int *alive;
    explicit Tracked(int *count) : alive(count) { ++*alive; }
    Tracked(Tracked &&other) noexcept : alive(other.alive) { other.alive = nullptr; }
    Tracked &operator=(Tracked &&) = delete;
    ~Tracked() {
        if (alive) --*alive;
    }
};

Status fill(vk::Device &device, vk::CommandBuffer &commands, const vk::Buffer &buffer, uint32_t value) {
    SAC_TRY(commands.begin(false));
    device.fn().CmdFillBuffer(commands.handle(), buffer.handle(), 0, VK_WHOLE_SIZE, value);
    return commands.end();
}

}  // namespace

TEST_CASE("a recorded command buffer is submitted again and again, and recorded anew") {
    vk::Device &device = test::device();
    vk::CommandBuffer commands = std::move(*vk::CommandBuffer::create(device, "again"));
    const auto timeline = std::move(*vk::Timeline::create(device, "again"));
    const vk::Buffer buffer = test::host_buffer(64, "again");
    for (const uint32_t value : {1u, 2u}) {
        REQUIRE(fill(device, commands, buffer, value).ok());
        for (int i = 0; i < 3; ++i) {
            buffer.mapped<uint32_t>()[0] = 99;
            const VkCommandBuffer handle = commands.handle();
            const vk::SemaphorePoint done = {timeline->handle(), timeline->next()};
            REQUIRE(device.submit({&handle, 1}, {}, {&done, 1}).ok());
            REQUIRE(timeline->wait(done.value).ok());
            CHECK(*timeline->reached() == done.value);
            CHECK(buffer.mapped<uint32_t>()[0] == value);
        }
    }
    CHECK(timeline->issued() == 6);
}

TEST_CASE("a submission waits for a point of another timeline") {
    vk::Device &device = test::device();
    const auto gate = std::move(*vk::Timeline::create(device, "gate"));
    const auto timeline = std::move(*vk::Timeline::create(device, "gated"));
    const vk::SemaphorePoint wait = {gate->handle(), gate->next()};
    const vk::SemaphorePoint done = {timeline->handle(), timeline->next()};
    REQUIRE(device.submit({}, {&wait, 1}, {&done, 1}).ok());
    const Status early = timeline->wait(done.value, 1'000'000);
    REQUIRE_FALSE(early.ok());
    CHECK(early.error().code == Code::cancelled);
    CHECK(*timeline->reached() == 0);
    VkSemaphoreSignalInfo signal = {};
    signal.sType = VK_STRUCTURE_TYPE_SEMAPHORE_SIGNAL_INFO;
    signal.semaphore = gate->handle();
    signal.value = wait.value;
    REQUIRE(device.fn().SignalSemaphore(device.handle(), &signal) == VK_SUCCESS);
    CHECK(timeline->wait(done.value).ok());
}

TEST_CASE("too many waits or signals are refused before the queue is touched") {
    vk::Device &device = test::device();
    const auto timeline = std::move(*vk::Timeline::create(device, "many"));
    const std::vector<vk::SemaphorePoint> nine(9, {timeline->handle(), 1});
    CHECK(device.submit({}, nine, {}).error().code == Code::invalid_argument);
    CHECK(device.submit({}, {}, nine).error().code == Code::invalid_argument);
    CHECK(*timeline->reached() == 0);
}

TEST_CASE("the retire queue destroys when the timeline has passed, and all of it at its end") {
    vk::Device &device = test::device();
    const auto timeline = std::move(*vk::Timeline::create(device, "retire"));
    int alive = 0;
    {
        vk::RetireQueue queue(*timeline);
        const uint64_t first = timeline->next(), second = timeline->next(), third = timeline->next();
        queue.retire(third, Tracked(&alive));
        queue.retire(first, Tracked(&alive));
        queue.retire(second, Tracked(&alive));
        CHECK(alive == 3);
        queue.collect();
        CHECK(alive == 3);
        const vk::SemaphorePoint done = {timeline->handle(), second};
        REQUIRE(device.submit({}, {}, {&done, 1}).ok());
        REQUIRE(timeline->wait(second).ok());
        CHECK(alive == 3);
        queue.collect();
        CHECK(alive == 1);
        queue.collect();
        CHECK(alive == 1);
        const vk::SemaphorePoint last = {timeline->handle(), third};
        REQUIRE(device.submit({}, {}, {&last, 1}).ok());
    }
    CHECK(alive == 0);
}

TEST_CASE("run_once hands on the error of the recording and submits nothing then") {
    const Status status = vk::run_once(
        test::device(), [](VkCommandBuffer) -> Status { return Error(Code::unsupported, "not this"); }, "failing");
    REQUIRE_FALSE(status.ok());
    CHECK(status.error().message == "not this");
}

TEST_CASE("timestamps rise, lie within wall clock, and cover the work between them") {
    vk::Device &device = test::device();
    vk::Timestamps stamps = std::move(*vk::Timestamps::create(device, 3));
    const vk::Buffer buffer = test::host_buffer(32u << 20, "stamped");
    const auto start = std::chrono::steady_clock::now();
    const Status status = vk::run_once(
        device,
        [&](VkCommandBuffer commands) -> Status {
            stamps.reset(commands);
            stamps.write(commands, 0);
            device.fn().CmdFillBuffer(commands, buffer.handle(), 0, VK_WHOLE_SIZE, 1);
            stamps.write(commands, 1);
            stamps.write(commands, 2);
            return {};
        },
        "stamped");
    const std::chrono::duration<double, std::nano> wall = std::chrono::steady_clock::now() - start;
    REQUIRE(status.ok());
    const auto read = stamps.read(3);
    REQUIRE(read.ok());
    if (!device.caps().timestamps) {
        CHECK(read->empty());
        return;
    }
    REQUIRE(read->size() == 3);
    CHECK((*read)[0] == 0);
    CHECK((*read)[1] > 0);
    CHECK((*read)[2] >= (*read)[1]);
    CHECK((*read)[2] <= wall.count());
    CHECK((*read)[1] > (*read)[2] - (*read)[1]);  // a fill of 32 MiB against nothing
    CHECK_FALSE(stamps.read(4).ok());
}

TEST_CASE("without timestamps in the caps every call is accepted and nothing is read") {
    vk::DeviceOptions options = test::device_options();
    options.profile = vk::Profile::minimum;
    const auto device = vk::Device::create(options);
    REQUIRE(device.ok());
    vk::Timestamps stamps = std::move(*vk::Timestamps::create(**device, 2));
    REQUIRE(vk::run_once(
                **device,
                [&](VkCommandBuffer c) -> Status {
                    stamps.reset(c);
                    stamps.write(c, 0);
                    return {};
                },
                "no stamps")
                .ok());
    CHECK(stamps.read(2)->empty());
}
