// labels: host_only bad_input serial
// Feeds: pace, drops, losses and returns, with a source that does what the test says.
#include <doctest/doctest.h>

#include <deque>

#include "engine/io/feed.h"

using namespace sac;
using namespace sac::engine;
using namespace std::chrono_literals;
using Clock = Feed::Clock;
using State = Feed::State;

namespace {

constexpr auto patience = 20s;  // for what must come, also on a busy machine

// What a source does at each call: gives a frame, fails, ends, or waits for the interrupt.
struct Act {
    enum class What { frame, fail, end, block, hang } what = What::frame;
    uint32_t width = 4, height = 2;
    int64_t timestamp_ns = 0;
};

// The script of all openings, shared with the feed's thread; what is not there yet is waited for.
struct Script {
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<Act> acts;
    std::deque<bool> openings;  // false: it cannot be opened; none left: it can
    Source::Kind kind = Source::Kind::camera;
    uint64_t opened = 0, closed = 0, read = 0, skipped_to = 0;
    bool released = false;  // of what hangs
    std::atomic<bool> inside = false;

    void add(const Act &act) {
        const std::lock_guard lock(mutex);
        acts.push_back(act);
        changed.notify_all();
    }
    template <class Condition>
    bool wait(Condition condition) {
        std::unique_lock lock(mutex);
        return changed.wait_for(lock, patience, condition);
    }
};

class ScriptedSource final : public Source {
public:
    ScriptedSource(std::shared_ptr<Script> script, std::shared_ptr<Interrupt> interrupt)
        : script_(std::move(script)), interrupt_(std::move(interrupt)) {}
    ~ScriptedSource() override {
        const std::lock_guard lock(script_->mutex);
        ++script_->closed;
        script_->changed.notify_all();
    }
    Kind kind() const override { return script_->kind; }
    uint64_t estimated_frames() const override { return 0; }
    std::string remark() const override { return "a remark"; }
    void skip_to(int64_t timestamp_ns) override {
        const std::lock_guard lock(script_->mutex);
        script_->skipped_to = static_cast<uint64_t>(timestamp_ns);
    }

private:
    Result<std::optional<Frame>> read() override {
        Act act;
        {
            std::unique_lock lock(script_->mutex);
            while (script_->acts.empty() && !interrupt_->raised()) script_->changed.wait_for(lock, 1ms);
            if (interrupt_->raised()) return Error(Code::cancelled, "interrupted");
            act = script_->acts.front();
            script_->acts.pop_front();
            ++script_->read;
            script_->changed.notify_all();
        }
        if (act.what == Act::What::fail) return Error(Code::io_error, "camera:0: unplugged");
        if (act.what == Act::What::end) return std::optional<Frame>();
        if (act.what == Act::What::block) {
            interrupt_->wait_for(patience);
            return Error(Code::cancelled, "interrupted");
        }
        if (act.what == Act::What::hang) {  // as in a call of the system: deaf
            std::unique_lock lock(script_->mutex);
            script_->inside = true;
            script_->changed.notify_all();
            script_->changed.wait(lock, [this] { return script_->released; });
            return Error(Code::cancelled, "released");
        }
        Frame frame;
        frame.width = act.width;
        frame.height = act.height;
        frame.timestamp_ns = act.timestamp_ns;
        return std::optional(frame);
    }

    std::shared_ptr<Script> script_;
    std::shared_ptr<Interrupt> interrupt_;
};

std::unique_ptr<Feed> start(const std::shared_ptr<Script> &script, FeedOptions options = {1ms, 8ms}) {
    const auto open = [script](const std::shared_ptr<Interrupt> &interrupt) -> Result<std::unique_ptr<Source>> {
        const std::lock_guard lock(script->mutex);
        ++script->opened;
        script->changed.notify_all();
        if (!script->openings.empty()) {
            const bool can = script->openings.front();
            script->openings.pop_front();
            if (!can) return Error(Code::not_found, "camera:0: is not there");
        }
        return std::unique_ptr<Source>(std::make_unique<ScriptedSource>(script, interrupt));
    };
    return Feed::start("camera:0", is_live(script->kind), open, options);
}

Frame next(Feed &feed) {
    const auto frame = feed.wait_for(patience);
    REQUIRE(frame.has_value());
    return *frame;
}

// Until the feed is in that state.
Feed::Status reach(Feed &feed, State state) {
    const auto until = Clock::now() + patience;
    while (Clock::now() < until) {
        Feed::Status status = feed.status();
        if (status.state == state) return status;
        std::this_thread::yield();
    }
    FAIL("the feed did not get there");
    return {};
}

}  // namespace

