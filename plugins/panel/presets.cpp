// Settings kept as files, and as C.
#include "plugins/panel/view.h"

namespace sac::panel {

void PresetPart::draw(View &view) {
    ImGui::TextWrapped("Thresholds, classes, tracks and the budget line, kept under a name.");
    ImGui::SetNextItemWidth(-ImGui::GetFontSize() * 5);
    ImGui::InputText("Name", name, sizeof name, ImGuiInputTextFlags_CharsNoBlank);
    const std::string file = std::string(name) + ".json";
    const std::string path = view.preset_folder.empty() ? file : view.preset_folder + "/" + file;
    const bool usable = name[0] && file.find_first_of("/\\:") == std::string::npos;
    std::string error;
    ImGui::BeginDisabled(!usable);
    if (ImGui::Button("Save")) {
        if (save_preset(path, view.settings, error))
            done = "Saved as " + path;
        else
            done = error;
    }
    ImGui::SameLine();
    if (ImGui::Button("Load")) {
        if (load_preset(path, view.settings, error)) {
            view.apply_all();
            done = "Loaded from " + path;
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
    ImGui::TextUnformatted(to_json(view.settings).c_str());
}

}  // namespace sac::panel
