// webcam: live vision in a window, with the debug panel beside it. Exit codes: 0 done, 1 failed, 2 wrongly called.
#include <cstdio>
#include <cstring>

#include "samples/cli/models.h"
#include "samples/cli/source.h"
#include "samples/webcam/program.h"

namespace {

using namespace sac;
using cli::Option;

constexpr auto options = cli::with_source_options(cli::with_model_options({
    {"--track", nullptr, "follow objects from frame to frame", Option::Kind::flag},
    {"--budget", "MS", "the panel's budget line, milliseconds", Option::Kind::number, 0, 1000},
    {"--size", "WxH", "size of the window (default: 1280x800)", cli::Option::Kind::size, 320, 16384},
    {"--full-screen", nullptr, "cover the screen (F11 changes it)", Option::Kind::flag},
    {"--no-panel", nullptr, "begin without the panel (F1 shows it)", Option::Kind::flag},
    {"--part", "NAME", "of the panel to begin with: Overview, Detection, Timing, Network, Memory or Presets"},
    {"--presets", "DIR", "where the panel keeps presets (default: the working directory)"},
    {"--frames", "N", "end after N answers, without a window if there is --out", Option::Kind::count, 1, 1e9},
    {"--out", "FILE", "save the last annotated frame (.png, .jpg); with --frames no window is opened"},
    {"--screenshot", "FILE", "save what the window shows at the end (.png, .jpg)"},
}));

void print_help() {
    std::printf(
        "webcam [options] [SOURCE...]: live vision in a window, with the debug panel beside it.\n"
        "The first source is shown first; the panel changes between them, the camera, the screen and the "
        "scene.\nF1: the panel. F11: full screen. Escape or q: the end.\n" SACCADE_SOURCE_HELP "\nOptions:\n");
    for (const Option &option : options) {
        const std::string left = std::string(option.name) + (option.value ? std::string(" ") + option.value : "");
        std::printf("  %-22s  %s\n", left.c_str(), option.help);
    }
}

}  // namespace

int main(int argc, char **argv) {
    const std::span<const char *const> words(argv + 1, static_cast<size_t>(argc - 1));
    for (const char *word : words) {
        if (std::strcmp(word, "--help") != 0 && std::strcmp(word, "-h") != 0) continue;
        print_help();
        return 0;
    }
    const auto arguments = cli::Arguments::parse(words, options, 0, SIZE_MAX);
    if (!arguments) {
        std::fprintf(stderr, "webcam: %s\n", arguments.error().message.c_str());
        return 2;
    }
    const Status status = webcam::run(*arguments);
    if (status.ok()) return 0;
    std::fprintf(stderr, "webcam: %s\n", status.error().message.c_str());
    return 1;
}
