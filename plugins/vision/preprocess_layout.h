#pragma once
// How frames lie and turn: what preprocess.cpp and preprocess_layout.cpp share.

#include "plugins/vision/preprocess.h"

namespace sac {

inline bool is_yuv(PixelFormat format) { return format >= PixelFormat::nv12; }
inline uint32_t packed_step(PixelFormat format) { return format == PixelFormat::rgb ? 3 : 4; }

/// Error invalid_argument "frame: <text>".
Error bad_frame(std::string text);
/// Checks width, height and rotation.
Status check_size(const FrameLayout &frame);

uint32_t upright_width(const FrameLayout &frame);
uint32_t upright_height(const FrameLayout &frame);

/// From upright to stored pixels: first x and y run backwards where told, then they change places where told. The
/// picture is mirrored after it is turned, so on the way back the mirror comes first.
struct Turn {
    bool swap, flip_x, flip_y;
};
Turn turn_of(const FrameLayout &frame);

}  // namespace sac
