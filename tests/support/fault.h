#pragma once
// Doubles for the functions of a device: they count calls and live objects, and fail where a test wants it.

#include <map>
#include <string>

#include "compute/vk/device.h"

namespace sac::test {

/// One at a time in a process, because a Vulkan function has no room for a pointer of ours. Give patch() to
/// DeviceOptions or HostDevice; it must outlive the device. [thread] calls are counted from any thread, the rest is the
/// test's.
class Faults {
public:
    Faults();
    ~Faults();
    Faults(const Faults &) = delete;
    Faults &operator=(const Faults &) = delete;

    /// For patch_functions.
    void patch(vk::DeviceFunctions &fn);

    /// From now on the `n`-th (from 0) call that can fail returns `result`: of `function` ("AllocateMemory"), or of any
    /// if it is empty. With `sticky` all later ones do, too. A failing wait waits first, as a lost device has nothing
    /// pending.
    void arm(uint64_t n, VkResult result, bool sticky = false, const std::string &function = {});
    void disarm();
    bool fired() const;
    /// The function that failed first.
    std::string fired_in() const;

    /// Calls of a function since creation.
    uint64_t calls(const std::string &function) const;
    /// Objects made and not destroyed, by kind ("Buffer", "Memory", "Pipeline" ...); kinds of which none is left are
    /// not there.
    std::map<std::string, int64_t> live() const;
};

}  // namespace sac::test
