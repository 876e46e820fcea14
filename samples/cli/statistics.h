#pragma once
// Medians and such, and what another program's benchmark printed.

#include <optional>
#include <string>
#include <vector>

namespace sac::cli {

/// The value below which the share `p` (0 to 1) of the values lies, interpolated; 0 of nothing.
double percentile(std::vector<double> values, double p);

inline double median(const std::vector<double> &values) { return percentile(values, 0.5); }

/// Milliseconds in a line of benchncnn: "  FastestDet  min =   96.60  max =  101.79  avg =   98.61".
struct BenchncnnLine {
    std::string name;
    double least = 0, most = 0, average = 0;
};
std::optional<BenchncnnLine> parse_benchncnn(const std::string &line);

}  // namespace sac::cli
