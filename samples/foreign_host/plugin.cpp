#include "samples/foreign_host/plugin.h"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <string_view>

namespace {

/// A struct of the plugin's with its type and size, all else zero.
template <class T>
T sac_struct(uint32_t type) {
    T made = {};
    made.type = type;
    made.size = sizeof(T);
    return made;
}

template <class Handle>
uint64_t number(Handle handle) {
    return (uint64_t)handle;  // a pointer or a number, as the platform's Vulkan has it
}

// The host's table. These are called by threads of the plugin, too.
void log_message(void *, int32_t level, const char *message) {
    if (level >= SAC_LOG_INFO) std::fprintf(stderr, "saccade: %s\n", message);
}
void lock_queue(void *user) { static_cast<VulkanHost *>(user)->queue_mutex.lock(); }
void unlock_queue(void *user) { static_cast<VulkanHost *>(user)->queue_mutex.unlock(); }

}  // namespace

sac_api load_plugin() {
    sac_api sac = {};
    sac.size = sizeof sac;
    if (sac_get_api(SAC_MAJOR, &sac) != SAC_OK || !sac.record_slice)
        throw HostError("this libsaccade is of another version");
    return sac;
}

void check_requirements(const sac_api &sac) {
    auto requirements = sac_struct<sac_requirements>(SAC_TYPE_REQUIREMENTS);
    if (sac.get_requirements(&requirements) != SAC_OK) throw HostError("the plugin does not tell what it requires");
    // An engine that turns names into features would enable what is listed; this one knows the few it has enabled.
    constexpr std::string_view enabled[] = {"VkPhysicalDeviceVulkan12Features.timelineSemaphore"};
    for (uint32_t i = 0; i < requirements.needed_feature_count; ++i) {
        const std::string name = requirements.needed_features[i];
        if (std::find(std::begin(enabled), std::end(enabled), name) == std::end(enabled))
            throw HostError("the plugin needs " + name + ", which this host does not enable");
    }
    if (requirements.needed_extension_count > 0)
        throw HostError(std::string("the plugin needs ") + requirements.needed_extensions[0] +
                        ", which this host does not enable");
}

Plugin::Plugin(const sac_api &sac, VulkanHost &host, const FrameRing &ring, PluginOptions options)
    : sac_(sac), host_(host), ring_(ring), options_(std::move(options)) {
    create_context();
    load_model();
}

Plugin::~Plugin() {
    if (result_) sac_.release_result(context_, result_);
    sac_.destroy_context(context_);
}

void Plugin::fail(const char *what) const {
    char text[512];
    sac_.get_last_error(context_, text, sizeof text);
    throw HostError(std::string(what) + ": " + text);
}

void Plugin::create_context() {
    auto table = sac_struct<sac_host>(SAC_TYPE_HOST);
    table.user = &host_;
    table.log = log_message;
    table.lock_queue = lock_queue;
    table.unlock_queue = unlock_queue;

    auto device = sac_struct<sac_vk_device>(SAC_TYPE_VK_DEVICE);
    device.mode = options_.mode;
    device.vulkan_version = VK_API_VERSION_1_2;
    device.get_instance_proc_addr = reinterpret_cast<sac_proc>(host_.get_instance_proc_addr);
    device.instance = host_.instance;
    device.physical_device = host_.physical_device;
    device.device = host_.device;
    device.enabled_extensions = host_.enabled_extensions.data();
    device.enabled_extension_count = static_cast<uint32_t>(host_.enabled_extensions.size());
    device.enabled_features = &host_.enabled_features;
    device.queue_family = device.own_queue_family = host_.queue_family;
    device.own_queue_index = host_.queue_count > 1 ? 1 : SAC_NO_QUEUE;  // without one, mode A becomes mode B

    auto desc = sac_struct<sac_context_desc>(SAC_TYPE_CONTEXT_DESC);
    desc.host = &table;
    desc.device = &device;
    if (sac_.create_context(&desc, &context_) != SAC_OK) fail("create_context");
    auto info = sac_struct<sac_context_info>(SAC_TYPE_CONTEXT_INFO);
    sac_.get_context_info(context_, &info);
    mode_ = info.mode;
    overlay_ = static_cast<const sac_overlay_api *>(sac_.get_extension(context_, "sac.overlay/1"));
    if (!overlay_) throw HostError("this libsaccade has no sac.overlay/1");
    // Now rather than within the first frame.
    if (overlay_->prepare(context_, VulkanHost::format) != SAC_OK) fail("the overlay");
}

void Plugin::load_model() {
    auto model = sac_struct<sac_model_desc>(SAC_TYPE_MODEL_DESC);
    model.folder = options_.folder.c_str();
    model.weights = options_.weights.empty() ? nullptr : options_.weights.c_str();
    if (sac_.load_model(context_, &model, nullptr) != SAC_OK) fail(options_.folder.c_str());
}

const char *Plugin::mode_name() const {
    switch (mode_) {
        case SAC_MODE_OWN_QUEUE: return "a queue of the plugin's own";
        case SAC_MODE_SHARED_QUEUE: return "the host's queue, shared";
        default: return "the host's own commands";
    }
}

bool Plugin::ready() {
    if (!model_name_.empty()) return true;
    auto info = sac_struct<sac_model_info>(SAC_TYPE_MODEL_INFO);
    if (sac_.get_model_info(context_, 0, &info) != SAC_OK) fail("get_model_info");
    if (info.state == SAC_MODEL_FAILED) throw HostError(options_.folder + ": " + info.error);
    if (info.state == SAC_MODEL_READY) model_name_ = info.name;
    return info.state == SAC_MODEL_READY;
}

