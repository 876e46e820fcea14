/* saccade.h: real-time vision for game and AR engines, on Vulkan. One shared library, one exported function, C99.
 *
 * A camera frame, or a texture that the host already holds, goes in; boxes come out, on a device of the plugin's own or
 * on the host's. Needs no Vulkan header; frames in CPU memory need no Vulkan in the host at all.
 *
 * A COMPLETE EXAMPLE (link libsaccade, or find sac_get_api with dlsym)
 *
 *     sac_api sac = {.size = sizeof sac};
 *     if (sac_get_api(SAC_MAJOR, &sac) != SAC_OK) return 1;
 *
 *     sac_context context;
 *     sac_context_desc desc = {.type = SAC_TYPE_CONTEXT_DESC, .size = sizeof desc};
 *     if (sac.create_context(&desc, &context) != SAC_OK) return 1;
 *
 *     uint32_t model_id;
 *     sac_model_desc model = {.type = SAC_TYPE_MODEL_DESC, .size = sizeof model};
 *     model.folder = "models/fastestdet";
 *     sac.load_model(context, &model, &model_id);            // returns at once, loads in the background
 *
 *     uint64_t seen = 0;
 *     while (running) {                                      // the render loop
 *         sac_frame frame = {.type = SAC_TYPE_FRAME, .size = sizeof frame};
 *         frame.width = 640, frame.height = 480, frame.format = SAC_FORMAT_RGBA8;
 *         frame.planes[0] = pixels, frame.strides[0] = 640 * 4;
 *         sac.submit_frame(context, &frame);                 // copies, returns at once; the newest frame wins
 *
 *         const sac_snapshot *result;
 *         if (sac.acquire_result(context, seen, &result) == SAC_OK) {
 *             seen = result->sequence;
 *             for (uint32_t i = 0; i < result->detection_count; ++i) draw_box(&result->detections[i]);
 *             sac.release_result(context, result);
 *         }
 *     }
 *     sac.destroy_context(context);
 *
 * RULES
 *  - Every struct that is handed over starts with `type` (SAC_TYPE_...), `size` (sizeof) and `next`. Set all
 *    three, zero the rest, and fill in what you need: zero means the default everywhere. A struct may be longer
 *    than the plugin knows (a newer header) as long as the unknown tail is zero. A wrong type, a short struct, an
 *    unknown tail or an unknown `next` is refused with a sentence.
 *  - Every call returns a sac_result: 0 is success, negative an error, positive a "no" that is not an error. After
 *    an error, get_last_error gives one sentence that names the field, file or node. A call that fails changes
 *    nothing.
 *  - Handles are numbers that are never used twice: one that was destroyed is recognised and refused.
 *  - Threads. [any]: any thread at any time. [render]: as [any], and it never waits for the GPU, so it is safe on
 *    a render thread. [one-writer]: as [render], but by one thread at a time; overlapping calls are refused.
 *    [blocking]: any thread but a render thread.
 *  - Strings are UTF-8 and end with 0. Those given in are copied. Boxes are in pixels. Times are nanoseconds.
 *  - The plugin keeps two threads for each context (frames and loading) and nothing once the last context is
 *    destroyed: the library can then be unloaded. It changes no global state of the process, of Vulkan or of the
 *    host's device.
 *  - It does not open cameras or video files, or download, and draws nothing unless asked to (saccade_overlay.h). It
 *    writes the pipeline cache, and beside it what was measured when a network is tuned (see cache_directory).
 */
#ifndef SACCADE_H
#define SACCADE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(_WIN32) && defined(SAC_BUILD)
#define SAC_EXPORT __declspec(dllexport)
#elif defined(_WIN32)
#define SAC_EXPORT
#elif defined(__GNUC__)
#define SAC_EXPORT __attribute__((visibility("default")))
#else
#define SAC_EXPORT
#endif

/* The major version changes when a struct or a function changes; the minor one when something is added. */
#define SAC_MAJOR 1u
#define SAC_MINOR 3u

/* ---- results ---- */

