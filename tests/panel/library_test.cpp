// The panel as a library on a device of its own: pixels, events, what the user wishes, wrong arguments, its end.
#include <doctest/doctest.h>

#include <cstring>
#include <thread>

#include "tests/engine/pictures.h"
#include "tests/panel/library_support.h"
#include "tests/support/device.h"
#include "tests/support/files.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

using namespace sac;
using namespace sac::test;

namespace {

const char *const parts[] = {"Overview", "Detection", "Timing", "Network", "Memory", "Presets"};

// The way to the goldens, which the same panel in a host's own ImGui goes too: see ui_test.cpp.
engine::Image draw_part(PaperHost &host, const char *part) {
    REQUIRE(host.api.open_part(host.panel, part) == SAC_OK);
    constexpr int frames = 12;
    engine::Image last;
    for (int i = 0; i < frames; ++i) {
        if (i == 4) host.point(60, 298);
        if ((i == 5 || i == 6) && std::string_view(part) == "Network") host.button(i == 5);
        last = host.draw();
        ++fake().sequence;
    }
    return last;
}

}  // namespace

TEST_CASE("the library draws each part as a host's own ImGui does") {
    for (const char *part : parts) {
        reset_fake();
        PaperHost host;
        REQUIRE_MESSAGE(host.create() == SAC_OK, host.last_error());
        std::string name = std::string("panel_") + part;
        name[6] = static_cast<char>(name[6] + 'a' - 'A');
        const engine::Image drawn = draw_part(host, part);
        expect_golden(drawn, name, 6);
        int opaque = 0;
        for (size_t i = 3; i < drawn.pixels.size(); i += 4) opaque += drawn.pixels[i] == 255;
        CHECK(opaque == 480 * 800);
    }
}

TEST_CASE("the other order of bytes, rows with room behind them, another size and scale") {
    reset_fake();
    PaperHost host;
    REQUIRE(host.create() == SAC_OK);
    const engine::Image rgba = draw_part(host, "Memory");
    REQUIRE(host.api.destroy(host.panel) == SAC_OK);
    reset_fake();
    host.desc.format = SAC_FORMAT_BGRA8;
    REQUIRE(host.create() == SAC_OK);
    const engine::Image bgra = draw_part(host, "Memory");
    int wrong = 0;
    for (size_t i = 0; i < rgba.pixels.size(); i += 4)
        wrong += rgba.pixels[i] != bgra.pixels[i + 2] || rgba.pixels[i + 1] != bgra.pixels[i + 1] ||
                 rgba.pixels[i + 2] != bgra.pixels[i];
    CHECK(wrong == 0);

    // The same pixels at a wider stride, and nothing behind a row's end.
    constexpr size_t stride = 480 * 4 + 12;
    std::vector<uint8_t> wide(stride * 800, 7);
    auto pixels = panel_struct<sac_panel_pixels>(SAC_TYPE_PANEL_PIXELS);
    pixels.pixels = wide.data();
    pixels.stride = stride;
    pixels.bytes = wide.size() - 12;
    --fake().sequence;
    REQUIRE(host.api.draw_pixels(host.panel, &host.frame, &pixels, nullptr) == SAC_OK);
    for (size_t y = 0; y < 800; ++y)
        wrong +=
            std::memcmp(&wide[y * stride], &bgra.pixels[y * 480 * 4], 480 * 4) != 0 || wide[y * stride + 480 * 4] != 7;
    CHECK(wrong == 0);

    REQUIRE(host.api.resize(host.panel, 300, 500) == SAC_OK);
    host.desc.width = 300;
    host.desc.height = 500;
    host.draw_times(3);  // until its widgets have found their places
    const engine::Image small = host.draw();
    CHECK(largest_difference(small, host.draw()) == 0);
    REQUIRE(host.api.destroy(host.panel) == SAC_OK);
    host.desc.scale = 2;
    REQUIRE(host.create() == SAC_OK);
    CHECK(largest_difference(small, host.draw()) > 100);
}

