#include "tests/vision/preprocess_reference.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include <doctest/doctest.h>

#include "compute/base/half.h"
#include "tests/support/device.h"
#include "tests/support/ref.h"

namespace sac::test {
namespace {

constexpr float guard = -12345.0f;

// Weights of picture pixels along one axis for output pixel `at` of `to`, the picture having `from`.
std::vector<std::pair<uint32_t, double>> axis_weights(uint32_t at, uint32_t to, uint32_t from, Filter filter) {
    std::vector<std::pair<uint32_t, double>> weights;
    const double scale = double(from) / to;
    if (filter == Filter::area && from > to) {
        const double low = at * scale, high = (at + 1) * scale;
        for (auto k = static_cast<uint32_t>(low); k < from && k < high; ++k) {
            const double covered = std::min(k + 1.0, high) - std::max<double>(k, low);
            if (covered > 0) weights.emplace_back(k, covered / scale);
        }
        return weights;
    }
    const double position = (at + 0.5) * scale - 0.5, below = std::floor(position), part = position - below;
    const auto clamped = [&](double k) { return static_cast<uint32_t>(std::clamp<double>(k, 0, from - 1.0)); };
    weights.emplace_back(clamped(below), 1 - part);
    weights.emplace_back(clamped(below + 1), part);
    return weights;
}

// Where pixel (x, y) of the picture turned clockwise, then mirrored, was stored: undone step by step.
std::array<uint32_t, 2> stored_of(const FrameLayout &frame, uint32_t x, uint32_t y) {
    uint32_t width = frame.width, height = frame.height;
    const uint32_t quarters = frame.rotation / 90;
    if (quarters % 2) std::swap(width, height);
    if (frame.mirror) x = width - 1 - x;
    for (uint32_t i = 0; i < quarters; ++i) {
        // A quarter turn clockwise took (a, b) of a picture of height h to (h - 1 - b, a); h is the width it has now.
        const uint32_t a = y, b = width - 1 - x;
        x = a, y = b;
        std::swap(width, height);
    }
    return {x, y};
}

// Red, green and blue of a filtered luma, u and v.
std::array<double, 3> rgb_of_yuv(const FrameLayout &l, double luma, double u, double v) {
    const bool full = l.color == YuvColor::bt601_full || l.color == YuvColor::bt709_full;
    const bool bt709 = l.color == YuvColor::bt709_limited || l.color == YuvColor::bt709_full;
    const double kr = bt709 ? 0.2126 : 0.299, kb = bt709 ? 0.0722 : 0.114, kg = 1 - kr - kb;
    const double unit = full ? luma / 255 : (luma - 16) / 219;
    const double pb = (u - 128) / (full ? 255.0 : 224.0), pr = (v - 128) / (full ? 255.0 : 224.0);
    const double r = unit + 2 * (1 - kr) * pr, b = unit + 2 * (1 - kb) * pb;
    const double g = (unit - kr * r - kb * b) / kg;
    const auto level = [](double c) { return std::clamp(255 * c, 0.0, 255.0); };
    return {level(r), level(g), level(b)};
}

}  // namespace

TestFrame random_frame(PixelFormat format, uint32_t width, uint32_t height, uint64_t seed, uint32_t extra_stride,
                       uint32_t gap) {
    TestFrame frame;
    FrameLayout &layout = frame.layout;
    layout = FrameLayout::tight(format, width, height);
    uint64_t offset = gap;
    for (uint32_t plane = 0; plane < layout.plane_count(); ++plane) {
        layout.plane_offset[plane] = offset;
        layout.stride[plane] += extra_stride;
        offset += uint64_t(layout.stride[plane]) * layout.rows(plane) + gap;
    }
    auto bytes = layout.required_bytes();
    REQUIRE(bytes.ok());
    frame.bytes.resize(*bytes);
    Random random(seed);
    for (size_t i = 0; i < frame.bytes.size(); i += 8) {
        const uint64_t bits = random.bits();
        std::memcpy(&frame.bytes[i], &bits, std::min<size_t>(8, frame.bytes.size() - i));
    }
    return frame;
}

std::array<double, 3> reference_stored(const TestFrame &frame, uint32_t x, uint32_t y) {
    const FrameLayout &l = frame.layout;
    const auto at = [&](uint32_t plane, uint64_t row, uint64_t byte) {
        return static_cast<double>(frame.bytes[l.plane_offset[plane] + row * l.stride[plane] + byte]);
    };
    double luma = 0, u = 0, v = 0;
    switch (l.format) {
        case PixelFormat::rgb: return {at(0, y, 3 * x), at(0, y, 3 * x + 1), at(0, y, 3 * x + 2)};
        case PixelFormat::rgba: return {at(0, y, 4 * x), at(0, y, 4 * x + 1), at(0, y, 4 * x + 2)};
        case PixelFormat::bgra: return {at(0, y, 4 * x + 2), at(0, y, 4 * x + 1), at(0, y, 4 * x)};
        case PixelFormat::nv12: luma = at(0, y, x), u = at(1, y / 2, x / 2 * 2), v = at(1, y / 2, x / 2 * 2 + 1); break;
        case PixelFormat::i420: luma = at(0, y, x), u = at(1, y / 2, x / 2), v = at(2, y / 2, x / 2); break;
        case PixelFormat::yuyv: luma = at(0, y, 2 * x), u = at(0, y, x / 2 * 4 + 1), v = at(0, y, x / 2 * 4 + 3); break;
    }
    return {luma, u, v};
}

std::array<double, 3> reference_pixel(const TestFrame &frame, const CardInput &input, uint32_t x, uint32_t y) {
    const bool sideways = frame.layout.rotation % 180 != 0;
    const uint32_t width = sideways ? frame.layout.height : frame.layout.width;
    const uint32_t height = sideways ? frame.layout.width : frame.layout.height;
    const auto rect = fit_rect(input, width, height);
    REQUIRE(rect.ok());
    const int64_t fx = int64_t(x) - rect->x, fy = int64_t(y) - rect->y;
    std::array<double, 3> rgb = {};
    if (fx < 0 || fy < 0 || fx >= rect->width || fy >= rect->height) {
        for (size_t c = 0; c < 3; ++c) rgb[c] = input.pad[c];
    } else {
        const auto columns = axis_weights(static_cast<uint32_t>(fx), rect->width, width, input.filter);
        const auto rows = axis_weights(static_cast<uint32_t>(fy), rect->height, height, input.filter);
        for (const auto &[row, row_weight] : rows)
            for (const auto &[column, column_weight] : columns) {
                const auto [sx, sy] = stored_of(frame.layout, column, row);
                const auto stored = reference_stored(frame, sx, sy);
                for (size_t c = 0; c < 3; ++c) rgb[c] += row_weight * column_weight * stored[c];
            }
        if (frame.layout.format >= PixelFormat::nv12) rgb = rgb_of_yuv(frame.layout, rgb[0], rgb[1], rgb[2]);
    }
    if (input.channels == ChannelOrder::bgr) std::swap(rgb[0], rgb[2]);
    for (size_t c = 0; c < 3; ++c) rgb[c] = (rgb[c] * input.scale - input.mean[c]) / input.std[c];
    return rgb;
}

CardInput plain_input(uint32_t width, uint32_t height, Fit fit, Filter filter) {
    CardInput input;
    input.name = "image";
    input.width = width;
    input.height = height;
    input.fit = fit;
    input.filter = filter;
    input.pad = {20, 120, 220};
    return input;
}

TestTensor::TestTensor(const CardInput &input, TensorKind kind) {
    info.name = input.name;
    info.shape = input.layout == TensorOrder::nchw ? Shape{1, 3, input.height, input.width}
                                                   : Shape{1, input.height, input.width, 3};
    info.layout = kind.layout;
    info.storage = kind.storage;
    info.bytes = static_cast<VkDeviceSize>(
        round_up(padded_element_count(info.shape, kind.layout) * static_cast<int64_t>(size_of(kind.storage)), 16));
    buffer = host_buffer(info.bytes + 64, "tensor");
    info.buffer = buffer.handle();
    std::fill_n(buffer.mapped<float>(), buffer.size() / 4, guard);
}

std::vector<float> TestTensor::values(const CardInput &input) const {
    const size_t pixels = size_t(input.width) * input.height;
    const size_t elements = info.bytes / size_of(info.storage);
    std::vector<float> stored(elements);
    for (size_t i = 0; i < elements; ++i)
        stored[i] =
            info.storage == DType::f16 ? half_to_float(buffer.mapped<uint16_t>()[i]) : buffer.mapped<float>()[i];
    std::vector<float> values(3 * pixels);
    for (size_t p = 0; p < pixels; ++p)
        for (size_t c = 0; c < 3; ++c)
            values[3 * p + c] = stored[info.layout == Layout::c4           ? 4 * p + c
                                       : input.layout == TensorOrder::nhwc ? 3 * p + c
                                                                           : c * pixels + p];
    if (info.layout == Layout::c4)
        for (size_t p = 0; p < pixels; ++p) REQUIRE(stored[4 * p + 3] == 0.0f);
    for (size_t i = info.bytes / 4; i < buffer.size() / 4; ++i) REQUIRE(buffer.mapped<float>()[i] == guard);
    return values;
}

Result<std::vector<float>> preprocess_on_device(const TestFrame &frame, const CardInput &input, TensorKind kind) {
    const TestTensor tensor(input, kind);
    const vk::Buffer bytes = host_buffer(frame.bytes.size(), "frame");
    std::memcpy(bytes.mapped(), frame.bytes.data(), frame.bytes.size());
    SAC_ASSIGN(Preprocess preprocess, Preprocess::create(memory(), kernels(), input, tensor.info, 1));
    FrameSource source;
    source.layout = frame.layout;
    source.buffer = bytes.handle();
    source.size = bytes.size();
    SAC_TRY(preprocess.warm_up(preprocess.kind_of(source)));
    const Status run = vk::run_once(
        device(),
        [&](VkCommandBuffer commands) -> Status {
            SAC_TRY(preprocess.record(commands, 0, source));
            return {};
        },
        "preprocess");
    if (!run.ok()) return run.error();
    return tensor.values(input);
}

double preprocess_error(const std::vector<float> &actual, const TestFrame &frame, const CardInput &input,
                        uint32_t step) {
    double largest = 0;
    for (uint32_t y = 0; y < input.height; y += step)
        for (uint32_t x = 0; x < input.width; x += step) {
            const auto expected = reference_pixel(frame, input, x, y);
            for (size_t c = 0; c < 3; ++c) {
                const double value = actual[3 * (size_t(y) * input.width + x) + c];
                if (!std::isfinite(value)) return INFINITY;
                largest = std::max(largest, std::abs(value - expected[c]));
            }
        }
    return largest;
}

}  // namespace sac::test
