// labels: host_only
// The panel without a window: drawn headless against a plugin of paper, every part clicked through.
#include "plugins/panel/panel.h"
#include "plugins/panel/preset.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "tests/panel/fake.h"
#include "tests/support/files.h"

using namespace sac;
using namespace sac::test;

namespace {

constexpr float width = 480, height = 800;

// Pictures that are counted and not shown.
class CountedTextures : public panel::TextureHost {
public:
    ~CountedTextures() override { CHECK(alive_.empty()); }
    ImTextureID create(uint32_t w, uint32_t h) override {
        const auto id = reinterpret_cast<ImTextureID>(++last_);
        alive_.insert(id);
        largest = std::max(largest, w * h);
        return id;
    }
    void update(ImTextureID texture, const uint8_t *pixels) override {
        CHECK(alive_.contains(texture));
        CHECK(pixels != nullptr);
        ++updates;
    }
    void destroy(ImTextureID texture) override { CHECK(alive_.erase(texture) == 1); }

    int updates = 0;
    uint32_t largest = 0;

private:
    std::set<ImTextureID> alive_;
    uintptr_t last_ = 0;
};

// An ImGui of its own, the panel in it, and a hand on the mouse.
class Bench {
public:
    explicit Bench(const std::string &presets = {}) {
        context_ = ImGui::CreateContext();
        ImGuiIO &io = ImGui::GetIO();
        io.IniFilename = nullptr;
        io.DisplaySize = {width, height};
        io.ClipboardUserData = &clipboard;
        io.SetClipboardTextFn = [](void *user, const char *text) { *static_cast<std::string *>(user) = text; };
        unsigned char *pixels = nullptr;
        int w = 0, h = 0;
        io.Fonts->GetTexDataAsRGBA32(&pixels, &w, &h);
        panel::apply_style(1);
        panel = std::make_unique<panel::Panel>(fake_api(), sac_context{1}, textures, presets);
        host.sources = {"camera", "scene"};
        host.models = {"toybox", "other"};
        host.source = host.model = 0;
        host.frame_ms = 20;
    }
    ~Bench() {
        panel.reset();
        ImGui::DestroyContext(context_);
    }

    panel::Wishes frame() {
        ImGui::GetIO().DeltaTime = 0.3f;  // longer than a tensor waits to be read again
        ImGui::NewFrame();
        const panel::Wishes wishes = panel->draw({0, 0, width, height}, host);
        if (wishes.source >= 0) source_wish = wishes.source;
        if (wishes.model >= 0) model_wish = wishes.model;
        ImGui::Render();
        CHECK(ImGui::GetDrawData()->Valid);
        return wishes;
    }
    void open(const char *part) {
        panel->open_part(part);
        for (int i = 0; i < 3; ++i) frame();
    }
    void click(float x, float y) {
        ImGuiIO &io = ImGui::GetIO();
        io.MousePos = {x, y};
        frame();
        io.MouseDown[0] = true;
        frame();
        io.MouseDown[0] = false;
        frame();
    }
    // Every place of an area, coarser than the smallest widget is not.
    void sweep(float top, float bottom, float step_x = 40, float step_y = 11) {
        for (float y = top; y < bottom; y += step_y)
            for (float x = 18; x < width; x += step_x) click(x, y);
    }
    /// A frame's words, as one could read them.
    std::string text() {
        clipboard.clear();
        ImGui::GetIO().DeltaTime = 0.3f;
        ImGui::NewFrame();
        ImGui::LogToClipboard();
        (void)panel->draw({0, 0, width, height}, host);
        ImGui::LogFinish();
        ImGui::Render();
        return clipboard;
    }
    void write(const char *text) {
        ImGui::GetIO().AddInputCharactersUTF8(text);
        frame();
    }

    CountedTextures textures;
    std::unique_ptr<panel::Panel> panel;
    panel::Host host;
    std::string clipboard;
    int source_wish = -1, model_wish = -1;

private:
    ImGuiContext *context_ = nullptr;
};

}  // namespace

TEST_CASE("detection: what is moved reaches the plugin") {
    reset_fake();
    Bench bench;
    bench.open("Detection");
    CHECK(fake().calls.empty());
    bench.sweep(85, 175);  // the sliders and the button back to the card
    CHECK(fake().calls["set_detect_settings"] >= 4);
    bench.sweep(85, 130, 120);
    CHECK(fake().detect.score_threshold > 0);
    CHECK(fake().detect.type == SAC_TYPE_DETECT_SETTINGS);
    CHECK(fake().detect.size == sizeof(sac_detect_settings));
    CHECK(fake().calls["set_track_settings"] == 0);
    bench.sweep(250, 300);
    CHECK(fake().calls["set_track_settings"] >= 1);
    bench.sweep(325, 420);
    CHECK(fake().calls["set_class_filter"] >= 5);
}

