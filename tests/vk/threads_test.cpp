// labels: tsan
// Many threads on one device: submissions, memory, the retire queue.
#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "compute/vk/commands.h"
#include "compute/vk/memory.h"
#include "tests/support/device.h"
#include "tests/support/ref.h"

using namespace sac;

namespace {

template <class Work>
void in_threads(int count, const Work &work) {
    std::vector<std::thread> threads;
    threads.reserve(static_cast<size_t>(count));
    for (int i = 0; i < count; ++i) threads.emplace_back([&work, i] { work(i); });
    for (std::thread &thread : threads) thread.join();
}

}  // namespace

TEST_CASE("threads submit to one queue and each sees its own result") {
    vk::Device &device = test::device();
    std::atomic<int> wrong = 0;
    in_threads(4, [&](int thread) {
        auto commands = vk::CommandBuffer::create(device, "thread");
        auto timeline = vk::Timeline::create(device, "thread");
        auto buffer =
            vk::Buffer::create(device, test::memory(), 256, vk::tensor_usage, vk::MemoryUse::readback, "thread");
        if (!commands.ok() || !timeline.ok() || !buffer.ok()) return void(++wrong);
        for (int i = 0; i < 50; ++i) {
            const auto value = static_cast<uint32_t>(thread * 1000 + i);
            if (!commands->begin(true).ok()) return void(++wrong);
            device.fn().CmdFillBuffer(commands->handle(), buffer->handle(), 0, VK_WHOLE_SIZE, value);
            if (!commands->end().ok()) return void(++wrong);
            const VkCommandBuffer handle = commands->handle();
            const vk::SemaphorePoint done = {(*timeline)->handle(), (*timeline)->next()};
            if (!device.submit({&handle, 1}, {}, {&done, 1}).ok() || !(*timeline)->wait(done.value).ok())
                return void(++wrong);
            if (buffer->mapped<uint32_t>()[63] != value) ++wrong;
        }
    });
    CHECK(wrong == 0);
    CHECK(device.wait_idle().ok());
}

TEST_CASE("threads allocate and free from one Memory") {
    vk::Memory memory(test::device());
    std::atomic<int> wrong = 0;
    in_threads(4, [&](int thread) {
        test::Random random(static_cast<uint64_t>(thread));
        std::vector<vk::Allocation> live;
        for (int i = 0; i < 300; ++i) {
            if (live.size() > 20) {
                memory.free(live.back());
                live.pop_back();
            }
            const auto a = memory.allocate({1 + random.below(10'000), 64, ~0u}, vk::MemoryUse::upload, "thread");
            if (!a.ok()) return void(++wrong);
            for (VkDeviceSize byte = 0; byte < a->size; byte += 512)
                static_cast<char *>(a->mapped)[byte] = char(thread);
            live.push_back(*a);
        }
        for (const vk::Allocation &a : live) {
            for (VkDeviceSize byte = 0; byte < a.size; byte += 512)
                if (static_cast<char *>(a.mapped)[byte] != char(thread)) ++wrong;
            memory.free(a);
        }
    });
    CHECK(wrong == 0);
    CHECK(memory.statistics().used == 0);
}

TEST_CASE("threads take points of one timeline and retire to one queue") {
    vk::Device &device = test::device();
    const auto timeline = std::move(*vk::Timeline::create(device, "shared"));
    std::atomic<int> alive = 0;
    {
        vk::RetireQueue queue(*timeline);
        in_threads(4, [&](int) {
            for (int i = 0; i < 100; ++i) {
                ++alive;
                queue.retire(timeline->next(), std::shared_ptr<void>(nullptr, [&](void *) { --alive; }));
                queue.collect();
            }
        });
        CHECK(timeline->issued() == 400);
        CHECK(alive == 400);
        const vk::SemaphorePoint all = {timeline->handle(), timeline->issued()};
        REQUIRE(device.submit({}, {}, {&all, 1}).ok());
        REQUIRE(timeline->wait(400).ok());
        in_threads(4, [&](int) { queue.collect(); });
        CHECK(alive == 0);
    }
}
