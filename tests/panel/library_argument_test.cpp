// labels: bad_input
// What the panel's library refuses, and that its sentences name the field.
#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <functional>
#include <limits>

#include "tests/panel/library_support.h"

using namespace sac;
using namespace sac::test;

namespace {

// Makes one thing wrong with `given`, and sees the call refused with a sentence that names it.
template <class T>
struct Wrong {
    std::function<void(T &)> change;
    const char *named;
};

bool has(const std::string &text, const char *part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("the table is asked for by version and size") {
    sac_panel_api api = {};
    CHECK(sac_panel_get_api(SAC_PANEL_MAJOR, nullptr) == SAC_ERROR_INVALID_ARGUMENT);
    CHECK(sac_panel_get_api(SAC_PANEL_MAJOR, &api) == SAC_ERROR_INVALID_ARGUMENT);
    api.size = sizeof api - 1;
    CHECK(sac_panel_get_api(SAC_PANEL_MAJOR, &api) == SAC_ERROR_INVALID_ARGUMENT);
    struct {
        sac_panel_api known;
        void *later;
    } longer = {};
    longer.known.size = sizeof longer;
    longer.later = &longer;
    CHECK(sac_panel_get_api(SAC_PANEL_MAJOR + 1, &longer.known) == SAC_ERROR_UNSUPPORTED);
    CHECK(longer.later == &longer);
    CHECK(sac_panel_get_api(SAC_PANEL_MAJOR, &longer.known) == SAC_OK);
    CHECK(longer.later == nullptr);
    CHECK(longer.known.version == (SAC_PANEL_MAJOR << 16 | SAC_PANEL_MINOR));
}

TEST_CASE("the ABI keeps its layout") {
    static_assert(sizeof(void *) == 8);
    CHECK(sizeof(sac_panel) == 8);
    CHECK(sizeof(sac_panel_desc) == 112);
    CHECK(offsetof(sac_panel_desc, width) == 64);
    CHECK(offsetof(sac_panel_desc, flags) == 84);
    CHECK(offsetof(sac_panel_desc, set_clipboard) == 104);
    CHECK(sizeof(sac_panel_event) == 48);
    CHECK(offsetof(sac_panel_event, text) == 40);
    CHECK(sizeof(sac_panel_frame) == 88);
    CHECK(offsetof(sac_panel_frame, message) == 48);
    CHECK(offsetof(sac_panel_frame, pixels) == 64);
    CHECK(sizeof(sac_panel_wishes) == 32);
    CHECK(sizeof(sac_panel_pixels) == 40);
    CHECK(offsetof(sac_panel_pixels, bytes) == 24);
    CHECK(sizeof(sac_panel_image) == 56);
    CHECK(offsetof(sac_panel_image, layout_in) == 44);
    CHECK(sizeof(sac_panel_api) == 8 + 10 * sizeof(void *));
}

TEST_CASE("wrong descs are refused by the name of their field") {
    reset_fake();
    PaperHost host;
    static sac_api table;
    using Desc = sac_panel_desc;
    const Wrong<Desc> wrongs[] = {
        {[](Desc &d) { d.type = SAC_TYPE_CONTEXT_DESC; }, "desc.type"},
        {[](Desc &d) { d.size = sizeof d - 8; }, "desc.size"},
        {[](Desc &d) { d.next = &table; }, "desc.next"},
        {[](Desc &d) { d.api = nullptr; }, "desc.api is null"},
        {[](Desc &d) {
             table.size = 32;
             d.api = &table;
         },
         "desc.api.size"},
        {[](Desc &d) {
             table.get_statistics = nullptr;
             d.api = &table;
         },
         "desc.api.get_statistics"},
        {[](Desc &d) { d.width = 63; }, "desc.width"},
        {[](Desc &d) { d.height = SAC_PANEL_MAX_SIZE + 1; }, "desc.height"},
        {[](Desc &d) { d.scale = 0.1f; }, "desc.scale"},
        {[](Desc &d) { d.scale = std::numeric_limits<float>::quiet_NaN(); }, "desc.scale"},
        {[](Desc &d) { d.budget_ms = -1; }, "desc.budget_ms"},
        {[](Desc &d) { d.format = SAC_FORMAT_NV12; }, "desc.format"},
        {[](Desc &d) { d.flags = 64; }, "desc.flags"},
        {[](Desc &d) { d.get_clipboard = [](void *) { return ""; }; }, "desc.set_clipboard"},
        {[](Desc &d) { d.device_name = "a device that nobody has"; }, "a device that nobody has"},
    };
    for (const auto &wrong : wrongs) {
        CAPTURE(wrong.named);
        table = fake_api();
        Desc desc = host.desc;
        wrong.change(desc);
        sac_panel panel = {7};
        CHECK(host.api.create(&desc, &panel) < 0);
        CHECK(panel.id == 0);
        CHECK_MESSAGE(has(host.last_error(), wrong.named), host.last_error());
    }
    CHECK(host.api.create(&host.desc, nullptr) == SAC_ERROR_INVALID_ARGUMENT);
    sac_panel panel = {};
    CHECK(host.api.create(nullptr, &panel) == SAC_ERROR_INVALID_ARGUMENT);
    CHECK(host.last_error() == "desc is null");

    host.plugin.get_context_info = [](sac_context, sac_context_info *) -> sac_result { return SAC_ERROR_NOT_FOUND; };
    CHECK(host.api.create(&host.desc, &panel) == SAC_ERROR_NOT_FOUND);
    CHECK(host.last_error() == "desc.context: the fake plugin refuses");
}

TEST_CASE("wrong events, frames and pixels are refused by the name of their field, and nothing is drawn") {
    reset_fake();
    PaperHost host;
    REQUIRE(host.create() == SAC_OK);
    using Event = sac_panel_event;
    const Wrong<Event> events[] = {
        {[](Event &e) { e.type = 0; }, "event.type"},
        {[](Event &e) { e.size = 4; }, "event.size"},
        {[](Event &e) { e.next = &e; }, "event.next"},
        {[](Event &e) { e.kind = 0; }, "event.kind"},
        {[](Event &e) { e.kind = 7; }, "event.kind"},
        {[](Event &e) { e.down = 2; }, "event.down"},
        {[](Event &e) { e.modifiers = 8; }, "event.modifiers"},
        {[](Event &e) { e.x = INFINITY; }, "event.x"},
        {[](Event &e) { e.y = std::nanf(""); }, "event.y"},
        {[](Event &e) { e.kind = SAC_PANEL_BUTTON, e.code = 3; }, "event.code"},
        {[](Event &e) { e.kind = SAC_PANEL_TEXT; }, "event.text"},
    };
    for (const auto &wrong : events) {
        CAPTURE(wrong.named);
        auto event = panel_struct<Event>(SAC_TYPE_PANEL_EVENT);
        event.kind = SAC_PANEL_POINTER;
        wrong.change(event);
        CHECK(host.api.send_event(host.panel, &event) < 0);
        CHECK_MESSAGE(has(host.last_error(), wrong.named), host.last_error());
    }
    auto unknown = panel_struct<Event>(SAC_TYPE_PANEL_EVENT);
    unknown.kind = SAC_PANEL_KEY;
    unknown.code = UINT32_MAX;
    CHECK(host.api.send_event(host.panel, &unknown) == SAC_OK);

    std::vector<uint8_t> bytes(480 * 800 * 4, 9);
    static const char *const hole[] = {"camera", nullptr};
    using Frame = sac_panel_frame;
    const Wrong<Frame> frames[] = {
        {[](Frame &f) { f.type = 0; }, "frame.type"},
        {[](Frame &f) { f.sources = nullptr; }, "frame.sources"},
        {[](Frame &f) { f.sources = hole; }, "frame.sources[1]"},
        {[](Frame &f) { f.source = 2; }, "frame.source is 2"},
        {[](Frame &f) { f.model = -2; }, "frame.model is -2"},
        {[](Frame &f) { f.model_count = 10001; }, "frame.model_count"},
        {[](Frame &f) { f.frame_ms = -1; }, "frame.frame_ms"},
        {[](Frame &f) { f.seconds = std::nanf(""); }, "frame.seconds"},
        {[](Frame &f) { f.pixels = &f; }, "frame.width"},
        {[](Frame &f) { f.pixels = &f, f.width = 2, f.height = SAC_PANEL_MAX_SIZE + 1; }, "frame.height"},
        {[](Frame &f) { f.pixels = &f, f.width = 2, f.height = 2, f.stride = 7; }, "frame.stride"},
    };
    auto pixels = panel_struct<sac_panel_pixels>(SAC_TYPE_PANEL_PIXELS);
    pixels.pixels = bytes.data();
    pixels.stride = 480 * 4;
    pixels.bytes = bytes.size();
    for (const auto &wrong : frames) {
        CAPTURE(wrong.named);
        Frame frame = host.frame;
        wrong.change(frame);
        CHECK(host.api.draw_pixels(host.panel, &frame, &pixels, nullptr) < 0);
        CHECK_MESSAGE(has(host.last_error(), wrong.named), host.last_error());
    }
    using Pixels = sac_panel_pixels;
    const Wrong<Pixels> targets[] = {
        {[](Pixels &p) { p.type = 0; }, "pixels.type"},
        {[](Pixels &p) { p.pixels = nullptr; }, "pixels.pixels"},
        {[](Pixels &p) { p.stride = 480 * 4 - 1; }, "pixels.stride"},
        {[](Pixels &p) { p.bytes -= 1; }, "pixels.bytes"},
    };
    for (const auto &wrong : targets) {
        CAPTURE(wrong.named);
        Pixels target = pixels;
        wrong.change(target);
        CHECK(host.api.draw_pixels(host.panel, nullptr, &target, nullptr) < 0);
        CHECK_MESSAGE(has(host.last_error(), wrong.named), host.last_error());
    }
    CHECK(host.api.draw_pixels(host.panel, nullptr, nullptr, nullptr) == SAC_ERROR_INVALID_ARGUMENT);
    auto wishes = panel_struct<sac_panel_wishes>(SAC_TYPE_PANEL_FRAME);
    CHECK(host.api.draw_pixels(host.panel, nullptr, &pixels, &wishes) == SAC_ERROR_INVALID_ARGUMENT);
    CHECK(has(host.last_error(), "wishes.type"));
    int touched = 0;
    for (const uint8_t byte : bytes) touched += byte != 9;
    CHECK(touched == 0);

    CHECK(host.api.open_part(host.panel, nullptr) == SAC_ERROR_INVALID_ARGUMENT);
    CHECK(host.api.open_part(host.panel, "Weather") == SAC_ERROR_NOT_FOUND);
    CHECK(host.api.resize(host.panel, 10, 100) == SAC_ERROR_INVALID_ARGUMENT);
    CHECK(has(host.last_error(), "width is 10"));
    CHECK(host.api.record(host.panel, nullptr, nullptr, nullptr, nullptr) == SAC_ERROR_INVALID_STATE);
    CHECK(host.api.hide({99}) == SAC_ERROR_NOT_FOUND);
    CHECK(host.api.draw_pixels(host.panel, nullptr, &pixels, nullptr) == SAC_OK);
}

TEST_CASE("events that nobody draws are refused in the end, pointer moves become one") {
    reset_fake();
    PaperHost host;
    REQUIRE(host.create() == SAC_OK);
    auto event = panel_struct<sac_panel_event>(SAC_TYPE_PANEL_EVENT);
    event.kind = SAC_PANEL_POINTER;
    for (int i = 0; i < 5000; ++i) REQUIRE(host.api.send_event(host.panel, &event) == SAC_OK);
    event.kind = SAC_PANEL_WHEEL;
    sac_result last = SAC_OK;
    int taken = 0;
    for (; taken < 5000 && last == SAC_OK; ++taken) last = host.api.send_event(host.panel, &event);
    CHECK(last == SAC_ERROR_INVALID_STATE);
    CHECK(taken == 1024);
    CHECK(host.api.hide(host.panel) == SAC_OK);
    CHECK(host.api.send_event(host.panel, &event) == SAC_OK);
}
