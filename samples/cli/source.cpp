#include "samples/cli/source.h"

#include <cstdio>
#include <tuple>

#include "compute/base/format.h"
#include "engine/scene_source.h"
#include "samples/cli/vision.h"

namespace sac::cli {

Status read_size(const Arguments &arguments, const std::string &option, uint32_t lowest, uint32_t highest,
                 uint32_t &width, uint32_t &height) {
    if (!arguments.has(option)) return {};
    const std::string text = arguments.text(option);
    const auto size = parse_size(text, lowest, highest);
    if (!size)
        return Error(Code::invalid_argument, format("%s wants WIDTHxHEIGHT from %ux%u to %ux%u, not '%s'",
                                                    option.c_str(), lowest, lowest, highest, highest, text.c_str()));
    std::tie(width, height) = *size;
    return {};
}

Result<engine::SourceOptions> read_source_options(const Arguments &arguments) {
    engine::SourceOptions options;
    SAC_TRY(read_size(arguments, "--source-size", 64, 4096, options.width, options.height));
    options.frame_rate = arguments.number("--source-fps", 0);
    options.turn.rotation = static_cast<uint32_t>(arguments.count("--rotate", 0));
    if (options.turn.rotation % 90 != 0)
        return Error(Code::invalid_argument, "--rotate wants 0, 90, 180 or 270, not " + arguments.text("--rotate"));
    options.turn.mirror = arguments.has("--mirror");
    vk::DeviceOptions device;
    device.which = arguments.text("--device");
    device.validation = validation_wanted();
    device.on_validation_message = [](const char *message) { std::fprintf(stderr, "saccade: %s\n", message); };
    options.open_scene = engine::scene_opener(device);
    return options;
}

}  // namespace sac::cli
