#pragma once
// A window that shows pictures with overlays: device, swapchain and renderer put together.

#include "compute/vk/commands.h"
#include "engine/io/image.h"
#include "engine/swapchain.h"
#include "engine/window.h"
#include "plugins/panel/ui/ui.h"

namespace sac::engine {

/// [thread] main.
class Viewer {
public:
    /// Opens the window and creates a device that can present to it. `device_options`' own fields for extensions and
    /// queue families are filled in here.
    static Result<std::unique_ptr<Viewer>> create(const WindowOptions &window_options,
                                                  vk::DeviceOptions device_options);
    ~Viewer();

    Window &window() { return *window_; }
    vk::Device &device() { return *device_; }
    vk::Memory &memory() { return *memory_; }
    Swapchain &swapchain() { return *swapchain_; }

    /// Shows no picture from the next drawing on, until there is a new one.
    void hide_picture() { renderer_->hide_picture(); }
    /// Draws and presents. `frame` null: the picture shown before. False: the window has no area, nothing was shown.
    /// With `capture`, waits and gives what the window shows.
    Result<bool> show(const Frame *frame, const overlay::Overlay &overlay, Image *capture = nullptr);
    /// Dear ImGui over the picture, fed with the window's events. Created at the first call; from then on each show()
    /// must lie behind a ui().begin(), and what was drawn since is shown with it.
    Result<panel::Ui *> ui();
    /// Where the picture goes, in pixels of the window; no width: all of it, as at first.
    void set_picture_area(const overlay::Rect &area) { picture_area_ = area; }
    /// Frames presented so far.
    uint64_t presented() const { return presented_; }

private:
    static constexpr uint32_t frames_in_flight = 2;
    struct Slot {
        vk::CommandBuffer commands;
        VkFence done = VK_NULL_HANDLE;
        VkSemaphore acquired = VK_NULL_HANDLE;
    };
    Viewer() = default;
    Status create_slots();
    Status record_capture(VkCommandBuffer commands, const SwapchainImage &image);
    void read_capture(VkExtent2D extent, Image &capture) const;

    std::unique_ptr<Window> window_;
    std::unique_ptr<vk::Device> device_;
    VkSurfaceKHR surface_ = VK_NULL_HANDLE;
    VkFormat format_ = VK_FORMAT_UNDEFINED;
    std::unique_ptr<vk::Memory> memory_;
    std::unique_ptr<Renderer> renderer_;
    std::unique_ptr<Swapchain> swapchain_;
    Slot slots_[frames_in_flight];
    vk::Buffer readback_;
    uint64_t presented_ = 0;
    overlay::Rect picture_area_;
    std::unique_ptr<panel::Ui> ui_;
};

}  // namespace sac::engine
