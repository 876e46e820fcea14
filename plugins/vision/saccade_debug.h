/* saccade_debug.h: the extension "sac.debug/1" of saccade.h: looking inside, for tools and panels, never for a game.
 *
 *     const sac_debug_api *debug = sac.get_extension(context, "sac.debug/1");
 *
 * Version 1: networks. A network is an ONNX file by itself, without card, preprocessing or task: loaded, run on plain
 * numbers, and described. Those calls are [blocking], and those of one context wait for one another and for a model
 * that is being loaded.
 *
 * Version 2: the running model. What the frames of a context go through, looked at while they do: plan, times, tensors,
 * settings, memory; and frames held, stepped and run again. None of it waits for the GPU or for a model that is being
 * loaded. What is not asked for by set_inspection or set_run_mode costs a frame nothing.
 *
 * Version 3: kernels. Which of those that could do a node's work was chosen, how fast it is, and which is the fastest
 * on this device: measured when tune_network asks for it, and never otherwise. Those calls are [blocking], as the ones
 * of version 1.
 *
 * The rules of saccade.h hold. Check `version` before a function that it brought. Lists are read by two calls: with a
 * null buffer *count becomes how many there are; otherwise at most `capacity` are written and *count says how many. */
#ifndef SACCADE_DEBUG_H
#define SACCADE_DEBUG_H

#include "saccade.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    SAC_TYPE_NETWORK_DESC = 100,
    SAC_TYPE_NETWORK_INFO = 101,
    SAC_TYPE_TENSOR_INFO = 102,
    SAC_TYPE_DISPATCH_INFO = 103,
    SAC_TYPE_RUNNING_INFO = 104,
    SAC_TYPE_RUNNING_DISPATCH = 105,
    SAC_TYPE_LAYER_INFO = 106,
    SAC_TYPE_INSPECTION = 107,
    SAC_TYPE_HISTOGRAM = 108,
    SAC_TYPE_TENSOR_STATISTICS = 109,
    SAC_TYPE_DETECT_STATE = 110,
    SAC_TYPE_RUN_STATE = 111,
    SAC_TYPE_MEMORY_INFO = 112,
    SAC_TYPE_NODE_INFO = 113,
    SAC_TYPE_CEILING = 114,
    SAC_TYPE_TUNING_DESC = 115,
    SAC_TYPE_TUNING_INFO = 116,
    SAC_TYPE_TUNED_PROBLEM = 117
};

/* Times every dispatch of a run, which takes longer; without timestamps in the device it does nothing. */
enum { SAC_NETWORK_PROFILE = 1 << 16 };

typedef struct sac_network {
    uint64_t id;
} sac_network; /* 0: none */

/* The value of a symbolic dimension, such as the batch. */
typedef struct sac_dimension {
    const char *name;
    int64_t value;
} sac_dimension;

typedef struct sac_network_desc {
    uint32_t type, size; /* SAC_TYPE_NETWORK_DESC */
    const void *next;
    const char *path;                /* an ONNX file, or a folder with a model.onnx */
    const sac_dimension *dimensions; /* symbolic dimensions that are not named here are errors */
    uint32_t dimension_count;
    uint32_t flags; /* SAC_MODEL_FP16, SAC_NETWORK_PROFILE */
} sac_network_desc;

typedef struct sac_network_info {
    uint32_t type, size; /* SAC_TYPE_NETWORK_INFO */
    const void *next;
    uint32_t input_count, output_count, node_count, dispatch_count, barrier_count, reserved;
    double flops;   /* 2 x multiply-adds of one run */
    double load_ms; /* file to ready: weights uploaded, every pipeline dispatched once */
    uint64_t weight_bytes, arena_bytes, live_set_bytes; /* on the device; the last is the lower bound of the arena */
} sac_network_info;

typedef struct sac_tensor_info {
    uint32_t type, size; /* SAC_TYPE_TENSOR_INFO */
    const void *next;
    char name[128];
    uint32_t rank, reserved;
    int64_t shape[8];
} sac_tensor_info;

