#pragma once
// The command line: options that are declared in one table, from which parsing, checks and --help are made.

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "compute/base/result.h"

namespace sac::cli {

/// "640x480" as width and height; nothing if it is not that, or one of them is not from `lowest` to `highest`.
std::optional<std::pair<uint32_t, uint32_t>> parse_size(const std::string &text, double lowest, double highest);

/// One option of a command. Texts are literals.
struct Option {
    /// named: "NAME=TEXT"; named_count: "NAME=4"; size: "640x480", each within the range.
    enum class Kind { flag, text, number, count, named, named_count, size };
    const char *name;   ///< "--score"
    const char *value;  ///< what stands for its value in the help: "S"; null for a flag
    const char *help;
    Kind kind = Kind::text;
    double lowest = 0, highest = 0;  ///< of numbers, counts and sizes
    bool repeated = false;           ///< may be given more than once
};

/// The arguments of one run, checked against a command's options.
class Arguments {
public:
    /// "--name value" and "--name=value"; "--" ends the options. Error invalid_argument: an unknown option, a missing
    /// or unwanted value, a number that is none or out of its range, too few or too many others, of which `usage` names
    /// what is missing: "[options] MODEL.onnx|DIR".
    static Result<Arguments> parse(std::span<const char *const> words, std::span<const Option> options, size_t fewest,
                                   size_t most, const std::string &usage = {});

    bool has(const std::string &name) const { return values_.contains(name); }
    /// The value, or `fallback` if the option is not given.
    std::string text(const std::string &name, const std::string &fallback = {}) const;
    double number(const std::string &name, double fallback) const;
    uint64_t count(const std::string &name, uint64_t fallback) const;
    std::vector<std::string> all(const std::string &name) const;
    const std::vector<std::string> &others() const { return others_; }

private:
    std::map<std::string, std::vector<std::string>> values_;
    std::vector<std::string> others_;
};

}  // namespace sac::cli
