#include "engine/viewer.h"

#include <algorithm>
#include <utility>

#define GLFW_INCLUDE_NONE
#include <GLFW/glfw3.h>

namespace sac::engine {

namespace {
constexpr vk::ImageUse presented_image = {VK_PIPELINE_STAGE_COLOR_ATTACHMENT_OUTPUT_BIT,
                                          VK_ACCESS_COLOR_ATTACHMENT_WRITE_BIT, VK_IMAGE_LAYOUT_PRESENT_SRC_KHR};
constexpr vk::ImageUse to_present = {VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, 0, VK_IMAGE_LAYOUT_PRESENT_SRC_KHR};

panel::UiKey to_ui_key(int glfw) {
    using panel::UiKey;
    constexpr std::pair<int, UiKey> keys[] = {{GLFW_KEY_TAB, UiKey::tab},
                                              {GLFW_KEY_LEFT, UiKey::left},
                                              {GLFW_KEY_RIGHT, UiKey::right},
                                              {GLFW_KEY_UP, UiKey::up},
                                              {GLFW_KEY_DOWN, UiKey::down},
                                              {GLFW_KEY_PAGE_UP, UiKey::page_up},
                                              {GLFW_KEY_PAGE_DOWN, UiKey::page_down},
                                              {GLFW_KEY_HOME, UiKey::home},
                                              {GLFW_KEY_END, UiKey::end},
                                              {GLFW_KEY_INSERT, UiKey::insert},
                                              {GLFW_KEY_DELETE, UiKey::del},
                                              {GLFW_KEY_BACKSPACE, UiKey::backspace},
                                              {GLFW_KEY_SPACE, UiKey::space},
                                              {GLFW_KEY_ENTER, UiKey::enter},
                                              {GLFW_KEY_KP_ENTER, UiKey::keypad_enter},
                                              {GLFW_KEY_ESCAPE, UiKey::escape},
                                              {GLFW_KEY_A, UiKey::a},
                                              {GLFW_KEY_C, UiKey::c},
                                              {GLFW_KEY_V, UiKey::v},
                                              {GLFW_KEY_X, UiKey::x},
                                              {GLFW_KEY_Y, UiKey::y},
                                              {GLFW_KEY_Z, UiKey::z}};
    const auto *const found =
        std::find_if(std::begin(keys), std::end(keys), [&](const auto &key) { return key.first == glfw; });
    return found == std::end(keys) ? UiKey::none : found->second;
}

panel::UiEvent to_ui(const InputEvent &event) {
    using Kind = panel::UiEvent::Kind;
    constexpr std::pair<InputEvent::Kind, Kind> kinds[] = {{InputEvent::Kind::cursor, Kind::cursor},
                                                           {InputEvent::Kind::button, Kind::button},
                                                           {InputEvent::Kind::scroll, Kind::scroll},
                                                           {InputEvent::Kind::key, Kind::key},
                                                           {InputEvent::Kind::character, Kind::character}};
    panel::UiEvent to = {Kind::cursor, event.x, event.y, event.code, event.down, event.control, event.shift, event.alt};
    for (const auto &[from, kind] : kinds)
        if (event.kind == from) to.kind = kind;
    if (to.kind == Kind::key) to.code = static_cast<int>(to_ui_key(event.code));
    return to;
}

}  // namespace

Result<std::unique_ptr<Viewer>> Viewer::create(const WindowOptions &window_options, vk::DeviceOptions device_options) {
    std::unique_ptr<Viewer> viewer(new Viewer);
    SAC_ASSIGN(viewer->window_, Window::create(window_options));

    // The choice of the device needs a surface, and a surface the instance, which goes with a device that is not made
    // in the end: so each question has a surface of its own, and the lasting one is created when there is a device.
    const std::vector<const char *> instance_extensions = viewer->window_->instance_extensions();
    const char *const device_extensions[] = {VK_KHR_SWAPCHAIN_EXTENSION_NAME};
    device_options.instance_extensions = instance_extensions;
    device_options.device_extensions = device_extensions;
    Status surface_status;
    device_options.accepts_queue_family = [&](VkInstance instance, const vk::InstanceFunctions &fn,
                                              VkPhysicalDevice physical_device, uint32_t family) {
        const auto surface = viewer->window_->create_surface(instance);
        if (!surface) {
            surface_status = surface.error();
            return false;
        }
        VkBool32 supported = VK_FALSE;
        const VkResult result = fn.GetPhysicalDeviceSurfaceSupportKHR(physical_device, family, *surface, &supported);
        fn.DestroySurfaceKHR(instance, *surface, nullptr);
        return result == VK_SUCCESS && supported == VK_TRUE;
    };
    auto device = vk::Device::create(device_options);
    if (!surface_status.ok()) return std::move(surface_status).error();
    if (!device) return std::move(device).error();
    viewer->device_ = std::move(*device);
    SAC_ASSIGN(viewer->surface_, viewer->window_->create_surface(viewer->device_->instance()));
    SAC_ASSIGN(viewer->format_, Swapchain::choose_format(*viewer->device_, viewer->surface_));
    viewer->memory_ = std::make_unique<vk::Memory>(*viewer->device_);
    SAC_ASSIGN(viewer->renderer_, Renderer::create(*viewer->device_, *viewer->memory_, viewer->format_,
                                                   VK_IMAGE_LAYOUT_PRESENT_SRC_KHR, frames_in_flight));
    viewer->swapchain_ =
        std::make_unique<Swapchain>(*viewer->device_, viewer->surface_, viewer->format_, *viewer->renderer_);
    SAC_TRY(viewer->create_slots());
    return viewer;
}

Status Viewer::create_slots() {
    for (Slot &slot : slots_) {
        SAC_ASSIGN(slot.commands, vk::CommandBuffer::create(*device_, "window frame"));
        VkFenceCreateInfo fence = {};
        fence.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO;
        fence.flags = VK_FENCE_CREATE_SIGNALED_BIT;
        SAC_VK(device_->fn().CreateFence(device_->handle(), &fence, nullptr, &slot.done), "creating a fence");
        VkSemaphoreCreateInfo semaphore = {};
        semaphore.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO;
        SAC_VK(device_->fn().CreateSemaphore(device_->handle(), &semaphore, nullptr, &slot.acquired),
               "creating a semaphore");
    }
    return {};
}

Viewer::~Viewer() {
    if (!device_) return;
    (void)device_->wait_idle();  // a lost device has nothing left to wait for
    for (Slot &slot : slots_) {
        slot.commands = {};
        if (slot.done) device_->fn().DestroyFence(device_->handle(), slot.done, nullptr);
        if (slot.acquired) device_->fn().DestroySemaphore(device_->handle(), slot.acquired, nullptr);
    }
    readback_ = {};
    ui_.reset();
    swapchain_.reset();
    renderer_.reset();
    memory_.reset();
    if (surface_) device_->instance_fn().DestroySurfaceKHR(device_->instance(), surface_, nullptr);
    device_.reset();
}

Status Viewer::record_capture(VkCommandBuffer commands, const SwapchainImage &image) {
    if (!swapchain_->can_copy())
        return Error(Code::unsupported, "the window's images cannot be read back on this device");
    const VkDeviceSize bytes = VkDeviceSize{image.extent.width} * image.extent.height * 4;
    if (readback_.size() < bytes) {
        SAC_TRY(device_->wait_idle());
        SAC_ASSIGN(readback_, vk::Buffer::create(*device_, *memory_, bytes, VK_BUFFER_USAGE_TRANSFER_DST_BIT,
                                                 vk::MemoryUse::readback, "window readback"));
    }
    vk::image_barrier(*device_, commands, image.image, presented_image, vk::transfer_read);
    vk::copy_to_host(*device_, commands, image.image, image.extent, readback_.handle());
    vk::image_barrier(*device_, commands, image.image, vk::transfer_read, to_present);
    return {};
}

void Viewer::read_capture(VkExtent2D extent, Image &capture) const {
    capture = Image(extent.width, extent.height);
    const uint8_t *from = readback_.mapped<uint8_t>();
    const bool blue_first = format_ == VK_FORMAT_B8G8R8A8_UNORM;
    for (size_t i = 0; i < capture.pixels.size(); i += 4) {
        capture.pixels[i] = from[i + (blue_first ? 2 : 0)];
        capture.pixels[i + 1] = from[i + 1];
        capture.pixels[i + 2] = from[i + (blue_first ? 0 : 2)];
    }
}

Result<panel::Ui *> Viewer::ui() {
    if (!ui_) {
        SAC_ASSIGN(ui_, panel::Ui::create(*device_, *memory_, renderer_->pass(), frames_in_flight));
        ui_->use_clipboard([this] { return window_->clipboard(); },
                           [this](const std::string &text) { window_->set_clipboard(text); });
        window_->on_input([this](const InputEvent &event) { ui_->take(to_ui(event)); });
    }
    return ui_.get();
}

Result<bool> Viewer::show(const Frame *frame, const overlay::Overlay &overlay, Image *capture) {
    Slot &slot = slots_[presented_ % frames_in_flight];
    const vk::DeviceFunctions &fn = device_->fn();
    SAC_VK(fn.WaitForFences(device_->handle(), 1, &slot.done, VK_TRUE, UINT64_MAX), "waiting for an earlier frame");
    SAC_ASSIGN(const std::optional<SwapchainImage> image,
               swapchain_->acquire(window_->framebuffer_size(), slot.acquired));
    if (!image) return false;

    const float scale =
        std::max(overlay::overlay_scale(image->extent.width, image->extent.height), window_->content_scale());
    SAC_TRY(slot.commands.begin(true));
    const VkCommandBuffer commands = slot.commands.handle();
    const auto slot_index = static_cast<uint32_t>(presented_ % frames_in_flight);
    Renderer::Scene scene = {frame, &overlay, scale, picture_area_};
    if (ui_) {
        SAC_TRY(ui_->upload(commands, slot_index));
        scene.on_top = [&](VkCommandBuffer c) { ui_->draw(c, slot_index, image->extent); };
    }
    SAC_TRY(renderer_->draw(commands, slot_index, image->framebuffer, image->extent, scene));
    if (capture) SAC_TRY(record_capture(commands, *image));
    SAC_TRY(slot.commands.end());
    SAC_VK(fn.ResetFences(device_->handle(), 1, &slot.done), "resetting a fence");
    const vk::SemaphorePoint wait = {slot.acquired, 0, VK_PIPELINE_STAGE_COLOR_ATTACHMENT_OUTPUT_BIT};
    const vk::SemaphorePoint signal = {image->rendered, 0};
    SAC_TRY(device_->submit({&commands, 1}, {&wait, 1}, {&signal, 1}, slot.done));
    SAC_TRY(swapchain_->present(*image));
    ++presented_;
    if (capture) {
        SAC_VK(fn.WaitForFences(device_->handle(), 1, &slot.done, VK_TRUE, UINT64_MAX),
               "waiting for the window's frame");
        read_capture(image->extent, *capture);
    }
    return true;
}

}  // namespace sac::engine