typedef int32_t sac_result;
enum {
    SAC_OK = 0,
    SAC_NOT_READY = 1,               /* nothing new, or not yet; not an error */
    SAC_TIMEOUT = 2,                 /* the time given to a [blocking] call ran out; not an error */
    SAC_ERROR_INVALID_ARGUMENT = -1, /* a field or argument has a value that is not allowed */
    SAC_ERROR_INVALID_STATE = -2,    /* calls in the wrong order */
    SAC_ERROR_NOT_FOUND = -3,        /* a file, model or handle does not exist (any more) */
    SAC_ERROR_INVALID_FILE = -4,     /* a model or card is damaged or not what it should be */
    SAC_ERROR_UNSUPPORTED = -5,      /* understood, but not to be had here */
    SAC_ERROR_OUT_OF_MEMORY = -6,    /* host or device memory */
    SAC_ERROR_DEVICE_LOST = -7,      /* the Vulkan device is gone; destroy the context */
    SAC_ERROR_VULKAN = -8,           /* another Vulkan call failed */
    SAC_ERROR_NO_DEVICE = -9,        /* no usable Vulkan device */
    SAC_ERROR_IO = -10,              /* reading or writing failed */
    SAC_ERROR_CANCELLED = -11,       /* the context was destroyed meanwhile */
    SAC_ERROR_INTERNAL = -12         /* a bug of the plugin */
};

/* Values of `type`, the first member of every struct. */
enum {
    SAC_TYPE_CONTEXT_DESC = 1,
    SAC_TYPE_HOST = 2,
    SAC_TYPE_REQUIREMENTS = 3,
    SAC_TYPE_VK_DEVICE = 4,
    SAC_TYPE_CONTEXT_INFO = 5,
    SAC_TYPE_MODEL_DESC = 6,
    SAC_TYPE_MODEL_INFO = 7,
    SAC_TYPE_DETECT_SETTINGS = 8,
    SAC_TYPE_FRAME = 9,
    SAC_TYPE_VK_IMAGE = 10,
    SAC_TYPE_SNAPSHOT = 11,
    SAC_TYPE_STATISTICS = 12,
    SAC_TYPE_TRACK_SETTINGS = 13, /* 1.1 */
    SAC_TYPE_VK_COMMANDS = 14,    /* 1.2 */
    SAC_TYPE_BUDGET = 15,         /* 1.3, as the next two */
    SAC_TYPE_BUDGET_STATE = 16,
    SAC_TYPE_SLICES = 17
};

typedef struct sac_context {
    uint64_t id;
} sac_context; /* 0: none */

/* ---- the host's table: one for each context ---- */

enum { SAC_LOG_DEBUG = 0, SAC_LOG_INFO = 1, SAC_LOG_WARNING = 2, SAC_LOG_ERROR = 3 };

/* Every function may be null, and is called with `user`, from any thread, never after destroy_context has returned.
 * They must not call back into the same context. */
typedef struct sac_host {
    uint32_t type, size; /* SAC_TYPE_HOST */
    const void *next;
    void *user;
    /* Null: silent. `level` is SAC_LOG_... */
    void (*log)(void *user, int32_t level, const char *message);
    /* The memory of the snapshots, one block for each context; all else comes from the C++ heap. Both or none; null:
     * malloc. Null as a result is SAC_ERROR_OUT_OF_MEMORY. `alignment` is a power of two. */
    void *(*allocate)(void *user, uint64_t size, uint64_t alignment);
    void (*free)(void *user, void *memory);
    /* Reads a model's files (card.json, the ONNX file) for hosts with an asset system; null: the file system. Called
     * twice for a file: first with `buffer` null to set *size, then to fill *size bytes. Any result but SAC_OK is
     * passed on as a file not found. A model read this way cannot have external data. */
    sac_result (*read_asset)(void *user, const char *path, void *buffer, uint64_t *size);
    /* Taken round every use of a shared queue (modes B and C). Both or none. */
    void (*lock_queue)(void *user);
    void (*unlock_queue)(void *user);
} sac_host;

/* ---- the host's Vulkan device ---- */

/* What a host's device must and should have. Arrays and strings are valid as long as the library is loaded. Features
 * are written "struct.member", as in "VkPhysicalDeviceVulkan12Features.timelineSemaphore". sac.overlay/1 needs more:
 * see there. */
