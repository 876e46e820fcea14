/* saccade_panel.h: Saccade's debug panel as a library of its own (libsaccade_panel) that draws into an image, for hosts
 * without Dear ImGui. One exported function, C99. Needs saccade.h and no Vulkan header.
 *
 * The panel looks at a context of the plugin through that plugin's own table of functions. The host tells it what
 * pointer and keyboard do, and gets pixels in CPU memory, or has the panel copied into a VkImage of its own.
 *
 * A COMPLETE EXAMPLE (link libsaccade_panel, or find sac_panel_get_api with dlsym). `sac` and `context` as in
 * saccade.h.
 *
 *     sac_panel_api panels = {.size = sizeof panels};
 *     if (sac_panel_get_api(SAC_PANEL_MAJOR, &panels) != SAC_OK) return 1;
 *
 *     sac_panel panel;
 *     sac_panel_desc desc = {.type = SAC_TYPE_PANEL_DESC, .size = sizeof desc};
 *     desc.api = &sac, desc.context = context, desc.width = 480, desc.height = 800;
 *     if (panels.create(&desc, &panel) != SAC_OK) return 1;
 *
 *     while (running) {
 *         sac_panel_event event = {.type = SAC_TYPE_PANEL_EVENT, .size = sizeof event};
 *         event.kind = SAC_PANEL_POINTER, event.x = mouse_x, event.y = mouse_y;
 *         panels.send_event(panel, &event);
 *
 *         sac_panel_pixels out = {.type = SAC_TYPE_PANEL_PIXELS, .size = sizeof out};
 *         out.pixels = pixels, out.stride = 480 * 4, out.bytes = 480 * 800 * 4;
 *         panels.draw_pixels(panel, NULL, &out, NULL);            // show `pixels` wherever the host shows pictures
 *     }
 *     panels.destroy(panel);                                      // before the context
 *
 * RULES
 *  - Structs, errors, strings and handles are as saccade.h says: `type`, `size` and `next` are set, the rest is zero
 *    or filled in; each error has a sentence; a call that fails changes nothing.
 *  - Dear ImGui has one state for a process. So the calls of this library are taken one after another, on whichever
 *    threads and panels: each may wait until the one before it is done. What it calls back (clipboard, log) must not
 *    call it again: that is refused.
 *  - [render]: any thread; does not wait for the GPU itself, but like all of them for the call before it (above).
 *    [blocking]: any thread but a render thread.
 *  - It keeps no thread and nothing else once the last panel is destroyed, and can then be unloaded. Of files it reads
 *    and writes presets alone, where the user asks for it.
 */
#ifndef SACCADE_PANEL_H
#define SACCADE_PANEL_H

#include "saccade.h"

