#pragma once
// The panel's library as a host sees it, over the plugin of paper.

#include <string>
#include <vector>

#include "engine/io/image.h"
#include "plugins/panel/saccade_panel.h"
#include "tests/panel/fake.h"

namespace sac::test {

template <class T>
T panel_struct(uint32_t type) {
    T made = {};
    made.type = type;
    made.size = sizeof(T);
    return made;
}

sac_panel_api panel_api();

/// A host and its panel, on a device of the panel's own unless `desc` says otherwise. Messages of the validation layer
/// fail the test.
class PaperHost {
public:
    PaperHost();
    ~PaperHost();  ///< destroys the panel
    PaperHost(const PaperHost &) = delete;
    PaperHost &operator=(const PaperHost &) = delete;

    sac_result create() { return api.create(&desc, &panel); }
    std::string last_error() const;
    void point(float x, float y);
    void button(bool down, uint32_t code = SAC_PANEL_BUTTON_LEFT);
    void key(uint32_t code, uint32_t modifiers = 0);  ///< down and up
    void type(const char *text);
    /// Moves there, presses and lets go, all before the next drawing.
    void click(float x, float y);
    /// Draws; the test ends where that fails.
    engine::Image draw();
    void draw_times(int count);

    sac_panel_api api = panel_api();
    sac_api plugin = fake_api();
    sac_host table = panel_struct<sac_host>(SAC_TYPE_HOST);
    sac_panel_desc desc = panel_struct<sac_panel_desc>(SAC_TYPE_PANEL_DESC);
    sac_panel panel = {};
    sac_panel_frame frame = panel_struct<sac_panel_frame>(SAC_TYPE_PANEL_FRAME);
    sac_panel_wishes wishes = panel_struct<sac_panel_wishes>(SAC_TYPE_PANEL_WISHES);
    std::vector<std::string> logged;
};

}  // namespace sac::test