typedef struct sac_requirements {
    uint32_t type, size; /* SAC_TYPE_REQUIREMENTS */
    const void *next;
    uint32_t vulkan_version; /* at least this, as VK_MAKE_API_VERSION: of the instance and of the device */
    uint32_t queue_flags;    /* VkQueueFlags that the queue's family must have */
    uint32_t image_usage;    /* VkImageUsageFlags that a submitted VkImage must have */
    uint32_t needed_extension_count, wanted_extension_count;
    uint32_t needed_feature_count, wanted_feature_count;
    uint32_t reserved;
    const char *const *needed_extensions; /* of the device */
    const char *const *wanted_extensions; /* used where enabled */
    const char *const *needed_features;
    const char *const *wanted_features;
} sac_requirements;

enum {
    SAC_MODE_OWN_DEVICE = 0, /* D: a device of the plugin's own; CPU frames only. Always works where Vulkan 1.2 does */
    SAC_MODE_OWN_QUEUE = 1,  /* A: the host's device and a queue for this context alone; B where there is none */
    SAC_MODE_SHARED_QUEUE = 2, /* B: the host's device and queue, under lock_queue and unlock_queue of sac_host */
    /* C: the host's device, and frames in the host's own command buffers by record_frame: no submission of the plugin's
     * carries a frame. Models are loaded on the host's queue as in B. Since 1.2 */
    SAC_MODE_HOST_COMMANDS = 3
};
#define SAC_NO_QUEUE 0xFFFFFFFFu

typedef void (*sac_proc)(void);

/* A Vulkan device of the host's, which must outlive the context. Nothing of it is changed or destroyed;
 * vkDeviceWaitIdle is never called on it. Vulkan cannot be asked what was enabled, so it is told here. */
typedef struct sac_vk_device {
    uint32_t type, size; /* SAC_TYPE_VK_DEVICE */
    const void *next;
    uint32_t mode;                   /* SAC_MODE_..., but for SAC_MODE_OWN_DEVICE */
    uint32_t vulkan_version;         /* the instance's apiVersion */
    sac_proc get_instance_proc_addr; /* PFN_vkGetInstanceProcAddr */
    void *instance;                  /* VkInstance */
    void *physical_device;           /* VkPhysicalDevice */
    void *device;                    /* VkDevice */
    /* Of the device; and VK_EXT_debug_utils if the instance has it: the plugin's objects get names only then. */
    const char *const *enabled_extensions;
    const void *enabled_features; /* VkPhysicalDeviceFeatures2, chain as given to vkCreateDevice */
    uint32_t enabled_extension_count;
    uint32_t queue_family, queue_index; /* the queue that the host uses: shared in modes B and C */
    uint32_t own_queue_family;          /* mode A: a queue that the host leaves to the plugin */
    uint32_t own_queue_index;           /* SAC_NO_QUEUE: there is none */
    uint32_t reserved;
} sac_vk_device;

/* ---- contexts ---- */

enum {
    SAC_CONTEXT_VALIDATION = 1 /* mode D: the Khronos validation layer; its messages go to the log as errors */
};

typedef struct sac_context_desc {
    uint32_t type, size; /* SAC_TYPE_CONTEXT_DESC */
    const void *next;
    const sac_host *host;        /* null: no log, malloc, the file system */
    const sac_vk_device *device; /* null: mode D */
    /* Mode D: an index or a part of the name. Null: SACCADE_DEVICE of the environment, else the best. */
    const char *device_name;
    /* Where the pipeline cache lies. Null: the user's ($SACCADE_CACHE_DIR, $XDG_CACHE_HOME/saccade ...); "": none. */
    const char *cache_directory;
    uint32_t flags;          /* SAC_CONTEXT_... */
    uint32_t snapshot_count; /* results that can be held at one time, 2 to 64; 0: 8 */
} sac_context_desc;

