#pragma once
// An ONNX file by itself, through the plugin's debug extension: what inspect, run and bench look at.

#include <functional>
#include <span>

#include "samples/cli/arguments.h"
#include "samples/cli/vision.h"

namespace sac::cli {

struct NetworkOptions {
    std::string path;                     ///< an ONNX file or a folder with a model.onnx
    std::vector<std::string> dimensions;  ///< "NAME=VALUE"
    bool half = false, profile = false;
};

inline constexpr Option dim_option = {"--dim",
                                      "NAME=VALUE",
                                      "the value of a dimension without a size (of a leading one: 1)",
                                      Option::Kind::named_count,
                                      0,
                                      0,
                                      true};

/// Nodes that have several kernels to choose from, and those of them for which the user's tuning has measured the best.
struct ChoiceCount {
    uint32_t measured = 0, all = 0;

    void add(const sac_node_info &node) {
        all += node.candidate_count > 1;
        measured += node.candidate_count > 1 && node.is_measured;
    }
    /// "3 of 14 choices measured"
    std::string text() const { return std::to_string(measured) + " of " + std::to_string(all) + " choices measured"; }
};

/// Closed with the object; the Vision must outlive it. [thread] one at a time.
class Network {
public:
    /// Tells on stderr that it is loading, if that lasts.
    static Result<Network> open(const Vision &vision, const NetworkOptions &options);
    ~Network();
    Network(Network &&other) noexcept;
    Network &operator=(Network &&) = delete;

    const sac_network_info &info() const { return info_; }
    /// Inputs first, then outputs.
    Result<std::vector<sac_tensor_info>> tensors() const;
    Result<std::vector<sac_dispatch_info>> dispatches() const;
    /// Those of the graph after fusion, with what was chosen to do their work.
    Result<std::vector<sac_node_info>> nodes() const;
    Result<ChoiceCount> choices() const;
    Result<std::string> describe() const;
    Status write(const std::string &input, const std::vector<float> &values) const;
    Result<std::vector<float>> read(const sac_tensor_info &output) const;
    /// Runs the network once; milliseconds from submit to done.
    Result<double> run() const;

private:
    Network(const Vision &vision, const sac_debug_api &debug) : vision_(vision), debug_(debug) {}
    const Vision &vision_;
    const sac_debug_api &debug_;
    sac_network network_ = {};
    sac_network_info info_ = {};
};

/// Measures the candidates of a network's kernels and keeps the winners. `go_on` is asked after each run with words on
/// how far it is.
struct Tuned {
    sac_tuning_info info = {};
    std::vector<sac_tuned_problem> problems;
};
Result<Tuned> tune_network(const Vision &vision, const NetworkOptions &options, uint32_t most_seconds,
                           const std::function<bool(const std::string &how_far)> &go_on);

/// "[1, 3, 352, 352]"
std::string shape_text(std::span<const int64_t> shape);
std::string shape_text(const sac_tensor_info &tensor);
uint64_t element_count(const sac_tensor_info &tensor);

/// Splits "NAME=REST"; error names the option if there is no '='.
Result<std::pair<std::string, std::string>> split_assignment(const std::string &option, const std::string &text);

}  // namespace sac::cli
