// Settings kept as files, and as C.
#include "plugins/panel/view.h"

#include <algorithm>

namespace sac::panel {

namespace {

std::string name_at(const std::vector<std::string> &names, int index) {
    return index >= 0 && static_cast<size_t>(index) < names.size() ? names[static_cast<size_t>(index)] : std::string();
}

// Which of the host's choices a preset names; -1: the one in use, or none, which `done` then tells.
int wish(const char *what, const std::vector<std::string> &names, int present, const std::string &wanted,
         std::string &done) {
    if (wanted.empty() || wanted == name_at(names, present)) return -1;
    const auto found = std::find(names.begin(), names.end(), wanted);
    if (found != names.end()) return static_cast<int>(found - names.begin());
    done += std::string(". There is no ") + what + " \"" + wanted + "\" to choose here: it stays as it is";
    return -1;
}

}  // namespace

Wishes PresetPart::draw(View &view, const Host &host) {
    Wishes wishes;
    Preset preset = view.settings;
    preset.source = name_at(host.sources, host.source);
    preset.model = name_at(host.models, host.model);
    ImGui::TextWrapped("Source, model, thresholds, classes, tracks and the budget line, kept under a name.");
    ImGui::SetNextItemWidth(-ImGui::GetFontSize() * 5);
    ImGui::InputText("Name", name, sizeof name, ImGuiInputTextFlags_CharsNoBlank);
    const std::string file = std::string(name) + ".json";
    const std::string path = view.preset_folder.empty() ? file : view.preset_folder + "/" + file;
    const bool usable = name[0] && file.find_first_of("/\\:") == std::string::npos;
    std::string error;
    ImGui::BeginDisabled(!usable);
    if (ImGui::Button("Save")) {
        if (save_preset(path, preset, error))
            done = "Saved as " + path;
        else
            done = error;
    }
    ImGui::SameLine();
    if (ImGui::Button("Load")) {
        if (load_preset(path, preset, error)) {
            view.settings = preset;
            view.apply_all();
            done = "Loaded from " + path;
            wishes.source = wish("source", host.sources, host.source, preset.source, done);
            wishes.model = wish("model", host.models, host.model, preset.model, done);
        } else {
            done = error;
        }
    }
    ImGui::EndDisabled();
    ImGui::SameLine();
    if (ImGui::Button("Copy as C")) {
        ImGui::SetClipboardText(to_c(view.settings).c_str());
        done = "A C function that applies these settings is on the clipboard.";
    }
    if (!usable) ImGui::TextDisabled("A name is a file's, without a folder.");
    if (!done.empty()) ImGui::TextWrapped("%s", done.c_str());
    heading("What is kept");
    ImGui::TextUnformatted(to_json(preset).c_str());
    return wishes;
}

}  // namespace sac::panel
