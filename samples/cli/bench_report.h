#pragma once
// What `saccade bench` measured, as a table and as JSON.

#include <optional>
#include <string>
#include <vector>

#include "samples/cli/network.h"
#include "samples/networks/networks.h"

namespace sac::cli {

/// One network's figures. Times are milliseconds.
struct BenchResult {
    std::string name;
    const NetworkEntry *entry = nullptr;  ///< null: a file of the user's
    std::vector<double> runs;             ///< from submit to done
    std::vector<double> theirs;           ///< the other program's medians, one a round
    std::vector<sac_dispatch_info> kernels = {};
    double cold_ms = 0, warm_ms = 0;  ///< 0: not measured
    sac_network_info info = {};
    ChoiceCount choices = {};

    double multiply_adds() const { return info.flops / 2; }
    double gflops() const;         ///< a second, in the median run; two a multiply-add, none for padding
    double times_as_fast() const;  ///< as the other program; 0: not measured
};

/// Over the networks that the other program ran too; nothing if there are none.
struct BenchSummary {
    size_t networks = 0;
    double geometric_mean = 0;
    std::string slowest;  ///< the least of the ratios
    double slowest_ratio = 0;
};
std::optional<BenchSummary> summarise(const std::vector<BenchResult> &list);

/// The table's columns that are not always there.
struct BenchColumns {
    bool loads = false, against = false;
};
void print_bench_header(const BenchColumns &columns);
void print_bench_row(const BenchResult &result, const BenchColumns &columns);
void print_bench_summary(const BenchSummary &summary);
/// GPU time of each dispatch, the longest first.
void print_bench_kernels(const BenchResult &result);

/// One line each.
std::string bench_json(const BenchResult &result, const std::string &device);
std::string bench_json(const BenchSummary &summary);

}  // namespace sac::cli
