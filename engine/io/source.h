#pragma once
// Where frames come from: a picture, a folder of pictures, a video, a stream, a camera, the screen, the built-in scene.

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "compute/base/result.h"
#include "engine/io/frame.h"
#include "engine/io/interrupt.h"

namespace sac::engine {

class Source;

struct SourceOptions {
    uint32_t width = 0, height = 0;  ///< asked of cameras and the scene; 0: what they give by themselves
    double frame_rate = 0;           ///< asked of cameras, the screen and the scene; 0: theirs
    Turn turn;                       ///< in addition to what a file says of itself
    /// A live source that gives nothing for so long is lost.
    std::chrono::milliseconds timeout{5000};
    /// Ends every wait of a live source; may be null.
    std::shared_ptr<Interrupt> interrupt;
    /// Makes the built-in scene (scene_source.h: it needs a device); null: there is none.
    std::function<Result<std::unique_ptr<Source>>(uint64_t seed, const SourceOptions &)> open_scene;
};

/// Read from front to back, waiting for each frame; Feed reads one on a thread. [thread] one at a time.
class Source {
public:
    enum class Kind { image, folder, video, stream, camera, screen, scene };

    /// `name` is a SourceName. What a path is is decided by the file system and the file's name, then by its contents.
    /// A URL whose video has an end that is known is a video, any other a stream. Errors name the source.
    static Result<std::unique_ptr<Source>> open(const std::string &name, const SourceOptions &options = {});
    virtual ~Source() = default;

    /// The next frame, or nothing at the end. In a folder each frame's `source` is its own file and its `index` 0. An
    /// unreadable picture in a folder is an error once, and the next call goes on behind it.
    Result<std::optional<Frame>> next();

    virtual Kind kind() const = 0;
    /// How many frames to expect, for progress; 0: not known, or without end.
    virtual uint64_t estimated_frames() const = 0;
    /// 0: pictures, or not known.
    virtual double frame_rate() const { return 0; }
    /// Something the user should know at the end ("3 damaged packets were passed over"), or empty.
    virtual std::string remark() const { return {}; }
    /// Who shows frames at their own time is late: frames before that time need not be made.
    virtual void skip_to(int64_t /*timestamp_ns*/) {}

protected:
    virtual Result<std::optional<Frame>> read() = 0;

private:
    Turn turn_;
};

/// It gives pictures of their own, not moments of one.
constexpr bool is_still(Source::Kind kind) { return kind == Source::Kind::image || kind == Source::Kind::folder; }
/// It goes on without who looks at it, and may be lost and come back.
constexpr bool is_live(Source::Kind kind) {
    return kind == Source::Kind::stream || kind == Source::Kind::camera || kind == Source::Kind::screen;
}

}  // namespace sac::engine