typedef struct sac_context_info {
    uint32_t type, size; /* SAC_TYPE_CONTEXT_INFO */
    const void *next;
    uint32_t mode;               /* the mode in use: SAC_MODE_OWN_QUEUE may have become SAC_MODE_SHARED_QUEUE */
    sac_result state;            /* SAC_OK, or the error that ended the context's work */
    uint32_t vulkan_version;     /* the device's */
    uint32_t is_cpu;             /* 1: a CPU driver */
    uint64_t device_memory;      /* bytes of device memory taken from the driver */
    uint64_t driver_allocations; /* vkAllocateMemory calls so far: constant after warm-up */
    uint64_t pipelines_built;    /* so far: constant after warm-up */
    char device_name[256];
    char driver_name[256];
} sac_context_info;

/* ---- models ---- */

enum {
    SAC_MODEL_FP16 = 1 /* weights and activations stored as halves: half the memory, results within some 1e-3 */
};

/* A model is a folder with a card.json (task, input, head, labels, thresholds) and a model.onnx. */
typedef struct sac_model_desc {
    uint32_t type, size; /* SAC_TYPE_MODEL_DESC */
    const void *next;
    const char *folder;
    const char *weights; /* an ONNX file to read instead of the folder's; null: the folder's */
    uint32_t slot;       /* which of the context's models this one takes the place of; there is one: 0 */
    uint32_t flags;      /* SAC_MODEL_... */
} sac_model_desc;

enum {
    SAC_MODEL_LOADING = 1,  /* the model before it goes on working meanwhile */
    SAC_MODEL_READY = 2,    /* frames taken up from now on go through it */
    SAC_MODEL_REPLACED = 3, /* was ready; a newer one has taken its place */
    SAC_MODEL_FAILED = 4    /* see error; the model before it goes on working */
};

typedef struct sac_model_info {
    uint32_t type, size; /* SAC_TYPE_MODEL_INFO */
    const void *next;
    uint32_t id;
    uint32_t state;                     /* SAC_MODEL_... */
    sac_result result;                  /* if failed: why */
    uint32_t input_width, input_height; /* pixels that the network sees */
    uint32_t label_count;
    uint32_t dispatch_count;              /* of the network */
    float load_ms;                        /* from load_model to ready */
    float score_threshold, iou_threshold; /* the card's */
    char name[64], task[32];
    char error[512]; /* if failed: one sentence */
} sac_model_info;

/* Settings of detection, in force from the next frame on, for the slot's present and later models. */
typedef struct sac_detect_settings {
    uint32_t type, size; /* SAC_TYPE_DETECT_SETTINGS */
    const void *next;
    uint32_t slot;
    uint32_t max_detections; /* 1 to 1024; 0: the card's */
    float score_threshold;   /* 0 to 1; 0: the card's */
    float iou_threshold;     /* 0 to 1: boxes that overlap a better one of their class by more go; 0: the card's */
} sac_detect_settings;

/* Tracks: the same object gets the same track_id in one frame after another, also after it was hidden. By motion alone:
 * nothing is known of how objects look. */
typedef struct sac_track_settings {
    uint32_t type, size; /* SAC_TYPE_TRACK_SETTINGS */
    const void *next;
    uint32_t slot;
    uint32_t enabled;       /* 1: detections get track ids. 0, as at first: they do not */
    uint32_t min_hits;      /* boxes in a row until an object gets its id, 1 to 100; 0: 2 */
    uint32_t max_hidden_ms; /* an object that is not seen for so long is forgotten, up to 60000; 0: 2000 */
    /* 0 to 1: boxes down to this score, below the score threshold, are looked at to find known objects again, and are
     * among the detections if they are one. 0: half of the score threshold; 1: none. */
    float weak_score;
    uint32_t reserved;
} sac_track_settings;

/* The GPU time that a frame of the host's has left for this context. A frame of the plugin's goes through in slices
 * then, of which each host frame has one: preprocessing, parts of the network, the head. How long they take is learned
 * from the device's timestamps, or without them from when they are done. Loading a model is not part of it. */
typedef struct sac_budget {
    uint32_t type, size; /* SAC_TYPE_BUDGET */
    const void *next;
    uint32_t budget_us;     /* up to 1000000; 0, as at first: there is none, and every frame goes through at once */
    uint32_t least_us;      /* what the governor leaves, up to budget_us; 0: an eighth of it */
    uint32_t host_frame_us; /* what a host frame should take, up to 1000000; 0: 16667 (60 a second) */
    uint32_t reserved;
} sac_budget;

