// What the network sees, its layers, and what is in one of them.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "plugins/panel/view.h"

namespace sac::panel {

namespace {

constexpr double read_every = 0.25;  // seconds: reading takes the drawing thread some milliseconds
constexpr uint32_t sheet_columns = 6, sheet_rows = 2, sheet_maps = sheet_columns * sheet_rows;
constexpr uint32_t bin_count = 96;

uint8_t byte_of(float value) { return static_cast<uint8_t>(std::clamp(std::lround(value), 0l, 255l)); }

// The input tensor with its normalisation taken back, as the picture that it is.
std::vector<uint8_t> input_pixels(const sac_running_info &running, const std::vector<float> &values) {
    const size_t area = size_t{running.input_width} * running.input_height;
    std::vector<uint8_t> pixels(area * 4, 255);
    if (values.size() < area * 3) return pixels;
    for (size_t c = 0; c < 3; ++c) {
        const size_t to = running.input_bgr ? 2 - c : c;
        for (size_t i = 0; i < area; ++i) {
            const float v = running.input_nhwc ? values[i * 3 + c] : values[c * area + i];
            pixels[i * 4 + to] = byte_of((v * running.input_std[c] + running.input_mean[c]) / running.input_scale);
        }
    }
    return pixels;
}

// A map into its place of the sheet, from its own least to its own greatest value; what is no number is red.
void paint_map(const std::vector<float> &values, uint32_t width, uint32_t height, uint32_t place, uint32_t sheet_width,
               std::vector<uint8_t> &pixels) {
    float low = INFINITY, high = -INFINITY;
    for (const float v : values) {
        if (!std::isfinite(v)) continue;
        low = std::min(low, v);
        high = std::max(high, v);
    }
    const float scale = high > low ? 1 / (high - low) : 0;
    const uint32_t left = place % sheet_columns * (width + 1), top = place / sheet_columns * (height + 1);
    for (uint32_t y = 0; y < height; ++y)
        for (uint32_t x = 0; x < width; ++x) {
            const float v = values[size_t{y} * width + x];
            const ImU32 color = std::isfinite(v) ? heat_color((v - low) * scale) : IM_COL32(255, 0, 0, 255);
            std::memcpy(&pixels[(size_t{top + y} * sheet_width + left + x) * 4], &color, 4);
        }
}

const sac_layer_info *chosen_layer(const View &view) {
    return view.layer >= 0 && static_cast<size_t>(view.layer) < view.layers.size()
               ? &view.layers[static_cast<size_t>(view.layer)]
               : nullptr;
}

void draw_layers(View &view, const char *search) {
    constexpr ImGuiTableFlags flags =
        ImGuiTableFlags_RowBg | ImGuiTableFlags_ScrollY | ImGuiTableFlags_Resizable | ImGuiTableFlags_SizingStretchProp;
    if (!ImGui::BeginTable("layers", 3, flags, {0, ImGui::GetTextLineHeightWithSpacing() * 9})) return;
    ImGui::TableSetupScrollFreeze(0, 1);
    ImGui::TableSetupColumn("Layer", ImGuiTableColumnFlags_WidthStretch, 3.2f);
    ImGui::TableSetupColumn("Made by", ImGuiTableColumnFlags_WidthStretch, 1.6f);
    ImGui::TableSetupColumn("Shape", ImGuiTableColumnFlags_WidthStretch, 2);
    ImGui::TableHeadersRow();
    std::vector<int> found;
    for (size_t i = 0; i < view.layers.size(); ++i)
        if (std::strstr(view.layers[i].name, search)) found.push_back(static_cast<int>(i));
    ImGuiListClipper clipper;
    clipper.Begin(static_cast<int>(found.size()));
    while (clipper.Step())
        for (int at = clipper.DisplayStart; at < clipper.DisplayEnd; ++at) {
            const int i = found[static_cast<size_t>(at)];
            const sac_layer_info &layer = view.layers[static_cast<size_t>(i)];
            const bool fused = layer.kind == SAC_LAYER_FUSED;
            ImGui::TableNextRow();
            ImGui::TableNextColumn();
            ImGui::PushID(i);
            if (fused) ImGui::PushStyleColor(ImGuiCol_Text, ImGui::GetStyleColorVec4(ImGuiCol_TextDisabled));
            if (ImGui::Selectable(layer.name, i == view.layer, ImGuiSelectableFlags_SpanAllColumns)) {
                view.layer = i;
                view.first_map = 0;
            }
            ImGui::TableNextColumn();
            ImGui::TextUnformatted(fused ? "fused" : layer.kind == SAC_LAYER_INPUT ? "input" : layer.operation);
            ImGui::TableNextColumn();
            ImGui::TextUnformatted(shape_text(layer).c_str());
            if (fused) ImGui::PopStyleColor();
            ImGui::PopID();
        }
    ImGui::EndTable();
}

void draw_statistics(const sac_tensor_statistics &s, const std::vector<uint64_t> &bins) {
    if (ImGui::BeginTable("numbers", 4, ImGuiTableFlags_SizingStretchSame)) {
        const auto cell = [](const char *name, const char *format, auto value) {
            ImGui::TableNextColumn();
            ImGui::TextDisabled("%s", name);
            ImGui::SameLine();
            ImGui::Text(format, value);
        };
        cell("min", "%.4g", static_cast<double>(s.min));
        cell("max", "%.4g", static_cast<double>(s.max));
        cell("mean", "%.4g", s.mean);
        cell("dev", "%.4g", s.deviation);
        cell("zero", "%.1f %%",
             s.count ? 100.0 * static_cast<double>(s.zero_count) / static_cast<double>(s.count) : 0.0);
        cell("NaN", "%llu", static_cast<unsigned long long>(s.nan_count));
        cell("inf", "%llu", static_cast<unsigned long long>(s.inf_count));
        cell("of", "%llu", static_cast<unsigned long long>(s.count));
        ImGui::EndTable();
    }
    std::vector<float> heights;  // a log scale: the zeros of a network would hide all else
    for (const uint64_t n : bins) heights.push_back(std::log2(1 + static_cast<float>(n)));
    ImGui::PlotHistogram("##histogram", heights.data(), static_cast<int>(heights.size()), 0, nullptr, 0, FLT_MAX,
                         {ImGui::GetContentRegionAvail().x, ImGui::GetFontSize() * 3.6f});
}

}  // namespace

void NetworkPart::read(View &view) {
    seen = view.answer.snapshot.sequence;
    next_read = ImGui::GetTime() + read_every;
    uint64_t count = uint64_t{view.running.input_width} * view.running.input_height * 3;
    std::vector<float> values(count);
    if (view.debug->read_tensor(view.context, view.running.input, values.data(), count, &count, nullptr) == SAC_OK)
        view.fill(input, view.running.input_width, view.running.input_height, input_pixels(view.running, values));

    const sac_layer_info *layer = chosen_layer(view);
    if (!layer || layer->kind == SAC_LAYER_FUSED) return;
    bins.assign(bin_count, 0);
    sac_histogram histogram = {};
    histogram.type = SAC_TYPE_HISTOGRAM;
    histogram.size = sizeof histogram;
    histogram.bin_count = bin_count;
    histogram.bins = bins.data();
    statistics = {};
    statistics.type = SAC_TYPE_TENSOR_STATISTICS;
    statistics.size = sizeof statistics;
    const sac_result result = view.debug->read_statistics(view.context, layer->name, &histogram, &statistics);
    reason = result == SAC_OK ? "" : result == SAC_NOT_READY ? "Comes with the next frame." : "Cannot be read.";
    name = layer->name;
    shown_from = view.first_map;
    if (result != SAC_OK || layer->channels == 0 || layer->map_width == 0 || layer->map_height == 0) return;

    const uint32_t shown = std::min(sheet_maps, layer->channels - std::min(layer->channels, view.first_map));
    const uint64_t area = uint64_t{layer->map_width} * layer->map_height;
    const uint32_t width = (layer->map_width + 1) * sheet_columns, height = (layer->map_height + 1) * sheet_rows;
    if (width > 4096 || height > 4096) return;  // no host promises more
    std::vector<uint8_t> pixels(size_t{width} * height * 4);
    values.resize(area);
    for (uint32_t i = 0; i < shown; ++i) {
        uint64_t got = area;
        if (view.debug->read_feature_map(view.context, layer->name, 0, view.first_map + i, values.data(), area, &got,
                                         nullptr) == SAC_OK)
            paint_map(values, layer->map_width, layer->map_height, i, width, pixels);
    }
    view.fill(maps, width, height, pixels);
}

void NetworkPart::draw(View &view) {
    if (!view.debug || view.running.model_id == 0) {
        ImGui::TextDisabled("No model is in use yet.");
        return;
    }
    view.wants_tensors = true;
    const sac_layer_info *layer = chosen_layer(view);
    const bool other = layer && (name != layer->name || shown_from != view.first_map);
    if ((other || seen != view.answer.snapshot.sequence) && ImGui::GetTime() >= next_read) read(view);

    const sac_running_info &running = view.running;
    const float side = ImGui::GetFontSize() * 10;
    const float shape =
        running.input_height ? static_cast<float>(running.input_width) / static_cast<float>(running.input_height) : 1;
    const ImVec2 fitted = shape > 1 ? ImVec2(side, side / shape) : ImVec2(side * shape, side);
    if (input.id)
        ImGui::Image(input.id, fitted);
    else
        ImGui::Dummy(fitted);
    ImGui::SameLine();
    ImGui::BeginGroup();
    static constexpr const char *fits[] = {"stretched", "letterboxed", "cropped"};
    if (begin_rows("what", 8)) {
        row("It sees", "%u x %u %s", running.input_width, running.input_height, running.input_bgr ? "BGR" : "RGB");
        row("Frame is", "%s, %s", fits[std::min(running.input_fit, 2u)],
            running.input_filter == SAC_FILTER_AREA ? "area" : "bilinear");
        row("Stored as", "%s", running.flags & SAC_MODEL_FP16 ? "half" : "float");
        row("Work", "%.0f MFLOP a frame", running.flops * 1e-6);
        row("Plan", "%u nodes, %u dispatches", running.node_count, running.dispatch_count);
        ImGui::EndTable();
    }
    ImGui::EndGroup();

    heading("Layers");
    ImGui::SetNextItemWidth(-1);
    ImGui::InputTextWithHint("##layer", "search", search, sizeof search);
    draw_layers(view, search);
    layer = chosen_layer(view);
    if (!layer) {
        ImGui::TextDisabled("Click on a layer to look into it.");
        return;
    }
    heading(layer->name);
    if (layer->kind == SAC_LAYER_FUSED) {
        ImGui::TextWrapped("Never made: its node became part of another.");
        return;
    }
    if (name != layer->name || !reason.empty()) {
        ImGui::TextDisabled("%s", reason.empty() ? "Comes with the next frame." : reason.c_str());
        return;
    }
    draw_statistics(statistics, bins);
    if (layer->channels == 0) return;
    ImGui::BeginDisabled(view.first_map == 0);
    if (ImGui::ArrowButton("back", ImGuiDir_Left)) view.first_map -= std::min(view.first_map, sheet_maps);
    ImGui::EndDisabled();
    ImGui::SameLine();
    ImGui::BeginDisabled(view.first_map + sheet_maps >= layer->channels);
    if (ImGui::ArrowButton("on", ImGuiDir_Right)) view.first_map += sheet_maps;
    ImGui::EndDisabled();
    ImGui::SameLine();
    ImGui::Text("Feature maps %u to %u of %u", view.first_map,
                std::min(view.first_map + sheet_maps, layer->channels) - 1, layer->channels);
    if (!maps.id) return;
    const ImVec2 room = ImGui::GetContentRegionAvail();
    const float scale = std::min(room.x / static_cast<float>(maps.width),
                                 std::max(room.y, ImGui::GetFontSize() * 8) / static_cast<float>(maps.height));
    ImGui::Image(maps.id, {static_cast<float>(maps.width) * scale, static_cast<float>(maps.height) * scale});
}

}  // namespace sac::panel
