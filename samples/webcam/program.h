#pragma once
// The program behind the command line of webcam.

#include "samples/cli/arguments.h"

namespace sac::webcam {

/// Runs until the window is closed or as many answers came as were asked for. [thread] main.
Status run(const cli::Arguments &arguments);

}  // namespace sac::webcam
