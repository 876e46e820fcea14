#pragma once
// The debug panel: what a running Saccade sees, how long it takes and what it is set to, in windows of Dear ImGui.
//
// It stands on saccade.h and sac.debug/1 alone. A host with an ImGui of its own (1.86 or newer) compiles the files of
// this folder in, tells by TextureHost how pictures become ImTextureID, and calls draw() between NewFrame and Render.
// What is not being looked at is not asked for: a panel that is not drawn costs a frame nothing.

#include <memory>
#include <string>
#include <vector>

#include <imgui.h>

#include "plugins/vision/saccade_debug.h"

namespace sac::panel {

/// How pictures come into the host's ImGui. Called from draw() and the destructor alone, on their thread.
class TextureHost {
public:
    virtual ~TextureHost() = default;
    /// A picture of that size in pixels; null where there is none to be had (the panel then goes without).
    virtual ImTextureID create(uint32_t width, uint32_t height) = 0;
    /// width * height * 4 bytes of RGBA, rows tightly packed, copied before it returns.
    virtual void update(ImTextureID texture, const uint8_t *pixels) = 0;
    virtual void destroy(ImTextureID texture) = 0;
};

/// What the host tells the panel with each draw.
struct Host {
    std::vector<std::string> sources, models;  ///< to choose from; none: no choice is shown
    int source = -1, model = -1;               ///< the ones in use; -1: none of them
    std::string message;                       ///< of the source or model, such as why it could not be opened
    float frame_ms = 0;                        ///< the host's last frame, start to start; 0: not known
    ImTextureID frame = nullptr;               ///< the live frame, shown with its boxes; null: the host shows it itself
    uint32_t frame_width = 0, frame_height = 0;  ///< pixels
};

/// What the user asked the host for in that draw.
struct Wishes {
    int source = -1, model = -1;  ///< index of Host; -1: stay
};

struct Area {
    float x = 0, y = 0, width = 0, height = 0;  ///< in ImGui's coordinates
};

/// [thread] one, the one of the ImGui context. The context of Saccade and `textures` must outlive it.
class Panel {
public:
    /// `preset_folder`: where presets are read and written; "": the working directory.
    Panel(const sac_api &api, sac_context context, TextureHost &textures, std::string preset_folder = {});
    ~Panel();  ///< takes back what it asked the model to watch; frames that it holds go on
    Panel(const Panel &) = delete;
    Panel &operator=(const Panel &) = delete;

    /// Draws the panel into that area.
    Wishes draw(const Area &area, const Host &host);
    /// Brings a part to the front with the next draw: "Overview", "Detection", "Timing", "Network", "Memory",
    /// "Presets". Another name: none.
    void open_part(const std::string &name);
    /// The budget line, and whether the host has turned tracks on (the plugin cannot be asked).
    void set_budget(float milliseconds);
    void set_tracks(bool on);
    /// Where the pictures begin to come from another source: no object known so far gets its id again.
    void forget_tracks();
    /// Call it in place of draw() while the panel is not shown: nothing is watched or timed meanwhile.
    void hide();

private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

/// Colors and spacing of the panel for the current ImGui context; a host with a style of its own leaves it.
void apply_style(float scale);

}  // namespace sac::panel
