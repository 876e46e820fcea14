// The functions of saccade_debug.h that are about networks, and its table.

#include "plugins/vision/debug_api.h"

#include <algorithm>

#include "plugins/vision/call.h"
#include "plugins/vision/inspect_api.h"
#include "plugins/vision/structs.h"

namespace sac::vision {
namespace {

sac_result open_network(sac_context context, const sac_network_desc *desc, sac_network *network) {
    return call_on(context, [&](Context &c) -> Status {
        if (!network) return Error(Code::invalid_argument, "network is null");
        *network = {0};
        SAC_ASSIGN(network->id, c.networks().open(desc));
        return {};
    });
}

sac_result close_network(sac_context context, sac_network network) {
    return call_on(context, [&](Context &c) { return c.networks().close(network.id); });
}

sac_result get_network_info(sac_context context, sac_network network, sac_network_info *info) {
    return call_on(context, [&](Context &c) -> Status {
        SAC_ASSIGN(const sac_network_info filled, c.networks().info(network.id));
        return write_struct(info, SAC_TYPE_NETWORK_INFO, "info", filled);
    });
}

sac_result get_tensor_info(sac_context context, sac_network network, uint32_t index, sac_tensor_info *info) {
    return call_on(context, [&](Context &c) -> Status {
        SAC_ASSIGN(const sac_tensor_info filled, c.networks().tensor(network.id, index));
        return write_struct(info, SAC_TYPE_TENSOR_INFO, "info", filled);
    });
}

sac_result get_dispatch_info(sac_context context, sac_network network, uint32_t index, sac_dispatch_info *info) {
    return call_on(context, [&](Context &c) -> Status {
        SAC_ASSIGN(const sac_dispatch_info filled, c.networks().dispatch(network.id, index));
        return write_struct(info, SAC_TYPE_DISPATCH_INFO, "info", filled);
    });
}

sac_result describe_network(sac_context context, sac_network network, char *text, uint64_t capacity, uint64_t *size) {
    return call_on(context, [&](Context &c) -> Status {
        SAC_ASSIGN(const std::string description, c.networks().describe(network.id));
        if (size) *size = description.size() + 1;
        if (text)
            copy_text(text, static_cast<size_t>(std::min<uint64_t>(capacity, description.size() + 1)), description);
        return {};
    });
}

sac_result write_input(sac_context context, sac_network network, const char *name, const float *values,
                       uint64_t count) {
    return call_on(context, [&](Context &c) { return c.networks().write(network.id, name, values, count); });
}

sac_result read_output(sac_context context, sac_network network, const char *name, float *values, uint64_t count) {
    return call_on(context, [&](Context &c) { return c.networks().read(network.id, name, values, count); });
}

sac_result run_network(sac_context context, sac_network network, uint64_t *wall_ns) {
    return call_on(context, [&](Context &c) -> Status {
        SAC_ASSIGN(const uint64_t took, c.networks().run(network.id));
        if (wall_ns) *wall_ns = took;
        return {};
    });
}

sac_result get_node_info(sac_context context, sac_network network, uint32_t index, sac_node_info *info) {
    return call_on(context, [&](Context &c) -> Status {
        SAC_ASSIGN(const sac_node_info filled, c.networks().node(network.id, index));
        return write_struct(info, SAC_TYPE_NODE_INFO, "info", filled);
    });
}

sac_result measure_ceiling(sac_context context, uint32_t flags, sac_ceiling *ceiling) {
    return call_on(context, [&](Context &c) -> Status {
        SAC_ASSIGN(const sac_ceiling filled, c.networks().ceiling(flags));
        return write_struct(ceiling, SAC_TYPE_CEILING, "ceiling", filled);
    });
}

sac_result tune_network(sac_context context, const sac_tuning_desc *desc, sac_tuning_info *info) {
    return call_on(context, [&](Context &c) -> Status {
        // Before minutes are spent.
        SAC_TRY(check_struct(info, SAC_TYPE_TUNING_INFO, sizeof *info, "info"));
        SAC_ASSIGN(const sac_tuning_info filled, c.networks().tune(desc));
        return write_struct(info, SAC_TYPE_TUNING_INFO, "info", filled);
    });
}

sac_result get_tuned_problem(sac_context context, uint32_t index, sac_tuned_problem *problem) {
    return call_on(context, [&](Context &c) -> Status {
        SAC_ASSIGN(const sac_tuned_problem filled, c.networks().tuned_problem(index));
        return write_struct(problem, SAC_TYPE_TUNED_PROBLEM, "problem", filled);
    });
}

constexpr sac_debug_api table = {
    sizeof(sac_debug_api),
    3,
    open_network,
    close_network,
    get_network_info,
    get_tensor_info,
    get_dispatch_info,
    describe_network,
    write_input,
    read_output,
    run_network,
    inspect::get_running_info,
    inspect::get_running_dispatch,
    inspect::get_layer_info,
    inspect::get_class_label,
    inspect::set_inspection,
    inspect::read_dispatch_times,
    inspect::read_statistics,
    inspect::read_tensor,
    inspect::read_feature_map,
    inspect::get_detect_state,
    inspect::set_class_filter,
    inspect::get_class_filter,
    inspect::get_frame_timings,
    inspect::set_run_mode,
    inspect::step_frame,
    inspect::replay_frame,
    inspect::get_run_state,
    inspect::get_memory_info,
    get_node_info,
    measure_ceiling,
    tune_network,
    get_tuned_problem,
};

}  // namespace

const sac_debug_api *debug_api() { return &table; }

}  // namespace sac::vision
