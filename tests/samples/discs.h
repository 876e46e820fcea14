#pragma once
// A network that finds what foreign_host shows where it is given no picture.

#include <filesystem>

namespace sac::test {

/// Writes a model folder whose network finds discs of pure red, green and blue (labels of these names): how much more
/// of its color than of the others a window of 32 x 32 of its 160 x 120 pixels has, the middle counting most. The boxes
/// are all of one size, a fifth of the frame's width and a quarter of its height.
void write_disc_model(const std::filesystem::path &folder);

}  // namespace sac::test
