#include "samples/cli/arguments.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <sstream>

#include "compute/base/format.h"

namespace sac::cli {

namespace {

Status check_number(const Option &option, const std::string &value) {
    char *end = nullptr;
    const double number = std::strtod(value.c_str(), &end);
    const bool good = !value.empty() && *end == '\0' && number >= option.lowest && number <= option.highest &&
                      (option.kind == Option::Kind::number || number == std::floor(number));
    if (good) return {};
    const char *kind = option.kind == Option::Kind::number ? "number" : "whole number";
    return Error(Code::invalid_argument, format("%s wants a %s from %.15g to %.15g, not '%s'", option.name, kind,
                                                option.lowest, option.highest, value.c_str()));
}

Status check_named(const Option &option, const std::string &value) {
    const size_t equals = value.find('=');
    if (equals == 0 || equals == std::string::npos || equals + 1 == value.size())
        return Error(Code::invalid_argument, format("%s wants %s, not '%s'", option.name, option.value, value.c_str()));
    if (option.kind == Option::Kind::named) return {};
    char *end = nullptr;
    const long long number = std::strtoll(value.c_str() + equals + 1, &end, 10);
    if (*end == '\0' && number >= 1) return {};
    return Error(Code::invalid_argument, format("%s %s: not a positive whole number", option.name, value.c_str()));
}

Status check_size(const Option &option, const std::string &value) {
    if (parse_size(value, option.lowest, option.highest)) return {};
    return Error(Code::invalid_argument, format("%s wants WIDTHxHEIGHT, each from %.15g to %.15g, not '%s'",
                                                option.name, option.lowest, option.highest, value.c_str()));
}

Status check_value(const Option &option, const std::string &value) {
    switch (option.kind) {
        case Option::Kind::number:
        case Option::Kind::count: return check_number(option, value);
        case Option::Kind::named:
        case Option::Kind::named_count: return check_named(option, value);
        case Option::Kind::size: return check_size(option, value);
        default: return {};
    }
}

// The word of a usage such as "[options] DIR FILE" that stands for the argument of that index.
std::string usage_word(const std::string &usage, size_t index) {
    std::istringstream words(usage);
    std::string word;
    for (size_t i = 0; words >> word;)
        if (word[0] != '[' && i++ == index) return word;
    return "an argument";
}

}  // namespace

std::optional<std::pair<uint32_t, uint32_t>> parse_size(const std::string &text, double lowest, double highest) {
    unsigned width = 0, height = 0;
    char rest = 0;
    const auto within = [&](unsigned size) { return size >= lowest && size <= highest; };
    if (std::sscanf(text.c_str(), "%ux%u%c", &width, &height, &rest) != 2 || !within(width) || !within(height))
        return std::nullopt;
    return std::pair(width, height);
}

Result<Arguments> Arguments::parse(std::span<const char *const> words, std::span<const Option> options, size_t fewest,
                                   size_t most, const std::string &usage) {
    Arguments arguments;
    bool options_ended = false;
    for (size_t i = 0; i < words.size(); ++i) {
        const std::string word = words[i];
        if (options_ended || word.size() < 2 || word[0] != '-') {
            arguments.others_.push_back(word);
            continue;
        }
        if (word == "--") {
            options_ended = true;
            continue;
        }
        const size_t equals = word.find('=');
        const std::string name = word.substr(0, equals);
        const auto option =
            std::find_if(options.begin(), options.end(), [&](const Option &o) { return name == o.name; });
        if (option == options.end()) return Error(Code::invalid_argument, "there is no option " + name);
        if (arguments.has(name) && !option->repeated) return Error(Code::invalid_argument, name + " is given twice");
        std::string value;
        if (option->kind == Option::Kind::flag) {
            if (equals != std::string::npos) return Error(Code::invalid_argument, name + " takes no value");
        } else if (equals != std::string::npos) {
            value = word.substr(equals + 1);
        } else if (i + 1 < words.size()) {
            value = words[++i];
        } else {
            return Error(Code::invalid_argument, format("%s wants a value: %s", option->name, option->value));
        }
        SAC_TRY(check_value(*option, value));
        arguments.values_[name].push_back(std::move(value));
    }
    if (arguments.others_.size() < fewest)
        return Error(Code::invalid_argument, usage_word(usage, arguments.others_.size()) + " is missing; see --help");
    if (arguments.others_.size() > most)
        return Error(Code::invalid_argument, "'" + arguments.others_[most] + "' is one argument too many");
    return arguments;
}

std::string Arguments::text(const std::string &name, const std::string &fallback) const {
    const auto found = values_.find(name);
    return found == values_.end() ? fallback : found->second.back();
}

double Arguments::number(const std::string &name, double fallback) const {
    return has(name) ? std::strtod(text(name).c_str(), nullptr) : fallback;
}

uint64_t Arguments::count(const std::string &name, uint64_t fallback) const {
    return has(name) ? static_cast<uint64_t>(number(name, 0)) : fallback;
}

std::vector<std::string> Arguments::all(const std::string &name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? std::vector<std::string>() : found->second;
}

}  // namespace sac::cli
