#pragma once
// Cameras and the screen of this computer, through FFmpeg's devices: Video4Linux and X11, DirectShow and GDI, or
// AVFoundation.

#include <string>
#include <vector>

#include "engine/io/source.h"
#include "engine/io/source_name.h"
#include "engine/io/video.h"

namespace sac::engine {

struct CameraInfo {
    std::string name;         ///< as Source::open takes it: "camera:/dev/video0"
    std::string description;  ///< as the system calls it
};

/// The cameras there are. Error unsupported: FFmpeg was built without them.
Result<std::vector<CameraInfo>> list_cameras();

/// What to ask FFmpeg for: a camera or the screen. Error not_found: there is no camera of that number, or no display.
Result<VideoInput> capture_input(const SourceName &name, const SourceOptions &options);

}  // namespace sac::engine