typedef struct sac_budget_state {
    uint32_t type, size; /* SAC_TYPE_BUDGET_STATE */
    const void *next;
    uint32_t budget_us, least_us, host_frame_us; /* as in force: a number where 0 stood for one; at first 0, 0, 16667 */
    uint32_t granted_us;                         /* what the governor lets a slice have now */
    uint64_t host_frames, missed;                /* calls of host_frame; of them, those that told of a late one */
    uint64_t slices;                             /* that have run so far */
    float slice_us, expected_us;                 /* of the newest slice: what it took, and what was expected of it */
} sac_budget_state;

/* ---- frames ---- */

enum {
    SAC_FORMAT_RGB8 = 1,  /* 1 plane, 3 bytes a pixel */
    SAC_FORMAT_RGBA8 = 2, /* 1 plane, 4 bytes a pixel; alpha is ignored */
    SAC_FORMAT_BGRA8 = 3,
    SAC_FORMAT_NV12 = 4, /* 2 planes: Y, and UV interleaved at half width and height (rounded up) */
    SAC_FORMAT_I420 = 5, /* 3 planes: Y, U, V */
    SAC_FORMAT_YUYV = 6  /* 1 plane: Y0 U Y1 V for two pixels; an odd width has a whole last group */
};
enum {
    SAC_COLOR_BT601_LIMITED = 0, /* how YUV formats are coded; ignored for the others. Limited: Y from 16 to 235 */
    SAC_COLOR_BT601_FULL = 1,
    SAC_COLOR_BT709_LIMITED = 2,
    SAC_COLOR_BT709_FULL = 3
};

#define SAC_MAX_FRAME_SIZE 16384u /* pixels in width and height */

/* A texture of the host's device, not for mode D: 2D, one sample, layer 0 and level 0 are read. Of mode C, see
 * record_frame; in A and B the plugin waits for `wait`, reads on its queue, and signals `signal` (timeline semaphores;
 * 0: none). Every accepted image is waited for and signalled exactly once, also when its frame is dropped; after a lost
 * device nothing is signalled. The wait is a thread's of the plugin: nothing is submitted before it is over, so that
 * the work that signals `wait` may be submitted to any queue at any time. A wait that is not over two seconds after
 * destroy_context was called is given up: the log is told, the frame released, nothing signalled. The image is read by
 * sampling: it needs the usage named in sac_requirements. `queue_family` is taken at its word: where it is not the
 * plugin's family, the host records its half of the transfer. */
typedef struct sac_vk_image {
    uint32_t type, size; /* SAC_TYPE_VK_IMAGE */
    const void *next;
    uint64_t image;      /* VkImage */
    uint32_t format;     /* VkFormat: R8G8B8A8 or B8G8R8A8, _UNORM or _SRGB */
    uint32_t layout_in;  /* VkImageLayout that it is in when the wait is over */
    uint32_t layout_out; /* VkImageLayout to leave it in; 0: the same as layout_in */
    /* That owns it and gets it back: one of the device's, VK_QUEUE_FAMILY_EXTERNAL or, if VK_EXT_queue_family_foreign
     * is among the enabled extensions, VK_QUEUE_FAMILY_FOREIGN_EXT. VK_QUEUE_FAMILY_IGNORED: not exclusive. */
    uint32_t queue_family;
    uint64_t wait_semaphore, wait_value;
    uint64_t signal_semaphore, signal_value;
} sac_vk_image;

