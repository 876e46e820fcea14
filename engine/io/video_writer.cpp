#include "engine/io/video_writer.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "compute/base/format.h"
#include "engine/io/ffmpeg.h"

namespace sac::engine {

namespace {

class FfmpegWriter final : public VideoWriter {
public:
    ~FfmpegWriter() override {
        if (!output_) return;
        if (output_->pb) avio_closep(&output_->pb);
        avformat_free_context(output_);
    }

    Status open(const std::string &path, uint32_t width, uint32_t height, double frames_a_second) {
        path_ = path;
        const bool lossless = std::filesystem::path(path).extension() == ".mkv";
        if (!lossless && (width % 2 || height % 2))
            return Error(Code::unsupported, path + ": MPEG-4 needs an even width and height; .mkv takes any");
        avformat_alloc_output_context2(&output_, nullptr, nullptr, path.c_str());
        const AVCodec *codec = avcodec_find_encoder(lossless ? AV_CODEC_ID_FFV1 : AV_CODEC_ID_MPEG4);
        if (!output_ || !codec)
            return Error(Code::unsupported, path + ": this build of FFmpeg cannot write such a video");
        stream_ = avformat_new_stream(output_, nullptr);
        encoder_.reset(avcodec_alloc_context3(codec));
        packet_.reset(av_packet_alloc());
        frame_.reset(av_frame_alloc());
        if (!stream_ || !encoder_ || !packet_ || !frame_) return Error(Code::out_of_memory, path + ": out of memory");
        encoder_->width = static_cast<int>(width);
        encoder_->height = static_cast<int>(height);
        encoder_->pix_fmt = lossless ? AV_PIX_FMT_BGR0 : AV_PIX_FMT_YUV420P;
        encoder_->time_base = {1000, static_cast<int>(std::lround(std::clamp(frames_a_second, 1.0, 1000.0) * 1000))};
        encoder_->framerate = av_inv_q(encoder_->time_base);
        if (!lossless) {
            encoder_->flags |= AV_CODEC_FLAG_QSCALE;
            encoder_->global_quality = 3 * FF_QP2LAMBDA;
        }
        if (output_->oformat->flags & AVFMT_GLOBALHEADER) encoder_->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
        SAC_TRY(check(avcodec_open2(encoder_.get(), codec, nullptr), "the encoder cannot be opened"));
        SAC_TRY(check(avcodec_parameters_from_context(stream_->codecpar, encoder_.get()), "stream parameters"));
        stream_->time_base = encoder_->time_base;
        stream_->avg_frame_rate = encoder_->framerate;
        SAC_TRY(check(avio_open(&output_->pb, path.c_str(), AVIO_FLAG_WRITE), "cannot be written"));
        SAC_TRY(check(avformat_write_header(output_, nullptr), "writing the header"));
        frame_->format = encoder_->pix_fmt;
        frame_->width = encoder_->width;
        frame_->height = encoder_->height;
        SAC_TRY(check(av_frame_get_buffer(frame_.get(), 0), "out of memory"));
        scaler_.reset(sws_getContext(frame_->width, frame_->height, AV_PIX_FMT_RGBA, frame_->width, frame_->height,
                                     encoder_->pix_fmt, SWS_BILINEAR | SWS_ACCURATE_RND, nullptr, nullptr, nullptr));
        if (!scaler_) return Error(Code::unsupported, path + ": no conversion to the encoder's pixels");
        return {};
    }

    Status write(const Image &image) override {
        if (static_cast<int>(image.width) != encoder_->width || static_cast<int>(image.height) != encoder_->height)
            return Error(Code::invalid_argument,
                         sac::format("%s: a picture of %u x %u in a video of %d x %d", path_.c_str(), image.width,
                                     image.height, encoder_->width, encoder_->height));
        SAC_TRY(check(av_frame_make_writable(frame_.get()), "out of memory"));
        const uint8_t *from[4] = {image.pixels.data()};
        const int stride[4] = {static_cast<int>(image.width * 4)};
        sws_scale(scaler_.get(), from, stride, 0, encoder_->height, frame_->data, frame_->linesize);
        frame_->pts = next_++;
        return encode(frame_.get());
    }

    Status finish() override {
        SAC_TRY(encode(nullptr));
        SAC_TRY(check(av_write_trailer(output_), "writing the end"));
        return check(avio_closep(&output_->pb), "closing the file");
    }

private:
    Status check(int result, const char *what) const {
        if (result >= 0) return {};
        return Error(Code::io_error, path_ + ": " + what + " (" + av_error_text(result) + ")");
    }

    // Null: the end.
    Status encode(const AVFrame *frame) {
        SAC_TRY(check(avcodec_send_frame(encoder_.get(), frame), "encoding a frame"));
        for (;;) {
            const int result = avcodec_receive_packet(encoder_.get(), packet_.get());
            if (result == AVERROR(EAGAIN) || result == AVERROR_EOF) return {};
            SAC_TRY(check(result, "encoding a frame"));
            av_packet_rescale_ts(packet_.get(), encoder_->time_base, stream_->time_base);
            packet_->stream_index = stream_->index;
            SAC_TRY(check(av_interleaved_write_frame(output_, packet_.get()), "writing a frame"));
        }
    }

    std::string path_;
    AVFormatContext *output_ = nullptr;
    AVStream *stream_ = nullptr;
    AvCodec encoder_;
    AvPacket packet_;
    AvFrame frame_;
    AvScaler scaler_;
    int64_t next_ = 0;
};

}  // namespace

Result<std::unique_ptr<VideoWriter>> VideoWriter::create(const std::string &path, uint32_t width, uint32_t height,
                                                         double frames_a_second) {
    if (!has_video_ending(path)) return Error(Code::unsupported, path + ": videos are written as .mkv, .mp4 or .avi");
    av_log_set_level(AV_LOG_QUIET);
    auto writer = std::make_unique<FfmpegWriter>();
    SAC_TRY(writer->open(path, width, height, frames_a_second));
    return std::unique_ptr<VideoWriter>(std::move(writer));
}

bool has_video_ending(const std::string &path) {
    const std::filesystem::path ending = std::filesystem::path(path).extension();
    return ending == ".mkv" || ending == ".mp4" || ending == ".avi";
}

}  // namespace sac::engine
