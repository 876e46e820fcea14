#include "engine/io/video.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <thread>

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

// How a file says that its pictures are to be turned. FFmpeg's angle is counter-clockwise.
uint32_t rotation_of(const AVStream &stream) {
#if LIBAVFORMAT_VERSION_MAJOR >= 61
    const AVCodecParameters &codec = *stream.codecpar;
    const AVPacketSideData *data =
        av_packet_side_data_get(codec.coded_side_data, codec.nb_coded_side_data, AV_PKT_DATA_DISPLAYMATRIX);
    const uint8_t *matrix = data ? data->data : nullptr;
#else
    const uint8_t *matrix = av_stream_get_side_data(&stream, AV_PKT_DATA_DISPLAYMATRIX, nullptr);
#endif
    if (!matrix) return 0;
    const double angle = -av_display_rotation_get(reinterpret_cast<const int32_t *>(matrix));
    if (std::isnan(angle)) return 0;
    const int64_t quarters = std::llround(angle / 90);
    return static_cast<uint32_t>((quarters % 4 + 4) % 4 * 90);
}

class FfmpegVideo final : public Video {
public:
    Status open_input(const VideoInput &input) {
        path_ = input.name;
        live_ = input.live;
        timeout_ = input.timeout;
        interrupt_ = input.interrupt;
        SAC_TRY(open_container(input));
        const AVCodec *codec = nullptr;
        stream_ = av_find_best_stream(format_.get(), AVMEDIA_TYPE_VIDEO, -1, -1, &codec, 0);
        if (stream_ == AVERROR_DECODER_NOT_FOUND)
            return Error(Code::unsupported, path_ + ": there is no decoder for its video");
        if (stream_ < 0) return Error(Code::invalid_file, path_ + ": has no video stream");
        SAC_TRY(open_decoder(*codec));
        const AVStream *stream = format_->streams[stream_];
        const AVFormatContext *format = format_.get();
        rotation_ = rotation_of(*stream);
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
    Status open_container(const VideoInput &input) {
        const AVInputFormat *device = nullptr;
        if (!input.device.empty()) {
            device = av_find_input_format(input.device.c_str());
            if (!device) return Error(Code::unsupported, path_ + ": this FFmpeg was built without " + input.device);
        }
        lends_its_memory_ = input.device == "v4l2";
        AVFormatContext *format = avformat_alloc_context();
        if (!format) return out_of_memory();
        AVDictionary *options = nullptr;
        for (const auto &[key, value] : input.options) av_dict_set(&options, key.c_str(), value.c_str(), 0);
        if (live_) {
            format->interrupt_callback = {
                [](void *self) { return static_cast<FfmpegVideo *>(self)->is_over() ? 1 : 0; }, this};
            if (device) format->flags |= AVFMT_FLAG_NONBLOCK;  // a camera's reads ask nobody whether to go on waiting
        }
        begin_wait();
        int result =
            avformat_open_input(&format, input.url.c_str(), device, &options);  // frees the context if it fails
        av_dict_free(&options);
        if (result < 0)
            return live_ ? lost("cannot be opened", result) : failure("not a video that can be read", result);
        format_.reset(format);
        if (device) return {};  // it has told everything
        begin_wait();
        if ((result = avformat_find_stream_info(format, nullptr)) < 0)
            return live_ ? lost("is no video", result) : failure("damaged", result);
        return {};
    }

    Status open_decoder(const AVCodec &codec) {
        const AVStream &stream = *format_->streams[stream_];
        decoder_.reset(avcodec_alloc_context3(&codec));
        packet_.reset(av_packet_alloc());
        if (!decoder_ || !packet_) return out_of_memory();
        int result = avcodec_parameters_to_context(decoder_.get(), stream.codecpar);
        if (result < 0) return failure("damaged stream parameters", result);
        decoder_->thread_count = 0;  // as many as there are cores
        if (live_) {
            decoder_->thread_type = FF_THREAD_SLICE;  // threads of whole frames would hold some back
            decoder_->flags |= AV_CODEC_FLAG_LOW_DELAY;
        }
        decoder_->pkt_timebase = stream.time_base;
        decoder_->flags |= AV_CODEC_FLAG_OUTPUT_CORRUPT;  // a patched-up frame is better than none, and is counted
        if ((result = avcodec_open2(decoder_.get(), &codec, nullptr)) < 0)
            return failure(sac::format("its %s decoder cannot be opened", codec.name), result);
        return {};
    }

    void begin_wait() { deadline_ = Interrupt::Clock::now() + timeout_; }
    bool is_interrupted() const { return interrupt_ && interrupt_->raised(); }
    bool is_late() const { return Interrupt::Clock::now() > deadline_; }
    bool is_over() const { return is_interrupted() || is_late(); }

    // Why something live cannot be had.
    Error lost(const char *what, int code) const {
        if (is_interrupted()) return Error(Code::cancelled, path_ + ": is no longer wanted");
        if (code == AVERROR_EXIT || code == AVERROR(ETIMEDOUT) || code == AVERROR(EAGAIN))
            return Error(Code::io_error, sac::format("%s: no picture came for %.3g s", path_.c_str(),
                                                     std::chrono::duration<double>(timeout_).count()));
        if (code == AVERROR(ENOENT) || code == AVERROR(ENODEV) || code == AVERROR(ENXIO))
            return Error(Code::not_found, path_ + ": is not there (" + av_error_text(code) + ")");
        if (code == AVERROR(EBUSY)) return Error(Code::io_error, path_ + ": is used by another program");
        if (code == AVERROR(EACCES) || code == AVERROR(EPERM))
            return Error(Code::io_error, path_ + ": there is no permission to use it");
        return Error(Code::io_error, path_ + ": " + what + " (" + av_error_text(code) + ")");
    }

    Error failure(const std::string &what, int code) const {
        return Error(Code::invalid_file, path_ + ": " + what + " (" + av_error_text(code) + ")");
    }
    Error out_of_memory() const { return Error(Code::out_of_memory, path_ + ": out of memory while decoding"); }

    // A packet of its own memory in place of one that lies in the device's, which ends with the device.
    Status keep_packet() {
        const AvPacket own(av_packet_alloc());
        if (!own || av_new_packet(own.get(), packet_->size) < 0) return out_of_memory();
        std::copy_n(packet_->data, packet_->size, own->data);
        av_packet_copy_props(own.get(), packet_.get());
        av_packet_unref(packet_.get());
        av_packet_move_ref(packet_.get(), own.get());
        return {};
    }

    // Gives the decoder one packet more, or the end.
    Status feed() {
        begin_wait();
        for (;;) {
            const int read = av_read_frame(format_.get(), packet_.get());
            if (live_ && read < 0 && read != AVERROR_EOF) {
                if (read != AVERROR(EAGAIN) || is_over()) return lost("was lost", read);
                if (interrupt_)
                    interrupt_->wait_for(std::chrono::milliseconds(2));
                else
                    std::this_thread::sleep_for(std::chrono::milliseconds(2));
                continue;
            }
            if (read >= 0 && lends_its_memory_) SAC_TRY(keep_packet());
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
        frame.turn.rotation = rotation_;
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
    bool live_ = false, lends_its_memory_ = false;
    std::chrono::milliseconds timeout_{};
    std::shared_ptr<Interrupt> interrupt_;
    Interrupt::Clock::time_point deadline_;
    int stream_ = -1;
    uint32_t rotation_ = 0;
    double rate_ = 0;
    uint64_t estimated_ = 0, frames_ = 0, damaged_ = 0;
};

}  // namespace

Result<std::unique_ptr<Video>> Video::open(const VideoInput &input) {
    av_log_set_level(AV_LOG_QUIET);  // what matters is in our errors and counts
    auto video = std::make_unique<FfmpegVideo>();
    SAC_TRY(video->open_input(input));
    return std::unique_ptr<Video>(std::move(video));
}

Result<std::unique_ptr<Video>> Video::open(const std::string &path) {
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored)) return Error(Code::not_found, path + ": no such file");
    VideoInput input;
    input.name = input.url = path;
    return open(input);
}

}  // namespace sac::engine
