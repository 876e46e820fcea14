#include "engine/window.h"

#include <algorithm>
#include <mutex>

#define GLFW_INCLUDE_NONE
#include <GLFW/glfw3.h>

namespace sac::engine {

namespace {

// GLFW is initialised while any window lives: a count, since GLFW keeps one state a process.
struct Library {
    std::mutex mutex;
    int users = 0;
};
Library &library() {
    static Library instance;
    return instance;
}

std::string last_error() {
    const char *text = nullptr;
    glfwGetError(&text);
    return text ? text : "no reason given";
}

Status acquire_library() {
    Library &l = library();
    const std::lock_guard lock(l.mutex);
    if (l.users == 0 && !glfwInit()) return Error(Code::no_device, "no window can be opened: " + last_error());
    ++l.users;
    return {};
}

void release_library() {
    Library &l = library();
    const std::lock_guard lock(l.mutex);
    if (--l.users == 0) glfwTerminate();
}

Window &self_of(GLFWwindow *handle) { return *static_cast<Window *>(glfwGetWindowUserPointer(handle)); }

}  // namespace

Result<std::unique_ptr<Window>> Window::create(const WindowOptions &options) {
    SAC_TRY(acquire_library());
    std::unique_ptr<Window> window(new Window);
    if (!glfwVulkanSupported())
        return Error(Code::no_device,
                     "no window can be opened: there is no Vulkan for this display (" + last_error() + ")");
    glfwWindowHint(GLFW_CLIENT_API, GLFW_NO_API);
    glfwWindowHint(GLFW_VISIBLE, options.visible);
    glfwWindowHint(GLFW_SCALE_TO_MONITOR, GLFW_TRUE);
    window->window_ = glfwCreateWindow(static_cast<int>(options.width), static_cast<int>(options.height),
                                       options.title.c_str(), nullptr, nullptr);
    if (!window->window_) return Error(Code::no_device, "no window can be opened: " + last_error());
    window->listen();
    return window;
}

void Window::listen() {
    glfwSetWindowUserPointer(window_, this);
    glfwSetKeyCallback(window_, [](GLFWwindow *handle, int key, int, int action, int modifiers) {
        Window &window = self_of(handle);
        InputEvent event = {InputEvent::Kind::key};
        event.code = key;
        event.down = action != GLFW_RELEASE;
        event.control = (modifiers & GLFW_MOD_CONTROL) != 0;
        event.shift = (modifiers & GLFW_MOD_SHIFT) != 0;
        event.alt = (modifiers & GLFW_MOD_ALT) != 0;
        window.tell(event);
        if (action != GLFW_PRESS || !window.on_key_) return;
        window.on_key_(key == GLFW_KEY_ESCAPE  ? Key::escape
                       : key == GLFW_KEY_Q     ? Key::q
                       : key == GLFW_KEY_SPACE ? Key::space
                       : key == GLFW_KEY_F1    ? Key::f1
                       : key == GLFW_KEY_F11   ? Key::f11
                                               : Key::other);
    });
    glfwSetCursorPosCallback(window_, [](GLFWwindow *handle, double x, double y) {
        // The screen's coordinates, which on some systems are not pixels.
        int width = 1, height = 1, pixels_x = 1, pixels_y = 1;
        glfwGetWindowSize(handle, &width, &height);
        glfwGetFramebufferSize(handle, &pixels_x, &pixels_y);
        InputEvent event = {InputEvent::Kind::cursor};
        event.x = static_cast<float>(x * pixels_x / std::max(width, 1));
        event.y = static_cast<float>(y * pixels_y / std::max(height, 1));
        self_of(handle).tell(event);
    });
    glfwSetMouseButtonCallback(window_, [](GLFWwindow *handle, int button, int action, int) {
        InputEvent event = {InputEvent::Kind::button};
        event.code = button;
        event.down = action == GLFW_PRESS;
        self_of(handle).tell(event);
    });
    glfwSetScrollCallback(window_, [](GLFWwindow *handle, double x, double y) {
        InputEvent event = {InputEvent::Kind::scroll};
        event.x = static_cast<float>(x);
        event.y = static_cast<float>(y);
        self_of(handle).tell(event);
    });
    glfwSetCharCallback(window_, [](GLFWwindow *handle, unsigned character) {
        InputEvent event = {InputEvent::Kind::character};
        event.code = static_cast<int>(character);
        self_of(handle).tell(event);
    });
}

bool Window::has_display() {
    if (!acquire_library()) return false;
    release_library();
    return true;
}

Window::~Window() {
    if (window_) glfwDestroyWindow(window_);
    release_library();
}

std::vector<const char *> Window::instance_extensions() const {
    uint32_t count = 0;
    const char **names = glfwGetRequiredInstanceExtensions(&count);
    return {names, names + count};
}

Result<VkSurfaceKHR> Window::create_surface(VkInstance instance) const {
    VkSurfaceKHR surface = VK_NULL_HANDLE;
    SAC_VK(glfwCreateWindowSurface(instance, window_, nullptr, &surface), "creating the window's surface");
    return surface;
}

void Window::poll() { glfwPollEvents(); }
void Window::wait(double seconds) { glfwWaitEventsTimeout(seconds); }
bool Window::should_close() const { return glfwWindowShouldClose(window_) != 0; }
void Window::close() { glfwSetWindowShouldClose(window_, GLFW_TRUE); }

VkExtent2D Window::framebuffer_size() const {
    int width = 0, height = 0;
    glfwGetFramebufferSize(window_, &width, &height);
    return {static_cast<uint32_t>(width), static_cast<uint32_t>(height)};
}

bool Window::minimised() const { return glfwGetWindowAttrib(window_, GLFW_ICONIFIED) != 0; }

float Window::content_scale() const {
    float x = 1, y = 1;
    glfwGetWindowContentScale(window_, &x, &y);
    return x;
}

void Window::set_size(uint32_t width, uint32_t height) {
    glfwSetWindowSize(window_, static_cast<int>(width), static_cast<int>(height));
}

bool Window::full_screen() const { return glfwGetWindowMonitor(window_) != nullptr; }

void Window::set_full_screen(bool full) {
    if (full == full_screen()) return;
    if (!full) {
        glfwSetWindowMonitor(window_, nullptr, place_[0], place_[1], place_[2], place_[3], GLFW_DONT_CARE);
        return;
    }
    glfwGetWindowPos(window_, &place_[0], &place_[1]);
    glfwGetWindowSize(window_, &place_[2], &place_[3]);
    int count = 0;
    GLFWmonitor **monitors = glfwGetMonitors(&count);
    GLFWmonitor *best = nullptr;
    int64_t largest = -1;
    for (int i = 0; i < count; ++i) {
        int x = 0, y = 0;
        const GLFWvidmode *mode = glfwGetVideoMode(monitors[i]);
        if (!mode) continue;
        glfwGetMonitorPos(monitors[i], &x, &y);
        const int64_t shared_x = std::min(place_[0] + place_[2], x + mode->width) - std::max(place_[0], x);
        const int64_t shared_y = std::min(place_[1] + place_[3], y + mode->height) - std::max(place_[1], y);
        const int64_t shared = std::max<int64_t>(shared_x, 0) * std::max<int64_t>(shared_y, 0);
        if (shared <= largest) continue;
        largest = shared;
        best = monitors[i];
    }
    if (!best) return;  // no monitor: nothing to cover
    const GLFWvidmode *mode = glfwGetVideoMode(best);
    glfwSetWindowMonitor(window_, best, 0, 0, mode->width, mode->height, mode->refreshRate);
}

std::string Window::clipboard() const {
    const char *text = glfwGetClipboardString(window_);
    return text ? text : "";
}

void Window::set_clipboard(const std::string &text) { glfwSetClipboardString(window_, text.c_str()); }

void Window::set_title(const std::string &title) { glfwSetWindowTitle(window_, title.c_str()); }
void Window::minimise() { glfwIconifyWindow(window_); }
void Window::restore() { glfwRestoreWindow(window_); }

}  // namespace sac::engine
