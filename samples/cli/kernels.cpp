#include "samples/cli/kernels.h"

#include <algorithm>
#include <cstdio>

#include <nlohmann/json.hpp>

#include "samples/cli/progress.h"
#include "samples/cli/statistics.h"

namespace sac::cli {

namespace {

constexpr int runs = 14;  // of which two warm up

Result<sac_ceiling> measure_ceiling(const Vision &vision, bool half) {
    SAC_ASSIGN(const sac_debug_api *debug, vision.debug());
    const Waiting waiting("measuring what the device can do");
    sac_ceiling ceiling = {};
    ceiling.type = SAC_TYPE_CEILING;
    ceiling.size = sizeof ceiling;
    const uint32_t flags = half ? uint32_t{SAC_MODEL_FP16} : 0u;
    SAC_TRY(vision.check(debug->measure_ceiling(vision.context(), flags, &ceiling)));
    return ceiling;
}

void rate(KernelReport::Row &row, const KernelReport &report) {
    const double microseconds = row.node.microseconds;
    if (microseconds <= 0) return;
    const auto bytes = static_cast<double>(row.node.read_bytes + row.node.write_bytes);
    row.share = microseconds / report.total_us;
    row.gflops = row.node.flops / 1e3 / microseconds;
    row.gbytes = bytes / 1e3 / microseconds;
    if (report.ceiling.gflops > 0) row.of_ceiling = row.gflops / report.ceiling.gflops;
    if (report.ceiling.gbytes > 0) row.of_ceiling = std::max(row.of_ceiling, row.gbytes / report.ceiling.gbytes);
}

const char *how_chosen(const sac_node_info &node) {
    return node.candidate_count < 2 ? "" : node.is_measured ? "measured" : "expected";
}

}  // namespace

Result<KernelReport> measure_kernels(const Vision &vision, const NetworkOptions &options) {
    KernelReport report;
    report.network = options.path;
    report.device = vision.info().device_name;
    SAC_ASSIGN(report.ceiling, measure_ceiling(vision, options.half));
    NetworkOptions profiled = options;
    profiled.profile = true;
    SAC_ASSIGN(const Network network, Network::open(vision, profiled));
    std::vector<std::vector<double>> times(network.info().node_count);
    Progress progress("timing kernels", runs);
    for (int i = 0; i < runs; ++i) {
        SAC_TRY(network.run());
        progress.advance();
        if (i < 2) continue;
        SAC_ASSIGN(const std::vector<sac_node_info> nodes, network.nodes());
        for (size_t n = 0; n < nodes.size(); ++n) times[n].push_back(nodes[n].microseconds);
    }
    SAC_ASSIGN(const std::vector<sac_node_info> nodes, network.nodes());
    SAC_ASSIGN(const std::vector<sac_dispatch_info> dispatches, network.dispatches());
    for (size_t n = 0; n < nodes.size(); ++n) {
        report.choices.add(nodes[n]);
        if (nodes[n].dispatch_count == 0) continue;
        KernelReport::Row row;
        row.node = nodes[n];
        row.node.microseconds = median(times[n]);
        row.kernel = dispatches[nodes[n].first_dispatch].kernel;
        report.total_us += row.node.microseconds;
        report.rows.push_back(std::move(row));
    }
    for (KernelReport::Row &row : report.rows) rate(row, report);
    return report;
}

void print_kernels(const KernelReport &report) {
    std::printf("%s on %s\n", report.network.c_str(), report.device.c_str());
    std::printf("%zu nodes in %.2f ms; the device reaches %.1f GFLOP/s and %.1f GB/s\n%s\n", report.rows.size(),
                report.total_us / 1000, report.ceiling.gflops, report.ceiling.gbytes,
                report.choices.measured ? (report.choices.text() + "\n").c_str() : "");
    std::printf("%-28s %-16s %-26s %-8s %9s %6s %8s %7s %8s\n", "node", "operation", "kernel", "chosen", "us", "share",
                "GFLOP/s", "GB/s", "ceiling");
    for (const KernelReport::Row &row : report.rows)
        std::printf("%-28.28s %-16.16s %-26.26s %-8s %9.1f %5.1f%% %8.1f %7.2f %7.0f%%\n", row.node.node,
                    row.node.operation, row.variant().c_str(), how_chosen(row.node), row.node.microseconds,
                    100 * row.share, row.gflops, row.gbytes, 100 * row.of_ceiling);
    if (report.rows.empty())
        std::printf("\nThe network has no dispatches: there is nothing to time.\n");
    else if (report.total_us <= 0)
        std::printf("\nThe device has no timestamps: there are no times.\n");
}

std::string kernels_json(const KernelReport &report) {
    nlohmann::ordered_json json = {{"network", report.network},
                                   {"device", report.device},
                                   {"ceiling_gflops", report.ceiling.gflops},
                                   {"ceiling_gbytes", report.ceiling.gbytes},
                                   {"total_us", report.total_us}};
    if (report.choices.measured) {
        json["choices_measured"] = report.choices.measured;
        json["choices"] = report.choices.all;
    }
    json["nodes"] = nlohmann::ordered_json::array();
    for (const KernelReport::Row &row : report.rows) {
        nlohmann::ordered_json node = {{"node", row.node.node},       {"operation", row.node.operation},
                                       {"kernel", row.kernel},        {"dispatches", row.node.dispatch_count},
                                       {"us", row.node.microseconds}, {"gflops", row.gflops},
                                       {"gbytes", row.gbytes},        {"of_ceiling", row.of_ceiling}};
        if (*row.node.problem) {
            node["problem"] = row.node.problem;
            node["candidate"] = row.node.candidate;
            node["candidates"] = row.node.candidate_count;
            node["measured"] = row.node.is_measured != 0;
        }
        json["nodes"].push_back(std::move(node));
    }
    return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace sac::cli
