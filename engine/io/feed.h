#pragma once
// A source on a thread of its own: nobody waits for it, and it comes back when it was lost.

#include <atomic>
#include <condition_variable>
#include <thread>
#include <vector>

#include "engine/io/source.h"
#include "engine/io/source_name.h"

namespace sac::engine {

struct FeedOptions {
    /// A live source that was lost is tried again after so long, then after twice as long each time, up to the longest.
    /// Frames that come put it back.
    std::chrono::milliseconds first_retry{500}, longest_retry{8000};
};

/// Reads a source and keeps its newest frame. Videos and the scene run at their own pace and may drop frames if nobody
/// takes them in time; pictures wait until they are taken; live sources (SourceName::is_live) give what they have when
/// they have it, and are opened again, without end, when they cannot be opened, fail, stall or end. Frames of a live
/// source count on over its losses, and their timestamps are the times since the feed began. [thread] any.
class Feed {
public:
    using Clock = std::chrono::steady_clock;
    /// Opens the source; called on the feed's thread. Waits in it and in the source end when the interrupt is raised.
    using Open = std::function<Result<std::unique_ptr<Source>>(const std::shared_ptr<Interrupt> &)>;

    enum class State {
        opening,
        running,
        lost,    ///< of a live source: to be opened again
        ended,   ///< of the others: there are no more frames
        failed,  ///< of the others: it cannot be read
    };
    struct Status {
        State state = State::opening;
        Error error{Code::ok, {}};  ///< why it was lost or has failed; names the source
        double retry_s = 0;         ///< of a lost one: seconds until it is opened again
        Source::Kind kind = Source::Kind::image;
        uint64_t frames = 0, dropped = 0, losses = 0;  ///< read; never taken; times it was lost
        double frame_rate = 0;                         ///< as the source tells; 0: not known

        bool over() const { return state == State::ended || state == State::failed; }
        /// For a status line: "camera:0: opening", "camera:0: is not there (...); trying again in 2 s"; empty while all
        /// is well.
        std::string text(const std::string &name) const;
    };

    /// Begins at once and returns at once.
    static std::unique_ptr<Feed> start(const SourceName &name, const SourceOptions &options,
                                       const FeedOptions &feed_options = {});
    /// For a source of one's own. `is_live` as above.
    static std::unique_ptr<Feed> start(const std::string &name, bool is_live, Open open,
                                       const FeedOptions &feed_options = {});
    /// Ends the thread. One that hangs in a call of the system (a name that is looked up, a camera's driver) of a live
    /// source is left behind to end by itself: this returns within 200 ms.
    ~Feed();
    Feed(const Feed &) = delete;
    Feed &operator=(const Feed &) = delete;

    /// The newest frame, if it was not taken yet. Never waits.
    std::optional<Frame> poll();
    /// The same, waiting for it until `then`, or until there will be no more.
    std::optional<Frame> wait_until(Clock::time_point then);
    std::optional<Frame> wait_for(Clock::duration time) { return wait_until(Clock::now() + time); }

    /// Taken before poll(): over() and no frame then means that none will come.
    Status status() const;
    /// What the user should be told, one sentence each, since the last call: losses and returns, other sizes, damage.
    std::vector<std::string> take_messages();

    const std::string &name() const;
    bool is_live() const;

private:
    struct Shared;
    explicit Feed(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}
    std::shared_ptr<Shared> shared_;  // shared with the thread
    std::thread thread_;
};

}  // namespace sac::engine
