// saccade tune: measures the kernels that can do a network's work on this device, and keeps the fastest.
#include <csignal>
#include <cstdio>
#include <filesystem>

#include "samples/cli/command.h"
#include "samples/cli/models.h"
#include "samples/cli/network.h"
#include "samples/cli/progress.h"

namespace sac::cli {

namespace {

constexpr Option options[] = {
    dim_option,
    half_option,
    device_option,
    {"--seconds", "S", "stop after that (default 600)", Option::Kind::count, 1, 86400},
};

// A signal's handler can reach nothing else.
volatile std::sig_atomic_t interrupted = 0;

// The first interrupt ends the measuring, a second one the program.
void interrupt(int) {
    interrupted = 1;
    std::signal(SIGINT, SIG_DFL);
}

void print_problem(const sac_tuned_problem &problem) {
    const sac_tuned_candidate *const all = problem.candidates;
    std::printf("\n%s  (%u node%s)\n", problem.problem, problem.node_count, problem.node_count == 1 ? "" : "s");
    for (uint32_t i = 0; i < problem.candidate_count; ++i) {
        std::printf("  %c %-20s ", i == problem.winner ? '*' : ' ', all[i].name);
        if (all[i].microseconds > 0)
            std::printf("%10.1f us", all[i].microseconds);
        else
            std::printf("%13s", "not measured");
        const double expected = all[problem.expected].microseconds, won = all[problem.winner].microseconds;
        if (i == problem.expected) std::printf("  expected");
        if (i == problem.winner && i != problem.expected && won > 0)
            std::printf("  %.2f times as fast as expected", expected / won);
        std::printf("\n");
    }
}

Status run(const Arguments &arguments) {
    NetworkOptions wanted;
    wanted.path = arguments.others()[0];
    wanted.dimensions = arguments.all("--dim");
    wanted.half = arguments.has("--half");
    SAC_ASSIGN(const std::unique_ptr<Vision> vision, Vision::create(arguments.text("--device")));
    std::optional<Progress> progress(std::in_place, "tuning " + std::filesystem::path(wanted.path).filename().string(),
                                     0);
    std::signal(SIGINT, interrupt);
    auto tuned = tune_network(*vision, wanted, static_cast<uint32_t>(arguments.count("--seconds", 600)),
                              [&](const std::string &how_far) {
                                  progress->tell(how_far);
                                  return !interrupted;
                              });
    std::signal(SIGINT, SIG_DFL);
    progress.reset();
    if (!tuned.ok()) return std::move(tuned).error();

    const sac_tuning_info &info = tuned->info;
    uint32_t changed = 0;
    for (const sac_tuned_problem &problem : tuned->problems) {
        print_problem(problem);
        changed += problem.winner != problem.expected;
    }
    std::printf("\n%s on %s: other kernels than expected win %u of %u problems\n", wanted.path.c_str(),
                vision->info().device_name, changed, info.problem_count);
    if (info.is_stopped)
        std::printf("stopped before all was measured and compared: only those that win by far are kept\n");
    if (info.expected_us > 0)
        std::printf("%.2f ms before, %.2f ms after: %.2f times as fast\n", info.expected_us / 1e3, info.tuned_us / 1e3,
                    info.expected_us / info.tuned_us);
    if (*info.path)
        std::printf("kept in %s\n", info.path);
    else
        std::printf("not kept: there is no cache folder (SACCADE_CACHE_DIR)\n");
    return vision->validation_status();
}

}  // namespace

const Command tune_command = {
    "tune",
    "[options] MODEL.onnx|DIR",
    "measures which kernels are the fastest for a network on this device",
    "Takes seconds to minutes; the device should do nothing else meanwhile. The winners are kept in the cache folder, "
    "and\n"
    "whatever loads a network with the same shapes and types uses them from then on. Ctrl-C ends it and keeps what is\n"
    "known. A kernel wins only if it beats the expected one by 3% when both run in turns.\n",
    options,
    1,
    1,
    run};

}  // namespace sac::cli
