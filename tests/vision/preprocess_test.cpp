#include "plugins/vision/preprocess.h"

#include <doctest/doctest.h>

#include "tests/support/device.h"
#include "tests/vision/preprocess_reference.h"

using namespace sac;
using namespace sac::test;

namespace {

constexpr PixelFormat formats[] = {PixelFormat::rgb,  PixelFormat::rgba, PixelFormat::bgra,
                                   PixelFormat::nv12, PixelFormat::i420, PixelFormat::yuyv};

struct Size {
    uint32_t width, height;
};

// Levels of 255: float weights and sums of up to some hundred samples.
constexpr double bound = 2e-4;

double error_of(const TestFrame &frame, const CardInput &input, TensorKind kind = {}, uint32_t step = 1) {
    const auto actual = preprocess_on_device(frame, input, kind);
    REQUIRE_MESSAGE(actual.ok(), (actual.ok() ? "" : actual.error().message));
    return preprocess_error(*actual, frame, input, step);
}

}  // namespace

TEST_CASE("every format, fit, filter, rotation and mirror") {
    for (const PixelFormat format : formats)
        for (const Fit fit : {Fit::stretch, Fit::letterbox, Fit::crop})
            for (const Filter filter : {Filter::bilinear, Filter::area})
                for (const uint32_t rotation : {0u, 90u, 180u, 270u}) {
                    TestFrame frame = random_frame(format, 37, 23, 7 + rotation);
                    frame.layout.rotation = rotation;
                    // Smaller, larger, and one axis each way.
                    for (const Size &size : {Size{20u, 14u}, {52u, 66u}, {16u, 41u}}) {
                        frame.layout.mirror = !frame.layout.mirror;
                        CAPTURE(static_cast<uint32_t>(format));
                        CAPTURE(static_cast<uint32_t>(fit));
                        CAPTURE(static_cast<uint32_t>(filter));
                        CAPTURE(rotation);
                        CAPTURE(size.width);
                        CHECK(error_of(frame, plain_input(size.width, size.height, fit, filter)) < bound);
                    }
                }
}

TEST_CASE("frames of one pixel, one row, one column") {
    for (const PixelFormat format : formats)
        for (const Fit fit : {Fit::stretch, Fit::letterbox, Fit::crop})
            for (const Size &size : {Size{1u, 1u}, {1u, 9u}, {9u, 1u}, {2u, 3u}}) {
                CAPTURE(static_cast<uint32_t>(format));
                CAPTURE(size.width);
                CHECK(error_of(random_frame(format, size.width, size.height, 3), plain_input(8, 6, fit, Filter::area)) <
                      bound);
                CHECK(error_of(random_frame(format, size.width, size.height, 4),
                               plain_input(1, 1, fit, Filter::bilinear)) < bound);
            }
}

TEST_CASE("odd strides and plane offsets") {
    for (const PixelFormat format : formats)
        for (const uint32_t extra : {1u, 2u, 3u, 4u, 61u})
            for (const uint32_t gap : {0u, 1u, 4u, 7u}) {
                CAPTURE(static_cast<uint32_t>(format));
                CAPTURE(extra);
                CAPTURE(gap);
                const TestFrame frame = random_frame(format, 31, 17, extra, extra, gap);
                CHECK(error_of(frame, plain_input(12, 10, Fit::stretch, Filter::area)) < bound);
            }
}

TEST_CASE("colour codings of YUV") {
    for (const PixelFormat format : {PixelFormat::nv12, PixelFormat::i420, PixelFormat::yuyv})
        for (uint32_t color = 0; color < 4; ++color) {
            TestFrame frame = random_frame(format, 64, 48, 5);
            frame.layout.color = static_cast<YuvColor>(color);
            CAPTURE(color);
            CHECK(error_of(frame, plain_input(64, 48, Fit::stretch, Filter::bilinear)) < bound);
        }
    // Black and white of limited range, by the book.
    TestFrame frame = random_frame(PixelFormat::nv12, 2, 2, 1);
    frame.bytes = {16, 235, 16, 235, 128, 128};
    const auto values = preprocess_on_device(frame, plain_input(2, 2, Fit::stretch, Filter::bilinear));
    REQUIRE(values.ok());
    for (size_t i = 0; i < 12; ++i) CHECK((*values)[i] == doctest::Approx(i / 3 % 2 ? 255 : 0).epsilon(1e-6));
}

