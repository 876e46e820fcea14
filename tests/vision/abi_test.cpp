// labels: bad_input
// The table of functions: what it refuses, and in which words.

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "tests/support/files.h"
#include "tests/vision/abi_support.h"

using namespace sac;
using namespace sac::test;

namespace {

bool contains(const std::string &text, const char *part) { return text.find(part) != std::string::npos; }

// The call fails with that code, and the sentence has all of the words.
#define CHECK_FAILS(host, call, code, ...)                                                    \
    do {                                                                                      \
        CHECK((call) == (code));                                                              \
        for (const char *expected_word : {__VA_ARGS__})                                       \
            CHECK_MESSAGE(contains((host).last_error(), expected_word), (host).last_error()); \
    } while (0)

// A struct with room behind it, as a newer header would have.
template <class T>
struct Longer {
    T known;
    uint64_t tail = 0;
};

}  // namespace

TEST_CASE("sac_get_api checks version and size") {
    sac_api table = {};
    CHECK(sac_get_api(SAC_MAJOR, nullptr) == SAC_ERROR_INVALID_ARGUMENT);
    CHECK(sac_get_api(SAC_MAJOR, &table) == SAC_ERROR_INVALID_ARGUMENT);
    constexpr uint32_t first_version = 136;  // of the table of 1.0
    table.size = first_version - 1;
    CHECK(sac_get_api(SAC_MAJOR, &table) == SAC_ERROR_INVALID_ARGUMENT);
    table.size = first_version;
    CHECK(sac_get_api(SAC_MAJOR, &table) == SAC_OK);  // a host from then
    CHECK(table.size == first_version);
    CHECK(bool(table.get_extension));
    CHECK_FALSE(bool(table.set_track_settings));
    table = {};
    table.size = sizeof table;
    CHECK(sac_get_api(0, &table) == SAC_ERROR_UNSUPPORTED);
    CHECK(sac_get_api(SAC_MAJOR + 1, &table) == SAC_ERROR_UNSUPPORTED);
    CHECK_FALSE(bool(table.submit_frame));
    CHECK(sac_get_api(SAC_MAJOR, &table) == SAC_OK);
    CHECK(table.size == sizeof table);
    CHECK((table.version >> 16) == SAC_MAJOR);
    CHECK(bool(table.submit_frame));
    CHECK(bool(table.set_track_settings));
    CHECK(bool(table.record_frame));

    Longer<sac_api> newer = {};
    newer.known.size = sizeof newer;
    newer.tail = 77;  // functions that this version does not have come back null
    CHECK(sac_get_api(SAC_MAJOR, &newer.known) == SAC_OK);
    CHECK(newer.tail == 0);
    CHECK(newer.known.size == sizeof newer);
}

TEST_CASE("requirements name what a device needs") {
    const sac_api sac = api();
    auto requirements = make_struct<sac_requirements>(SAC_TYPE_REQUIREMENTS);
    REQUIRE(sac.get_requirements(&requirements) == SAC_OK);
    CHECK(requirements.vulkan_version == VK_API_VERSION_1_2);
    CHECK(requirements.queue_flags == VK_QUEUE_COMPUTE_BIT);
    CHECK(requirements.image_usage == VK_IMAGE_USAGE_SAMPLED_BIT);
    REQUIRE(requirements.needed_feature_count == 1);
    CHECK(std::strcmp(requirements.needed_features[0], "VkPhysicalDeviceVulkan12Features.timelineSemaphore") == 0);
    const std::vector<std::string> features(requirements.wanted_features,
                                            requirements.wanted_features + requirements.wanted_feature_count);
    const std::vector<std::string> extensions(requirements.wanted_extensions,
                                              requirements.wanted_extensions + requirements.wanted_extension_count);
    std::vector<std::string> wanted = {"VkPhysicalDeviceVulkan12Features.hostQueryReset",
                                       "VkPhysicalDeviceVulkan12Features.shaderFloat16",
                                       "VkPhysicalDeviceVulkan11Features.storageBuffer16BitAccess"};
    std::vector<std::string> wanted_extensions;
#if defined(SACCADE_COOPMAT_KHR) || defined(SACCADE_COOPMAT_NV)
#ifdef SACCADE_COOPMAT_KHR
    const std::string author = "KHR";
#else
    const std::string author = "NV";
#endif
    wanted_extensions.push_back("VK_" + author + "_cooperative_matrix");
    wanted.push_back("VkPhysicalDeviceVulkan12Features.vulkanMemoryModel");
    wanted.push_back("VkPhysicalDeviceCooperativeMatrixFeatures" + author + ".cooperativeMatrix");
#endif
    CHECK(features == wanted);
    CHECK(extensions == wanted_extensions);
    requirements.type = SAC_TYPE_FRAME;
    CHECK(sac.get_requirements(&requirements) == SAC_ERROR_INVALID_ARGUMENT);
    CHECK(sac.get_requirements(nullptr) == SAC_ERROR_INVALID_ARGUMENT);
}

