#pragma once
// One panel of the library: device, ImGui, the panel in it, and the two ways of drawing it.

#include <array>
#include <deque>
#include <optional>

#include "compute/vk/commands.h"
#include "plugins/panel/library/arguments.h"
#include "plugins/panel/library/drawing.h"
#include "plugins/panel/ui/ui_textures.h"
#include "plugins/vision/device_import.h"

namespace sac::panel {

/// The functions of sac_panel_api, with Results. [thread] one at a time in the process, as ImGui wants it.
class Instance {
public:
    static Result<std::unique_ptr<Instance>> create(const sac_panel_desc *desc);
    /// The device must be done with what was recorded: see finish().
    ~Instance();
    Instance(const Instance &) = delete;
    Instance &operator=(const Instance &) = delete;

    Status resize(uint32_t width, uint32_t height);
    Status send_event(const sac_panel_event *event);
    Status open_part(const char *name);
    void forget_tracks() { panel_->forget_tracks(); }
    void hide();
    Status draw_pixels(const sac_panel_frame *frame, const sac_panel_pixels *pixels, sac_panel_wishes *wishes);
    /// False: all slots are in flight, nothing was done.
    Result<bool> record(const sac_panel_frame *frame, const sac_panel_image *image, const sac_vk_commands *commands,
                        sac_panel_wishes *wishes);
    /// Waits for recorded commands. False: they are not done within two seconds.
    Result<bool> finish();

    std::optional<Error> error;  ///< of the last call that failed

private:
    /// Commands of the host's that one slot's resources are used by.
    struct Flight {
        VkSemaphore done = VK_NULL_HANDLE;  // null: none
        uint64_t value = 0;
    };
    Instance() = default;
    Status open(const sac_panel_desc &desc);
    Status create_own();
    bool on_own_device() const { return timeline_ != nullptr; }
    Result<bool> is_done(const Flight &flight) const;
    /// ImGui's frame from begin to the panel drawn in it.
    Status draw_panel(Told told, sac_panel_wishes &wishes);
    Status show_live_frame(Told &told);
    void take_events();
    Status record_copy(VkCommandBuffer commands, const sac_panel_image &image);

    std::unique_ptr<vision::Host> host_;
    std::unique_ptr<vk::Device> device_;
    uint32_t format_ = SAC_FORMAT_RGBA8;
    std::unique_ptr<Drawing> drawing_;
    std::unique_ptr<UiTextures> textures_;
    std::unique_ptr<Panel> panel_;
    std::deque<Input> events_;
    ImTextureID live_ = nullptr;  // the host's frame
    VkExtent2D live_size_ = {};
    std::vector<uint8_t> live_pixels_;
    uint64_t drawn_ns_ = 0;  // when it was drawn the last time; 0: never

    // On a device of the panel's own.
    std::unique_ptr<vk::Timeline> timeline_;
    vk::CommandBuffer commands_;
    vk::Buffer readback_;

    // On the host's.
    std::array<Flight, SAC_PANEL_MAX_IN_FLIGHT> flights_;
    uint64_t recorded_ = 0;
};

}  // namespace sac::panel
