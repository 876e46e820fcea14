#include "samples/cli/statistics.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace sac::cli {

double percentile(std::vector<double> values, double p) {
    if (values.empty()) return 0;
    std::sort(values.begin(), values.end());
    const double at = p * static_cast<double>(values.size() - 1);
    const size_t below = static_cast<size_t>(at), above = std::min(below + 1, values.size() - 1);
    return values[below] + (at - std::floor(at)) * (values[above] - values[below]);
}

std::optional<BenchncnnLine> parse_benchncnn(const std::string &line) {
    char name[128] = {};
    BenchncnnLine parsed;
    if (std::sscanf(line.c_str(), " %127s min = %lf max = %lf avg = %lf", name, &parsed.least, &parsed.most,
                    &parsed.average) != 4)
        return std::nullopt;
    parsed.name = name;
    return parsed;
}

}  // namespace sac::cli
