/* The same with the panel: its table is asked for, and a panel without a plugin is refused with a sentence. */
#include <saccade_panel.h>
#include <stdio.h>
#include <string.h>

int main(void) {
    sac_panel_api panels;
    memset(&panels, 0, sizeof panels);
    panels.size = sizeof panels;
    if (sac_panel_get_api(SAC_PANEL_MAJOR, &panels) != SAC_OK) return 1;

    sac_panel panel;
    const sac_panel_desc desc = {.type = SAC_TYPE_PANEL_DESC, .size = sizeof desc, .width = 480, .height = 800};
    const sac_result result = panels.create(&desc, &panel);
    char text[256];
    panels.get_last_error(panel, text, sizeof text);
    printf("sac_panel_get_api: 0; create: %d, %s\n", (int)result, text);
    return result == SAC_ERROR_INVALID_ARGUMENT ? 0 : 1;
}