/* One frame: planes in CPU memory, or an image. */
typedef struct sac_frame {
    uint32_t type, size; /* SAC_TYPE_FRAME */
    const void *next;
    uint64_t frame_id;     /* the host's; comes back in the snapshot, as do timestamp and cookie */
    uint64_t timestamp_ns; /* the host's clock */
    uint64_t cookie;
    uint32_t width, height; /* pixels, 1 to SAC_MAX_FRAME_SIZE */
    uint32_t rotation;      /* 0, 90, 180, 270: how far the picture must be turned clockwise to stand upright */
    uint32_t mirror;        /* 1: flipped left to right (seen upright) before the network sees it */
    uint32_t format;        /* SAC_FORMAT_..., for CPU planes */
    uint32_t color;         /* SAC_COLOR_... */
    const void *planes[3];
    uint32_t strides[3]; /* bytes from a row to the next, at least a row's */
    uint32_t reserved;
    const sac_vk_image *image; /* null: CPU planes */
    /* Null: the planes are copied before the call returns (an image is always used in place). Otherwise planes or
     * image belong to the plugin until this is called, exactly once for each accepted frame: used, dropped, failed or
     * left over at destroy_context. It is called from any thread, also from inside submit_frame (of a newer frame), and
     * must return quickly. Not called for a refused frame. */
    void (*release)(void *user, uint64_t cookie);
    void *release_user;
} sac_frame;

#define SAC_MAX_RECORDED 4u /* frames that record_frame has in flight at one time */

/* A command buffer that the host is recording and that a call adds to. The host submits it once. What was bound for
 * compute before the call (pipeline, descriptor sets, push constants) is not bound any more. When the semaphore reaches
 * done_value the commands are over: executed, or thrown away, in which case the host signals it itself
 * (vkSignalSemaphore) and never submits them. A thread of the plugin waits for it: it must live as long. A value that
 * it has reached already is refused. */
typedef struct sac_vk_commands {
    uint32_t type, size; /* SAC_TYPE_VK_COMMANDS */
    const void *next;
    void *command_buffer;  /* VkCommandBuffer: primary, being recorded, outside of a render pass */
    uint32_t queue_family; /* of its pool */
    uint32_t reserved;
    uint64_t done_semaphore; /* VkSemaphore, a timeline: the host's submission brings it to done_value */
    uint64_t done_value;
} sac_vk_commands;

/* ---- results ---- */

/* Pixels of the frame as it was submitted (before rotation and mirroring), (0, 0) its upper left corner, clipped to the
 * frame. */
typedef struct sac_detection {
    float x1, y1, x2, y2;
    float score; /* 0 to 1 */
    uint32_t class_id;
    uint32_t track_id; /* never given twice in a context; 0: not tracked, or seen too few times */
    uint32_t reserved;
    const char *label; /* as long as the snapshot */
} sac_detection;

/* What one frame gave. It never changes; it stays until released as often as it was acquired. Results of tasks to come
 * hang on `next`. */
typedef struct sac_snapshot {
    uint32_t type, size; /* SAC_TYPE_SNAPSHOT */
    const void *next;
    uint64_t sequence;                       /* 1, 2, 3 ... of this context */
    uint64_t frame_id, timestamp_ns, cookie; /* of the source frame */
    uint64_t submitted_ns, finished_ns;      /* by now_ns: age is now_ns() - submitted_ns */
    uint64_t dropped_newer;                  /* frames dropped so far because a newer one came before their turn */
    uint64_t dropped_failed;                 /* frames dropped so far because something failed */
    uint32_t width, height;                  /* of the source frame, as submitted */
    uint32_t model_id;
    float gpu_us; /* GPU time of this frame in microseconds; 0: the device has no timestamps */
    uint32_t detection_count;
    uint32_t candidate_count;        /* places above the score threshold (tracked: above the weak score) before
                                      * overlapping ones were dropped */
    const sac_detection *detections; /* best score first */
} sac_snapshot;

/* Hangs on `next` of the snapshot of a frame that went through in slices. 1.3 */
typedef struct sac_slices {
    uint32_t type, size; /* SAC_TYPE_SLICES */
    const void *next;
    uint32_t count;    /* of slices */
    float longest_us;  /* GPU time of the longest; without timestamps from submit to done */
    uint64_t begun_ns; /* by now_ns: when the first was submitted, or recorded */
} sac_slices;