TEST_CASE("contexts that cannot be made say why") {
    TestHost host;
    const sac_context_desc good = host.desc;
    const auto try_create = [&] {
        host.context.id = 99;
        const sac_result result = host.sac.create_context(&host.desc, &host.context);
        CHECK(host.context.id == 0);
        return result;
    };
    CHECK_FAILS(host, host.sac.create_context(nullptr, &host.context), SAC_ERROR_INVALID_ARGUMENT, "context_desc",
                "null");
    CHECK_FAILS(host, host.sac.create_context(&good, nullptr), SAC_ERROR_INVALID_ARGUMENT, "context", "null");
    host.desc.type = SAC_TYPE_FRAME;
    CHECK_FAILS(host, try_create(), SAC_ERROR_INVALID_ARGUMENT, "context_desc.type", "9", "1");
    host.desc = good;
    host.desc.size -= 8;
    CHECK_FAILS(host, try_create(), SAC_ERROR_INVALID_ARGUMENT, "context_desc.size");
    host.desc = good;
    host.desc.size = 1u << 30;
    CHECK_FAILS(host, try_create(), SAC_ERROR_INVALID_ARGUMENT, "context_desc.size");
    host.desc = good;
    const auto unknown = make_struct<sac_frame>(4711);
    host.desc.next = &unknown;
    CHECK_FAILS(host, try_create(), SAC_ERROR_UNSUPPORTED, "context_desc.next", "4711");
    host.desc = good;
    host.desc.flags = 1u << 20;
    CHECK_FAILS(host, try_create(), SAC_ERROR_UNSUPPORTED, "context_desc.flags");
    host.desc = good;
    host.desc.snapshot_count = 1;
    CHECK_FAILS(host, try_create(), SAC_ERROR_INVALID_ARGUMENT, "snapshot_count");
    host.desc = good;
    host.desc.device_name = "no such device";
    CHECK_FAILS(host, try_create(), SAC_ERROR_NO_DEVICE, "no such device");
    host.desc = good;
    host.table.lock_queue = [](void *) {};
    CHECK_FAILS(host, try_create(), SAC_ERROR_INVALID_ARGUMENT, "lock_queue");
    host.table.lock_queue = nullptr;
    host.table.allocate = [](void *, uint64_t, uint64_t) -> void * { return nullptr; };
    CHECK_FAILS(host, try_create(), SAC_ERROR_INVALID_ARGUMENT, "host.allocate");
    host.table.free = [](void *, void *) {};
    CHECK_FAILS(host, try_create(), SAC_ERROR_OUT_OF_MEMORY, "snapshots");
}

