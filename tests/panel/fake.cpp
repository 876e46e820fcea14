#include "tests/panel/fake.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace sac::test {

namespace {

constexpr uint64_t now = 5'000'000'000;
const char *const labels[] = {"ball", "cube", "cone", "cylinder", "figure"};

template <size_t n>
void put(char (&to)[n], const std::string &text) {
    std::strncpy(to, text.c_str(), n - 1);
}

sac_result refused() { return SAC_ERROR_INVALID_ARGUMENT; }

sac_result get_last_error(sac_context, char *text, uint32_t capacity) {
    if (capacity) {
        std::strncpy(text, "the fake plugin refuses", capacity - 1);
        text[capacity - 1] = 0;
    }
    return SAC_OK;
}

uint64_t now_ns() { return now; }

sac_result get_context_info(sac_context, sac_context_info *info) {
    put(info->device_name, "a device of paper");
    put(info->driver_name, "a driver of paper");
    info->vulkan_version = 1u << 22 | 3u << 12 | 7;
    return SAC_OK;
}

sac_result get_model_info(sac_context, uint32_t, sac_model_info *info) {
    if (!fake().has_model) return SAC_ERROR_NOT_FOUND;
    info->state = SAC_MODEL_READY;
    put(info->name, "paper model");
    return SAC_OK;
}

sac_result set_detect_settings(sac_context, const sac_detect_settings *settings) {
    ++fake().calls["set_detect_settings"];
    if (fake().refuses) return refused();
    fake().detect = *settings;
    return SAC_OK;
}

sac_result set_track_settings(sac_context, const sac_track_settings *settings) {
    ++fake().calls["set_track_settings"];
    fake().track = *settings;
    return SAC_OK;
}

sac_result acquire_result(sac_context, uint64_t after, const sac_snapshot **snapshot) {
    *snapshot = nullptr;
    if (fake().sequence <= after) return SAC_NOT_READY;
    static const sac_detection detections[] = {{40, 50, 200, 260, 0.91f, 1, 3, 0, "cube"},
                                               {300, 20, 420, 140, 0.64f, 0, 0, 0, "ball"}};
    static sac_snapshot one;
    one = {};
    one.sequence = fake().sequence;
    one.frame_id = fake().sequence + 100;
    one.submitted_ns = now - 30'000'000;
    one.finished_ns = now - 12'000'000;
    one.width = 640;
    one.height = 480;
    one.detections = detections;
    one.detection_count = 2;
    one.candidate_count = 9;
    *snapshot = &one;
    ++fake().snapshots_held;
    return SAC_OK;
}

sac_result release_result(sac_context, const sac_snapshot *) {
    --fake().snapshots_held;
    return SAC_OK;
}

sac_result get_statistics(sac_context, sac_statistics *s) {
    s->submitted = 240;
    s->finished = fake().frames;
    s->dropped_newer = 36;
    s->dropped_failed = 4;
    s->gpu_us = 15'400;
    s->latency_us = 18'000;
    return SAC_OK;
}

sac_result set_budget(sac_context, const sac_budget *budget) {
    ++fake().calls["set_budget"];
    if (fake().refuses) return refused();
    if (budget->type != SAC_TYPE_BUDGET || budget->size != sizeof *budget) return refused();
    sac_budget_state &state = fake().slices;
    state.budget_us = budget->budget_us;
    state.least_us = budget->least_us ? budget->least_us : budget->budget_us / 8;
    state.host_frame_us = budget->host_frame_us ? budget->host_frame_us : 16667;
    state.granted_us = budget->budget_us / 4 * 3;
    return SAC_OK;
}

sac_result get_budget_state(sac_context, sac_budget_state *state) {
    if (state->type != SAC_TYPE_BUDGET_STATE || state->size != sizeof *state) return refused();
    ++fake().calls["get_budget_state"];
    const sac_budget_state asked = *state;
    *state = fake().slices;
    state->type = asked.type;
    state->size = asked.size;
    return SAC_OK;
}

sac_result get_running_info(sac_context, sac_running_info *info) {
    if (!fake().has_model) return SAC_NOT_READY;
    info->model_id = 1;
    info->layer_count = 8;
    info->dispatch_count = 12;
    info->node_count = 20;
    info->class_count = 5;
    info->input_width = 64;
    info->input_height = 64;
    info->input_scale = 1;
    for (int c = 0; c < 3; ++c) info->input_std[c] = 1;
    info->score_threshold = 0.4f;
    info->iou_threshold = 0.5f;
    info->flops = 2.5e8;
    put(info->input, "image");
    return SAC_OK;
}

sac_result get_running_dispatch(sac_context, uint32_t, uint32_t index, sac_running_dispatch *dispatch) {
    if (index >= 12) return SAC_ERROR_NOT_FOUND;
    put(dispatch->node, "/stage" + std::to_string(index / 4) + "/conv" + std::to_string(index % 4));
    put(dispatch->operation, "Conv");
    put(dispatch->kernel, index % 3 ? "conv2d_f32" : "conv2d_depthwise_f32");
    dispatch->flops = 1e6 * (index + 1);
    dispatch->groups[0] = 64;
    return SAC_OK;
}

sac_result get_layer_info(sac_context, uint32_t, uint32_t index, sac_layer_info *layer) {
    if (index >= 8) return SAC_ERROR_NOT_FOUND;
    put(layer->name, index == 0 ? "image" : "/stage" + std::to_string(index) + "/out");
    put(layer->operation, index == 0 ? "" : "Conv");
    layer->kind = index == 0 ? SAC_LAYER_INPUT : index == 3 ? SAC_LAYER_FUSED : SAC_LAYER_ACTIVATION;
    layer->rank = 4;
    layer->shape[0] = 1;
    layer->images = 1;
    layer->channels = index == 0 ? 3 : 16;
    layer->map_height = index == 0 ? 64 : 12;
    layer->map_width = index == 0 ? 64 : 16;
    layer->shape[1] = layer->channels;
    layer->shape[2] = layer->map_height;
    layer->shape[3] = layer->map_width;
    return SAC_OK;
}

sac_result get_class_label(sac_context, uint32_t, uint32_t id, char *text, uint64_t capacity, uint64_t *) {
    if (id >= 5) return SAC_ERROR_NOT_FOUND;
    std::strncpy(text, labels[id], capacity - 1);
    return SAC_OK;
}

sac_result set_inspection(sac_context, const sac_inspection *inspection) {
    ++fake().calls["set_inspection"];
    fake().watched.clear();
    fake().inspect_flags = inspection ? inspection->flags : 0;
    if (inspection)
        for (uint32_t i = 0; i < inspection->tensor_count; ++i) fake().watched.emplace_back(inspection->tensors[i]);
    return SAC_OK;
}

sac_result read_dispatch_times(sac_context, uint32_t, float *us, uint32_t capacity, uint32_t *count, uint64_t *) {
    if (!(fake().inspect_flags & SAC_INSPECT_PROFILE)) return SAC_NOT_READY;
    *count = std::min(capacity, 12u);
    for (uint32_t i = 0; i < *count; ++i) us[i] = static_cast<float>(100 + i * 37 % 50 * 20);
    return SAC_OK;
}

bool is_watched(const char *tensor) {
    return std::find(fake().watched.begin(), fake().watched.end(), tensor) != fake().watched.end();
}

sac_result read_statistics(sac_context, const char *tensor, const sac_histogram *histogram,
                           sac_tensor_statistics *statistics) {
    if (!is_watched(tensor)) return SAC_ERROR_NOT_FOUND;
    for (uint32_t i = 0; i < histogram->bin_count; ++i) histogram->bins[i] = i * 3;
    statistics->count = 3072;
    statistics->nan_count = 2;
    statistics->min = -1.5f;
    statistics->max = 6;
    statistics->mean = 0.25;
    statistics->deviation = 1.125;
    return SAC_OK;
}

sac_result read_tensor(sac_context, const char *tensor, float *values, uint64_t capacity, uint64_t *count, uint64_t *) {
    if (!is_watched(tensor)) return SAC_ERROR_NOT_FOUND;
    for (uint64_t i = 0; i < capacity; ++i) values[i] = static_cast<float>(i % 64 * 4);
    *count = capacity;
    return SAC_OK;
}

sac_result read_feature_map(sac_context, const char *tensor, uint32_t, uint32_t channel, float *values,
                            uint64_t capacity, uint64_t *count, uint64_t *) {
    ++fake().calls["read_feature_map"];
    if (!is_watched(tensor)) return SAC_ERROR_NOT_FOUND;
    for (uint64_t i = 0; i < capacity; ++i) values[i] = static_cast<float>((i * (channel + 1)) % 17);
    values[0] = NAN;
    *count = capacity;
    return SAC_OK;
}

sac_result get_detect_state(sac_context, sac_detect_state *state) {
    const sac_detect_settings &set = fake().detect;
    state->score_threshold = set.score_threshold > 0 ? set.score_threshold : 0.4f;
    state->iou_threshold = set.iou_threshold > 0 ? set.iou_threshold : 0.5f;
    state->max_detections = set.max_detections ? set.max_detections : 100;
    return SAC_OK;
}

sac_result set_class_filter(sac_context, const uint32_t *words, uint32_t count) {
    ++fake().calls["set_class_filter"];
    fake().filter.assign(words, words + count);
    fake().is_filtered = count > 0;
    return SAC_OK;
}

sac_result get_frame_timings(sac_context, uint64_t after, sac_frame_timing *timings, uint32_t capacity,
                             uint32_t *count) {
    *count = 0;
    for (uint64_t i = after + 1; i <= fake().frames && *count < capacity; ++i) {
        sac_frame_timing &t = timings[(*count)++] = {};
        t.index = t.sequence = i;
        t.submitted_ns = i * 40'000'000;
        t.finished_ns = t.submitted_ns + 15'000'000 + i % 10 * 2'500'000;
        t.gpu_us = 14'000;
    }
    return SAC_OK;
}

sac_result set_run_mode(sac_context, uint32_t mode) {
    ++fake().calls["set_run_mode"];
    fake().run_mode = mode;
    return SAC_OK;
}

sac_result step_frame(sac_context) {
    ++fake().calls["step_frame"];
    return SAC_OK;
}

sac_result replay_frame(sac_context) {
    ++fake().calls["replay_frame"];
    return SAC_OK;
}

sac_result get_run_state(sac_context, sac_run_state *state) {
    state->mode = fake().run_mode;
    state->is_held = fake().run_mode != SAC_RUN_LIVE;
    state->held_frame_id = 77;
    return SAC_OK;
}

sac_result get_memory_info(sac_context, sac_memory_info *info) {
    info->blocks = 3;
    info->reserved_bytes = 48 << 20;
    info->used_bytes = 31 << 20;
    info->weight_bytes = 9 << 20;
    info->arena_bytes = 14 << 20;
    info->kernel_count = 120;
    info->pipelines_built = 41;
    put(info->cache_path, "pipelines.cache");
    return SAC_OK;
}

const void *get_extension(sac_context, const char *name) {
    static sac_debug_api table;
    table = {};
    table.size = sizeof table;
    table.version = fake().debug_version;
    table.get_running_info = get_running_info;
    table.get_running_dispatch = get_running_dispatch;
    table.get_layer_info = get_layer_info;
    table.get_class_label = get_class_label;
    table.set_inspection = set_inspection;
    table.read_dispatch_times = read_dispatch_times;
    table.read_statistics = read_statistics;
    table.read_tensor = read_tensor;
    table.read_feature_map = read_feature_map;
    table.get_detect_state = get_detect_state;
    table.set_class_filter = set_class_filter;
    table.get_frame_timings = get_frame_timings;
    table.set_run_mode = set_run_mode;
    table.step_frame = step_frame;
    table.replay_frame = replay_frame;
    table.get_run_state = get_run_state;
    table.get_memory_info = get_memory_info;
    return fake().has_debug && !std::strcmp(name, "sac.debug/1") ? &table : nullptr;
}

}  // namespace

Fake &fake() {
    static Fake instance;
    return instance;
}

void reset_fake() { fake() = {}; }

sac_api fake_api() {
    sac_api api = {};
    api.size = sizeof api;
    api.get_last_error = get_last_error;
    api.now_ns = now_ns;
    api.get_context_info = get_context_info;
    api.get_model_info = get_model_info;
    api.set_detect_settings = set_detect_settings;
    api.set_track_settings = set_track_settings;
    api.acquire_result = acquire_result;
    api.release_result = release_result;
    api.get_statistics = get_statistics;
    api.get_extension = get_extension;
    if (!fake().is_older) {
        api.set_budget = set_budget;
        api.get_budget_state = get_budget_state;
    }
    return api;
}

}  // namespace sac::test
