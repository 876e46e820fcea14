#pragma once
// What a command is, and the list of them.

#include "samples/cli/arguments.h"

namespace sac::cli {

/// One command of the program. `run` writes results to stdout and everything else to stderr; an error becomes exit code
/// 1 with its sentence.
struct Command {
    const char *name;
    const char *usage;  ///< what comes after the name: "[options] SOURCE..."
    const char *summary;
    const char *text;  ///< more for --help
    std::span<const Option> options;
    size_t fewest, most;  ///< arguments that are no options
    Status (*run)(const Arguments &);
    /// What the table of options cannot say; null: nothing. An error is a wrong call, exit code 2.
    Status (*check)(const Arguments &) = nullptr;
};

extern const Command detect_command, view_command, inspect_command, bench_command, devices_command, sources_command,
    run_command, scene_command, score_command, pacing_command, tune_command;

}  // namespace sac::cli
