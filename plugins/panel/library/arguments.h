#pragma once
// What hosts hand over, checked field by field. Errors name the field.

#include "plugins/panel/panel.h"
#include "plugins/panel/saccade_panel.h"
#include "plugins/panel/ui/ui.h"

namespace sac::panel {

/// An event of the host's, with the text that it points at.
struct Input {
    UiEvent event;
    std::string text;
    bool is_text = false;
};

/// What the host tells with a drawing. The pixels are the host's.
struct Told {
    Host host;
    float seconds = 0;  ///< 0: by the clock
    const uint8_t *pixels = nullptr;
    uint32_t stride = 0;
};

/// The desc as it is meant: defaults filled in, `api` of its own length copied to `api`.
Result<sac_panel_desc> read_desc(const sac_panel_desc *given, sac_api &api);
Status check_size(uint32_t width, uint32_t height);
Status check_part(const char *name);
Result<Input> read_event(const sac_panel_event *given);
/// `given` null: nothing to tell.
Result<Told> read_frame(const sac_panel_frame *given);
Result<sac_panel_pixels> read_pixels(const sac_panel_pixels *given, uint32_t width, uint32_t height);
/// `format`: SAC_FORMAT_..., the panel's.
Result<sac_panel_image> read_image(const sac_panel_image *given, uint32_t format);
Result<sac_vk_commands> read_commands(const sac_vk_commands *given, uint32_t queue_family);

}  // namespace sac::panel
