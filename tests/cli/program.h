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
/// With `sign` Ctrl-C is pressed once that has come.
Finished run_program_on_terminal(const std::string &program, const std::vector<std::string> &arguments,
                                 const std::string &sign = {});

/// saccade with validation on, so that any message of the layer makes it fail.
Finished saccade(const std::vector<std::string> &arguments);
Finished saccade_on_terminal(const std::vector<std::string> &arguments);
/// On a terminal on which Ctrl-C is pressed once `sign` was written to it.
Finished saccade_interrupted(const std::vector<std::string> &arguments, const std::string &sign);

}  // namespace sac::test
