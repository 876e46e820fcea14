#pragma once
// Measures the candidates of a network's kernels on its device, and says which win (compute/graph/choice.h). Nothing
// else in compute measures: a caller asks for it, and keeps the winners.

#include "compute/session.h"

namespace sac {

struct TunerProgress {
    size_t done = 0, total = 0;  ///< plans that were measured, of those that will be at most
    double seconds_left = 0;     ///< by those that are done; 0: not known yet
};

struct TunerOptions {
    int passes = 2;            ///< over the candidates; later ones only over those that were near the best
    int runs = 8;              ///< of a plan, at most; one more warms up
    double plan_seconds = 1;   ///< after that no further run of a plan is begun
    double seconds = 600;      ///< after that the tuner stops
    double least_gain = 0.03;  ///< share of its time by which a winner must beat the expected candidate: less is noise
    /// Called after each run; false: stop with what is known. May be null.
    std::function<bool(const TunerProgress &)> progress;
};

/// What was found out about a problem of two candidates or more.
struct TunedProblem {
    struct Measured {
        std::string name;
        double nanoseconds = 0;  ///< median of a plan's runs, the least of the plans; 0: not measured, or cannot be had
    };
    std::string problem;
    size_t nodes = 0;  ///< that have it: the times are their mean
    std::vector<Measured> candidates;
    size_t expected = 0, winner = 0;  ///< indices: by cost, and by time
};

struct TunerReport {
    std::vector<TunedProblem> problems;  ///< in the order of the plan
    bool stopped = false;  ///< before all was measured and compared: winners have won by a wide gain, uncompared
    /// The network from submit to done, by expected candidates and by winners: medians of alternating runs. 0: not
    /// measured.
    double expected_ns = 0, tuned_ns = 0;

    /// Of the problems of which two candidates were measured; where the tuner was stopped, of those alone that another
    /// candidate than the expected one has won: what an earlier run has found out about the rest still holds.
    Tuning winners() const;
};

/// Measures plan after plan of the network, each with other candidates, with random inputs; then the plan of the
/// winners against the expected one, run by run in turns: a problem whose winner does not win there keeps the expected
/// candidate. A candidate with which no plan can be loaded (memory) is left out. Takes `options.seconds` and the rest
/// of a plan at most; holds two sessions at a time at the end. On devices without timestamps, and in the minimum
/// profile, wall clock round each node's submission takes their place. `graph` is as import gives it; `options.tuning`
/// and `profile` are ignored. Error: the network cannot be loaded, or the device was lost.
Result<TunerReport> tune(Runtime &runtime, const Graph &graph, const SessionOptions &options,
                         const TunerOptions &tuner);

}  // namespace sac
