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

enum class Key { escape, q, space, f1, f11, other };

/// Anything a pointer or a keyboard does, in the order in which it came.
struct InputEvent {
    enum class Kind { cursor, button, scroll, key, character };
    Kind kind = Kind::cursor;
    float x = 0, y = 0;  ///< cursor: pixels of the framebuffer; scroll: notches
    int code = 0;        ///< button: 0 left, 1 right, 2 middle; key: GLFW's number; character: Unicode
    bool down = false;   ///< button, key
    bool control = false, shift = false, alt = false;  ///< key
};

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
    /// Called from poll() and wait() for each event of pointer and keyboard, keys of on_key() among them.
    void on_input(std::function<void(const InputEvent &)> handler) { on_input_ = std::move(handler); }
    /// Covers the monitor the window is on most of, or goes back to where it was.
    void set_full_screen(bool full);
    bool full_screen() const;
    std::string clipboard() const;
    void set_clipboard(const std::string &text);

private:
    Window() = default;
    void listen();
    void tell(const InputEvent &event) {
        if (on_input_) on_input_(event);
    }
    GLFWwindow *window_ = nullptr;
    std::function<void(Key)> on_key_;
    std::function<void(const InputEvent &)> on_input_;
    int place_[4] = {0, 0, 1280, 720};  // x, y, width, height before it covered the screen
};

}  // namespace sac::engine
