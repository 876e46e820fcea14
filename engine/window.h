#pragma once
// A window (GLFW). All members are for the main thread, as windowing systems want it.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "compute/vk/device.h"

struct GLFWwindow;

namespace sac::engine {

struct WindowOptions {
    uint32_t width = 1280, height = 720;  ///< of the content, in the screen's coordinates
    std::string title = "Saccade";
    bool visible = true;
};

enum class Key { escape, q, space, other };

/// [thread] main. One library initialisation a process is shared by all windows.
class Window {
public:
    /// Error no_device where there is no display or no Vulkan for it.
    static Result<std::unique_ptr<Window>> create(const WindowOptions &options);
    /// True if there is a display to open a window on.
    static bool has_display();
    ~Window();
    Window(const Window &) = delete;
    Window &operator=(const Window &) = delete;

    /// Extensions the instance needs for surfaces. Valid while any window lives.
    std::vector<const char *> instance_extensions() const;
    /// The surface must be destroyed before the instance; this class does not.
    Result<VkSurfaceKHR> create_surface(VkInstance instance) const;

    /// Takes in events; `wait` blocks up to that many seconds until there is one.
    void poll();
    void wait(double seconds);
    bool should_close() const;
    void close();
    /// Pixels; zero while minimised.
    VkExtent2D framebuffer_size() const;
    bool minimised() const;
    /// Of the display: 1, 2 on a dense one.
    float content_scale() const;
    void set_size(uint32_t width, uint32_t height);
    void set_title(const std::string &title);
    void minimise();
    void restore();
    /// Called from poll() and wait() for each key that goes down.
    void on_key(std::function<void(Key)> handler) { on_key_ = std::move(handler); }

private:
    Window() = default;
    GLFWwindow *window_ = nullptr;
    std::function<void(Key)> on_key_;
};

}  // namespace sac::engine
