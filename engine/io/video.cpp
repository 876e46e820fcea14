#include "engine/io/video.h"

#include <cmath>
#include <filesystem>

#include "compute/base/format.h"
#include "engine/io/ffmpeg.h"

namespace sac::engine {

namespace {

// Formats that go to the GPU as they are.
std::optional<PixelFormat> direct_format(int format) {
    switch (format) {
        case AV_PIX_FMT_YUV420P:
        case AV_PIX_FMT_YUVJ420P: return PixelFormat::i420;
        case AV_PIX_FMT_NV12: return PixelFormat::nv12;
        case AV_PIX_FMT_RGB24: return PixelFormat::rgb;
        case AV_PIX_FMT_RGBA:
        case AV_PIX_FMT_RGB0: return PixelFormat::rgba;
        case AV_PIX_FMT_BGRA:
        case AV_PIX_FMT_BGR0: return PixelFormat::bgra;
        case AV_PIX_FMT_YUYV422: return PixelFormat::yuyv;
        default: return std::nullopt;
    }
}

class FfmpegVideo final : public Video {
public:
    Status open_file(const std::string &path) {
        path_ = path;
        std::error_code ignored;
        if (!std::filesystem::exists(path, ignored)) return Error(Code::not_found, path + ": no such file");
        AVFormatContext *format = nullptr;
        int result = avformat_open_input(&format, path.c_str(), nullptr, nullptr);
        if (result < 0) return failure("not a video that can be read", result);
        format_.reset(format);
        if ((result = avformat_find_stream_info(format, nullptr)) < 0) return failure("damaged", result);
        const AVCodec *codec = nullptr;
        stream_ = av_find_best_stream(format, AVMEDIA_TYPE_VIDEO, -1, -1, &codec, 0);
        if (stream_ == AVERROR_DECODER_NOT_FOUND)
            return Error(Code::unsupported, path + ": there is no decoder for its video");
        if (stream_ < 0) return Error(Code::invalid_file, path + ": has no video stream");
        const AVStream *stream = format->streams[stream_];

        decoder_.reset(avcodec_alloc_context3(codec));
        packet_.reset(av_packet_alloc());
        if (!decoder_ || !packet_) return out_of_memory();
        if ((result = avcodec_parameters_to_context(decoder_.get(), stream->codecpar)) < 0)
            return failure("damaged stream parameters", result);
        decoder_->thread_count = 0;  // as many as there are cores
        decoder_->pkt_timebase = stream->time_base;
        decoder_->flags |= AV_CODEC_FLAG_OUTPUT_CORRUPT;  // a patched-up frame is better than none, and is counted
        if ((result = avcodec_open2(decoder_.get(), codec, nullptr)) < 0)
            return failure(sac::format("its %s decoder cannot be opened", codec->name), result);

        const AVRational rate = stream->avg_frame_rate;
        if (rate.num > 0 && rate.den > 0) rate_ = av_q2d(rate);
        if (stream->nb_frames > 0)
            estimated_ = static_cast<uint64_t>(stream->nb_frames);
        else if (format->duration > 0 && rate_ > 0)
            estimated_ =
                static_cast<uint64_t>(std::llround(static_cast<double>(format->duration) / AV_TIME_BASE * rate_));
        return {};
    }

    Result<std::optional<Frame>> next() override {
        const AvFrame decoded(av_frame_alloc());
        if (!decoded) return out_of_memory();
        for (;;) {
            const int received = avcodec_receive_frame(decoder_.get(), decoded.get());
            if (received == 0) {
                if (decoded->width < 1 || decoded->height < 1) continue;
                if ((decoded->flags & AV_FRAME_FLAG_CORRUPT) || decoded->decode_error_flags) ++damaged_;
                return to_our_frame(*decoded);
            }
            if (received == AVERROR_EOF) return end();
            if (received != AVERROR(EAGAIN)) ++damaged_;  // the decoder goes on with the next packet
            SAC_TRY(feed());
        }
    }

    uint64_t damaged_packets() const override { return damaged_; }
    uint64_t frames() const override { return frames_; }
    uint64_t estimated_frames() const override { return estimated_; }
    double frame_rate() const override { return rate_; }

private:
    Error failure(const std::string &what, int code) const {
        return Error(Code::invalid_file, path_ + ": " + what + " (" + av_error_text(code) + ")");
    }
    Error out_of_memory() const { return Error(Code::out_of_memory, path_ + ": out of memory while decoding"); }

