#pragma once
// The contexts that are alive, by the numbers that hosts hold. A number is never given twice.

#include <condition_variable>

#include "plugins/vision/context.h"

namespace sac::vision {

/// [thread] any.
class Registry {
public:
    /// A context that a call is using: it is not destroyed before this goes.
    class Use {
    public:
        Use(Registry *registry, uint64_t id, Context *context) : registry_(registry), id_(id), context_(context) {}
        ~Use();
        Use(Use &&other) noexcept
            : registry_(other.registry_), id_(other.id_), context_(std::exchange(other.context_, nullptr)) {}
        Use &operator=(Use &&) = delete;
        explicit operator bool() const { return context_ != nullptr; }
        Context *operator->() const { return context_; }
        Context &operator*() const { return *context_; }

    private:
        Registry *registry_;
        uint64_t id_;
        Context *context_;
    };

    Registry() = default;
    ~Registry();
    Registry(const Registry &) = delete;
    Registry &operator=(const Registry &) = delete;

    uint64_t add(std::unique_ptr<Context> context);
    /// Empty if there is no such context (any more).
    Use use(uint64_t id);
    /// Waits for the calls that use it, then destroys it. False if there is no such context.
    bool destroy(uint64_t id);

    /// The last failure of a call without a live context.
    void keep_error(Error error);
    Status last_error() const;

private:
    struct Entry {
        uint64_t id = 0;
        std::unique_ptr<Context> context;
        uint32_t uses = 0;
        bool ending = false;
    };
    void leave(uint64_t id);
    Entry *find(uint64_t id);

    mutable std::mutex mutex_;
    std::condition_variable left_;
    std::vector<Entry> entries_;
    uint64_t next_id_ = 1;
    std::optional<Error> error_;
};

/// The process's one, as handles are plain numbers.
Registry &registry();

}  // namespace sac::vision
