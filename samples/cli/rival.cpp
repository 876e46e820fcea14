#include "samples/cli/rival.h"

#include <cstdio>
#include <filesystem>
#include <thread>

#include "compute/base/format.h"
#include "samples/cli/progress.h"
#include "samples/cli/statistics.h"

namespace sac::cli {

namespace fs = std::filesystem;

Result<Ncnn> Ncnn::find(const std::string &program, const std::string &models, const std::string &device) {
    std::error_code error;
    const fs::path path = fs::absolute(program, error);
    if (!fs::is_regular_file(path, error)) return Error(Code::not_found, path.string() + ": no such program");
    fs::path folder = models;
    if (models.empty()) {
        const fs::path tree = path.parent_path() / ".." / "..";  // <ncnn>/build/benchmark/benchncnn
        for (const char *place : {"benchmark/models", "benchmark", "src/benchmark/models"}) {
            folder = (tree / place).lexically_normal();
            if (fs::exists(folder / "resnet50.param", error)) break;
        }
    }
    if (!fs::is_directory(folder, error))
        return Error(Code::not_found, "no folder of .param files beside " + path.string() + ": --against-models");
    return Ncnn{path.string(), fs::absolute(folder, error).string(), device};
}

#ifdef _WIN32

Result<double> Ncnn::run(const std::string &, int) const {
    return Error(Code::unsupported, "--against is not there on Windows");
}

#else

static std::string shell_quoted(const std::string &text) {
    std::string quoted = "'";
    for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return quoted + "'";
}

Result<double> Ncnn::run(const std::string &description, int input_size) const {
    const fs::path file = fs::path(models) / (description + ".param");
    if (!fs::exists(file)) return Error(Code::not_found, file.string() + ": no such description");
    // Runs, threads, power saving, device, no pause for cooling down.
    const std::string command = "cd " + shell_quoted(models) + " && " + shell_quoted(program) +
                                format(" 3 %u 0 ", std::max(1u, std::thread::hardware_concurrency())) +
                                shell_quoted(device) + " 0 param=" + shell_quoted(description + ".param") +
                                format(" 'shape=[%d,%d,3]' 2>&1", input_size, input_size);
    const Waiting waiting("running " + fs::path(program).filename().string() + " on " + description);
    std::FILE *pipe = popen(command.c_str(), "r");
    if (!pipe) return Error(Code::io_error, program + ": cannot be run");
    std::optional<BenchncnnLine> answer;
    std::string last;
    char line[1024];
    while (std::fgets(line, sizeof line, pipe)) {
        last = line;
        if (const auto parsed = parse_benchncnn(last)) answer = parsed;
    }
    if (pclose(pipe) != 0 || !answer) return Error(Code::io_error, program + " on " + description + " failed: " + last);
    return 3 * answer->average - answer->least - answer->most;
}

#endif

}  // namespace sac::cli
