#pragma once
// Where frames come from: a picture, a folder of pictures, or a video.

#include <memory>
#include <optional>
#include <string>

#include "compute/base/result.h"
#include "engine/io/frame.h"

namespace sac::engine {

/// [thread] one at a time.
class Source {
public:
    enum class Kind { image, folder, video };

    /// What `path` is is decided by the file system and the file's name, then by its contents. Errors name the file.
    static Result<std::unique_ptr<Source>> open(const std::string &path);
    virtual ~Source() = default;

    /// The next frame, or nothing at the end. In a folder each frame's `source` is its own file and its `index` 0. An
    /// unreadable picture in a folder is an error once, and the next call goes on behind it.
    virtual Result<std::optional<Frame>> next() = 0;

    virtual Kind kind() const = 0;
    /// How many frames to expect, for progress; 0: not known.
    virtual uint64_t estimated_frames() const = 0;
    /// 0: not a video, or not known.
    virtual double frame_rate() const { return 0; }
    /// Something the user should know at the end ("3 damaged packets were passed over"), or empty.
    virtual std::string remark() const { return {}; }
};

}  // namespace sac::engine
