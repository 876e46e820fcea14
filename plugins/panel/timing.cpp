// How long frames take, against the budget, and which dispatches it goes to.
#include <algorithm>
#include <cmath>

#include "plugins/panel/view.h"

namespace sac::panel {

namespace {

// The value that a share of the values does not exceed (nearest rank); 0 of none.
float percentile(std::vector<float> values, double share) {
    if (values.empty()) return 0;
    const auto rank = static_cast<size_t>(std::ceil(share * static_cast<double>(values.size())));
    const auto at = values.begin() + static_cast<std::ptrdiff_t>(std::max<size_t>(rank, 1) - 1);
    std::nth_element(values.begin(), at, values.end());
    return *at;
}

std::vector<float> series_of(const View &view, int which) {
    if (which == 2) return view.host_ms;
    std::vector<float> values;
    for (const sac_frame_timing &t : view.timings) {
        if (t.result != SAC_OK) continue;
        const float whole = static_cast<float>(t.finished_ns - t.submitted_ns) * 1e-6f;
        values.push_back(which == 0 ? whole : t.gpu_us * 1e-3f);
    }
    return values;
}

// Bars of the last frames, those over the budget in another color, and the budget as a line.
void draw_graph(const std::vector<float> &values, float budget_ms) {
    constexpr size_t places = 240;
    const ImVec2 at = ImGui::GetCursorScreenPos();
    const ImVec2 size = {ImGui::GetContentRegionAvail().x, ImGui::GetFontSize() * 9};
    ImGui::Dummy(size);
    ImDrawList &list = *ImGui::GetWindowDrawList();
    list.AddRectFilled(at, {at.x + size.x, at.y + size.y}, ImGui::GetColorU32(ImGuiCol_FrameBg), 3);
    const float highest = values.empty() ? 0 : *std::max_element(values.begin(), values.end());
    const float top = std::max({highest, budget_ms, 1.0f}) * 1.15f;
    const float step = size.x / static_cast<float>(places);
    const ImU32 within = ImGui::GetColorU32(ImGuiCol_PlotHistogram), over = IM_COL32(236, 108, 84, 255);
    const size_t first = places - std::min(places, values.size());
    for (size_t i = 0; i < values.size() && i < places; ++i) {
        const float value = values[values.size() - std::min(places, values.size()) + i];
        const float x = at.x + step * static_cast<float>(first + i);
        list.AddRectFilled({x, at.y + size.y * (1 - value / top)}, {x + std::max(step - 0.5f, 1.0f), at.y + size.y},
                           budget_ms > 0 && value > budget_ms ? over : within);
    }
    char text[48];
    if (budget_ms > 0) {
        const float y = std::round(at.y + size.y * (1 - budget_ms / top));
        list.AddLine({at.x, y}, {at.x + size.x, y}, IM_COL32(240, 200, 80, 255));
        std::snprintf(text, sizeof text, "budget %.1f ms", static_cast<double>(budget_ms));
        const ImVec2 extent = ImGui::CalcTextSize(text);
        list.AddRectFilled({at.x + 2, y + 1}, {at.x + 10 + extent.x, y + 4 + extent.y}, IM_COL32(20, 22, 26, 200), 2);
        list.AddText({at.x + 6, y + 2}, IM_COL32(240, 200, 80, 255), text);
    }
    std::snprintf(text, sizeof text, "%.1f ms", static_cast<double>(top));
    list.AddText({at.x + size.x - ImGui::CalcTextSize(text).x - 6, at.y + 3}, ImGui::GetColorU32(ImGuiCol_TextDisabled),
                 text);
}

void draw_percentiles(const std::vector<float> &values) {
    if (!ImGui::BeginTable("percentiles", 4, ImGuiTableFlags_SizingStretchSame)) return;
    const std::pair<const char *, double> shares[] = {{"p50", 0.5}, {"p95", 0.95}, {"p99", 0.99}};
    for (const auto &[name, share] : shares) {
        ImGui::TableNextColumn();
        ImGui::TextDisabled("%s", name);
        ImGui::SameLine();
        ImGui::Text("%.1f ms", static_cast<double>(percentile(values, share)));
    }
    ImGui::TableNextColumn();
    ImGui::TextDisabled("frames");
    ImGui::SameLine();
    ImGui::Text("%zu", values.size());
    ImGui::EndTable();
}

enum Column { number_column, node_column, kernel_column, time_column, share_column };

void sort_rows(const View &view, std::vector<int> &order, const ImGuiTableSortSpecs &specs) {
    order.resize(view.dispatches.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int>(i);
    if (specs.SpecsCount == 0) return;
    const ImGuiTableColumnSortSpecs &by = specs.Specs[0];
    const bool down = by.SortDirection == ImGuiSortDirection_Descending;
    const auto time = [&](int i) { return view.dispatch_us.empty() ? 0.0f : view.dispatch_us[static_cast<size_t>(i)]; };
    const auto less = [&](int a, int b) {
        const sac_running_dispatch &first = view.dispatches[static_cast<size_t>(a)];
        const sac_running_dispatch &second = view.dispatches[static_cast<size_t>(b)];
        switch (by.ColumnUserID) {
            case node_column: return std::string_view(first.node) < second.node;
            case kernel_column: return std::string_view(first.kernel) < second.kernel;
            case time_column:
            case share_column: return time(a) < time(b);
            default: return a < b;
        }
    };
    std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return down ? less(b, a) : less(a, b); });
}

void draw_row(const View &view, int index, float whole, float longest) {
    const auto i = static_cast<size_t>(index);
    const sac_running_dispatch &dispatch = view.dispatches[i];
    const float us = view.dispatch_us.empty() ? 0 : view.dispatch_us[i];
    ImGui::TableNextRow();
    ImGui::TableNextColumn();
    ImGui::TextDisabled("%d", index);
    ImGui::TableNextColumn();
    ImGui::TextUnformatted(dispatch.node);
    if (ImGui::IsItemHovered())
        ImGui::SetTooltip("%s\n%s, %s\n%.1f MFLOP, reads %s, writes %s\n%u x %u x %u groups%s", dispatch.node,
                          dispatch.operation, dispatch.kernel, dispatch.flops * 1e-6,
                          bytes_text(dispatch.read_bytes).c_str(), bytes_text(dispatch.written_bytes).c_str(),
                          dispatch.groups[0], dispatch.groups[1], dispatch.groups[2],
                          dispatch.barrier ? ", behind a barrier" : "");
    ImGui::TableNextColumn();
    ImGui::TextUnformatted(dispatch.kernel);
    ImGui::TableNextColumn();
    us > 0 ? ImGui::Text("%8.1f", static_cast<double>(us)) : ImGui::TextDisabled("       -");
    ImGui::TableNextColumn();
    const ImVec2 at = ImGui::GetCursorScreenPos();
    const float width = ImGui::GetContentRegionAvail().x, height = ImGui::GetTextLineHeight();
    if (longest > 0)
        ImGui::GetWindowDrawList()->AddRectFilled({at.x, at.y + 1}, {at.x + width * us / longest, at.y + height - 1},
                                                  ImGui::GetColorU32(ImGuiCol_Button), 2);
    ImGui::Text("%4.1f %%", whole > 0 ? static_cast<double>(100 * us / whole) : 0.0);
}

}  // namespace

