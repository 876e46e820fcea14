#include "plugins/vision/overlays.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "plugins/vision/heads/detection_head.h"
#include "plugins/vision/no_throw.h"
#include "plugins/vision/one_writer.h"
#include "plugins/vision/structs.h"

namespace sac::vision {
namespace {

constexpr float most_scale = 64, widest_line = 256;
constexpr uint32_t all_flags = SAC_OVERLAY_DEFAULT | SAC_OVERLAY_STATUS;

Error wrong(std::string text) { return Error(Code::invalid_argument, std::move(text)); }

template <class Handle>
Handle handle_of(uint64_t number) {
    Handle handle;
    static_assert(sizeof handle == sizeof number);
    std::memcpy(&handle, &number, sizeof handle);
    return handle;
}

Status check_range(const char *name, float value, float most) {
    if (value >= 0 && value <= most) return {};  // false for NaN
    return wrong(format("%s is %g; 0 to %g are allowed", name, static_cast<double>(value), static_cast<double>(most)));
}

Status check_reserved(const char *name, uint32_t value) {
    if (value != 0) return wrong(format("%s is %u, not 0", name, value));
    return {};
}

Status check_snapshot(const sac_snapshot &snapshot) {
    SAC_TRY(check_struct(&snapshot, SAC_TYPE_SNAPSHOT, sizeof snapshot, "what.snapshot", Chain::passed_over));
    if (snapshot.detection_count == 0) return {};
    if (snapshot.detection_count > max_detections_limit)
        return wrong(format("what.snapshot.detection_count is %u; at most %u are allowed", snapshot.detection_count,
                            max_detections_limit));
    if (!snapshot.detections) return wrong("what.snapshot.detections is null");
    if (snapshot.width == 0 || snapshot.height == 0 || snapshot.width > SAC_MAX_FRAME_SIZE ||
        snapshot.height > SAC_MAX_FRAME_SIZE)
        return wrong(format("what.snapshot.width x height is %u x %u; 1 to %u pixels each are allowed", snapshot.width,
                            snapshot.height, SAC_MAX_FRAME_SIZE));
    return {};
}

Status read_overlay(const sac_overlay *given, sac_overlay &what) {
    SAC_TRY(read_struct(given, SAC_TYPE_OVERLAY, "what", what));
    if (what.flags & ~all_flags)
        return Error(Code::unsupported, format("what.flags is 0x%x, of which not all bits are known", what.flags));
    if (what.flags == 0) what.flags = SAC_OVERLAY_DEFAULT;
    if (what.line_count > SAC_OVERLAY_MAX_LINES)
        return wrong(format("what.line_count is %u; at most %u are allowed", what.line_count, SAC_OVERLAY_MAX_LINES));
    if (what.line_count && !what.lines) return wrong("what.lines is null");
    for (uint32_t i = 0; i < what.line_count; ++i)
        if (!what.lines[i]) return wrong(format("what.lines[%u] is null", i));
    SAC_TRY(check_range("what.scale", what.scale, most_scale));
    SAC_TRY(check_range("what.opacity", what.opacity, 1));
    SAC_TRY(check_range("what.line_width", what.line_width, widest_line));
    SAC_TRY(check_reserved("what.reserved", what.reserved));
    if (what.opacity == 0) what.opacity = 1;
    if (what.snapshot) SAC_TRY(check_snapshot(*what.snapshot));
    return {};
}

Status check_layout(const char *name, uint32_t layout) {
    switch (layout) {
        case VK_IMAGE_LAYOUT_GENERAL:
        case VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL:
        case VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL:
        case VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL:
        case VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL:
        case VK_IMAGE_LAYOUT_PRESENT_SRC_KHR: return {};
        default:
            return wrong(
                format("target.%s is %u, which is none of the layouts that saccade_overlay.h names", name, layout));
    }
}

Status check_format(const char *name, uint32_t vk_format) {
    if (overlay::Compositor::knows(static_cast<VkFormat>(vk_format))) return {};
    return Error(Code::unsupported,
                 format("%s is %u, which is none of the VkFormats that saccade_overlay.h names", name, vk_format));
}

Status read_target(const sac_overlay_target *given, sac_overlay_target &target) {
    SAC_TRY(read_struct(given, SAC_TYPE_OVERLAY_TARGET, "target", target));
    if (!target.image) return wrong("target.image is null");
    SAC_TRY(check_format("target.format", target.format));
    if (!target.layout_out) target.layout_out = target.layout_in;
    SAC_TRY(check_layout("layout_in", target.layout_in));
    SAC_TRY(check_layout("layout_out", target.layout_out));
    if (target.rotation != 0 && target.rotation != 90 && target.rotation != 180 && target.rotation != 270)
        return wrong(format("target.rotation is %u; 0, 90, 180 and 270 are allowed", target.rotation));
    if (target.mirror > 1) return wrong(format("target.mirror is %u; 0 and 1 are allowed", target.mirror));
    SAC_TRY(check_reserved("target.reserved", target.reserved));

    // Larger numbers would have no room for a pixel's fraction.
    constexpr float most = 1 << 20;
    const std::pair<const char *, float> area[] = {{"area_x", target.area_x},
                                                   {"area_y", target.area_y},
                                                   {"area_width", target.area_width},
                                                   {"area_height", target.area_height}};
    if (std::all_of(std::begin(area), std::end(area), [](const auto &field) { return field.second == 0; })) {
        target.area_width = static_cast<float>(target.width);
        target.area_height = static_cast<float>(target.height);
        return {};
    }
    for (const auto &[name, value] : area)
        if (!(std::abs(value) <= most))
            return wrong(format("target.%s is %g; at most %g is allowed", name, static_cast<double>(value),
                                static_cast<double>(most)));
    if (!(target.area_width > 0))
        return wrong(format("target.area_width is %g", static_cast<double>(target.area_width)));
    if (!(target.area_height > 0))
        return wrong(format("target.area_height is %g", static_cast<double>(target.area_height)));
    return {};
}

/// "dog 0.78 #12", as far as it is asked for.
void write_label(const sac_detection &detection, uint32_t flags, std::string &text) {
    text.clear();
    const auto add = [&](const std::string &part) {
        if (!text.empty()) text += ' ';
        text += part;
    };
    if ((flags & SAC_OVERLAY_LABELS) && detection.label) text = detection.label;
    if (flags & SAC_OVERLAY_SCORES) add(format("%.2f", static_cast<double>(detection.score)));
    if ((flags & SAC_OVERLAY_TRACK_IDS) && detection.track_id) add(format("#%u", detection.track_id));
}

/// The boxes of the snapshot on the picture as it is shown.
void write_boxes(const sac_snapshot &snapshot, const sac_overlay_target &target, uint32_t flags,
                 std::vector<overlay::OverlayBox> &boxes) {
    boxes.resize(snapshot.detection_count);
    size_t count = 0;
    for (uint32_t i = 0; i < snapshot.detection_count; ++i) {
        const sac_detection &from = snapshot.detections[i];
        if (!std::isfinite(from.x1) || !std::isfinite(from.y1) || !std::isfinite(from.x2) || !std::isfinite(from.y2))
            continue;
        overlay::OverlayBox &to = boxes[count++];
        const auto [x1, y1, x2, y2] =
            overlay::turn_box({from.x1, from.y1, from.x2, from.y2}, target.rotation, target.mirror != 0,
                              static_cast<float>(snapshot.width), static_cast<float>(snapshot.height));
        to.x1 = x1, to.y1 = y1, to.x2 = x2, to.y2 = y2;
        to.class_id = (flags & SAC_OVERLAY_TRACK_IDS) && from.track_id ? from.track_id : from.class_id;
        write_label(from, flags, to.text);
    }
    boxes.resize(count);
}

std::string status_line(const sac_snapshot &snapshot) {
    const double latency_ms =
        static_cast<double>(static_cast<int64_t>(snapshot.finished_ns - snapshot.submitted_ns)) * 1e-6;
    return format("%u found  %.1f ms  %llu dropped", snapshot.detection_count, latency_ms,
                  static_cast<unsigned long long>(snapshot.dropped_newer + snapshot.dropped_failed));
}

/// Whole pixels of the image that the area touches.
VkRect2D visible_part(const sac_overlay_target &target) {
    const auto within = [](float value, uint32_t size) { return std::clamp(value, 0.0f, static_cast<float>(size)); };
    const float x1 = within(std::floor(target.area_x), target.width);
    const float y1 = within(std::floor(target.area_y), target.height);
    const float x2 = within(std::ceil(target.area_x + target.area_width), target.width);
    const float y2 = within(std::ceil(target.area_y + target.area_height), target.height);
    return {{static_cast<int32_t>(x1), static_cast<int32_t>(y1)},
            {static_cast<uint32_t>(x2 - x1), static_cast<uint32_t>(y2 - y1)}};
}

overlay::Rect to_rect(const VkRect2D &r) {
    return {static_cast<float>(r.offset.x), static_cast<float>(r.offset.y), static_cast<float>(r.extent.width),
            static_cast<float>(r.extent.height)};
}

float scale_of(const sac_overlay &what, const sac_overlay_target &target) {
    if (what.scale > 0) return what.scale;
    return overlay::overlay_scale(static_cast<uint32_t>(std::lround(target.area_width)),
                                  static_cast<uint32_t>(std::lround(target.area_height)));
}

/// What is not seen is not drawn: a line may be long, and a render area of no pixels is not allowed.
void drop_hidden(const overlay::Rect &seen, std::vector<overlay::Shape> &shapes) {
    if (seen.width <= 0 || seen.height <= 0) return shapes.clear();  // shapes may reach across its edge all the same
    std::erase_if(shapes, [&](const overlay::Shape &shape) {
        const auto [x1, y1, x2, y2] = shape.rect;
        return !(x2 > seen.x && x1 < seen.x + seen.width && y2 > seen.y && y1 < seen.y + seen.height);
    });
}

}  // namespace

Overlays::Overlays(vk::Device &device, vk::Memory &memory, const Host &host, Health &health, bool on_host_device)
    : device_(device),
      memory_(memory),
      host_(host),
      health_(health),
      on_host_device_(on_host_device),
      host_wait_(device) {
    uint32_t count = 0;
    device.instance_fn().GetPhysicalDeviceQueueFamilyProperties(device.physical_device(), &count, nullptr);
    std::vector<VkQueueFamilyProperties> families(count);
    device.instance_fn().GetPhysicalDeviceQueueFamilyProperties(device.physical_device(), &count, families.data());
    for (const VkQueueFamilyProperties &family : families) families_.push_back(family.queueFlags);
}

Overlays::~Overlays() {
    if (!compositor_) return;
    host_wait_.cancel();
    static_cast<void>(no_throw([&]() -> Status {
        const Result<uint32_t> left = compositor_->wait(host_wait_.left());
        if (!left.ok())
            host_.write(LogLevel::error, left.error().message);
        else if (*left)
            host_.write(LogLevel::warning,
                        format("the commands of %u overlays were not done when their context was destroyed: they must "
                               "not be executed any more",
                               *left));
        return {};
    }));
}

Status Overlays::ensure_compositor() {
    if (!on_host_device_)
        return Error(Code::unsupported,
                     "the context runs on a device of its own (mode D): overlays are drawn on the host's device");
    SAC_TRY(health_.status());
    if (!compositor_) { SAC_ASSIGN(compositor_, overlay::Compositor::create(device_, memory_)); }
    return {};
}

Status Overlays::prepare(uint32_t vk_format) {
    const std::lock_guard lock(mutex_);
    SAC_TRY(ensure_compositor());
    SAC_TRY(check_format("format", vk_format));
    return compositor_->prepare(static_cast<VkFormat>(vk_format));
}

Status Overlays::check_family(const HostCommands &commands) const {
    if (commands.queue_family >= families_.size())
        return wrong(format("commands.queue_family is %u, the device has %zu families", commands.queue_family,
                            families_.size()));
    if (!(families_[commands.queue_family] & VK_QUEUE_GRAPHICS_BIT))
        return wrong(format("commands.queue_family is %u, which has no VK_QUEUE_GRAPHICS_BIT: overlays are drawn",
                            commands.queue_family));
    return {};
}

Status Overlays::check_extent(const sac_overlay_target &target) const {
    const VkPhysicalDeviceLimits &limits = device_.caps().limits;
    const uint32_t most_width =
        std::min({limits.maxImageDimension2D, limits.maxFramebufferWidth, limits.maxViewportDimensions[0]});
    const uint32_t most_height =
        std::min({limits.maxImageDimension2D, limits.maxFramebufferHeight, limits.maxViewportDimensions[1]});
    if (target.width == 0 || target.height == 0 || target.width > most_width || target.height > most_height)
        return wrong(format("target.width x height is %u x %u; 1 x 1 to %u x %u are allowed on this device",
                            target.width, target.height, most_width, most_height));
    return {};
}

Result<bool> Overlays::record(const sac_overlay *given_what, const sac_overlay_target *given_target,
                              const sac_vk_commands *given_commands) {
    const OneWriter writer(recording_);
    if (!writer.alone())
        return Error(Code::invalid_state, "record is running on another thread: it is for one thread at a time");
    const std::lock_guard lock(mutex_);
    Result<bool> recorded = record_locked(given_what, given_target, given_commands);
    if (!recorded.ok()) static_cast<void>(health_.report(recorded.error()));
    return recorded;
}

Result<bool> Overlays::record_locked(const sac_overlay *given_what, const sac_overlay_target *given_target,
                                     const sac_vk_commands *given_commands) {
    SAC_TRY(ensure_compositor());
    sac_overlay what = {};
    sac_overlay_target target = {};
    SAC_TRY(read_overlay(given_what, what));
    SAC_TRY(read_target(given_target, target));
    SAC_TRY(check_extent(target));
    SAC_ASSIGN(const HostCommands commands, read_commands(given_commands, device_));
    SAC_TRY(check_family(commands));

    overlay_.status.clear();
    overlay_.boxes.clear();
    uint32_t width = 1, height = 1;  // of the frame as it is shown
    if (what.snapshot && what.snapshot->detection_count) {
        write_boxes(*what.snapshot, target, what.flags, overlay_.boxes);
        width = what.snapshot->width, height = what.snapshot->height;
        if (target.rotation % 180) std::swap(width, height);
    }
    if (what.snapshot && (what.flags & SAC_OVERLAY_STATUS)) overlay_.status.push_back(status_line(*what.snapshot));
    overlay_.status.insert(overlay_.status.end(), what.lines, what.lines + what.line_count);

    overlay::CompositorTarget out;
    out.image = handle_of<VkImage>(target.image);
    out.format = static_cast<VkFormat>(target.format);
    out.extent = {target.width, target.height};
    out.layout_in = static_cast<VkImageLayout>(target.layout_in);
    out.layout_out = static_cast<VkImageLayout>(target.layout_out);
    out.visible = visible_part(target);
    out.opacity = what.opacity;
    const overlay::Rect area = {target.area_x, target.area_y, target.area_width, target.area_height};
    const overlay::Style style = {scale_of(what, target), what.line_width, (what.flags & SAC_OVERLAY_BOXES) != 0};
    shapes_.clear();
    overlay::layout_overlay(compositor_->font(), overlay_, width, height, area, to_rect(out.visible), style, shapes_);
    drop_hidden(to_rect(out.visible), shapes_);
    return compositor_->record(shapes_, out, {commands.buffer, commands.done.semaphore, commands.done.value});
}

}  // namespace sac::vision