TEST_CASE("a device struct that cannot be used is refused") {
    TestHost host;
    host.desc.flags = 0;
    auto device = make_struct<sac_vk_device>(SAC_TYPE_VK_DEVICE);
    host.desc.device = &device;
    const auto try_create = [&] { return host.sac.create_context(&host.desc, &host.context); };
    CHECK_FAILS(host, try_create(), SAC_ERROR_INVALID_ARGUMENT, "device.mode");
    device.mode = SAC_MODE_HOST_COMMANDS + 1;
    CHECK_FAILS(host, try_create(), SAC_ERROR_INVALID_ARGUMENT, "device.mode is 4");
    device.mode = SAC_MODE_SHARED_QUEUE;
    CHECK_FAILS(host, try_create(), SAC_ERROR_INVALID_ARGUMENT, "device.get_instance_proc_addr");
    device.type = 0;
    CHECK_FAILS(host, try_create(), SAC_ERROR_INVALID_ARGUMENT, "device.type");
    device.type = SAC_TYPE_VK_DEVICE;
    host.desc.flags = SAC_CONTEXT_VALIDATION;
    CHECK_FAILS(host, try_create(), SAC_ERROR_INVALID_ARGUMENT, "SAC_CONTEXT_VALIDATION");
}

TEST_CASE("handles that are not alive are recognised") {
    TestHost host;
    REQUIRE(host.create() == SAC_OK);
    const sac_context context = host.context;
    auto info = make_struct<sac_context_info>(SAC_TYPE_CONTEXT_INFO);
    CHECK(host.sac.get_context_info(context, &info) == SAC_OK);
    REQUIRE(host.destroy() == SAC_OK);

    const auto check_dead = [&](sac_result result) {
        CHECK(result == SAC_ERROR_NOT_FOUND);
        CHECK(contains(host.last_error(), "destroyed"));
    };
    auto model = make_struct<sac_model_desc>(SAC_TYPE_MODEL_DESC);
    auto model_info = make_struct<sac_model_info>(SAC_TYPE_MODEL_INFO);
    auto settings = make_struct<sac_detect_settings>(SAC_TYPE_DETECT_SETTINGS);
    auto tracks = make_struct<sac_track_settings>(SAC_TYPE_TRACK_SETTINGS);
    auto statistics = make_struct<sac_statistics>(SAC_TYPE_STATISTICS);
    const auto frame = make_struct<sac_frame>(SAC_TYPE_FRAME);
    const auto commands = make_struct<sac_vk_commands>(SAC_TYPE_VK_COMMANDS);
    const auto dummy = make_struct<sac_snapshot>(SAC_TYPE_SNAPSHOT);
    const sac_snapshot *snapshot = &dummy;
    for (const sac_context dead : {context, sac_context{0}, sac_context{~uint64_t{0}}}) {
        check_dead(host.sac.destroy_context(dead));
        check_dead(host.sac.get_context_info(dead, &info));
        check_dead(host.sac.load_model(dead, &model, nullptr));
        check_dead(host.sac.get_model_info(dead, 0, &model_info));
        check_dead(host.sac.wait_model(dead, 0, 0));
        check_dead(host.sac.set_detect_settings(dead, &settings));
        check_dead(host.sac.set_track_settings(dead, &tracks));
        check_dead(host.sac.submit_frame(dead, &frame));
        check_dead(host.sac.record_frame(dead, &frame, &commands));
        check_dead(host.sac.acquire_result(dead, 0, &snapshot));
        CHECK(snapshot == nullptr);
        check_dead(host.sac.wait_result(dead, 0, 0, &snapshot));
        check_dead(host.sac.release_result(dead, &dummy));
        check_dead(host.sac.get_statistics(dead, &statistics));
        CHECK(host.sac.get_extension(dead, "sac.debug/1") == nullptr);
    }
    // A new context is not mistaken for the old one.
    REQUIRE(host.create() == SAC_OK);
    CHECK(host.context.id != context.id);
    CHECK(host.sac.get_context_info(context, &info) == SAC_ERROR_NOT_FOUND);
}

