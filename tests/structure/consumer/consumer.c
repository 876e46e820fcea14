/* What a host's first lines look like: the table of functions is asked for and the version answered. */
#include <saccade.h>
#include <saccade_overlay.h>
#include <stdio.h>
#include <string.h>

int main(void) {
    sac_api api;
    memset(&api, 0, sizeof api);
    api.size = sizeof api;
    const sac_result result = sac_get_api(SAC_MAJOR, &api);
    printf("sac_get_api: %d\n", (int)result);
    return result == SAC_OK ? 0 : 1;
}