typedef struct sac_dispatch_info {
    uint32_t type, size; /* SAC_TYPE_DISPATCH_INFO */
    const void *next;
    char node[128]; /* name of the graph's node */
    char operation[32];
    char kernel[64];
    uint32_t groups[3];
    uint32_t barrier; /* 1: waits for what was before */
    double flops;
    double microseconds; /* of the last run, with SAC_NETWORK_PROFILE; else 0 */
} sac_dispatch_info;

/* ---- version 2: the running model ---- */

/* How a frame is brought to the network's size, and by which filter; as in the card. */
enum { SAC_FIT_STRETCH = 0, SAC_FIT_LETTERBOX = 1, SAC_FIT_CROP = 2 };
enum { SAC_FILTER_BILINEAR = 0, SAC_FILTER_AREA = 1 };

/* The model in use. The tensor `input` is what the network sees: a channel's value v (0 to 255) lies in it as
 * (v * scale - mean) / std. */
typedef struct sac_running_info {
    uint32_t type, size; /* SAC_TYPE_RUNNING_INFO */
    const void *next;
    uint32_t model_id;
    uint32_t layer_count, dispatch_count, node_count, barrier_count;
    uint32_t class_count;
    uint32_t flags;                     /* SAC_MODEL_FP16 */
    uint32_t input_width, input_height; /* pixels */
    uint32_t input_nhwc;                /* 0: the input's axes are [1, 3, height, width]; 1: [1, height, width, 3] */
    uint32_t input_bgr;                 /* 0: its channels are red, green, blue; 1: blue, green, red */
    uint32_t input_fit, input_filter;   /* SAC_FIT_..., SAC_FILTER_... */
    float input_scale, input_mean[3], input_std[3];     /* in the order of its channels */
    float score_threshold, iou_threshold;               /* the card's */
    double flops;                                       /* 2 x multiply-adds of a frame */
    uint64_t weight_bytes, arena_bytes, live_set_bytes; /* as in sac_network_info */
    char input[256];
} sac_running_info;

typedef struct sac_running_dispatch {
    uint32_t type, size; /* SAC_TYPE_RUNNING_DISPATCH */
    const void *next;
    char node[256]; /* name of the graph's node */
    char operation[32];
    char kernel[64];
    uint32_t groups[3];
    uint32_t barrier; /* 1: waits for what was before */
    double flops;
    uint64_t read_bytes, written_bytes; /* of the tensors that it is bound to, weights included: what it may touch */
} sac_running_dispatch;

enum {
    SAC_LAYER_INPUT = 1,
    SAC_LAYER_ACTIVATION = 2,
    SAC_LAYER_OUTPUT = 3,
    SAC_LAYER_FUSED = 4 /* in the file, but not made: its node became part of another. Cannot be watched */
};

/* A tensor of the running model, as the file names it. */
typedef struct sac_layer_info {
    uint32_t type, size; /* SAC_TYPE_LAYER_INFO */
    const void *next;
    char name[256];
    char node[256]; /* that makes it; "" for inputs and fused ones */
    char operation[32];
    uint32_t kind; /* SAC_LAYER_... */
    uint32_t rank;
    int64_t shape[8]; /* ONNX order; of a higher rank the first eight */
    uint32_t is_half; /* 1: stored as halves */
    uint32_t is_c4;   /* 1: stored channels last, padded to four */
    /* Its feature maps: axis 0 counts the images, axis 1 the channels, the last is the width, those between make the
     * height. 0 channels: fewer than two axes. */
    uint32_t images, channels, map_height, map_width;
    uint64_t bytes; /* in device memory, padding included; 0: fused */
} sac_layer_info;

#define SAC_MAX_WATCHED 16u
enum {
    SAC_INSPECT_PROFILE = 1, /* every dispatch is timed: read_dispatch_times. A frame takes a little longer */
    SAC_INSPECT_HOLD = 2 /* the newest frame is kept, so that it can be frozen or replayed after it has gone through;
                            takes one more staging buffer */
};