void TimingPart::draw(View &view) {
    static constexpr const char *names[] = {"Submit to answer", "Device time", "The host's frames"};
    ImGui::SetNextItemWidth(ImGui::GetFontSize() * 13);
    ImGui::Combo("##series", &series, names, static_cast<int>(std::size(names)));
    ImGui::SameLine();
    ImGui::SetNextItemWidth(-ImGui::GetFontSize() * 5);
    ImGui::SliderFloat("Budget", &view.settings.budget_ms, 0, 200, "%.1f ms",
                       ImGuiSliderFlags_AlwaysClamp | ImGuiSliderFlags_Logarithmic);
    const std::vector<float> values = series_of(view, series);
    draw_graph(values, view.settings.budget_ms);
    draw_percentiles(values);
    slices.draw(view);

    if (!view.debug || view.running.model_id == 0) {
        ImGui::TextDisabled("No model is in use yet.");
        return;
    }
    heading("Dispatches");
    ImGui::Checkbox("Time each of them", &view.profile);
    view.wants_profile = view.profile;
    float whole = 0, longest = 0;
    for (const float us : view.dispatch_us) {
        whole += us;
        longest = std::max(longest, us);
    }
    ImGui::SameLine();
    ImGui::TextDisabled("%zu dispatches, %.2f ms, %.1f GFLOP/s", view.dispatches.size(),
                        static_cast<double>(whole) * 1e-3,
                        whole > 0 ? view.running.flops / static_cast<double>(whole) * 1e-3 : 0.0);

    constexpr ImGuiTableFlags flags = ImGuiTableFlags_RowBg | ImGuiTableFlags_ScrollY | ImGuiTableFlags_Sortable |
                                      ImGuiTableFlags_Resizable | ImGuiTableFlags_SizingStretchProp;
    if (!ImGui::BeginTable("dispatches", 5, flags, {0, -1})) return;
    ImGui::TableSetupScrollFreeze(0, 1);
    ImGui::TableSetupColumn("#", ImGuiTableColumnFlags_WidthFixed, ImGui::GetFontSize() * 2, number_column);
    ImGui::TableSetupColumn("Node", ImGuiTableColumnFlags_WidthStretch, 3, node_column);
    ImGui::TableSetupColumn("Kernel", ImGuiTableColumnFlags_WidthStretch, 2.6f, kernel_column);
    ImGui::TableSetupColumn("us", ImGuiTableColumnFlags_PreferSortDescending | ImGuiTableColumnFlags_WidthFixed,
                            ImGui::GetFontSize() * 4.6f, time_column);
    ImGui::TableSetupColumn("Share",
                            ImGuiTableColumnFlags_DefaultSort | ImGuiTableColumnFlags_PreferSortDescending |
                                ImGuiTableColumnFlags_WidthStretch,
                            2, share_column);
    ImGui::TableHeadersRow();
    if (const ImGuiTableSortSpecs *specs = ImGui::TableGetSortSpecs()) sort_rows(view, order, *specs);
    ImGuiListClipper clipper;
    clipper.Begin(static_cast<int>(order.size()));
    while (clipper.Step())
        for (int i = clipper.DisplayStart; i < clipper.DisplayEnd; ++i)
            draw_row(view, order[static_cast<size_t>(i)], whole, longest);
    ImGui::EndTable();
}

}  // namespace sac::panel
