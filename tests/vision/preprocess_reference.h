#pragma once
// Preprocessing in double precision, one pixel at a time, written from the definitions and not from the kernel.

#include "plugins/vision/preprocess.h"

namespace sac::test {

/// A frame's bytes and how they lie.
struct TestFrame {
    FrameLayout layout;
    std::vector<uint8_t> bytes;
};

/// Random bytes; every row `extra_stride` bytes longer than needed, the planes `gap` bytes apart.
TestFrame random_frame(PixelFormat format, uint32_t width, uint32_t height, uint64_t seed, uint32_t extra_stride = 0,
                       uint32_t gap = 0);

/// Red, green and blue, or Y, U and V, 0 to 255, of a stored pixel.
std::array<double, 3> reference_stored(const TestFrame &frame, uint32_t x, uint32_t y);

/// The network's three values at pixel (x, y) of its input.
std::array<double, 3> reference_pixel(const TestFrame &frame, const CardInput &input, uint32_t x, uint32_t y);

/// How the tensor is to lie in memory.
struct TensorKind {
    Layout layout = Layout::dense;
    DType storage = DType::f32;
};

/// Runs the kernel on a frame in a buffer. Values in the order (y, x, channel). Error as of Preprocess::record.
Result<std::vector<float>> preprocess_on_device(const TestFrame &frame, const CardInput &input, TensorKind kind = {});

/// The network's input tensor in a host buffer.
struct TestTensor {
    vk::Buffer buffer;
    TensorInfo info;
    TestTensor(const CardInput &input, TensorKind kind);
    /// Values in the order (y, x, channel). Checks that pad lanes are zero and nothing was written behind the end.
    std::vector<float> values(const CardInput &input) const;
};

/// A card's input of that size that leaves levels as they are (scale 1, mean 0, std 1).
CardInput plain_input(uint32_t width, uint32_t height, Fit fit, Filter filter);

/// Largest difference between device and reference over all pixels, or over those of a grid of `step`.
double preprocess_error(const std::vector<float> &actual, const TestFrame &frame, const CardInput &input,
                        uint32_t step = 1);

}  // namespace sac::test
