#pragma once
// FFmpeg's headers and owners for its objects. Included by the engine's io alone.

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/display.h>
#include <libavutil/imgutils.h>
#include <libavutil/opt.h>
#include <libswscale/swscale.h>
}

#include <memory>
#include <string>

namespace sac::engine {

struct AvDeleter {
    void operator()(AVFormatContext *c) const { avformat_close_input(&c); }
    void operator()(AVCodecContext *c) const { avcodec_free_context(&c); }
    void operator()(AVPacket *p) const { av_packet_free(&p); }
    void operator()(AVFrame *f) const { av_frame_free(&f); }
    void operator()(SwsContext *s) const { sws_freeContext(s); }
};
using AvInput = std::unique_ptr<AVFormatContext, AvDeleter>;
using AvCodec = std::unique_ptr<AVCodecContext, AvDeleter>;
using AvPacket = std::unique_ptr<AVPacket, AvDeleter>;
using AvFrame = std::unique_ptr<AVFrame, AvDeleter>;
using AvScaler = std::unique_ptr<SwsContext, AvDeleter>;

inline std::string av_error_text(int code) {
    char text[AV_ERROR_MAX_STRING_SIZE] = {};
    av_strerror(code, text, sizeof text);
    return text;
}

}  // namespace sac::engine
