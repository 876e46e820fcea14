#pragma once
// Runs the command line program that was built beside the test, under the validation layer.

#include <string>
#include <vector>

namespace sac::test {

struct Finished {
    int code = -1;  ///< exit code; above 128: ended by a signal
    std::string out, err;
    std::vector<std::string> lines() const;  ///< of out
};

/// `program` is the name of one in the test's own folder; the arguments are quoted.
Finished run_program(const std::string &program, const std::vector<std::string> &arguments);

/// The same with a terminal for stderr: `err` is every byte that was sent to it.
Finished run_program_on_terminal(const std::string &program, const std::vector<std::string> &arguments);

/// saccade with validation on, so that any message of the layer makes it fail.
Finished saccade(const std::vector<std::string> &arguments);
Finished saccade_on_terminal(const std::vector<std::string> &arguments);

}  // namespace sac::test