TEST_CASE("a live source: only the newest frame is kept, and what is dropped is counted") {
    const auto script = std::make_shared<Script>();
    for (uint32_t i = 0; i < 5; ++i) script->add({Act::What::frame, 10, 20});
    const auto feed = start(script);
    script->add({Act::What::block});
    REQUIRE(script->wait([&] { return script->read == 6; }));  // blocks: all five are published
    const auto frame = feed->poll();
    REQUIRE(frame.has_value());
    CHECK(frame->index == 4);
    CHECK(!feed->poll().has_value());
    const Feed::Status status = feed->status();
    CHECK(status.frames == 5);
    CHECK(status.dropped == 4);
    CHECK(status.losses == 0);
    CHECK(status.state == State::running);
    CHECK(status.kind == Source::Kind::camera);
    CHECK(status.text("camera:0").empty());
    CHECK(feed->take_messages().empty());
}

TEST_CASE("a camera that is not there is tried again, and told of once") {
    const auto script = std::make_shared<Script>();
    script->openings = {false, false, false};
    const auto feed = start(script);
    script->add({});
    const Frame frame = next(*feed);
    CHECK(frame.index == 0);
    CHECK(script->opened == 4);
    const std::vector<std::string> messages = feed->take_messages();
    REQUIRE(messages.size() == 2);
    CHECK(messages[0].find("camera:0: is not there") != std::string::npos);
    CHECK(messages[0].find("trying again") != std::string::npos);
    CHECK(messages[1] == "camera:0: is back");
    CHECK(feed->status().losses == 0);  // it was never there before
}

TEST_CASE("a camera that is unplugged comes back, and its frames count on") {
    const auto script = std::make_shared<Script>();
    const auto feed = start(script);
    int64_t last = -1;
    for (uint64_t round = 0; round < 3; ++round) {
        script->add({});
        const Frame frame = next(*feed);
        CHECK(frame.index == round);
        CHECK(frame.timestamp_ns > last);  // the source's own always begin at 0
        last = frame.timestamp_ns;
        script->add({round == 1 ? Act::What::end : Act::What::fail});
        REQUIRE(script->wait([&] { return script->closed == round + 1 && script->opened == round + 2; }));
    }
    script->add({});
    CHECK(next(*feed).index == 3);
    CHECK(feed->status().losses == 3);
    const std::vector<std::string> messages = feed->take_messages();
    REQUIRE(messages.size() == 6);
    CHECK(messages[0].find("unplugged") != std::string::npos);
    CHECK(messages[1] == "camera:0: is back");
    CHECK(messages[2].find("camera:0: has ended") != std::string::npos);
}

TEST_CASE("while it is lost the status tells why and when it is tried again; the waits double up to the longest") {
    const auto script = std::make_shared<Script>();
    script->openings = {false, false};
    const auto slow = start(script, {1h, 2h});
    const Feed::Status status = reach(*slow, State::lost);
    CHECK(status.retry_s > 3000);
    CHECK(status.retry_s <= 3600);
    CHECK(status.error.code == Code::not_found);
    CHECK(status.text("camera:0").find("camera:0: is not there; trying again in 3") != std::string::npos);
    CHECK(!slow->poll().has_value());

    const auto doubling = std::make_shared<Script>();
    doubling->openings.assign(5, false);
    const auto before = Clock::now();
    const auto feed = start(doubling, {4ms, 16ms});
    REQUIRE(doubling->wait([&] { return doubling->opened == 6; }));
    CHECK(Clock::now() - before >= 4ms + 8ms + 16ms + 16ms + 16ms);
}

TEST_CASE("a camera that changes its size goes on and says so") {
    const auto script = std::make_shared<Script>();
    const auto feed = start(script);
    script->add({Act::What::frame, 640, 480});
    CHECK(next(*feed).width == 640);
    script->add({Act::What::frame, 320, 240});
    CHECK(next(*feed).width == 320);
    const std::vector<std::string> messages = feed->take_messages();
    REQUIRE(messages.size() == 1);
    CHECK(messages[0] == "camera:0: its pictures are 320 x 240 now, before 640 x 480");
    CHECK(feed->status().losses == 0);
}

