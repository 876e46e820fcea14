// saccade bench: how fast networks load and run, alone or beside another program in the same run.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "samples/cli/bench_report.h"
#include "samples/cli/command.h"
#include "samples/cli/models.h"
#include "samples/cli/network.h"
#include "samples/cli/progress.h"
#include "samples/cli/rival.h"
#include "samples/cli/statistics.h"

namespace sac::cli {

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
constexpr int kernel_runs = 12;      // of which two warm up
constexpr uint64_t fewest_runs = 3;  // of one turn
constexpr double turn_share = 0.1;   // of --seconds, that one turn of ours may take

constexpr Option options[] = {
    {"--net", "NAME", "only this network (may be repeated; a wrong name lists all)", Option::Kind::text, 0, 0, true},
    {"--weights", "FILE", "an ONNX file to measure as well (may be repeated)", Option::Kind::text, 0, 0, true},
    dim_option,
    {"--runs", "N", "runs that are counted, at most (default 30)", Option::Kind::count, 1, 100000},
    {"--rounds", "N", "how often runs of ours and of the other program change (default: 3 with --against, else 1)",
     Option::Kind::count, 1, 1000},
    {"--seconds", "S",
     "a network that has taken so long begins no further round, and a turn of ours ends after a tenth of it (default "
     "20)",
     Option::Kind::number, 0.1, 100000},
    {"--against", "ncnn=PATH", "a benchncnn to run in turns with ours, on the device of the same number",
     Option::Kind::named},
    {"--against-models", "DIR", "folder of benchncnn's .param files (default: where its own tree has them)"},
    {"--kernels", nullptr, "GPU time of each dispatch", Option::Kind::flag},
    {"--load", nullptr, "time of loading: with empty caches (ours, and Mesa's), then with full ones",
     Option::Kind::flag},
    {"--json", nullptr, "one line of JSON a network; with --against one more about them all", Option::Kind::flag},
    half_option,
    device_option,
};

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// What is measured: a file of the user's, or a network that is written to `path` while it is its turn.
struct Subject {
    std::string name, path;
    const NetworkEntry *entry = nullptr;
};

Result<std::vector<Subject>> subjects(const Arguments &arguments, const std::string &folder) {
    std::vector<Subject> list;
    for (const std::string &path : arguments.all("--weights")) list.push_back({fs::path(path).stem().string(), path});
    std::vector<std::string> names = arguments.all("--net");
    if (names.empty() && list.empty())
        for (const NetworkEntry &entry : network_list())
            if (entry.in_bench()) names.push_back(entry.name);
    for (const std::string &name : names) {
        SAC_ASSIGN(const NetworkEntry *entry, find_network(name));
        list.push_back({name, (fs::path(folder) / name).string() + ".onnx", entry});
    }
    return list;
}

NetworkOptions network_options(const Arguments &arguments, const Subject &subject, bool profile) {
    NetworkOptions wanted;
    wanted.path = subject.path;
    wanted.dimensions = arguments.all("--dim");
    wanted.half = arguments.has("--half");
    wanted.profile = profile;
    return wanted;
}

// From nothing but the file to ready, with a context (and so a Vulkan instance) of its own.
Result<double> time_load(const Arguments &arguments, const Subject &subject, const std::string &cache) {
    SAC_ASSIGN(const std::unique_ptr<Vision> vision, Vision::create(arguments.text("--device"), cache.c_str()));
    SAC_ASSIGN(const Network network, Network::open(*vision, network_options(arguments, subject, false)));
    return network.info().load_ms;
}

Status measure_load(const Arguments &arguments, const Subject &subject, BenchResult &result) {
    SAC_ASSIGN(const TemporaryFolder caches, TemporaryFolder::create());
#ifndef _WIN32
    // Mesa keeps compiled shaders itself; it looks for its folder when an instance is made.
    const char *before = std::getenv("MESA_SHADER_CACHE_DIR");
    const std::string restored = before ? before : "";
    setenv("MESA_SHADER_CACHE_DIR", (caches.path() + "/driver").c_str(), 1);
#endif
    auto cold = time_load(arguments, subject, caches.path() + "/ours");
    auto warm = cold.ok() ? time_load(arguments, subject, caches.path() + "/ours") : Result<double>(0.0);
#ifndef _WIN32
    if (before)
        setenv("MESA_SHADER_CACHE_DIR", restored.c_str(), 1);
    else
        unsetenv("MESA_SHADER_CACHE_DIR");
#endif
    SAC_ASSIGN(result.cold_ms, std::move(cold));
    SAC_ASSIGN(result.warm_ms, std::move(warm));
    return {};
}

// One turn of ours: `count` runs, fewer if they last longer than `seconds`.
Status measure_turn(const Network &network, uint64_t count, double seconds, BenchResult &result, Progress &progress) {
    const uint64_t warm_up = std::clamp<uint64_t>(count / 3, 1, 10);
    const Clock::time_point start = Clock::now();
    for (uint64_t i = 0; i < warm_up && (i < 1 || seconds_since(start) < seconds / 3); ++i) SAC_TRY(network.run());
    for (uint64_t i = 0; i < count && (i < fewest_runs || seconds_since(start) < seconds); ++i) {
        SAC_ASSIGN(const double milliseconds, network.run());
        result.runs.push_back(milliseconds);
        progress.advance();
    }
    return {};
}

// Rounds: a turn of ours, and with another program one of its and another of ours, so that a machine that becomes
// slower or faster meanwhile does so for both.
Status measure_rounds(const Vision &vision, const Arguments &arguments, const Subject &subject,
                      const std::optional<Ncnn> &ncnn, BenchResult &result) {
    SAC_ASSIGN(const Network network, Network::open(vision, network_options(arguments, subject, false)));
    result.info = network.info();
    SAC_ASSIGN(result.choices, network.choices());
    const bool against = ncnn && subject.entry && subject.entry->in_bench();
    const uint64_t rounds = arguments.count("--rounds", ncnn ? 3 : 1), turns = rounds * (against ? 2 : 1);
    const uint64_t count = std::max<uint64_t>(1, (arguments.count("--runs", 30) + turns - 1) / turns);
    const double seconds = arguments.number("--seconds", 20);
    Progress progress(subject.name, turns * count);
    const Clock::time_point start = Clock::now();
    for (uint64_t round = 0; round < rounds && (round == 0 || seconds_since(start) < seconds); ++round) {
        progress.rename(subject.name + ", round " + std::to_string(round + 1) + " of " + std::to_string(rounds));
        SAC_TRY(measure_turn(network, count, turn_share * seconds, result, progress));
        if (!against) continue;
        progress.clear();
        SAC_ASSIGN(const double theirs, ncnn->run(subject.entry->ncnn, subject.entry->size));
        result.theirs.push_back(theirs);
        SAC_TRY(measure_turn(network, count, turn_share * seconds, result, progress));
    }
    return {};
}

Status measure_kernels(const Vision &vision, const Arguments &arguments, const Subject &subject, BenchResult &result) {
    SAC_ASSIGN(const Network network, Network::open(vision, network_options(arguments, subject, true)));
    Progress progress(subject.name + ", kernels", kernel_runs);
    std::vector<std::vector<double>> times;
    for (int i = 0; i < kernel_runs; ++i) {
        SAC_TRY(network.run());
        progress.advance();
        if (i < 2) continue;
        SAC_ASSIGN(result.kernels, network.dispatches());
        times.resize(result.kernels.size());
        for (size_t k = 0; k < times.size(); ++k) times[k].push_back(result.kernels[k].microseconds);
    }
    for (size_t k = 0; k < times.size(); ++k) result.kernels[k].microseconds = median(times[k]);
    return {};
}

Result<BenchResult> measure(const Vision &vision, const Arguments &arguments, const Subject &subject,
                            const std::optional<Ncnn> &ncnn) {
    BenchResult result;
    result.name = subject.name;
    result.entry = subject.entry;
    if (subject.entry) {
        const Waiting waiting("writing " + subject.name);
        SAC_TRY(write_network(subject.name, 1, subject.path));
    }
    if (arguments.has("--load")) SAC_TRY(measure_load(arguments, subject, result));
    SAC_TRY(measure_rounds(vision, arguments, subject, ncnn, result));
    if (arguments.has("--kernels")) SAC_TRY(measure_kernels(vision, arguments, subject, result));
    return result;
}

Result<std::optional<Ncnn>> rival(const Arguments &arguments) {
    if (!arguments.has("--against")) return std::optional<Ncnn>();
    SAC_ASSIGN(const auto named, split_assignment("--against", arguments.text("--against")));
    const std::string device = arguments.text("--device", "0");
    const bool number = device.find_first_not_of("0123456789") == std::string::npos;
    SAC_ASSIGN(Ncnn ncnn, Ncnn::find(named.second, arguments.text("--against-models"), number ? device : "0"));
    return std::optional<Ncnn>(std::move(ncnn));
}

Status check(const Arguments &arguments) {
    for (const std::string &name : arguments.all("--net")) SAC_TRY(find_network(name));
    if (const std::string against = arguments.text("--against", "ncnn="); !against.starts_with("ncnn="))
        return Error(Code::invalid_argument, "--against knows ncnn=PATH, not " + against);
    return {};
}

Status run(const Arguments &arguments) {
    SAC_ASSIGN(const TemporaryFolder folder, TemporaryFolder::create());
    SAC_ASSIGN(const std::vector<Subject> list, subjects(arguments, folder.path()));
    SAC_ASSIGN(const std::optional<Ncnn> ncnn, rival(arguments));
    SAC_ASSIGN(const std::unique_ptr<Vision> vision, Vision::create(arguments.text("--device")));
    const std::string device = vision->info().device_name;
    const bool json = arguments.has("--json");
    const BenchColumns columns = {.loads = arguments.has("--load"), .against = ncnn.has_value()};
    if (!json) {
        std::printf("%s; networks by name have random weights; runs from submit to done\n", device.c_str());
        print_bench_header(columns);
    }
    std::vector<BenchResult> results;
    std::string failed;
    for (const Subject &subject : list) {
        auto result = measure(*vision, arguments, subject, ncnn);
        std::error_code ignored;
        if (subject.entry) fs::remove(subject.path, ignored);  // some have half a gigabyte
        if (!result.ok()) {
            if (list.size() == 1) return result.error();
            std::fprintf(stderr, "%s: %s\n", subject.name.c_str(), result.error().message.c_str());
            failed += (failed.empty() ? "" : ", ") + subject.name;
            continue;
        }
        if (json)
            std::printf("%s\n", bench_json(*result, device).c_str());
        else
            print_bench_row(*result, columns);
        std::fflush(stdout);
        results.push_back(std::move(*result));
    }
    if (const auto summary = summarise(results)) {
        if (json)
            std::printf("%s\n", bench_json(*summary).c_str());
        else
            print_bench_summary(*summary);
    }
    if (!json && arguments.has("--kernels"))
        for (const BenchResult &result : results) print_bench_kernels(result);
    if (!failed.empty()) return Error(Code::unsupported, "not measured: " + failed);
    return vision->validation_status();
}

}  // namespace

const Command bench_command = {
    "bench",
    "[options]",
    "measures how fast networks run and load",
    "Without --net and --weights the twelve networks that ncnn's benchmark describes too are measured, which takes\n"
    "about a minute on two cores, with --load two, and with --against four. Other programs and the clock of a machine\n"
    "change from minute to minute: compare in one run (--against) or not at all. The p99 of fewer than 100 runs is "
    "the\n"
    "longest of them. A line ends with how many kernels were chosen as saccade tune has measured, if any were.\n",
    options,
    0,
    0,
    run,
    check};

}  // namespace sac::cli