/* What is looked at in each frame. All zero: nothing, as it is at first. */
typedef struct sac_inspection {
    uint32_t type, size; /* SAC_TYPE_INSPECTION */
    const void *next;
    uint32_t flags;             /* SAC_INSPECT_... */
    uint32_t tensor_count;      /* at most SAC_MAX_WATCHED */
    const char *const *tensors; /* names of layers: copied after each frame, for the calls read_... */
} sac_inspection;

typedef struct sac_histogram {
    uint32_t type, size; /* SAC_TYPE_HISTOGRAM */
    const void *next;
    /* Finite values from low to high are counted: v in bin floor((v - low) / (high - low) * bin_count), in double
     * precision, high in the last. Both 0: from the smallest to the largest finite value. */
    float low, high;
    uint32_t bin_count, reserved; /* 1 to 65536 */
    uint64_t *bins;               /* out */
} sac_histogram;

/* Of all elements of a tensor, without padding. Those that are NaN or infinite are counted apart: the rest is about the
 * finite ones, and 0 if there are none. */
typedef struct sac_tensor_statistics {
    uint32_t type, size; /* SAC_TYPE_TENSOR_STATISTICS */
    const void *next;
    uint64_t sequence; /* of the snapshot of the frame it was taken from */
    uint64_t count, nan_count, inf_count, zero_count;
    double mean, deviation; /* the standard deviation */
    float min, max;
    float low, high;       /* of the histogram's range, if one was asked for */
    uint64_t below, above; /* finite values outside of it */
    uint32_t model_id, reserved;
} sac_tensor_statistics;

/* Detection as the next frame will have it. To set: set_detect_settings of sac_api, and set_class_filter. */
typedef struct sac_detect_state {
    uint32_t type, size; /* SAC_TYPE_DETECT_STATE */
    const void *next;
    uint32_t model_id; /* the one in use; 0: none, and the next three are 0 */
    float score_threshold, iou_threshold;
    uint32_t max_detections;
    float set_score_threshold, set_iou_threshold; /* as they were set; 0: the card's */
    uint32_t set_max_detections;
    uint32_t is_filtered; /* 1: a class filter is set */
} sac_detect_state;

enum {
    SAC_FRAME_REPLAYED = 1, /* the held frame, run again */
    SAC_FRAME_RECORDED = 2, /* its commands were recorded anew */
    SAC_FRAME_PROFILED = 4,
    SAC_FRAME_FILTERED = 8 /* by classes */
};
#define SAC_FRAME_TIMINGS 512u /* that are remembered */

/* A frame that went through the device, or failed on its way, and what it was computed with. Times by now_ns: waiting
 * in the queue until started_ns, recording until queued_ns, on the device until done_ns (in mode C with the host's way
 * to submit it before that), publishing until finished_ns. Those that were not reached are 0. */
typedef struct sac_frame_timing {
    uint64_t index;    /* 1, 2, 3 ... of this context */
    uint64_t sequence; /* of its snapshot; 0: it failed */
    uint64_t frame_id;
    uint64_t submitted_ns, started_ns, queued_ns, done_ns, finished_ns;
    float gpu_us, preprocess_us, network_us, head_us; /* the first is the sum; 0: the device has no timestamps */
    float score_threshold, iou_threshold;
    uint32_t max_detections;
    uint32_t model_id;
    uint32_t detection_count, candidate_count;
    sac_result result; /* SAC_OK, or why it failed */
    uint32_t flags;    /* SAC_FRAME_... */
} sac_frame_timing;

enum {
    SAC_RUN_LIVE = 0,
    /* One frame is held, and run again for each that is submitted. */
    SAC_RUN_FROZEN = 1,
    /* One frame is held, and run by replay_frame alone. */
    SAC_RUN_PAUSED = 2
};

/* Frames that come while another is held are accepted and dropped (dropped_newer). Runs of the held frame give
 * snapshots like any other, with its frame_id, but count neither as submitted nor as finished in sac_statistics. */
