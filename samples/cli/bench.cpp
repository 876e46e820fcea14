// saccade bench: how fast networks load and run, alone or beside another program in the same run.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include <nlohmann/json.hpp>

#include "compute/base/format.h"
#include "samples/cli/command.h"
#include "samples/cli/models.h"
#include "samples/cli/network.h"
#include "samples/cli/progress.h"
#include "samples/cli/statistics.h"
#include "samples/networks/networks.h"

namespace sac::cli {

namespace {

namespace fs = std::filesystem;
constexpr int kernel_runs = 12;  // of which two warm up

constexpr Option options[] = {
    {"--net", "NAME", "only this network (may be repeated): fastestdet, squeezenet, mobilenet_v2, resnet18",
     Option::Kind::text, 0, 0, true},
    {"--weights", "FILE", "an ONNX file to measure as well (may be repeated)", Option::Kind::text, 0, 0, true},
    dim_option,
    {"--runs", "N", "runs that are counted (default 30)", Option::Kind::count, 1, 100000},
    {"--rounds", "N", "how often runs of ours and of the other program change (default: 3 with --against, else 1)",
     Option::Kind::count, 1, 1000},
    {"--against", "ncnn=PATH", "a benchncnn to run in turns with ours, on the device of the same number"},
    {"--against-models", "DIR", "folder of benchncnn's .param files: then only the nets asked for are run there"},
    {"--kernels", nullptr, "GPU time of each dispatch", Option::Kind::flag},
    {"--load", nullptr, "time of loading: with empty caches (ours, and Mesa's), then with full ones",
     Option::Kind::flag},
    {"--json", nullptr, "one line of JSON a network", Option::Kind::flag},
    half_option,
    device_option,
};

// What a network is called in benchncnn, and the shape it takes there.
struct Rival {
    const char *ours, *theirs, *shape;
};
constexpr Rival rivals[] = {
    {"fastestdet", "FastestDet", "[352,352,3]"},
    {"squeezenet", "squeezenet", "[227,227,3]"},
    {"mobilenet_v2", "mobilenet_v2", "[224,224,3]"},
    {"resnet18", "resnet18", "[224,224,3]"},
};

struct Subject {
    std::string name, path;
    std::vector<double> runs = {};    // milliseconds
    std::vector<double> theirs = {};  // their averages, one a round
    std::vector<sac_dispatch_info> kernels = {};
    double cold_ms = 0, warm_ms = 0;
    sac_network_info info = {};

