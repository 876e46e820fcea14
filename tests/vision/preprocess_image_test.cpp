// Frames that are images of the device: what a host's texture becomes.
#include <cmath>
#include <cstring>

#include <doctest/doctest.h>

#include "tests/support/device.h"
#include "tests/vision/preprocess_reference.h"

using namespace sac;
using namespace sac::test;

namespace {

/// A sampled image with a frame's pixels (format rgba or bgra, tight), in SHADER_READ_ONLY_OPTIMAL.
class TestImage {
public:
    TestImage(const TestFrame &frame, VkFormat format) {
        const vk::DeviceFunctions &fn = device().fn();
        const VkExtent3D extent = {frame.layout.width, frame.layout.height, 1};
        VkImageCreateInfo info = {};
        info.sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO;
        info.imageType = VK_IMAGE_TYPE_2D;
        info.format = format;
        info.extent = extent;
        info.mipLevels = info.arrayLayers = 1;
        info.samples = VK_SAMPLE_COUNT_1_BIT;
        info.usage = VK_IMAGE_USAGE_SAMPLED_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT;
        REQUIRE(fn.CreateImage(device().handle(), &info, nullptr, &image_) == VK_SUCCESS);
        VkMemoryRequirements requirements;
        fn.GetImageMemoryRequirements(device().handle(), image_, &requirements);
        auto allocation = memory().allocate(requirements, vk::MemoryUse::device, "test image");
        REQUIRE(allocation.ok());
        allocation_ = *allocation;
        REQUIRE(fn.BindImageMemory(device().handle(), image_, allocation_.memory, allocation_.offset) == VK_SUCCESS);
        VkImageViewCreateInfo view = {};
        view.sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO;
        view.image = image_;
        view.viewType = VK_IMAGE_VIEW_TYPE_2D;
        view.format = format;
        view.subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1};
        REQUIRE(fn.CreateImageView(device().handle(), &view, nullptr, &view_) == VK_SUCCESS);

        const vk::Buffer pixels = host_buffer(frame.bytes.size(), "pixels");
        std::memcpy(pixels.mapped(), frame.bytes.data(), frame.bytes.size());
        const auto uploaded = vk::run_once(
            device(),
            [&](VkCommandBuffer commands) -> Status {
                VkImageMemoryBarrier barrier = {};
                barrier.sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER;
                barrier.dstAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT;
                barrier.newLayout = VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL;
                barrier.srcQueueFamilyIndex = barrier.dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED;
                barrier.image = image_;
                barrier.subresourceRange = view.subresourceRange;
                fn.CmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TOP_OF_PIPE_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 0,
                                      nullptr, 0, nullptr, 1, &barrier);
                VkBufferImageCopy copy = {};
                copy.imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1};
                copy.imageExtent = extent;
                fn.CmdCopyBufferToImage(commands, pixels.handle(), image_, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, 1,
                                        &copy);
                barrier.srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT;
                barrier.dstAccessMask = VK_ACCESS_SHADER_READ_BIT;
                barrier.oldLayout = VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL;
                barrier.newLayout = VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL;
                fn.CmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, 0,
                                      0, nullptr, 0, nullptr, 1, &barrier);
                return {};
            },
            "filling a test image");
        REQUIRE(uploaded.ok());
    }
    ~TestImage() {
        device().fn().DestroyImageView(device().handle(), view_, nullptr);
        device().fn().DestroyImage(device().handle(), image_, nullptr);
        memory().free(allocation_);
    }
    TestImage(const TestImage &) = delete;
    TestImage &operator=(const TestImage &) = delete;
    VkImageView view() const { return view_; }

private:
    VkImage image_ = VK_NULL_HANDLE;
    vk::Allocation allocation_;
    VkImageView view_ = VK_NULL_HANDLE;
};

double image_error(const TestFrame &frame, VkFormat format, bool srgb, const CardInput &input, TensorKind kind = {}) {
    const TestImage image(frame, format);
    const TestTensor tensor(input, kind);
    auto preprocess = Preprocess::create(memory(), kernels(), input, tensor.info, 1);
    REQUIRE(preprocess.ok());
    FrameSource source;
    source.layout = frame.layout;
    source.image = image.view();
    source.image_srgb = srgb;
    REQUIRE(preprocess->warm_up(preprocess->kind_of(source)).ok());
    const Status run = vk::run_once(
        device(),
        [&](VkCommandBuffer commands) -> Status {
            SAC_TRY(preprocess->record(commands, 0, source));
            return {};
        },
        "preprocess");
    REQUIRE_MESSAGE(run.ok(), (run.ok() ? "" : run.error().message));
    return preprocess_error(tensor.values(input), frame, input);
}

}  // namespace

TEST_CASE("an image gives what the same pixels in a buffer give") {
    for (const auto &[pixels, format] :
         {std::pair{PixelFormat::rgba, VK_FORMAT_R8G8B8A8_UNORM}, {PixelFormat::bgra, VK_FORMAT_B8G8R8A8_UNORM}})
        for (const Fit fit : {Fit::stretch, Fit::letterbox, Fit::crop})
            for (const Filter filter : {Filter::bilinear, Filter::area})
                for (const uint32_t rotation : {0u, 90u, 180u, 270u}) {
                    TestFrame frame = random_frame(pixels, 37, 23, rotation);
                    frame.layout.rotation = rotation;
                    frame.layout.mirror = rotation == 90;
                    CAPTURE(rotation);
                    CHECK(image_error(frame, format, false, plain_input(20, 14, fit, filter)) < 2e-4);
                }
}

TEST_CASE("an image of an sRGB format gives its stored values again") {
    for (const auto &[pixels, format] :
         {std::pair{PixelFormat::rgba, VK_FORMAT_R8G8B8A8_SRGB}, {PixelFormat::bgra, VK_FORMAT_B8G8R8A8_SRGB}}) {
        const double error =
            image_error(random_frame(pixels, 64, 64, 3), format, true, plain_input(64, 64, Fit::stretch, Filter::area));
        CAPTURE(error);
        CHECK(error < 2e-4);
    }
}

TEST_CASE("an image into every layout and storage, and of one pixel") {
    for (const DType storage : {DType::f32, DType::f16})
        for (const Layout layout : {Layout::dense, Layout::c4}) {
            // Levels up to 255: half the last place of a half there is 1 / 16.
            const double bound = storage == DType::f16 ? 0.0627 : 2e-4;
            CHECK(image_error(random_frame(PixelFormat::rgba, 19, 33, 5), VK_FORMAT_R8G8B8A8_UNORM, false,
                              plain_input(15, 13, Fit::letterbox, Filter::area), {layout, storage}) < bound);
            CHECK(image_error(random_frame(PixelFormat::rgba, 1, 1, 5), VK_FORMAT_R8G8B8A8_UNORM, false,
                              plain_input(4, 4, Fit::stretch, Filter::bilinear), {layout, storage}) < bound);
        }
}
