// Thresholds, suppression, class filter, tracks.
#include <algorithm>
#include <cctype>

#include "plugins/panel/view.h"

namespace sac::panel {

namespace {

bool contains(std::string text, std::string part) {
    const auto lower = [](std::string &s) {
        std::transform(s.begin(), s.end(), s.begin(),
                       [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    };
    lower(text);
    lower(part);
    return text.find(part) != std::string::npos;
}

void draw_classes(View &view, const char *search) {
    Preset &settings = view.settings;
    if (!ImGui::BeginChild("classes", {0, -1}, true)) {
        ImGui::EndChild();
        return;
    }
    if (ImGui::BeginTable("grid", 3, ImGuiTableFlags_SizingStretchSame)) {
        for (uint32_t id = 0; id < view.labels.size(); ++id) {
            if (!contains(view.labels[id], search)) continue;
            const auto place = std::lower_bound(settings.classes.begin(), settings.classes.end(), id);
            const bool listed = place != settings.classes.end() && *place == id;
            bool wanted = settings.all_classes || listed;
            ImGui::TableNextColumn();
            ImGui::PushID(static_cast<int>(id));
            if (ImGui::Checkbox(view.labels[id].c_str(), &wanted)) {
                if (settings.all_classes) {  // the first that is taken out: all others are listed
                    settings.all_classes = false;
                    settings.classes.clear();
                    for (uint32_t other = 0; other < view.labels.size(); ++other)
                        if (other != id) settings.classes.push_back(other);
                } else if (listed) {
                    settings.classes.erase(place);
                } else {
                    settings.classes.insert(place, id);
                }
                view.apply_classes();
            }
            ImGui::PopID();
        }
        ImGui::EndTable();
    }
    ImGui::EndChild();
}

}  // namespace

void DetectionPart::draw(View &view) {
    Preset &settings = view.settings;
    if (!view.debug || view.running.model_id == 0) {
        ImGui::TextDisabled("No model is in use yet.");
        return;
    }
    ImGui::PushItemWidth(-ImGui::GetFontSize() * 9);
    heading("Thresholds");
    float score = view.detect.score_threshold, overlap = view.detect.iou_threshold;
    int most = static_cast<int>(view.detect.max_detections);
    bool changed = false;
    if (ImGui::SliderFloat("Score", &score, 0.01f, 1, "%.2f", ImGuiSliderFlags_AlwaysClamp)) {
        settings.score_threshold = score;
        changed = true;
    }
    if (ImGui::SliderFloat("Overlap (NMS)", &overlap, 0.01f, 1, "%.2f", ImGuiSliderFlags_AlwaysClamp)) {
        settings.iou_threshold = overlap;
        changed = true;
    }
    if (ImGui::SliderInt("Most boxes", &most, 1, 1024, "%d",
                         ImGuiSliderFlags_AlwaysClamp | ImGuiSliderFlags_Logarithmic)) {
        settings.max_detections = static_cast<uint32_t>(most);
        changed = true;
    }
    ImGui::PopItemWidth();
    if (ImGui::Button("As in the model's card")) {
        settings.score_threshold = settings.iou_threshold = 0;
        settings.max_detections = 0;
        changed = true;
    }
    ImGui::SameLine();
    ImGui::TextDisabled("card: score %.2f, overlap %.2f", static_cast<double>(view.running.score_threshold),
                        static_cast<double>(view.running.iou_threshold));
    if (changed) view.apply_detection();
    if (begin_rows("counts")) {
        row("Above the score", "%u places", view.answer.snapshot.candidate_count);
        row("After suppression", "%u boxes", view.answer.snapshot.detection_count);
        ImGui::EndTable();
    }

    heading("Tracks");
    if (ImGui::Checkbox("Follow objects from frame to frame", &settings.track)) view.apply_tracks();
    if (settings.track) ImGui::TextDisabled("Known objects stay down to half of the score.");

    heading("Classes");
    if (ImGui::Button("All")) {
        settings.all_classes = true;
        settings.classes.clear();
        view.apply_classes();
    }
    ImGui::SameLine();
    if (ImGui::Button("None")) {
        settings.all_classes = false;
        settings.classes.clear();
        view.apply_classes();
    }
    ImGui::SameLine();
    ImGui::SetNextItemWidth(-1);
    ImGui::InputTextWithHint("##search", "search", search, sizeof search);
    draw_classes(view, search);
}

}  // namespace sac::panel