    const Rival *rival() const {
        const auto found =
            std::find_if(std::begin(rivals), std::end(rivals), [&](const Rival &r) { return name == r.ours; });
        return found == std::end(rivals) ? nullptr : found;
    }
};

Result<std::vector<Subject>> subjects(const Arguments &arguments, const std::string &folder) {
    std::vector<Subject> list;
    for (const std::string &path : arguments.all("--weights")) list.push_back({fs::path(path).stem().string(), path});
    std::vector<std::string> names = arguments.all("--net");
    if (names.empty() && list.empty()) names.assign(network_names().begin(), network_names().end());
    for (const std::string &name : names) {
        const std::string path = (fs::path(folder) / name).string() + ".onnx";
        SAC_TRY(write_network(name, 1, path));
        list.push_back({name, path});
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

Status measure_load(const Arguments &arguments, Subject &subject) {
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
    SAC_ASSIGN(subject.cold_ms, std::move(cold));
    SAC_ASSIGN(subject.warm_ms, std::move(warm));
    return {};
}

Status measure_runs(const Vision &vision, const Arguments &arguments, Subject &subject, uint64_t count,
                    Progress &progress) {
    SAC_ASSIGN(const Network network, Network::open(vision, network_options(arguments, subject, false)));
    subject.info = network.info();
    const uint64_t warm_up = std::clamp<uint64_t>(count / 3, 2, 10);
    for (uint64_t i = 0; i < warm_up; ++i) SAC_TRY(network.run());
    for (uint64_t i = 0; i < count; ++i) {
        SAC_ASSIGN(const double milliseconds, network.run());
        subject.runs.push_back(milliseconds);
        progress.advance();
    }
    return {};
}

Status measure_kernels(const Vision &vision, const Arguments &arguments, Subject &subject, Progress &progress) {
    SAC_ASSIGN(const Network network, Network::open(vision, network_options(arguments, subject, true)));
    std::vector<std::vector<double>> times;
    for (int i = 0; i < kernel_runs; ++i) {
        SAC_TRY(network.run());
        progress.advance();
        if (i < 2) continue;
        SAC_ASSIGN(subject.kernels, network.dispatches());
        times.resize(subject.kernels.size());
        for (size_t k = 0; k < times.size(); ++k) times[k].push_back(subject.kernels[k].microseconds);
    }
    for (size_t k = 0; k < times.size(); ++k) subject.kernels[k].microseconds = median(times[k]);
    return {};
}

std::string shell_quoted(const std::string &text) {
    std::string quoted = "'";
    for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return quoted + "'";
}

// Runs benchncnn once and adds its averages to the subjects it names.
Status run_rival(const std::string &program, const std::string &models, std::vector<Subject> &list) {
#ifdef _WIN32
    (void)program, (void)models, (void)list;
    return Error(Code::unsupported, "--against is not there on Windows");
#else
    std::vector<std::string> commands;
    for (const Subject &subject : list) {
        const Rival *rival = subject.rival();
        if (!rival || models.empty()) continue;
        commands.push_back("cd " + shell_quoted(models) + " && " + shell_quoted(program) +
                           " 4 2 0 0 0 param=" + rival->theirs + ".param shape=" + rival->shape);
    }
    if (models.empty()) commands.push_back(shell_quoted(program) + " 4 2 0 0 0");
    for (const std::string &command : commands) {
        const Waiting waiting("running " + fs::path(program).filename().string());
        std::FILE *pipe = popen((command + " 2>&1").c_str(), "r");
        if (!pipe) return Error(Code::io_error, program + ": cannot be run");
        char line[1024];
        while (std::fgets(line, sizeof line, pipe)) {
            const auto parsed = parse_benchncnn(line);
            if (!parsed) continue;
            const std::string name = fs::path(parsed->name).stem().string();  // with a file it prints the file's name
            for (Subject &subject : list)
                if (subject.rival() && name == subject.rival()->theirs) subject.theirs.push_back(parsed->average);
        }
        if (pclose(pipe) != 0) return Error(Code::io_error, program + ": failed");
    }
    return {};
#endif
}

void print_json(const Subject &s, const std::string &device) {
    nlohmann::ordered_json line = {{"network", s.name},
                                   {"device", device},
                                   {"runs", s.runs.size()},
                                   {"median_ms", median(s.runs)},
                                   {"p99_ms", percentile(s.runs, 0.99)},
                                   {"min_ms", percentile(s.runs, 0)},
                                   {"dispatches", s.info.dispatch_count},
                                   {"gflops", s.info.flops / 1e6 / median(s.runs)}};
    if (s.cold_ms > 0) line["load_cold_ms"] = s.cold_ms;
    if (s.warm_ms > 0) line["load_warm_ms"] = s.warm_ms;
    if (!s.theirs.empty()) {
        line["ncnn_ms"] = median(s.theirs);
        line["times_as_fast"] = median(s.theirs) / median(s.runs);
    }
    for (const sac_dispatch_info &k : s.kernels)
        line["kernels"].push_back({{"node", k.node},
                                   {"operation", k.operation},
                                   {"kernel", k.kernel},
                                   {"us", k.microseconds},
                                   {"mflop", k.flops / 1e6}});
    std::printf("%s\n", line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
}

void print_kernels(const Subject &s) {
    std::vector<sac_dispatch_info> sorted = s.kernels;
    std::sort(sorted.begin(), sorted.end(),
              [](const auto &a, const auto &b) { return a.microseconds > b.microseconds; });
    double total = 0;
    for (const sac_dispatch_info &k : sorted) total += k.microseconds;
    std::printf("\n%s: %.2f ms in %zu dispatches\n", s.name.c_str(), total / 1000, sorted.size());
    for (const sac_dispatch_info &k : sorted)
        std::printf("  %8.1f us %5.1f%%  %6.1f GFLOP/s  %-16.16s %-30.30s %s\n", k.microseconds,
                    total > 0 ? 100 * k.microseconds / total : 0,
                    k.microseconds > 0 ? k.flops / 1e3 / k.microseconds : 0, k.operation, k.kernel, k.node);
}

void print_table(const std::vector<Subject> &list, bool loads, bool against) {
    std::printf("%-16s %9s %9s %9s %6s %8s", "network", "median", "p99", "least", "disp.", "GFLOP/s");
    if (loads) std::printf(" %10s %10s", "load cold", "load warm");
    if (against) std::printf(" %9s %7s", "ncnn", "faster");
    std::printf("   (ms)\n");
    for (const Subject &s : list) {
        std::printf("%-16s %9.2f %9.2f %9.2f %6u %8.1f", s.name.c_str(), median(s.runs), percentile(s.runs, 0.99),
                    percentile(s.runs, 0), s.info.dispatch_count, s.info.flops / 1e6 / median(s.runs));
        if (loads) std::printf(" %10.0f %10.0f", s.cold_ms, s.warm_ms);
        if (!s.theirs.empty()) std::printf(" %9.2f %6.1fx", median(s.theirs), median(s.theirs) / median(s.runs));
        std::printf("\n");
    }
}

Status run(const Arguments &arguments) {
    SAC_ASSIGN(const TemporaryFolder folder, TemporaryFolder::create());
    SAC_ASSIGN(std::vector<Subject> list, subjects(arguments, folder.path()));
    std::string rival;
    if (arguments.has("--against")) {
        SAC_ASSIGN(const auto named, split_assignment("--against", arguments.text("--against")));
        if (named.first != "ncnn")
            return Error(Code::invalid_argument, "--against knows ncnn=PATH, not " + named.first);
        rival = fs::absolute(named.second).string();
        if (!fs::exists(rival)) return Error(Code::not_found, rival + ": no such program");
    }
    if (arguments.has("--load"))
        for (Subject &subject : list) SAC_TRY(measure_load(arguments, subject));

    SAC_ASSIGN(const std::unique_ptr<Vision> vision, Vision::create(arguments.text("--device")));
    const uint64_t rounds = arguments.count("--rounds", rival.empty() ? 1 : 3);
    const uint64_t runs = std::max<uint64_t>(1, (arguments.count("--runs", 30) + rounds - 1) / rounds);
    Progress progress("measuring", rounds * runs * list.size());
    for (uint64_t round = 0; round < rounds; ++round) {
        for (Subject &subject : list) {
            progress.rename(subject.name + ", round " + std::to_string(round + 1) + " of " + std::to_string(rounds));
            SAC_TRY(measure_runs(*vision, arguments, subject, runs, progress));
            progress.clear();
        }
        if (!rival.empty()) SAC_TRY(run_rival(rival, arguments.text("--against-models"), list));
    }
    if (arguments.has("--kernels")) {
        Progress kernels("timing kernels", kernel_runs * list.size());
        for (Subject &subject : list) {
            SAC_TRY(measure_kernels(*vision, arguments, subject, kernels));
            kernels.clear();
        }
    }

    const std::string device = vision->info().device_name;
    if (arguments.has("--json")) {
        for (const Subject &subject : list) print_json(subject, device);
        return vision->validation_status();
    }
    std::printf("%s; networks by name have random weights; each of %llu x %llu runs from submit to done\n",
                device.c_str(), static_cast<unsigned long long>(rounds), static_cast<unsigned long long>(runs));
    print_table(list, arguments.has("--load"), !rival.empty());
    if (arguments.has("--kernels"))
        for (const Subject &subject : list) print_kernels(subject);
    return vision->validation_status();
}

}  // namespace

const Command bench_command = {
    "bench",
    "[options]",
    "measures how fast networks run and load",
    "Without --net and --weights all networks that can be made here are measured. Other programs and the clock of a\n"
    "machine change from minute to minute: compare in one run (--against) or not at all.\n",
    options,
    0,
    0,
    run};

}  // namespace sac::cli
