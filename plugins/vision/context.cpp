#include "plugins/vision/context.h"

#include "plugins/vision/no_throw.h"
#include "plugins/vision/plan_info.h"
#include "plugins/vision/structs.h"

namespace sac::vision {
namespace {

constexpr uint32_t default_snapshots = 8, least_snapshots = 2, most_snapshots = 64;

Error wrong(std::string text) { return Error(Code::invalid_argument, std::move(text)); }

Status check_slot(const char *name, uint32_t slot) {
    if (slot != 0) return Error(Code::unsupported, format("%s.slot is %u; there is one slot, 0", name, slot));
    return {};
}

bool is_share(float value) { return value >= 0 && value <= 1; }  // false for NaN

}  // namespace

Result<std::unique_ptr<Context>> Context::create(const sac_context_desc *given, const PatchFunctions &patch) {
    sac_context_desc desc = {};
    SAC_TRY(read_struct(given, SAC_TYPE_CONTEXT_DESC, "context_desc", desc));
    if (desc.flags & ~uint32_t{SAC_CONTEXT_VALIDATION})
        return Error(Code::unsupported,
                     format("context_desc.flags is 0x%x, of which not all bits are known", desc.flags));
    if (desc.device && (desc.flags & SAC_CONTEXT_VALIDATION))
        return wrong("context_desc.flags has SAC_CONTEXT_VALIDATION, which is for a device of the plugin's own");
    const uint32_t snapshots = desc.snapshot_count ? desc.snapshot_count : default_snapshots;
    if (snapshots < least_snapshots || snapshots > most_snapshots)
        return wrong(format("context_desc.snapshot_count is %u; %u to %u are allowed, or 0", snapshots, least_snapshots,
                            most_snapshots));

    std::unique_ptr<Context> self(new Context());
    SAC_ASSIGN(self->host_, Host::create(desc.host));
    const OwnDeviceOptions own = {desc.device_name, (desc.flags & SAC_CONTEXT_VALIDATION) != 0};
    SAC_ASSIGN(self->opened_, open_device(desc.device, own, *self->host_, patch));
    RuntimeOptions options;
    if (desc.cache_directory) options.cache_directory = desc.cache_directory;
    SAC_ASSIGN(self->runtime_, Runtime::create(*self->opened_.device, options));
    SAC_ASSIGN(self->snapshots_, SnapshotPool::create(*self->host_, snapshots));
    self->overlays_ = std::make_unique<Overlays>(*self->opened_.device, self->runtime_->memory, *self->host_,
                                                 self->health_, self->opened_.mode != SAC_MODE_OWN_DEVICE);
    const bool host_commands = self->opened_.mode == SAC_MODE_HOST_COMMANDS;
    self->networks_ = std::make_unique<Networks>(*self->runtime_, self->runtime_mutex_, *self->host_, self->health_);
    self->loader_ = std::make_unique<Loader>(*self->runtime_, self->runtime_mutex_, *self->host_, self->health_,
                                             host_commands ? FrameRecorder::slots : FrameRunner::slots);
    self->inspector_ = std::make_unique<Inspector>(*self->runtime_, *self->host_, !host_commands);
    SAC_ASSIGN(self->frames_,
               FrameQueue::create({*self->runtime_, self->runtime_mutex_, *self->host_, self->health_, *self->loader_,
                                   *self->snapshots_, *self->inspector_, self->opened_.images, host_commands}));
    return self;
}

Context::~Context() {
    cancel();
    if (!snapshots_ || snapshots_->held() == 0) return;
    static_cast<void>(no_throw([&]() -> Status {  // the message may find no memory
        host_->write(LogLevel::warning,
                     format("%u snapshots were held when their context was destroyed", snapshots_->held()));
        return {};
    }));
}

void Context::cancel() {
    if (loader_) loader_->cancel();
    if (frames_) frames_->cancel();
    if (overlays_) overlays_->cancel();
}

Result<uint32_t> Context::load_model(const sac_model_desc *given) {
    sac_model_desc desc = {};
    SAC_TRY(read_struct(given, SAC_TYPE_MODEL_DESC, "model_desc", desc));
    if (!desc.folder || !*desc.folder) return wrong("model_desc.folder is null or empty");
    if (desc.weights && !*desc.weights) return wrong("model_desc.weights is empty; null means the folder's own file");
    if (desc.flags & ~uint32_t{SAC_MODEL_FP16})
        return Error(Code::unsupported,
                     format("model_desc.flags is 0x%x, of which not all bits are known", desc.flags));
    SAC_TRY(check_slot("model_desc", desc.slot));
    SAC_TRY(health_.status());
    return loader_->request({desc.folder, desc.weights ? desc.weights : "", (desc.flags & SAC_MODEL_FP16) != 0});
}

Status Context::set_detect_settings(const sac_detect_settings *given) {
    sac_detect_settings settings = {};
    SAC_TRY(read_struct(given, SAC_TYPE_DETECT_SETTINGS, "settings", settings));
    SAC_TRY(check_slot("settings", settings.slot));
    if (!is_share(settings.score_threshold))
        return wrong(format("settings.score_threshold is %g; 0 to 1 are allowed",
                            static_cast<double>(settings.score_threshold)));
    if (!is_share(settings.iou_threshold))
        return wrong(
            format("settings.iou_threshold is %g; 0 to 1 are allowed", static_cast<double>(settings.iou_threshold)));
    if (settings.max_detections > max_detections_limit)
        return wrong(format("settings.max_detections is %u; at most %u are allowed", settings.max_detections,
                            max_detections_limit));
    frames_->set_overrides({settings.score_threshold, settings.iou_threshold, settings.max_detections});
    return {};
}

Status Context::set_track_settings(const sac_track_settings *given) {
    constexpr uint32_t most_hits = 100, longest_hidden_ms = 60000;
    sac_track_settings settings = {};
    SAC_TRY(read_struct(given, SAC_TYPE_TRACK_SETTINGS, "settings", settings));
    SAC_TRY(check_slot("settings", settings.slot));
    if (settings.enabled > 1) return wrong(format("settings.enabled is %u; it is 0 or 1", settings.enabled));
    if (settings.min_hits > most_hits)
        return wrong(format("settings.min_hits is %u; at most %u are allowed", settings.min_hits, most_hits));
    if (settings.max_hidden_ms > longest_hidden_ms)
        return wrong(
            format("settings.max_hidden_ms is %u; at most %u are allowed", settings.max_hidden_ms, longest_hidden_ms));
    if (!is_share(settings.weak_score))
        return wrong(format("settings.weak_score is %g; 0 to 1 are allowed", static_cast<double>(settings.weak_score)));
    if (settings.reserved != 0) return wrong(format("settings.reserved is %u, not 0", settings.reserved));
    TrackOptions options;
    if (settings.min_hits) options.min_hits = settings.min_hits;
    if (settings.max_hidden_ms) options.max_hidden = static_cast<float>(settings.max_hidden_ms) * 1e-3f;
    if (settings.enabled)
        frames_->track(options, settings.weak_score);
    else
        frames_->stop_tracking();
    return {};
}

Status Context::set_budget(const sac_budget *given) {
    constexpr uint32_t second_us = 1'000'000;
    sac_budget budget = {};
    SAC_TRY(read_struct(given, SAC_TYPE_BUDGET, "budget", budget));
    if (budget.budget_us > second_us)
        return wrong(format("budget.budget_us is %u; at most %u are allowed", budget.budget_us, second_us));
    if (budget.host_frame_us > second_us)
        return wrong(format("budget.host_frame_us is %u; at most %u are allowed", budget.host_frame_us, second_us));
    if (budget.least_us > budget.budget_us)
        return wrong(format("budget.least_us is %u, above budget_us", budget.least_us));
    if (budget.reserved != 0) return wrong(format("budget.reserved is %u, not 0", budget.reserved));
    if (budget.budget_us && opened_.mode == SAC_MODE_HOST_COMMANDS && !opened_.device->caps().timestamps)
        return Error(Code::unsupported,
                     "budget: the device has no timestamps, without which slices in a host's commands cannot be timed");
    const uint32_t least_us = budget.least_us ? budget.least_us : (budget.budget_us + 7) / 8;
    frames_->pacing().set({budget.budget_us, least_us, budget.host_frame_us ? budget.host_frame_us : usual_frame_us});
    return {};
}

Result<const sac_snapshot *> Context::acquire(uint64_t after) {
    if (const sac_snapshot *snapshot = snapshots_->acquire(after)) return snapshot;
    SAC_TRY(health_.status());
    return nullptr;
}

sac_context_info Context::info() {
    sac_context_info info = {};
    const vk::Caps &caps = opened_.device->caps();
    info.mode = opened_.mode;
    const Status health = health_.status();
    info.state = health.ok() ? SAC_OK : static_cast<sac_result>(health.error().code);
    info.vulkan_version = caps.api_version;
    info.is_cpu = caps.is_cpu ? 1 : 0;
    const vk::Memory::Statistics memory = runtime_->memory.statistics();
    info.device_memory = memory.reserved;
    info.driver_allocations = memory.driver_allocations;
    // While a model is being loaded, the number from before.
    if (const std::unique_lock lock(runtime_mutex_, std::try_to_lock); lock)
        pipelines_built_ = runtime_->kernels->pipelines_built();
    info.pipelines_built = pipelines_built_;
    copy_text(info.device_name, caps.name);
    copy_text(info.driver_name, caps.driver);
    return info;
}

sac_memory_info Context::memory_info() {
    sac_memory_info info = {};
    const vk::Memory::Statistics memory = runtime_->memory.statistics();
    info.blocks = memory.blocks;
    info.reserved_bytes = memory.reserved;
    info.used_bytes = memory.used;
    info.driver_allocations = memory.driver_allocations;
    if (const std::shared_ptr<ActiveModel> active = loader_->current()) {
        const Plan &plan = active->model->session().plan();
        const PlanBytes bytes = bytes_of(plan);
        info.weight_bytes = bytes.weights;
        info.io_bytes = bytes.io;
        info.arena_bytes = plan.arena_bytes;
        info.live_set_bytes = plan.live_set_bytes;
    }
    info.watched_bytes = inspector_->watched_bytes();
    info.pipelines_built = runtime_->kernels->pipelines_built();
    info.kernel_count = runtime_->kernels->size();
    info.cache_bytes = runtime_->kernels->cache().loaded_bytes();
    copy_text(info.cache_path, runtime_->kernels->cache().path());
    return info;
}

void Context::keep_error(Error error) {
    const std::lock_guard lock(error_mutex_);
    error_ = std::move(error);
}

Status Context::last_error() const {
    const std::lock_guard lock(error_mutex_);
    if (error_) return *error_;
    return {};
}

}  // namespace sac::vision
