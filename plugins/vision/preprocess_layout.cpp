#include <algorithm>

#include "compute/base/format.h"
#include "plugins/vision/preprocess_layout.h"

namespace sac {

Error bad_frame(std::string text) { return Error(Code::invalid_argument, "frame: " + std::move(text)); }

Status check_size(const FrameLayout &frame) {
    if (frame.width < 1 || frame.width > max_frame_size || frame.height < 1 || frame.height > max_frame_size)
        return bad_frame(
            format("width and height must be 1 to %u, not %u x %u", max_frame_size, frame.width, frame.height));
    if (frame.rotation % 90 != 0 || frame.rotation > 270)
        return bad_frame(format("rotation must be 0, 90, 180 or 270, not %u", frame.rotation));
    return {};
}

namespace {
bool sideways(const FrameLayout &frame) { return frame.rotation == 90 || frame.rotation == 270; }
}  // namespace

uint32_t upright_width(const FrameLayout &frame) { return sideways(frame) ? frame.height : frame.width; }
uint32_t upright_height(const FrameLayout &frame) { return sideways(frame) ? frame.width : frame.height; }

Turn turn_of(const FrameLayout &frame) {
    const bool flip_x = frame.rotation == 90 || frame.rotation == 180;
    return {sideways(frame), flip_x != frame.mirror, frame.rotation == 180 || frame.rotation == 270};
}

uint32_t FrameLayout::plane_count() const {
    return format == PixelFormat::i420 ? 3 : format == PixelFormat::nv12 ? 2 : 1;
}

uint64_t FrameLayout::row_bytes(uint32_t plane) const {
    const uint64_t pairs = (uint64_t(width) + 1) / 2;
    switch (format) {
        case PixelFormat::nv12: return plane == 0 ? width : 2 * pairs;
        case PixelFormat::i420: return plane == 0 ? width : pairs;
        case PixelFormat::yuyv: return 4 * pairs;
        default: return uint64_t(width) * packed_step(format);
    }
}

uint32_t FrameLayout::rows(uint32_t plane) const { return plane == 0 ? height : (height + 1) / 2; }

FrameLayout FrameLayout::tight(PixelFormat format, uint32_t width, uint32_t height) {
    FrameLayout frame;
    frame.format = format;
    frame.width = width;
    frame.height = height;
    uint64_t offset = 0;
    for (uint32_t plane = 0; plane < frame.plane_count(); ++plane) {
        frame.plane_offset[plane] = offset;
        frame.stride[plane] = static_cast<uint32_t>(frame.row_bytes(plane));
        offset += frame.row_bytes(plane) * frame.rows(plane);
    }
    return frame;
}

Result<uint64_t> FrameLayout::required_bytes() const {
    if (format < PixelFormat::rgb || format > PixelFormat::yuyv)
        return bad_frame(sac::format("unknown pixel format %u", static_cast<uint32_t>(format)));
    if (color > YuvColor::bt709_full)
        return bad_frame(sac::format("unknown colour coding %u", static_cast<uint32_t>(color)));
    SAC_TRY(check_size(*this));
    uint64_t end = 0;
    for (uint32_t plane = 0; plane < plane_count(); ++plane) {
        if (stride[plane] < row_bytes(plane))
            return bad_frame(sac::format("the stride of plane %u is %u bytes, a row of %u pixels takes %llu", plane,
                                         stride[plane], width, static_cast<unsigned long long>(row_bytes(plane))));
        if (plane_offset[plane] > UINT32_MAX) return bad_frame(sac::format("plane %u begins beyond 4 GiB", plane));
        end = std::max(end, plane_offset[plane] + uint64_t(stride[plane]) * (rows(plane) - 1) + row_bytes(plane));
    }
    if (end > UINT32_MAX) return bad_frame("it takes more than 4 GiB");
    return end;
}

Result<FitRect> fit_rect(const CardInput &input, uint32_t upright_w, uint32_t upright_h) {
    const uint64_t w = upright_w, h = upright_h, to_w = input.width, to_h = input.height;
    uint64_t fit_w = to_w, fit_h = to_h;
    const bool wider = w * to_h >= h * to_w;  // than the network's input
    const auto scaled = [](uint64_t a, uint64_t b, uint64_t c) {
        return std::max<uint64_t>((2 * a * b + c) / (2 * c), 1);
    };
    switch (input.fit) {
        case Fit::stretch: break;
        case Fit::letterbox:
            if (wider)
                fit_h = std::min(scaled(h, to_w, w), to_h);
            else
                fit_w = std::min(scaled(w, to_h, h), to_w);
            break;
        case Fit::crop:
            if (input.resize != 0) {
                fit_w = w <= h ? input.resize : w * input.resize / h;
                fit_h = w <= h ? h * input.resize / w : input.resize;
            } else if (wider) {
                fit_w = std::max(scaled(w, to_h, h), to_w);
            } else {
                fit_h = std::max(scaled(h, to_w, w), to_h);
            }
            break;
    }
    // Positions in the kernel are integers in units of 1 / (2 fit size).
    const auto fits = [](uint64_t fit, uint64_t picture) {
        return (2 * fit + 1) * picture + 2 * fit + 2 * std::max(fit, picture) < uint64_t(1) << 31;
    };
    if (!fits(fit_w, w) || !fits(fit_h, h))
        return Error(Code::unsupported, format("frame: %u x %u is too long and narrow to be cropped to %u x %u",
                                               upright_w, upright_h, input.width, input.height));
    const auto corner = [](uint64_t to, uint64_t fit) {
        return to >= fit ? static_cast<int32_t>((to - fit) / 2) : -static_cast<int32_t>((fit - to) / 2);
    };
    return FitRect{corner(to_w, fit_w), corner(to_h, fit_h), static_cast<uint32_t>(fit_w),
                   static_cast<uint32_t>(fit_h)};
}

PreprocessTransform transform_of(const FitRect &rect, const FrameLayout &frame) {
    const double w = upright_width(frame), h = upright_height(frame);
    // Rows x and y of the map to upright pixels, then flipped and swapped as the kernel does.
    std::array<double, 3> x = {w / rect.width, 0, -rect.x * w / rect.width};
    std::array<double, 3> y = {0, h / rect.height, -rect.y * h / rect.height};
    const Turn turn = turn_of(frame);
    if (turn.flip_x) x = {-x[0], -x[1], w - x[2]};
    if (turn.flip_y) y = {-y[0], -y[1], h - y[2]};
    if (turn.swap) std::swap(x, y);
    PreprocessTransform transform;
    for (size_t i = 0; i < 3; ++i) {
        transform.m[i] = static_cast<float>(x[i]);
        transform.m[3 + i] = static_cast<float>(y[i]);
    }
    return transform;
}

}  // namespace sac
