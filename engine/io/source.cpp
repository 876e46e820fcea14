#include "engine/io/source.h"

#include <algorithm>
#include <filesystem>
#include <vector>

#include "compute/base/format.h"
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
    Result<std::optional<Frame>> next() override {
        if (at_ == paths_.size()) return std::optional<Frame>();
        return load(paths_[at_++]);
    }
    Kind kind() const override { return kind_; }
    uint64_t estimated_frames() const override { return paths_.size(); }

private:
    Kind kind_;
    std::vector<std::string> paths_;
    size_t at_ = 0;
};

class VideoSource final : public Source {
public:
    VideoSource(std::string path, std::unique_ptr<Video> video) : path_(std::move(path)), video_(std::move(video)) {}
    Result<std::optional<Frame>> next() override {
        auto frame = video_->next();
        at_end_ = frame.ok() && !frame->has_value();
        return frame;
    }
    Kind kind() const override { return Kind::video; }
    uint64_t estimated_frames() const override { return video_->estimated_frames(); }
    double frame_rate() const override { return video_->frame_rate(); }
    std::string remark() const override {
        const auto damaged = static_cast<unsigned long long>(video_->damaged_packets());
        const auto frames = static_cast<unsigned long long>(video_->frames());
        const auto expected = static_cast<unsigned long long>(video_->estimated_frames());
        if (damaged)
            return sac::format("%s: is damaged in %llu places, %llu frames were read", path_.c_str(), damaged, frames);
        if (!at_end_ || frames + 1 >= expected) return {};  // a container's duration may be off by one
        return sac::format("%s: is truncated: %llu frames instead of about %llu", path_.c_str(), frames, expected);
    }

private:
    std::string path_;
    std::unique_ptr<Video> video_;
    bool at_end_ = false;
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

}  // namespace

Result<std::unique_ptr<Source>> Source::open(const std::string &path) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (!fs::exists(status)) return Error(Code::not_found, path + ": no such file or folder");
    if (fs::is_directory(status)) return open_folder(path);
    if (fs::is_regular_file(status) && fs::file_size(path, error) == 0)
        return Error(Code::invalid_file, path + ": the file is empty");
    if (has_image_ending(path))
        return std::unique_ptr<Source>(std::make_unique<ImageSource>(Kind::image, std::vector<std::string>{path}));
    auto video = Video::open(path);
    if (video) return std::unique_ptr<Source>(std::make_unique<VideoSource>(path, std::move(*video)));
    if (video.error().code == Code::invalid_file)
        return Error(Code::invalid_file, path + ": neither a picture nor a video (" + video.error().message + ")");
    return std::move(video).error();
}

}  // namespace sac::engine
