#include "tests/cli/program.h"

#include <doctest/doctest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "tests/support/files.h"

namespace sac::test {

namespace {

std::string quoted(const std::string &text) {
    std::string result = "'";
    for (const char c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return result + "'";
}

}  // namespace

std::vector<std::string> Finished::lines() const {
    std::vector<std::string> list;
    std::istringstream in(out);
    for (std::string line; std::getline(in, line);) list.push_back(line);
    return list;
}

Finished run_program(const std::string &program, const std::vector<std::string> &arguments) {
    const TempDir dir;
    const auto path = std::filesystem::read_symlink("/proc/self/exe").parent_path() / program;
    REQUIRE_MESSAGE(std::filesystem::exists(path), path.string());
    std::string command = quoted(path.string());
    for (const std::string &argument : arguments) command += " " + quoted(argument);
    command += " >" + quoted((dir / "out").string()) + " 2>" + quoted((dir / "err").string()) + " </dev/null";
    const int status = std::system(command.c_str());
    Finished finished;
    finished.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    finished.out = read_text(dir / "out");
    finished.err = read_text(dir / "err");
    return finished;
}

Finished saccade(const std::vector<std::string> &arguments) {
    const ScopedEnv validation("SACCADE_VALIDATION", "1");
    const std::string assets =
        std::filesystem::absolute(std::string(SACCADE_SOURCE_DIR) + "/assets").lexically_normal().string();
    const ScopedEnv assets_folder("SACCADE_ASSETS", assets.c_str());
    return run_program("saccade", arguments);
}

}  // namespace sac::test
