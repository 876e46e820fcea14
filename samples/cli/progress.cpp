#include "samples/cli/progress.h"

#include <algorithm>
#include <cstdio>

#ifdef _WIN32
#include <io.h>
#define SAC_IS_TERMINAL _isatty(2)
#else
#include <unistd.h>
#define SAC_IS_TERMINAL isatty(2)
#endif

namespace sac::cli {

using namespace std::chrono_literals;

namespace {
void clear_line() { std::fprintf(stderr, "\r\033[K"); }
}  // namespace

Progress::Progress(std::string what, uint64_t total)
    : what_(std::move(what)), total_(total), terminal_(SAC_IS_TERMINAL != 0), start_(Clock::now()), last_(start_) {}

Progress::~Progress() { clear(); }

void Progress::clear() {
    if (shown_ && terminal_) clear_line();
    shown_ = false;
}

bool Progress::is_due() {
    const Clock::time_point now = Clock::now();
    if (now - start_ < 1s || now - last_ < (terminal_ ? 100ms : 10000ms)) return false;
    last_ = now;
    return true;
}

void Progress::tell(const std::string &how_far) {
    if (!is_due()) return;
    shown_ = true;
    std::fprintf(stderr, terminal_ ? "\r%s  %s\033[K" : "%s: %s\n", what_.c_str(), how_far.c_str());
}

void Progress::advance() {
    ++done_;
    if (!is_due()) return;
    const double rate = static_cast<double>(done_) / std::chrono::duration<double>(last_ - start_).count();
    const auto n = static_cast<unsigned long long>(done_), total = static_cast<unsigned long long>(total_);
    if (!terminal_) {
        if (total_)
            std::fprintf(stderr, "%s: %llu of %llu, %.1f a second\n", what_.c_str(), n, total, rate);
        else
            std::fprintf(stderr, "%s: %llu, %.1f a second\n", what_.c_str(), n, rate);
        return;
    }
    shown_ = true;
    if (!total_) {
        std::fprintf(stderr, "\r%s  %llu  %.1f/s\033[K", what_.c_str(), n, rate);
        return;
    }
    constexpr size_t width = 30;
    const size_t filled =
        std::min<size_t>(width, static_cast<size_t>(static_cast<double>(done_) * width / static_cast<double>(total_)));
    const std::string bar = std::string(filled, '#') + std::string(width - filled, '.');
    std::fprintf(stderr, "\r%s  [%s] %llu/%llu  %.1f/s\033[K", what_.c_str(), bar.c_str(), n, total, rate);
}

Waiting::Waiting(std::string what)
    : what_(std::move(what)), terminal_(SAC_IS_TERMINAL != 0), thread_([this] { tell(); }) {}

Waiting::~Waiting() {
    {
        const std::lock_guard lock(mutex_);
        is_over_ = true;
    }
    over_.notify_one();
    thread_.join();
}

void Waiting::tell() {
    const std::chrono::seconds step = terminal_ ? 1s : 10s;
    std::chrono::seconds lasted = 0s;
    std::unique_lock lock(mutex_);
    while (!over_.wait_for(lock, step, [this] { return is_over_; })) {
        lasted += step;
        std::fprintf(stderr, terminal_ ? "\r%s  %lld s\033[K" : "%s: %lld s\n", what_.c_str(),
                     static_cast<long long>(lasted.count()));
    }
    if (terminal_ && lasted > 0s) clear_line();
}

}  // namespace sac::cli
