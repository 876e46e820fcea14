#include "samples/cli/vision.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "compute/base/format.h"
#include "samples/cli/progress.h"

namespace sac::cli {

namespace {

uint32_t abi_format(engine::PixelFormat format) {
    switch (format) {
        case engine::PixelFormat::rgb: return SAC_FORMAT_RGB8;
        case engine::PixelFormat::rgba: return SAC_FORMAT_RGBA8;
        case engine::PixelFormat::bgra: return SAC_FORMAT_BGRA8;
        case engine::PixelFormat::nv12: return SAC_FORMAT_NV12;
        case engine::PixelFormat::i420: return SAC_FORMAT_I420;
        case engine::PixelFormat::yuyv: return SAC_FORMAT_YUYV;
    }
    return 0;
}

uint32_t abi_color(const engine::Frame &frame) {
    const bool bt709 = frame.matrix == engine::YuvMatrix::bt709;
    if (frame.full_range) return bt709 ? SAC_COLOR_BT709_FULL : SAC_COLOR_BT601_FULL;
    return bt709 ? SAC_COLOR_BT709_LIMITED : SAC_COLOR_BT601_LIMITED;
}

// How a frame is turned goes with it as its cookie, and comes back with what was found.
uint64_t to_cookie(engine::Turn turn) { return turn.rotation | (turn.mirror ? uint64_t{1} << 32 : 0); }
engine::Turn to_turn(uint64_t cookie) { return {static_cast<uint32_t>(cookie), cookie >> 32 != 0}; }

constexpr uint32_t patience_ms = 120'000;  // for one frame or one model, also under a debugger's layers

}  // namespace

bool validation_wanted() {
    const char *value = std::getenv("SACCADE_VALIDATION");
    return value && *value && std::strcmp(value, "0") != 0;
}

void Vision::log(void *user, int32_t level, const char *message) {
    Vision &vision = *static_cast<Vision *>(user);
    if (level >= SAC_LOG_ERROR) ++vision.errors_logged_;
    if (level < SAC_LOG_WARNING) return;
    const std::lock_guard lock(vision.log_mutex_);
    if (vision.held_)
        vision.held_->emplace_back(message);
    else
        std::fprintf(stderr, "saccade: %s\n", message);
}

Result<std::unique_ptr<Vision>> Vision::create(const std::string &device, const char *cache_directory) {
    std::unique_ptr<Vision> vision(new Vision);
    vision->api_.size = sizeof vision->api_;
    if (sac_get_api(SAC_MAJOR, &vision->api_) != SAC_OK)
        return Error(Code::unsupported, "the plugin is of another version than this program");
    vision->host_.type = SAC_TYPE_HOST;
    vision->host_.size = sizeof vision->host_;
    vision->host_.user = vision.get();
    vision->host_.log = log;
    sac_context_desc desc = {};
    desc.type = SAC_TYPE_CONTEXT_DESC;
    desc.size = sizeof desc;
    desc.host = &vision->host_;
    desc.device_name = device.empty() ? nullptr : device.c_str();
    desc.cache_directory = cache_directory;
    desc.flags = validation_wanted() ? SAC_CONTEXT_VALIDATION : 0;
    SAC_TRY(vision->check(vision->api_.create_context(&desc, &vision->context_)));
    return vision;
}

Vision::~Vision() {
    if (context_.id) api_.destroy_context(context_);
}

Status Vision::check(sac_result result) const {
    if (result == SAC_OK) return {};
    if (result == SAC_TIMEOUT) return Error(Code::cancelled, "the device did not answer in time");
    if (result == SAC_NOT_READY) return Error(Code::invalid_state, "no model is ready yet");
    char text[1024] = {};
    api_.get_last_error(context_, text, sizeof text);
    return Error(static_cast<Code>(result), text[0] ? text : code_name(static_cast<Code>(result)));
}

Result<const sac_debug_api *> Vision::debug() const {
    const auto *table = static_cast<const sac_debug_api *>(api_.get_extension(context_, "sac.debug/1"));
    if (!table) return Error(Code::unsupported, "the plugin has no extension sac.debug/1");
    return table;
}

Status Vision::load(const ModelChoice &choice) {
    {
        const std::lock_guard lock(log_mutex_);
        held_.emplace();
    }
    Status status = load_and_wait(choice);
    const std::lock_guard lock(log_mutex_);
    for (const std::string &message : *held_)  // the loader logs its error as well: once is enough
        if (message != model_.error) std::fprintf(stderr, "saccade: %s\n", message.c_str());
    held_.reset();
    return status;
}

Status Vision::load_and_wait(const ModelChoice &choice) {
    sac_detect_settings settings = {};
    settings.type = SAC_TYPE_DETECT_SETTINGS;
    settings.size = sizeof settings;
    settings.score_threshold = choice.score;
    settings.iou_threshold = choice.iou;
    SAC_TRY(check(api_.set_detect_settings(context_, &settings)));

    sac_model_desc desc = {};
    desc.type = SAC_TYPE_MODEL_DESC;
    desc.size = sizeof desc;
    desc.folder = choice.folder.c_str();
    desc.weights = choice.weights.empty() ? nullptr : choice.weights.c_str();
    desc.flags = choice.half ? SAC_MODEL_FP16 : 0;
    uint32_t id = 0;
    SAC_TRY(check(api_.load_model(context_, &desc, &id)));
    std::optional<Waiting> waiting("loading the model");
    const sac_result ready = api_.wait_model(context_, id, patience_ms);
    waiting.reset();
    model_.type = SAC_TYPE_MODEL_INFO;
    model_.size = sizeof model_;
    if (const sac_result known = api_.get_model_info(context_, id, &model_); known != SAC_OK) return check(known);
    if (ready == SAC_OK) return {};
    if (model_.error[0]) {
        std::string message = model_.error;
        const bool has_card = message.find("card.json") == std::string::npos;
        if (ready == SAC_ERROR_NOT_FOUND && choice.weights.empty() && has_card)
            message += "; the network's file can be given by --weights FILE";
        return Error(static_cast<Code>(ready), message);
    }
    return check(ready);
}

sac_context_info Vision::info() const {
    sac_context_info info = {};
    info.type = SAC_TYPE_CONTEXT_INFO;
    info.size = sizeof info;
    api_.get_context_info(context_, &info);
    return info;
}

sac_statistics Vision::statistics() const {
    sac_statistics statistics = {};
    statistics.type = SAC_TYPE_STATISTICS;
    statistics.size = sizeof statistics;
    api_.get_statistics(context_, &statistics);
    return statistics;
}

sac_model_info Vision::model_in_use() const {
    const uint32_t id = statistics().model_id;
    sac_model_info info = {};
    info.type = SAC_TYPE_MODEL_INFO;
    info.size = sizeof info;
    if (id == 0 || api_.get_model_info(context_, id, &info) != SAC_OK) return model_;
    return info;
}

Status Vision::track() {
    sac_track_settings settings = {};
    settings.type = SAC_TYPE_TRACK_SETTINGS;
    settings.size = sizeof settings;
    settings.enabled = 1;
    return check(api_.set_track_settings(context_, &settings));
}

Status Vision::submit(const engine::Frame &frame, uint64_t id) {
    sac_frame out = {};
    out.type = SAC_TYPE_FRAME;
    out.size = sizeof out;
    out.frame_id = id;
    out.timestamp_ns = static_cast<uint64_t>(frame.timestamp_ns);
    out.cookie = to_cookie(frame.turn);
    out.rotation = frame.turn.rotation;
    out.mirror = frame.turn.mirror;
    out.width = frame.width;
    out.height = frame.height;
    out.format = abi_format(frame.format);
    out.color = abi_color(frame);
    for (size_t i = 0; i < 3; ++i) {
        out.planes[i] = frame.planes[i].data;
        out.strides[i] = frame.planes[i].stride;
    }
    // The planes are lent, not copied: a reference to their owner goes with the frame until the plugin gives it back.
    auto owner = std::make_unique<std::shared_ptr<const void>>(frame.owner);
    out.release_user = owner.get();
    out.release = [](void *user, uint64_t) { delete static_cast<std::shared_ptr<const void> *>(user); };
    const sac_result result = api_.submit_frame(context_, &out);
    if (result == SAC_OK) (void)owner.release();
    return check(result);
}

Answer Vision::take(const sac_snapshot *snapshot) const {
    Answer answer;
    answer.sequence = snapshot->sequence;
    answer.frame_id = snapshot->frame_id;
    answer.gpu_ms = snapshot->gpu_us / 1000.0;
    answer.latency_ms = static_cast<double>(snapshot->finished_ns - snapshot->submitted_ns) / 1e6;
    answer.dropped = snapshot->dropped_newer;
    for (uint32_t i = 0; i < snapshot->detection_count; ++i) {
        const sac_detection &d = snapshot->detections[i];
        const auto [x1, y1, x2, y2] =
            engine::to_upright({d.x1, d.y1, d.x2, d.y2}, to_turn(snapshot->cookie), snapshot->width, snapshot->height);
        answer.detections.push_back({d.label, d.class_id, d.score, x1, y1, x2, y2, d.track_id});
    }
    api_.release_result(context_, snapshot);
    return answer;
}

Result<std::optional<Answer>> Vision::poll(uint64_t after) {
    const sac_snapshot *snapshot = nullptr;
    const sac_result result = api_.acquire_result(context_, after, &snapshot);
    if (result == SAC_NOT_READY) return std::optional<Answer>();
    SAC_TRY(check(result));
    return std::optional(take(snapshot));
}

Result<Answer> Vision::wait(uint64_t id) {
    uint64_t after = 0;
    for (;;) {
        const sac_snapshot *snapshot = nullptr;
        SAC_TRY(check(api_.wait_result(context_, after, patience_ms, &snapshot)));
        Answer answer = take(snapshot);
        if (answer.frame_id == id) return answer;
        after = answer.sequence;
    }
}

Status Vision::validation_status() const {
    const auto count = static_cast<unsigned long long>(errors_logged_);
    if (!validation_wanted() || count == 0) return {};
    return Error(Code::internal, format("%llu errors were logged under the validation layer (see above)", count));
}

overlay::Overlay to_overlay(const std::vector<Detection> &detections) {
    overlay::Overlay overlay;
    for (const Detection &d : detections) {
        std::string text = format("%s %.2f", d.label.c_str(), d.score);
        if (d.track) text += format(" #%u", d.track);
        overlay.boxes.push_back({d.x1, d.y1, d.x2, d.y2, d.track ? d.track : d.class_id, std::move(text)});
    }
    return overlay;
}

}  // namespace sac::cli
