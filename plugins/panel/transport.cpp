// Frames held, stepped and run again.
#include "plugins/panel/view.h"

namespace sac::panel {

void TransportPart::draw(View &view) {
    ImGui::Separator();
    if (!view.debug) return;
    const bool live = view.run.mode == SAC_RUN_LIVE;
    const float width = ImGui::GetFontSize() * 5.6f;
    if (ImGui::Button(live ? "Freeze" : "Go on", {width, 0}))
        (void)view.check(view.debug->set_run_mode(view.context, live ? SAC_RUN_PAUSED : SAC_RUN_LIVE));
    ImGui::SameLine();
    ImGui::BeginDisabled(live);
    if (ImGui::Button("Step", {width, 0})) (void)view.check(view.debug->step_frame(view.context));
    ImGui::EndDisabled();
    ImGui::SameLine();
    ImGui::BeginDisabled(live || !view.run.is_held);
    if (ImGui::Button("Replay", {width, 0})) (void)view.check(view.debug->replay_frame(view.context));
    ImGui::SameLine();
    bool looping = view.run.mode == SAC_RUN_FROZEN;
    if (ImGui::Checkbox("over and over", &looping))
        (void)view.check(view.debug->set_run_mode(view.context, looping ? SAC_RUN_FROZEN : SAC_RUN_PAUSED));
    ImGui::EndDisabled();
    ImGui::AlignTextToFramePadding();
    if (live)
        ImGui::TextDisabled("live");
    else if (view.run.is_held)
        ImGui::TextDisabled(
            "frame %llu is held, %llu steps, %llu replays", static_cast<unsigned long long>(view.run.held_frame_id),
            static_cast<unsigned long long>(view.run.stepped), static_cast<unsigned long long>(view.run.replayed));
    else
        ImGui::TextDisabled("the next frame will be held");
}

}  // namespace sac::panel
