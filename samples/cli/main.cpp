// saccade: the command line of the project. Exit codes: 0 done, 1 failed (the reason is on stderr), 2 wrongly called.
#include <cstdio>
#include <cstring>

#include "samples/cli/command.h"

namespace {

using namespace sac::cli;

const Command *const commands[] = {&detect_command, &view_command,    &inspect_command, &run_command,
                                   &tune_command,   &bench_command,   &pacing_command,  &scene_command,
                                   &score_command,  &devices_command, &sources_command};

void print_help(std::FILE *to) {
    std::fprintf(to, "saccade %s: real-time vision on Vulkan\n\nsaccade COMMAND [options] ...\n\n", SACCADE_VERSION);
    for (const Command *command : commands) std::fprintf(to, "  %-8s  %s\n", command->name, command->summary);
    std::fprintf(
        to,
        "\nsaccade COMMAND --help tells more. Exit codes: 0 done, 1 failed, 2 wrongly called.\n"
        "Environment: SACCADE_DEVICE chooses the device, SACCADE_PROFILE=min caps it to Vulkan 1.2's minimums,\n"
        "SACCADE_VALIDATION=1 turns the validation layer on (a message of it makes the run fail),\n"
        "SACCADE_CACHE_DIR is where compiled pipelines and measured kernels are kept, SACCADE_ASSETS where models are "
        "looked for by "
        "name.\n");
}

void print_help(const Command &command) {
    std::printf("saccade %s %s\n\n%s.\n%s\n", command.name, command.usage, command.summary, command.text);
    if (!command.options.empty()) std::printf("Options:\n");
    for (const Option &option : command.options) {
        const std::string left = std::string(option.name) + (option.value ? std::string(" ") + option.value : "");
        std::printf("  %-22s  %s\n", left.c_str(), option.help);
    }
    std::printf("  %-22s  %s\n", "--help", "this text");
}

bool is_help(const char *word) { return !std::strcmp(word, "--help") || !std::strcmp(word, "-h"); }

}  // namespace

int main(int argc, char **argv) {
    const std::span<const char *const> words(argv, static_cast<size_t>(argc));
    if (argc < 2) {
        print_help(stderr);
        return 2;
    }
    if (is_help(words[1]) || !std::strcmp(words[1], "help")) {
        print_help(stdout);
        return 0;
    }
    if (!std::strcmp(words[1], "--version")) {
        std::printf("saccade %s\n", SACCADE_VERSION);
        return 0;
    }
    for (const Command *command : commands) {
        if (std::strcmp(words[1], command->name) != 0) continue;
        for (const char *word : words.subspan(2)) {
            if (!std::strcmp(word, "--")) break;
            if (!is_help(word)) continue;
            print_help(*command);
            return 0;
        }
        const auto wrong = [&](const sac::Error &error) {
            std::fprintf(stderr, "saccade %s: %s\nsaccade %s %s\n", command->name, error.message.c_str(), command->name,
                         command->usage);
            return 2;
        };
        const auto arguments =
            Arguments::parse(words.subspan(2), command->options, command->fewest, command->most, command->usage);
        if (!arguments) return wrong(arguments.error());
        if (command->check)
            if (const sac::Status checked = command->check(*arguments); !checked.ok()) return wrong(checked.error());
        const sac::Status status = command->run(*arguments);
        std::fflush(stdout);
        if (status.ok()) return 0;
        std::fprintf(stderr, "saccade %s: %s\n", command->name, status.error().message.c_str());
        return 1;
    }
    std::fprintf(stderr, "saccade: there is no command '%s'; saccade --help lists them\n", words[1]);
    return 2;
}
