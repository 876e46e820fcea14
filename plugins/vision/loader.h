#pragma once
// The model slot of a context: models are loaded on a thread of their own, and the one in use stays until the next is
// ready.

#include <condition_variable>
#include <deque>
#include <thread>

#include "plugins/vision/health.h"
#include "plugins/vision/model.h"

namespace sac::vision {

/// The model in use and the id that the host knows it by.
struct ActiveModel {
    uint32_t id = 0;
    std::unique_ptr<Model> model;
    bool fp16 = false;
    std::string ready;  ///< what the log is told
};

/// [thread] any.
class Loader {
public:
    /// `runtime_mutex` guards the runtime's kernels and sessions: held while a model is loaded. `slots` as Model::load.
    Loader(Runtime &runtime, std::mutex &runtime_mutex, const Host &host, Health &health, uint32_t slots);
    ~Loader();
    Loader(const Loader &) = delete;
    Loader &operator=(const Loader &) = delete;

    /// Starts loading and gives the model's id. A request that has not begun yet gives way to this one.
    uint32_t request(ModelSource source);

    /// Null before the first model is ready. The frame thread keeps it for as long as a frame takes.
    std::shared_ptr<ActiveModel> current() const;
    /// Ok if a model is in use; positive "not ready" as false while the first is loading; else why there will be none.
    Result<bool> usable() const;

    /// id 0: the newest. Error not_found.
    Result<sac_model_info> info(uint32_t id) const;
    /// Waits until the model is no longer loading: true; false if the time ran out. Errors: the model's own, not_found,
    /// cancelled.
    Result<bool> wait(uint32_t id, uint32_t timeout_ms) const;
    uint32_t loading() const;

    /// Wakes those who wait and lets no further model be loaded. The one being loaded is finished by the destructor.
    void cancel();

private:
    struct Record {
        sac_model_info info = {};
        ModelSource source;
        uint64_t requested_ns = 0;
        bool waiting = false;  ///< not begun
        std::optional<Error> error;
    };
    static constexpr size_t remembered = 16;

    void run();
    Result<std::shared_ptr<ActiveModel>> load(uint32_t id, const ModelSource &source);
    void finish(uint32_t id, Result<std::shared_ptr<ActiveModel>> loaded);
    const Record *find(uint32_t id) const;
    Record *find(uint32_t id) { return const_cast<Record *>(std::as_const(*this).find(id)); }
    static void fail(Record &record, Error error);

    Runtime &runtime_;
    std::mutex &runtime_mutex_;
    const Host &host_;
    Health &health_;
    const uint32_t slots_;

    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    std::deque<Record> records_;
    uint32_t next_id_ = 1;
    std::shared_ptr<ActiveModel> current_;
    bool stop_ = false;
    std::thread thread_;  ///< last: starts when all else is there
};

}  // namespace sac::vision
