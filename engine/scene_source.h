#pragma once
// The built-in scene as a source of frames: without end, the same for the same seed.

#include "compute/vk/device.h"
#include "engine/io/source.h"

namespace sac::engine {

/// For SourceOptions::open_scene: opens scenes that are drawn on a device of their own, 640 x 480 and 30 frames a
/// second where nothing else is asked for. A message of the validation layer is an error of the source.
std::function<Result<std::unique_ptr<Source>>(uint64_t, const SourceOptions &)> scene_opener(
    vk::DeviceOptions device_options);

}  // namespace sac::engine
