/* saccade_debug.h: the extension "sac.debug/1" of saccade.h: looking inside, for tools and panels, never for a game.
 *
 *     const sac_debug_api *debug = sac.get_extension(context, "sac.debug/1");
 *
 * A network is an ONNX file by itself, without card, preprocessing or task: loaded, run on plain numbers, and
 * described. The rules of saccade.h hold. Every call here is [blocking], and those of one context wait for one another
 * and for a model that is being loaded. */
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
    SAC_TYPE_DISPATCH_INFO = 103
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

typedef struct sac_debug_api {
    uint32_t size, version; /* size of this table; 1 */

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
} sac_debug_api;

#ifdef __cplusplus
}
#endif

#endif /* SACCADE_DEBUG_H */
