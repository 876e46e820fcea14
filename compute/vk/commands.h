#pragma once
// Command buffers, a timeline, and the queue of things to destroy once the device has passed a point of it.

#include <atomic>
#include <new>
#include <span>

#include "compute/vk/device.h"

namespace sac::vk {

/// A timeline semaphore (Vulkan 1.2) that counts our submissions. [thread] any.
class Timeline {
public:
    static Result<std::unique_ptr<Timeline>> create(Device &device, const char *name);
    ~Timeline();

    VkSemaphore handle() const { return semaphore_; }
    /// The value the next submission is to signal; each call gives the next one.
    uint64_t next() { return ++issued_; }
    uint64_t issued() const { return issued_; }
    /// The value the device has reached. Never blocks.
    Result<uint64_t> reached() const;
    /// Waits until `value` is reached. Error device_lost, or cancelled after the time-out.
    Status wait(uint64_t value, uint64_t timeout_ns = UINT64_MAX) const;

private:
    explicit Timeline(Device &device) : device_(device) {}
    Device &device_;
    VkSemaphore semaphore_ = VK_NULL_HANDLE;
    std::atomic<uint64_t> issued_ = 0;
};

/// Keeps things alive until the device is done with them. [thread] any.
class RetireQueue {
public:
    explicit RetireQueue(Timeline &timeline) : timeline_(timeline) {}
    ~RetireQueue();  ///< waits for the timeline, then destroys all

    /// `thing` (any movable object) is destroyed at the first collect() after the timeline reached `value`. Without
    /// the memory to keep it, waits here.
    template <class T>
    void retire(uint64_t value, T thing) noexcept {
        try {
            push(value, std::make_shared<T>(std::move(thing)));
        } catch (const std::bad_alloc &) { wait(value); }
    }
    void collect();

private:
    void push(uint64_t value, std::shared_ptr<void> thing);
    void wait(uint64_t value) const;
    Timeline &timeline_;
    std::mutex mutex_;
    std::vector<std::pair<uint64_t, std::shared_ptr<void>>> things_;
};

/// One command pool with one primary command buffer. Move-only. [thread] one at a time.
class CommandBuffer {
public:
    CommandBuffer() = default;
    static Result<CommandBuffer> create(Device &device, const char *name);
    ~CommandBuffer();
    CommandBuffer(CommandBuffer &&other) noexcept;
    CommandBuffer &operator=(CommandBuffer &&other) noexcept;

    /// Resets and begins. Without `once` it may be submitted again and again (but not while it is pending).
    Status begin(bool once);
    Status end();
    VkCommandBuffer handle() const { return buffer_; }

private:
    Device *device_ = nullptr;
    VkCommandPool pool_ = VK_NULL_HANDLE;
    VkCommandBuffer buffer_ = VK_NULL_HANDLE;
};

/// Records what `record` says, submits it and waits. For loading and tests, never on a frame's way.
Status run_once(Device &device, const std::function<Status(VkCommandBuffer)> &record, const char *name);

/// Label round a range of commands, shown by debuggers; no effect without VK_EXT_debug_utils.
class ScopedLabel {
public:
    ScopedLabel(const Device &device, VkCommandBuffer commands, const char *name);
    ~ScopedLabel();
    ScopedLabel(const ScopedLabel &) = delete;
    ScopedLabel &operator=(const ScopedLabel &) = delete;

private:
    const Device &device_;
    VkCommandBuffer commands_;
};

/// GPU timestamps. On llvmpipe, which puts work off while a framebuffer is bound, they were compared with wall clock:
/// round compute dispatches they agree (README.md has the figures).
class Timestamps {
public:
    Timestamps() = default;
    /// Room for `count` stamps. Without timestamps in the caps every call is accepted and read() gives an empty list.
    static Result<Timestamps> create(Device &device, uint32_t count);
    ~Timestamps();
    Timestamps(Timestamps &&other) noexcept;
    Timestamps &operator=(Timestamps &&other) noexcept;

    void reset(VkCommandBuffer commands);
    void write(VkCommandBuffer commands, uint32_t index);
    /// Nanoseconds since the first stamp, for indices [0, count). Call after the submission has finished.
    Result<std::vector<double>> read(uint32_t count) const;
    /// The same into the caller's memory, without any of the heap; false without timestamps in the caps.
    Result<bool> read(std::span<double> nanoseconds) const;

private:
    Device *device_ = nullptr;
    VkQueryPool pool_ = VK_NULL_HANDLE;
    uint32_t count_ = 0;
};

}  // namespace sac::vk
