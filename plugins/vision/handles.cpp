#include "plugins/vision/handles.h"

#include <algorithm>

namespace sac::vision {

Registry::Use::~Use() {
    if (context_) registry_->leave(id_);
}

// A context that is still there when the process ends (or the library goes) is left as it is: its driver may be gone
// already.
Registry::~Registry() {
    for (Entry &entry : entries_) static_cast<void>(entry.context.release());
}

Registry::Entry *Registry::find(uint64_t id) {
    const auto entry = std::find_if(entries_.begin(), entries_.end(), [&](const Entry &e) { return e.id == id; });
    return entry == entries_.end() ? nullptr : &*entry;
}

uint64_t Registry::add(std::unique_ptr<Context> context) {
    const std::lock_guard lock(mutex_);
    Entry &entry = entries_.emplace_back();
    entry.id = next_id_++;
    entry.context = std::move(context);
    return entry.id;
}

Registry::Use Registry::use(uint64_t id) {
    const std::lock_guard lock(mutex_);
    Entry *entry = find(id);
    if (!entry || entry->ending) return {this, id, nullptr};
    ++entry->uses;
    return {this, id, entry->context.get()};
}

void Registry::leave(uint64_t id) {
    const std::lock_guard lock(mutex_);
    if (--find(id)->uses == 0) left_.notify_all();
}

bool Registry::destroy(uint64_t id) {
    std::unique_ptr<Context> context;
    {
        std::unique_lock lock(mutex_);
        Entry *entry = find(id);
        if (!entry || entry->ending) return false;
        entry->ending = true;
        entry->context->cancel();
        left_.wait(lock, [&] { return find(id)->uses == 0; });
        entry = find(id);
        context = std::move(entry->context);
        entries_.erase(entries_.begin() + (entry - entries_.data()));
    }
    return true;  // the context goes here, without the lock
}

void Registry::keep_error(Error error) {
    const std::lock_guard lock(mutex_);
    error_ = std::move(error);
}

Status Registry::last_error() const {
    const std::lock_guard lock(mutex_);
    if (error_) return *error_;
    return {};
}

Registry &registry() {
    static Registry instance;
    return instance;
}

}  // namespace sac::vision
