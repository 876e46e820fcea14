#include "engine/window.h"

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
    glfwSetWindowUserPointer(window->window_, window.get());
    glfwSetKeyCallback(window->window_, [](GLFWwindow *handle, int key, int, int action, int) {
        Window &self = *static_cast<Window *>(glfwGetWindowUserPointer(handle));
        if (action != GLFW_PRESS || !self.on_key_) return;
        self.on_key_(key == GLFW_KEY_ESCAPE  ? Key::escape
                     : key == GLFW_KEY_Q     ? Key::q
                     : key == GLFW_KEY_SPACE ? Key::space
                                             : Key::other);
    });
    return window;
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

void Window::set_title(const std::string &title) { glfwSetWindowTitle(window_, title.c_str()); }
void Window::minimise() { glfwIconifyWindow(window_); }
void Window::restore() { glfwRestoreWindow(window_); }

}  // namespace sac::engine
