#pragma once
// A progress bar on stderr: a bar where that is a terminal, else a counter line now and then.

#include <chrono>
#include <cstdint>
#include <string>

namespace sac::cli {

/// Shows nothing for work that is over within a second.
class Progress {
public:
    /// `total` 0: not known.
    Progress(std::string what, uint64_t total);
    ~Progress();  ///< takes the bar away
    Progress(const Progress &) = delete;
    Progress &operator=(const Progress &) = delete;
    void update(uint64_t done);
    /// Takes the bar away, so that a line can be printed; the next update puts it back.
    void clear();

private:
    using Clock = std::chrono::steady_clock;
    std::string what_;
    uint64_t total_;
    bool terminal_;
    bool shown_ = false;
    Clock::time_point start_, last_;
};

}  // namespace sac::cli
