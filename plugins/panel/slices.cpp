// The GPU time that each frame of the host's leaves the plugin, and what becomes of it.
#include <algorithm>

#include "plugins/panel/view.h"

namespace sac::panel {

namespace {

constexpr size_t slices_kept = 240;

// Another budget for the host's frames as they are; what the governor leaves stays the same share of it.
void set_budget(View &view, const sac_budget_state &state, float milliseconds) {
    sac_budget budget = {};
    budget.type = SAC_TYPE_BUDGET;
    budget.size = sizeof budget;
    budget.budget_us = static_cast<uint32_t>(milliseconds * 1000 + 0.5f);
    budget.host_frame_us = state.host_frame_us;
    if (state.budget_us) {
        const double share = static_cast<double>(state.least_us) / state.budget_us;
        budget.least_us = std::min(static_cast<uint32_t>(share * budget.budget_us), budget.budget_us);
    }
    (void)view.check(view.api.set_budget(view.context, &budget));
}

}  // namespace

void SlicesPart::draw(View &view) {
    if (!view.api.set_budget || !view.api.get_budget_state) return;  // older than 1.3
    sac_budget_state state = {};
    state.type = SAC_TYPE_BUDGET_STATE;
    state.size = sizeof state;
    if (!view.check(view.api.get_budget_state(view.context, &state))) return;
    see(view, state);

    heading("Slices");
    bool on = state.budget_us > 0;
    if (on) budget_ms = static_cast<float>(state.budget_us) * 1e-3f;
    if (ImGui::Checkbox("Networks in slices of", &on)) set_budget(view, state, on ? budget_ms : 0);
    ImGui::SameLine();
    ImGui::SetNextItemWidth(-ImGui::GetFontSize() * 6);
    if (ImGui::SliderFloat("a frame", &budget_ms, 0.1f, 50, on ? "%.1f ms" : "off",
                           ImGuiSliderFlags_AlwaysClamp | ImGuiSliderFlags_Logarithmic))
        set_budget(view, state, budget_ms);
    if (on) draw_counts(state);
}

void SlicesPart::see(const View &view, const sac_budget_state &state) {
    const double now = ImGui::GetTime();
    if (!last_second.empty() && now - last_second.back().time > 1) last_second.clear();  // nobody looked meanwhile
    if (state.budget_us != seen_budget_us) over.clear();
    // Only the newest slice is told of, and what is granted now. The grant it had may have been the one before.
    if (!last_second.empty() && state.slices > last_second.back().slices && state.budget_us) {
        over.push_back(state.slice_us > static_cast<float>(std::max(granted_us, state.granted_us)));
        if (over.size() > slices_kept) over.erase(over.begin());
    }
    seen_budget_us = state.budget_us;
    granted_us = state.granted_us;
    last_second.push_back({now, state.slices, view.statistics.finished});
    const auto recent =
        std::find_if(last_second.begin(), last_second.end(), [&](const Seen &s) { return s.time >= now - 1; });
    last_second.erase(last_second.begin(), recent);
}

void SlicesPart::draw_counts(const sac_budget_state &state) const {
    if (!begin_rows("slices")) return;
    const Seen &first = last_second.front(), &last = last_second.back();
    row("Granted now", "%.1f ms; the newest slice took %.1f", static_cast<double>(state.granted_us) * 1e-3,
        static_cast<double>(state.slice_us) * 1e-3);
    row("Last second", "%llu slices, %llu passes", static_cast<unsigned long long>(last.slices - first.slices),
        static_cast<unsigned long long>(last.passes - first.passes));
    const auto above = static_cast<size_t>(std::count(over.begin(), over.end(), true));
    if (over.empty())
        row("Over budget", "none seen yet");
    else
        row("Over budget", "%.1f %% of %zu slices seen",
            100.0 * static_cast<double>(above) / static_cast<double>(over.size()), over.size());
    if (state.host_frames)
        row("Host frames", "%llu, %llu of them late", static_cast<unsigned long long>(state.host_frames),
            static_cast<unsigned long long>(state.missed));
    else
        row("Host frames", "the host does not tell of them");
    ImGui::EndTable();
}

}  // namespace sac::panel