TEST_CASE("clicks reach the plugin, also those that are over before the panel is drawn") {
    reset_fake();
    PaperHost host;
    REQUIRE(host.create() == SAC_OK);
    REQUIRE(host.api.open_part(host.panel, "Detection") == SAC_OK);
    host.draw_times(3);
    host.click(33, 379);   // the first class
    host.point(450, 780);  // and away again
    host.draw_times(4);
    REQUIRE(fake().filter.size() == 1);
    CHECK(fake().filter[0] == 0b11110u);
    host.click(33, 379);
    host.click(78, 338);  // None, in the same moment
    host.draw_times(8);
    CHECK(fake().calls["set_class_filter"] == 3);
    CHECK(fake().filter == std::vector<uint32_t>{0});

    host.point(200, 100);  // a slider is held, and let go by losing the focus
    host.button(true);
    host.draw_times(2);
    const int held = fake().calls["set_detect_settings"];
    CHECK(held >= 1);
    auto lost = panel_struct<sac_panel_event>(SAC_TYPE_PANEL_EVENT);
    lost.kind = SAC_PANEL_FOCUS;
    REQUIRE(host.api.send_event(host.panel, &lost) == SAC_OK);
    host.draw_times(2);
    host.point(260, 100);
    host.draw_times(2);
    CHECK(fake().calls["set_detect_settings"] == held);
}

TEST_CASE("sources are wished for, the live frame is shown, and it is told whose the pointer is") {
    reset_fake();
    PaperHost host;
    REQUIRE(host.create() == SAC_OK);
    host.draw_times(2);
    CHECK(host.wishes.source == -1);
    CHECK(host.wishes.model == -1);
    CHECK(host.wishes.wants_keyboard == 0);
    host.click(200, 67);
    host.draw_times(3);
    host.click(200, 105);  // the second of the list
    int wished = -1;
    for (int i = 0; i < 4; ++i) {
        (void)host.draw();
        if (host.wishes.source >= 0) wished = host.wishes.source;
    }
    CHECK(wished == 1);
    CHECK(host.wishes.source == -1);
    CHECK(host.wishes.wants_pointer == 1);

    // A red frame of two sizes, with rows that have room behind them.
    for (const uint32_t width : {64u, 128u}) {
        const uint32_t stride = width * 4 + 20;
        std::vector<uint8_t> red(size_t{stride} * 48);
        for (size_t i = 0; i < red.size(); i += 4) red[i] = 201;
        host.frame.pixels = red.data();
        host.frame.width = width;
        host.frame.height = 48;
        host.frame.stride = stride;
        const engine::Image drawn = host.draw();
        int found = 0;
        for (size_t i = 0; i < drawn.pixels.size(); i += 4) found += drawn.pixels[i] == 201 && drawn.pixels[i + 1] == 0;
        CHECK(found > static_cast<int>(456 * 456 * 48 / width / 2));
    }
}

TEST_CASE("keys and text go into a field, copied and pasted text by the host's clipboard") {
    reset_fake();
    const TempDir folder;
    const std::string presets = folder.path().string();
    PaperHost host;
    std::string clipboard = "pasted";
    host.desc.preset_folder = presets.c_str();
    host.desc.clipboard_user = &clipboard;
    host.desc.get_clipboard = [](void *user) { return static_cast<const std::string *>(user)->c_str(); };
    host.desc.set_clipboard = [](void *user, const char *text) { *static_cast<std::string *>(user) = text; };
    REQUIRE(host.create() == SAC_OK);
    REQUIRE(host.api.open_part(host.panel, "Presets") == SAC_OK);
    host.draw_times(3);
    host.click(200, 99);  // the name
    host.draw_times(3);
    CHECK(host.wishes.wants_keyboard == 1);
    host.key(SAC_PANEL_KEY_A, SAC_PANEL_CONTROL);
    host.draw_times(2);
    host.type("evening");
    host.draw_times(2);
    host.key(SAC_PANEL_KEY_HOME);
    host.draw_times(2);
    host.key(SAC_PANEL_KEY_V, SAC_PANEL_CONTROL);
    host.draw_times(3);
    for (float x = 30; x < 400; x += 25) {  // Save, Load and Copy
        host.click(x, 126);
        host.draw_times(3);
    }
    CHECK(std::filesystem::exists(folder / "pastedevening.json"));
    CHECK(clipboard.find("set_detect_settings") != std::string::npos);
}

