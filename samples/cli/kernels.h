#pragma once
// Each node of a network with the kernel that was chosen for it, and how fast that is beside what the device can do.

#include "samples/cli/network.h"

namespace sac::cli {

struct KernelReport {
    struct Row {
        sac_node_info node = {};        ///< `microseconds` is the median of the runs; 0: the device has no timestamps
        std::string kernel;             ///< of its first dispatch; empty: it has none
        double share = 0;               ///< of all nodes' time
        double gflops = 0, gbytes = 0;  ///< a second
        double of_ceiling = 0;          ///< the larger of its shares of the device's best speeds
        /// "24x8", or the kernel where there was nothing to choose from.
        std::string variant() const { return *node.candidate ? node.candidate : kernel; }
    };
    std::string network, device;
    sac_ceiling ceiling = {};
    ChoiceCount choices;
    double total_us = 0;
    std::vector<Row> rows;  ///< nodes that have dispatches, in order
};

/// Measures the device's ceiling, then runs the network a dozen times. Tells on stderr, if that lasts.
Result<KernelReport> measure_kernels(const Vision &vision, const NetworkOptions &options);

/// A table on stdout.
void print_kernels(const KernelReport &report);
std::string kernels_json(const KernelReport &report);  ///< in one line

}  // namespace sac::cli
