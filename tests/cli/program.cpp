#include "tests/cli/program.h"

#include <doctest/doctest.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

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

std::string command_line(const std::string &program, const std::vector<std::string> &arguments) {
    const auto path = std::filesystem::read_symlink("/proc/self/exe").parent_path() / program;
    REQUIRE_MESSAGE(std::filesystem::exists(path), path.string());
    std::string command = quoted(path.string());
    for (const std::string &argument : arguments) command += " " + quoted(argument);
    return command + " </dev/null";
}

int exit_code(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

struct SaccadeEnvironment {
    ScopedEnv validation{"SACCADE_VALIDATION", "1"};
    ScopedEnv assets{
        "SACCADE_ASSETS",
        std::filesystem::absolute(std::string(SACCADE_SOURCE_DIR) + "/assets").lexically_normal().string().c_str()};
};

}  // namespace

std::vector<std::string> Finished::lines() const {
    std::vector<std::string> list;
    std::istringstream in(out);
    for (std::string line; std::getline(in, line);) list.push_back(line);
    return list;
}

Finished run_program(const std::string &program, const std::vector<std::string> &arguments) {
    const TempDir dir;
    const std::string command = command_line(program, arguments) + " >" + quoted((dir / "out").string()) + " 2>" +
                                quoted((dir / "err").string());
    Finished finished;
    finished.code = exit_code(std::system(command.c_str()));
    finished.out = read_text(dir / "out");
    finished.err = read_text(dir / "err");
    return finished;
}

Finished run_program_on_terminal(const std::string &program, const std::vector<std::string> &arguments,
                                 const std::string &sign) {
    const TempDir dir;
    // Ctrl-C reaches the shell too, which would say 130 whatever the program made of it.
    const std::string command =
        "trap : INT; " + command_line(program, arguments) + " >" + quoted((dir / "out").string());
    int terminal = -1;
    const pid_t child = forkpty(&terminal, nullptr, nullptr, nullptr);
    REQUIRE(child >= 0);
    if (child == 0) {
        execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
        _exit(127);
    }
    Finished finished;
    char bytes[4096];
    bool pressed = sign.empty();
    for (ssize_t count; (count = read(terminal, bytes, sizeof bytes)) > 0;) {
        finished.err.append(bytes, static_cast<size_t>(count));
        if (pressed || finished.err.find(sign) == std::string::npos) continue;
        pressed = true;
        REQUIRE(write(terminal, "\x03", 1) == 1);
    }
    int status = -1;
    REQUIRE(waitpid(child, &status, 0) == child);
    close(terminal);
    finished.code = exit_code(status);
    finished.out = read_text(dir / "out");
    return finished;
}

Finished saccade(const std::vector<std::string> &arguments) {
    const SaccadeEnvironment environment;
    return run_program("saccade", arguments);
}

Finished saccade_on_terminal(const std::vector<std::string> &arguments) {
    const SaccadeEnvironment environment;
    return run_program_on_terminal("saccade", arguments);
}

Finished saccade_interrupted(const std::vector<std::string> &arguments, const std::string &sign) {
    const SaccadeEnvironment environment;
    return run_program_on_terminal("saccade", arguments, sign);
}

}  // namespace sac::test