typedef struct sac_statistics {
    uint32_t type, size; /* SAC_TYPE_STATISTICS */
    const void *next;
    uint64_t submitted; /* frames accepted; each ends in one of the next three, or is pending or in progress */
    uint64_t finished;  /* gave a snapshot */
    uint64_t dropped_newer;
    uint64_t dropped_failed;
    uint64_t newest_sequence; /* of the newest snapshot; 0: none */
    uint32_t snapshots_held;  /* acquired and not released */
    uint32_t model_id;        /* the one in use; 0: none */
    uint32_t models_loading;
    float gpu_us, latency_us; /* of the newest snapshot; latency from submit to finished */
    uint32_t reserved;
} sac_statistics;

/* ---- the functions ---- */

typedef struct sac_api {
    uint32_t size;    /* in: sizeof(sac_api). Functions beyond what the plugin knows come back null */
    uint32_t version; /* out: major << 16 | minor */

    /* [any] The sentence about the last call that failed on this context, cut to `capacity` bytes with its 0, and as a
     * result its code (SAC_OK and "" if none did). With {0} or a handle that is not alive: about the last call without
     * a live context (create_context, a destroyed handle). Calls that fail on several threads overwrite one another's
     * sentence. */
    sac_result (*get_last_error)(sac_context context, char *text, uint32_t capacity);
    /* [any] The plugin's monotonic clock, the one of submitted_ns and finished_ns. */
    uint64_t (*now_ns)(void);
    /* [any] What to enable on a device that is to be handed over. Needs no context. Set type and size. */
    sac_result (*get_requirements)(sac_requirements *requirements);

    /* [blocking] Several contexts may live side by side, on one or several devices and instances. On failure *context
     * is {0}. */
    sac_result (*create_context)(const sac_context_desc *desc, sac_context *context);
    /* [blocking] Waits for what is in progress (see sac_vk_image and record_frame), releases all frames and ends the
     * threads.
     * Snapshots of it become invalid. Calls that wait in it on other threads come back with SAC_ERROR_CANCELLED. */
    sac_result (*destroy_context)(sac_context context);
    /* [any] */
    sac_result (*get_context_info)(sac_context context, sac_context_info *info);

    /* [render] Starts loading in the background, returns at once. The slot's model before it goes on until the new one
     * has dispatched every pipeline; then they change between two frames. Of several calls in a row only the newest is
     * sure to be loaded. *model_id (may be null) counts from 1. Refused at once: null or empty folder, unknown slot or
     * flags. All else: see get_model_info. */
    sac_result (*load_model)(sac_context context, const sac_model_desc *desc, uint32_t *model_id);
    /* [render] model_id 0: the newest that was asked for. The last 16 are remembered. */
    sac_result (*get_model_info)(sac_context context, uint32_t model_id, sac_model_info *info);
    /* [blocking] Until the model is no longer loading. SAC_OK: ready (or replaced). A failed one gives its code. */
    sac_result (*wait_model)(sac_context context, uint32_t model_id, uint32_t timeout_ms);
    /* [render] */
    sac_result (*set_detect_settings)(sac_context context, const sac_detect_settings *settings);

    /* [one-writer] Takes a frame. Never waits for the GPU; after the first frames of a size it takes no memory. One
     * frame can be pending: a newer one replaces it, and the older one is counted as dropped. SAC_NOT_READY: no model
     * is ready yet, the frame was not taken. SAC_ERROR_INVALID_STATE: no model was ever asked for, or the only one
     * failed. */
    sac_result (*submit_frame)(sac_context context, const sac_frame *frame);
    /* [render] The newest result, if its sequence is above `after` (0: any); else SAC_NOT_READY and *snapshot is null.
     * Any number of readers. An error that ended the context's work is returned once there is nothing new any more. */
    sac_result (*acquire_result)(sac_context context, uint64_t after, const sac_snapshot **snapshot);
    /* [blocking] The same, waiting. If the frames submitted so far have all failed since `after`, the error of the
     * last. */
    sac_result (*wait_result)(sac_context context, uint64_t after, uint32_t timeout_ms, const sac_snapshot **snapshot);
    /* [render] One release for each acquire. With all snapshots held, new results are dropped (as failed) until one is
     * released. */
    sac_result (*release_result)(sac_context context, const sac_snapshot *snapshot);
    /* [render] */
    sac_result (*get_statistics)(sac_context context, sac_statistics *statistics);

    /* [any] A table of more functions by name and version: "sac.debug/1" (saccade_debug.h), "sac.overlay/1"
     * (saccade_overlay.h). Null: there is no such thing. The table is valid as long as the library is loaded. */
    const void *(*get_extension)(sac_context context, const char *name);

    /* ---- 1.1 ---- */

    /* [render] In force from the next submitted frame on, for the slot's present and later models. Every call begins
     * anew: no object known so far gets its id again. So it is also what to call where the frames' source changes.
     * All are forgotten as well when the model or the frames' size changes and when timestamps go back. Where
     * timestamp_ns stays the same from frame to frame, the times of submission count. */
    sac_result (*set_track_settings)(sac_context context, const sac_track_settings *settings);

    /* ---- 1.2 ---- */

    /* [one-writer] Mode C, in the place of submit_frame (which the other modes have): adds a frame's work to commands
     * of the host's, from preprocessing to the way back of the small result, with all barriers, also against the frames
     * recorded before, whose memory it shares: the host submits to the queue of sac_vk_device. An image is read where
     * the commands stand, taken from layout_in to layout_out (and from and to queue_family) by them; its semaphores
     * must be 0, as the host's own submission waits and signals. Planes are copied before this returns. Never waits for
     * the GPU, and takes no memory once SAC_MAX_RECORDED frames of a size have been seen.
     *   SAC_NOT_READY, and nothing was recorded: no model is ready yet; the frame is the first of its format, for which
     * a thread of the plugin now prepares (on the host's queue); or SAC_MAX_RECORDED frames are in flight. After an
     * error nothing was recorded either.
     *   Results come in the order of recording, each when its commands are over; then `release` is called. Settings,
     * model and tracks are those of the recording. A frame whose commands were thrown away is counted as
     * dropped_failed. Commands that are not over two seconds after destroy_context was called are given up: the log is
     * told and the frame released, but what they use is destroyed, so that they must neither be running any more when
     * destroy_context returns nor be submitted after it. */
    sac_result (*record_frame)(sac_context context, const sac_frame *frame, const sac_vk_commands *commands);

    /* ---- 1.3 ---- */

    /* [render] In force from the next slice on. SAC_ERROR_UNSUPPORTED: mode C on a device without timestamps. */
    sac_result (*set_budget)(sac_context context, const sac_budget *budget);
    /* [render] To be called once in each frame of the host's, at its beginning. With a budget it lets the next slice
     * go; no more than one is ever under way, and a call meanwhile counts once. `frame_us` is how long the host's last
     * frame took; 0: since the last call. More than a quarter above host_frame_us, it was late: the governor halves
     * what it grants, at most every third frame, and with each frame in time gives back a hundredth of the budget. More
     * than a second is a pause, not a late frame. A host that does not call it for four host frames gets a slice every
     * host_frame_us. */
    sac_result (*host_frame)(sac_context context, uint32_t frame_us);
    /* [render] */
    sac_result (*get_budget_state)(sac_context context, sac_budget_state *state);
    /* [one-writer] Mode C with a budget: record_frame records a frame's first slice, and this one slice more, with the
     * same barriers, into other commands; all must be submitted in the order of recording.
     * SAC_NOT_READY, and nothing was recorded: no frame has slices left, which is when record_frame takes the next one
     * (until then it answers SAC_NOT_READY), or SAC_MAX_RECORDED of them are in flight. If the commands of one slice
     * are thrown away the frame is dropped (dropped_failed). An image is read by the first slice alone, but released
     * after the last. */
    sac_result (*record_slice)(sac_context context, const sac_vk_commands *commands);
} sac_api;

/* [any] The one exported symbol: fills the table. SAC_ERROR_UNSUPPORTED: another major version.
 * SAC_ERROR_INVALID_ARGUMENT: `api` is null or its size is smaller than version 1.0's. */
SAC_EXPORT sac_result sac_get_api(uint32_t major, sac_api *api);
typedef sac_result (*sac_get_api_function)(uint32_t major, sac_api *api);

#ifdef __cplusplus
}
#endif

#endif /* SACCADE_H */