TEST_CASE("tracks begin anew where the source changed, if there are any") {
    for (const uint32_t flags : {uint32_t{0}, uint32_t{SAC_PANEL_TRACKS}}) {
        reset_fake();
        PaperHost host;
        host.desc.flags |= flags;
        REQUIRE(host.create() == SAC_OK);
        (void)host.draw();
        const int before = fake().calls["set_track_settings"];
        REQUIRE(host.api.forget_tracks(host.panel) == SAC_OK);
        CHECK(fake().calls["set_track_settings"] == before + (flags ? 1 : 0));
    }
}

TEST_CASE("what is not shown costs nothing") {
    reset_fake();
    PaperHost host;
    REQUIRE(host.create() == SAC_OK);
    REQUIRE(host.api.open_part(host.panel, "Timing") == SAC_OK);
    host.draw_times(3);
    CHECK(fake().inspect_flags == SAC_INSPECT_PROFILE);
    REQUIRE(host.api.hide(host.panel) == SAC_OK);
    CHECK(fake().inspect_flags == 0);
    host.draw_times(2);
    CHECK(fake().inspect_flags == SAC_INSPECT_PROFILE);
    REQUIRE(host.api.destroy(host.panel) == SAC_OK);
    host.panel = {};
    CHECK(fake().inspect_flags == 0);
}

TEST_CASE("two panels live at one time and are drawn on two threads") {
    reset_fake();
    PaperHost one, two;
    two.desc.scale = 2;
    REQUIRE(one.create() == SAC_OK);
    REQUIRE(two.create() == SAC_OK);
    CHECK(one.panel.id != two.panel.id);
    std::thread thread([&] { two.draw_times(20); });
    one.draw_times(20);
    thread.join();
    const engine::Image drawn = one.draw();
    PaperHost alone;
    REQUIRE(alone.create() == SAC_OK);
    alone.draw_times(20);
    CHECK(largest_difference(drawn, alone.draw()) == 0);
    CHECK(largest_difference(drawn, two.draw()) > 100);
    const sac_panel gone = one.panel;
    REQUIRE(one.api.destroy(gone) == SAC_OK);
    one.panel = {};
    CHECK(two.api.destroy(gone) == SAC_ERROR_NOT_FOUND);
    CHECK(one.last_error().find("was destroyed") != std::string::npos);
    (void)two.draw();
}

TEST_CASE("a callback that calls the library again is refused") {
    reset_fake();
    const TempDir folder;
    const std::string presets = folder.path().string();
    PaperHost host;
    host.desc.preset_folder = presets.c_str();
    struct Caller {
        PaperHost &host;
        sac_result answer;
    } caller = {host, SAC_OK};
    host.desc.clipboard_user = &caller;
    host.desc.get_clipboard = [](void *) -> const char * { return nullptr; };
    host.desc.set_clipboard = [](void *user, const char *) {
        auto &self = *static_cast<Caller *>(user);
        self.answer = self.host.api.hide(self.host.panel);
    };
    REQUIRE(host.create() == SAC_OK);
    REQUIRE(host.api.open_part(host.panel, "Presets") == SAC_OK);
    host.draw_times(3);
    for (float x = 30; x < 400; x += 25) {
        host.click(x, 126);
        host.draw_times(3);
    }
    CHECK(caller.answer == SAC_ERROR_INVALID_STATE);
}

// The C library's books of the heap, which ASan has not (it looks for leaks itself).
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__)
#define COUNTS_HEAP
#endif

TEST_CASE("fifty panels made and destroyed leave nothing behind") {
    reset_fake();
    PaperHost host;
    host.desc.flags = 0;  // the layer keeps books of its own
#ifdef COUNTS_HEAP
    constexpr int warm = 10;
    size_t early = 0, late = 0;
#endif
    constexpr int count = 50;
    for (int i = 0; i < count; ++i) {
        REQUIRE_MESSAGE(host.create() == SAC_OK, host.last_error());
        REQUIRE(host.api.open_part(host.panel, parts[i % 6]) == SAC_OK);
        host.draw_times(3);
        REQUIRE(host.api.destroy(host.panel) == SAC_OK);
        host.panel = {};
#ifdef COUNTS_HEAP
        if (i == warm) early = mallinfo2().uordblks;
        late = mallinfo2().uordblks;
#endif
    }
#ifdef COUNTS_HEAP
    CHECK(late < early + (count - warm) * 1024);
#endif
}
