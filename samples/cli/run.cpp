// saccade run: a network on tensors from .npy files.
#include <algorithm>
#include <cstdio>
#include <set>

#include "samples/cli/command.h"
#include "samples/cli/models.h"
#include "samples/cli/network.h"
#include "samples/cli/npy.h"

namespace sac::cli {

namespace {

constexpr Option options[] = {
    {"--input", "NAME=FILE", "an input's values as .npy (32-bit floats)", Option::Kind::text, 0, 0, true},
    {"--output", "NAME=FILE", "where to write an output as .npy", Option::Kind::text, 0, 0, true},
    dim_option,
    half_option,
    device_option,
};

Status write_inputs(const Arguments &arguments, const Network &network, const std::vector<sac_tensor_info> &tensors) {
    std::set<std::string> missing;
    for (uint32_t i = 0; i < network.info().input_count; ++i) missing.insert(tensors[i].name);
    for (const std::string &text : arguments.all("--input")) {
        SAC_ASSIGN(const auto named, split_assignment("--input", text));
        const auto tensor = std::find_if(tensors.begin(), tensors.begin() + network.info().input_count,
                                         [&](const sac_tensor_info &t) { return named.first == t.name; });
        if (tensor == tensors.begin() + network.info().input_count)
            return Error(Code::not_found, "--input " + named.first + ": the network has no such input");
        SAC_ASSIGN(const NpyArray array, read_npy(named.second));
        if (array.values.size() != element_count(*tensor))
            return Error(Code::invalid_argument, named.second + ": has " + std::to_string(array.values.size()) +
                                                     " values, input " + named.first + " wants " + shape_text(*tensor));
        SAC_TRY(network.write(named.first, array.values));
        missing.erase(named.first);
    }
    if (missing.empty()) return {};
    return Error(Code::invalid_argument,
                 "input " + *missing.begin() + " is not given; --input " + *missing.begin() + "=FILE.npy");
}

Status run(const Arguments &arguments) {
    NetworkOptions wanted;
    wanted.path = arguments.others()[0];
    wanted.dimensions = arguments.all("--dim");
    wanted.half = arguments.has("--half");
    SAC_ASSIGN(const std::unique_ptr<Vision> vision, Vision::create(arguments.text("--device")));
    SAC_ASSIGN(const Network network, Network::open(*vision, wanted));
    SAC_ASSIGN(const std::vector<sac_tensor_info> tensors, network.tensors());
    SAC_TRY(write_inputs(arguments, network, tensors));
    SAC_ASSIGN(const double milliseconds, network.run());
    std::fprintf(stderr, "saccade run: %.2f ms\n", milliseconds);

    for (const std::string &text : arguments.all("--output")) {
        SAC_ASSIGN(const auto named, split_assignment("--output", text));
        const auto tensor = std::find_if(tensors.begin() + network.info().input_count, tensors.end(),
                                         [&](const sac_tensor_info &t) { return named.first == t.name; });
        if (tensor == tensors.end())
            return Error(Code::not_found, "--output " + named.first + ": the network has no such output");
        SAC_ASSIGN(std::vector<float> values, network.read(*tensor));
        SAC_TRY(write_npy(named.second, {{tensor->shape, tensor->shape + tensor->rank}, std::move(values)}));
    }
    for (size_t i = network.info().input_count; i < tensors.size(); ++i) {
        SAC_ASSIGN(const std::vector<float> values, network.read(tensors[i]));
        const auto [low, high] = std::minmax_element(values.begin(), values.end());
        double sum = 0;
        for (const float v : values) sum += v;
        std::printf("%s %s  min %g  max %g  mean %g\n", tensors[i].name, shape_text(tensors[i]).c_str(), *low, *high,
                    sum / static_cast<double>(values.size()));
    }
    return vision->validation_status();
}

}  // namespace

const Command run_command = {"run",
                             "[options] MODEL.onnx|DIR",
                             "runs a network once on tensors from .npy files",
                             "Prints each output's shape, smallest, largest and mean value.\n",
                             options,
                             1,
                             1,
                             run};

}  // namespace sac::cli
