#include "tests/panel/library_support.h"

#include <doctest/doctest.h>

#include "tests/support/device.h"

namespace sac::test {

namespace {

const char *const sources[] = {"camera", "scene"};
const char *const models[] = {"toybox"};

void send(const PaperHost &host, const sac_panel_event &event) {
    REQUIRE_MESSAGE(host.api.send_event(host.panel, &event) == SAC_OK, host.last_error());
}

sac_panel_event event_of(uint32_t kind) {
    auto event = panel_struct<sac_panel_event>(SAC_TYPE_PANEL_EVENT);
    event.kind = kind;
    return event;
}

}  // namespace

sac_panel_api panel_api() {
    sac_panel_api api = {};
    api.size = sizeof api;
    REQUIRE(sac_panel_get_api(SAC_PANEL_MAJOR, &api) == SAC_OK);
    return api;
}

PaperHost::PaperHost() {
    table.user = this;
    table.log = [](void *user, int32_t level, const char *message) {
        static_cast<PaperHost *>(user)->logged.emplace_back(message);
        if (level == SAC_LOG_ERROR) report_validation_message(message);
    };
    desc.api = &plugin;
    desc.context = {1};
    desc.host = &table;
    desc.width = 480;
    desc.height = 800;
    desc.flags = validation_enabled() ? SAC_PANEL_VALIDATION : 0;
    frame.sources = sources;
    frame.source_count = 2;
    frame.models = models;
    frame.model_count = 1;
    frame.frame_ms = 25;
    frame.seconds = 0.3f;
}

PaperHost::~PaperHost() {
    if (panel.id) CHECK(api.destroy(panel) == SAC_OK);
}

std::string PaperHost::last_error() const {
    char text[512] = {};
    (void)api.get_last_error(panel, text, sizeof text);
    return text;
}

void PaperHost::point(float x, float y) {
    sac_panel_event event = event_of(SAC_PANEL_POINTER);
    event.x = x;
    event.y = y;
    send(*this, event);
}

void PaperHost::button(bool down, uint32_t code) {
    sac_panel_event event = event_of(SAC_PANEL_BUTTON);
    event.down = down;
    event.code = code;
    send(*this, event);
}

void PaperHost::key(uint32_t code, uint32_t modifiers) {
    for (const uint32_t down : {1u, 0u}) {
        sac_panel_event event = event_of(SAC_PANEL_KEY);
        event.code = code;
        event.down = down;
        event.modifiers = down ? modifiers : 0;
        send(*this, event);
    }
}

void PaperHost::type(const char *text) {
    sac_panel_event event = event_of(SAC_PANEL_TEXT);
    event.text = text;
    send(*this, event);
}

void PaperHost::click(float x, float y) {
    point(x, y);
    button(true);
    button(false);
}

engine::Image PaperHost::draw() {
    engine::Image image(desc.width, desc.height);
    auto pixels = panel_struct<sac_panel_pixels>(SAC_TYPE_PANEL_PIXELS);
    pixels.pixels = image.pixels.data();
    pixels.stride = desc.width * 4;
    pixels.bytes = image.pixels.size();
    REQUIRE_MESSAGE(api.draw_pixels(panel, &frame, &pixels, &wishes) == SAC_OK, last_error());
    return image;
}

void PaperHost::draw_times(int count) {
    for (int i = 0; i < count; ++i) (void)draw();
}

}  // namespace sac::test
