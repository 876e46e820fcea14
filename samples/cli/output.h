#pragma once
// What commands print and write of the detections of a frame.

#include "engine/canvas.h"
#include "engine/io/video_writer.h"
#include "samples/cli/vision.h"

namespace sac::cli {

/// {"source":...,"frame":...,"detections":[{"label":...,"score":...,"box":[x1,y1,x2,y2]}]}, pixels of the source; with
/// "track":... where there is one.
std::string json_line(const std::string &source, uint64_t frame, const std::vector<Detection> &detections);

/// "photo.jpg: 2 objects" and a line for each.
std::string text_lines(const std::string &source, uint64_t frame, bool is_video,
                       const std::vector<Detection> &detections);

/// Draws boxes and labels into upright frames of the source's size and writes them: to a picture (.png, .jpg: the last
/// frame), a video (.mkv, .mp4, .avi), or a folder. [thread] one at a time.
class AnnotatedWriter {
public:
    /// Makes a device of its own for drawing.
    static Result<std::unique_ptr<AnnotatedWriter>> create(const std::string &out, const std::string &device);
    ~AnnotatedWriter();

    Status write(const engine::Frame &frame, bool is_video, double frame_rate,
                 const std::vector<Detection> &detections);
    /// To be called after the last frame.
    Status finish();
    /// Files written so far, in words: "out/photo.png", "12 pictures in out".
    std::string summary() const;

private:
    AnnotatedWriter() = default;
    std::string out_;
    std::unique_ptr<vk::Device> device_;
    std::unique_ptr<vk::Memory> memory_;
    std::unique_ptr<engine::Canvas> canvas_;
    std::unique_ptr<engine::VideoWriter> video_;
    VkExtent2D video_size_ = {};
    std::atomic<uint64_t> validation_messages_ = 0;
    uint64_t written_ = 0;
    std::string last_;
};

}  // namespace sac::cli
