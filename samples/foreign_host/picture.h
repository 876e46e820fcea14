#pragma once
// Pictures in CPU memory: PNG files, and two that are made.

#include <cstdint>
#include <string>
#include <vector>

struct Picture {
    uint32_t width = 0, height = 0;
    std::vector<uint8_t> rgba;  ///< rows from the top, 4 bytes a pixel
};

/// Throw a HostError that names the file.
Picture load_png(const std::string &path);
void save_png(const std::string &path, const Picture &picture);

/// The same picture, halved until neither side is above `most` pixels, so that sampling it need not skip pixels.
Picture reduced(Picture picture, uint32_t most);

/// What is looked at where no file is given: a red, a green and a blue disc on a card.
Picture test_card();
/// What is behind it: dark tiles.
Picture tiles();
