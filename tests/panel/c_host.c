/* A host in C99 that has no ImGui: loads the panel's library, shows a context of the plugin without a model, and
 * unloads it again, as often as it is told to. Writes what the panel showed last.
 *
 *     panel_c_host <libsaccade_panel> <picture.ppm> <times> */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "saccade_panel.h"

enum { WIDTH = 480, HEIGHT = 800, DRAWS = 3 };

static int errors;

static void on_log(void *user, int32_t level, const char *message) {
    (void)user;
    if (level != SAC_LOG_ERROR) return;
    ++errors;
    fprintf(stderr, "%s\n", message);
}

/* Draws a panel of a freshly loaded library into `pixels`. Null: it went well. */
static const char *show(const char *path, const sac_api *sac, sac_context context, uint8_t *pixels) {
    void *const library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) return dlerror();
    sac_panel_get_api_function get;
    *(void **)&get = dlsym(library, "sac_panel_get_api");
    if (!get) return "sac_panel_get_api is not exported";
    sac_panel_api panels = {.size = sizeof panels};
    if (get(SAC_PANEL_MAJOR, &panels) != SAC_OK) return "sac_panel_get_api";

    sac_host host = {.type = SAC_TYPE_HOST, .size = sizeof host, .log = on_log};
    sac_panel panel;
    sac_panel_desc desc = {.type = SAC_TYPE_PANEL_DESC, .size = sizeof desc};
    desc.api = sac, desc.context = context, desc.host = &host, desc.width = WIDTH, desc.height = HEIGHT;
    desc.flags = getenv("SACCADE_TEST_NO_VALIDATION") ? 0 : SAC_PANEL_VALIDATION;
    if (panels.create(&desc, &panel) != SAC_OK) return "create";

    sac_panel_event event = {.type = SAC_TYPE_PANEL_EVENT, .size = sizeof event};
    event.kind = SAC_PANEL_POINTER, event.x = 40, event.y = 752; /* over the first button */
    if (panels.send_event(panel, &event) != SAC_OK) return "send_event";
    for (int i = 0; i < DRAWS; ++i) {
        sac_panel_pixels out = {.type = SAC_TYPE_PANEL_PIXELS, .size = sizeof out};
        out.pixels = pixels, out.stride = WIDTH * 4, out.bytes = WIDTH * HEIGHT * 4;
        sac_panel_wishes wishes = {.type = SAC_TYPE_PANEL_WISHES, .size = sizeof wishes};
        if (panels.draw_pixels(panel, NULL, &out, &wishes) != SAC_OK) return "draw_pixels";
        if (wishes.source != -1) return "a source was wished for";
    }
    if (panels.destroy(panel) != SAC_OK) return "destroy";
    if (dlclose(library) != 0) return dlerror();
    return NULL;
}

static int is_mapped(void) {
    char line[1024];
    int found = 0;
    FILE *const maps = fopen("/proc/self/maps", "r");
    while (maps && fgets(line, sizeof line, maps)) found |= strstr(line, "libsaccade_panel") != NULL;
    if (maps) fclose(maps);
    return found;
}

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    sac_api sac = {.size = sizeof sac};
    sac_context context;
    sac_context_desc desc = {.type = SAC_TYPE_CONTEXT_DESC, .size = sizeof desc, .cache_directory = ""};
    if (sac_get_api(SAC_MAJOR, &sac) != SAC_OK || sac.create_context(&desc, &context) != SAC_OK) return 3;
    uint8_t *const pixels = malloc(WIDTH * HEIGHT * 4);
    if (!pixels) return 3;
    for (int i = 0; i < atoi(argv[3]); ++i) {
        const char *const failed = show(argv[1], &sac, context, pixels);
        if (failed || is_mapped()) {
            fprintf(stderr, "time %d: %s\n", i, failed ? failed : "the library is still mapped");
            return 1;
        }
    }
    sac.destroy_context(context);

    FILE *const file = fopen(argv[2], "wb");
    if (!file) return 3;
    fprintf(file, "P6 %d %d 255\n", WIDTH, HEIGHT);
    for (int i = 0; i < WIDTH * HEIGHT; ++i) fwrite(pixels + 4 * i, 1, 3, file);
    fclose(file);
    free(pixels);
    return errors ? 1 : 0;
}
