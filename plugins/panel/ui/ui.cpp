#include "plugins/panel/ui/ui.h"

#include <algorithm>
#include <cfloat>
#include <utility>

namespace sac::panel {

Result<std::unique_ptr<Ui>> Ui::create(vk::Device &device, vk::Memory &memory, VkRenderPass pass, uint32_t slots) {
    std::unique_ptr<Ui> ui(new Ui(device, memory));
    ui->slots_.resize(slots);
    IMGUI_CHECKVERSION();
    ui->context_ = ImGui::CreateContext();
    ImGui::SetCurrentContext(ui->context_);
    ImGuiIO &io = ImGui::GetIO();
    io.IniFilename = io.LogFilename = nullptr;  // no files of its own
    io.BackendFlags |= ImGuiBackendFlags_RendererHasVtxOffset;
    const std::pair<ImGuiKey, UiKey> keys[] = {{ImGuiKey_Tab, UiKey::tab},
                                               {ImGuiKey_LeftArrow, UiKey::left},
                                               {ImGuiKey_RightArrow, UiKey::right},
                                               {ImGuiKey_UpArrow, UiKey::up},
                                               {ImGuiKey_DownArrow, UiKey::down},
                                               {ImGuiKey_PageUp, UiKey::page_up},
                                               {ImGuiKey_PageDown, UiKey::page_down},
                                               {ImGuiKey_Home, UiKey::home},
                                               {ImGuiKey_End, UiKey::end},
                                               {ImGuiKey_Insert, UiKey::insert},
                                               {ImGuiKey_Delete, UiKey::del},
                                               {ImGuiKey_Backspace, UiKey::backspace},
                                               {ImGuiKey_Space, UiKey::space},
                                               {ImGuiKey_Enter, UiKey::enter},
                                               {ImGuiKey_KeyPadEnter, UiKey::keypad_enter},
                                               {ImGuiKey_Escape, UiKey::escape},
                                               {ImGuiKey_A, UiKey::a},
                                               {ImGuiKey_C, UiKey::c},
                                               {ImGuiKey_V, UiKey::v},
                                               {ImGuiKey_X, UiKey::x},
                                               {ImGuiKey_Y, UiKey::y},
                                               {ImGuiKey_Z, UiKey::z}};
    for (const auto &[key, code] : keys) io.KeyMap[key] = static_cast<int>(code);
    SAC_TRY(ui->create_objects(pass));
    SAC_TRY(ui->create_font());
    return ui;
}

void Ui::take(const UiEvent &event) {
    ++events_;
    ImGui::SetCurrentContext(context_);
    ImGuiIO &io = ImGui::GetIO();
    switch (event.kind) {
        case UiEvent::Kind::cursor: io.MousePos = {event.x, event.y}; break;
        case UiEvent::Kind::button:
            if (event.code < 0 || event.code > 2) break;
            held_[event.code] = event.down;
            clicked_[event.code] |= event.down;
            break;
        case UiEvent::Kind::scroll:
            io.MouseWheelH += event.x;
            io.MouseWheel += event.y;
            break;
        case UiEvent::Kind::key:
            if (event.code >= 0 && event.code < static_cast<int>(std::size(io.KeysDown)))
                io.KeysDown[event.code] = event.down;
            io.KeyCtrl = event.control;
            io.KeyShift = event.shift;
            io.KeyAlt = event.alt;
            break;
        case UiEvent::Kind::character: io.AddInputCharacter(static_cast<unsigned>(event.code)); break;
        case UiEvent::Kind::focus:
            if (event.down) break;
            io.ClearInputKeys();
            std::fill(std::begin(held_), std::end(held_), false);
            io.MousePos = {-FLT_MAX, -FLT_MAX};
            break;
    }
}

void Ui::type(const char *text) {
    ++events_;
    ImGui::SetCurrentContext(context_);
    ImGui::GetIO().AddInputCharactersUTF8(text);
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
    return ImGui::GetIO().WantTextInput ||
           ImGui::IsPopupOpen("", ImGuiPopupFlags_AnyPopupId | ImGuiPopupFlags_AnyPopupLevel);
}

ImTextureID Ui::create_texture(uint32_t width, uint32_t height, bool smooth) {
    auto texture = make_texture(width, height, smooth ? smooth_ : sharp_);
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
    if (at != textures_.end()) textures_.erase(at);
}

}  // namespace sac::panel
