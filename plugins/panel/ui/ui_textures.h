#pragma once
// The panel's pictures in our own ImGui.

#include "plugins/panel/panel.h"
#include "plugins/panel/ui/ui.h"

namespace sac::panel {

/// The ui must outlive it.
class UiTextures : public TextureHost {
public:
    explicit UiTextures(Ui &ui) : ui_(ui) {}
    ImTextureID create(uint32_t width, uint32_t height) override { return ui_.create_texture(width, height); }
    void update(ImTextureID texture, const uint8_t *pixels) override { ui_.update_texture(texture, pixels); }
    void destroy(ImTextureID texture) override { ui_.destroy_texture(texture); }

private:
    Ui &ui_;
};

}  // namespace sac::panel
