#include "samples/cli/bench_report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include <nlohmann/json.hpp>

#include "samples/cli/statistics.h"

namespace sac::cli {

double BenchResult::gflops() const { return runs.empty() ? 0 : info.flops / 1e6 / median(runs); }

double BenchResult::times_as_fast() const { return runs.empty() || theirs.empty() ? 0 : median(theirs) / median(runs); }

std::optional<BenchSummary> summarise(const std::vector<BenchResult> &list) {
    BenchSummary summary;
    double logarithms = 0;
    for (const BenchResult &result : list) {
        const double ratio = result.times_as_fast();
        if (ratio <= 0) continue;
        logarithms += std::log(ratio);
        if (summary.networks++ == 0 || ratio < summary.slowest_ratio) {
            summary.slowest = result.name;
            summary.slowest_ratio = ratio;
        }
    }
    if (summary.networks == 0) return std::nullopt;
    summary.geometric_mean = std::exp(logarithms / static_cast<double>(summary.networks));
    return summary;
}

static double mebibytes(uint64_t bytes) { return static_cast<double>(bytes) / (1 << 20); }

void print_bench_header(const BenchColumns &columns) {
    std::printf("%-21s %9s %9s %8s %6s %9s %8s", "", "median ms", "p99 ms", "GFLOP/s", "disp.", "act. MiB", "weights");
    if (columns.loads) std::printf(" %8s %8s", "cold ms", "warm ms");
    std::printf(" %8s", "MMAC");
    if (columns.against) std::printf(" %8s %9s %7s", "ncnn's", "ncnn ms", "faster");
    std::printf("\n");
}

void print_bench_row(const BenchResult &r, const BenchColumns &columns) {
    std::printf("%-21s %9.2f %9.2f %8.1f %6u %9.1f %8.1f", r.name.c_str(), median(r.runs), percentile(r.runs, 0.99),
                r.gflops(), r.info.dispatch_count, mebibytes(r.info.arena_bytes), mebibytes(r.info.weight_bytes));
    if (columns.loads) std::printf(" %8.0f %8.0f", r.cold_ms, r.warm_ms);
    std::printf(" %8.1f", r.multiply_adds() / 1e6);
    if (columns.against && r.entry && r.entry->multiply_adds > 0) std::printf(" %8.1f", r.entry->multiply_adds / 1e6);
    if (!r.theirs.empty()) std::printf(" %9.2f %6.2fx", median(r.theirs), r.times_as_fast());
    if (r.choices.measured) std::printf("  %s", r.choices.text().c_str());
    std::printf("\n");
    std::fflush(stdout);
}

void print_bench_summary(const BenchSummary &summary) {
    std::printf("%zu networks against ncnn: %.2f times as fast in the geometric mean; the least is %s with %.2f\n",
                summary.networks, summary.geometric_mean, summary.slowest.c_str(), summary.slowest_ratio);
}

void print_bench_kernels(const BenchResult &r) {
    std::vector<sac_dispatch_info> sorted = r.kernels;
    std::sort(sorted.begin(), sorted.end(),
              [](const auto &a, const auto &b) { return a.microseconds > b.microseconds; });
    double total = 0;
    for (const sac_dispatch_info &k : sorted) total += k.microseconds;
    std::printf("\n%s: %.2f ms in %zu dispatches\n", r.name.c_str(), total / 1000, sorted.size());
    for (const sac_dispatch_info &k : sorted)
        std::printf("  %8.1f us %5.1f%%  %6.1f GFLOP/s  %-16.16s %-30.30s %s\n", k.microseconds,
                    total > 0 ? 100 * k.microseconds / total : 0,
                    k.microseconds > 0 ? k.flops / 1e3 / k.microseconds : 0, k.operation, k.kernel, k.node);
}

static std::string text_of(const nlohmann::ordered_json &line) {
    return line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string bench_json(const BenchResult &r, const std::string &device) {
    nlohmann::ordered_json line = {{"network", r.name},
                                   {"device", device},
                                   {"runs", r.runs.size()},
                                   {"median_ms", median(r.runs)},
                                   {"p99_ms", percentile(r.runs, 0.99)},
                                   {"min_ms", percentile(r.runs, 0)},
                                   {"dispatches", r.info.dispatch_count},
                                   {"multiply_adds", r.multiply_adds()},
                                   {"gflops", r.gflops()},
                                   {"activation_bytes", r.info.arena_bytes},
                                   {"live_set_bytes", r.info.live_set_bytes},
                                   {"weight_bytes", r.info.weight_bytes}};
    if (r.choices.measured) {
        line["choices_measured"] = r.choices.measured;
        line["choices"] = r.choices.all;
    }
    if (r.cold_ms > 0) line["load_cold_ms"] = r.cold_ms;
    if (r.warm_ms > 0) line["load_warm_ms"] = r.warm_ms;
    if (!r.theirs.empty()) {
        line["ncnn_multiply_adds"] = r.entry->multiply_adds;
        line["ncnn_ms"] = median(r.theirs);
        line["times_as_fast"] = r.times_as_fast();
    }
    for (const sac_dispatch_info &k : r.kernels)
        line["kernels"].push_back({{"node", k.node},
                                   {"operation", k.operation},
                                   {"kernel", k.kernel},
                                   {"us", k.microseconds},
                                   {"mflop", k.flops / 1e6}});
    return text_of(line);
}

std::string bench_json(const BenchSummary &summary) {
    return text_of({{"networks", summary.networks},
                    {"geometric_mean", summary.geometric_mean},
                    {"slowest", summary.slowest},
                    {"slowest_times_as_fast", summary.slowest_ratio}});
}

}  // namespace sac::cli
