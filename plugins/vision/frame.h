#pragma once
// A frame as the host hands it over: checked, and copied into what the frame thread works on.

#include "plugins/vision/preprocess.h"
#include "plugins/vision/saccade.h"

namespace sac::vision {

/// A frame that was accepted. Copying it copies no pixels.
struct Frame {
    sac_frame host = {};      ///< as given; `image` points nowhere, see below
    sac_vk_image image = {};  ///< if is_image
    bool is_image = false;
    FrameLayout layout;  ///< of the host's planes, plane_offset unused; of an image: size, rotation and mirror
    uint64_t submitted_ns = 0;

    bool is_srgb() const {
        return is_image && (image.format == VK_FORMAT_R8G8B8A8_SRGB || image.format == VK_FORMAT_B8G8R8A8_SRGB);
    }

    /// Hands planes or image back to the host. Once for each accepted frame.
    void release() const {
        if (host.release) host.release(host.release_user, host.cookie);
    }
};

/// What images a context can be given.
struct ImageSupport {
    uint32_t queue_families = 0;  ///< of the host's device; 0: a device of our own, which no image of a host's is on
    bool foreign = false;         ///< VK_EXT_queue_family_foreign is enabled
};

/// Checks every field. Error: the sentence names the field.
Status read_frame(const sac_frame *given, const ImageSupport &images, Frame &frame);

/// How the planes lie in a staging buffer: rows without padding, planes at multiples of 16 bytes.
FrameLayout staging_layout(const FrameLayout &frame);

/// Copies the planes into `to`, which lies as staging_layout says.
void copy_planes(const Frame &frame, const FrameLayout &staging, std::byte *to);

}  // namespace sac::vision
