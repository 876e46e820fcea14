// The panel's library loaded by a program in C, over the plugin itself.
#include <doctest/doctest.h>

#ifdef __linux__

#include <cstdlib>

#include "tests/engine/pictures.h"
#include "tests/panel/library_support.h"
#include "tests/support/device.h"
#include "tests/support/files.h"

using namespace sac;
using namespace sac::test;
namespace fs = std::filesystem;

TEST_CASE("a host in C sees what one in C++ does, and loads and unloads the library twenty times") {
    const fs::path bin = fs::read_symlink("/proc/self/exe").parent_path();
    const fs::path library = bin.parent_path() / "lib" / "libsaccade_panel.so", program = bin / "panel_c_host";
    if (!fs::exists(library) || !fs::exists(program)) {
        skip("the library or its host in C is not beside the tests");
        return;
    }
    const TempDir folder;
    const std::string picture = (folder / "panel.ppm").string();
#ifdef __SANITIZE_ADDRESS__
    const std::string set =
        "ASAN_OPTIONS=\"$ASAN_OPTIONS:detect_leaks=0\" ";  // those of an unloaded driver have no name
#else
    const std::string set;
#endif
    REQUIRE(std::system((set + program.string() + " " + library.string() + " " + picture + " 20").c_str()) == 0);
    const auto by_c = engine::read_image(picture);
    REQUIRE(by_c.ok());

    PaperHost host;
    host.plugin = {};
    host.plugin.size = sizeof host.plugin;
    REQUIRE(sac_get_api(SAC_MAJOR, &host.plugin) == SAC_OK);
    auto desc = panel_struct<sac_context_desc>(SAC_TYPE_CONTEXT_DESC);
    desc.cache_directory = "";
    REQUIRE(host.plugin.create_context(&desc, &host.desc.context) == SAC_OK);
    REQUIRE_MESSAGE(host.create() == SAC_OK, host.last_error());
    host.frame = panel_struct<sac_panel_frame>(SAC_TYPE_PANEL_FRAME);
    host.point(40, 752);
    host.draw_times(2);
    CHECK(largest_difference(host.draw(), *by_c) == 0);
    REQUIRE(host.api.destroy(host.panel) == SAC_OK);
    host.panel = {};
    CHECK(host.plugin.destroy_context(host.desc.context) == SAC_OK);
}

#endif
