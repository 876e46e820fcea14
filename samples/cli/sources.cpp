// saccade sources: the cameras there are, and what else there is to look at.
#include <cstdio>

#include <nlohmann/json.hpp>

#include "engine/io/capture.h"
#include "engine/window.h"
#include "samples/cli/command.h"
#include "samples/cli/source.h"

namespace sac::cli {

namespace {

constexpr Option options[] = {{"--json", nullptr, "one line of JSON a source", Option::Kind::flag}};

void print(const Arguments &arguments, const std::string &name, const std::string &description) {
    if (arguments.has("--json")) {
        const nlohmann::ordered_json line = {{"source", name}, {"description", description}};
        std::printf("%s\n", line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
    } else {
        std::printf("%-24s  %s\n", name.c_str(), description.c_str());
    }
}

Status run(const Arguments &arguments) {
    const auto cameras = engine::list_cameras();
    if (cameras)
        for (const engine::CameraInfo &camera : *cameras) print(arguments, camera.name, camera.description);
    if (engine::Window::has_display()) print(arguments, "screen", "what this display shows");
    print(arguments, "scene", "the built-in scene");
    if (!cameras)
        std::fprintf(stderr, "saccade sources: %s\n", cameras.error().message.c_str());
    else if (cameras->empty())
        std::fprintf(stderr, "saccade sources: there is no camera\n");
    return {};
}

}  // namespace

const Command sources_command = {
    "sources", "[--json]", "lists the cameras and what else there is to look at", SACCADE_SOURCE_HELP, options, 0,
    0,         run};

}  // namespace sac::cli
