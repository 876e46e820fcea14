#include "compute/vk/commands.h"

#include <algorithm>
#include <bit>

#include "compute/base/format.h"

namespace sac::vk {

Result<std::unique_ptr<Timeline>> Timeline::create(Device &device, const char *name) {
    std::unique_ptr<Timeline> timeline(new Timeline(device));
    VkSemaphoreTypeCreateInfo type = {};
    type.sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO;
    type.semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE;
    VkSemaphoreCreateInfo info = {};
    info.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO;
    info.pNext = &type;
    SAC_VK(device.fn().CreateSemaphore(device.handle(), &info, nullptr, &timeline->semaphore_),
           format("creating the timeline %s", name));
    device.set_name(VK_OBJECT_TYPE_SEMAPHORE, reinterpret_cast<uint64_t>(timeline->semaphore_), name);
    return timeline;
}

Timeline::~Timeline() {
    if (semaphore_) device_.fn().DestroySemaphore(device_.handle(), semaphore_, nullptr);
}

Result<uint64_t> Timeline::reached() const {
    uint64_t value = 0;
    SAC_VK(device_.fn().GetSemaphoreCounterValue(device_.handle(), semaphore_, &value), "reading a timeline");
    return value;
}

Status Timeline::wait(uint64_t value, uint64_t timeout_ns) const {
    VkSemaphoreWaitInfo info = {};
    info.sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO;
    info.semaphoreCount = 1;
    info.pSemaphores = &semaphore_;
    info.pValues = &value;
    const VkResult result = device_.fn().WaitSemaphores(device_.handle(), &info, timeout_ns);
    if (result == VK_TIMEOUT)
        return Error(Code::cancelled,
                     format("the device did not reach point %llu of its timeline within %.3f s",
                            static_cast<unsigned long long>(value), static_cast<double>(timeout_ns) * 1e-9),
                     result);
    if (result != VK_SUCCESS) return vk_error(result, "waiting for a timeline");
    return {};
}

RetireQueue::~RetireQueue() {
    uint64_t last = 0;
    for (const auto &[value, thing] : things_) last = std::max(last, value);
    if (!things_.empty()) wait(last);
}

// Bounded, so that a point whose submission failed does not hang the process at its end.
void RetireQueue::wait(uint64_t value) const {
    constexpr uint64_t ten_seconds = 10'000'000'000;
    (void)timeline_.wait(value, ten_seconds);
}

void RetireQueue::push(uint64_t value, std::shared_ptr<void> thing) {
    const std::lock_guard guard(mutex_);
    try {
        things_.emplace_back(value, nullptr);
        things_.back().second = std::move(thing);
    } catch (const std::bad_alloc &) { wait(value); }
}

void RetireQueue::collect() {
    const Result<uint64_t> reached = timeline_.reached();
    if (!reached.ok()) return;  // a lost device: all goes at the end
    for (;;) {
        std::shared_ptr<void> dead;  // destroyed after the lock is given up
        const std::lock_guard guard(mutex_);
        const auto entry =
            std::find_if(things_.begin(), things_.end(), [&](const auto &e) { return e.first <= *reached; });
        if (entry == things_.end()) return;
        dead = std::move(entry->second);
        things_.erase(entry);
    }
}

Result<CommandBuffer> CommandBuffer::create(Device &device, const char *name) {
    CommandBuffer commands;
    commands.device_ = &device;
    const DeviceFunctions &fn = device.fn();
    VkCommandPoolCreateInfo pool = {};
    pool.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO;
    pool.queueFamilyIndex = device.queue_family();
    SAC_VK(fn.CreateCommandPool(device.handle(), &pool, nullptr, &commands.pool_),
           format("creating the command pool of %s", name));
    device.set_name(VK_OBJECT_TYPE_COMMAND_POOL, reinterpret_cast<uint64_t>(commands.pool_), name);
    VkCommandBufferAllocateInfo info = {};
    info.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO;
    info.commandPool = commands.pool_;
    info.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
    info.commandBufferCount = 1;
    SAC_VK(fn.AllocateCommandBuffers(device.handle(), &info, &commands.buffer_),
           format("allocating the command buffer %s", name));
    device.set_name(VK_OBJECT_TYPE_COMMAND_BUFFER, reinterpret_cast<uint64_t>(commands.buffer_), name);
    return commands;
}

CommandBuffer::~CommandBuffer() {
    if (device_ && pool_) device_->fn().DestroyCommandPool(device_->handle(), pool_, nullptr);
}

CommandBuffer::CommandBuffer(CommandBuffer &&other) noexcept
    : device_(std::exchange(other.device_, nullptr)),
      pool_(std::exchange(other.pool_, VK_NULL_HANDLE)),
      buffer_(std::exchange(other.buffer_, VK_NULL_HANDLE)) {}

CommandBuffer &CommandBuffer::operator=(CommandBuffer &&other) noexcept {
    CommandBuffer taken(std::move(other));
    std::swap(device_, taken.device_);
    std::swap(pool_, taken.pool_);
    std::swap(buffer_, taken.buffer_);
    return *this;
}

Status CommandBuffer::begin(bool once) {
    SAC_VK(device_->fn().ResetCommandPool(device_->handle(), pool_, 0), "resetting a command pool");
    VkCommandBufferBeginInfo info = {};
    info.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO;
    info.flags = once ? VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT : 0;
    SAC_VK(device_->fn().BeginCommandBuffer(buffer_, &info), "beginning a command buffer");
    return {};
}

Status CommandBuffer::end() {
    SAC_VK(device_->fn().EndCommandBuffer(buffer_), "ending a command buffer");
    return {};
}

Status run_once(Device &device, const std::function<Status(VkCommandBuffer)> &record, const char *name) {
    SAC_ASSIGN(CommandBuffer commands, CommandBuffer::create(device, name));
    SAC_ASSIGN(const std::unique_ptr<Timeline> timeline, Timeline::create(device, name));
    SAC_TRY(commands.begin(true));
    {
        const ScopedLabel label(device, commands.handle(), name);
        SAC_TRY(record(commands.handle()));
    }
    SAC_TRY(commands.end());
    const VkCommandBuffer handle = commands.handle();
    const SemaphorePoint done = {timeline->handle(), timeline->next()};
    SAC_TRY(device.submit({&handle, 1}, {}, {&done, 1}));
    Status waited = timeline->wait(done.value);
    if (!waited.ok()) (void)device.wait_idle();  // nothing pending may be destroyed
    return waited;
}

ScopedLabel::ScopedLabel(const Device &device, VkCommandBuffer commands, const char *name)
    : device_(device), commands_(commands) {
    if (!device.fn().CmdBeginDebugUtilsLabelEXT) return;
    VkDebugUtilsLabelEXT label = {};
    label.sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_LABEL_EXT;
    label.pLabelName = name;
    device.fn().CmdBeginDebugUtilsLabelEXT(commands, &label);
}

ScopedLabel::~ScopedLabel() {
    if (device_.fn().CmdBeginDebugUtilsLabelEXT) device_.fn().CmdEndDebugUtilsLabelEXT(commands_);
}

Result<Timestamps> Timestamps::create(Device &device, uint32_t count) {
    Timestamps stamps;
    if (!device.caps().timestamps) return stamps;
    if (count == 0) return Error(Code::invalid_argument, "timestamps: count is 0");
    stamps.device_ = &device;
    stamps.count_ = count;
    VkQueryPoolCreateInfo info = {};
    info.sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO;
    info.queryType = VK_QUERY_TYPE_TIMESTAMP;
    info.queryCount = count;
    SAC_VK(device.fn().CreateQueryPool(device.handle(), &info, nullptr, &stamps.pool_),
           format("creating a pool of %u timestamps", count));
    device.set_name(VK_OBJECT_TYPE_QUERY_POOL, reinterpret_cast<uint64_t>(stamps.pool_), "timestamps");
    return stamps;
}

Timestamps::~Timestamps() {
    if (pool_) device_->fn().DestroyQueryPool(device_->handle(), pool_, nullptr);
}

Timestamps::Timestamps(Timestamps &&other) noexcept
    : device_(std::exchange(other.device_, nullptr)),
      pool_(std::exchange(other.pool_, VK_NULL_HANDLE)),
      count_(std::exchange(other.count_, 0)) {}

Timestamps &Timestamps::operator=(Timestamps &&other) noexcept {
    Timestamps taken(std::move(other));
    std::swap(device_, taken.device_);
    std::swap(pool_, taken.pool_);
    std::swap(count_, taken.count_);
    return *this;
}

void Timestamps::reset(VkCommandBuffer commands) {
    if (pool_) device_->fn().CmdResetQueryPool(commands, pool_, 0, count_);
}

void Timestamps::write(VkCommandBuffer commands, uint32_t index) {
    assert(!pool_ || index < count_);
    if (pool_) device_->fn().CmdWriteTimestamp(commands, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, pool_, index);
}

Result<std::vector<double>> Timestamps::read(uint32_t count) const {
    std::vector<double> nanoseconds(count);
    SAC_ASSIGN(const bool there, read(nanoseconds));
    if (!there) nanoseconds.clear();
    return nanoseconds;
}
Result<bool> Timestamps::read(std::span<double> nanoseconds) const {
    if (!pool_ || nanoseconds.empty()) return false;
    const auto count = static_cast<uint32_t>(nanoseconds.size());
    if (count > count_)
        return Error(Code::invalid_argument, format("timestamps: %u asked for, the pool has %u", count, count_));
    // Ticks and nanoseconds in the same memory, one after the other.
    static_assert(sizeof(double) == sizeof(uint64_t));
    SAC_VK(device_->fn().GetQueryPoolResults(device_->handle(), pool_, 0, count, nanoseconds.size_bytes(),
                                             nanoseconds.data(), sizeof(uint64_t), VK_QUERY_RESULT_64_BIT),
           "reading timestamps");
    // The counter wraps at its width; differences modulo that width stay right.
    const uint32_t bits = device_->caps().timestamp_valid_bits;
    const uint64_t mask = bits >= 64 ? UINT64_MAX : (uint64_t(1) << bits) - 1;
    const auto start = std::bit_cast<uint64_t>(nanoseconds[0]);
    for (double &value : nanoseconds)
        value = static_cast<double>((std::bit_cast<uint64_t>(value) - start) & mask) *
                static_cast<double>(device_->caps().limits.timestampPeriod);
    return true;
}

}  // namespace sac::vk
