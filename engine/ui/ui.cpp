#include "engine/ui/ui.h"

#include <algorithm>
#include <cmath>

#define GLFW_INCLUDE_NONE
#include <GLFW/glfw3.h>

namespace sac::engine {

Result<std::unique_ptr<Ui>> Ui::create(vk::Device &device, vk::Memory &memory, VkRenderPass pass, uint32_t slots) {
    std::unique_ptr<Ui> ui(new Ui(device, memory));
    ui->slots_.resize(slots);
    IMGUI_CHECKVERSION();
    ui->context_ = ImGui::CreateContext();
    ImGui::SetCurrentContext(ui->context_);
    ImGuiIO &io = ImGui::GetIO();
    io.IniFilename = io.LogFilename = nullptr;  // no files of its own
    io.BackendFlags |= ImGuiBackendFlags_RendererHasVtxOffset;
    const std::pair<ImGuiKey, int> keys[] = {{ImGuiKey_Tab, GLFW_KEY_TAB},
                                             {ImGuiKey_LeftArrow, GLFW_KEY_LEFT},
                                             {ImGuiKey_RightArrow, GLFW_KEY_RIGHT},
                                             {ImGuiKey_UpArrow, GLFW_KEY_UP},
                                             {ImGuiKey_DownArrow, GLFW_KEY_DOWN},
                                             {ImGuiKey_PageUp, GLFW_KEY_PAGE_UP},
                                             {ImGuiKey_PageDown, GLFW_KEY_PAGE_DOWN},
                                             {ImGuiKey_Home, GLFW_KEY_HOME},
                                             {ImGuiKey_End, GLFW_KEY_END},
                                             {ImGuiKey_Delete, GLFW_KEY_DELETE},
                                             {ImGuiKey_Backspace, GLFW_KEY_BACKSPACE},
                                             {ImGuiKey_Space, GLFW_KEY_SPACE},
                                             {ImGuiKey_Enter, GLFW_KEY_ENTER},
                                             {ImGuiKey_KeyPadEnter, GLFW_KEY_KP_ENTER},
                                             {ImGuiKey_Escape, GLFW_KEY_ESCAPE},
                                             {ImGuiKey_A, GLFW_KEY_A},
                                             {ImGuiKey_C, GLFW_KEY_C},
                                             {ImGuiKey_V, GLFW_KEY_V},
                                             {ImGuiKey_X, GLFW_KEY_X},
                                             {ImGuiKey_Y, GLFW_KEY_Y},
                                             {ImGuiKey_Z, GLFW_KEY_Z}};
    for (const auto &[key, code] : keys) io.KeyMap[key] = code;
    SAC_TRY(ui->create_objects(pass));
    SAC_TRY(ui->create_font());
    return ui;
}

void Ui::take(const InputEvent &event) {
    ++events_;
    ImGui::SetCurrentContext(context_);
    ImGuiIO &io = ImGui::GetIO();
    switch (event.kind) {
        case InputEvent::Kind::cursor: io.MousePos = {event.x, event.y}; break;
        case InputEvent::Kind::button:
            if (event.code < 0 || event.code > 2) break;
            held_[event.code] = event.down;
            clicked_[event.code] |= event.down;
            break;
        case InputEvent::Kind::scroll:
            io.MouseWheelH += event.x;
            io.MouseWheel += event.y;
            break;
        case InputEvent::Kind::key:
            if (event.code >= 0 && event.code < static_cast<int>(std::size(io.KeysDown)))
                io.KeysDown[event.code] = event.down;
            io.KeyCtrl = event.control;
            io.KeyShift = event.shift;
            io.KeyAlt = event.alt;
            break;
        case InputEvent::Kind::character: io.AddInputCharacter(static_cast<unsigned>(event.code)); break;
    }
}

const char *Ui::get_clipboard(void *user) {
    Ui &ui = *static_cast<Ui *>(user);
    ui.clipboard_ = ui.get_clipboard_();
    return ui.clipboard_.c_str();
}

void Ui::set_clipboard(void *user, const char *text) { static_cast<Ui *>(user)->set_clipboard_(text); }

void Ui::use_clipboard(std::function<std::string()> get, std::function<void(const std::string &)> set) {
    get_clipboard_ = std::move(get);
    set_clipboard_ = std::move(set);
    ImGui::SetCurrentContext(context_);
    ImGuiIO &io = ImGui::GetIO();
    io.ClipboardUserData = this;
    io.GetClipboardTextFn = get_clipboard;
    io.SetClipboardTextFn = set_clipboard;
}

void Ui::begin(VkExtent2D target, float seconds) {
    ImGui::SetCurrentContext(context_);
    if (begun_) ImGui::EndFrame();
    ImGuiIO &io = ImGui::GetIO();
    io.DisplaySize = {static_cast<float>(target.width), static_cast<float>(target.height)};
    io.DeltaTime = std::max(seconds, 1e-4f);
    for (int i = 0; i < 3; ++i) {
        io.MouseDown[i] = held_[i] || clicked_[i];
        clicked_[i] = false;
    }
    ImGui::NewFrame();
    begun_ = true;
}

bool Ui::wants_pointer() const {
    ImGui::SetCurrentContext(context_);
    return ImGui::GetIO().WantCaptureMouse;
}

bool Ui::wants_keyboard() const {
    ImGui::SetCurrentContext(context_);
    return ImGui::GetIO().WantTextInput;
}

ImTextureID Ui::create_texture(uint32_t width, uint32_t height) {
    auto texture = make_texture(width, height, sharp_);
    if (!texture) return nullptr;
    textures_.push_back(std::move(*texture));
    return textures_.back().get();
}

void Ui::update_texture(ImTextureID id, const uint8_t *pixels) {
    Texture &texture = *static_cast<Texture *>(id);
    const VkExtent2D extent = texture.image.extent();
    texture.pixels.assign(pixels, pixels + size_t{extent.width} * extent.height * 4);
}

void Ui::destroy_texture(ImTextureID id) {
    const auto at = std::find_if(textures_.begin(), textures_.end(), [&](const auto &t) { return t.get() == id; });
    if (at == textures_.end()) return;
    (void)
        device_.wait_idle();  // rare, and a frame in flight may still show it; a lost device is told by the next frame
    free_sets_.push_back((*at)->set);
    textures_.erase(at);
}

}  // namespace sac::engine
