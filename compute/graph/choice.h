#pragma once
// Several kernels can do one node's work. Operators list them as candidates; what was measured on the device decides,
// and where nothing was, what the operator expects.

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "compute/base/result.h"

namespace sac {

/// One way to do a node's work.
struct KernelCandidate {
    std::string name;  ///< unique among a problem's candidates: what is kept on disk, and shown
    double cost = 0;   ///< expected time, in the same unit for all candidates of a problem: the least is taken
    std::function<Status()> plan;  ///< appends uploads and dispatches
};

/// The winners of measurements on one device: candidate by problem. A problem is a text that names all that the
/// time depends on: kernel family, shapes, storage type, epilogue.
using Tuning = std::map<std::string, std::string, std::less<>>;

/// What was chosen in a plan, for tuners and reports.
struct KernelChoice {
    size_t node = 0;  ///< index into the planned graph's nodes
    std::string problem;
    std::vector<std::string> candidates;
    size_t taken = 0;       ///< index into candidates
    bool measured = false;  ///< by a Tuning, not by expected cost
};

}  // namespace sac
