#include "engine/io/feed.h"

#include <algorithm>

#include "compute/base/format.h"

namespace sac::engine {

namespace {

constexpr auto patience_at_the_end = std::chrono::milliseconds(100);
constexpr size_t most_messages = 64;

std::string seconds_text(double seconds) {
    return seconds < 0.95 ? format("%.1f s", seconds) : format("%.0f s", seconds);
}

}  // namespace

// What the feed and its thread share; the thread's part of it are the functions.
struct Feed::Shared {
    std::string name;
    bool is_live = false;
    Open open;
    FeedOptions options;
    const std::shared_ptr<Interrupt> interrupt = std::make_shared<Interrupt>();

    mutable std::mutex mutex;
    std::condition_variable changed;  // newest, status, finished, or the interrupt was raised
    std::optional<Frame> newest;
    Status status;
    Clock::time_point retry_at;
    std::vector<std::string> messages;
    bool finished = false;

    // Of the thread alone.
    const Clock::time_point began = Clock::now();
    std::chrono::milliseconds retry_after = options.first_retry;
    std::string last_loss;  // told and not over yet
    uint32_t width = 0, height = 0;
    std::optional<Clock::time_point> origin;  // of the source's time stamps

    void run();
    std::optional<Error> read(Source &source);
    void keep_time(Source &source, const Frame &frame);
    void publish(Source &source, Frame frame);
    bool lose(Error error);
    void tell(std::string message);  // under the mutex
};

void Feed::Shared::tell(std::string message) {
    if (messages.size() == most_messages) messages.erase(messages.begin());
    messages.push_back(std::move(message));
}

void Feed::Shared::run() {
    for (;;) {
        auto source = open(interrupt);
        std::optional<Error> error;
        if (source)
            error = read(**source);
        else
            error = source.error();
        if (interrupt->raised()) return;
        const bool has_an_end = source && !engine::is_live((*source)->kind());  // as a video of the net has
        if (is_live && (error || !has_an_end)) {
            source = Error(Code::cancelled, {});  // closed before it is opened again
            if (!error) error = Error(Code::io_error, name + ": has ended");
            if (!lose(std::move(*error))) return;
            continue;
        }
        const std::lock_guard lock(mutex);
        if (error) {
            status.error = std::move(*error);
            status.state = State::failed;
        } else {
            if (std::string remark = (*source)->remark(); !remark.empty()) tell(std::move(remark));
            status.state = State::ended;
        }
        return;
    }
}

// Until the end, an error or the interrupt.
std::optional<Error> Feed::Shared::read(Source &source) {
    {
        const std::lock_guard lock(mutex);
        status.kind = source.kind();
        status.frame_rate = source.frame_rate();
    }
    origin.reset();
    while (!interrupt->raised()) {
        auto frame = source.next();
        if (!frame) {
            if (source.kind() != Source::Kind::folder) return std::move(frame).error();
            const std::lock_guard lock(mutex);  // one picture of many
            tell(frame.error().message);
            continue;
        }
        if (!*frame) return std::nullopt;
        if (!engine::is_live(source.kind()) && !is_still(source.kind())) keep_time(source, **frame);
        publish(source, std::move(**frame));
    }
    return std::nullopt;
}

void Feed::Shared::keep_time(Source &source, const Frame &frame) {
    const auto stamp = std::chrono::nanoseconds(frame.timestamp_ns);
    const auto now = Clock::now();
    if (!origin) origin = now - std::chrono::duration_cast<Clock::duration>(stamp);
    const auto due = *origin + std::chrono::duration_cast<Clock::duration>(stamp);
    if (due > now)
        interrupt->wait_until(due);
    else
        source.skip_to((now - *origin) / std::chrono::nanoseconds(1));
}

void Feed::Shared::publish(Source &source, Frame frame) {
    std::unique_lock lock(mutex);
    if (is_still(source.kind())) changed.wait(lock, [this] { return !newest || interrupt->raised(); });
    if (interrupt->raised()) return;
    if (engine::is_live(source.kind())) {
        frame.index = status.frames;
        frame.timestamp_ns = (Clock::now() - began) / std::chrono::nanoseconds(1);
    }
    if (is_live) {
        const bool resized = width && (frame.width != width || frame.height != height);
        if (!last_loss.empty()) tell(name + ": is back");
        if (resized)
            tell(format("%s: its pictures are %u x %u now, before %u x %u", name.c_str(), frame.width, frame.height,
                        width, height));
    }
    width = frame.width;
    height = frame.height;
    last_loss.clear();
    retry_after = options.first_retry;
    if (newest) ++status.dropped;
    newest = std::move(frame);
    ++status.frames;
    status.state = State::running;
    changed.notify_all();
}

// Waits until it is time to try again; false: it is no longer wanted.
bool Feed::Shared::lose(Error error) {
    Clock::time_point then;
    {
        const std::lock_guard lock(mutex);
        if (error.message != last_loss) tell(error.message + "; trying again until it is there");
        last_loss = error.message;
        if (status.state == State::running) ++status.losses;
        status.state = State::lost;
        status.error = std::move(error);
        then = retry_at = Clock::now() + retry_after;
        retry_after = std::min(retry_after * 2, options.longest_retry);
    }
    return !interrupt->wait_until(then);
}

std::string Feed::Status::text(const std::string &name) const {
    if (state == State::opening) return name + ": opening";
    if (state == State::failed) return error.message;
    if (state != State::lost) return {};
    return error.message + "; trying again" + (retry_s > 0 ? " in " + seconds_text(retry_s) : "");
}

std::unique_ptr<Feed> Feed::start(const SourceName &name, const SourceOptions &options,
                                  const FeedOptions &feed_options) {
    const auto open = [text = name.text, options](const std::shared_ptr<Interrupt> &interrupt) {
        SourceOptions with = options;
        with.interrupt = interrupt;
        return Source::open(text, with);
    };
    return start(name.text, name.is_live(), open, feed_options);
}

std::unique_ptr<Feed> Feed::start(const std::string &name, bool is_live, Open open, const FeedOptions &feed_options) {
    auto shared = std::make_shared<Shared>();
    shared->name = name;
    shared->is_live = is_live;
    shared->open = std::move(open);
    shared->options = feed_options;
    shared->retry_after = feed_options.first_retry;
    std::unique_ptr<Feed> feed(new Feed(shared));
    feed->thread_ = std::thread([shared = std::move(shared)] {
        shared->run();
        const std::lock_guard lock(shared->mutex);
        shared->finished = true;
        shared->changed.notify_all();
    });
    return feed;
}

Feed::~Feed() {
    shared_->interrupt->raise();
    std::unique_lock lock(shared_->mutex);
    shared_->changed.notify_all();
    const bool finished = shared_->changed.wait_for(lock, patience_at_the_end, [this] { return shared_->finished; });
    lock.unlock();
    if (finished || !shared_->is_live)
        thread_.join();
    else
        thread_.detach();
}

std::optional<Frame> Feed::poll() {
    const std::lock_guard lock(shared_->mutex);
    shared_->changed.notify_all();  // the next picture may come
    return std::exchange(shared_->newest, std::nullopt);
}

std::optional<Frame> Feed::wait_until(Clock::time_point then) {
    {
        std::unique_lock lock(shared_->mutex);
        shared_->changed.wait_until(lock, then, [this] { return shared_->newest || shared_->status.over(); });
    }
    return poll();
}

Feed::Status Feed::status() const {
    const std::lock_guard lock(shared_->mutex);
    Status status = shared_->status;
    if (status.state == State::lost)
        status.retry_s = std::max(0.0, std::chrono::duration<double>(shared_->retry_at - Clock::now()).count());
    return status;
}

std::vector<std::string> Feed::take_messages() {
    const std::lock_guard lock(shared_->mutex);
    return std::exchange(shared_->messages, {});
}

const std::string &Feed::name() const { return shared_->name; }
bool Feed::is_live() const { return shared_->is_live; }

}  // namespace sac::engine
