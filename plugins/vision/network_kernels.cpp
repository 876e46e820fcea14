// The parts of Networks that are about kernels: what was chosen, how fast it is, and tuning.
#include <algorithm>
#include <set>

#include "compute/ceiling.h"
#include "plugins/vision/network.h"
#include "plugins/vision/plan_info.h"
#include "plugins/vision/structs.h"
#include "plugins/vision/tuning_file.h"

namespace sac::vision {
namespace {

uint64_t bytes_of_values(const Plan &plan, const std::vector<ValueId> &ids) {
    uint64_t bytes = 0;
    std::set<ValueId> counted;
    for (const ValueId id : ids) {
        if (id == no_value || plan.graph.values[id].constant || !counted.insert(id).second) continue;
        const Value &value = plan.graph.values[id];
        bytes += static_cast<uint64_t>(padded_element_count(value.shape, value.layout)) * size_of(value.storage);
    }
    return bytes;
}

}  // namespace

Result<sac_node_info> Networks::node(uint64_t id, uint32_t index) {
    const std::lock_guard lock(mutex_);
    SAC_ASSIGN(const Network *network, find(id));
    const Plan &plan = network->session->plan();
    if (index >= plan.graph.nodes.size())
        return Error(Code::not_found,
                     format("index %u is beyond the %zu nodes of the network", index, plan.graph.nodes.size()));
    const Node &node = plan.graph.nodes[index];
    sac_node_info info = {};
    copy_text(info.node, node.name);
    copy_text(info.operation, node.type);
    // The first is of the whole node; its candidate may consist of choices of its own.
    const auto choice = std::find_if(plan.choices.begin(), plan.choices.end(),
                                     [&](const KernelChoice &other) { return other.node == index; });
    if (choice != plan.choices.end()) {
        copy_text(info.problem, choice->problem);
        copy_text(info.candidate, choice->candidates[choice->taken]);
        info.candidate_count = static_cast<uint32_t>(choice->candidates.size());
        info.is_measured = choice->measured ? 1 : 0;
    }
    info.read_bytes = bytes_of_values(plan, node.inputs);
    info.write_bytes = bytes_of_values(plan, node.outputs);
    std::set<StorageId> weights;
    for (size_t d = 0; d < plan.dispatches.size(); ++d) {
        const Dispatch &dispatch = plan.dispatches[d];
        if (dispatch.node != index) continue;
        if (info.dispatch_count++ == 0) info.first_dispatch = static_cast<uint32_t>(d);
        info.flops += dispatch.flops;
        for (const Binding &binding : dispatch.bindings) {
            const Storage &storage = plan.storages[binding.storage];
            if (storage.kind == Storage::Kind::weights && weights.insert(binding.storage).second)
                info.read_bytes += storage.bytes;
        }
        if (const auto &times = network->session->last_profile(); d < times.size())
            info.microseconds += times[d].nanoseconds * 1e-3;
    }
    return info;
}

Result<sac_ceiling> Networks::ceiling(uint32_t flags) {
    if (flags & ~uint32_t{SAC_MODEL_FP16})
        return Error(Code::unsupported, format("flags is 0x%x, of which not all bits are known", flags));
    const std::lock_guard lock(mutex_);
    SAC_TRY(health_.status());
    auto measured = measure_ceiling(runtime_, flags & SAC_MODEL_FP16 ? DType::f16 : DType::f32);
    if (!measured.ok()) {
        health_.report(measured.error());
        return std::move(measured).error();
    }
    sac_ceiling ceiling = {};
    ceiling.gflops = measured->gflops;
    ceiling.gbytes = measured->gbytes;
    return ceiling;
}

Result<sac_tuning_info> Networks::tune(const sac_tuning_desc *given) {
    sac_tuning_desc desc = {};
    SAC_TRY(read_struct(given, SAC_TYPE_TUNING_DESC, "tuning_desc", desc));
    if (desc.reserved != 0)
        return Error(Code::invalid_argument, format("tuning_desc.reserved is %u, not 0", desc.reserved));
    if (!desc.network) return Error(Code::invalid_argument, "tuning_desc.network is null");
    SAC_ASSIGN(const Request request, read(desc.network));
    TunerOptions options;
    if (desc.max_seconds) options.seconds = desc.max_seconds;
    if (desc.progress)
        options.progress = [&](const TunerProgress &now) {
            const sac_tuning_progress progress = {static_cast<uint32_t>(now.done), static_cast<uint32_t>(now.total),
                                                  now.seconds_left};
            return desc.progress(desc.user, &progress) == 0;
        };

    const std::lock_guard lock(mutex_);
    SAC_ASSIGN(const Graph graph, load_graph(host_, request.path));
    const TuningFile file(runtime_);
    SAC_TRY(file.merge({}, host_.log()));  // not only after minutes of measuring
    auto report = sac::tune(runtime_, graph, request.options, options);
    if (!report.ok()) {
        health_.report(report.error());
        return std::move(report).error();
    }
    SAC_TRY(file.merge(report->winners(), host_.log()));
    tuned_ = std::move(report->problems);
    sac_tuning_info info = {};
    info.problem_count = static_cast<uint32_t>(tuned_.size());
    info.is_stopped = report->stopped ? 1 : 0;
    info.expected_us = report->expected_ns * 1e-3;
    info.tuned_us = report->tuned_ns * 1e-3;
    copy_text(info.path, file.path());
    return info;
}

Result<sac_tuned_problem> Networks::tuned_problem(uint32_t index) {
    const std::lock_guard lock(mutex_);
    if (index >= tuned_.size())
        return Error(Code::not_found,
                     format("index %u is beyond the %zu problems that were tuned", index, tuned_.size()));
    const TunedProblem &tuned = tuned_[index];
    sac_tuned_problem problem = {};
    copy_text(problem.problem, tuned.problem);
    problem.node_count = static_cast<uint32_t>(tuned.nodes);
    problem.candidate_count =
        static_cast<uint32_t>(std::min<size_t>(tuned.candidates.size(), std::size(problem.candidates)));
    problem.expected = static_cast<uint32_t>(tuned.expected);
    problem.winner = static_cast<uint32_t>(tuned.winner);
    for (uint32_t i = 0; i < problem.candidate_count; ++i) {
        copy_text(problem.candidates[i].name, tuned.candidates[i].name);
        problem.candidates[i].microseconds = tuned.candidates[i].nanoseconds * 1e-3;
    }
    return problem;
}

}  // namespace sac::vision