TEST_CASE("detection: one class taken out leaves all others, None none, All no filter") {
    reset_fake();
    Bench bench;
    bench.open("Detection");
    bench.click(833 - 800, 379);  // the first class
    REQUIRE(fake().filter.size() == 1);
    CHECK(fake().filter[0] == 0b11110u);
    bench.click(833 - 800, 379);
    CHECK(fake().filter[0] == 0b11111u);
    bench.click(878 - 800, 338);
    CHECK(fake().is_filtered);
    CHECK(fake().filter == std::vector<uint32_t>{0});
    bench.click(830 - 800, 338);
    CHECK(!fake().is_filtered);
}

TEST_CASE("timing: dispatches are timed while it is looked at, and no longer") {
    reset_fake();
    Bench bench;
    bench.open("Overview");
    CHECK(fake().inspect_flags == 0);
    bench.open("Timing");
    CHECK(fake().inspect_flags == SAC_INSPECT_PROFILE);
    bench.sweep(347, 377, 20);  // the headers: every way of sorting
    bench.sweep(55, 200, 60, 20);
    bench.open("Overview");
    CHECK(fake().inspect_flags == 0);
}

TEST_CASE("timing: a budget is given, changed and taken back; what the host said of its frames stays") {
    reset_fake();
    Bench bench;
    bench.open("Overview");
    CHECK(fake().calls["get_budget_state"] == 0);
    bench.open("Timing");
    CHECK(fake().calls["get_budget_state"] > 0);
    CHECK(fake().calls["set_budget"] == 0);
    constexpr float box = 22, slider = 300, line = 273;
    bench.click(box, line);
    CHECK(fake().slices.budget_us == 4000);
    CHECK(fake().slices.least_us == 500);
    fake().slices.host_frame_us = 33333;
    bench.click(slider, line);
    const uint32_t chosen = fake().slices.budget_us;
    CHECK(chosen != 4000);
    CHECK(fake().slices.least_us == chosen / 8);
    CHECK(fake().slices.host_frame_us == 33333);
    fake().slices.least_us = chosen;  // no governor
    bench.click(slider + 40, line);
    CHECK(fake().slices.budget_us > chosen);
    CHECK(fake().slices.least_us == fake().slices.budget_us);
    const uint32_t last = fake().slices.budget_us;
    bench.click(box, line);
    CHECK(fake().slices.budget_us == 0);
    bench.click(box, line);
    CHECK(fake().slices.budget_us == last);
    const int calls = fake().calls["set_budget"];
    fake().refuses = true;
    bench.click(box, line);
    CHECK(fake().calls["set_budget"] == calls + 1);
    CHECK(bench.text().find("the fake plugin refuses") != std::string::npos);
}

TEST_CASE("timing: what becomes of slices is counted over the last second") {
    reset_fake();
    Bench bench;
    bench.open("Timing");
    CHECK(bench.text().find("Granted") == std::string::npos);
    fake().slices.budget_us = 5600;
    fake().slices.granted_us = 4200;
    const auto has = [&](const char *words) {
        const std::string text = bench.text();
        return text.find(words) != std::string::npos;
    };
    CHECK(has("none seen yet"));
    CHECK(has("does not tell"));
    fake().slices.host_frames = 7321;
    fake().slices.missed = 12;
    for (int i = 0; i < 20; ++i) {  // a draw takes 0.3 s: three of them lie in a second
        fake().slices.slices += 16;
        fake().slices.slice_us = i % 4 == 3 ? 4300 : 3900;
        fake().frames += 2;
        bench.frame();
    }
    const std::string text = bench.text();
    CAPTURE(text);
    CHECK(text.find("4.2 ms; the newest slice took 4.3") != std::string::npos);
    CHECK(text.find("32 slices, 4 passes") != std::string::npos);  // the last draw brought none
    CHECK(text.find("25.0 % of 20 slices") != std::string::npos);
    CHECK(text.find("7321, 12 of them late") != std::string::npos);
    // A slice keeps what it was granted, also where it is halved meanwhile.
    fake().slices.granted_us = 2100;
    fake().slices.slices += 1;
    fake().slices.slice_us = 4100;
    CHECK(has("23.8 % of 21 slices"));
    fake().slices.slices += 1;
    CHECK(has("27.3 % of 22 slices"));
    bench.open("Overview");
    for (int i = 0; i < 8; ++i) bench.frame();
    fake().slices.slices += 1000;
    bench.open("Timing");
    CHECK(has("0 slices, 0 passes"));  // how many there were meanwhile is not known
}

TEST_CASE("timing: a plugin without budgets has no slices to show") {
    reset_fake();
    fake().is_older = true;
    Bench bench;
    bench.open("Timing");
    CHECK(bench.text().find("Dispatches") != std::string::npos);
    CHECK(bench.text().find("Slices") == std::string::npos);
}

