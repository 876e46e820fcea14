// labels: window serial
// The window: what it shows, and that it survives resizing, minimising and everything out of date.
#include <doctest/doctest.h>

#include <chrono>
#include <thread>

#include "engine/canvas.h"
#include "engine/viewer.h"
#include "tests/engine/pictures.h"
#include "tests/support/device.h"

using namespace sac;
using namespace sac::engine;
using namespace sac::test;

namespace {

// A swapchain of a test complains when the test says so; a Vulkan function has no room for a pointer of ours.
struct Complaints {
    PFN_vkAcquireNextImageKHR acquire = nullptr;
    PFN_vkQueuePresentKHR present = nullptr;
    VkResult acquire_result = VK_SUCCESS, present_result = VK_SUCCESS;  // given once, instead of or after the call
} complaints;

VkResult complaining_acquire(VkDevice device, VkSwapchainKHR swapchain, uint64_t timeout, VkSemaphore semaphore,
                             VkFence fence, uint32_t *index) {
    const VkResult wanted = std::exchange(complaints.acquire_result, VK_SUCCESS);
    if (wanted < 0) return wanted;
    const VkResult real = complaints.acquire(device, swapchain, timeout, semaphore, fence, index);
    return real == VK_SUCCESS ? wanted : real;
}

VkResult complaining_present(VkQueue queue, const VkPresentInfoKHR *info) {
    const VkResult real = complaints.present(queue, info);
    const VkResult wanted = std::exchange(complaints.present_result, VK_SUCCESS);
    return real == VK_SUCCESS ? wanted : real;
}

std::unique_ptr<Viewer> open_viewer(uint32_t width, uint32_t height) {
    // Xvfb starts anew when its last client leaves, and is away for a moment then: a window of the whole run prevents
    // it.
    static const auto lasting = Window::create({16, 16, "Saccade", false});
    REQUIRE_MESSAGE(lasting.ok(), lasting.error().message);
    vk::DeviceOptions options = device_options();
    options.patch_functions = [](vk::DeviceFunctions &fn) {
        complaints = {fn.AcquireNextImageKHR, fn.QueuePresentKHR, VK_SUCCESS, VK_SUCCESS};
        fn.AcquireNextImageKHR = complaining_acquire;
        fn.QueuePresentKHR = complaining_present;
    };
    WindowOptions window;
    window.width = width;
    window.height = height;
    auto viewer = Viewer::create(window, options);
    REQUIRE_MESSAGE(viewer.ok(), viewer.error().message);
    return std::move(*viewer);
}

// Shows the picture until the window's images have that size, at most two seconds.
Image shown(Viewer &viewer, const Frame *frame, const overlay::Overlay &overlay, VkExtent2D wanted) {
    Image capture;
    for (int i = 0; i < 100; ++i) {
        viewer.window().poll();
        const auto done = viewer.show(frame, overlay, &capture);
        REQUIRE_MESSAGE(done.ok(), done.error().message);
        frame = nullptr;  // once is enough: it stays
        if (*done && capture.width == wanted.width && capture.height == wanted.height) return capture;
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    FAIL("the window did not get its size");
    return capture;
}

Image expected(const Frame &frame, const overlay::Overlay &overlay, VkExtent2D extent) {
    auto canvas = Canvas::create(device(), memory());
    REQUIRE(canvas.ok());
    auto image = (*canvas)->draw(frame, overlay, extent);
    REQUIRE(image.ok());
    return std::move(*image);
}

}  // namespace

TEST_CASE("a window shows exactly what is drawn into memory, at each size it is given") {
    const auto viewer = open_viewer(400, 300);
    const Image picture = pattern(320, 240);
    const Frame frame = frame_of(picture);
    const overlay::Overlay overlay = sample_overlay(320, 240);
    CHECK(largest_difference(shown(*viewer, &frame, overlay, {400, 300}), expected(frame, overlay, {400, 300})) <= 2);
    for (const auto &[width, height] : {std::pair{640u, 360u}, {123u, 457u}, {64u, 64u}, {800u, 600u}}) {
        viewer->window().set_size(width, height);
        const Image now = shown(*viewer, nullptr, overlay, {width, height});
        CHECK(largest_difference(now, expected(frame, overlay, {width, height})) <= 2);
    }
}

TEST_CASE("many frames in a row, each of another size and format") {
    const auto viewer = open_viewer(320, 240);
    std::vector<uint8_t> luma(64 * 64, 100), chroma(64 * 64, 128);
    for (uint32_t i = 0; i < 24; ++i) {
        const Image picture = pattern(40 + i * 7, 90 - i * 3);
        Frame frame = frame_of(picture);
        if (i % 3 == 1) {
            frame = {};
            frame.format = i % 2 ? PixelFormat::nv12 : PixelFormat::i420;
            frame.width = 33 + i;
            frame.height = 64;
            frame.planes = {Plane{luma.data(), 64}, Plane{chroma.data(), 64}, Plane{chroma.data(), 64}};
        }
        const auto done = viewer->show(&frame, sample_overlay(40, 40));
        REQUIRE_MESSAGE(done.ok(), done.error().message);
        CHECK(*done);
    }
    CHECK(viewer->presented() == 24);
}

TEST_CASE("a swapchain that is out of date or suboptimal is made anew, and nothing is lost") {
    const auto viewer = open_viewer(320, 240);
    const Image picture = pattern(320, 240);
    const Frame frame = frame_of(picture);
    const Image right = expected(frame, {}, {320, 240});
    CHECK(largest_difference(shown(*viewer, &frame, {}, {320, 240}), right) <= 2);
    uint64_t before = viewer->swapchain().recreated();

    complaints.acquire_result = VK_ERROR_OUT_OF_DATE_KHR;
    CHECK(largest_difference(shown(*viewer, nullptr, {}, {320, 240}), right) <= 2);
    CHECK(viewer->swapchain().recreated() == ++before);

    complaints.acquire_result = VK_SUBOPTIMAL_KHR;  // this frame is still shown, the next one on new images
    CHECK(largest_difference(shown(*viewer, nullptr, {}, {320, 240}), right) <= 2);
    CHECK(viewer->swapchain().recreated() == before);
    CHECK(largest_difference(shown(*viewer, nullptr, {}, {320, 240}), right) <= 2);
    CHECK(viewer->swapchain().recreated() == ++before);

    for (const VkResult result : {VK_ERROR_OUT_OF_DATE_KHR, VK_SUBOPTIMAL_KHR}) {
        complaints.present_result = result;
        CHECK(largest_difference(shown(*viewer, nullptr, {}, {320, 240}), right) <= 2);
        CHECK(largest_difference(shown(*viewer, nullptr, {}, {320, 240}), right) <= 2);
        CHECK(viewer->swapchain().recreated() == ++before);
    }
}

TEST_CASE("lines of text are shown before there is a picture") {
    const auto viewer = open_viewer(320, 240);
    overlay::Overlay overlay;
    overlay.status = {"camera:0: opening"};
    const Image before = shown(*viewer, nullptr, overlay, {320, 240});
    CHECK(largest_difference(before, shown(*viewer, nullptr, {}, {320, 240})) > 100);
    const Image picture = flat(320, 240, before.at(160, 5)[0], before.at(160, 5)[1], before.at(160, 5)[2]);
    const Frame frame = frame_of(picture);
    CHECK(largest_difference(before, shown(*viewer, &frame, overlay, {320, 240})) <= 1);
    expect_no_validation_messages();
}

TEST_CASE("other complaints are errors") {
    const auto viewer = open_viewer(64, 64);
    const Image picture = pattern(8, 8);
    const Frame frame = frame_of(picture);
    REQUIRE(viewer->show(&frame, {}).ok());
    complaints.acquire_result = VK_ERROR_SURFACE_LOST_KHR;
    const auto lost = viewer->show(&frame, {});
    REQUIRE(!lost.ok());
    CHECK(lost.error().code == Code::vulkan_error);
    CHECK(lost.error().vk_result == VK_ERROR_SURFACE_LOST_KHR);
}

// The validation layer tells of a surface that outlives its instance.
TEST_CASE("a device that cannot be made leaves no surface behind") {
    const auto lasting = open_viewer(64, 64);
    vk::DeviceOptions options = device_options();
    options.which = "a device that nobody has";
    const auto unknown = Viewer::create({64, 64}, options);
    REQUIRE(!unknown.ok());
    CHECK(unknown.error().code == Code::no_device);

    options = device_options();
    options.patch_functions = [](vk::DeviceFunctions &fn) {
        fn.CreateSwapchainKHR = [](VkDevice, const VkSwapchainCreateInfoKHR *, const VkAllocationCallbacks *,
                                   VkSwapchainKHR *) { return VK_ERROR_INITIALIZATION_FAILED; };
    };
    const auto viewer = Viewer::create({64, 64}, options);
    REQUIRE(viewer.ok());
    const Image picture = pattern(8, 8);
    const Frame frame = frame_of(picture);
    CHECK(!(*viewer)->show(&frame, {}).ok());
    expect_no_validation_messages();
}

TEST_CASE("a window without area shows nothing, and goes on when it has one again") {
    const auto viewer = open_viewer(200, 150);
    const Image picture = pattern(200, 150);
    const Frame frame = frame_of(picture);
    const Image right = expected(frame, {}, {200, 150});
    CHECK(largest_difference(shown(*viewer, &frame, {}, {200, 150}), right) <= 2);

    // What a minimised window is on Windows: no area. (X11 leaves it its size.)
    VkSemaphore semaphore = VK_NULL_HANDLE;
    VkSemaphoreCreateInfo info = {};
    info.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO;
    REQUIRE(viewer->device().fn().CreateSemaphore(viewer->device().handle(), &info, nullptr, &semaphore) == VK_SUCCESS);
    for (const VkExtent2D nothing : {VkExtent2D{0, 0}, {200, 0}, {0, 150}}) {
        const auto image = viewer->swapchain().acquire(nothing, semaphore);
        REQUIRE(image.ok());
        CHECK(!image->has_value());
    }
    viewer->device().fn().DestroySemaphore(viewer->device().handle(), semaphore, nullptr);
    CHECK(largest_difference(shown(*viewer, nullptr, {}, {200, 150}), right) <= 2);

    viewer->window().minimise();
    for (int i = 0; i < 10; ++i) {
        viewer->window().poll();
        REQUIRE(viewer->show(nullptr, {}).ok());
    }
    viewer->window().restore();
    CHECK(largest_difference(shown(*viewer, nullptr, {}, {200, 150}), right) <= 2);
}

TEST_CASE("two windows side by side") {
    const auto first = open_viewer(100, 80);
    const Image picture = pattern(100, 80);
    const Frame frame = frame_of(picture);
    {
        auto second = Viewer::create({}, device_options());
        REQUIRE(second.ok());
        REQUIRE((*second)->show(&frame, {}).ok());
        CHECK(largest_difference(shown(*first, &frame, {}, {100, 80}), picture) <= 2);
    }
    CHECK(largest_difference(shown(*first, nullptr, {}, {100, 80}), picture) <= 2);
}