TEST_CASE("a feed ends at once, whatever its source waits for") {
    const auto ends_promptly = [](std::unique_ptr<Feed> feed) {
        const auto before = Clock::now();
        feed.reset();
        CHECK(Clock::now() - before < 200ms);
    };
    SUBCASE("for a frame") {
        const auto script = std::make_shared<Script>();
        auto feed = start(script);
        script->add({Act::What::block});
        REQUIRE(script->wait([&] { return script->read == 1; }));
        ends_promptly(std::move(feed));
        CHECK(script->wait([&] { return script->closed == 1; }));
    }
    SUBCASE("to be opened again") {
        const auto script = std::make_shared<Script>();
        script->openings = {false};
        auto feed = start(script, {1h, 1h});
        reach(*feed, State::lost);
        ends_promptly(std::move(feed));
    }
    SUBCASE("until it is time") {
        const auto script = std::make_shared<Script>();
        script->kind = Source::Kind::video;
        auto feed = start(script);
        script->add({});
        next(*feed);
        script->add({Act::What::frame, 4, 2, 3'600'000'000'000});
        REQUIRE(script->wait([&] { return script->read == 2; }));
        ends_promptly(std::move(feed));
    }
    SUBCASE("until its picture is taken") {
        const auto script = std::make_shared<Script>();
        script->kind = Source::Kind::folder;
        auto feed = start(script);
        script->add({});
        script->add({});
        REQUIRE(script->wait([&] { return script->read == 2; }));
        ends_promptly(std::move(feed));
    }
    SUBCASE("deaf in a call of the system: it is left behind") {
        const auto script = std::make_shared<Script>();
        auto feed = start(script);
        script->add({Act::What::hang});
        REQUIRE(script->wait([&] { return script->inside.load(); }));
        ends_promptly(std::move(feed));
        CHECK(script->closed == 0);
        {
            const std::lock_guard lock(script->mutex);
            script->released = true;
            script->changed.notify_all();
        }
        REQUIRE(script->wait([&] { return script->closed == 1; }));
    }
}

TEST_CASE("a video keeps its own time, drops what is not taken, and ends") {
    const auto script = std::make_shared<Script>();
    script->kind = Source::Kind::video;
    constexpr int64_t interval = 5'000'000;
    for (int64_t i = 0; i < 20; ++i) script->add({Act::What::frame, 4, 2, 1'000'000'000 + i * interval});
    script->add({Act::What::end});
    const auto before = Clock::now();
    const auto feed = start(script);
    CHECK(next(*feed).timestamp_ns == 1'000'000'000);
    const Feed::Status status = reach(*feed, State::ended);
    CHECK(Clock::now() - before >= 19 * 5ms);
    CHECK(status.frames == 20);
    CHECK(status.dropped == 18);
    const auto last = feed->poll();  // is still there after the end
    REQUIRE(last.has_value());
    CHECK(last->timestamp_ns == 1'000'000'000 + 19 * interval);
    CHECK(!feed->wait_for(patience).has_value());  // and returns at once
    CHECK(feed->take_messages() == std::vector<std::string>{"a remark"});
}

TEST_CASE("a source that is late is told so") {
    const auto script = std::make_shared<Script>();
    script->kind = Source::Kind::scene;
    const auto feed = start(script);
    script->add({});
    next(*feed);
    std::this_thread::sleep_for(20ms);
    script->add({Act::What::frame, 4, 2, 1});
    next(*feed);
    const std::lock_guard lock(script->mutex);
    CHECK(script->skipped_to >= 20'000'000);
}

TEST_CASE("the pictures of a folder wait until they are taken; one that cannot be read is told of") {
    const auto script = std::make_shared<Script>();
    script->kind = Source::Kind::folder;
    script->add({Act::What::frame, 1, 1});
    script->add({Act::What::fail});
    script->add({Act::What::frame, 2, 2});
    script->add({Act::What::frame, 3, 3});
    script->add({Act::What::end});
    const auto feed = start(script);
    for (uint32_t i = 1; i <= 3; ++i) CHECK(next(*feed).width == i);
    CHECK(reach(*feed, State::ended).dropped == 0);
    CHECK(feed->take_messages() == std::vector<std::string>{"camera:0: unplugged", "a remark"});
}

TEST_CASE("a file that cannot be read is not tried again") {
    const auto script = std::make_shared<Script>();
    script->kind = Source::Kind::video;
    SUBCASE("opened") { script->openings = {false}; }
    SUBCASE("read") { script->add({Act::What::fail}); }
    const auto feed = start(script);
    CHECK(!feed->wait_for(patience).has_value());
    const Feed::Status status = feed->status();
    CHECK(status.state == State::failed);
    CHECK(status.over());
    CHECK(status.text("camera:0") == status.error.message);
    CHECK(script->opened == 1);
}

TEST_CASE("many readers at one time get each frame once") {
    const auto script = std::make_shared<Script>();
    script->kind = Source::Kind::folder;  // nothing is dropped
    for (uint32_t i = 0; i < 200; ++i) script->add({Act::What::frame, i + 1, 1});
    script->add({Act::What::end});
    const auto feed = start(script);
    std::atomic<uint64_t> sum = 0;
    std::vector<std::thread> readers;
    readers.reserve(3);
    for (int r = 0; r < 3; ++r)
        readers.emplace_back([&] {
            for (;;) {
                const bool over = feed->status().over();
                if (const auto frame = feed->wait_for(10ms))
                    sum += frame->width;
                else if (over)
                    return;
            }
        });
    for (std::thread &reader : readers) reader.join();
    CHECK(sum == 200 * 201 / 2);
}
