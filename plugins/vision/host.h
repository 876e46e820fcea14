#pragma once
// The host's table, with defaults where it leaves something out.

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "compute/base/log.h"
#include "compute/vk/device.h"
#include "plugins/vision/saccade.h"

namespace sac::vision {

/// The monotonic clock of the ABI, nanoseconds.
uint64_t now_ns();

/// Stays where it is as long as its context lives: logs and queue locks point at it. [thread] any.
class Host {
public:
    /// `table` may be null. Error invalid_argument: half of a pair is missing.
    static Result<std::unique_ptr<Host>> create(const sac_host *table);
    Host(const Host &) = delete;
    Host &operator=(const Host &) = delete;

    Log log() const;
    void write(LogLevel level, const std::string &message) const { log().write(level, message.c_str()); }

    /// Null if there is none left. Given back by free().
    void *allocate(size_t size, size_t alignment) const;
    void free(void *memory, size_t alignment) const;

    bool reads_assets() const { return table_.read_asset != nullptr; }
    /// The bytes of a file by the host's read_asset. Only if reads_assets().
    Result<std::string> read_asset(const std::string &path) const;

    bool locks_queues() const { return table_.lock_queue != nullptr; }
    vk::QueueLock queue_lock() const { return {table_.lock_queue, table_.unlock_queue, table_.user}; }

private:
    explicit Host(const sac_host &table) : table_(table) {}
    sac_host table_;
};

}  // namespace sac::vision
