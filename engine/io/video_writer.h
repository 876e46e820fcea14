#pragma once
// Writes a video of RGBA pictures through FFmpeg: MPEG-4 (.mp4, .avi) or lossless FFV1 (.mkv), which every build of it
// has.

#include <memory>
#include <string>

#include "compute/base/result.h"
#include "engine/io/image.h"

namespace sac::engine {

/// [thread] one at a time.
class VideoWriter {
public:
    /// The ending of `path` chooses: .mkv is lossless (FFV1), .mp4 and .avi are MPEG-4. All pictures have this size.
    /// Error unsupported: another ending, or an odd size for MPEG-4; io_error: the file cannot be written.
    static Result<std::unique_ptr<VideoWriter>> create(const std::string &path, uint32_t width, uint32_t height,
                                                       double frames_a_second);
    virtual ~VideoWriter() = default;
    virtual Status write(const Image &image) = 0;
    /// Writes what is left and closes the file. A video without it may not be playable.
    virtual Status finish() = 0;
};

/// True if the name ends like a video that can be written.
bool has_video_ending(const std::string &path);

}  // namespace sac::engine
