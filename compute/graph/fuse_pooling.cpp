// MaxPool with indices, and the MaxUnpool that takes them back.

#include "compute/graph/fuse.h"

namespace sac {

namespace {

using Ints = std::vector<int64_t>;

/// True if `unpool` puts elements back where `pool` took them from.
bool takes_back(const Graph &graph, const Node &unpool, const Node &pool) {
    const Shape &from = graph.values[pool.inputs[0]].shape;
    const size_t axes = from.size() < 3 ? 0 : from.size() - 2;
    if (axes != 1 && axes != 2) return false;
    const Ints ones(axes, 1), zeros(2 * axes, 0);
    return graph.values[unpool.outputs[0]].shape == from &&
           unpool.ints_or("kernel_shape", {}) == pool.ints_or("kernel_shape", {}) &&
           unpool.ints_or("strides", ones) == pool.ints_or("strides", ones) &&
           unpool.ints_or("pads", zeros) == pool.ints_or("pads", zeros) && pool.ints_or("dilations", ones) == ones &&
           pool.int_or("storage_order", 0) == 0 && pool.string_or("auto_pad", "NOTSET") == "NOTSET";
}

}  // namespace

bool fuse_unpooling(Graph &graph) {
    bool changed = false;
    Links links(graph);
    std::vector<std::vector<size_t>> readers(graph.values.size());
    for (size_t i = 0; i < graph.nodes.size(); ++i) {
        for (const ValueId id : graph.nodes[i].inputs)
            if (id != no_value) readers[id].push_back(i);
    }
    for (size_t i = 0; i < graph.nodes.size(); ++i) {
        Node pool = graph.nodes[i];
        if (!is_a(pool, "MaxPool") || pool.outputs.size() < 2) continue;
        const ValueId indices = pool.outputs[1];
        if (indices == no_value || links.uses(indices) == 0) {
            pool.outputs.resize(1);
            links.replace(i, std::move(pool));
            changed = true;
            continue;
        }
        bool all = links.uses(indices) == readers[indices].size();  // none is the graph itself
        for (const size_t reader : readers[indices]) {
            const Node &unpool = graph.nodes[reader];
            all = all && is_a(unpool, "MaxUnpool") && unpool.inputs[1] == indices && takes_back(graph, unpool, pool);
        }
        if (!all) continue;
        const Shape &from = graph.values[pool.inputs[0]].shape;
        for (const size_t reader : readers[indices]) {
            Node unpool = graph.nodes[reader];
            unpool.type = "MaxUnpoolTaps";
            unpool.domain = "saccade";
            unpool.opset = 1;
            unpool.inputs.resize(2);
            unpool.attributes["output"] = Ints(from.begin() + 2, from.end());
            // What the pooling rounded up, the way back rounds up.
            unpool.attributes["ceil_mode"] = pool.int_or("ceil_mode", 0);
            links.replace(reader, std::move(unpool));
        }
        graph.values[indices].dtype = graph.values[pool.inputs[0]].dtype;
        pool.type = "MaxPoolTaps";
        pool.domain = "saccade";
        pool.opset = 1;
        links.replace(i, std::move(pool));
        changed = true;
    }
    return changed;
}

}  // namespace sac