typedef struct sac_run_state {
    uint32_t type, size; /* SAC_TYPE_RUN_STATE */
    const void *next;
    uint32_t mode;    /* SAC_RUN_... */
    uint32_t is_held; /* 1: there is a frame that can be run again */
    uint64_t held_frame_id;
    uint64_t stepped, replayed; /* frames so far: let through by step_frame; runs of a held frame */
    uint32_t steps_due, replays_due;
} sac_run_state;

typedef struct sac_memory_info {
    uint32_t type, size; /* SAC_TYPE_MEMORY_INFO */
    const void *next;
    uint64_t blocks, reserved_bytes,
        used_bytes;              /* of device memory: blocks from the driver, what is given out of them */
    uint64_t driver_allocations; /* vkAllocateMemory calls so far */
    uint64_t weight_bytes, arena_bytes, live_set_bytes, io_bytes; /* of the model in use; the last: inputs, outputs */
    uint64_t watched_bytes;                                       /* buffers of the tensors that are watched */
    uint64_t pipelines_built;                                     /* so far */
    uint64_t kernel_count;                                        /* that the library brings */
    uint64_t cache_bytes;  /* read from the pipeline cache; 0: there was none, or it was of no use */
    char cache_path[1024]; /* the pipeline cache; "": none */
} sac_memory_info;

/* ---- version 3: kernels ---- */

/* A node of a network after fusion, and what was chosen to do its work. */
typedef struct sac_node_info {
    uint32_t type, size; /* SAC_TYPE_NODE_INFO */
    const void *next;
    char node[128]; /* its name */
    char operation[32];
    char problem[256];        /* as in sac_tuned_problem; "": there was nothing to choose from */
    char candidate[64];       /* what was chosen; "": as above */
    uint32_t candidate_count; /* that it was chosen from */
    uint32_t is_measured;     /* 1: it won when the device was tuned; 0: it was expected to be the fastest */
    uint32_t first_dispatch, dispatch_count;
    double flops;         /* 2 x multiply-adds */
    uint64_t read_bytes;  /* that its dispatches have to read at least once: the node's inputs and weights */
    uint64_t write_bytes; /* its outputs; what lies between its dispatches counts nowhere */
    double microseconds;  /* of the last run, with SAC_NETWORK_PROFILE; else 0 */
} sac_node_info;

/* How fast the device is at best with the kernels there are. */
typedef struct sac_ceiling {
    uint32_t type, size; /* SAC_TYPE_CEILING */
    const void *next;
    double gflops; /* 10^9 a second: a convolution */
    double gbytes; /* 10^9 read and written a second: an element-wise operator whose tensors fit none */
} sac_ceiling;

typedef struct sac_tuning_progress {
    uint32_t done, total; /* plans of the network that were measured, of those that will be at most */
    double seconds_left;  /* about; 0: not known yet */
} sac_tuning_progress;

typedef struct sac_tuning_desc {
    uint32_t type, size; /* SAC_TYPE_TUNING_DESC */
    const void *next;
    const sac_network_desc *network; /* SAC_NETWORK_PROFILE means nothing here */
    uint32_t max_seconds;            /* 0: 600 */
    uint32_t reserved;               /* 0 */
    /* May be null. Called on the caller's thread after every run of the network; any answer but 0 ends the tuning with
     * what is known by then. It must not call the context. */
    int32_t (*progress)(void *user, const sac_tuning_progress *progress);
    void *user;
} sac_tuning_desc;

typedef struct sac_tuning_info {
    uint32_t type, size; /* SAC_TYPE_TUNING_INFO */
    const void *next;
    uint32_t problem_count;
    uint32_t
        is_stopped; /* 1: by progress, by max_seconds or for want of memory: winners were not compared at the end */
    double expected_us, tuned_us; /* the network from submit to done, with what was expected and with what won, medians
                                     of runs in turns. 0: not measured */
    char path[1024];              /* the file in which winners are kept; "": the context has no cache folder */
} sac_tuning_info;

#define SAC_MAX_CANDIDATES 64u
typedef struct sac_tuned_candidate {
    char name[64];
    double microseconds; /* median; 0: not measured, or there is no memory for it */
} sac_tuned_candidate;