#ifdef __cplusplus
extern "C" {
#endif

#if defined(_WIN32) && defined(SAC_PANEL_BUILD)
#define SAC_PANEL_EXPORT __declspec(dllexport)
#elif defined(__GNUC__) && !defined(_WIN32)
#define SAC_PANEL_EXPORT __attribute__((visibility("default")))
#else
#define SAC_PANEL_EXPORT
#endif

/* The major version changes when a struct or a function changes; the minor one when something is added. */
#define SAC_PANEL_MAJOR 1u
#define SAC_PANEL_MINOR 0u

enum {
    SAC_TYPE_PANEL_DESC = 300,
    SAC_TYPE_PANEL_EVENT = 301,
    SAC_TYPE_PANEL_FRAME = 302,
    SAC_TYPE_PANEL_WISHES = 303,
    SAC_TYPE_PANEL_PIXELS = 304,
    SAC_TYPE_PANEL_IMAGE = 305
};

typedef struct sac_panel {
    uint64_t id;
} sac_panel; /* 0: none */

#define SAC_PANEL_MAX_SIZE 8192u /* pixels in width and height */
/* Commands that may be under way at one time, see record(). */
#define SAC_PANEL_MAX_IN_FLIGHT 4u

enum {
    SAC_PANEL_VALIDATION = 1, /* own device: the Khronos validation layer; its messages go to the log as errors */
    SAC_PANEL_TRACKS = 2      /* the host has turned tracks on (the plugin cannot be asked) */
};

typedef struct sac_panel_desc {
    uint32_t type, size; /* SAC_TYPE_PANEL_DESC */
    const void *next;
    const sac_api *api;          /* the plugin's table, version 1.1 or newer; copied */
    sac_context context;         /* what is looked at. It must outlive the panel */
    const sac_host *host;        /* its log and user alone are used; null: silent */
    const sac_vk_device *device; /* the host's, as given to the plugin, for record(): it must outlive the panel. Its
                                  * mode, locks and queues do not matter: nothing is submitted. Null: a device of the
                                  * panel's own, for draw_pixels() */
    const char *device_name;     /* own device: an index or a part of the name; null: the best */
    const char *preset_folder;   /* where presets are read and written; null: the working directory */
    uint32_t width, height;      /* of the panel, pixels, 64 to SAC_PANEL_MAX_SIZE; 480 x 800 shows all of it */
    float scale;                 /* of letters and all else, 0.5 to 4; 0: 1 */
    float budget_ms;             /* the budget line of the frame times; 0: 33.3 */
    uint32_t format;             /* SAC_FORMAT_RGBA8 or SAC_FORMAT_BGRA8: order of what is drawn; 0: RGBA8 */
    uint32_t flags;              /* SAC_PANEL_VALIDATION, SAC_PANEL_TRACKS */
    /* The clipboard, for what the user copies and pastes; called from draw_pixels and record. Null: one of the panel's
     * own. The text of get_clipboard is copied at once; null: nothing is on it. */
    void *clipboard_user;
    const char *(*get_clipboard)(void *user);
    void (*set_clipboard)(void *user, const char *text);
} sac_panel_desc;

/* ---- what pointer and keyboard do ---- */

enum {
    SAC_PANEL_POINTER = 1, /* x, y: pixels of the panel, (0, 0) its upper left corner; may lie outside of it */
    SAC_PANEL_BUTTON = 2,  /* code: SAC_PANEL_BUTTON_...; down */
    SAC_PANEL_WHEEL = 3,   /* x, y: notches; y above 0 is up, x above 0 is left */
    SAC_PANEL_KEY = 4,     /* code: SAC_PANEL_KEY_..., 0 for others, modifiers among them; down; modifiers */
    SAC_PANEL_TEXT = 5,    /* text: UTF-8 as it was typed */
    SAC_PANEL_FOCUS = 6    /* down: 1 the panel got the focus, 0 it lost it: whatever is held is let go */
};
enum { SAC_PANEL_BUTTON_LEFT = 0, SAC_PANEL_BUTTON_RIGHT = 1, SAC_PANEL_BUTTON_MIDDLE = 2 };
enum { SAC_PANEL_CONTROL = 1, SAC_PANEL_SHIFT = 2, SAC_PANEL_ALT = 4 };
enum {
    SAC_PANEL_KEY_TAB = 1,
    SAC_PANEL_KEY_LEFT = 2,
    SAC_PANEL_KEY_RIGHT = 3,
    SAC_PANEL_KEY_UP = 4,
    SAC_PANEL_KEY_DOWN = 5,
    SAC_PANEL_KEY_PAGE_UP = 6,
    SAC_PANEL_KEY_PAGE_DOWN = 7,
    SAC_PANEL_KEY_HOME = 8,
    SAC_PANEL_KEY_END = 9,
    SAC_PANEL_KEY_INSERT = 10,
    SAC_PANEL_KEY_DELETE = 11,
    SAC_PANEL_KEY_BACKSPACE = 12,
    SAC_PANEL_KEY_SPACE = 13,
    SAC_PANEL_KEY_ENTER = 14,
    SAC_PANEL_KEY_KEYPAD_ENTER = 15,
    SAC_PANEL_KEY_ESCAPE = 16,
    SAC_PANEL_KEY_A = 65, /* select all, copy, paste, cut, redo, undo: with SAC_PANEL_CONTROL */
    SAC_PANEL_KEY_C = 67,
    SAC_PANEL_KEY_V = 86,
    SAC_PANEL_KEY_X = 88,
    SAC_PANEL_KEY_Y = 89,
    SAC_PANEL_KEY_Z = 90
};

typedef struct sac_panel_event {
    uint32_t type, size; /* SAC_TYPE_PANEL_EVENT */
    const void *next;
    uint32_t kind; /* SAC_PANEL_POINTER ... SAC_PANEL_FOCUS */
    uint32_t code;
    float x, y;
    uint32_t down;      /* 1 or 0 */
    uint32_t modifiers; /* SAC_PANEL_CONTROL ...: those held from now on */
    const char *text;
} sac_panel_event;

/* ---- what the host tells with each drawing, and what the user wishes of it ---- */

typedef struct sac_panel_frame {
    uint32_t type, size; /* SAC_TYPE_PANEL_FRAME */
    const void *next;
    const char *const *sources; /* to choose from; none: no choice is shown */
    const char *const *models;
    uint32_t source_count, model_count;
    int32_t source, model; /* index of the ones in use; -1: none of them */
    const char *message;   /* of the source or model, such as why it could not be opened; null: none */
    float frame_ms;        /* the host's last frame, start to start; 0: not known */
    float seconds;         /* since the panel was drawn before; 0: by the clock */
    /* The live frame, shown with its boxes: RGBA rows; null: none is shown. Read before the call returns. */
    const void *pixels;
    uint32_t width, height; /* pixels, up to SAC_PANEL_MAX_SIZE */
    uint32_t stride;        /* bytes from a row to the next */
    uint32_t reserved;
} sac_panel_frame;

/* Filled by the panel. */
typedef struct sac_panel_wishes {
    uint32_t type, size; /* SAC_TYPE_PANEL_WISHES */
    const void *next;
    int32_t source, model;   /* index of the frame's lists that the user chose in this drawing; -1: stay */
    uint32_t wants_pointer;  /* 1: pointer events are the panel's at the moment rather than the host's */
    uint32_t wants_keyboard; /* 1: text is being written into one of its fields */
} sac_panel_wishes;

/* ---- where it is drawn ---- */

/* The panel's width and height of pixels, rows from top to bottom, bytes R G B A (or B G R A), alpha 255. Values are
 * sRGB-coded. */
typedef struct sac_panel_pixels {
    uint32_t type, size; /* SAC_TYPE_PANEL_PIXELS */
    const void *next;
    void *pixels;
    uint64_t bytes;  /* that `pixels` has room for: at least stride * (height - 1) + 4 * width */
    uint32_t stride; /* bytes from a row to the next, at least 4 * width */
    uint32_t reserved;
} sac_panel_pixels;

/* An image of the host's: 2D, one sample; layer 0, level 0. It needs VK_IMAGE_USAGE_TRANSFER_DST_BIT, since the panel
 * is copied into it, byte by byte: it looks the same in UNORM and in SRGB images. What lies beside the panel stays. */
typedef struct sac_panel_image {
    uint32_t type, size; /* SAC_TYPE_PANEL_IMAGE */
    const void *next;
    uint64_t image;         /* VkImage */
    uint32_t format;        /* VkFormat: R8G8B8A8 or B8G8R8A8 as the panel's format says, _UNORM or _SRGB */
    uint32_t width, height; /* of the image, pixels */
    uint32_t x, y;          /* where the panel's upper left corner goes; what does not fit is cut off */
    uint32_t layout_in;     /* VkImageLayout that it is in; UNDEFINED: what was in it is lost */
    uint32_t layout_out;    /* VkImageLayout to leave it in; 0: the same as layout_in */
    uint32_t reserved;
} sac_panel_image;

/* ---- the functions ---- */

typedef struct sac_panel_api {
    uint32_t size;    /* in: sizeof(sac_panel_api). Functions beyond what the library knows come back null */
    uint32_t version; /* out: major << 16 | minor */

    /* [render] The sentence about the last call that failed on this panel, cut to `capacity` bytes with its 0, and as
     * a result its code (SAC_OK and "" if none did). With {0} or a handle that is not alive: about the last call
     * without a live panel (create, a destroyed handle). */
    sac_result (*get_last_error)(sac_panel panel, char *text, uint32_t capacity);

    /* [blocking] Several panels may live at one time. On failure *panel is {0}. The device of the host must have
     * timelineSemaphore enabled, and the family of sac_vk_device.queue_family must be able to draw. */
    sac_result (*create)(const sac_panel_desc *desc, sac_panel *panel);
    /* [blocking] Takes back what the panel asked the plugin to watch. Recorded commands are waited for, two seconds:
     * SAC_TIMEOUT: they are not done yet, and nothing was destroyed; call it again. */
    sac_result (*destroy)(sac_panel panel);
    /* [render] From the next drawing on. Takes memory. */
    sac_result (*resize)(sac_panel panel, uint32_t width, uint32_t height);

    /* [render] Events are kept in their order, for the next drawing. */
    sac_result (*send_event)(sac_panel panel, const sac_panel_event *event);
    /* [render] Brings a part to the front with the next drawing: "Overview", "Detection", "Timing", "Network",
     * "Memory" or "Presets". */
    sac_result (*open_part)(sac_panel panel, const char *name);
    /* [render] Where the pictures begin to come from another source: no object known so far gets its track id again. */
    sac_result (*forget_tracks)(sac_panel panel);
    /* [render] To be called in place of drawing while the panel is not shown: nothing is watched or timed then. */
    sac_result (*hide)(sac_panel panel);

    /* [blocking] On a device of the panel's own: draws, waits for the GPU, and copies. `frame` null: nothing to tell.
     * `wishes` null: not asked for. */
    sac_result (*draw_pixels)(sac_panel panel, const sac_panel_frame *frame, const sac_panel_pixels *pixels,
                              sac_panel_wishes *wishes);
    /* [render] On the host's device: adds the drawing to the host's commands, which must come from the queue family of
     * sac_vk_device.queue_family (another is refused). The host submits them once, to one queue and in the order in
     * which they were recorded; commands that are never executed leave the panel's pictures undefined. The semaphore
     * must outlive the panel, and is brought to done_value also where record fails for want of memory. SAC_NOT_READY:
     * SAC_PANEL_MAX_IN_FLIGHT recordings have not reached their done_value yet; nothing was drawn or recorded. */
    sac_result (*record)(sac_panel panel, const sac_panel_frame *frame, const sac_panel_image *image,
                         const sac_vk_commands *commands, sac_panel_wishes *wishes);
} sac_panel_api;

/* [render] The one exported symbol: fills the table. SAC_ERROR_UNSUPPORTED: another major version.
 * SAC_ERROR_INVALID_ARGUMENT: `api` is null or its size is smaller than version 1.0's. */
SAC_PANEL_EXPORT sac_result sac_panel_get_api(uint32_t major, sac_panel_api *api);
typedef sac_result (*sac_panel_get_api_function)(uint32_t major, sac_panel_api *api);

#ifdef __cplusplus
}
#endif

#endif /* SACCADE_PANEL_H */