    // Gives the decoder one packet more, or the end.
    Status feed() {
        for (;;) {
            const int read = av_read_frame(format_.get(), packet_.get());
            if (read < 0) {
                if (read != AVERROR_EOF) ++damaged_;
                avcodec_send_packet(decoder_.get(), nullptr);
                return {};
            }
            const bool ours = packet_->stream_index == stream_;
            const int sent = ours ? avcodec_send_packet(decoder_.get(), packet_.get()) : 0;
            av_packet_unref(packet_.get());
            if (sent == AVERROR(ENOMEM)) return out_of_memory();
            if (sent < 0) ++damaged_;
            if (ours && sent >= 0) return {};
        }
    }

    Result<std::optional<Frame>> end() const {
        if (frames_ > 0) return std::optional<Frame>();
        return Error(Code::invalid_file, sac::format("%s: not one frame could be decoded (%llu damaged packets)",
                                                     path_.c_str(), static_cast<unsigned long long>(damaged_)));
    }

    Result<std::optional<Frame>> to_our_frame(const AVFrame &decoded) {
        Frame frame;
        std::shared_ptr<AVFrame> pixels(av_frame_clone(&decoded), [](AVFrame *f) { av_frame_free(&f); });
        if (!pixels) return out_of_memory();
        auto format = direct_format(pixels->format);
        // A picture upside down (negative stride), or with an odd width in YUYV, goes the other way too.
        if (pixels->linesize[0] < 0 || (format == PixelFormat::yuyv && pixels->width % 2)) format.reset();
        if (!format) {
            pixels = convert(*pixels);
            if (!pixels)
                return Error(Code::unsupported,
                             sac::format("%s: frame %llu has a pixel format that cannot be converted", path_.c_str(),
                                         static_cast<unsigned long long>(frames_)));
            format = PixelFormat::rgba;
        }
        frame.format = *format;
        frame.width = static_cast<uint32_t>(pixels->width);
        frame.height = static_cast<uint32_t>(pixels->height);
        const size_t planes = *format == PixelFormat::i420 ? 3 : *format == PixelFormat::nv12 ? 2 : 1;
        for (size_t i = 0; i < planes; ++i)
            frame.planes[i] = {pixels->data[i], static_cast<uint32_t>(pixels->linesize[i])};
        frame.full_range = decoded.color_range == AVCOL_RANGE_JPEG || decoded.format == AV_PIX_FMT_YUVJ420P;
        const bool said_601 = decoded.colorspace == AVCOL_SPC_BT470BG || decoded.colorspace == AVCOL_SPC_SMPTE170M;
        const bool said_709 = decoded.colorspace == AVCOL_SPC_BT709;
        frame.matrix = said_709 || (!said_601 && decoded.height >= 720) ? YuvMatrix::bt709 : YuvMatrix::bt601;
        frame.source = path_;
        frame.index = frames_++;
        const AVRational base = format_->streams[stream_]->time_base;
        if (decoded.best_effort_timestamp != AV_NOPTS_VALUE)
            frame.timestamp_ns = av_rescale_q(decoded.best_effort_timestamp, base, AVRational{1, 1'000'000'000});
        else if (rate_ > 0)
            frame.timestamp_ns = static_cast<int64_t>(static_cast<double>(frame.index) / rate_ * 1e9);
        frame.owner = std::move(pixels);
        return std::optional(std::move(frame));
    }

    // Formats that the GPU does not take become RGBA on the CPU. Null if it cannot be done.
    std::shared_ptr<AVFrame> convert(const AVFrame &from) {
        scaler_.reset(sws_getCachedContext(
            scaler_.release(), from.width, from.height, static_cast<AVPixelFormat>(from.format), from.width,
            from.height, AV_PIX_FMT_RGBA, SWS_BILINEAR | SWS_ACCURATE_RND, nullptr, nullptr, nullptr));
        std::shared_ptr<AVFrame> to(av_frame_alloc(), [](AVFrame *f) { av_frame_free(&f); });
        if (!scaler_ || !to) return nullptr;
        to->format = AV_PIX_FMT_RGBA;
        to->width = from.width;
        to->height = from.height;
        if (av_frame_get_buffer(to.get(), 0) < 0) return nullptr;
        const int rows = sws_scale(scaler_.get(), from.data, from.linesize, 0, from.height, to->data, to->linesize);
        return rows == from.height ? to : nullptr;
    }

    std::string path_;
    AvInput format_;
    AvCodec decoder_;
    AvPacket packet_;
    AvScaler scaler_;
    int stream_ = -1;
    double rate_ = 0;
    uint64_t estimated_ = 0, frames_ = 0, damaged_ = 0;
};

}  // namespace

Result<std::unique_ptr<Video>> Video::open(const std::string &path) {
    av_log_set_level(AV_LOG_QUIET);  // what matters is in our errors and counts
    auto video = std::make_unique<FfmpegVideo>();
    SAC_TRY(video->open_file(path));
    return std::unique_ptr<Video>(std::move(video));
}

}  // namespace sac::engine
