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

Progress::Progress(std::string what, uint64_t total)
    : what_(std::move(what)), total_(total), terminal_(SAC_IS_TERMINAL != 0), start_(Clock::now()), last_(start_) {}

Progress::~Progress() { clear(); }

void Progress::clear() {
    if (shown_ && terminal_) std::fprintf(stderr, "\r\033[K");
    shown_ = false;
}

void Progress::update(uint64_t done) {
    using namespace std::chrono_literals;
    const Clock::time_point now = Clock::now();
    if (now - start_ < 1s || now - last_ < (terminal_ ? 100ms : 10000ms)) return;
    last_ = now;
    const double rate = static_cast<double>(done) / std::chrono::duration<double>(now - start_).count();
    const auto n = static_cast<unsigned long long>(done), total = static_cast<unsigned long long>(total_);
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
        std::min<size_t>(width, static_cast<size_t>(static_cast<double>(done) * width / static_cast<double>(total_)));
    const std::string bar = std::string(filled, '#') + std::string(width - filled, '.');
    std::fprintf(stderr, "\r%s  [%s] %llu/%llu  %.1f/s\033[K", what_.c_str(), bar.c_str(), n, total, rate);
}

}  // namespace sac::cli