TEST_CASE("every layout and storage of the tensor, also where planes do not begin at a texel") {
    for (const Size &size : {Size{16u, 12u}, {15u, 13u}, {1u, 1u}, {5u, 2u}, {3u, 2u}, {33u, 1u}})
        for (const ChannelOrder channels : {ChannelOrder::rgb, ChannelOrder::bgr})
            for (const DType storage : {DType::f32, DType::f16})
                for (const auto &[order, layout] : {std::pair{TensorOrder::nchw, Layout::dense},
                                                    {TensorOrder::nhwc, Layout::dense},
                                                    {TensorOrder::nchw, Layout::c4}}) {
                    CardInput input = plain_input(size.width, size.height, Fit::letterbox, Filter::area);
                    input.layout = order;
                    input.channels = channels;
                    input.scale = 1 / 255.0f;
                    input.mean = {0.485f, 0.456f, 0.406f};
                    input.std = {0.229f, 0.224f, 0.225f};
                    CAPTURE(size.width);
                    // Values reach 2.7: half the last place of a half there is 2^-10.
                    const double tolerance = storage == DType::f16 ? 1.0e-3 : 2e-6;
                    for (const PixelFormat format : {PixelFormat::rgb, PixelFormat::bgra, PixelFormat::i420})
                        CHECK(error_of(random_frame(format, 41, 30, 9), input, {layout, storage}) < tolerance);
                }
}

TEST_CASE("crop with a margin: shorter side to 256, then the middle 224") {
    CardInput input = plain_input(224, 224, Fit::crop, Filter::area);
    input.resize = 256;
    const auto rect = fit_rect(input, 640, 480);
    REQUIRE(rect.ok());
    CHECK(rect->width == 341);
    CHECK(rect->height == 256);
    CHECK(rect->x == -58);
    CHECK(rect->y == -16);
    CHECK(error_of(random_frame(PixelFormat::rgb, 640, 480, 1), input, {}, 7) < bound);
}

TEST_CASE("where the picture lies in the input") {
    const CardInput letterbox = plain_input(416, 416, Fit::letterbox, Filter::bilinear);
    auto rect = fit_rect(letterbox, 1920, 1080);
    REQUIRE(rect.ok());
    CHECK((rect->x == 0 && rect->y == 91 && rect->width == 416 && rect->height == 234));
    rect = fit_rect(letterbox, 1, 8192);
    REQUIRE(rect.ok());
    CHECK((rect->x == 207 && rect->y == 0 && rect->width == 1 && rect->height == 416));
    const CardInput cover = plain_input(100, 50, Fit::crop, Filter::bilinear);
    rect = fit_rect(cover, 300, 300);
    REQUIRE(rect.ok());
    CHECK((rect->x == 0 && rect->y == -25 && rect->width == 100 && rect->height == 100));
    const auto narrow = fit_rect(cover, 1, 16384);
    REQUIRE_FALSE(narrow.ok());
    CHECK(narrow.error().code == Code::unsupported);
}

TEST_CASE("the transform leads from the input's pixels back to stored pixels") {
    for (const Fit fit : {Fit::stretch, Fit::letterbox, Fit::crop})
        for (const uint32_t rotation : {0u, 90u, 180u, 270u})
            for (const bool mirror : {false, true}) {
                // One bright pixel; where the network sees it, the transform must lead back to it.
                TestFrame frame = random_frame(PixelFormat::rgb, 40, 30, 1);
                std::fill(frame.bytes.begin(), frame.bytes.end(), uint8_t(0));
                const uint32_t x = 17, y = 11;
                for (size_t c = 0; c < 3; ++c) frame.bytes[(y * 40 + x) * 3 + c] = 255;
                frame.layout.rotation = rotation;
                frame.layout.mirror = mirror;
                CardInput input = plain_input(64, 64, fit, Filter::bilinear);
                input.pad = {};
                const auto values = preprocess_on_device(frame, input);
                REQUIRE(values.ok());
                double sum = 0, sum_x = 0, sum_y = 0;
                for (uint32_t i = 0; i < 64 * 64; ++i) {
                    sum += (*values)[3 * i];
                    sum_x += (*values)[3 * i] * (i % 64 + 0.5);
                    sum_y += (*values)[3 * i] * ((i >> 6) + 0.5);
                }
                const bool sideways = rotation % 180 != 0;
                const auto rect = fit_rect(input, sideways ? 30 : 40, sideways ? 40 : 30);
                REQUIRE(rect.ok());
                const PreprocessTransform t = transform_of(*rect, frame.layout);
                const double back_x = t.m[0] * sum_x / sum + t.m[1] * sum_y / sum + t.m[2];
                const double back_y = t.m[3] * sum_x / sum + t.m[4] * sum_y / sum + t.m[5];
                CAPTURE(rotation);
                CAPTURE(mirror);
                CHECK(back_x == doctest::Approx(x + 0.5).epsilon(0.01));
                CHECK(back_y == doctest::Approx(y + 0.5).epsilon(0.01));
            }
}

