#include "plugins/panel/view.h"

#include <algorithm>
#include <cmath>
#include <cstdarg>
#include <cstdio>

namespace sac::panel {

namespace {

constexpr size_t timings_kept = 240;

template <typename T>
T typed(uint32_t type) {
    T value = {};
    value.type = type;
    value.size = sizeof value;
    return value;
}

}  // namespace

bool View::check(sac_result result) {
    if (result == SAC_OK) return true;
    if (result == SAC_NOT_READY) return false;
    char text[512] = {};
    api.get_last_error(context, text, sizeof text);
    message = text[0] ? text : "the plugin refused without a word";
    return false;
}

void View::refresh() {
    statistics = typed<sac_statistics>(SAC_TYPE_STATISTICS);
    (void)check(api.get_statistics(context, &statistics));
    info = typed<sac_context_info>(SAC_TYPE_CONTEXT_INFO);
    (void)check(api.get_context_info(context, &info));
    model = typed<sac_model_info>(SAC_TYPE_MODEL_INFO);
    if (api.get_model_info(context, 0, &model) != SAC_OK) model = {};  // none was asked for yet: nothing to complain of

    in_use = typed<sac_model_info>(SAC_TYPE_MODEL_INFO);
    if (statistics.model_id == 0 || api.get_model_info(context, statistics.model_id, &in_use) != SAC_OK) in_use = {};

    const sac_snapshot *snapshot = nullptr;
    const uint64_t seen = answer.snapshot.sequence;
    if (api.acquire_result(context, seen, &snapshot) == SAC_OK) {
        answer.snapshot = *snapshot;
        answer.detections.assign(snapshot->detections, snapshot->detections + snapshot->detection_count);
        for (sac_detection &detection : answer.detections) detection.label = nullptr;  // the snapshot's, which goes
        answer.snapshot.detections = nullptr;
        api.release_result(context, snapshot);
    }
    age_ms = answer.snapshot.sequence ? static_cast<double>(api.now_ns() - answer.snapshot.submitted_ns) * 1e-6 : 0;
    if (!debug) return;

    detect = typed<sac_detect_state>(SAC_TYPE_DETECT_STATE);
    (void)check(debug->get_detect_state(context, &detect));
    run = typed<sac_run_state>(SAC_TYPE_RUN_STATE);
    (void)check(debug->get_run_state(context, &run));
    memory = typed<sac_memory_info>(SAC_TYPE_MEMORY_INFO);
    (void)check(debug->get_memory_info(context, &memory));

    const uint64_t after = timings.empty() ? 0 : timings.back().index;
    sac_frame_timing news[64];
    uint32_t count = static_cast<uint32_t>(std::size(news));
    if (debug->get_frame_timings(context, after, news, count, &count) == SAC_OK)
        timings.insert(timings.end(), news, news + std::min<size_t>(count, std::size(news)));
    if (timings.size() > timings_kept) timings.erase(timings.begin(), timings.end() - timings_kept);
    refresh_model();
}

void View::refresh_model() {
    running = typed<sac_running_info>(SAC_TYPE_RUNNING_INFO);
    if (debug->get_running_info(context, &running) != SAC_OK) running.model_id = 0;
    if (running.model_id == 0) return;
    if (running.model_id != known_model_) {
        known_model_ = running.model_id;
        layer = -1;
        first_map = 0;
        dispatches.clear();
        layers.clear();
        labels.clear();
        for (uint32_t i = 0; i < running.dispatch_count; ++i) {
            auto dispatch = typed<sac_running_dispatch>(SAC_TYPE_RUNNING_DISPATCH);
            if (debug->get_running_dispatch(context, running.model_id, i, &dispatch) != SAC_OK) break;
            dispatches.push_back(dispatch);
        }
        for (uint32_t i = 0; i < running.layer_count; ++i) {
            auto info_of = typed<sac_layer_info>(SAC_TYPE_LAYER_INFO);
            if (debug->get_layer_info(context, running.model_id, i, &info_of) != SAC_OK) break;
            layers.push_back(info_of);
        }
        for (uint32_t i = 0; i < running.class_count; ++i) {
            char text[128] = {};
            (void)debug->get_class_label(context, running.model_id, i, text, sizeof text, nullptr);
            labels.push_back(text[0] ? text : "class " + std::to_string(i));
        }
    }
    dispatch_us.resize(dispatches.size());
    uint32_t count = static_cast<uint32_t>(dispatch_us.size());
    const sac_result read =
        debug->read_dispatch_times(context, running.model_id, dispatch_us.data(), count, &count, nullptr);
    if (read != SAC_OK || count != dispatches.size()) dispatch_us.clear();
}

void View::apply_detection() {
    auto set = typed<sac_detect_settings>(SAC_TYPE_DETECT_SETTINGS);
    set.score_threshold = settings.score_threshold;
    set.iou_threshold = settings.iou_threshold;
    set.max_detections = settings.max_detections;
    (void)check(api.set_detect_settings(context, &set));
}

void View::apply_classes() {
    if (!debug) return;
    if (settings.all_classes) {
        (void)check(debug->set_class_filter(context, nullptr, 0));
        return;
    }
    std::vector<uint32_t> words(1);
    for (const uint32_t id : settings.classes) {
        if (words.size() <= id / 32) words.resize(id / 32 + 1);
        words[id / 32] |= 1u << (id % 32);
    }
    (void)check(debug->set_class_filter(context, words.data(), static_cast<uint32_t>(words.size())));
}

void View::apply_tracks() {
    auto set = typed<sac_track_settings>(SAC_TYPE_TRACK_SETTINGS);
    set.enabled = settings.track;
    (void)check(api.set_track_settings(context, &set));
}

void View::watch() {
    if (!debug) return;
    std::vector<std::string> wanted;
    if (wants_tensors && running.model_id != 0) {
        if (running.input[0]) wanted.emplace_back(running.input);
        if (layer >= 0 && static_cast<size_t>(layer) < layers.size()) {
            const sac_layer_info &chosen = layers[static_cast<size_t>(layer)];
            if (chosen.kind != SAC_LAYER_FUSED && wanted.end() == std::find(wanted.begin(), wanted.end(), chosen.name))
                wanted.emplace_back(chosen.name);
        }
    }
    const uint32_t flags = wants_profile ? uint32_t{SAC_INSPECT_PROFILE} : 0;
    wants_profile = wants_tensors = false;
    if (wanted == watched_ && flags == watch_flags_ && (wanted.empty() || watched_model_ == running.model_id)) return;
    watched_ = wanted;
    watch_flags_ = flags;
    watched_model_ = running.model_id;
    std::vector<const char *> names;
    for (const std::string &name : watched_) names.push_back(name.c_str());
    auto inspection = typed<sac_inspection>(SAC_TYPE_INSPECTION);
    inspection.flags = flags;
    inspection.tensor_count = static_cast<uint32_t>(names.size());
    inspection.tensors = names.data();
    if (!check(debug->set_inspection(context, names.empty() && !flags ? nullptr : &inspection))) {
        if (flags) profile = false;  // a device without timestamps: not asked for again and again
        return;
    }
    // While frames are held none comes by itself: the held one shows what is looked at now.
    if (!names.empty() && run.mode == SAC_RUN_PAUSED && run.is_held) (void)check(debug->replay_frame(context));
}

void View::fill(Picture &picture, uint32_t width, uint32_t height, const std::vector<uint8_t> &pixels) {
    if (picture.id && (picture.width != width || picture.height != height)) {
        textures->destroy(picture.id);
        picture = {};
    }
    if (!picture.id) picture = {textures->create(width, height), width, height};
    if (picture.id) textures->update(picture.id, pixels.data());
}

bool begin_rows(const char *id, float letters) {
    if (!ImGui::BeginTable(id, 2, ImGuiTableFlags_SizingStretchProp)) return false;
    ImGui::TableSetupColumn("name", ImGuiTableColumnFlags_WidthFixed, ImGui::GetFontSize() * letters);
    ImGui::TableSetupColumn("value", ImGuiTableColumnFlags_WidthStretch);
    return true;
}

void row(const char *name, const char *format, ...) {
    ImGui::TableNextRow();
    ImGui::TableNextColumn();
    ImGui::TextDisabled("%s", name);
    ImGui::TableNextColumn();
    va_list arguments;
    va_start(arguments, format);
    ImGui::TextV(format, arguments);
    va_end(arguments);
}

void heading(const char *text) {
    ImGui::Spacing();
    ImGui::TextColored(ImGui::GetStyleColorVec4(ImGuiCol_PlotHistogram), "%s", text);
    ImGui::Separator();
}

std::string bytes_text(uint64_t bytes) {
    char text[32];
    const double value = static_cast<double>(bytes);
    if (bytes < 1024)
        std::snprintf(text, sizeof text, "%llu B", static_cast<unsigned long long>(bytes));
    else if (bytes < (1u << 20))
        std::snprintf(text, sizeof text, "%.1f KB", value / 1024);
    else
        std::snprintf(text, sizeof text, "%.1f MB", value / (1 << 20));
    return text;
}

std::string shape_text(const sac_layer_info &layer) {
    std::string text;
    for (uint32_t i = 0; i < std::min(layer.rank, 8u); ++i) text += (i ? "x" : "") + std::to_string(layer.shape[i]);
    return text.empty() ? "scalar" : text;
}

ImU32 class_color(uint32_t class_id) {
    const float hue = std::fmod(0.61803399f * static_cast<float>(class_id) + 0.35f, 1.0f);
    return ImColor::HSV(hue, 0.65f, 0.95f);
}

// Five points of viridis (Smith and van der Walt, matplotlib), straight between them.
ImU32 heat_color(float value) {
    static constexpr float points[5][3] = {{68, 1, 84}, {59, 82, 139}, {33, 145, 140}, {94, 201, 98}, {253, 231, 37}};
    const float at = std::clamp(value, 0.0f, 1.0f) * 4;
    const int low = std::min(static_cast<int>(at), 3);
    const float part = at - static_cast<float>(low);
    const auto channel = [&](int c) {
        return static_cast<ImU32>(points[low][c] + (points[low + 1][c] - points[low][c]) * part + 0.5f);
    };
    return IM_COL32(channel(0), channel(1), channel(2), 255);
}

}  // namespace sac::panel
