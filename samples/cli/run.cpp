// saccade run: a network on tensors from .npy files.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <set>
#include <span>

#include "samples/cli/command.h"
#include "samples/cli/models.h"
#include "samples/cli/network.h"
#include "samples/cli/npy.h"

namespace sac::cli {

namespace {

constexpr Option options[] = {
    {"--input", "NAME=FILE", "an input's values as .npy (32-bit floats) of the input's shape", Option::Kind::named, 0,
     0, true},
    {"--output", "NAME=FILE", "where to write an output as .npy", Option::Kind::named, 0, 0, true},
    dim_option,
    half_option,
    device_option,
};

struct Input {
    std::string name, path;
    NpyArray array;
};

struct Output {
    std::string name, path;
};

Result<std::vector<Input>> read_inputs(const Arguments &arguments) {
    std::vector<Input> inputs;
    for (const std::string &text : arguments.all("--input")) {
        SAC_ASSIGN(const auto named, split_assignment("--input", text));
        SAC_ASSIGN(NpyArray array, read_npy(named.second));
        inputs.push_back({named.first, named.second, std::move(array)});
    }
    return inputs;
}

Result<std::vector<Output>> wanted_outputs(const Arguments &arguments) {
    std::vector<Output> outputs;
    for (const std::string &text : arguments.all("--output")) {
        SAC_ASSIGN(const auto named, split_assignment("--output", text));
        const std::filesystem::path file = named.second, folder = file.has_parent_path() ? file.parent_path() : ".";
        std::error_code failed;
        if (!std::filesystem::is_directory(folder, failed))
            return Error(Code::not_found, named.second + ": there is no folder " + folder.string());
        if (std::filesystem::is_directory(file, failed))
            return Error(Code::invalid_argument, named.second + ": is a folder, not a file to write");
        outputs.push_back({named.first, named.second});
    }
    return outputs;
}

// "a, b"
std::string names(std::span<const sac_tensor_info> tensors) {
    std::string text;
    for (const sac_tensor_info &tensor : tensors) text += (text.empty() ? "" : ", ") + std::string(tensor.name);
    return text;
}

const sac_tensor_info *find(std::span<const sac_tensor_info> tensors, const std::string &name) {
    const auto found = std::find_if(tensors.begin(), tensors.end(), [&](const auto &t) { return name == t.name; });
    return found == tensors.end() ? nullptr : &*found;
}

Status write_inputs(const std::vector<Input> &given, const Network &network, std::span<const sac_tensor_info> inputs) {
    std::set<std::string> missing;
    for (const sac_tensor_info &tensor : inputs) missing.insert(tensor.name);
    for (const Input &input : given) {
        const sac_tensor_info *tensor = find(inputs, input.name);
        if (!tensor)
            return Error(Code::not_found,
                         "--input " + input.name + ": the network has no such input, but " + names(inputs));
        const std::vector<int64_t> &shape = input.array.shape;
        if (!std::equal(shape.begin(), shape.end(), tensor->shape, tensor->shape + tensor->rank))
            return Error(Code::invalid_argument, input.path + ": has the shape " + shape_text(shape) + ", input " +
                                                     input.name + " wants " + shape_text(*tensor));
        missing.erase(input.name);
    }
    if (!missing.empty())
        return Error(Code::invalid_argument,
                     "input " + *missing.begin() + " is not given; --input " + *missing.begin() + "=FILE.npy");
    for (const Input &input : given) SAC_TRY(network.write(input.name, input.array.values));
    return {};
}

// Numbers are those of finite values; what is not finite is counted.
void print_output(const sac_tensor_info &tensor, const std::vector<float> &values) {
    size_t finite = 0, nans = 0;
    double low = 0, high = 0, sum = 0;
    for (const float v : values) {
        nans += std::isnan(v) ? 1 : 0;
        if (!std::isfinite(v)) continue;
        low = finite ? std::min<double>(low, v) : v;
        high = finite ? std::max<double>(high, v) : v;
        sum += v;
        ++finite;
    }
    std::printf("%s %s", tensor.name, shape_text(tensor).c_str());
    if (finite > 0) std::printf("  min %g  max %g  mean %g", low, high, sum / static_cast<double>(finite));
    if (nans > 0) std::printf("  %zu NaN", nans);
    if (const size_t infinite = values.size() - finite - nans) std::printf("  %zu infinite", infinite);
    std::printf("\n");
}

Status run(const Arguments &arguments) {
    NetworkOptions wanted;
    wanted.path = arguments.others()[0];
    wanted.dimensions = arguments.all("--dim");
    wanted.half = arguments.has("--half");
    SAC_ASSIGN(const std::vector<Input> given, read_inputs(arguments));
    SAC_ASSIGN(const std::vector<Output> kept, wanted_outputs(arguments));
    SAC_ASSIGN(const std::unique_ptr<Vision> vision, Vision::create(arguments.text("--device")));
    SAC_ASSIGN(const Network network, Network::open(*vision, wanted));
    SAC_ASSIGN(const std::vector<sac_tensor_info> tensors, network.tensors());
    const auto inputs = std::span(tensors).first(network.info().input_count);
    const auto outputs = std::span(tensors).subspan(network.info().input_count);
    for (const Output &output : kept)
        if (!find(outputs, output.name))
            return Error(Code::not_found,
                         "--output " + output.name + ": the network has no such output, but " + names(outputs));
    SAC_TRY(write_inputs(given, network, inputs));
    SAC_ASSIGN(const double milliseconds, network.run());
    std::fprintf(stderr, "saccade run: %.2f ms\n", milliseconds);

    for (const Output &output : kept) {
        const sac_tensor_info &tensor = *find(outputs, output.name);
        SAC_ASSIGN(std::vector<float> values, network.read(tensor));
        SAC_TRY(write_npy(output.path, {{tensor.shape, tensor.shape + tensor.rank}, std::move(values)}));
    }
    for (const sac_tensor_info &tensor : outputs) {
        SAC_ASSIGN(const std::vector<float> values, network.read(tensor));
        print_output(tensor, values);
    }
    return vision->validation_status();
}

}  // namespace

const Command run_command = {
    "run",
    "[options] MODEL.onnx|DIR",
    "runs a network once on tensors from .npy files",
    "Prints each output's shape, smallest, largest and mean value, and how many are not finite. Leading\n"
    "dimensions without a size become 1, others need --dim.\n",
    options,
    1,
    1,
    run};

}  // namespace sac::cli