TEST_CASE("frames of 8192 x 8192") {
    for (const PixelFormat format : {PixelFormat::nv12, PixelFormat::i420, PixelFormat::yuyv}) {
        TestFrame frame = random_frame(format, 8192, 8192, 2);
        CHECK(error_of(frame, plain_input(352, 352, Fit::stretch, Filter::area), {}, 31) < bound);
        frame.layout.rotation = 90;
        CHECK(error_of(frame, plain_input(224, 128, Fit::letterbox, Filter::bilinear), {}, 9) < bound);
    }
    // Close to the bound of samples a pixel, 118 x 118: sums of that many floats.
    CHECK(error_of(random_frame(PixelFormat::i420, 8192, 8192, 6), plain_input(70, 70, Fit::stretch, Filter::area), {},
                   23) < 3 * bound);
    const TestFrame frame = random_frame(PixelFormat::rgba, 8192, 8192, 2);
    const VkPhysicalDeviceLimits &limits = device().caps().limits;
    const bool texels = device().caps().satisfies("texel") && limits.maxTexelBufferElements >= 8192u * 8192u;
    const auto values = preprocess_on_device(frame, plain_input(352, 352, Fit::stretch, Filter::area));
    if (texels || limits.maxStorageBufferRange >= 8192u * 8192u * 4u) {
        REQUIRE(values.ok());
        CHECK(preprocess_error(*values, frame, plain_input(352, 352, Fit::stretch, Filter::area), 31) < bound);
    } else {
        REQUIRE_FALSE(values.ok());
        CHECK(values.error().code == Code::unsupported);
    }
}

TEST_CASE("a wrong frame gives an error that names the field") {
    const CardInput input = plain_input(16, 16, Fit::stretch, Filter::area);
    const auto message_of = [&](const FrameLayout &layout, size_t bytes, Code code = Code::invalid_argument) {
        TestFrame frame;
        frame.layout = layout;
        frame.bytes.resize(bytes);
        const auto result = preprocess_on_device(frame, input);
        REQUIRE_FALSE(result.ok());
        CHECK(result.error().code == code);
        return result.error().message;
    };
    const auto has = [](const std::string &text, const char *part) { return text.find(part) != text.npos; };
    const FrameLayout good = FrameLayout::tight(PixelFormat::nv12, 32, 32);
    FrameLayout bad = good;
    bad.width = 0;
    CHECK(has(message_of(bad, 4096), "width"));
    bad = good, bad.height = max_frame_size + 1;
    CHECK(has(message_of(bad, 4096), "height"));
    bad = good, bad.rotation = 45;
    CHECK(has(message_of(bad, 4096), "rotation"));
    bad = good, bad.rotation = 360;
    CHECK(has(message_of(bad, 4096), "rotation"));
    bad = good, bad.format = static_cast<PixelFormat>(0);
    CHECK(has(message_of(bad, 4096), "format"));
    bad = good, bad.format = static_cast<PixelFormat>(7);
    CHECK(has(message_of(bad, 4096), "format"));
    bad = good, bad.color = static_cast<YuvColor>(4);
    CHECK(has(message_of(bad, 4096), "colour"));
    bad = good, bad.stride[1] = 31;
    CHECK(has(message_of(bad, 4096), "stride of plane 1"));
    bad = good, bad.plane_offset[1] = uint64_t(1) << 32;
    CHECK(has(message_of(bad, 4096), "plane 1"));
    bad = good, bad.stride[0] = UINT32_MAX;
    CHECK(has(message_of(bad, 4096), "4 GiB"));
    CHECK(has(message_of(good, 1520), "1536 bytes"));
    CHECK(message_of(FrameLayout::tight(PixelFormat::i420, 16384, 1000), 16384 * 1500, Code::unsupported) != "");
}

