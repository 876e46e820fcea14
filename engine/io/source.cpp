#include "engine/io/source.h"

#include <algorithm>
#include <filesystem>
#include <vector>

#include "compute/base/format.h"
#include "engine/io/capture.h"
#include "engine/io/image.h"
#include "engine/io/video.h"

namespace sac::engine {

namespace fs = std::filesystem;

namespace {

Result<std::optional<Frame>> load(const std::string &path) {
    SAC_ASSIGN(Image image, read_image(path));
    return std::optional(to_frame(std::make_shared<const Image>(std::move(image)), path));
}

// One picture, or the pictures of a folder in the order of their names.
class ImageSource final : public Source {
public:
    ImageSource(Kind kind, std::vector<std::string> paths) : kind_(kind), paths_(std::move(paths)) {}
    Kind kind() const override { return kind_; }
    uint64_t estimated_frames() const override { return paths_.size(); }

private:
    Result<std::optional<Frame>> read() override {
        if (at_ == paths_.size()) return std::optional<Frame>();
        return load(paths_[at_++]);
    }

    Kind kind_;
    std::vector<std::string> paths_;
    size_t at_ = 0;
};

class VideoSource final : public Source {
public:
    VideoSource(Kind kind, std::string path, std::unique_ptr<Video> video)
        : kind_(kind), path_(std::move(path)), video_(std::move(video)) {}
    Kind kind() const override { return kind_; }
    uint64_t estimated_frames() const override { return video_->estimated_frames(); }
    double frame_rate() const override { return video_->frame_rate(); }
    std::string remark() const override {
        if (kind_ != Kind::video) return {};
        const auto damaged = static_cast<unsigned long long>(video_->damaged_packets());
        const auto frames = static_cast<unsigned long long>(video_->frames());
        const auto expected = static_cast<unsigned long long>(video_->estimated_frames());
        if (damaged)
            return sac::format("%s: is damaged in %llu places, %llu frames were read", path_.c_str(), damaged, frames);
        if (!at_end_ || frames + 1 >= expected) return {};  // a container's duration may be off by one
        return sac::format("%s: is truncated: %llu frames instead of about %llu", path_.c_str(), frames, expected);
    }

private:
    Result<std::optional<Frame>> read() override {
        auto frame = video_->next();
        at_end_ = frame.ok() && !frame->has_value();
        return frame;
    }

    Kind kind_;
    std::string path_;
    std::unique_ptr<Video> video_;
    bool at_end_ = false;
};

// The screen is always there: a picture of it is taken when it is time.
class ScreenSource final : public Source {
public:
    ScreenSource(std::unique_ptr<Video> video, const SourceOptions &options)
        : video_(std::move(video)),
          rate_(options.frame_rate > 0 ? options.frame_rate : 30),
          interrupt_(options.interrupt ? options.interrupt : std::make_shared<Interrupt>()) {}
    Kind kind() const override { return Kind::screen; }
    uint64_t estimated_frames() const override { return 0; }
    double frame_rate() const override { return rate_; }

private:
    Result<std::optional<Frame>> read() override {
        if (interrupt_->wait_until(due_)) return Error(Code::cancelled, "the screen is no longer wanted");
        const auto interval =
            std::chrono::duration_cast<Interrupt::Clock::duration>(std::chrono::duration<double>(1 / rate_));
        due_ = std::max(due_ + interval, Interrupt::Clock::now());
        return video_->next();
    }

    std::unique_ptr<Video> video_;
    double rate_;
    std::shared_ptr<Interrupt> interrupt_;
    Interrupt::Clock::time_point due_ = Interrupt::Clock::now();
};

Result<std::unique_ptr<Source>> open_folder(const std::string &path) {
    std::error_code error;
    std::vector<std::string> paths;
    for (auto entry = fs::directory_iterator(path, error); !error && entry != fs::directory_iterator();
         entry.increment(error))
        if (entry->is_regular_file(error) && has_image_ending(entry->path().string()))
            paths.push_back(entry->path().string());
    if (error) return Error(Code::io_error, path + ": cannot be listed: " + error.message());
    if (paths.empty()) return Error(Code::not_found, path + ": there is no picture in this folder");
    std::sort(paths.begin(), paths.end());
    return std::unique_ptr<Source>(std::make_unique<ImageSource>(Source::Kind::folder, std::move(paths)));
}

Result<std::unique_ptr<Source>> open_path(const std::string &path) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (!fs::exists(status)) return Error(Code::not_found, path + ": no such file or folder");
    if (fs::is_directory(status)) return open_folder(path);
    if (fs::is_regular_file(status) && fs::file_size(path, error) == 0)
        return Error(Code::invalid_file, path + ": the file is empty");
    if (has_image_ending(path))
        return std::unique_ptr<Source>(
            std::make_unique<ImageSource>(Source::Kind::image, std::vector<std::string>{path}));
    auto video = Video::open(path);
    if (video)
        return std::unique_ptr<Source>(std::make_unique<VideoSource>(Source::Kind::video, path, std::move(*video)));
    if (video.error().code == Code::invalid_file)
        return Error(Code::invalid_file, path + ": neither a picture nor a video (" + video.error().message + ")");
    return std::move(video).error();
}

Result<std::unique_ptr<Source>> open_url(const SourceName &name, const SourceOptions &options) {
    VideoInput input;
    input.name = input.url = name.text;
    input.live = true;
    input.timeout = options.timeout;
    input.interrupt = options.interrupt;
    // What is needed to begin is enough: no waiting for more to be surer of the format or to find out the rate.
    input.options = {{"fpsprobesize", "0"}, {"formatprobesize", "32768"}, {"rtsp_flags", "prefer_tcp"}};
    SAC_ASSIGN(auto video, Video::open(input));
    const auto kind = video->estimated_frames() > 0 ? Source::Kind::video : Source::Kind::stream;
    return std::unique_ptr<Source>(std::make_unique<VideoSource>(kind, name.text, std::move(video)));
}

Result<std::unique_ptr<Source>> open_capture(const SourceName &name, const SourceOptions &options) {
    SAC_ASSIGN(const VideoInput input, capture_input(name, options));
    SAC_ASSIGN(auto video, Video::open(input));
    if (name.scheme == SourceName::Scheme::screen)
        return std::unique_ptr<Source>(std::make_unique<ScreenSource>(std::move(video), options));
    return std::unique_ptr<Source>(std::make_unique<VideoSource>(Source::Kind::camera, name.text, std::move(video)));
}

Result<std::unique_ptr<Source>> open_any(const SourceName &name, const SourceOptions &options) {
    switch (name.scheme) {
        case SourceName::Scheme::path: return open_path(name.text);
        case SourceName::Scheme::url: return open_url(name, options);
        case SourceName::Scheme::scene:
            if (options.open_scene) return options.open_scene(name.seed, options);
            return Error(Code::unsupported, name.text + ": there is no scene here");
        default: return open_capture(name, options);
    }
}

}  // namespace

Result<std::unique_ptr<Source>> Source::open(const std::string &name, const SourceOptions &options) {
    SAC_ASSIGN(const SourceName parsed, SourceName::parse(name));
    SAC_ASSIGN(std::unique_ptr<Source> source, open_any(parsed, options));
    source->turn_ = options.turn;
    return source;
}

Result<std::optional<Frame>> Source::next() {
    auto frame = read();
    if (frame && *frame) (*frame)->turn = (*frame)->turn.then(turn_);
    return frame;
}

}  // namespace sac::engine
