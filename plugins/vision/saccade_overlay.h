/* saccade_overlay.h: the extension "sac.overlay/1" of saccade.h: boxes and words over a host's image, for hosts that do
 * not want to draw themselves.
 *
 *     const sac_overlay_api *overlay = sac.get_extension(context, "sac.overlay/1");
 *
 *     sac_overlay what = {.type = SAC_TYPE_OVERLAY, .size = sizeof what, .snapshot = newest};
 *     sac_overlay_target target = {.type = SAC_TYPE_OVERLAY_TARGET, .size = sizeof target};
 *     target.image = image, target.format = VK_FORMAT_B8G8R8A8_SRGB, target.width = 1920, target.height = 1080;
 *     target.layout_in = VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL, target.layout_out = VK_IMAGE_LAYOUT_PRESENT_SRC_KHR;
 *     overlay->record(context, &what, &target, &commands);   // then the host submits its commands as always
 *
 * The plugin records a draw into a command buffer of the host's. It submits nothing, so this works in the same way on
 * every device that the host has lent (modes A, B and C) and needs no lock; in mode D, where the plugin has a device of
 * its own, it is refused. Masks will hang on `next` of the snapshot and have a flag of their own.
 *
 * The rules of saccade.h hold. */
#ifndef SACCADE_OVERLAY_H
#define SACCADE_OVERLAY_H

#include "saccade.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { SAC_TYPE_OVERLAY = 200, SAC_TYPE_OVERLAY_TARGET = 201 };

/* What of a snapshot is drawn. */
enum {
    SAC_OVERLAY_BOXES = 1,
    SAC_OVERLAY_LABELS = 2,    /* names of classes */
    SAC_OVERLAY_SCORES = 4,    /* "0.78", beside the label */
    SAC_OVERLAY_TRACK_IDS = 8, /* "#12", beside the label; what is tracked has the color of its track, not its class */
    SAC_OVERLAY_STATUS = 16,   /* a line below: how much was found, the time from submit to result, what was dropped */
    SAC_OVERLAY_DEFAULT = SAC_OVERLAY_BOXES | SAC_OVERLAY_LABELS | SAC_OVERLAY_SCORES | SAC_OVERLAY_TRACK_IDS
};

#define SAC_OVERLAY_MAX_LINES 64u
#define SAC_OVERLAY_IN_FLIGHT 8u /* records whose commands are not done */

/* All of it is copied by record: the snapshot may be released at once. */
typedef struct sac_overlay {
    uint32_t type, size; /* SAC_TYPE_OVERLAY */
    const void *next;
    const sac_snapshot *snapshot; /* one that is held, or made up by the host; null: none */
    const char *const *lines;     /* words: lines of text in the lower left corner, below the status; see the font */
    uint32_t line_count;          /* up to SAC_OVERLAY_MAX_LINES */
    uint32_t flags;               /* SAC_OVERLAY_...; 0: SAC_OVERLAY_DEFAULT */
    float scale;                  /* of letters and lines, up to 64; 0: by the size at which the frame is shown (1 up to
                                   * 640 pixels of the shorter side) */
    float opacity;                /* of everything, up to 1; 0: 1 */
    float line_width;             /* of boxes, in pixels of the target, up to 256; 0: by scale */
    uint32_t reserved;
} sac_overlay;

/* Where it is drawn. The image is a color attachment (VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT), 2D, with one sample; level
 * 0 of layer 0 is drawn to. It belongs to the family of the commands, or is not exclusive.
 *
 * Formats: R8G8B8A8 and B8G8R8A8, _UNORM and _SRGB, A2B10G10R10_UNORM_PACK32, and R16G16B16A16_SFLOAT. UNORM values are
 * taken as sRGB-coded; those of _SRGB and _SFLOAT (1 is white) are blended as linear light, with alphas made to look
 * alike: opaque colors are the same, half-transparent ones nearly. An image of an _SRGB format that is made with
 * VK_IMAGE_CREATE_MUTABLE_FORMAT_BIT can be drawn to as _UNORM: then they are the same, too. */
typedef struct sac_overlay_target {
    uint32_t type, size; /* SAC_TYPE_OVERLAY_TARGET */
    const void *next;
    uint64_t image;         /* VkImage */
    uint32_t format;        /* VkFormat in which it is drawn to: the image's, or see above */
    uint32_t width, height; /* of level 0 */
    /* VkImageLayouts before and after: GENERAL, COLOR_ATTACHMENT_OPTIMAL, SHADER_READ_ONLY_OPTIMAL,
     * TRANSFER_SRC_OPTIMAL, TRANSFER_DST_OPTIMAL or PRESENT_SRC_KHR. layout_out 0: the same as layout_in. */
    uint32_t layout_in, layout_out;
    uint32_t rotation; /* how the snapshot's frame is shown: 0, 90, 180 or 270 degrees clockwise from how it was */
    uint32_t mirror;   /* submitted, then, if 1, flipped left to right; as `rotation` and `mirror` of sac_frame */
    uint32_t reserved;
    /* Pixels of the target in which the whole frame, so turned, is shown: may have fractions and reach beyond the
     * image. Nothing outside of it is drawn to, and labels and words are kept inside. All 0: the whole image. */
    float area_x, area_y, area_width, area_height;
} sac_overlay_target;

typedef struct sac_overlay_api {
    uint32_t size, version; /* version 1 */

    /* [one-writer] Adds barriers and one draw to the commands, whose queue family must have VK_QUEUE_GRAPHICS_BIT.
     * Everything before them on the queue is waited for where it writes the image, everything after them sees what was
     * drawn. They leave another pipeline, set 0, vertex buffer 0, push constants, viewport and scissor bound for
     * graphics.
     *
     * Never waits for the GPU. After the first records of a size it takes no device memory; the first record of a
     * format builds its pipeline, unless prepare has done so. What the commands use is kept until done_semaphore has
     * reached done_value, and given back when it is looked at next, in record or destroy_context: the semaphore stays
     * until then. The image may go as soon as the commands are done, and commands may be thrown away if the host lets
     * the semaphore reach done_value all the same. SAC_NOT_READY: SAC_OVERLAY_IN_FLIGHT records are not done, nothing
     * was recorded.
     *
     * destroy_context waits for what is in flight up to two seconds, as it does for images. What is not done then is
     * told to the log, and what it uses is destroyed: those commands must not be executed any more. */
    sac_result (*record)(sac_context context, const sac_overlay *what, const sac_overlay_target *target,
                         const sac_vk_commands *commands);
    /* [any] Builds what records into images of that VkFormat need, some milliseconds of work for the CPU. */
    sac_result (*prepare)(sac_context context, uint32_t format);
} sac_overlay_api;

/* The font has the printable characters of ASCII. Others of UTF-8, and bytes that are none, are drawn as '?'. */

#ifdef __cplusplus
}
#endif

#endif /* SACCADE_OVERLAY_H */
