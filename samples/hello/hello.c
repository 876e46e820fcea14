/* hello MODEL_FOLDER IMAGE.png [WEIGHTS]: one image in, boxes out, through the C ABI alone. Pictures are PNG because
 * stb_image, in the versions that Linux distributions carry, writes out of bounds on damaged JPEGs. */
#include <saccade.h>
#include <stdio.h>
#include <string.h>

#define STBI_ONLY_PNG
#define STBI_NO_LINEAR
#define STB_IMAGE_IMPLEMENTATION
#include <stb_image.h>

static sac_api sac;
static sac_context context;

static int fail(const char *what) {
    char text[512];
    sac.get_last_error(context, text, sizeof text);
    fprintf(stderr, "hello: %s: %s\n", what, text);
    if (context.id) sac.destroy_context(context);
    return 1;
}

static void print_log(void *user, int32_t level, const char *message) {
    (void)user;
    if (level >= SAC_LOG_WARNING) fprintf(stderr, "saccade: %s\n", message);
}

int main(int argc, char **argv) {
    if (argc < 3 || argc > 4) {
        fprintf(stderr, "usage: hello MODEL_FOLDER IMAGE.png [WEIGHTS]\n");
        return 2;
    }
    int width, height, channels;
    unsigned char *pixels = stbi_load(argv[2], &width, &height, &channels, 3);
    if (!pixels) {
        fprintf(stderr, "hello: %s: %s (it should be a PNG)\n", argv[2], stbi_failure_reason());
        return 1;
    }

    sac.size = sizeof sac;
    if (sac_get_api(SAC_MAJOR, &sac) != SAC_OK) {
        fprintf(stderr, "hello: this libsaccade is of another version\n");
        return 1;
    }
    sac_host host = {.type = SAC_TYPE_HOST, .size = sizeof host, .log = print_log};
    sac_context_desc desc = {.type = SAC_TYPE_CONTEXT_DESC, .size = sizeof desc, .host = &host};
    if (sac.create_context(&desc, &context) != SAC_OK) return fail("no context");

    /* A game would go on drawing while the model is loaded, and acquire results as they come; a tool may wait. */
    sac_model_desc model = {.type = SAC_TYPE_MODEL_DESC, .size = sizeof model};
    model.folder = argv[1];
    model.weights = argc > 3 ? argv[3] : NULL;
    if (sac.load_model(context, &model, NULL) != SAC_OK) return fail(argv[1]);
    if (sac.wait_model(context, 0, 60000) != SAC_OK) return fail(argv[1]);

    sac_frame frame = {.type = SAC_TYPE_FRAME, .size = sizeof frame, .format = SAC_FORMAT_RGB8};
    frame.width = (uint32_t)width;
    frame.height = (uint32_t)height;
    frame.planes[0] = pixels;
    frame.strides[0] = 3 * frame.width;
    if (sac.submit_frame(context, &frame) != SAC_OK) return fail(argv[2]);

    const sac_snapshot *result;
    if (sac.wait_result(context, 0, 60000, &result) != SAC_OK) return fail(argv[2]);
    for (uint32_t i = 0; i < result->detection_count; ++i) {
        const sac_detection *d = &result->detections[i];
        printf("%-14s %.2f  (%.0f, %.0f) to (%.0f, %.0f)\n", d->label, d->score, d->x1, d->y1, d->x2, d->y2);
    }
    printf("%u objects in %.1f ms\n", result->detection_count, (result->finished_ns - result->submitted_ns) * 1e-6);
    sac.release_result(context, result);
    sac.destroy_context(context);
    stbi_image_free(pixels);
    return 0;
}
