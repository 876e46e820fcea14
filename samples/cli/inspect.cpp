// saccade inspect: what a network becomes on a device.
#include <algorithm>
#include <cstdio>

#include "compute/base/format.h"
#include "samples/cli/command.h"
#include "samples/cli/kernels.h"
#include "samples/cli/models.h"
#include "samples/cli/network.h"

namespace sac::cli {

namespace {

constexpr Option options[] = {
    dim_option,
    half_option,
    device_option,
    {"--plan", nullptr, "the whole plan: dispatches with the memory they read and write", Option::Kind::flag},
    {"--times", nullptr, "run it once and show each dispatch's GPU time", Option::Kind::flag},
    {"--kernels", nullptr, "each node's kernel, how it was chosen, and how near it comes to what the device can do",
     Option::Kind::flag},
    {"--json", nullptr, "with --kernels: one line of JSON", Option::Kind::flag},
};

double mebibytes(uint64_t bytes) { return static_cast<double>(bytes) / (1 << 20); }

Status check(const Arguments &arguments) {
    if (arguments.has("--json") && !arguments.has("--kernels"))
        return Error(Code::invalid_argument, "--json is for --kernels");
    return {};
}

Status run(const Arguments &arguments) {
    NetworkOptions wanted;
    wanted.path = arguments.others()[0];
    wanted.dimensions = arguments.all("--dim");
    wanted.half = arguments.has("--half");
    wanted.profile = arguments.has("--times");
    SAC_ASSIGN(const std::unique_ptr<Vision> vision, Vision::create(arguments.text("--device")));
    if (arguments.has("--kernels")) {
        SAC_ASSIGN(const KernelReport report, measure_kernels(*vision, wanted));
        if (arguments.has("--json"))
            std::printf("%s\n", kernels_json(report).c_str());
        else
            print_kernels(report);
        return vision->validation_status();
    }
    SAC_ASSIGN(const Network network, Network::open(*vision, wanted));
    if (wanted.profile) {
        SAC_TRY(network.run());  // the first run may still compile
        SAC_TRY(network.run());
    }
    const sac_network_info &info = network.info();
    SAC_ASSIGN(const std::vector<sac_tensor_info> tensors, network.tensors());
    SAC_ASSIGN(const std::vector<sac_dispatch_info> dispatches, network.dispatches());
    SAC_ASSIGN(const ChoiceCount choices, network.choices());

    std::printf("%s on %s\n", wanted.path.c_str(), vision->info().device_name);
    for (size_t i = 0; i < tensors.size(); ++i)
        std::printf("  %-6s  %s %s\n", i < info.input_count ? "input" : "output", tensors[i].name,
                    shape_text(tensors[i]).c_str());
    std::printf("  %u nodes after fusion, %u dispatches, %u barriers, %.1f MFLOP\n", info.node_count,
                info.dispatch_count, info.barrier_count, info.flops / 1e6);
    std::printf("  weights %.2f MiB, activations %.2f MiB in one arena (lower bound: %.2f MiB live at one time)\n",
                mebibytes(info.weight_bytes), mebibytes(info.arena_bytes), mebibytes(info.live_set_bytes));
    std::printf("  ready in %.0f ms\n%s\n", info.load_ms,
                choices.measured ? ("  " + choices.text() + "\n").c_str() : "");
    if (arguments.has("--plan")) {
        SAC_ASSIGN(const std::string text, network.describe());
        std::printf("%s", text.c_str());
        return vision->validation_status();
    }
    std::printf("%4s  %-28s %-18s %-30s %14s %9s%s\n", "", "node", "operation", "kernel", "groups", "MFLOP",
                wanted.profile ? "        us   share" : "");
    double total = 0;
    for (const sac_dispatch_info &d : dispatches) total += d.microseconds;
    for (size_t i = 0; i < dispatches.size(); ++i) {
        const sac_dispatch_info &d = dispatches[i];
        const std::string groups = format("%ux%ux%u", d.groups[0], d.groups[1], d.groups[2]);
        std::printf("%4zu%c %-28.28s %-18.18s %-30.30s %14s %9.2f", i, d.barrier ? '|' : ' ', d.node, d.operation,
                    d.kernel, groups.c_str(), d.flops / 1e6);
        if (wanted.profile)
            std::printf(" %9.1f  %5.1f%%", d.microseconds, total > 0 ? 100 * d.microseconds / total : 0);
        std::printf("\n");
    }
    std::printf("\n| after the number: the dispatch waits for those before it.\n");
    return vision->validation_status();
}

}  // namespace

const Command inspect_command = {"inspect",
                                 "[options] MODEL.onnx|DIR",
                                 "shows what a network becomes on the device",
                                 "Inputs and outputs, the graph after fusion, the kernel of each dispatch, and the "
                                 "memory. With --kernels each node's\n"
                                 "time, speed, and share of the device's ceiling: of multiply-adds or of memory, "
                                 "whichever it is nearer to. Both are\n"
                                 "measured at once before it. A share above 100% is a kernel that needs fewer "
                                 "multiply-adds than the operator has,\n"
                                 "or one whose tensors lie in the device's cache: the memory's ceiling is that beyond "
                                 "the cache. Leading dimensions\n"
                                 "without a size become 1, others need --dim.\n",
                                 options,
                                 1,
                                 1,
                                 run,
                                 check};

}  // namespace sac::cli
