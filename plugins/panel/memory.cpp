// Memory of the device and the state of the caches.
#include "plugins/panel/view.h"

namespace sac::panel {

namespace {

void bar(const char *name, uint64_t part, uint64_t whole) {
    ImGui::TableNextRow();
    ImGui::TableNextColumn();
    ImGui::AlignTextToFramePadding();
    ImGui::TextDisabled("%s", name);
    ImGui::TableNextColumn();
    const float share = whole ? static_cast<float>(static_cast<double>(part) / static_cast<double>(whole)) : 0;
    ImGui::ProgressBar(share, {-1, 0}, bytes_text(part).c_str());
}

}  // namespace

void MemoryPart::draw(View &view) {
    if (!view.debug) {
        ImGui::TextDisabled("The plugin has no sac.debug/1 of version 2.");
        return;
    }
    const sac_memory_info &m = view.memory;
    heading("Device memory");
    if (begin_rows("device")) {
        bar("Given out", m.used_bytes, m.reserved_bytes);
        bar("Weights", m.weight_bytes, m.reserved_bytes);
        bar("Activations", m.arena_bytes, m.reserved_bytes);
        bar("Inputs, outputs", m.io_bytes, m.reserved_bytes);
        bar("Watched tensors", m.watched_bytes, m.reserved_bytes);
        row("From the driver", "%s in %llu blocks", bytes_text(m.reserved_bytes).c_str(),
            static_cast<unsigned long long>(m.blocks));
        row("Driver allocations", "%llu", static_cast<unsigned long long>(m.driver_allocations));
        row("Least activations", "%s", bytes_text(m.live_set_bytes).c_str());
        ImGui::EndTable();
    }
    heading("Pipelines");
    if (begin_rows("pipelines")) {
        row("Kernels", "%llu", static_cast<unsigned long long>(m.kernel_count));
        row("Pipelines built", "%llu", static_cast<unsigned long long>(m.pipelines_built));
        row("Read from the cache", "%s", m.cache_bytes ? bytes_text(m.cache_bytes).c_str() : "nothing");
        ImGui::EndTable();
    }
    ImGui::TextDisabled("Cache file");
    ImGui::TextWrapped("%s", m.cache_path[0] ? m.cache_path : "none");
    heading("Device");
    if (begin_rows("what")) {
        row("Device", "%s", view.info.device_name);
        row("Driver", "%s", view.info.driver_name);
        row("Vulkan", "%u.%u.%u", view.info.vulkan_version >> 22, view.info.vulkan_version >> 12 & 0x3ff,
            view.info.vulkan_version & 0xfff);
        row("Snapshots held", "%u", view.statistics.snapshots_held);
        ImGui::EndTable();
    }
}

}  // namespace sac::panel
