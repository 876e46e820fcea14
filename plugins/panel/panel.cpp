#include "plugins/panel/panel.h"

#include <algorithm>
#include <cstdio>
#include <numeric>

#include "plugins/panel/view.h"

namespace sac::panel {

struct Panel::Parts {
    View view;
    OverviewPart overview;
    DetectionPart detection;
    TimingPart timing;
    NetworkPart network;
    MemoryPart memory;
    PresetPart presets;
    TransportPart transport;
    std::string opened;  // the part to bring to the front
};

Panel::Panel(const sac_api &api, sac_context context, TextureHost &textures, std::string preset_folder)
    : parts_(std::make_unique<Parts>()) {
    View &view = parts_->view;
    view.api = api;
    view.context = context;
    view.textures = &textures;
    view.preset_folder = std::move(preset_folder);
    const auto *debug = static_cast<const sac_debug_api *>(api.get_extension(context, "sac.debug/1"));
    if (debug && debug->version >= 2) view.debug = debug;
}

Panel::~Panel() {
    hide();
    for (Picture *picture : {&parts_->network.input, &parts_->network.maps})
        if (picture->id) parts_->view.textures->destroy(picture->id);
}

void Panel::open_part(const std::string &name) { parts_->opened = name; }
void Panel::set_budget(float milliseconds) { parts_->view.settings.budget_ms = milliseconds; }
void Panel::set_tracks(bool on) { parts_->view.settings.track = on; }

void Panel::forget_tracks() {
    if (parts_->view.settings.track) parts_->view.apply_tracks();
}

void Panel::hide() {
    parts_->view.wants_profile = parts_->view.wants_tensors = false;
    parts_->view.watch();
}

namespace {

// Model, device and how it goes, in one line that is always there.
void draw_header(const View &view) {
    const bool failed = view.info.state != SAC_OK || view.model.state == SAC_MODEL_FAILED;
    const bool loading = view.statistics.models_loading > 0;
    const ImVec4 color = failed    ? ImVec4(0.95f, 0.35f, 0.3f, 1)
                         : loading ? ImVec4(0.95f, 0.8f, 0.3f, 1)
                                   : ImVec4(0.35f, 0.85f, 0.5f, 1);
    const float size = ImGui::GetFontSize();
    const ImVec2 at = ImGui::GetCursorScreenPos();
    ImGui::GetWindowDrawList()->AddCircleFilled({at.x + size * 0.5f, at.y + size * 0.5f}, size * 0.32f,
                                                ImGui::GetColorU32(color));
    ImGui::Dummy({size, size});
    ImGui::SameLine();
    const char *const name = view.in_use.name[0] ? view.in_use.name : view.model.name;
    ImGui::Text("%s", name[0] ? name : "no model");
    ImGui::SameLine();
    ImGui::TextDisabled("%s", !loading              ? view.info.device_name
                              : view.in_use.name[0] ? "another is loading"
                                                    : "loading");
    if (view.host_ms.empty()) return;
    constexpr size_t recent = 30;  // a number that changes with each frame cannot be read
    const size_t count = std::min(recent, view.host_ms.size());
    const float sum =
        std::accumulate(view.host_ms.end() - static_cast<std::ptrdiff_t>(count), view.host_ms.end(), 0.0f);
    char rate[32];
    std::snprintf(rate, sizeof rate, "%.0f frames/s", 1000 * static_cast<double>(count) / static_cast<double>(sum));
    ImGui::SameLine(ImGui::GetContentRegionMax().x - ImGui::CalcTextSize(rate).x);
    ImGui::Text("%s", rate);
}

void draw_message(View &view, const Host &host) {
    const char *text = !host.message.empty()                  ? host.message.c_str()
                       : view.model.state == SAC_MODEL_FAILED ? view.model.error
                                                              : view.message.c_str();
    if (!text[0]) return;
    ImGui::PushStyleColor(ImGuiCol_Text, ImVec4(0.98f, 0.6f, 0.5f, 1));
    ImGui::TextWrapped("%s", text);
    ImGui::PopStyleColor();
    if (text == view.message.c_str() && ImGui::SmallButton("Dismiss")) view.message.clear();
}

}  // namespace

Wishes Panel::draw(const Area &area, const Host &host) {
    View &view = parts_->view;
    view.refresh();
    if (host.frame_ms > 0) {
        view.host_ms.push_back(host.frame_ms);
        if (view.host_ms.size() > 240) view.host_ms.erase(view.host_ms.begin());
    }

    Wishes wishes;
    ImGui::SetNextWindowPos({area.x, area.y});
    ImGui::SetNextWindowSize({area.width, area.height});
    constexpr ImGuiWindowFlags fixed = ImGuiWindowFlags_NoDecoration | ImGuiWindowFlags_NoMove |
                                       ImGuiWindowFlags_NoSavedSettings | ImGuiWindowFlags_NoBringToFrontOnFocus;
    if (ImGui::Begin("Saccade", nullptr, fixed)) {
        draw_header(view);
        draw_message(view, host);
        const float transport = ImGui::GetFrameHeightWithSpacing() * 2 + ImGui::GetStyle().ItemSpacing.y;
        if (ImGui::BeginTabBar("parts")) {
            const auto part = [&](const char *name, auto &&body) {
                const bool front = parts_->opened == name;
                if (!ImGui::BeginTabItem(name, nullptr, front ? ImGuiTabItemFlags_SetSelected : 0)) return;
                if (ImGui::BeginChild(name, {0, -transport})) body();
                ImGui::EndChild();
                ImGui::EndTabItem();
            };
            part("Overview", [&] { wishes = parts_->overview.draw(view, host); });
            part("Detection", [&] { parts_->detection.draw(view); });
            part("Timing", [&] { parts_->timing.draw(view); });
            part("Network", [&] { parts_->network.draw(view); });
            part("Memory", [&] { parts_->memory.draw(view); });
            part("Presets", [&] { wishes = parts_->presets.draw(view, host); });
            ImGui::EndTabBar();
            parts_->opened.clear();
        }
        parts_->transport.draw(view);
    }
    ImGui::End();
    view.watch();
    return wishes;
}

void apply_style(float scale) {
    ImGui::StyleColorsDark();
    ImGuiStyle &style = ImGui::GetStyle();
    style.WindowPadding = {12, 10};
    style.FramePadding = {8, 4};
    style.CellPadding = {4, 3};
    style.ItemSpacing = {8, 6};
    style.WindowRounding = 0;
    style.WindowBorderSize = 0;
    style.FrameRounding = style.GrabRounding = style.TabRounding = 3;
    style.ScrollbarSize = 12;
    ImVec4 *colors = style.Colors;
    const ImVec4 accent = {0.25f, 0.62f, 0.78f, 1}, dim = {0.17f, 0.36f, 0.45f, 1};
    colors[ImGuiCol_Text] = {0.90f, 0.91f, 0.92f, 1};
    colors[ImGuiCol_TextDisabled] = {0.56f, 0.59f, 0.62f, 1};
    colors[ImGuiCol_WindowBg] = {0.105f, 0.115f, 0.13f, 1};
    colors[ImGuiCol_ChildBg] = {0, 0, 0, 0};
    colors[ImGuiCol_PopupBg] = {0.13f, 0.14f, 0.16f, 1};
    colors[ImGuiCol_FrameBg] = {0.17f, 0.185f, 0.205f, 1};
    colors[ImGuiCol_FrameBgHovered] = {0.21f, 0.23f, 0.255f, 1};
    colors[ImGuiCol_FrameBgActive] = {0.24f, 0.27f, 0.30f, 1};
    colors[ImGuiCol_Button] = dim;
    colors[ImGuiCol_ButtonHovered] = {0.21f, 0.48f, 0.60f, 1};
    colors[ImGuiCol_ButtonActive] = accent;
    colors[ImGuiCol_Header] = {0.17f, 0.36f, 0.45f, 0.8f};
    colors[ImGuiCol_HeaderHovered] = {0.21f, 0.48f, 0.60f, 0.7f};
    colors[ImGuiCol_HeaderActive] = accent;
    colors[ImGuiCol_Tab] = {0.14f, 0.155f, 0.175f, 1};
    colors[ImGuiCol_TabHovered] = {0.21f, 0.48f, 0.60f, 1};
    colors[ImGuiCol_TabActive] = dim;
    colors[ImGuiCol_SliderGrab] = colors[ImGuiCol_CheckMark] = colors[ImGuiCol_PlotHistogram] = accent;
    colors[ImGuiCol_SliderGrabActive] = {0.45f, 0.78f, 0.92f, 1};
    colors[ImGuiCol_Separator] = {0.24f, 0.26f, 0.29f, 1};
    colors[ImGuiCol_TableHeaderBg] = {0.15f, 0.165f, 0.185f, 1};
    colors[ImGuiCol_TableRowBgAlt] = {1, 1, 1, 0.025f};
    style.ScaleAllSizes(scale);
}

}  // namespace sac::panel
