// The functions of saccade.h: handles to objects, errors to codes, nothing thrown.

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "plugins/vision/call.h"
#include "plugins/vision/debug_api.h"
#include "plugins/vision/overlay_api.h"
#include "plugins/vision/structs.h"

namespace sac::vision {
namespace {

sac_result get_last_error(sac_context context, char *text, uint32_t capacity) {
    const Registry::Use use = registry().use(context.id);
    return no_throw([&]() -> Answer {
               const Status last = use ? use->last_error() : registry().last_error();
               if (text) copy_text(text, capacity, last.ok() ? "" : last.error().message);
               return last.ok() ? SAC_OK : static_cast<sac_result>(last.error().code);
           })
        .result();
}

sac_result get_requirements(sac_requirements *requirements) {
    return call([&]() -> Status {
        return write_struct(requirements, SAC_TYPE_REQUIREMENTS, "requirements", device_requirements());
    });
}

sac_result create_context(const sac_context_desc *desc, sac_context *context) {
    return call([&]() -> Status {
        if (!context) return Error(Code::invalid_argument, "context is null");
        *context = {0};
        SAC_ASSIGN(auto created, Context::create(desc));
        context->id = registry().add(std::move(created));
        return {};
    });
}

sac_result destroy_context(sac_context context) {
    return call([&]() -> Status {
        if (!registry().destroy(context.id)) return no_such_context(context);
        return {};
    });
}

sac_result get_context_info(sac_context context, sac_context_info *info) {
    return call_on(context,
                   [&](Context &c) -> Status { return write_struct(info, SAC_TYPE_CONTEXT_INFO, "info", c.info()); });
}

sac_result load_model(sac_context context, const sac_model_desc *desc, uint32_t *model_id) {
    return call_on(context, [&](Context &c) -> Status {
        SAC_ASSIGN(const uint32_t id, c.load_model(desc));
        if (model_id) *model_id = id;
        return {};
    });
}

sac_result get_model_info(sac_context context, uint32_t model_id, sac_model_info *info) {
    return call_on(context, [&](Context &c) -> Status {
        SAC_ASSIGN(const sac_model_info filled, c.models().info(model_id));
        return write_struct(info, SAC_TYPE_MODEL_INFO, "info", filled);
    });
}

sac_result wait_model(sac_context context, uint32_t model_id, uint32_t timeout_ms) {
    return call_on(context, [&](Context &c) -> Answer {
        SAC_ASSIGN(const bool done, c.models().wait(model_id, timeout_ms));
        return done ? SAC_OK : SAC_TIMEOUT;
    });
}

sac_result set_detect_settings(sac_context context, const sac_detect_settings *settings) {
    return call_on(context, [&](Context &c) { return c.set_detect_settings(settings); });
}

sac_result set_track_settings(sac_context context, const sac_track_settings *settings) {
    return call_on(context, [&](Context &c) { return c.set_track_settings(settings); });
}

sac_result submit_frame(sac_context context, const sac_frame *frame) {
    return call_on(context, [&](Context &c) -> Answer {
        SAC_ASSIGN(const bool taken, c.submit(frame));
        return taken ? SAC_OK : SAC_NOT_READY;
    });
}

sac_result record_frame(sac_context context, const sac_frame *frame, const sac_vk_commands *commands) {
    return call_on(context, [&](Context &c) -> Answer {
        SAC_ASSIGN(const bool recorded, c.record(frame, commands));
        return recorded ? SAC_OK : SAC_NOT_READY;
    });
}

sac_result record_slice(sac_context context, const sac_vk_commands *commands) {
    return call_on(context, [&](Context &c) -> Answer {
        SAC_ASSIGN(const bool recorded, c.frames().record_slice(commands));
        return recorded ? SAC_OK : SAC_NOT_READY;
    });
}

sac_result set_budget(sac_context context, const sac_budget *budget) {
    return call_on(context, [&](Context &c) { return c.set_budget(budget); });
}

sac_result host_frame(sac_context context, uint32_t frame_us) {
    return call_on(context, [&](Context &c) -> Status {
        c.frames().pacing().host_frame(frame_us);
        return {};
    });
}

sac_result get_budget_state(sac_context context, sac_budget_state *state) {
    return call_on(context, [&](Context &c) -> Status {
        return write_struct(state, SAC_TYPE_BUDGET_STATE, "state", c.frames().pacing().state());
    });
}

sac_result acquire_result(sac_context context, uint64_t after, const sac_snapshot **snapshot) {
    if (snapshot) *snapshot = nullptr;
    return call_on(context, [&](Context &c) -> Answer {
        if (!snapshot) return Error(Code::invalid_argument, "snapshot is null");
        SAC_ASSIGN(*snapshot, c.acquire(after));
        return *snapshot ? SAC_OK : SAC_NOT_READY;
    });
}

sac_result wait_result(sac_context context, uint64_t after, uint32_t timeout_ms, const sac_snapshot **snapshot) {
    if (snapshot) *snapshot = nullptr;
    return call_on(context, [&](Context &c) -> Answer {
        if (!snapshot) return Error(Code::invalid_argument, "snapshot is null");
        SAC_ASSIGN(*snapshot, c.frames().wait(after, timeout_ms));
        return *snapshot ? SAC_OK : SAC_TIMEOUT;
    });
}

sac_result release_result(sac_context context, const sac_snapshot *snapshot) {
    return call_on(context, [&](Context &c) { return c.snapshots().release(snapshot); });
}

sac_result get_statistics(sac_context context, sac_statistics *statistics) {
    return call_on(context, [&](Context &c) -> Status {
        return write_struct(statistics, SAC_TYPE_STATISTICS, "statistics", c.frames().statistics());
    });
}

const void *get_extension(sac_context context, const char *name) {
    const void *table = nullptr;
    call_on(context, [&](Context &) -> Status {
        if (!name) return Error(Code::invalid_argument, "name is null");
        if (!std::strcmp(name, "sac.debug/1"))
            table = debug_api();
        else if (!std::strcmp(name, "sac.overlay/1"))
            table = overlay_api();
        else
            return Error(Code::unsupported, format("there is no extension '%s' in this version", name));
        return {};
    });
    return table;
}

sac_api table() {
    sac_api api = {};
    api.version = SAC_MAJOR << 16 | SAC_MINOR;
    api.get_last_error = get_last_error;
    api.now_ns = now_ns;
    api.get_requirements = get_requirements;
    api.create_context = create_context;
    api.destroy_context = destroy_context;
    api.get_context_info = get_context_info;
    api.load_model = load_model;
    api.get_model_info = get_model_info;
    api.wait_model = wait_model;
    api.set_detect_settings = set_detect_settings;
    api.submit_frame = submit_frame;
    api.acquire_result = acquire_result;
    api.wait_result = wait_result;
    api.release_result = release_result;
    api.get_statistics = get_statistics;
    api.get_extension = get_extension;
    api.set_track_settings = set_track_settings;
    api.record_frame = record_frame;
    api.set_budget = set_budget;
    api.host_frame = host_frame;
    api.get_budget_state = get_budget_state;
    api.record_slice = record_slice;
    return api;
}

}  // namespace
}  // namespace sac::vision

extern "C" sac_result sac_get_api(uint32_t major, sac_api *api) {
    using namespace sac::vision;
    constexpr size_t first_version = offsetof(sac_api, set_track_settings);  // the table of 1.0 ends there
    if (!api || api->size < first_version || api->size > longest_struct) return SAC_ERROR_INVALID_ARGUMENT;
    if (major != SAC_MAJOR) return SAC_ERROR_UNSUPPORTED;
    const uint32_t size = api->size;
    const sac_api filled = table();
    std::memset(static_cast<void *>(api), 0, size);
    std::memcpy(static_cast<void *>(api), &filled, std::min<size_t>(size, sizeof filled));
    api->size = size;
    return SAC_OK;
}