void Plugin::set_budget(double milliseconds) {
    auto budget = sac_struct<sac_budget>(SAC_TYPE_BUDGET);
    budget.budget_us = static_cast<uint32_t>(milliseconds * 1e3);
    if (sac_.set_budget(context_, &budget) != SAC_OK) fail("the budget");
}

void Plugin::begin_frame() {
    if (sac_.host_frame(context_, 0) != SAC_OK) fail("host_frame");
}

bool Plugin::hand_over(Frame &frame, uint64_t id, uint64_t timestamp_ns) {
    auto image = sac_struct<sac_vk_image>(SAC_TYPE_VK_IMAGE);
    image.image = number(frame.scene.handle);
    image.format = VulkanHost::format;
    image.layout_in = image.layout_out = VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL;
    image.queue_family = host_.queue_family;
    auto given = sac_struct<sac_frame>(SAC_TYPE_FRAME);
    given.frame_id = id;
    given.timestamp_ns = timestamp_ns;
    given.width = options_.width;
    given.height = options_.height;
    given.image = &image;

    const uint64_t began = sac_.now_ns();
    sac_result result = SAC_OK;
    bool taken = true;
    if (records_commands()) {
        // The plugin adds its work to commands of ours, which are submitted behind the drawing: their order on the
        // queue is all the synchronization there is.
        auto commands = sac_struct<sac_vk_commands>(SAC_TYPE_VK_COMMANDS);
        commands.command_buffer = frame.vision_commands;
        commands.queue_family = host_.queue_family;
        commands.done_semaphore = number(frame.returned);
        commands.done_value = frame.handed_over + 1;
        host_.begin(frame.vision_commands);
        result = sac_.record_slice(context_, &commands);  // of the frame before, as long as it has any
        taken = result == SAC_NOT_READY;
        if (taken) result = sac_.record_frame(context_, &given, &commands);
        check(host_.vk.EndCommandBuffer(frame.vision_commands), "vkEndCommandBuffer");
    } else {
        // The plugin submits work of its own when the frame is drawn, and tells when it has read the scene.
        image.wait_semaphore = number(ring_.drawn());
        image.wait_value = frame.drawn_value;
        image.signal_semaphore = number(frame.returned);
        image.signal_value = frame.handed_over + 1;
        result = sac_.submit_frame(context_, &given);
    }
    hand_over_ms_.add(static_cast<double>(sac_.now_ns() - began) * 1e-6);
    if (result < 0) fail("a frame");
    if (result != SAC_OK) return false;
    ++frame.handed_over;
    if (taken) last_taken_ = id;
    return true;
}

void Plugin::adopt(const sac_snapshot *result) {
    if (result_) sac_.release_result(context_, result_);
    result_ = result;
    ages_ms_.add(static_cast<double>(sac_.now_ns() - result->submitted_ns) * 1e-6);
}

const sac_snapshot *Plugin::newest() {
    const sac_snapshot *result = nullptr;
    const sac_result found = sac_.acquire_result(context_, result_ ? result_->sequence : 0, &result);
    if (found < 0) fail("acquire_result");
    if (result) adopt(result);
    return result_;
}

const sac_snapshot *Plugin::wait_for_last() {
    while (last_taken_ && (!result_ || result_->frame_id < *last_taken_)) {
        const sac_snapshot *result = nullptr;
        const sac_result found = sac_.wait_result(context_, result_ ? result_->sequence : 0, 60000, &result);
        if (found < 0) fail("wait_result");
        if (found != SAC_OK) throw HostError("there was no result for a minute");
        adopt(result);
    }
    return result_;
}

void Plugin::draw_overlay(const Frame &frame, const sac_snapshot *result) {
    const std::string title = model_name_.empty() ? "loading " + options_.folder : model_name_;
    const char *const lines[] = {title.c_str()};
    auto what = sac_struct<sac_overlay>(SAC_TYPE_OVERLAY);
    what.snapshot = result;
    what.lines = lines;
    what.line_count = 1;
    auto target = sac_struct<sac_overlay_target>(SAC_TYPE_OVERLAY_TARGET);
    target.image = number(frame.target.handle);
    target.format = VulkanHost::format;
    target.width = options_.width;
    target.height = options_.height;
    target.layout_in = VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL;
    target.layout_out = VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL;
    auto commands = sac_struct<sac_vk_commands>(SAC_TYPE_VK_COMMANDS);
    commands.command_buffer = frame.commands;
    commands.queue_family = host_.queue_family;
    commands.done_semaphore = number(ring_.drawn());
    commands.done_value = frame.drawn_value;
    const sac_result recorded = overlay_->record(context_, &what, &target, &commands);
    if (recorded < 0) fail("the overlay");
    if (recorded == SAC_OK) return;
    // More frames in flight than overlays: this one goes without.
    host_.barrier(frame.commands,
                  {frame.target.handle, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL,
                   VK_PIPELINE_STAGE_TRANSFER_BIT, VK_ACCESS_TRANSFER_WRITE_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT,
                   VK_ACCESS_TRANSFER_READ_BIT});
}

sac_budget_state Plugin::budget_state() const {
    auto state = sac_struct<sac_budget_state>(SAC_TYPE_BUDGET_STATE);
    if (sac_.get_budget_state(context_, &state) != SAC_OK) fail("get_budget_state");
    return state;
}

sac_statistics Plugin::statistics() const {
    auto statistics = sac_struct<sac_statistics>(SAC_TYPE_STATISTICS);
    if (sac_.get_statistics(context_, &statistics) != SAC_OK) fail("get_statistics");
    return statistics;
}
