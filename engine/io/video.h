#pragma once
// Video files through FFmpeg. Frames come as the decoder has them (I420, NV12, RGB ...), without a conversion on the
// CPU where the GPU takes the format.

#include <memory>
#include <optional>
#include <string>

#include "compute/base/result.h"
#include "engine/io/frame.h"

namespace sac::engine {

/// A video that is read from front to back. Size and format may change from frame to frame. [thread] one at a time.
class Video {
public:
    /// Error not_found, or invalid_file: not a video, damaged, no video stream, or a codec that is not built in. Names
    /// the file.
    static Result<std::unique_ptr<Video>> open(const std::string &path);
    virtual ~Video() = default;

    /// The next frame, or nothing at the end. Its memory lives as long as the frame. Damaged packets are passed over or
    /// patched up, and counted; a video of which nothing can be decoded is an error that names the file.
    virtual Result<std::optional<Frame>> next() = 0;

    /// Packets passed over and frames patched up so far.
    virtual uint64_t damaged_packets() const = 0;
    /// Frames given so far.
    virtual uint64_t frames() const = 0;
    /// As the container tells, for progress bars; 0: not known.
    virtual uint64_t estimated_frames() const = 0;
    /// Frames a second as the container tells; 0: not known.
    virtual double frame_rate() const = 0;
};

}  // namespace sac::engine
