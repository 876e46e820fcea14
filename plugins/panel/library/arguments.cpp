#include "plugins/panel/library/arguments.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <utility>

#include "compute/vk/functions.h"
#include "plugins/vision/structs.h"

namespace sac::panel {

using vision::read_struct;

namespace {

Error invalid(std::string message) { return Error(Code::invalid_argument, std::move(message)); }

Status check_range(const char *name, float value, float low, float high) {
    if (value >= low && value <= high) return {};  // not so for a NaN
    return invalid(format("%s is %g, from %g to %g is allowed", name, static_cast<double>(value),
                          static_cast<double>(low), static_cast<double>(high)));
}

// The functions of the plugin that the panel calls.
Status read_api(const sac_api *given, sac_api &api) {
    if (!given) return invalid("desc.api is null");
    constexpr size_t needed = offsetof(sac_api, set_track_settings) + sizeof(api.set_track_settings);
    uint32_t size = 0;
    std::memcpy(&size, static_cast<const void *>(given), sizeof size);
    if (size < needed || size > vision::longest_struct)
        return invalid(format("desc.api.size is %u, the table of version 1.1 has %zu bytes: fill it by sac_get_api",
                              size, needed));
    api = {};
    std::memcpy(static_cast<void *>(&api), given, std::min<size_t>(size, sizeof api));
    const std::pair<bool, const char *> functions[] = {
        {api.get_last_error != nullptr, "get_last_error"},
        {api.now_ns != nullptr, "now_ns"},
        {api.get_context_info != nullptr, "get_context_info"},
        {api.get_model_info != nullptr, "get_model_info"},
        {api.set_detect_settings != nullptr, "set_detect_settings"},
        {api.acquire_result != nullptr, "acquire_result"},
        {api.release_result != nullptr, "release_result"},
        {api.get_statistics != nullptr, "get_statistics"},
        {api.get_extension != nullptr, "get_extension"},
        {api.set_track_settings != nullptr, "set_track_settings"},
    };
    for (const auto &[there, name] : functions)
        if (!there) return invalid(format("desc.api.%s is null", name));
    return {};
}

Status check_names(const char *name, const char *const *names, uint32_t count, int32_t in_use,
                   std::vector<std::string> &copy) {
    constexpr uint32_t most = 10000;
    if (count > most) return invalid(format("frame.%s_count is %u, up to %u is allowed", name, count, most));
    if (count > 0 && !names) return invalid(format("frame.%ss is null, frame.%s_count is %u", name, name, count));
    if (in_use < -1 || (in_use >= 0 && count > 0 && static_cast<uint32_t>(in_use) >= count))
        return invalid(format("frame.%s is %d of %u", name, in_use, count));
    for (uint32_t i = 0; i < count; ++i) {
        if (!names[i]) return invalid(format("frame.%ss[%u] is null", name, i));
        copy.emplace_back(names[i]);
    }
    return {};
}

}  // namespace

Status check_size(uint32_t width, uint32_t height) {
    constexpr uint32_t smallest = 64;
    for (const auto &[name, value] : {std::pair{"width", width}, std::pair{"height", height}})
        if (value < smallest || value > SAC_PANEL_MAX_SIZE)
            return invalid(format("%s is %u, from %u to %u is allowed", name, value, smallest, SAC_PANEL_MAX_SIZE));
    return {};
}

Status check_part(const char *name) {
    if (!name) return invalid("name is null");
    for (const char *part : {"Overview", "Detection", "Timing", "Network", "Memory", "Presets"})
        if (!std::strcmp(part, name)) return {};
    return Error(Code::not_found, format("the panel has no part '%s'", name));
}

Result<sac_panel_desc> read_desc(const sac_panel_desc *given, sac_api &api) {
    sac_panel_desc desc = {};
    SAC_TRY(read_struct(given, SAC_TYPE_PANEL_DESC, "desc", desc));
    SAC_TRY(read_api(desc.api, api));
    if (const Status fits = check_size(desc.width, desc.height); !fits.ok())
        return invalid("desc." + fits.error().message);
    if (desc.scale == 0) desc.scale = 1;
    SAC_TRY(check_range("desc.scale", desc.scale, 0.5f, 4));
    SAC_TRY(check_range("desc.budget_ms", desc.budget_ms, 0, 10000));
    if (desc.format == 0) desc.format = SAC_FORMAT_RGBA8;
    if (desc.format != SAC_FORMAT_RGBA8 && desc.format != SAC_FORMAT_BGRA8)
        return invalid(format("desc.format is %u; SAC_FORMAT_RGBA8 and SAC_FORMAT_BGRA8 are to be had", desc.format));
    if (desc.flags & ~uint32_t{SAC_PANEL_VALIDATION | SAC_PANEL_TRACKS})
        return invalid(format("desc.flags is 0x%x, which has unknown flags", desc.flags));
    if (!desc.get_clipboard != !desc.set_clipboard)
        return invalid("one of desc.get_clipboard and desc.set_clipboard is null: give both or none");
    return desc;
}

Result<Input> read_event(const sac_panel_event *given) {
    using Kind = UiEvent::Kind;
    sac_panel_event event = {};
    SAC_TRY(read_struct(given, SAC_TYPE_PANEL_EVENT, "event", event));
    if (event.down > 1) return invalid(format("event.down is %u, 0 or 1 is allowed", event.down));
    if (event.modifiers & ~uint32_t{SAC_PANEL_CONTROL | SAC_PANEL_SHIFT | SAC_PANEL_ALT})
        return invalid(format("event.modifiers is 0x%x, which has unknown ones", event.modifiers));
    constexpr float far = 1e6f;
    SAC_TRY(check_range("event.x", event.x, -far, far));
    SAC_TRY(check_range("event.y", event.y, -far, far));
    Input input;
    input.event.x = event.x;
    input.event.y = event.y;
    input.event.code = static_cast<int>(std::min(event.code, uint32_t{INT16_MAX}));
    input.event.down = event.down == 1;
    input.event.control = event.modifiers & SAC_PANEL_CONTROL;
    input.event.shift = event.modifiers & SAC_PANEL_SHIFT;
    input.event.alt = event.modifiers & SAC_PANEL_ALT;
    switch (event.kind) {
        case SAC_PANEL_POINTER: input.event.kind = Kind::cursor; break;
        case SAC_PANEL_BUTTON:
            input.event.kind = Kind::button;
            if (event.code > SAC_PANEL_BUTTON_MIDDLE)
                return invalid(format("event.code is %u, which is no SAC_PANEL_BUTTON_...", event.code));
            break;
        case SAC_PANEL_WHEEL: input.event.kind = Kind::scroll; break;
        case SAC_PANEL_KEY: input.event.kind = Kind::key; break;
        case SAC_PANEL_TEXT:
            if (!event.text) return invalid("event.text is null");
            input.is_text = true;
            input.text = event.text;
            break;
        case SAC_PANEL_FOCUS: input.event.kind = Kind::focus; break;
        default: return invalid(format("event.kind is %u, which is no kind of event", event.kind));
    }
    return input;
}

Result<Told> read_frame(const sac_panel_frame *given) {
    Told told;
    if (!given) return told;
    sac_panel_frame frame = {};
    SAC_TRY(read_struct(given, SAC_TYPE_PANEL_FRAME, "frame", frame));
    SAC_TRY(check_names("source", frame.sources, frame.source_count, frame.source, told.host.sources));
    SAC_TRY(check_names("model", frame.models, frame.model_count, frame.model, told.host.models));
    constexpr float longest = 1e6f;
    SAC_TRY(check_range("frame.frame_ms", frame.frame_ms, 0, longest));
    SAC_TRY(check_range("frame.seconds", frame.seconds, 0, longest));
    told.host.source = frame.source;
    told.host.model = frame.model;
    if (frame.message) told.host.message = frame.message;
    told.host.frame_ms = frame.frame_ms;
    told.seconds = frame.seconds;
    if (!frame.pixels) return told;
    for (const auto &[name, value] : {std::pair{"width", frame.width}, std::pair{"height", frame.height}})
        if (value == 0 || value > SAC_PANEL_MAX_SIZE)
            return invalid(format("frame.%s is %u, from 1 to %u is allowed", name, value, SAC_PANEL_MAX_SIZE));
    if (frame.stride < frame.width * 4)
        return invalid(format("frame.stride is %u, a row has %u bytes", frame.stride, frame.width * 4));
    told.pixels = static_cast<const uint8_t *>(frame.pixels);
    told.stride = frame.stride;
    told.host.frame_width = frame.width;
    told.host.frame_height = frame.height;
    return told;
}

Result<sac_panel_pixels> read_pixels(const sac_panel_pixels *given, uint32_t width, uint32_t height) {
    sac_panel_pixels pixels = {};
    SAC_TRY(read_struct(given, SAC_TYPE_PANEL_PIXELS, "pixels", pixels));
    if (!pixels.pixels) return invalid("pixels.pixels is null");
    if (pixels.stride < width * 4)
        return invalid(format("pixels.stride is %u, a row of the panel has %u bytes", pixels.stride, width * 4));
    const uint64_t needed = uint64_t{pixels.stride} * (height - 1) + uint64_t{width} * 4;
    if (pixels.bytes < needed)
        return invalid(format("pixels.bytes is %llu, the panel needs %llu",
                              static_cast<unsigned long long>(pixels.bytes), static_cast<unsigned long long>(needed)));
    return pixels;
}

Result<sac_panel_image> read_image(const sac_panel_image *given, uint32_t format_of_panel) {
    sac_panel_image image = {};
    SAC_TRY(read_struct(given, SAC_TYPE_PANEL_IMAGE, "image", image));
    if (!image.image) return invalid("image.image is null");
    const bool rgba = image.format == VK_FORMAT_R8G8B8A8_UNORM || image.format == VK_FORMAT_R8G8B8A8_SRGB;
    const bool bgra = image.format == VK_FORMAT_B8G8R8A8_UNORM || image.format == VK_FORMAT_B8G8R8A8_SRGB;
    if (format_of_panel == SAC_FORMAT_RGBA8 ? !rgba : !bgra)
        return invalid(format("image.format is %u; a panel of desc.format %s is copied into %s_UNORM and _SRGB alone",
                              image.format, format_of_panel == SAC_FORMAT_RGBA8 ? "RGBA8" : "BGRA8",
                              format_of_panel == SAC_FORMAT_RGBA8 ? "R8G8B8A8" : "B8G8R8A8"));
    if (image.width == 0) return invalid("image.width is 0");
    if (image.height == 0) return invalid("image.height is 0");
    if (image.x >= image.width) return invalid(format("image.x is %u of %u", image.x, image.width));
    if (image.y >= image.height) return invalid(format("image.y is %u of %u", image.y, image.height));
    if (image.layout_in == VK_IMAGE_LAYOUT_PREINITIALIZED)
        return invalid("image.layout_in is PREINITIALIZED, which copies cannot be made into");
    if (image.layout_out == VK_IMAGE_LAYOUT_UNDEFINED) image.layout_out = image.layout_in;
    if (image.layout_out == VK_IMAGE_LAYOUT_UNDEFINED || image.layout_out == VK_IMAGE_LAYOUT_PREINITIALIZED)
        return invalid(format("image.layout_out is %u, which an image cannot be left in",
                              static_cast<unsigned>(image.layout_out)));
    return image;
}

Result<sac_vk_commands> read_commands(const sac_vk_commands *given, uint32_t queue_family) {
    sac_vk_commands commands = {};
    SAC_TRY(read_struct(given, SAC_TYPE_VK_COMMANDS, "commands", commands));
    if (!commands.command_buffer) return invalid("commands.command_buffer is null");
    if (commands.queue_family != queue_family)
        return invalid(format("commands.queue_family is %u, the panel's device was given with queue_family %u",
                              commands.queue_family, queue_family));
    if (!commands.done_semaphore) return invalid("commands.done_semaphore is null");
    return commands;
}

}  // namespace sac::panel
