// labels: bad_input
// What sac.overlay/1 refuses, how long it keeps what commands use, and that it keeps no more.
#include <doctest/doctest.h>

#include <chrono>
#include <cmath>
#include <condition_variable>
#include <cstddef>
#include <cstring>
#include <thread>

#include "tests/engine/pictures.h"
#include "tests/overlay/overlay_host.h"
#include "tests/support/device.h"

using namespace sac;
using namespace sac::test;

namespace {

// What the plugin sees of the device can be put before it here.
PFN_vkGetInstanceProcAddr real_instance_proc;
PFN_vkGetDeviceProcAddr real_device_proc;
PFN_vkGetPhysicalDeviceQueueFamilyProperties real_families;
PFN_vkGetSemaphoreCounterValue real_counter;

// One more family, without graphics.
VKAPI_ATTR void VKAPI_CALL fake_families(VkPhysicalDevice physical, uint32_t *count,
                                         VkQueueFamilyProperties *families) {
    uint32_t real = 0;
    real_families(physical, &real, nullptr);
    if (families) {
        real_families(physical, &real, families);
        families[real] = families[0];
        families[real].queueFlags = VK_QUEUE_COMPUTE_BIT | VK_QUEUE_TRANSFER_BIT;
    }
    *count = real + 1;
}

// A gate in which the next call that reads a semaphore stays until it is opened.
struct Gate {
    std::mutex mutex;
    std::condition_variable changed;
    bool closed = false, reached = false;
    VkResult result = VK_SUCCESS;
} gate;

VKAPI_ATTR VkResult VKAPI_CALL fake_counter(VkDevice vk_device, VkSemaphore semaphore, uint64_t *value) {
    std::unique_lock lock(gate.mutex);
    gate.reached = true;
    gate.changed.notify_all();
    gate.changed.wait(lock, [] { return !gate.closed; });
    return gate.result != VK_SUCCESS ? gate.result : real_counter(vk_device, semaphore, value);
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL fake_device_proc(VkDevice vk_device, const char *name) {
    const PFN_vkVoidFunction real = real_device_proc(vk_device, name);
    if (std::strcmp(name, "vkGetSemaphoreCounterValue") != 0) return real;
    real_counter = reinterpret_cast<PFN_vkGetSemaphoreCounterValue>(real);
    return reinterpret_cast<PFN_vkVoidFunction>(fake_counter);
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL fake_instance_proc(VkInstance instance, const char *name) {
    const PFN_vkVoidFunction real = real_instance_proc(instance, name);
    if (!std::strcmp(name, "vkGetDeviceProcAddr")) {
        real_device_proc = reinterpret_cast<PFN_vkGetDeviceProcAddr>(real);
        return reinterpret_cast<PFN_vkVoidFunction>(fake_device_proc);
    }
    if (!std::strcmp(name, "vkGetPhysicalDeviceQueueFamilyProperties")) {
        real_families = reinterpret_cast<PFN_vkGetPhysicalDeviceQueueFamilyProperties>(real);
        return reinterpret_cast<PFN_vkVoidFunction>(fake_families);
    }
    return real;
}

PFN_vkGetInstanceProcAddr fake_loader() {
    const auto loader = vk::open_system_loader();
    REQUIRE(loader.ok());
    real_instance_proc = *loader;
    return fake_instance_proc;
}

// Commands being recorded, and an image in the layout that its target names; nothing of it need ever be executed.
struct Recording {
    OverlayHost &host;
    HostImage image{VK_FORMAT_R8G8B8A8_UNORM, {64, 48}};
    vk::CommandBuffer buffer;
    HandSnapshot snapshot{64, 48};
    sac_overlay what = {};
    sac_overlay_target target = {};
    sac_vk_commands commands = {};

    explicit Recording(OverlayHost &h) : host(h) {
        auto created = vk::CommandBuffer::create(device(), "host");
        REQUIRE(created.ok());
        buffer = std::move(*created);
        REQUIRE(buffer.begin(true).ok());
        image.record_upload(buffer.handle(), flat(64, 48, 1, 2, 3), VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL);
        snapshot.add(10, 10, 40, 30, 1, "thing", 0.5f);
        what = snapshot.overlay();
        target = image.target();
        commands = host.commands_of(buffer.handle());
    }
    sac_result record() const { return host.overlay->record(host.context, &what, &target, &commands); }
    void submit() {
        REQUIRE(buffer.end().ok());
        const VkCommandBuffer handle = buffer.handle();
        const vk::SemaphorePoint done = {host.timeline->handle(), commands.done_value};
        REQUIRE(device().submit({&handle, 1}, {}, {&done, 1}).ok());
    }
    void run() {
        submit();
        REQUIRE(host.timeline->wait(commands.done_value).ok());
    }
};

sac_context_info info_of(const OverlayHost &host) {
    auto info = make_struct<sac_context_info>(SAC_TYPE_CONTEXT_INFO);
    REQUIRE(host.sac.get_context_info(host.context, &info) == SAC_OK);
    return info;
}

}  // namespace

TEST_CASE("the structs of sac.overlay/1 keep their layout") {
    static_assert(sizeof(void *) == 8);
    CHECK(sizeof(sac_overlay) == 56);
    CHECK(offsetof(sac_overlay, snapshot) == 16);
    CHECK(offsetof(sac_overlay, lines) == 24);
    CHECK(offsetof(sac_overlay, line_count) == 32);
    CHECK(offsetof(sac_overlay, flags) == 36);
    CHECK(offsetof(sac_overlay, scale) == 40);
    CHECK(offsetof(sac_overlay, opacity) == 44);
    CHECK(offsetof(sac_overlay, line_width) == 48);
    CHECK(offsetof(sac_overlay, reserved) == 52);
    CHECK(sizeof(sac_overlay_target) == 72);
    CHECK(offsetof(sac_overlay_target, image) == 16);
    CHECK(offsetof(sac_overlay_target, format) == 24);
    CHECK(offsetof(sac_overlay_target, width) == 28);
    CHECK(offsetof(sac_overlay_target, height) == 32);
    CHECK(offsetof(sac_overlay_target, layout_in) == 36);
    CHECK(offsetof(sac_overlay_target, layout_out) == 40);
    CHECK(offsetof(sac_overlay_target, rotation) == 44);
    CHECK(offsetof(sac_overlay_target, mirror) == 48);
    CHECK(offsetof(sac_overlay_target, reserved) == 52);
    CHECK(offsetof(sac_overlay_target, area_x) == 56);
    CHECK(offsetof(sac_overlay_target, area_height) == 68);
    CHECK(sizeof(sac_overlay_api) == 24);
    CHECK(offsetof(sac_overlay_api, record) == 8);
    CHECK(offsetof(sac_overlay_api, prepare) == 16);
    CHECK(SAC_TYPE_OVERLAY == 200);
    CHECK(SAC_TYPE_OVERLAY_TARGET == 201);
    CHECK(SAC_OVERLAY_DEFAULT == 15);
    CHECK(SAC_OVERLAY_STATUS == 16);
}

TEST_CASE("every wrong field is refused by its name, and nothing is recorded") {
    OverlayHost host(fake_loader());
    Recording recording(host);
    const sac_overlay good_what = recording.what;
    const sac_overlay_target good_target = recording.target;
    const sac_vk_commands good_commands = recording.commands;
    const auto refuse = [&](const char *word, sac_result result, auto change) {
        recording.what = good_what;
        recording.target = good_target;
        recording.commands = good_commands;
        change(recording.what, recording.target, recording.commands);
        CAPTURE(word);
        CHECK(recording.record() == result);
        CHECK_MESSAGE(host.last_error().find(word) != std::string::npos, host.last_error());
    };
    using What = sac_overlay;
    using Target = sac_overlay_target;
    using Commands = sac_vk_commands;
    const auto what = [&](const char *word, auto change, sac_result result = SAC_ERROR_INVALID_ARGUMENT) {
        refuse(word, result, [&](What &w, Target &, Commands &) { change(w); });
    };
    const auto target = [&](const char *word, auto change, sac_result result = SAC_ERROR_INVALID_ARGUMENT) {
        refuse(word, result, [&](What &, Target &t, Commands &) { change(t); });
    };
    const auto commands = [&](const char *word, auto change, sac_result result = SAC_ERROR_INVALID_ARGUMENT) {
        refuse(word, result, [&](What &, Target &, Commands &c) { change(c); });
    };

    static const uint32_t other = 77;
    what("what.type", [](What &w) { w.type = 1; });
    what("what.size", [](What &w) { w.size = 8; });
    what(
        "what.next", [](What &w) { w.next = &other; }, SAC_ERROR_UNSUPPORTED);
    what(
        "what.flags", [](What &w) { w.flags = 1u << 20; }, SAC_ERROR_UNSUPPORTED);
    what("what.lines", [](What &w) { w.line_count = 1; });
    static const char *const lines[] = {"one", nullptr};
    what("what.lines[1]", [](What &w) { w.lines = lines, w.line_count = 2; });
    what("what.line_count", [](What &w) { w.lines = lines, w.line_count = SAC_OVERLAY_MAX_LINES + 1; });
    for (const float value : {-1.0f, 300.0f, NAN, INFINITY}) {
        what("what.scale", [&](What &w) { w.scale = value; });
        what("what.opacity", [&](What &w) { w.opacity = value; });
        what("what.line_width", [&](What &w) { w.line_width = value; });
    }
    what("what.reserved", [](What &w) { w.reserved = 1; });
    static sac_snapshot snapshot;
    const auto with_snapshot = [&](const char *word, auto change, sac_result result = SAC_ERROR_INVALID_ARGUMENT) {
        snapshot = *good_what.snapshot;
        change(snapshot);
        what(
            word, [](What &w) { w.snapshot = &snapshot; }, result);
    };
    with_snapshot("what.snapshot.type", [](sac_snapshot &s) { s.type = 1; });
    with_snapshot("what.snapshot.size", [](sac_snapshot &s) { s.size = 16; });
    with_snapshot("what.snapshot.detections", [](sac_snapshot &s) { s.detections = nullptr; });
    with_snapshot("what.snapshot.detection_count", [](sac_snapshot &s) { s.detection_count = 5000; });
    with_snapshot("what.snapshot.width", [](sac_snapshot &s) { s.width = 0; });
    with_snapshot("what.snapshot.width", [](sac_snapshot &s) { s.height = SAC_MAX_FRAME_SIZE + 1; });

    target("target.type", [](Target &t) { t.type = 1; });
    target("target.size", [](Target &t) { t.size = 71; });
    target(
        "target.next", [](Target &t) { t.next = &other; }, SAC_ERROR_UNSUPPORTED);
    target("target.image", [](Target &t) { t.image = 0; });
    target(
        "target.format", [](Target &t) { t.format = VK_FORMAT_R8G8B8A8_UINT; }, SAC_ERROR_UNSUPPORTED);
    target(
        "target.format", [](Target &t) { t.format = 0; }, SAC_ERROR_UNSUPPORTED);
    target("target.width", [](Target &t) { t.width = 0; });
    target("target.width", [](Target &t) { t.height = 1u << 20; });
    for (const VkImageLayout layout : {VK_IMAGE_LAYOUT_UNDEFINED, VK_IMAGE_LAYOUT_PREINITIALIZED,
                                       VK_IMAGE_LAYOUT_DEPTH_STENCIL_ATTACHMENT_OPTIMAL}) {
        target("target.layout_in", [&](Target &t) { t.layout_in = layout; });
        if (layout) target("target.layout_out", [&](Target &t) { t.layout_out = layout; });
    }
    target("target.rotation", [](Target &t) { t.rotation = 45; });
    target("target.mirror", [](Target &t) { t.mirror = 2; });
    target("target.reserved", [](Target &t) { t.reserved = 1; });
    for (const float value : {NAN, INFINITY, 3e6f}) {
        target("target.area_x", [&](Target &t) { t.area_x = value, t.area_width = t.area_height = 9; });
        target("target.area_y", [&](Target &t) { t.area_y = value, t.area_width = t.area_height = 9; });
        target("target.area_width", [&](Target &t) { t.area_width = value, t.area_height = 9; });
        target("target.area_height", [&](Target &t) { t.area_width = 9, t.area_height = value; });
    }
    target("target.area_width", [](Target &t) { t.area_height = 9; });
    target("target.area_width", [](Target &t) { t.area_width = -5, t.area_height = 9; });
    target("target.area_height", [](Target &t) { t.area_width = 9; });

    commands("commands.type", [](Commands &c) { c.type = 1; });
    commands("commands.size", [](Commands &c) { c.size = 16; });
    commands(
        "commands.next", [](Commands &c) { c.next = &other; }, SAC_ERROR_UNSUPPORTED);
    commands("commands.command_buffer", [](Commands &c) { c.command_buffer = nullptr; });
    commands("commands.queue_family", [](Commands &c) { c.queue_family = 77; });
    commands("VK_QUEUE_GRAPHICS_BIT", [](Commands &c) { ++c.queue_family; });  // the fake one, of compute alone
    commands("commands.reserved", [](Commands &c) { c.reserved = 1; });
    commands("commands.done_semaphore", [](Commands &c) { c.done_semaphore = 0; });
    commands("commands.done_value", [](Commands &c) { c.done_value = 0; });

    const auto &api = *host.overlay;
    CHECK(api.record(host.context, nullptr, &good_target, &good_commands) == SAC_ERROR_INVALID_ARGUMENT);
    CHECK(host.last_error().find("what is null") != std::string::npos);
    CHECK(api.record(host.context, &good_what, nullptr, &good_commands) == SAC_ERROR_INVALID_ARGUMENT);
    CHECK(host.last_error().find("target is null") != std::string::npos);
    CHECK(api.record(host.context, &good_what, &good_target, nullptr) == SAC_ERROR_INVALID_ARGUMENT);
    CHECK(host.last_error().find("commands is null") != std::string::npos);
    CHECK(api.record({999}, &good_what, &good_target, &good_commands) == SAC_ERROR_NOT_FOUND);
    CHECK(api.prepare(host.context, VK_FORMAT_D32_SFLOAT) == SAC_ERROR_UNSUPPORTED);
    CHECK(host.last_error().find("format is 126") != std::string::npos);

    // Nothing was recorded by all that: the image is as it was uploaded.
    recording.commands = good_commands;
    recording.image.record_download(recording.buffer.handle(), VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL);
    recording.run();
    CHECK(largest_difference(recording.image.downloaded(), flat(64, 48, 1, 2, 3)) == 0);
}

TEST_CASE("a result that went in slices says so in its chain, and is drawn like any other") {
    OverlayHost host;
    Recording recording(host);
    sac_snapshot snapshot = *recording.what.snapshot;
    const auto slices = make_struct<sac_slices>(SAC_TYPE_SLICES);
    snapshot.next = &slices;
    recording.what.snapshot = &snapshot;
    CHECK_MESSAGE(recording.record() == SAC_OK, host.last_error());
    recording.run();
}

TEST_CASE("on a device of the plugin's own there is nothing to draw to") {
    OverlayHost host(nullptr, SAC_MODE_OWN_DEVICE);
    Recording recording(host);
    CHECK(recording.record() == SAC_ERROR_UNSUPPORTED);
    CHECK(host.last_error().find("mode D") != std::string::npos);
    CHECK(host.overlay->prepare(host.context, VK_FORMAT_R8G8B8A8_UNORM) == SAC_ERROR_UNSUPPORTED);
    recording.run();
}

TEST_CASE("eight overlays may be in flight; commands that were thrown away free theirs") {
    OverlayHost host;
    CHECK(host.overlay->prepare(host.context, VK_FORMAT_R8G8B8A8_UNORM) == SAC_OK);
    std::vector<std::unique_ptr<Recording>> recordings;
    for (uint32_t i = 0; i < SAC_OVERLAY_IN_FLIGHT; ++i) {
        recordings.push_back(std::make_unique<Recording>(host));
        CHECK(recordings.back()->record() == SAC_OK);
    }
    Recording more(host);
    CHECK(more.record() == SAC_NOT_READY);
    Recording empty(host);  // needs nothing that would have to be kept
    empty.what.snapshot = nullptr;
    CHECK(empty.record() == SAC_OK);
    CHECK(more.record() == SAC_NOT_READY);
    host.signal(recordings[2]->commands.done_value);  // and with it those of the two before
    recordings.erase(recordings.begin(), recordings.begin() + 3);
    for (int i = 0; i < 3; ++i) {
        recordings.push_back(std::make_unique<Recording>(host));
        CHECK(recordings.back()->record() == SAC_OK);
    }
    CHECK(Recording(host).record() == SAC_NOT_READY);
    // The newest of them is executed, the others never are.
    recordings.back()->run();
    recordings.clear();
    CHECK(Recording(host).record() == SAC_OK);
    host.signal(host.timeline->issued());
}

TEST_CASE("what is drawn was copied: the host may change all of it before its commands run") {
    OverlayHost host;
    Recording kept(host), expected(host);
    const char *line = "words";
    std::string text = line;
    const char *pointer = text.c_str();
    expected.what.lines = &line;
    kept.what.lines = &pointer;
    expected.what.line_count = kept.what.line_count = 1;
    std::string label = "thing";
    kept.snapshot.detections[0].label = label.c_str();
    REQUIRE(expected.record() == SAC_OK);
    REQUIRE(kept.record() == SAC_OK);
    kept.snapshot.detections.assign(1, {});
    label = "12345";
    text = "-----";
    pointer = nullptr;
    for (Recording *r : {&kept, &expected}) {  // in the order of their values
        r->image.record_download(r->buffer.handle(), VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL);
        r->submit();
    }
    REQUIRE(host.timeline->wait(expected.commands.done_value).ok());
    CHECK(largest_difference(kept.image.downloaded(), expected.image.downloaded()) == 0);
    CHECK(largest_difference(kept.image.downloaded(), flat(64, 48, 1, 2, 3)) > 100);
}

TEST_CASE("300 overlays on as many images take no more memory than the first ones") {
    OverlayHost host;
    const engine::Image picture = flat(64, 48, 1, 2, 3);
    sac_context_info warm = {};
    for (int i = 0; i < 300; ++i) {
        HostImage image(i % 2 ? VK_FORMAT_R8G8B8A8_UNORM : VK_FORMAT_B8G8R8A8_SRGB, {64, 48});
        HandSnapshot snapshot(64, 48);
        for (int box = 0; box <= i % 5; ++box) {
            const auto at = static_cast<float>(box * 5);
            snapshot.add(at, at, at + 20, at + 20, static_cast<uint32_t>(box), "label", 0.5f);
        }
        REQUIRE(largest_difference(composite(host, image, picture, snapshot.overlay()), picture) > 50);
        if (i == 20) warm = info_of(host);
    }
    const sac_context_info after = info_of(host);
    CHECK(after.driver_allocations == warm.driver_allocations);
    CHECK(after.device_memory == warm.device_memory);
}

TEST_CASE("one writer at a time, and prepare beside it") {
    OverlayHost host(fake_loader());
    Recording first(host), second(host);
    {
        const std::lock_guard lock(gate.mutex);
        gate.closed = true;
        gate.reached = false;
    }
    sac_result result = SAC_ERROR_INTERNAL;
    std::thread writer([&] { result = first.record(); });
    {
        std::unique_lock lock(gate.mutex);
        gate.changed.wait(lock, [] { return gate.reached; });
    }
    CHECK(second.record() == SAC_ERROR_INVALID_STATE);
    CHECK(host.last_error().find("one thread at a time") != std::string::npos);
    {
        const std::lock_guard lock(gate.mutex);
        gate.closed = false;
        gate.changed.notify_all();
    }
    writer.join();
    CHECK(result == SAC_OK);
    CHECK(second.record() == SAC_OK);
    first.submit();
    second.run();
}

TEST_CASE("a lost device ends it with its error") {
    OverlayHost host(fake_loader());
    Recording recording(host);
    gate.result = VK_ERROR_DEVICE_LOST;
    CHECK(recording.record() == SAC_ERROR_DEVICE_LOST);
    gate.result = VK_SUCCESS;
    CHECK(recording.record() == SAC_ERROR_DEVICE_LOST);
    CHECK(info_of(host).state == SAC_ERROR_DEVICE_LOST);
    recording.run();
}

TEST_CASE("destroying the context waits for overlays in flight") {
    OverlayHost host;
    Recording recording(host);
    REQUIRE(recording.record() == SAC_OK);
    std::thread later([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        recording.submit();
    });
    const auto begin = std::chrono::steady_clock::now();
    CHECK(host.destroy() == SAC_OK);
    CHECK(std::chrono::steady_clock::now() - begin >= std::chrono::milliseconds(90));
    later.join();
    CHECK(host.timeline->reached().value() == recording.commands.done_value);
    for (const std::string &line : host.logged()) CHECK(line.find("overlays") == std::string::npos);
}

TEST_CASE("and gives up after two seconds, with a line in the log") {
    OverlayHost host;
    Recording recording(host);
    REQUIRE(recording.record() == SAC_OK);
    const auto begin = std::chrono::steady_clock::now();
    CHECK(host.destroy() == SAC_OK);
    const auto took = std::chrono::steady_clock::now() - begin;
    CHECK(took >= std::chrono::milliseconds(1900));
    CHECK(took < std::chrono::seconds(10));
    bool told = false;
    for (const std::string &line : host.logged())
        told = told || line.find("the commands of 1 overlays were not done") != std::string::npos;
    CHECK(told);
}
