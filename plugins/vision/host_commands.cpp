#include "plugins/vision/host_commands.h"

#include <algorithm>
#include <cstring>

#include "compute/base/format.h"
#include "plugins/vision/host.h"
#include "plugins/vision/structs.h"

namespace sac::vision {

VkSemaphore semaphore_of(uint64_t handle) {
    VkSemaphore semaphore;
    static_assert(sizeof(VkSemaphore) == sizeof handle);
    std::memcpy(&semaphore, &handle, sizeof handle);
    return semaphore;
}

Result<HostCommands> read_commands(const sac_vk_commands *pointer, const vk::Device &device) {
    const auto wrong = [](std::string text) { return Error(Code::invalid_argument, std::move(text)); };
    sac_vk_commands given = {};
    SAC_TRY(read_struct(pointer, SAC_TYPE_VK_COMMANDS, "commands", given));
    if (!given.command_buffer) return wrong("commands.command_buffer is null");
    if (given.reserved != 0) return wrong(format("commands.reserved is %u, not 0", given.reserved));
    if (!given.done_semaphore) return wrong("commands.done_semaphore is null");
    HostCommands commands;
    commands.buffer = static_cast<VkCommandBuffer>(given.command_buffer);
    commands.queue_family = given.queue_family;
    commands.done.semaphore = semaphore_of(given.done_semaphore);
    commands.done.value = given.done_value;
    uint64_t reached = 0;
    SAC_VK(device.fn().GetSemaphoreCounterValue(device.handle(), commands.done.semaphore, &reached),
           "reading commands.done_semaphore");
    if (reached >= given.done_value)
        return wrong(format("commands.done_value is %llu, and commands.done_semaphore has reached %llu already",
                            static_cast<unsigned long long>(given.done_value),
                            static_cast<unsigned long long>(reached)));
    return commands;
}

Result<bool> HostWait::wait_a_while(const vk::SemaphorePoint &point, const char *name) const {
    constexpr uint64_t while_ns = 20'000'000;
    VkSemaphoreWaitInfo info = {};
    info.sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO;
    info.semaphoreCount = 1;
    info.pSemaphores = &point.semaphore;
    info.pValues = &point.value;
    const auto left = static_cast<uint64_t>(this->left().count());
    const VkResult result = device_.fn().WaitSemaphores(device_.handle(), &info, std::min(while_ns, left));
    if (result == VK_SUCCESS) return true;
    if (result == VK_ERROR_DEVICE_LOST || (result != VK_TIMEOUT && left > 0))
        return vk::vk_error(result, format("waiting for %s", name));
    if (left == 0)
        return Error(Code::cancelled, format("%s has not reached %llu, and the context is being destroyed", name,
                                             static_cast<unsigned long long>(point.value)));
    return false;
}

Status HostWait::wait(const vk::SemaphorePoint &point, const char *name) const {
    for (;;) {
        SAC_ASSIGN(const bool reached, wait_a_while(point, name));
        if (reached) return {};
    }
}

std::chrono::nanoseconds HostWait::left() const {
    const uint64_t now = now_ns(), end = give_up_;
    constexpr uint64_t most = INT64_MAX;
    return std::chrono::nanoseconds(end > now ? static_cast<int64_t>(std::min(end - now, most)) : 0);
}

void HostWait::cancel() {
    const uint64_t end = now_ns() + static_cast<uint64_t>(std::chrono::nanoseconds(grace).count());
    uint64_t never = UINT64_MAX;
    give_up_.compare_exchange_strong(never, end);
}

}  // namespace sac::vision
