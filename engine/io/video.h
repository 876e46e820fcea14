#pragma once
// Videos through FFmpeg: files, streams, cameras and the screen. Frames come as the decoder has them (I420, NV12, RGB
// ...), without a conversion on the CPU where the GPU takes the format.

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "compute/base/result.h"
#include "engine/io/frame.h"
#include "engine/io/interrupt.h"

namespace sac::engine {

/// What FFmpeg is asked for.
struct VideoInput {
    std::string name;    ///< for errors and frames: what the user called it
    std::string url;     ///< a path, a URL, or a device's own name
    std::string device;  ///< the kind of device: "v4l2", "x11grab" ...; empty: a file or a stream
    std::vector<std::pair<std::string, std::string>> options;  ///< FFmpeg's
    bool live = false;  ///< a device or a stream: decoded without delay, and an error of reading ends it
    std::chrono::milliseconds timeout{5000};  ///< of a live one: without data for so long it is lost
    std::shared_ptr<Interrupt> interrupt;     ///< ends every wait of a live one; may be null
};

/// A video that is read from front to back. Size and format may change from frame to frame. [thread] one at a time.
class Video {
public:
    /// Error not_found, or invalid_file: not a video, damaged, no video stream, or a codec that is not built in. Of a
    /// live one: not_found, or io_error: busy, without permission, no answer in time. Names the file.
    static Result<std::unique_ptr<Video>> open(const VideoInput &input);
    static Result<std::unique_ptr<Video>> open(const std::string &path);
    virtual ~Video() = default;

    /// The next frame, or nothing at the end. Its memory lives as long as the frame. Damaged packets are passed over or
    /// patched up, and counted; a video of which nothing can be decoded is an error that names the file. Of a live one
    /// errors are those of reading (io_error) and of the interrupt (cancelled).
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
