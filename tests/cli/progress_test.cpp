// labels: host_only
// What programs tell on stderr while something lasts.
#include <doctest/doctest.h>
#include <pty.h>
#include <unistd.h>

#include <array>

#include "samples/cli/progress.h"

using namespace sac;
using namespace std::chrono_literals;

namespace {

// What `work` writes to stderr while that is a terminal, or else a pipe.
template <class Work>
std::string told(bool terminal, Work work) {
    std::array<int, 2> ends = {-1, -1};  // read, write
    REQUIRE((terminal ? openpty(&ends[0], &ends[1], nullptr, nullptr, nullptr) : pipe(ends.data())) == 0);
    std::fflush(stderr);
    const int before = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    work();
    std::fflush(stderr);
    dup2(before, STDERR_FILENO);
    close(before);
    std::string text;
    char bytes[4096];
    for (ssize_t count; (count = read(ends[0], bytes, sizeof bytes)) > 0;)
        text.append(bytes, static_cast<size_t>(count));
    close(ends[0]);
    return text;
}

const std::string gone = "\r\033[K";

}  // namespace

TEST_CASE("steps: a bar on a terminal that goes away, after a second") {
    const std::string text = told(true, [] {
        cli::Progress progress("counting", 4);
        progress.advance();
        std::this_thread::sleep_for(1100ms);
        progress.rename("still counting");
        progress.advance();
    });
    CAPTURE(text);
    CHECK(text.starts_with("\rstill counting  [###############...............] 2/4  "));
    CHECK(text.ends_with(gone));
    CHECK(told(true, [] {
              cli::Progress progress("unknown number", 0);
              std::this_thread::sleep_for(1100ms);
              progress.advance();
          }).starts_with("\runknown number  1  "));
}

TEST_CASE("waiting: the seconds on a terminal, and then nothing is left of it") {
    const std::string text = told(true, [] {
        const cli::Waiting waiting("loading a.onnx");
        std::this_thread::sleep_for(2500ms);
    });
    CAPTURE(text);
    CHECK(text.starts_with("\rloading a.onnx  1 s\033[K\rloading a.onnx  2 s\033[K"));
    CHECK(text.ends_with(gone));
}

TEST_CASE("what is soon over is not told of, and into a file nothing but a line every ten seconds") {
    for (const bool terminal : {true, false}) {
        CHECK(told(terminal, [] {
                  cli::Progress progress("counting", 2);
                  const cli::Waiting waiting("loading");
                  progress.advance();
                  progress.advance();
              }).empty());
    }
    CHECK(told(false, [] {
              cli::Progress progress("counting", 2);
              const cli::Waiting waiting("loading");
              std::this_thread::sleep_for(1200ms);
              progress.advance();
          }).empty());
}
