#pragma once
// What the debug structs tell of a plan, whether it is a network's or the running model's.

#include <algorithm>

#include "compute/session.h"
#include "plugins/vision/structs.h"

namespace sac::vision {

/// Bytes of a plan's inputs and outputs, and of its weights.
struct PlanBytes {
    uint64_t io = 0, weights = 0;
};

inline PlanBytes bytes_of(const Plan &plan) {
    PlanBytes bytes;
    for (const Plan::BufferSpec &buffer : plan.buffers) {
        if (buffer.kind == Storage::Kind::weights) bytes.weights += buffer.bytes;
        if (buffer.kind == Storage::Kind::external) bytes.io += buffer.bytes;
    }
    return bytes;
}

/// Fills what sac_dispatch_info and sac_running_dispatch have in common. `index` must be one of the plan's dispatches.
template <class Info>
void describe_dispatch(const Plan &plan, uint32_t index, Info &info) {
    const Dispatch &dispatch = plan.dispatches[index];
    if (dispatch.node < plan.graph.nodes.size()) {
        copy_text(info.node, plan.graph.nodes[dispatch.node].name);
        copy_text(info.operation, plan.graph.nodes[dispatch.node].type);
    }
    copy_text(info.kernel, dispatch.kernel);
    std::copy(dispatch.groups.begin(), dispatch.groups.end(), info.groups);
    info.barrier = plan.barrier_before[index] ? 1 : 0;
    info.flops = dispatch.flops;
}

}  // namespace sac::vision
