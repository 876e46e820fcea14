#pragma once
// Pictures that the engine's tests draw and compare.

#include <string>

#include "engine/io/image.h"
#include "plugins/overlay/overlay.h"

namespace sac::test {

/// A smooth gradient with a checkerboard in it: every pixel differs from its neighbours.
engine::Image pattern(uint32_t width, uint32_t height);

/// The same color everywhere.
engine::Image flat(uint32_t width, uint32_t height, uint8_t red, uint8_t green, uint8_t blue);

engine::Frame frame_of(const engine::Image &image);

/// Two overlapping boxes with labels and a status line.
overlay::Overlay sample_overlay(float width, float height);

/// The largest difference of any color of any pixel; 256 if the sizes differ.
int largest_difference(const engine::Image &a, const engine::Image &b);

/// Compares with tests/golden/<name>.png: no color of any pixel may differ by more than `tolerance`. With
/// SACCADE_UPDATE_GOLDENS=1 in the environment the file is written instead (look at it before committing). What was
/// drawn is kept in the build folder when it differs.
void expect_golden(const engine::Image &image, const std::string &name, int tolerance);

}  // namespace sac::test
