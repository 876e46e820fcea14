// The live frame with its boxes, how old the answer is, what was dropped; source and model.
#include <algorithm>

#include "plugins/panel/view.h"

namespace sac::panel {

namespace {

int choose(const char *label, const std::vector<std::string> &names, int present) {
    int chosen = -1;
    const bool known = present >= 0 && static_cast<size_t>(present) < names.size();
    ImGui::SetNextItemWidth(-ImGui::GetFontSize() * 5);
    if (ImGui::BeginCombo(label, known ? names[static_cast<size_t>(present)].c_str() : "none")) {
        for (int i = 0; i < static_cast<int>(names.size()); ++i) {
            ImGui::PushID(i);
            if (ImGui::Selectable(names[static_cast<size_t>(i)].c_str(), i == present) && i != present) chosen = i;
            ImGui::PopID();
        }
        ImGui::EndCombo();
    }
    return chosen;
}

std::string label_of(const View &view, const sac_detection &detection) {
    return detection.class_id < view.labels.size() ? view.labels[detection.class_id]
                                                   : "class " + std::to_string(detection.class_id);
}

void draw_frame(const View &view, const Host &host) {
    if (!host.frame || host.frame_width == 0 || host.frame_height == 0) return;
    const float width = ImGui::GetContentRegionAvail().x;
    const float height = width * static_cast<float>(host.frame_height) / static_cast<float>(host.frame_width);
    const ImVec2 at = ImGui::GetCursorScreenPos();
    ImGui::Image(host.frame, {width, height});
    const sac_snapshot &snapshot = view.answer.snapshot;
    if (snapshot.width == 0) return;
    const float x = width / static_cast<float>(snapshot.width), y = height / static_cast<float>(snapshot.height);
    ImDrawList &list = *ImGui::GetWindowDrawList();
    for (const sac_detection &d : view.answer.detections) {
        const ImU32 color = class_color(d.class_id);
        list.AddRect({at.x + d.x1 * x, at.y + d.y1 * y}, {at.x + d.x2 * x, at.y + d.y2 * y}, color, 0, 0, 2);
        list.AddText({at.x + d.x1 * x + 4, at.y + d.y1 * y + 2}, color, label_of(view, d).c_str());
    }
}

void draw_detections(const View &view) {
    constexpr ImGuiTableFlags flags =
        ImGuiTableFlags_RowBg | ImGuiTableFlags_ScrollY | ImGuiTableFlags_SizingStretchProp;
    if (!ImGui::BeginTable("detections", 4, flags, {0, -1})) return;
    ImGui::TableSetupScrollFreeze(0, 1);
    ImGui::TableSetupColumn("Object", ImGuiTableColumnFlags_WidthStretch, 3);
    ImGui::TableSetupColumn("Score", ImGuiTableColumnFlags_WidthStretch, 1.4f);
    ImGui::TableSetupColumn("Track", ImGuiTableColumnFlags_WidthStretch, 1.2f);
    ImGui::TableSetupColumn("Box", ImGuiTableColumnFlags_WidthStretch, 4);
    ImGui::TableHeadersRow();
    for (const sac_detection &d : view.answer.detections) {
        ImGui::TableNextRow();
        ImGui::TableNextColumn();
        ImGui::TextUnformatted(label_of(view, d).c_str());
        ImGui::TableNextColumn();
        ImGui::Text("%.2f", static_cast<double>(d.score));
        ImGui::TableNextColumn();
        d.track_id ? ImGui::Text("#%u", d.track_id) : ImGui::TextDisabled("-");
        ImGui::TableNextColumn();
        ImGui::Text("%.0f, %.0f  %.0fx%.0f", static_cast<double>(d.x1), static_cast<double>(d.y1),
                    static_cast<double>(d.x2 - d.x1), static_cast<double>(d.y2 - d.y1));
    }
    ImGui::EndTable();
}

}  // namespace

Wishes OverviewPart::draw(View &view, const Host &host) {
    Wishes wishes;
    if (!host.sources.empty()) wishes.source = choose("Source", host.sources, host.source);
    if (!host.models.empty()) wishes.model = choose("Model", host.models, host.model);
    draw_frame(view, host);

    const sac_statistics &s = view.statistics;
    const sac_snapshot &snapshot = view.answer.snapshot;
    heading("Newest answer");
    if (begin_rows("answer")) {
        if (snapshot.sequence)
            row("Age", "%.0f ms", view.age_ms);
        else
            row("Age", "none yet");
        row("Submit to answer", "%.1f ms", static_cast<double>(s.latency_us) * 1e-3);
        if (s.gpu_us > 0) row("Device time", "%.1f ms", static_cast<double>(s.gpu_us) * 1e-3);
        row("Frame", "%llu, %u x %u", static_cast<unsigned long long>(snapshot.frame_id), snapshot.width,
            snapshot.height);
        ImGui::EndTable();
    }
    heading("Frames");
    if (begin_rows("frames")) {
        const double share =
            s.submitted ? 100.0 * static_cast<double>(s.dropped_newer) / static_cast<double>(s.submitted) : 0;
        row("Submitted", "%llu", static_cast<unsigned long long>(s.submitted));
        row("Finished", "%llu", static_cast<unsigned long long>(s.finished));
        row("Dropped for newer", "%llu  (%.0f %%)", static_cast<unsigned long long>(s.dropped_newer), share);
        row("Failed", "%llu", static_cast<unsigned long long>(s.dropped_failed));
        ImGui::EndTable();
    }
    char title[48];
    std::snprintf(title, sizeof title, "%zu detections", view.answer.detections.size());
    heading(title);
    draw_detections(view);
    return wishes;
}

}  // namespace sac::panel
