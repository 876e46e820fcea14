#pragma once
// Sources as the commands open them: what users write, and the options that go with it.

#include <algorithm>
#include <array>
#include <cstddef>

#include "engine/io/feed.h"
#include "samples/cli/arguments.h"

namespace sac::cli {

inline constexpr std::array<Option, 4> source_options = {{
    {"--source-size", "WxH", "size asked of a camera (default: its own) or of the scene (640x480)"},
    {"--source-fps", "R", "frames a second asked of a camera, the screen or the scene (default: its own, 30, 30)",
     Option::Kind::number, 0.1, 1000},
    {"--rotate", "D", "turn pictures clockwise by 90, 180 or 270 degrees", Option::Kind::count, 0, 270},
    {"--mirror", nullptr, "flip pictures left to right, after they are turned", Option::Kind::flag},
}};

/// A command's own options, then those.
template <size_t n>
constexpr std::array<Option, n + source_options.size()> with_source_options(const std::array<Option, n> &own) {
    std::array<Option, n + source_options.size()> all = {};
    std::copy(source_options.begin(), source_options.end(), std::copy(own.begin(), own.end(), all.begin()));
    return all;
}

/// For --help: what a SOURCE is.
#define SACCADE_SOURCE_HELP                                                                            \
    "A SOURCE is a picture, a folder of pictures, a video, or\n"                                       \
    "  camera  camera:0  camera:/dev/video2   a camera (saccade sources lists them)\n"                 \
    "  screen  screen:640x480+10,20           the screen, or an area of it: size and corner\n"         \
    "  scene   scene:7                        the built-in scene, of a seed\n"                         \
    "  rtsp://...                             a stream: http, https, rtsp, rtmp, udp, rtp, tcp, srt\n" \
    "A file that is called as one of these is written ./camera.\n"

/// What source_options and --device choose.
Result<engine::SourceOptions> read_source_options(const Arguments &arguments);

/// Reads "WIDTHxHEIGHT" within these bounds; the error names the option.
Status read_size(const Arguments &arguments, const std::string &option, uint32_t lowest, uint32_t highest,
                 uint32_t &width, uint32_t &height);

}  // namespace sac::cli
