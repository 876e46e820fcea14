// The sub-allocator against a plain record of what is given out.
#include "compute/vk/memory.h"

#include <doctest/doctest.h>

#include <cstring>

#include "tests/support/device.h"
#include "tests/support/ref.h"

using namespace sac;

namespace {

constexpr VkDeviceSize mebibyte = 1u << 20;

VkMemoryRequirements requirements(VkDeviceSize size, VkDeviceSize alignment = 16) { return {size, alignment, ~0u}; }

bool overlap(const vk::Allocation &a, const vk::Allocation &b) {
    return a.memory == b.memory && a.offset < b.offset + b.size && b.offset < a.offset + a.size;
}

}  // namespace

TEST_CASE("allocations are aligned, inside their block and never overlap, over a long random history") {
    vk::Memory memory(test::device());
    test::Random random(1);
    std::vector<vk::Allocation> live;
    uint64_t used = 0;
    for (int step = 0; step < 3000; ++step) {
        if (!live.empty() && random.below(5) < 2) {
            const size_t at = random.below(live.size());
            memory.free(live[at]);
            used -= live[at].size;
            live.erase(live.begin() + static_cast<ptrdiff_t>(at));
        } else {
            const VkDeviceSize size = 1 + random.below(random.below(8) ? 40'000 : 3 * mebibyte);
            const VkDeviceSize alignment = VkDeviceSize(1) << random.below(13);
            const auto a = memory.allocate(requirements(size, alignment), vk::MemoryUse::upload, "random");
            REQUIRE(a.ok());
            REQUIRE(a->offset % alignment == 0);
            REQUIRE(a->size == size);
            REQUIRE(a->mapped != nullptr);
            for (const vk::Allocation &other : live) REQUIRE_FALSE(overlap(*a, other));
            std::memset(a->mapped, step & 255, size);  // really there
            live.push_back(*a);
            used += size;
        }
        REQUIRE(memory.statistics().used == used);
        REQUIRE(memory.statistics().reserved >= used);
    }
    for (const vk::Allocation &a : live) memory.free(a);
    CHECK(memory.statistics().used == 0);
    CHECK(memory.statistics().blocks <= 1);
}

TEST_CASE("freed neighbours become one range again, in every order") {
    vk::Memory memory(test::device());
    const int orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    const auto keeper = memory.allocate(requirements(16), vk::MemoryUse::device, "keeper");
    REQUIRE(keeper.ok());
    const VkDeviceSize block = memory.statistics().reserved;
    const VkDeviceSize third = (block - 64) / 3 / 16 * 16;
    for (const auto &order : orders) {
        vk::Allocation parts[3];
        for (auto &part : parts) part = *memory.allocate(requirements(third), vk::MemoryUse::device, "third");
        for (const int i : order) memory.free(parts[i]);
        const auto all = memory.allocate(requirements(3 * third), vk::MemoryUse::device, "all");
        REQUIRE(all.ok());
        CHECK(all->memory == keeper->memory);
        memory.free(*all);
    }
    CHECK(memory.statistics().driver_allocations == 1);
    memory.free(*keeper);
}

TEST_CASE("freeing and allocating again costs no driver call, and large pieces have blocks of their own") {
    vk::Memory memory(test::device());
    auto small = *memory.allocate(requirements(1000), vk::MemoryUse::device, "small");
    const uint64_t calls = memory.statistics().driver_allocations;
    for (int i = 0; i < 10; ++i) {
        memory.free(small);  // NOLINT(clang-analyzer-unix.Malloc): not that free
        small = *memory.allocate(requirements(1000), vk::MemoryUse::device, "small");
    }
    CHECK(memory.statistics().driver_allocations == calls);
    const uint64_t reserved = memory.statistics().reserved;
    const auto large = *memory.allocate(requirements(100 * mebibyte), vk::MemoryUse::device, "large");
    CHECK(large.memory != small.memory);
    CHECK(memory.statistics().reserved == reserved + 100 * mebibyte);
    memory.free(large);
    CHECK(memory.statistics().reserved == reserved);
    memory.free(small);
}

TEST_CASE("buffers and images never share a block") {
    vk::Memory memory(test::device());
    const auto buffer = *memory.allocate(requirements(100), vk::MemoryUse::device, "buffer");
    const auto image =
        *memory.allocate(requirements(100), vk::MemoryUse::device, "image", vk::MemoryKind::optimal_image);
    CHECK(buffer.memory != image.memory);
    memory.free(buffer);
    memory.free(image);
}

TEST_CASE("what can never fit is refused with name and size, and nothing is left of it") {
    vk::Device &device = test::device();
    vk::Memory memory(device);
    const auto refused =
        memory.allocate(requirements(device.caps().max_allocation + 1), vk::MemoryUse::device, "the arena");
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().code == Code::out_of_memory);
    CHECK(refused.error().message.find("the arena") != std::string::npos);
    CHECK(refused.error().message.find("MiB") != std::string::npos);
    const VkMemoryRequirements none = {64, 16, 0};
    CHECK(memory.allocate(none, vk::MemoryUse::device, "no type").error().code == Code::unsupported);
    for (const VkDeviceSize size :
         {VkDeviceSize(UINT64_MAX), VkDeviceSize(UINT64_MAX / 2), device.caps().max_allocation + 16}) {
        const auto buffer = vk::Buffer::create(device, memory, size, vk::tensor_usage, vk::MemoryUse::device, "huge");
        REQUIRE_FALSE(buffer.ok());
        CHECK(buffer.error().code == Code::out_of_memory);
    }
    const auto empty = vk::Buffer::create(device, memory, 0, vk::tensor_usage, vk::MemoryUse::device, "nothing");
    REQUIRE_FALSE(empty.ok());
    CHECK(empty.error().code == Code::invalid_argument);
    CHECK(memory.statistics().blocks == 0);
}

TEST_CASE("a buffer is rounded up to 16 bytes, moves, and gives its memory back") {
    vk::Device &device = test::device();
    vk::Memory memory(device);
    const auto make = [&](VkDeviceSize size, const char *name) {
        return std::move(*vk::Buffer::create(device, memory, size, vk::tensor_usage, vk::MemoryUse::readback, name));
    };
    {
        vk::Buffer a = make(1, "a");
        CHECK(a.size() == 16);
        CHECK(make(16, "b").size() == 16);
        CHECK(make(17, "c").size() == 32);
        std::memset(a.mapped(), 5, 16);
        vk::Buffer b = std::move(a);
        CHECK_FALSE(a);  // NOLINT(bugprone-use-after-move): the moved-from state is what is tested
        CHECK(a.mapped() == nullptr);
        CHECK(b.mapped<uint8_t>()[15] == 5);
        b = make(100, "d");  // the first goes at once
        CHECK(memory.statistics().used >= 112);
        CHECK(memory.statistics().used < 112 + 100);
        vk::Buffer &self = b;
        b = std::move(self);
        CHECK(b);
        CHECK(b.size() == 112);
    }
    CHECK(memory.statistics().used == 0);
    vk::Buffer device_only =
        std::move(*vk::Buffer::create(device, memory, 64, vk::tensor_usage, vk::MemoryUse::device, "device"));
    CHECK(device_only.mapped() == nullptr);
}
