#pragma once
// Datasets of scenes: pictures or clips with everything that is true of them, in COCO's format.

#include <functional>
#include <string>

#include "compute/vk/device.h"
#include "compute/vk/memory.h"

namespace sac::engine {

struct DatasetOptions {
    std::string folder;
    uint64_t count = 1, seed = 1;  ///< pictures or clips; item i is made from the seed and i alone
    uint32_t width = 320, height = 240;
    bool clips = false;
    uint32_t frames = 90;  ///< of a clip
    uint32_t fps = 15;
};

/// Writes a dataset; README.md tells its files. Each file appears whole or not at all. An interrupted one is gone on
/// with when called again with the same options; a whole one is left as it is. `progress` is called with the items
/// done. Errors: invalid_state, the folder holds something else; io_error, a file cannot be written (a full disk). What
/// was written stays.
Status write_dataset(vk::Device &device, vk::Memory &memory, const DatasetOptions &options,
                     const std::function<void(uint64_t)> &progress);

/// The seed of an item of a dataset, which Scene and make_clear_scene take.
uint64_t dataset_scene_seed(uint64_t dataset_seed, uint64_t item);

}  // namespace sac::engine