TEST_CASE("network: its input is watched and drawn, and a layer that is clicked on") {
    reset_fake();
    Bench bench;
    bench.open("Network");
    CHECK(fake().watched == std::vector<std::string>{"image"});
    ++fake().sequence;
    bench.frame();
    CHECK(bench.textures.updates >= 1);
    CHECK(bench.textures.largest == 64 * 64);
    bench.click(60, 298);  // the second layer of the list
    CHECK(fake().watched == std::vector<std::string>{"image", "/stage1/out"});
    for (int i = 0; i < 3; ++i) {
        ++fake().sequence;
        bench.frame();
    }
    CHECK(fake().calls["read_feature_map"] >= 12);
    bench.sweep(270, 420, 200);  // every layer, the fused one too
    bench.sweep(430, 735, 60, 9);
    const auto fused = std::find(fake().watched.begin(), fake().watched.end(), "/stage3/out");
    CHECK(fused == fake().watched.end());
    bench.panel->hide();
    CHECK(fake().watched.empty());
}

TEST_CASE("transport: freeze, step, replay, over and over, on again") {
    reset_fake();
    Bench bench;
    bench.frame();
    bench.click(925 - 800, 753);  // Step does nothing while live
    CHECK(fake().calls["step_frame"] == 0);
    bench.click(848 - 800, 753);
    CHECK(fake().run_mode == SAC_RUN_PAUSED);
    bench.click(925 - 800, 753);
    CHECK(fake().calls["step_frame"] == 1);
    bench.click(1010 - 800, 753);
    CHECK(fake().calls["replay_frame"] == 1);
    bench.click(1064 - 800, 753);
    CHECK(fake().run_mode == SAC_RUN_FROZEN);
    bench.click(848 - 800, 753);
    CHECK(fake().run_mode == SAC_RUN_LIVE);
}

TEST_CASE("overview: another source and another model are wishes of that draw alone") {
    reset_fake();
    Bench bench;
    bench.open("Overview");
    bench.click(200, 67);
    bench.click(200, 105);  // the second of the list
    CHECK(bench.source_wish == 1);
    bench.click(200, 94);
    bench.click(200, 132);
    CHECK(bench.model_wish == 1);
    CHECK(bench.frame().model == -1);
}

TEST_CASE("presets: saved, changed, loaded; C on the clipboard; a bad name and a bad file are told") {
    reset_fake();
    const TempDir folder;
    Bench bench(folder.path().string());
    bench.open("Presets");
    bench.sweep(95, 140, 12, 7);  // Save, Load and Copy, whatever comes first
    CHECK(std::filesystem::exists(folder / "default.json"));
    CHECK(fake().calls["set_detect_settings"] >= 1);
    CHECK(bench.clipboard.find("set_detect_settings") != std::string::npos);
    write_text(folder / "default.json", "{\"saccade_preset\": 7}");
    const int before = fake().calls["set_detect_settings"];
    bench.click(90, 119);
    CHECK(fake().calls["set_detect_settings"] <= before + 1);
}

TEST_CASE("a preset brings back source and model where the host has them, and says where it has not") {
    reset_fake();
    const TempDir folder;
    const auto save = [&](const char *source, const char *model) {
        panel::Preset preset;
        preset.source = source;
        preset.model = model;
        std::string error;
        REQUIRE_MESSAGE(panel::save_preset((folder / "default.json").string(), preset, error), error);
    };
    Bench bench(folder.path().string());
    const auto load = [&] {
        bench.source_wish = bench.model_wish = -1;
        bench.open("Presets");
        bench.click(86, 126);
    };
    save("scene", "other");
    load();
    CHECK(bench.source_wish == 1);
    CHECK(bench.model_wish == 1);
    save("camera", "toybox");  // those in use
    load();
    CHECK(bench.source_wish == -1);
    CHECK(bench.model_wish == -1);
    save("gone.mp4", "other");
    load();
    CHECK(bench.source_wish == -1);
    CHECK(bench.model_wish == 1);
}

TEST_CASE("tracks begin anew with another source where they are on") {
    reset_fake();
    Bench bench;
    bench.panel->forget_tracks();
    CHECK(fake().calls["set_track_settings"] == 0);
    bench.panel->set_tracks(true);
    bench.panel->forget_tracks();
    CHECK(fake().calls["set_track_settings"] == 1);
}

TEST_CASE("everything can be clicked on, with and without a model, a debug extension or answers") {
    for (int variant = 0; variant < 6; ++variant) {
        CAPTURE(variant);
        reset_fake();
        fake().has_model = variant != 1;
        fake().has_debug = variant != 2;
        fake().debug_version = variant == 3 ? 1 : 2;
        fake().sequence = variant == 4 ? 0 : 1;
        fake().refuses = variant == 4;
        fake().is_older = variant == 5;
        const TempDir folder;
        Bench bench(folder.path().string());
        if (variant == 4) bench.host.message = "camera:0: is not there";
        for (const char *part : {"Overview", "Detection", "Timing", "Network", "Memory", "Presets"}) {
            bench.open(part);
            bench.sweep(50, 800, 60, 13);
            bench.write("x");
        }
        CHECK(fake().snapshots_held == 0);
    }
}
