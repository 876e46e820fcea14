#include "samples/cli/network.h"

#include <cstdlib>
#include <filesystem>
#include <utility>

#include "compute/base/format.h"
#include "samples/cli/progress.h"

namespace sac::cli {

Result<std::pair<std::string, std::string>> split_assignment(const std::string &option, const std::string &text) {
    const size_t equals = text.find('=');
    if (equals == 0 || equals == std::string::npos || equals + 1 == text.size())
        return Error(Code::invalid_argument, option + " wants NAME=..., not '" + text + "'");
    return std::pair(text.substr(0, equals), text.substr(equals + 1));
}

std::string shape_text(std::span<const int64_t> shape) {
    std::string text = "[";
    for (size_t i = 0; i < shape.size(); ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
    return text + "]";
}

std::string shape_text(const sac_tensor_info &tensor) { return shape_text({tensor.shape, tensor.rank}); }

uint64_t element_count(const sac_tensor_info &tensor) {
    uint64_t count = 1;
    for (uint32_t i = 0; i < tensor.rank; ++i) count *= static_cast<uint64_t>(tensor.shape[i]);
    return count;
}

namespace {

// Options as the ABI wants them; what it points at lives as long as it.
struct NetworkDesc {
    std::vector<std::pair<std::string, int64_t>> values;
    std::vector<sac_dimension> dimensions;
    sac_network_desc desc = {};
};

Result<std::unique_ptr<NetworkDesc>> describe_options(const NetworkOptions &options) {
    auto made = std::make_unique<NetworkDesc>();
    for (const std::string &text : options.dimensions) {
        SAC_ASSIGN(const auto named, split_assignment("--dim", text));
        made->values.emplace_back(named.first, std::strtoll(named.second.c_str(), nullptr, 10));
    }
    for (const auto &[name, value] : made->values) made->dimensions.push_back({name.c_str(), value});
    sac_network_desc &desc = made->desc;
    desc.type = SAC_TYPE_NETWORK_DESC;
    desc.size = sizeof desc;
    desc.path = options.path.c_str();
    desc.dimensions = made->dimensions.data();
    desc.dimension_count = static_cast<uint32_t>(made->dimensions.size());
    desc.flags =
        (options.half ? uint32_t{SAC_MODEL_FP16} : 0u) | (options.profile ? uint32_t{SAC_NETWORK_PROFILE} : 0u);
    return made;
}

// Says with which options the dimensions that an error names are given.
Status with_options(Status status) {
    if (status.ok() || status.error().code != Code::invalid_argument) return status;
    Error error = std::move(status).error();
    const std::string before = "(dimension '";
    std::string given;
    for (size_t at = error.message.find(before); at != std::string::npos; at = error.message.find(before, at)) {
        at += before.size();
        const std::string option = " --dim " + error.message.substr(at, error.message.find('\'', at) - at) + "=N";
        if (given.find(option) == std::string::npos) given += option;
    }
    if (!given.empty()) error.message += ":" + given;
    return error;
}

}  // namespace

Result<Network> Network::open(const Vision &vision, const NetworkOptions &options) {
    SAC_ASSIGN(const sac_debug_api *debug, vision.debug());
    SAC_ASSIGN(const auto made, describe_options(options));
    Network network(vision, *debug);
    {
        const Waiting waiting("loading " + std::filesystem::path(options.path).filename().string());
        SAC_TRY(with_options(vision.check(debug->open_network(vision.context(), &made->desc, &network.network_))));
    }
    network.info_.type = SAC_TYPE_NETWORK_INFO;
    network.info_.size = sizeof network.info_;
    SAC_TRY(vision.check(debug->get_network_info(vision.context(), network.network_, &network.info_)));
    return network;
}

Network::Network(Network &&other) noexcept
    : vision_(other.vision_), debug_(other.debug_), network_(std::exchange(other.network_, {})), info_(other.info_) {}

Network::~Network() {
    if (network_.id) debug_.close_network(vision_.context(), network_);
}

Result<std::vector<sac_tensor_info>> Network::tensors() const {
    std::vector<sac_tensor_info> list(info_.input_count + info_.output_count);
    for (uint32_t i = 0; i < list.size(); ++i) {
        list[i].type = SAC_TYPE_TENSOR_INFO;
        list[i].size = sizeof list[i];
        SAC_TRY(vision_.check(debug_.get_tensor_info(vision_.context(), network_, i, &list[i])));
    }
    return list;
}

Result<std::vector<sac_dispatch_info>> Network::dispatches() const {
    std::vector<sac_dispatch_info> list(info_.dispatch_count);
    for (uint32_t i = 0; i < list.size(); ++i) {
        list[i].type = SAC_TYPE_DISPATCH_INFO;
        list[i].size = sizeof list[i];
        SAC_TRY(vision_.check(debug_.get_dispatch_info(vision_.context(), network_, i, &list[i])));
    }
    return list;
}

Result<std::vector<sac_node_info>> Network::nodes() const {
    std::vector<sac_node_info> list(info_.node_count);
    for (uint32_t i = 0; i < list.size(); ++i) {
        list[i].type = SAC_TYPE_NODE_INFO;
        list[i].size = sizeof list[i];
        SAC_TRY(vision_.check(debug_.get_node_info(vision_.context(), network_, i, &list[i])));
    }
    return list;
}

Result<ChoiceCount> Network::choices() const {
    SAC_ASSIGN(const std::vector<sac_node_info> list, nodes());
    ChoiceCount count;
    for (const sac_node_info &node : list) count.add(node);
    return count;
}

Result<std::string> Network::describe() const {
    uint64_t size = 0;
    SAC_TRY(vision_.check(debug_.describe_network(vision_.context(), network_, nullptr, 0, &size)));
    std::string text(size, '\0');
    SAC_TRY(vision_.check(debug_.describe_network(vision_.context(), network_, text.data(), text.size(), &size)));
    text.resize(size ? size - 1 : 0);
    return text;
}

Status Network::write(const std::string &input, const std::vector<float> &values) const {
    return vision_.check(debug_.write_input(vision_.context(), network_, input.c_str(), values.data(), values.size()));
}

Result<std::vector<float>> Network::read(const sac_tensor_info &output) const {
    std::vector<float> values(element_count(output));
    SAC_TRY(vision_.check(debug_.read_output(vision_.context(), network_, output.name, values.data(), values.size())));
    return values;
}

Result<double> Network::run() const {
    uint64_t nanoseconds = 0;
    SAC_TRY(vision_.check(debug_.run_network(vision_.context(), network_, &nanoseconds)));
    return static_cast<double>(nanoseconds) / 1e6;
}

Result<Tuned> tune_network(const Vision &vision, const NetworkOptions &options, uint32_t most_seconds,
                           const std::function<bool(const std::string &how_far)> &go_on) {
    SAC_ASSIGN(const sac_debug_api *debug, vision.debug());
    SAC_ASSIGN(const auto made, describe_options(options));
    sac_tuning_desc desc = {};
    desc.type = SAC_TYPE_TUNING_DESC;
    desc.size = sizeof desc;
    desc.network = &made->desc;
    desc.max_seconds = most_seconds;
    desc.user = const_cast<void *>(static_cast<const void *>(&go_on));
    desc.progress = [](void *user, const sac_tuning_progress *now) -> int32_t {
        const auto &ask = *static_cast<const std::function<bool(const std::string &)> *>(user);
        return ask(format("%u of %u plans, about %.0f s left", now->done, now->total, now->seconds_left)) ? 0 : 1;
    };
    Tuned tuned;
    tuned.info.type = SAC_TYPE_TUNING_INFO;
    tuned.info.size = sizeof tuned.info;
    SAC_TRY(with_options(vision.check(debug->tune_network(vision.context(), &desc, &tuned.info))));
    tuned.problems.resize(tuned.info.problem_count);
    for (uint32_t i = 0; i < tuned.problems.size(); ++i) {
        tuned.problems[i].type = SAC_TYPE_TUNED_PROBLEM;
        tuned.problems[i].size = sizeof tuned.problems[i];
        SAC_TRY(vision.check(debug->get_tuned_problem(vision.context(), i, &tuned.problems[i])));
    }
    return tuned;
}

}  // namespace sac::cli
