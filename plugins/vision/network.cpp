#include "plugins/vision/network.h"

#include <algorithm>
#include <filesystem>

#include "plugins/vision/plan_info.h"
#include "plugins/vision/structs.h"

namespace sac::vision {
namespace {

constexpr uint32_t known_flags = uint32_t{SAC_MODEL_FP16} | uint32_t{SAC_NETWORK_PROFILE};

Error no_such(const char *what, uint64_t index, size_t count) {
    return Error(Code::not_found, format("index %llu is beyond the %zu %s of the network",
                                         static_cast<unsigned long long>(index), count, what));
}

}  // namespace

Status Networks::kept(Status status) {
    if (!status.ok()) health_.report(status.error());
    return status;
}

Result<Network *> Networks::find(uint64_t id) {
    const auto network = networks_.find(id);
    if (network == networks_.end())
        return Error(Code::not_found,
                     format("there is no network %llu (any more)", static_cast<unsigned long long>(id)));
    return &network->second;
}

Result<Networks::Request> Networks::read(const sac_network_desc *given) const {
    sac_network_desc desc = {};
    SAC_TRY(read_struct(given, SAC_TYPE_NETWORK_DESC, "network_desc", desc));
    if (!desc.path || !*desc.path) return Error(Code::invalid_argument, "network_desc.path is null or empty");
    if (desc.flags & ~known_flags)
        return Error(Code::unsupported,
                     format("network_desc.flags is 0x%x, of which not all bits are known", desc.flags));
    if (desc.dimension_count && !desc.dimensions)
        return Error(Code::invalid_argument, "network_desc.dimensions is null");
    SAC_TRY(health_.status());

    Request request;
    request.path = desc.path;
    std::error_code ignored;
    if (std::filesystem::is_directory(std::filesystem::u8path(request.path), ignored)) request.path += "/model.onnx";
    SessionOptions &options = request.options;
    options.storage = desc.flags & SAC_MODEL_FP16 ? DType::f16 : DType::f32;
    options.profile = (desc.flags & SAC_NETWORK_PROFILE) != 0;
    for (uint32_t i = 0; i < desc.dimension_count; ++i) {
        const sac_dimension &dimension = desc.dimensions[i];
        if (!dimension.name)
            return Error(Code::invalid_argument, format("network_desc.dimensions[%u].name is null", i));
        options.dimensions[dimension.name] = dimension.value;
    }
    return request;
}

Result<uint64_t> Networks::open(const sac_network_desc *desc) {
    SAC_ASSIGN(const Request request, read(desc));
    const std::lock_guard lock(mutex_);
    const uint64_t start = now_ns();
    SAC_ASSIGN(Graph graph, load_graph(host_, request.path));
    auto session = load_session(runtime_, host_, std::move(graph), request.options);
    if (!session.ok()) {
        health_.report(session.error());
        return std::move(session).error();
    }
    const uint64_t id = next_id_++;
    Network &network = networks_[id];
    network.session = std::move(session).value();
    network.load_ms = static_cast<double>(now_ns() - start) * 1e-6;
    return id;
}

Status Networks::close(uint64_t id) {
    const std::lock_guard lock(mutex_);
    SAC_TRY(find(id));
    networks_.erase(id);
    runtime_.retire->collect();
    return {};
}

Result<sac_network_info> Networks::info(uint64_t id) {
    const std::lock_guard lock(mutex_);
    SAC_ASSIGN(const Network *network, find(id));
    const Plan &plan = network->session->plan();
    sac_network_info info = {};
    info.input_count = static_cast<uint32_t>(network->session->inputs().size());
    info.output_count = static_cast<uint32_t>(network->session->outputs().size());
    info.node_count = static_cast<uint32_t>(plan.graph.nodes.size());
    info.dispatch_count = static_cast<uint32_t>(plan.dispatches.size());
    info.barrier_count =
        static_cast<uint32_t>(std::count(plan.barrier_before.begin(), plan.barrier_before.end(), true));
    for (const Dispatch &dispatch : plan.dispatches) info.flops += dispatch.flops;
    info.load_ms = network->load_ms;
    info.weight_bytes = bytes_of(plan).weights;
    info.arena_bytes = plan.arena_bytes;
    info.live_set_bytes = plan.live_set_bytes;
    return info;
}

Result<sac_tensor_info> Networks::tensor(uint64_t id, uint32_t index) {
    const std::lock_guard lock(mutex_);
    SAC_ASSIGN(const Network *network, find(id));
    const auto inputs = network->session->inputs(), outputs = network->session->outputs();
    if (index >= inputs.size() + outputs.size()) return no_such("tensors", index, inputs.size() + outputs.size());
    const TensorInfo &tensor = index < inputs.size() ? inputs[index] : outputs[index - inputs.size()];
    sac_tensor_info info = {};
    copy_text(info.name, tensor.name);
    if (tensor.shape.size() > std::size(info.shape))
        return Error(Code::unsupported, format("tensor '%s' has %zu axes, more than the %zu that can be told",
                                               tensor.name.c_str(), tensor.shape.size(), std::size(info.shape)));
    info.rank = static_cast<uint32_t>(tensor.shape.size());
    std::copy(tensor.shape.begin(), tensor.shape.end(), info.shape);
    return info;
}

Result<sac_dispatch_info> Networks::dispatch(uint64_t id, uint32_t index) {
    const std::lock_guard lock(mutex_);
    SAC_ASSIGN(const Network *network, find(id));
    const Plan &plan = network->session->plan();
    if (index >= plan.dispatches.size()) return no_such("dispatches", index, plan.dispatches.size());
    sac_dispatch_info info = {};
    describe_dispatch(plan, index, info);
    for (const DispatchTime &time : network->session->last_profile())
        if (time.dispatch == index) info.microseconds = time.nanoseconds * 1e-3;
    return info;
}

Result<std::string> Networks::describe(uint64_t id) {
    const std::lock_guard lock(mutex_);
    SAC_ASSIGN(const Network *network, find(id));
    return network->session->plan().dump();
}

Status Networks::write(uint64_t id, const char *name, const float *values, uint64_t count) {
    if (!name) return Error(Code::invalid_argument, "name is null");
    if (!values) return Error(Code::invalid_argument, "values is null");
    const std::lock_guard lock(mutex_);
    SAC_ASSIGN(const Network *network, find(id));
    SAC_TRY(health_.status());
    return kept(network->session->write_input(name, {values, count}));
}

Status Networks::read(uint64_t id, const char *name, float *values, uint64_t count) {
    if (!name) return Error(Code::invalid_argument, "name is null");
    if (!values) return Error(Code::invalid_argument, "values is null");
    const std::lock_guard lock(mutex_);
    SAC_ASSIGN(const Network *network, find(id));
    SAC_TRY(health_.status());
    auto output = network->session->read_output(name);
    if (!output.ok()) return kept(std::move(output).error());
    if (output->size() != count)
        return Error(Code::invalid_argument, format("count is %llu, output '%s' has %zu elements",
                                                    static_cast<unsigned long long>(count), name, output->size()));
    std::copy(output->begin(), output->end(), values);
    return {};
}

Result<uint64_t> Networks::run(uint64_t id) {
    const std::lock_guard lock(mutex_);
    SAC_ASSIGN(const Network *network, find(id));
    SAC_TRY(health_.status());
    const uint64_t start = now_ns();
    SAC_TRY(kept(network->session->run()));
    return now_ns() - start;
}

}  // namespace sac::vision