/* What has to be computed for a node or several: shapes, type and all else that the time depends on. */
typedef struct sac_tuned_problem {
    uint32_t type, size; /* SAC_TYPE_TUNED_PROBLEM */
    const void *next;
    char problem[256];
    uint32_t node_count; /* of the network that have it: times are their mean */
    uint32_t candidate_count;
    uint32_t expected, winner; /* indices into candidates */
    sac_tuned_candidate candidates[SAC_MAX_CANDIDATES];
} sac_tuned_problem;

typedef struct sac_debug_api {
    uint32_t size, version; /* size of this table; 3 */

    sac_result (*open_network)(sac_context context, const sac_network_desc *desc, sac_network *network);
    /* Networks that are still open are closed with their context. */
    sac_result (*close_network)(sac_context context, sac_network network);
    sac_result (*get_network_info)(sac_context context, sac_network network, sac_network_info *info);
    /* Inputs first, then outputs. SAC_ERROR_NOT_FOUND beyond the last. */
    sac_result (*get_tensor_info)(sac_context context, sac_network network, uint32_t index, sac_tensor_info *info);
    sac_result (*get_dispatch_info)(sac_context context, sac_network network, uint32_t index, sac_dispatch_info *info);
    /* The plan as text. *size is the text's length with its 0; a buffer that is too small gets what fits. */
    sac_result (*describe_network)(sac_context context, sac_network network, char *text, uint64_t capacity,
                                   uint64_t *size);

    /* `count` elements, row-major in ONNX order; it must be the tensor's own. */
    sac_result (*write_input)(sac_context context, sac_network network, const char *name, const float *values,
                              uint64_t count);
    sac_result (*read_output)(sac_context context, sac_network network, const char *name, float *values,
                              uint64_t count);
    /* Runs the whole network and waits. *wall_ns (may be null) is the time from submit to done. */
    sac_result (*run_network)(sac_context context, sac_network network, uint64_t *wall_ns);

    /* ---- version 2 ---- */

    /* [render] SAC_NOT_READY: no model is in use yet. */
    sac_result (*get_running_info)(sac_context context, sac_running_info *info);
    /* [render] Of the model in use, by the id that get_running_info gave. SAC_ERROR_NOT_FOUND: another has taken its
     * place, or the index is beyond the last. Layers come in the order in which they are made, the inputs first. */
    sac_result (*get_running_dispatch)(sac_context context, uint32_t model_id, uint32_t index,
                                       sac_running_dispatch *dispatch);
    sac_result (*get_layer_info)(sac_context context, uint32_t model_id, uint32_t index, sac_layer_info *info);
    /* *size (may be null) is the text's length with its 0; a buffer that is too small gets what fits. */
    sac_result (*get_class_label)(sac_context context, uint32_t model_id, uint32_t class_id, char *text,
                                  uint64_t capacity, uint64_t *size);

    /* [render] In force from the next frame on, for the present and later models (one that has no tensor of that name
     * goes without). Null: nothing. Refused: unknown flags; a tensor that the model in use does not have
     * (SAC_ERROR_NOT_FOUND) or has fused (SAC_ERROR_UNSUPPORTED); SAC_INSPECT_PROFILE on a device without timestamps,
     * SAC_INSPECT_HOLD in mode C (SAC_ERROR_UNSUPPORTED). In mode C one frame in flight is looked at at a time: those
     * that are recorded meanwhile go without. */
    sac_result (*set_inspection)(sac_context context, const sac_inspection *inspection);

    /* [render] Microseconds of each dispatch of that model, by index, in the newest frame that was profiled. *sequence
     * (may be null) is the frame's. SAC_NOT_READY: none was yet. */
    sac_result (*read_dispatch_times)(sac_context context, uint32_t model_id, float *microseconds, uint32_t capacity,
                                      uint32_t *count, uint64_t *sequence);

    /* [blocking] Of the newest frame with which the tensor was copied. SAC_NOT_READY: none was since it was asked for
     * (or since the model changed; while frames are held, replay_frame makes one). SAC_ERROR_NOT_FOUND: it is not
     * watched, or the model in use has none of that name. `sequence` may be null. They compute on the caller's thread,
     * and hold up no frame. */
    /* `histogram` may be null. */
    sac_result (*read_statistics)(sac_context context, const char *tensor, const sac_histogram *histogram,
                                  sac_tensor_statistics *statistics);
    /* All elements, row-major in ONNX order. */
    sac_result (*read_tensor)(sac_context context, const char *tensor, float *values, uint64_t capacity,
                              uint64_t *count, uint64_t *sequence);
    /* map_height x map_width elements, see sac_layer_info. */
    sac_result (*read_feature_map)(sac_context context, const char *tensor, uint32_t image, uint32_t channel,
                                   float *values, uint64_t capacity, uint64_t *count, uint64_t *sequence);

    /* [render] */
    sac_result (*get_detect_state)(sac_context context, sac_detect_state *state);
    /* [render] Class c is wanted if bit c % 32 of words[c / 32] is set; classes beyond the words are not. 0 words:
     * every class is wanted. At most 1024 words. In force from the next frame on, for the present and later models:
     * boxes of other classes are taken out after suppression (of the 1024 best), then max_detections are left. */
    sac_result (*set_class_filter)(sac_context context, const uint32_t *words, uint32_t word_count);
    sac_result (*get_class_filter)(sac_context context, uint32_t *words, uint32_t capacity, uint32_t *count);

    /* [render] The frames with an index above `after`, the oldest first (`capacity` of them; SAC_FRAME_TIMINGS are
     * remembered). */
    sac_result (*get_frame_timings)(sac_context context, uint64_t after, sac_frame_timing *timings, uint32_t capacity,
                                    uint32_t *count);

    /* [render] SAC_RUN_...: holds the newest frame if SAC_INSPECT_HOLD has kept it, else the next that is submitted,
     * which goes through once. Planes are held in a copy; an image goes back to the host and cannot be held, so that
     * with images SAC_RUN_FROZEN is as SAC_RUN_PAUSED. In mode C nothing can be held: SAC_ERROR_UNSUPPORTED for all but
     * SAC_RUN_LIVE. */
    sac_result (*set_run_mode)(sac_context context, uint32_t mode);
    /* [render] The next frame that is submitted goes through and is held from then on. SAC_ERROR_INVALID_STATE in
     * SAC_RUN_LIVE. Steps add up. */
    sac_result (*step_frame)(sac_context context);
    /* [render] Runs the held frame once more, with the settings and the model of then. SAC_ERROR_INVALID_STATE: no
     * frame is held. Replays add up. */
    sac_result (*replay_frame)(sac_context context);
    /* [render] */
    sac_result (*get_run_state)(sac_context context, sac_run_state *state);
    /* [render] */
    sac_result (*get_memory_info)(sac_context context, sac_memory_info *info);

    /* ---- version 3 ---- */

    /* By index, up to sac_network_info.node_count. */
    sac_result (*get_node_info)(sac_context context, sac_network network, uint32_t index, sac_node_info *info);
    /* Measures for a second or two. `flags`: SAC_MODEL_FP16. */
    sac_result (*measure_ceiling)(sac_context context, uint32_t flags, sac_ceiling *ceiling);
    /* [blocking] for seconds to minutes, in which no model and no other network is loaded. Measures the candidates of a
     * network on the context's device, which should do nothing else meanwhile, and keeps the winners in the context's
     * cache folder: models and networks that are loaded from then on use them, in this program and in others. */
    sac_result (*tune_network)(sac_context context, const sac_tuning_desc *desc, sac_tuning_info *info);
    /* Of the last network that the context has tuned. SAC_ERROR_NOT_FOUND beyond the last. */
    sac_result (*get_tuned_problem)(sac_context context, uint32_t index, sac_tuned_problem *problem);
} sac_debug_api;

#ifdef __cplusplus
}
#endif

#endif /* SACCADE_DEBUG_H */
