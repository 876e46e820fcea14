#include "plugins/vision/inspect_api.h"

#include <algorithm>

#include "plugins/vision/call.h"
#include "plugins/vision/inspect_model.h"
#include "plugins/vision/inspect_statistics.h"
#include "plugins/vision/structs.h"

namespace sac::vision::inspect {
namespace {

constexpr uint32_t most_filter_words = 1024;

/// The model in use, if it is that one.
Result<std::shared_ptr<ActiveModel>> running(Context &context, uint32_t model_id) {
    std::shared_ptr<ActiveModel> active = context.models().current();
    if (!active || active->id != model_id)
        return Error(Code::not_found, format("model %u is not in use (any more)", model_id));
    return active;
}

/// Copies elements [first, first + length) of a tensor's newest picture.
Answer copy_elements(const Inspector::Reading &reading, size_t first, size_t length, float *values, uint64_t capacity,
                     uint64_t *count, uint64_t *sequence) {
    if (sequence) *sequence = reading.sequence();
    *count = length;
    if (!values) return SAC_OK;
    *count = std::min<uint64_t>(capacity, length);
    read_layer(reading.layer(), reading.bytes(), first, {values, static_cast<size_t>(*count)});
    return SAC_OK;
}

Error null(const char *argument) { return Error(Code::invalid_argument, format("%s is null", argument)); }

}  // namespace

sac_result get_running_info(sac_context context, sac_running_info *info) {
    return call_on(context, [&](Context &c) -> Answer {
        SAC_TRY(check_struct(info, SAC_TYPE_RUNNING_INFO, sizeof *info, "info"));
        const std::shared_ptr<ActiveModel> active = c.models().current();
        if (!active) return SAC_NOT_READY;
        return write_struct(info, SAC_TYPE_RUNNING_INFO, "info", running_info(*active));
    });
}

sac_result get_running_dispatch(sac_context context, uint32_t model_id, uint32_t index,
                                sac_running_dispatch *dispatch) {
    return call_on(context, [&](Context &c) -> Status {
        SAC_ASSIGN(const std::shared_ptr<ActiveModel> active, running(c, model_id));
        SAC_ASSIGN(const sac_running_dispatch filled, running_dispatch(*active, index));
        return write_struct(dispatch, SAC_TYPE_RUNNING_DISPATCH, "dispatch", filled);
    });
}

sac_result get_layer_info(sac_context context, uint32_t model_id, uint32_t index, sac_layer_info *info) {
    return call_on(context, [&](Context &c) -> Status {
        SAC_ASSIGN(const std::shared_ptr<ActiveModel> active, running(c, model_id));
        SAC_ASSIGN(const sac_layer_info filled, layer_info(*active, index));
        return write_struct(info, SAC_TYPE_LAYER_INFO, "info", filled);
    });
}

sac_result get_class_label(sac_context context, uint32_t model_id, uint32_t class_id, char *text, uint64_t capacity,
                           uint64_t *size) {
    return call_on(context, [&](Context &c) -> Status {
        SAC_ASSIGN(const std::shared_ptr<ActiveModel> active, running(c, model_id));
        const std::vector<std::string> &labels = active->model->card().labels;
        if (class_id >= labels.size())
            return Error(Code::not_found,
                         format("class_id %u is beyond the %zu classes of the model", class_id, labels.size()));
        const std::string &label = labels[class_id];
        if (size) *size = label.size() + 1;
        if (text) copy_text(text, static_cast<size_t>(std::min<uint64_t>(capacity, label.size() + 1)), label);
        return {};
    });
}

sac_result set_inspection(sac_context context, const sac_inspection *inspection) {
    return call_on(context, [&](Context &c) { return c.inspector().set(inspection, c.models().current().get()); });
}

sac_result read_dispatch_times(sac_context context, uint32_t model_id, float *microseconds, uint32_t capacity,
                               uint32_t *count, uint64_t *sequence) {
    return call_on(context, [&](Context &c) -> Answer {
        if (!count) return null("count");
        SAC_TRY(running(c, model_id));
        uint64_t frame = 0;
        *count = c.inspector().times(model_id, microseconds, capacity, frame);
        if (sequence) *sequence = frame;
        return frame ? SAC_OK : SAC_NOT_READY;
    });
}

sac_result read_statistics(sac_context context, const char *tensor, const sac_histogram *histogram,
                           sac_tensor_statistics *statistics) {
    return call_on(context, [&](Context &c) -> Answer {
        SAC_TRY(check_struct(statistics, SAC_TYPE_TENSOR_STATISTICS, sizeof *statistics, "statistics"));
        sac_histogram wanted = {};
        if (histogram) {
            SAC_TRY(read_struct(histogram, SAC_TYPE_HISTOGRAM, "histogram", wanted));
            SAC_TRY(check_histogram(wanted));
        }
        SAC_ASSIGN(const Inspector::Reading reading, c.inspector().read(tensor));
        if (!reading) return SAC_NOT_READY;
        sac_tensor_statistics filled = {};
        filled.sequence = reading.sequence();
        filled.model_id = reading.model();
        compute_statistics(reading.layer(), reading.bytes(), histogram ? &wanted : nullptr, filled);
        return write_struct(statistics, SAC_TYPE_TENSOR_STATISTICS, "statistics", filled);
    });
}

sac_result read_tensor(sac_context context, const char *tensor, float *values, uint64_t capacity, uint64_t *count,
                       uint64_t *sequence) {
    return call_on(context, [&](Context &c) -> Answer {
        if (!count) return null("count");
        SAC_ASSIGN(const Inspector::Reading reading, c.inspector().read(tensor));
        if (!reading) return SAC_NOT_READY;
        const auto length = static_cast<size_t>(element_count(reading.layer().shape));
        return copy_elements(reading, 0, length, values, capacity, count, sequence);
    });
}

sac_result read_feature_map(sac_context context, const char *tensor, uint32_t image, uint32_t channel, float *values,
                            uint64_t capacity, uint64_t *count, uint64_t *sequence) {
    return call_on(context, [&](Context &c) -> Answer {
        if (!count) return null("count");
        SAC_ASSIGN(const Inspector::Reading reading, c.inspector().read(tensor));
        if (!reading) return SAC_NOT_READY;
        const Layer &layer = reading.layer();
        if (image >= layer.images())
            return Error(Code::invalid_argument,
                         format("image is %u, tensor '%s' has %u", image, tensor, layer.images()));
        if (channel >= layer.channels())
            return Error(Code::invalid_argument,
                         format("channel is %u, tensor '%s' has %u", channel, tensor, layer.channels()));
        const size_t map = size_t{image} * layer.channels() + channel;
        return copy_elements(reading, map * layer.map_size(), layer.map_size(), values, capacity, count, sequence);
    });
}

sac_result get_detect_state(sac_context context, sac_detect_state *state) {
    return call_on(context, [&](Context &c) -> Status {
        const DetectOverrides overrides = c.frames().overrides();
        sac_detect_state filled = {};
        if (const std::shared_ptr<ActiveModel> active = c.models().current()) {
            const DetectionThresholds thresholds = thresholds_of(active->model->card(), overrides);
            filled.model_id = active->id;
            filled.score_threshold = thresholds.score;
            filled.iou_threshold = thresholds.nms_iou;
            filled.max_detections = thresholds.max_detections;
        }
        filled.set_score_threshold = overrides.score;
        filled.set_iou_threshold = overrides.nms_iou;
        filled.set_max_detections = overrides.max_detections;
        filled.is_filtered = overrides.classes != nullptr;
        return write_struct(state, SAC_TYPE_DETECT_STATE, "state", filled);
    });
}

sac_result set_class_filter(sac_context context, const uint32_t *words, uint32_t word_count) {
    return call_on(context, [&](Context &c) -> Status {
        if (word_count > most_filter_words)
            return Error(Code::invalid_argument,
                         format("word_count is %u; at most %u are allowed", word_count, most_filter_words));
        if (word_count && !words) return null("words");
        c.frames().set_class_filter(
            word_count ? std::make_shared<const std::vector<uint32_t>>(words, words + word_count) : nullptr);
        return {};
    });
}

sac_result get_class_filter(sac_context context, uint32_t *words, uint32_t capacity, uint32_t *count) {
    return call_on(context, [&](Context &c) -> Status {
        if (!count) return null("count");
        const ClassFilter classes = c.frames().overrides().classes;
        *count = classes ? static_cast<uint32_t>(classes->size()) : 0;
        if (!words || !classes) return {};
        *count = std::min(*count, capacity);
        std::copy_n(classes->begin(), *count, words);
        return {};
    });
}

sac_result get_frame_timings(sac_context context, uint64_t after, sac_frame_timing *timings, uint32_t capacity,
                             uint32_t *count) {
    return call_on(context, [&](Context &c) -> Status {
        if (!count) return null("count");
        *count = c.inspector().log().read(after, timings, capacity);
        return {};
    });
}

sac_result set_run_mode(sac_context context, uint32_t mode) {
    return call_on(context, [&](Context &c) -> Status {
        if (mode > SAC_RUN_PAUSED)
            return Error(Code::invalid_argument, format("mode is %u, which is none of SAC_RUN_...", mode));
        return c.frames().set_run_mode(mode);
    });
}

sac_result step_frame(sac_context context) {
    return call_on(context, [&](Context &c) { return c.frames().step(); });
}

sac_result replay_frame(sac_context context) {
    return call_on(context, [&](Context &c) { return c.frames().replay(); });
}

sac_result get_run_state(sac_context context, sac_run_state *state) {
    return call_on(
        context, [&](Context &c) { return write_struct(state, SAC_TYPE_RUN_STATE, "state", c.frames().run_state()); });
}

sac_result get_memory_info(sac_context context, sac_memory_info *info) {
    return call_on(context,
                   [&](Context &c) { return write_struct(info, SAC_TYPE_MEMORY_INFO, "info", c.memory_info()); });
}

}  // namespace sac::vision::inspect
