// labels: host_only bad_input serial
// The screen, grabbed from an Xvfb of this test's own that shows one color, goes away and comes back.
#if !defined(_WIN32) && !defined(__APPLE__)
#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/io/feed.h"
#include "tests/engine/pictures.h"
#include "tests/support/files.h"

using namespace sac;
using namespace sac::engine;
using namespace sac::test;
using namespace std::chrono_literals;
using Clock = Feed::Clock;
using State = Feed::State;

namespace {

constexpr auto patience = 20s;

class Screen {
public:
    // `root` is "-wr" or "-br", a white or a black one; `display` empty: any.
    explicit Screen(const char *root, const std::string &display = {}) {
        int ends[2] = {};
        REQUIRE(::pipe(ends) == 0);
        process_ = ::fork();
        REQUIRE(process_ >= 0);
        if (process_ == 0) {
            const int quiet = ::open("/dev/null", O_WRONLY);
            ::dup2(quiet, 1);
            ::dup2(quiet, 2);
            ::dup2(ends[1], 3);
            const char *const number = display.empty() ? root : display.c_str();
            ::execlp("Xvfb", "Xvfb", number, root, "-displayfd", "3", "-screen", "0", "320x240x24", "-nolisten", "tcp",
                     "-noreset", nullptr);
            ::_exit(127);
        }
        ::close(ends[1]);
        pollfd ready = {ends[0], POLLIN, 0};
        std::string number;
        char digit = 0;
        while (::poll(&ready, 1, 20'000) == 1 && ::read(ends[0], &digit, 1) == 1 && digit != '\n') number += digit;
        ::close(ends[0]);
        if (!number.empty()) display_ = ":" + number;
    }
    ~Screen() { leave(); }
    Screen(const Screen &) = delete;
    Screen &operator=(const Screen &) = delete;
    void leave() {
        if (process_ <= 0) return;
        ::kill(process_, SIGTERM);
        ::waitpid(process_, nullptr, 0);
        process_ = 0;
    }
    const std::string &display() const { return display_; }  // empty: there is no Xvfb

private:
    pid_t process_ = 0;
    std::string display_;
};

std::unique_ptr<Feed> start(const std::string &text, double frame_rate = 0) {
    const auto name = SourceName::parse(text);
    REQUIRE(name.ok());
    SourceOptions options;
    options.frame_rate = frame_rate;
    return Feed::start(*name, options, {10ms, 50ms});
}

bool all_have_color(const Frame &frame, uint8_t gray) {
    const auto rgba = to_rgba(frame);
    Image image(frame.width, frame.height);
    std::copy_n(rgba.get(), image.pixels.size(), image.pixels.data());
    return largest_difference(image, flat(frame.width, frame.height, gray, gray, gray)) == 0;
}

Frame next(Feed &feed) {
    const auto frame = feed.wait_for(patience);
    REQUIRE_MESSAGE(frame.has_value(), feed.status().text("screen"));
    return *frame;
}

}  // namespace

TEST_CASE("an area of the screen, until its server goes; the same again when another is there") {
    Screen white("-wr");
    if (white.display().empty()) return skip("there is no Xvfb");
    const ScopedEnv display("DISPLAY", white.display().c_str());
    const auto feed = start("screen:64x48+5,7", 100);
    for (uint64_t i = 0; i < 3; ++i) {
        const Frame frame = next(*feed);
        CHECK(frame.width == 64);
        CHECK(frame.height == 48);
        CHECK(all_have_color(frame, 255));
    }
    CHECK(feed->status().kind == Source::Kind::screen);
    CHECK(feed->take_messages().empty());

    white.leave();
    const auto until = Clock::now() + patience;
    while (feed->status().state != State::lost && Clock::now() < until) feed->wait_for(1ms);
    CHECK(feed->status().losses == 1);
    CHECK(feed->status().error.message.find("screen:64x48+5,7: ") == 0);

    const Screen black("-br", white.display());
    REQUIRE(black.display() == white.display());
    const uint64_t before = feed->status().frames;
    const Frame frame = next(*feed);
    CHECK(frame.index >= before);
    CHECK(all_have_color(frame, 0));
    const std::vector<std::string> messages = feed->take_messages();
    REQUIRE(messages.size() >= 2);
    CHECK(messages.back() == "screen:64x48+5,7: is back");
}

TEST_CASE("the whole screen, at the rate that is asked for, and what lies outside of it") {
    const Screen white("-wr");
    if (white.display().empty()) return skip("there is no Xvfb");
    const ScopedEnv display("DISPLAY", white.display().c_str());
    {
        const auto feed = start("screen", 20);
        const Frame first = next(*feed);
        CHECK(first.width == 320);
        CHECK(first.height == 240);
        const auto began = Clock::now();
        for (int i = 0; i < 4; ++i) next(*feed);
        CHECK(Clock::now() - began >= 140ms);  // four intervals of 50 ms, of which the first may be partly over
    }
    {
        auto slow = start("screen", 0.1);
        next(*slow);
        const auto before = Clock::now();
        slow.reset();  // it waits ten seconds for the next
        CHECK(Clock::now() - before < 200ms);
    }
    const auto outside = Source::open("screen:64x48+300,7");
    REQUIRE(!outside.ok());
    CHECK(outside.error().code == Code::io_error);
    CHECK(outside.error().message.find("screen:64x48+300,7: ") == 0);
}
#endif
