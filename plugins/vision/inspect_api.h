#pragma once
// The functions of saccade_debug.h that are about the running model.

#include "plugins/vision/saccade_debug.h"

namespace sac::vision::inspect {

sac_result get_running_info(sac_context context, sac_running_info *info);
sac_result get_running_dispatch(sac_context context, uint32_t model_id, uint32_t index, sac_running_dispatch *dispatch);
sac_result get_layer_info(sac_context context, uint32_t model_id, uint32_t index, sac_layer_info *info);
sac_result get_class_label(sac_context context, uint32_t model_id, uint32_t class_id, char *text, uint64_t capacity,
                           uint64_t *size);
sac_result set_inspection(sac_context context, const sac_inspection *inspection);
sac_result read_dispatch_times(sac_context context, uint32_t model_id, float *microseconds, uint32_t capacity,
                               uint32_t *count, uint64_t *sequence);
sac_result read_statistics(sac_context context, const char *tensor, const sac_histogram *histogram,
                           sac_tensor_statistics *statistics);
sac_result read_tensor(sac_context context, const char *tensor, float *values, uint64_t capacity, uint64_t *count,
                       uint64_t *sequence);
sac_result read_feature_map(sac_context context, const char *tensor, uint32_t image, uint32_t channel, float *values,
                            uint64_t capacity, uint64_t *count, uint64_t *sequence);
sac_result get_detect_state(sac_context context, sac_detect_state *state);
sac_result set_class_filter(sac_context context, const uint32_t *words, uint32_t word_count);
sac_result get_class_filter(sac_context context, uint32_t *words, uint32_t capacity, uint32_t *count);
sac_result get_frame_timings(sac_context context, uint64_t after, sac_frame_timing *timings, uint32_t capacity,
                             uint32_t *count);
sac_result set_run_mode(sac_context context, uint32_t mode);
sac_result step_frame(sac_context context);
sac_result replay_frame(sac_context context);
sac_result get_run_state(sac_context context, sac_run_state *state);
sac_result get_memory_info(sac_context context, sac_memory_info *info);

}  // namespace sac::vision::inspect
