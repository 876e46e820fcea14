// The functions of saccade_panel.h: one at a time, handles to objects, errors to codes, nothing thrown.

#include <atomic>
#include <cstring>
#include <mutex>
#include <thread>

#include "plugins/panel/library/instance.h"
#include "plugins/vision/no_throw.h"
#include "plugins/vision/structs.h"

namespace sac::panel {
namespace {

using Answer = Result<sac_result>;

struct Entry {
    uint64_t id = 0;
    std::unique_ptr<Instance> instance;
};

// The panels that are alive, by the numbers that hosts hold. A number is never given twice.
class Library {
public:
    Library() = default;
    // A panel that is still there when the process ends is left as it is: its driver may be gone already.
    ~Library() {
        for (Entry &entry : panels) static_cast<void>(entry.instance.release());
    }
    Library(const Library &) = delete;
    Library &operator=(const Library &) = delete;

    Entry *find(sac_panel panel) {
        for (Entry &entry : panels)
            if (entry.id == panel.id) return &entry;
        return nullptr;
    }

    std::mutex mutex;
    std::atomic<std::thread::id> inside;  // the thread whose call is in progress
    std::vector<Entry> panels;
    uint64_t next_id = 1;
    std::optional<Error> error;  // of the last call without a live panel
};

// The library's one, as handles are plain numbers.
Library &library() {
    static Library instance;
    return instance;
}

// Runs `function` while no other call does. A call from within a callback would wait for itself for ever.
template <class Function>
sac_result alone(const Function &function) {
    Library &all = library();
    if (all.inside.load(std::memory_order_relaxed) == std::this_thread::get_id()) return SAC_ERROR_INVALID_STATE;
    const std::lock_guard lock(all.mutex);
    all.inside.store(std::this_thread::get_id(), std::memory_order_relaxed);
    const sac_result result = function(all);
    all.inside.store({}, std::memory_order_relaxed);
    return result;
}

sac_result keep(Answer answer, std::optional<Error> &error) {
    if (answer.ok()) return *answer;
    const auto code = static_cast<sac_result>(answer.error().code);
    error = std::move(answer).error();
    return code;
}

Answer done(Status status) {
    if (!status.ok()) return std::move(status).error();
    return SAC_OK;
}

template <class Function>
sac_result call(const Function &function) {
    return alone(
        [&](Library &all) { return keep(vision::no_throw([&]() -> Answer { return function(all); }), all.error); });
}

Error no_such_panel(sac_panel panel) {
    return Error(Code::not_found, format("panel %llu was destroyed, or there has never been one",
                                         static_cast<unsigned long long>(panel.id)));
}

template <class Function>
sac_result call_on(sac_panel panel, const Function &function) {
    return alone([&](Library &all) {
        Entry *const entry = all.find(panel);
        if (!entry) return keep(vision::no_throw([&]() -> Answer { return no_such_panel(panel); }), all.error);
        Instance &instance = *entry->instance;
        return keep(vision::no_throw([&]() -> Answer { return function(instance); }), instance.error);
    });
}

sac_result get_last_error(sac_panel panel, char *text, uint32_t capacity) {
    return alone([&](Library &all) -> sac_result {
        const Entry *const entry = all.find(panel);
        const std::optional<Error> &last = entry ? entry->instance->error : all.error;
        if (text) vision::copy_text(text, capacity, last ? std::string_view(last->message) : std::string_view());
        return last ? static_cast<sac_result>(last->code) : SAC_OK;
    });
}

sac_result create(const sac_panel_desc *desc, sac_panel *panel) {
    return call([&](Library &all) -> Answer {
        if (!panel) return Error(Code::invalid_argument, "panel is null");
        *panel = {0};
        all.panels.reserve(all.panels.size() + 1);
        SAC_ASSIGN(auto created, Instance::create(desc));
        all.panels.push_back({all.next_id, std::move(created)});
        panel->id = all.next_id++;
        return SAC_OK;
    });
}

sac_result destroy(sac_panel panel) {
    return call([&](Library &all) -> Answer {
        Entry *const entry = all.find(panel);
        if (!entry) return no_such_panel(panel);
        SAC_ASSIGN(const bool finished, entry->instance->finish());
        if (!finished) return SAC_TIMEOUT;
        all.panels.erase(all.panels.begin() + (entry - all.panels.data()));
        return SAC_OK;
    });
}

sac_result resize(sac_panel panel, uint32_t width, uint32_t height) {
    return call_on(panel, [&](Instance &i) { return done(i.resize(width, height)); });
}

sac_result send_event(sac_panel panel, const sac_panel_event *event) {
    return call_on(panel, [&](Instance &i) { return done(i.send_event(event)); });
}

sac_result open_part(sac_panel panel, const char *name) {
    return call_on(panel, [&](Instance &i) { return done(i.open_part(name)); });
}

sac_result forget_tracks(sac_panel panel) {
    return call_on(panel, [](Instance &i) -> Answer {
        i.forget_tracks();
        return SAC_OK;
    });
}

sac_result hide(sac_panel panel) {
    return call_on(panel, [](Instance &i) -> Answer {
        i.hide();
        return SAC_OK;
    });
}

sac_result draw_pixels(sac_panel panel, const sac_panel_frame *frame, const sac_panel_pixels *pixels,
                       sac_panel_wishes *wishes) {
    return call_on(panel, [&](Instance &i) { return done(i.draw_pixels(frame, pixels, wishes)); });
}

sac_result record(sac_panel panel, const sac_panel_frame *frame, const sac_panel_image *image,
                  const sac_vk_commands *commands, sac_panel_wishes *wishes) {
    return call_on(panel, [&](Instance &i) -> Answer {
        SAC_ASSIGN(const bool recorded, i.record(frame, image, commands, wishes));
        return recorded ? SAC_OK : SAC_NOT_READY;
    });
}

}  // namespace
}  // namespace sac::panel

extern "C" sac_result sac_panel_get_api(uint32_t major, sac_panel_api *api) {
    using namespace sac::panel;
    if (!api || api->size < sizeof *api || api->size > sac::vision::longest_struct) return SAC_ERROR_INVALID_ARGUMENT;
    if (major != SAC_PANEL_MAJOR) return SAC_ERROR_UNSUPPORTED;
    const uint32_t size = api->size;
    std::memset(static_cast<void *>(api), 0, size);
    api->size = size;
    api->version = SAC_PANEL_MAJOR << 16 | SAC_PANEL_MINOR;
    api->get_last_error = get_last_error;
    api->create = create;
    api->destroy = destroy;
    api->resize = resize;
    api->send_event = send_event;
    api->open_part = open_part;
    api->forget_tracks = forget_tracks;
    api->hide = hide;
    api->draw_pixels = draw_pixels;
    api->record = record;
    return SAC_OK;
}
