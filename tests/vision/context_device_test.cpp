// labels: tsan
// A host's device: its queue shared under its lock, a queue for the plugin alone, and its images without a copy.

#include <doctest/doctest.h>

#include <chrono>
#include <cstring>

#include "plugins/vision/saccade_debug.h"
#include "tests/support/device.h"
#include "tests/support/files.h"
#include "tests/vision/engine_support.h"

using namespace sac;
using namespace sac::test;

namespace {

// A table that makes two queues of the one there is.
PFN_vkGetInstanceProcAddr real_get_instance_proc_addr;
PFN_vkGetDeviceProcAddr real_get_device_proc_addr;
PFN_vkGetDeviceQueue real_get_device_queue;
PFN_vkGetPhysicalDeviceQueueFamilyProperties real_families;
std::atomic<uint32_t> asked_index;

VKAPI_ATTR void VKAPI_CALL fake_families(VkPhysicalDevice device, uint32_t *count, VkQueueFamilyProperties *families) {
    real_families(device, count, families);
    for (uint32_t i = 0; families && i < *count; ++i) families[i].queueCount = 2;
}

VKAPI_ATTR void VKAPI_CALL fake_queue(VkDevice device, uint32_t family, uint32_t index, VkQueue *queue) {
    asked_index = index;
    real_get_device_queue(device, family, 0, queue);
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL fake_device_proc(VkDevice device, const char *name) {
    const PFN_vkVoidFunction real = real_get_device_proc_addr(device, name);
    if (std::strcmp(name, "vkGetDeviceQueue") != 0) return real;
    real_get_device_queue = reinterpret_cast<PFN_vkGetDeviceQueue>(real);
    return reinterpret_cast<PFN_vkVoidFunction>(fake_queue);
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL fake_instance_proc(VkInstance instance, const char *name) {
    const PFN_vkVoidFunction real = real_get_instance_proc_addr(instance, name);
    if (!std::strcmp(name, "vkGetDeviceProcAddr")) {
        real_get_device_proc_addr = reinterpret_cast<PFN_vkGetDeviceProcAddr>(real);
        return reinterpret_cast<PFN_vkVoidFunction>(fake_device_proc);
    }
    if (!std::strcmp(name, "vkGetPhysicalDeviceQueueFamilyProperties")) {
        real_families = reinterpret_cast<PFN_vkGetPhysicalDeviceQueueFamilyProperties>(real);
        return reinterpret_cast<PFN_vkVoidFunction>(fake_families);
    }
    return real;
}

uint32_t mode_of(const TestHost &host) {
    auto info = make_struct<sac_context_info>(SAC_TYPE_CONTEXT_INFO);
    REQUIRE(host.sac.get_context_info(host.context, &info) == SAC_OK);
    return info.mode;
}

void run_color(TestHost &host, uint32_t column, uint32_t color) {
    ColorFrame picture(SAC_FORMAT_RGBA8, 8, column, 2, color);
    const sac_snapshot *snapshot = host.run(picture.frame);
    check_color(snapshot, 8, column, 2, color);
    CHECK(host.sac.release_result(host.context, snapshot) == SAC_OK);
}

}  // namespace

TEST_CASE("mode B shares the host's queue under its lock") {
    const TempDir folder;
    write_color_model(folder / "colors");
    Engine engine;
    TestHost host;
    engine.lend(host);
    REQUIRE(host.create() == SAC_OK);
    CHECK(mode_of(host) == SAC_MODE_SHARED_QUEUE);
    host.load(folder / "colors");
    const uint64_t before = engine.locks.locked;
    CHECK(before > 0);
    run_color(host, 1, 2);
    CHECK(engine.locks.locked > before);
    CHECK(host.destroy() == SAC_OK);
    CHECK(engine.device->wait_idle().ok());  // the device is still the host's
}

TEST_CASE("mode A falls back to B on a device with one queue, if there is a lock") {
    Engine engine;
    engine.desc.mode = SAC_MODE_OWN_QUEUE;
    for (const uint32_t index : {SAC_NO_QUEUE, 0u, 1000u}) {
        engine.desc.own_queue_index = index;
        TestHost host;
        engine.lend(host);
        REQUIRE(host.create() == SAC_OK);
        CHECK(mode_of(host) == SAC_MODE_SHARED_QUEUE);
        CHECK(host.destroy() == SAC_OK);
        host.table.lock_queue = host.table.unlock_queue = nullptr;
        CHECK(host.sac.create_context(&host.desc, &host.context) == SAC_ERROR_INVALID_ARGUMENT);
        CHECK(host.last_error().find("host.lock_queue") != std::string::npos);
    }
}

TEST_CASE("mode A takes the queue that is left to the plugin") {
    const TempDir folder;
    write_color_model(folder / "colors");
    Engine engine;
    engine.desc.mode = SAC_MODE_OWN_QUEUE;
    engine.desc.own_queue_index = 1;
    real_get_instance_proc_addr = reinterpret_cast<PFN_vkGetInstanceProcAddr>(engine.desc.get_instance_proc_addr);
    engine.desc.get_instance_proc_addr = reinterpret_cast<sac_proc>(fake_instance_proc);
    TestHost host;
    engine.lend(host);
    REQUIRE(host.create() == SAC_OK);
    CHECK(mode_of(host) == SAC_MODE_OWN_QUEUE);
    CHECK(asked_index == 1);
    host.load(folder / "colors");
    run_color(host, 3, 0);
    CHECK(engine.locks.locked == 0);  // nobody else uses it
}

TEST_CASE("a lent device's objects get names only if the host says that its instance has VK_EXT_debug_utils") {
    Engine engine;
    const char *const name = VK_EXT_DEBUG_UTILS_EXTENSION_NAME;
    engine.desc.enabled_extensions = &name;
    const bool there = engine.device->fn().SetDebugUtilsObjectNameEXT != nullptr;
    for (const uint32_t count : {0u, 1u}) {
        engine.desc.enabled_extension_count = count;
        TestHost host;
        engine.lend(host);
        bool named = false, labelled = false;
        REQUIRE(host.create_patched([&](vk::DeviceFunctions &fn) {
            named = fn.SetDebugUtilsObjectNameEXT != nullptr;
            labelled = fn.CmdBeginDebugUtilsLabelEXT != nullptr;
        }) == SAC_OK);
        CHECK(named == (there && count == 1));
        CHECK(labelled == named);
    }
    if (validation_enabled()) CHECK(there);
}

TEST_CASE("what is wrong with a lent device is said") {
    Engine engine;
    const sac_vk_device good = engine.desc;
    TestHost host;
    engine.lend(host);
    const auto refuse = [&](auto change, const char *word) {
        engine.desc = good;
        change(engine.desc);
        CHECK(host.sac.create_context(&host.desc, &host.context) < 0);
        CHECK_MESSAGE(host.last_error().find(word) != std::string::npos, host.last_error());
    };
    refuse([](sac_vk_device &d) { d.instance = nullptr; }, "device.instance");
    refuse([](sac_vk_device &d) { d.physical_device = nullptr; }, "device.physical_device");
    refuse([](sac_vk_device &d) { d.device = nullptr; }, "device.device");
    refuse([](sac_vk_device &d) { d.queue_family = 77; }, "device.queue_family");
    refuse([](sac_vk_device &d) { d.queue_index = 77; }, "device.queue_index");
    refuse([](sac_vk_device &d) { d.enabled_features = nullptr; }, "timelineSemaphore");
    refuse([](sac_vk_device &d) { d.vulkan_version = VK_API_VERSION_1_1; }, "1.2");
    refuse([](sac_vk_device &d) { d.enabled_extension_count = 1; }, "device.enabled_extensions");
}

TEST_CASE("images are read in place, handed back in the layout asked for, and signalled") {
    const TempDir folder;
    write_color_model(folder / "colors");
    Engine engine;
    auto timeline = vk::Timeline::create(*engine.device, "engine");
    REQUIRE(timeline.ok());
    TestHost host;
    engine.lend(host);
    REQUIRE(host.create() == SAC_OK);
    host.load(folder / "colors");
    uint64_t value = 0;
    for (const VkFormat format :
         {VK_FORMAT_R8G8B8A8_UNORM, VK_FORMAT_R8G8B8A8_SRGB, VK_FORMAT_B8G8R8A8_UNORM, VK_FORMAT_B8G8R8A8_SRGB})
        for (const VkImageLayout layout : {VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL, VK_IMAGE_LAYOUT_GENERAL,
                                           VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL}) {
            CAPTURE(format);
            CAPTURE(layout);
            const bool bgra = format == VK_FORMAT_B8G8R8A8_UNORM || format == VK_FORMAT_B8G8R8A8_SRGB;
            ColorFrame picture(bgra ? SAC_FORMAT_BGRA8 : SAC_FORMAT_RGBA8, 8, value % 4, 1, 2);
            EngineImage image(engine, picture, format, layout);
            image.put(picture);
            const bool changes = layout == VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL;
            if (changes) image.desc().layout_out = VK_IMAGE_LAYOUT_GENERAL;
            image.desc().wait_semaphore = image.desc().signal_semaphore =
                reinterpret_cast<uint64_t>((*timeline)->handle());
            image.desc().wait_value = value + 1;
            image.desc().signal_value = value + 2;
            std::atomic<int> released = 0;
            picture.frame.release_user = &released;
            picture.frame.release = [](void *user, uint64_t) { ++*static_cast<std::atomic<int> *>(user); };
            const vk::SemaphorePoint drawn = {(*timeline)->handle(), value + 1};
            REQUIRE(engine.submit(drawn).ok());
            REQUIRE(host.sac.submit_frame(host.context, &picture.frame) == SAC_OK);
            const sac_snapshot *snapshot = nullptr;
            REQUIRE(host.sac.wait_result(host.context, host.seen, 60000, &snapshot) == SAC_OK);
            host.seen = snapshot->sequence;
            check_color(snapshot, 8, value % 4, 1, 2);
            CHECK(host.sac.release_result(host.context, snapshot) == SAC_OK);
            value += 2;
            CHECK((*timeline)->wait(value).ok());
            while (released == 0) {}
            CHECK(released == 1);
            image.use_again(changes ? VK_IMAGE_LAYOUT_GENERAL : layout);
        }
}

TEST_CASE("an image is not read before the host's timeline says so") {
    const TempDir folder;
    write_color_model(folder / "colors");
    Engine engine;
    auto timeline = vk::Timeline::create(*engine.device, "engine");
    REQUIRE(timeline.ok());
    TestHost host;
    engine.lend(host);
    REQUIRE(host.create() == SAC_OK);
    host.load(folder / "colors");
    ColorFrame picture(SAC_FORMAT_RGBA8, 8, 1, 1, 2);
    EngineImage image(engine, picture, VK_FORMAT_R8G8B8A8_UNORM, VK_IMAGE_LAYOUT_GENERAL);
    image.put(picture);
    image.desc().wait_semaphore = reinterpret_cast<uint64_t>((*timeline)->handle());
    for (const bool by_queue : {false, true}) {
        CAPTURE(by_queue);
        const uint64_t value = ++image.desc().wait_value;
        REQUIRE(host.sac.submit_frame(host.context, &picture.frame) == SAC_OK);
        const sac_snapshot *snapshot = nullptr;
        CHECK(host.sac.wait_result(host.context, host.seen, 50, &snapshot) == SAC_TIMEOUT);
        if (by_queue) {  // the one that is shared: nothing of the plugin's stands in it before this
            REQUIRE(engine.submit({(*timeline)->handle(), value}).ok());
        } else {
            engine.signal({(*timeline)->handle(), value});
        }
        REQUIRE(host.sac.wait_result(host.context, host.seen, 60000, &snapshot) == SAC_OK);
        host.seen = snapshot->sequence;
        check_color(snapshot, 8, 1, 1, 2);
        CHECK(host.sac.release_result(host.context, snapshot) == SAC_OK);
    }
}

TEST_CASE("a semaphore that is never signalled holds up neither the queue nor the end of the context") {
    const TempDir folder;
    write_color_model(folder / "colors");
    Engine engine;
    auto timeline = vk::Timeline::create(*engine.device, "engine"),
         other = vk::Timeline::create(*engine.device, "other");
    REQUIRE(timeline.ok());
    REQUIRE(other.ok());
    ColorFrame picture(SAC_FORMAT_RGBA8, 8, 1, 1, 2);
    EngineImage image(engine, picture, VK_FORMAT_R8G8B8A8_UNORM, VK_IMAGE_LAYOUT_GENERAL);
    image.put(picture);
    image.desc().wait_semaphore = image.desc().signal_semaphore = reinterpret_cast<uint64_t>((*timeline)->handle());
    std::atomic<uint64_t> released = 0;
    picture.frame.release_user = &released;
    picture.frame.release = [](void *user, uint64_t) { ++*static_cast<std::atomic<uint64_t> *>(user); };
    TestHost host;
    engine.lend(host);
    REQUIRE(host.create() == SAC_OK);
    host.load(folder / "colors");
    for (uint64_t i = 0; i < 4; ++i) {  // one in progress, two that are overtaken, one pending
        image.desc().wait_value = 2 * i + 1;
        image.desc().signal_value = 2 * i + 2;
        CHECK(host.sac.submit_frame(host.context, &picture.frame) == SAC_OK);
    }
    REQUIRE(engine.submit({(*other)->handle(), 1}).ok());
    CHECK((*other)->wait(1, 10'000'000'000).ok());
    CHECK(host.load_result(folder / "colors") == SAC_OK);
    const auto start = std::chrono::steady_clock::now();
    CHECK(host.destroy() == SAC_OK);
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(30));  // two of grace
    CHECK(released == 4);
    const auto reached = (*timeline)->reached();
    REQUIRE(reached.ok());
    CHECK(*reached == 0);
    REQUIRE(engine.locks.errors.size() >= 4);
    CHECK(engine.locks.errors[0].find("frame.image.wait_semaphore has not reached 1") != std::string::npos);
}

TEST_CASE("an image that belongs to no queue family, or to one outside of Vulkan") {
    const TempDir folder;
    write_color_model(folder / "colors");
    Engine engine;
    TestHost host;
    engine.lend(host);
    REQUIRE(host.create() == SAC_OK);
    host.load(folder / "colors");
    for (const uint32_t family : {VK_QUEUE_FAMILY_IGNORED, VK_QUEUE_FAMILY_EXTERNAL}) {
        ColorFrame picture(SAC_FORMAT_RGBA8, 8, 3, 1, 2);
        EngineImage image(engine, picture, VK_FORMAT_R8G8B8A8_UNORM, VK_IMAGE_LAYOUT_GENERAL);
        image.put(picture);
        image.desc().queue_family = family;
        const sac_snapshot *snapshot = host.run(picture.frame);
        check_color(snapshot, 8, 3, 1, 2);
        CHECK(host.sac.release_result(host.context, snapshot) == SAC_OK);
    }
}

TEST_CASE("images that are overtaken are signalled and released, too") {
    const TempDir folder;
    write_color_model(folder / "slow", "slow", 100);
    Engine engine;
    auto timeline = vk::Timeline::create(*engine.device, "engine");
    REQUIRE(timeline.ok());
    ColorFrame picture(SAC_FORMAT_RGBA8, 8, 2, 1, 0);
    EngineImage image(engine, picture, VK_FORMAT_R8G8B8A8_UNORM, VK_IMAGE_LAYOUT_GENERAL);
    image.put(picture);
    std::atomic<uint64_t> released = 0;
    picture.frame.release_user = &released;
    picture.frame.release = [](void *user, uint64_t) { ++*static_cast<std::atomic<uint64_t> *>(user); };
    constexpr uint64_t frames = 20;
    uint64_t dropped = 0;
    {
        TestHost host;
        engine.lend(host);
        REQUIRE(host.create() == SAC_OK);
        host.load(folder / "slow");
        for (uint64_t i = 0; i < frames; ++i) {
            image.desc().signal_semaphore = reinterpret_cast<uint64_t>((*timeline)->handle());
            image.desc().signal_value = i + 1;
            CHECK(host.sac.submit_frame(host.context, &picture.frame) == SAC_OK);
        }
        CHECK((*timeline)->wait(frames - 1).ok());
        dropped = host.statistics().dropped_newer;
    }
    CHECK(dropped > 0);
    CHECK((*timeline)->wait(frames, 1'000'000'000).ok());  // the last one at the latest when the context ends
    CHECK(released == frames);
}

TEST_CASE("images that cannot be read are refused") {
    const TempDir folder;
    write_color_model(folder / "colors");
    Engine engine;
    TestHost host;
    engine.lend(host);
    REQUIRE(host.create() == SAC_OK);
    host.load(folder / "colors");
    ColorFrame picture(SAC_FORMAT_RGBA8, 8, 2, 1, 0);
    sac_vk_image image;
    picture.frame.image = &image;
    const auto refuse = [&](auto change, const char *word) {
        image = make_struct<sac_vk_image>(SAC_TYPE_VK_IMAGE);
        image.image = 1;
        image.format = VK_FORMAT_R8G8B8A8_UNORM;
        image.layout_in = VK_IMAGE_LAYOUT_GENERAL;
        change(image);
        CHECK(host.sac.submit_frame(host.context, &picture.frame) < 0);
        CHECK_MESSAGE(host.last_error().find(word) != std::string::npos, host.last_error());
    };
    refuse([](sac_vk_image &i) { i.type = 3; }, "frame.image.type");
    refuse([](sac_vk_image &i) { i.image = 0; }, "frame.image.image");
    refuse([](sac_vk_image &i) { i.format = VK_FORMAT_D32_SFLOAT; }, "frame.image.format");
    refuse([](sac_vk_image &i) { i.layout_in = VK_IMAGE_LAYOUT_UNDEFINED; }, "frame.image.layout_in");
    refuse([](sac_vk_image &i) { i.layout_out = VK_IMAGE_LAYOUT_PREINITIALIZED; }, "frame.image.layout_out");
    refuse([](sac_vk_image &i) { i.queue_family = 77; }, "frame.image.queue_family is 77");
    refuse([](sac_vk_image &i) { i.queue_family = VK_QUEUE_FAMILY_FOREIGN_EXT; }, "VK_EXT_queue_family_foreign");
    refuse(
        [](sac_vk_image &i) {
            i.wait_semaphore = i.signal_semaphore = 5;
            i.wait_value = 3;
            i.signal_value = 3;
        },
        "frame.image.signal_value");
    CHECK(host.statistics().submitted == 0);
}

TEST_CASE("an image that comes while frames are paused or frozen goes back to the host, signalled and unused") {
    const TempDir folder;
    write_color_model(folder / "colors");
    Engine engine;
    auto timeline = vk::Timeline::create(*engine.device, "engine");
    REQUIRE(timeline.ok());
    TestHost host;
    engine.lend(host);
    REQUIRE(host.create() == SAC_OK);
    host.load(folder / "colors");
    const auto &debug = *static_cast<const sac_debug_api *>(host.sac.get_extension(host.context, "sac.debug/1"));
    ColorFrame picture(SAC_FORMAT_RGBA8, 8, 1, 2, 0);
    EngineImage image(engine, picture, VK_FORMAT_R8G8B8A8_UNORM, VK_IMAGE_LAYOUT_GENERAL);
    image.put(picture);
    image.desc().signal_semaphore = reinterpret_cast<uint64_t>((*timeline)->handle());
    const auto submit = [&] {
        image.desc().signal_value = (*timeline)->next();
        REQUIRE(host.sac.submit_frame(host.context, &picture.frame) == SAC_OK);
        REQUIRE((*timeline)->wait(image.desc().signal_value).ok());
    };
    for (const uint32_t mode : {SAC_RUN_PAUSED, SAC_RUN_FROZEN}) {
        const uint64_t dropped = host.statistics().dropped_newer;
        REQUIRE(debug.set_run_mode(host.context, mode) == SAC_OK);
        submit();
        CHECK(host.statistics().dropped_newer == dropped + 1);
        CHECK(debug.replay_frame(host.context) == SAC_ERROR_INVALID_STATE);
        // One that is let through is seen, but not held.
        REQUIRE(debug.step_frame(host.context) == SAC_OK);
        submit();
        const sac_snapshot *snapshot = nullptr;
        REQUIRE(host.sac.wait_result(host.context, host.seen, 60000, &snapshot) == SAC_OK);
        host.seen = snapshot->sequence;
        check_color(snapshot, 8, 1, 2, 0);
        CHECK(host.sac.release_result(host.context, snapshot) == SAC_OK);
        CHECK(debug.replay_frame(host.context) == SAC_ERROR_INVALID_STATE);
    }
    image.use_again(VK_IMAGE_LAYOUT_GENERAL);
}
