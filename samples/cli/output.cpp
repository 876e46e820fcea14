#include "samples/cli/output.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include <nlohmann/json.hpp>

#include "compute/base/format.h"

namespace sac::cli {

namespace fs = std::filesystem;

namespace {

std::string quoted(const std::string &text) {
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

bool is_folder(const std::string &out) { return !engine::has_image_ending(out) && !engine::has_video_ending(out); }

}  // namespace

std::string json_line(const std::string &source, uint64_t frame, const std::vector<Detection> &detections) {
    std::string line = format("{\"source\":%s,\"frame\":%llu,\"detections\":[", quoted(source).c_str(),
                              static_cast<unsigned long long>(frame));
    for (size_t i = 0; i < detections.size(); ++i) {
        const Detection &d = detections[i];
        line += format("%s{\"label\":%s,\"score\":%.4f,\"box\":[%.2f,%.2f,%.2f,%.2f]", i ? "," : "",
                       quoted(d.label).c_str(), d.score, d.x1, d.y1, d.x2, d.y2);
        line += d.track ? format(",\"track\":%u}", d.track) : "}";
    }
    return line + "]}";
}

std::string text_lines(const std::string &source, uint64_t frame, bool is_video,
                       const std::vector<Detection> &detections) {
    const size_t n = detections.size();
    std::string lines = source;
    if (is_video) lines += format(", frame %llu", static_cast<unsigned long long>(frame));
    lines += n == 0 ? ": nothing found" : format(": %zu object%s", n, n == 1 ? "" : "s");
    for (const Detection &d : detections) {
        lines += format("\n  %-14s %.3f  [%.1f, %.1f, %.1f, %.1f]", d.label.c_str(), d.score, d.x1, d.y1, d.x2, d.y2);
        if (d.track) lines += format("  #%u", d.track);
    }
    return lines;
}

Result<std::unique_ptr<AnnotatedWriter>> AnnotatedWriter::create(const std::string &out, const std::string &device) {
    std::unique_ptr<AnnotatedWriter> writer(new AnnotatedWriter);
    writer->out_ = out;
    if (engine::has_image_ending(out) && !engine::can_write_image(out))
        return Error(Code::unsupported, out + ": pictures are written as .png or .jpg");
    std::error_code error;
    if (is_folder(out) && !fs::is_directory(out, error) && !fs::create_directories(out, error))
        return Error(Code::io_error, out + ": the folder cannot be made: " + error.message());
    vk::DeviceOptions options;
    options.which = device;
    options.validation = validation_wanted();
    options.on_validation_message = [self = writer.get()](const char *message) {
        std::fprintf(stderr, "saccade: %s\n", message);
        ++self->validation_messages_;
    };
    SAC_ASSIGN(writer->device_, vk::Device::create(options));
    writer->memory_ = std::make_unique<vk::Memory>(*writer->device_);
    SAC_ASSIGN(writer->canvas_, engine::Canvas::create(*writer->device_, *writer->memory_));
    return writer;
}

AnnotatedWriter::~AnnotatedWriter() = default;

Status AnnotatedWriter::write(const engine::Frame &frame, bool is_video, double frame_rate,
                              const std::vector<Detection> &detections) {
    // All pictures of a video have the size of its first.
    const VkExtent2D size = video_ ? video_size_ : VkExtent2D{frame.upright_width(), frame.upright_height()};
    SAC_ASSIGN(const engine::Image image, canvas_->draw(frame, to_overlay(detections), size));
    ++written_;
    if (engine::has_video_ending(out_)) {
        if (!video_) {
            SAC_ASSIGN(video_,
                       engine::VideoWriter::create(out_, image.width, image.height, frame_rate > 0 ? frame_rate : 25));
            video_size_ = size;
        }
        last_ = out_;
        return video_->write(image);
    }
    last_ = out_;
    if (is_folder(out_)) {
        std::string name = fs::path(frame.source).stem().string();
        std::replace(name.begin(), name.end(), ':', '_');  // "camera:0"; not every file system takes it
        if (is_video) name += format("_%06llu", static_cast<unsigned long long>(frame.index));
        last_ = (fs::path(out_) / (name + ".png")).string();
    }
    return engine::write_image(last_, image);
}

Status AnnotatedWriter::finish() {
    if (video_) SAC_TRY(video_->finish());
    if (validation_messages_ > 0)
        return Error(Code::internal, "the validation layer complained about drawing (see above)");
    return {};
}

std::string AnnotatedWriter::summary() const {
    if (written_ < 2 || !is_folder(out_)) return last_;
    return format("%llu pictures in %s", static_cast<unsigned long long>(written_), out_.c_str());
}

}  // namespace sac::cli