TEST_CASE("a tensor that is not the card's is refused") {
    const CardInput input = plain_input(16, 12, Fit::stretch, Filter::area);
    const TestTensor other(plain_input(12, 16, Fit::stretch, Filter::area), {});
    const auto created = Preprocess::create(memory(), kernels(), input, other.info, 1);
    REQUIRE_FALSE(created.ok());
    CHECK(created.error().code == Code::invalid_file);
    CHECK(created.error().message.find("[1, 3, 12, 16]") != std::string::npos);
    CardInput nhwc = input;
    nhwc.layout = TensorOrder::nhwc;
    const TestTensor c4(nhwc, {Layout::c4, DType::f32});
    CHECK_FALSE(Preprocess::create(memory(), kernels(), nhwc, c4.info, 1).ok());
}

TEST_CASE("a frame is recorded only where its kind was warmed up for: the kernel table is left alone") {
    const CardInput input = plain_input(16, 16, Fit::stretch, Filter::area);
    const TestTensor tensor(input, {});
    auto preprocess = Preprocess::create(memory(), kernels(), input, tensor.info, 1);
    REQUIRE(preprocess.ok());
    const TestFrame frame = random_frame(PixelFormat::rgba, 20, 20, 1);
    const vk::Buffer bytes = host_buffer(frame.bytes.size(), "frame");
    FrameSource source;
    source.layout = frame.layout;
    source.buffer = bytes.handle();
    source.size = bytes.size();
    const auto record = [&] {
        const uint64_t built = kernels().pipelines_built();
        Status recorded = vk::run_once(
            device(),
            [&](VkCommandBuffer commands) -> Status {
                SAC_TRY(preprocess->record(commands, 0, source));
                return {};
            },
            "preprocess");
        CHECK(kernels().pipelines_built() == built);
        return recorded;
    };
    const uint32_t kind = preprocess->kind_of(source);
    CHECK_FALSE(preprocess->warm(kind));
    const Status cold = record();
    REQUIRE_FALSE(cold.ok());
    CHECK(cold.error().code == Code::invalid_state);
    REQUIRE(preprocess->warm_up(kind).ok());
    CHECK(preprocess->warm(kind));
    CHECK(record().ok());
    preprocess->forget(bytes.handle());

    // More words than a texel buffer can have, other pixels, an image: each is a kind of its own.
    FrameSource large = source;
    large.size = (VkDeviceSize(device().caps().limits.maxTexelBufferElements) + 1) * 4;
    FrameSource yuv = source;
    yuv.layout.format = PixelFormat::yuyv;
    FrameSource image;
    image.image = reinterpret_cast<VkImageView>(&image);
    for (const FrameSource &other : {large, yuv, image}) {
        CHECK(preprocess->kind_of(other) != kind);
        CHECK_FALSE(preprocess->warm(preprocess->kind_of(other)));
    }
    large.size -= 4;
    CHECK(preprocess->kind_of(large) == kind);
}

TEST_CASE("after warm-up a frame builds no pipeline; slots are bound anew when the buffer changes") {
    const CardInput input = plain_input(32, 32, Fit::stretch, Filter::area);
    const TestTensor tensor(input, {});
    auto preprocess = Preprocess::create(memory(), kernels(), input, tensor.info, 2);
    REQUIRE(preprocess.ok());
    for (uint32_t kind = 0; kind < Preprocess::kinds; ++kind) REQUIRE(preprocess->warm_up(kind).ok());
    const uint64_t built = kernels().pipelines_built();
    for (uint32_t i = 0; i < 12; ++i) {
        const TestFrame frame = random_frame(formats[i % 6], 60, 50, i);
        vk::Buffer bytes = host_buffer(frame.bytes.size(), "frame");
        std::copy(frame.bytes.begin(), frame.bytes.end(), bytes.mapped<uint8_t>());
        FrameSource source;
        source.layout = frame.layout;
        source.buffer = bytes.handle();
        source.size = bytes.size();
        for (uint32_t slot = 0; slot < 2; ++slot) {
            const Status run = vk::run_once(
                device(),
                [&](VkCommandBuffer commands) -> Status {
                    SAC_TRY(preprocess->record(commands, slot, source));
                    return {};
                },
                "preprocess");
            REQUIRE(run.ok());
            CHECK(preprocess_error(tensor.values(input), frame, input) < bound);
        }
        preprocess->forget(bytes.handle());
    }
    CHECK(kernels().pipelines_built() == built);
}
