#include "plugins/vision/frame.h"

#include <cstring>

#include "plugins/vision/structs.h"

namespace sac::vision {
namespace {

Error wrong(std::string text) { return Error(Code::invalid_argument, std::move(text)); }

Status check_queue_family(uint32_t family, const ImageSupport &images) {
    if (family < images.queue_families || family == VK_QUEUE_FAMILY_IGNORED || family == VK_QUEUE_FAMILY_EXTERNAL)
        return {};
    if (family != VK_QUEUE_FAMILY_FOREIGN_EXT)
        return wrong(
            format("frame.image.queue_family is %u, the device has %u families", family, images.queue_families));
    if (images.foreign) return {};
    return wrong(
        "frame.image.queue_family is VK_QUEUE_FAMILY_FOREIGN_EXT, but device.enabled_extensions has no "
        "VK_EXT_queue_family_foreign");
}

Status read_image(const sac_frame &frame, const ImageSupport &images, sac_vk_image &image) {
    if (images.queue_families == 0)
        return Error(Code::unsupported,
                     "frame.image is set, but the context runs on a device of its own: images need the host's device");
    SAC_TRY(read_struct(frame.image, SAC_TYPE_VK_IMAGE, "frame.image", image));
    if (!image.image) return wrong("frame.image.image is null");
    switch (image.format) {
        case VK_FORMAT_R8G8B8A8_UNORM:
        case VK_FORMAT_R8G8B8A8_SRGB:
        case VK_FORMAT_B8G8R8A8_UNORM:
        case VK_FORMAT_B8G8R8A8_SRGB: break;
        default:
            return Error(
                Code::unsupported,
                format("frame.image.format is %u; R8G8B8A8 and B8G8R8A8, _UNORM and _SRGB, can be read", image.format));
    }
    if (image.layout_in == VK_IMAGE_LAYOUT_UNDEFINED || image.layout_in == VK_IMAGE_LAYOUT_PREINITIALIZED)
        return wrong(format("frame.image.layout_in is %u, in which an image has no contents", image.layout_in));
    if (image.layout_out == VK_IMAGE_LAYOUT_PREINITIALIZED)
        return wrong("frame.image.layout_out is VK_IMAGE_LAYOUT_PREINITIALIZED, to which nothing can change");
    if (!image.layout_out) image.layout_out = image.layout_in;
    SAC_TRY(check_queue_family(image.queue_family, images));
    if (image.wait_semaphore && image.wait_semaphore == image.signal_semaphore &&
        image.signal_value <= image.wait_value)
        return wrong(format("frame.image.signal_value is %llu, not above wait_value %llu of the same semaphore",
                            static_cast<unsigned long long>(image.signal_value),
                            static_cast<unsigned long long>(image.wait_value)));
    return {};
}

Status read_planes(const sac_frame &frame, FrameLayout &layout) {
    if (frame.format < SAC_FORMAT_RGB8 || frame.format > SAC_FORMAT_YUYV)
        return wrong(format("frame.format is %u, which is none of SAC_FORMAT_...", frame.format));
    if (frame.color > SAC_COLOR_BT709_FULL)
        return wrong(format("frame.color is %u, which is none of SAC_COLOR_...", frame.color));
    layout.format = static_cast<PixelFormat>(frame.format);
    layout.color = static_cast<YuvColor>(frame.color);
    for (uint32_t plane = 0; plane < layout.plane_count(); ++plane) {
        if (!frame.planes[plane]) return wrong(format("frame.planes[%u] is null", plane));
        const uint64_t least = layout.row_bytes(plane);
        if (frame.strides[plane] < least)
            return wrong(format("frame.strides[%u] is %u, a row of %u pixels takes %llu bytes", plane,
                                frame.strides[plane], frame.width, static_cast<unsigned long long>(least)));
        layout.stride[plane] = frame.strides[plane];
    }
    return {};
}

}  // namespace

Status read_frame(const sac_frame *given, const ImageSupport &images, Frame &frame) {
    SAC_TRY(read_struct(given, SAC_TYPE_FRAME, "frame", frame.host));
    const sac_frame &host = frame.host;
    if (host.width == 0 || host.height == 0 || host.width > SAC_MAX_FRAME_SIZE || host.height > SAC_MAX_FRAME_SIZE)
        return wrong(format("frame.width x height is %u x %u; 1 to %u pixels each are allowed", host.width, host.height,
                            SAC_MAX_FRAME_SIZE));
    if (host.rotation != 0 && host.rotation != 90 && host.rotation != 180 && host.rotation != 270)
        return wrong(format("frame.rotation is %u; 0, 90, 180 and 270 are allowed", host.rotation));
    if (host.mirror > 1) return wrong(format("frame.mirror is %u; 0 and 1 are allowed", host.mirror));
    frame.layout = {};
    frame.layout.width = host.width;
    frame.layout.height = host.height;
    frame.layout.rotation = host.rotation;
    frame.layout.mirror = host.mirror != 0;
    frame.is_image = host.image != nullptr;
    if (frame.is_image) {
        SAC_TRY(read_image(host, images, frame.image));
        frame.host.image = nullptr;
        return {};
    }
    return read_planes(host, frame.layout);
}

FrameLayout staging_layout(const FrameLayout &frame) {
    FrameLayout staging = frame;
    uint64_t end = 0;
    for (uint32_t plane = 0; plane < frame.plane_count(); ++plane) {
        staging.plane_offset[plane] = end;
        staging.stride[plane] = static_cast<uint32_t>(frame.row_bytes(plane));
        end += frame.row_bytes(plane) * frame.rows(plane);
        end = (end + 15) / 16 * 16;
    }
    return staging;
}

void copy_planes(const Frame &frame, const FrameLayout &staging, std::byte *to) {
    for (uint32_t plane = 0; plane < staging.plane_count(); ++plane) {
        const auto *from = static_cast<const std::byte *>(frame.host.planes[plane]);
        std::byte *into = to + staging.plane_offset[plane];
        const size_t row = staging.row_bytes(plane), rows = staging.rows(plane);
        const size_t stride = frame.layout.stride[plane];
        if (stride == row) {
            std::memcpy(into, from, row * rows);
        } else {
            for (size_t y = 0; y < rows; ++y) std::memcpy(into + y * row, from + y * stride, row);
        }
    }
}

}  // namespace sac::vision
