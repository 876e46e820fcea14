#pragma once
// What users call sources, the same in every command.

#include <cstdint>
#include <string>

#include "compute/base/result.h"

namespace sac::engine {

/// An area of the screen in pixels.
struct ScreenArea {
    uint32_t width = 0, height = 0;  ///< 0: the whole screen
    uint32_t x = 0, y = 0;           ///< upper left corner
};

/// A source's name, taken apart:
///   camera  camera:0  camera:/dev/video2     the first camera, one by number, one by what the system calls it
///   screen  screen:640x480+10,20             all of the screen, or an area: its size, then its upper left corner
///   scene   scene:7                          the built-in scene, of a seed (default 1)
///   rtsp://...                               a stream: http, https, rtsp, rtmp, udp, tcp, srt
///   anything else                            a picture, a folder of pictures, or a video (./camera is a file)
struct SourceName {
    enum class Scheme { path, url, camera, screen, scene };

    std::string text;  ///< as it was given
    Scheme scheme = Scheme::path;
    std::string device;  ///< of a camera: what is behind the colon; empty: the first
    ScreenArea area;     ///< of the screen
    uint64_t seed = 1;   ///< of the scene

    /// Error invalid_argument: nothing, a number or area that is none; unsupported: another protocol. Names the source.
    static Result<SourceName> parse(const std::string &text);

    /// It may be away for a while and come back, and does not wait for who looks: cameras, the screen, streams.
    bool is_live() const { return scheme != Scheme::path && scheme != Scheme::scene; }
};

}  // namespace sac::engine