TEST_CASE("calls in the wrong order and wrong fields are refused, and nothing changes") {
    const TempDir folder;
    write_color_model(folder / "colors");
    TestHost host;
    REQUIRE(host.create() == SAC_OK);
    ColorFrame picture(SAC_FORMAT_RGB8, 8, 2, 1, 0);
    CHECK_FAILS(host, host.sac.submit_frame(host.context, &picture.frame), SAC_ERROR_INVALID_STATE, "load_model");

    auto model = make_struct<sac_model_desc>(SAC_TYPE_MODEL_DESC);
    const auto load = [&] { return host.sac.load_model(host.context, &model, nullptr); };
    CHECK_FAILS(host, load(), SAC_ERROR_INVALID_ARGUMENT, "model_desc.folder");
    model.folder = "somewhere";
    model.slot = 1;
    CHECK_FAILS(host, load(), SAC_ERROR_UNSUPPORTED, "model_desc.slot");
    model.slot = 0;
    model.flags = 6;
    CHECK_FAILS(host, load(), SAC_ERROR_UNSUPPORTED, "model_desc.flags");
    model.flags = 0;
    model.weights = "";
    CHECK_FAILS(host, load(), SAC_ERROR_INVALID_ARGUMENT, "model_desc.weights");
    auto info = make_struct<sac_model_info>(SAC_TYPE_MODEL_INFO);
    CHECK_FAILS(host, host.sac.get_model_info(host.context, 0, &info), SAC_ERROR_NOT_FOUND, "no model");
    CHECK_FAILS(host, host.sac.wait_model(host.context, 7, 10), SAC_ERROR_NOT_FOUND, "7");
    host.load(folder / "colors");

    const sac_frame good = picture.frame;
    const auto submit = [&] { return host.sac.submit_frame(host.context, &picture.frame); };
    const auto refuse = [&](auto change, sac_result code, const char *word) {
        picture.frame = good;
        change(picture.frame);
        CHECK_FAILS(host, submit(), code, word);
    };
    CHECK_FAILS(host, host.sac.submit_frame(host.context, nullptr), SAC_ERROR_INVALID_ARGUMENT, "frame");
    constexpr sac_result invalid = SAC_ERROR_INVALID_ARGUMENT;
    refuse([](sac_frame &f) { f.type = 0; }, invalid, "frame.type");
    refuse([](sac_frame &f) { f.size = 0; }, invalid, "frame.size");
    refuse([](sac_frame &f) { f.width = 0; }, invalid, "frame.width");
    refuse([](sac_frame &f) { f.height = 0; }, invalid, "height");
    refuse([](sac_frame &f) { f.height = SAC_MAX_FRAME_SIZE + 1; }, invalid, "16385");
    refuse([](sac_frame &f) { f.width = UINT32_MAX; }, invalid, "frame.width");
    refuse([](sac_frame &f) { f.format = 0; }, invalid, "frame.format");
    refuse([](sac_frame &f) { f.format = 7; }, invalid, "frame.format");
    refuse([](sac_frame &f) { f.color = 4; }, invalid, "frame.color");
    refuse([](sac_frame &f) { f.rotation = 45; }, invalid, "frame.rotation");
    refuse([](sac_frame &f) { f.mirror = 2; }, invalid, "frame.mirror");
    refuse([](sac_frame &f) { f.planes[0] = nullptr; }, invalid, "frame.planes[0]");
    refuse([](sac_frame &f) { f.strides[0] -= 1; }, invalid, "frame.strides[0]");
    refuse([](sac_frame &f) { f.format = SAC_FORMAT_NV12; }, invalid, "frame.planes[1]");
    const auto image = make_struct<sac_vk_image>(SAC_TYPE_VK_IMAGE);
    refuse([&](sac_frame &f) { f.image = &image; }, SAC_ERROR_UNSUPPORTED, "frame.image");
    bool released = false;
    refuse(
        [&](sac_frame &f) {
            f.release = [](void *user, uint64_t) { *static_cast<bool *>(user) = true; };
            f.release_user = &released;
            f.strides[0] = 1;
        },
        invalid, "frame.strides[0]");
    CHECK_FALSE(released);  // a refused frame stays the host's

    Longer<sac_frame> newer = {good};
    newer.known.size = sizeof newer;
    CHECK(host.sac.submit_frame(host.context, &newer.known) == SAC_OK);
    newer.tail = 1;
    CHECK_FAILS(host, host.sac.submit_frame(host.context, &newer.known), SAC_ERROR_UNSUPPORTED, "frame.size");

    auto settings = make_struct<sac_detect_settings>(SAC_TYPE_DETECT_SETTINGS);
    const auto refuse_settings = [&](auto change, const char *word) {
        auto wrong = settings;
        change(wrong);
        CHECK(host.sac.set_detect_settings(host.context, &wrong) < 0);
        CHECK_MESSAGE(contains(host.last_error(), word), host.last_error());
    };
    refuse_settings([](sac_detect_settings &s) { s.score_threshold = std::numeric_limits<float>::quiet_NaN(); },
                    "score");
    refuse_settings([](sac_detect_settings &s) { s.score_threshold = 1.5f; }, "score_threshold");
    refuse_settings([](sac_detect_settings &s) { s.iou_threshold = -0.1f; }, "iou_threshold");
    refuse_settings([](sac_detect_settings &s) { s.max_detections = 1025; }, "max_detections");
    refuse_settings([](sac_detect_settings &s) { s.slot = 3; }, "slot");

    const sac_snapshot *snapshot = nullptr;
    CHECK_FAILS(host, host.sac.acquire_result(host.context, 0, nullptr), invalid, "snapshot");
    REQUIRE(host.sac.wait_result(host.context, 0, 60000, &snapshot) == SAC_OK);
    const sac_snapshot copy = *snapshot;
    CHECK_FAILS(host, host.sac.release_result(host.context, &copy), invalid, "snapshot");
    CHECK_FAILS(host, host.sac.release_result(host.context, nullptr), invalid, "snapshot");
    CHECK(host.sac.release_result(host.context, snapshot) == SAC_OK);
    CHECK_FAILS(host, host.sac.release_result(host.context, snapshot), invalid, "not held");
    CHECK(host.sac.get_extension(host.context, "sac.nothing/1") == nullptr);
    CHECK(contains(host.last_error(), "sac.nothing/1"));

    // What was running goes on.
    picture.frame = good;
    host.seen = copy.sequence;
    const sac_snapshot *after = host.run(picture.frame);
    check_color(after, 8, 2, 1, 0);
    CHECK(host.sac.release_result(host.context, after) == SAC_OK);
    CHECK(host.statistics().dropped_failed == 0);
}

TEST_CASE("the last error is cut to the buffer") {
    TestHost host;
    REQUIRE(host.create() == SAC_OK);
    char text[16];
    std::memset(text, 'x', sizeof text);
    CHECK(host.sac.get_last_error(host.context, text, sizeof text) == SAC_OK);
    CHECK(text[0] == 0);
    CHECK(host.sac.submit_frame(host.context, nullptr) == SAC_ERROR_INVALID_ARGUMENT);
    CHECK(host.sac.get_last_error(host.context, text, 6) == SAC_ERROR_INVALID_ARGUMENT);
    CHECK(std::string(text) == "frame");
    CHECK(host.sac.get_last_error(host.context, nullptr, 0) == SAC_ERROR_INVALID_ARGUMENT);
    std::memset(text, 'x', sizeof text);
    CHECK(host.sac.get_last_error(host.context, text, 0) == SAC_ERROR_INVALID_ARGUMENT);
    CHECK(text[0] == 'x');
}
