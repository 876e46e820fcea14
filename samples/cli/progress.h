#pragma once
// What is going on, told on stderr while it lasts: on a terminal in one line that is taken away again, else in a line
// every ten seconds. Work that is over within a second is not told of.

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>

namespace sac::cli {

/// Work in steps: a bar, or a counter where the number of steps is not known. [thread] one at a time.
class Progress {
public:
    /// `total` 0: not known.
    Progress(std::string what, uint64_t total);
    ~Progress();  ///< takes the bar away
    Progress(const Progress &) = delete;
    Progress &operator=(const Progress &) = delete;
    /// What the next steps do.
    void rename(std::string what) { what_ = std::move(what); }
    /// A step is done.
    void advance();
    /// In place of steps, where the work itself says how far it is: "3 of 12, about 20 s left".
    void tell(const std::string &how_far);
    /// Takes the bar away, so that a line can be printed; the next step puts it back.
    void clear();

private:
    using Clock = std::chrono::steady_clock;
    bool is_due();
    std::string what_;
    uint64_t total_, done_ = 0;
    bool terminal_;
    bool shown_ = false;
    Clock::time_point start_, last_;
};

/// Work that cannot be asked how far it is, such as loading: tells from a thread of its own for how long it has lasted.
class Waiting {
public:
    explicit Waiting(std::string what);
    ~Waiting();  ///< takes the line away
    Waiting(const Waiting &) = delete;
    Waiting &operator=(const Waiting &) = delete;

private:
    void tell();
    std::string what_;
    bool terminal_;
    std::mutex mutex_;
    std::condition_variable over_;
    bool is_over_ = false;
    std::thread thread_;
};

}  // namespace sac::cli
