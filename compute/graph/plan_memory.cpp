// Phase plan_memory: offsets of activations by liveness, weights in few buffers, a buffer for each input and output.

#include <algorithm>

#include "compute/graph/arena.h"
#include "compute/graph/passes.h"

namespace sac {

namespace {

constexpr uint32_t no_block = UINT32_MAX;

/// When a storage is in use, in dispatches, both ends included.
struct Interval {
    size_t first = SIZE_MAX, last = 0;
    bool used() const { return first != SIZE_MAX; }
};

uint64_t align_up(uint64_t value, uint64_t alignment) { return (value + alignment - 1) / alignment * alignment; }

std::vector<Interval> live_intervals(const Plan &plan) {
    std::vector<Interval> intervals(plan.storages.size());
    for (size_t i = 0; i < plan.dispatches.size(); ++i) {
        for (const Binding &binding : plan.dispatches[i].bindings) {
            Interval &interval = intervals[binding.storage];
            interval.first = std::min(interval.first, i);
            interval.last = std::max(interval.last, i);
        }
    }
    return intervals;
}

/// The activation whose memory `output` can take over at dispatch `first`, where it is written for the first time: from
/// there on whoever reads it reads it in place and writes to the output.
std::optional<StorageId> taken_over(const Plan &plan, const std::vector<Interval> &intervals, size_t first,
                                    StorageId output) {
    const Storage &to = plan.storages[output];
    const auto only_in_place = [&](StorageId input) {
        for (size_t i = first; i <= intervals[input].last; ++i) {
            bool reads = false, writes = false;
            for (const Binding &binding : plan.dispatches[i].bindings) {
                if (binding.storage == input && !binding.in_place) return false;
                if (binding.storage == output && !binding.write) return false;
                reads = reads || binding.storage == input;
                writes = writes || binding.storage == output;
            }
            if (reads && !writes) return false;
        }
        return true;
    };
    for (const Binding &binding : plan.dispatches[first].bindings) {
        const Storage &from = plan.storages[binding.storage];
        const bool alike = from.kind == Storage::Kind::activation && from.bytes == to.bytes && from.dtype == to.dtype;
        if (binding.in_place && alike && only_in_place(binding.storage)) return binding.storage;
    }
    return std::nullopt;
}

/// The activations as blocks: by storage the number of its block, which an output shares with the input that it takes
/// over.
std::vector<Block> activation_blocks(const Plan &plan, uint64_t alignment, std::vector<uint32_t> &block_of) {
    const auto intervals = live_intervals(plan);
    std::vector<Block> blocks;
    std::vector<bool> taken(plan.storages.size(), false);
    block_of.assign(plan.storages.size(), no_block);
    for (size_t i = 0; i < plan.dispatches.size(); ++i) {
        for (const Binding &binding : plan.dispatches[i].bindings) {
            const StorageId id = binding.storage;
            if (plan.storages[id].kind != Storage::Kind::activation || block_of[id] != no_block) continue;
            const auto from = binding.write ? taken_over(plan, intervals, i, id) : std::nullopt;
            if (from && !taken[*from] && block_of[*from] != no_block) {
                taken[*from] = true;
                block_of[id] = block_of[*from];
                blocks[block_of[id]].last = intervals[id].last;
                continue;
            }
            block_of[id] = static_cast<uint32_t>(blocks.size());
            blocks.push_back({align_up(plan.storages[id].bytes, alignment), i, intervals[id].last});
        }
    }
    return blocks;
}

void place_activations(Plan &plan, uint64_t alignment, uint64_t limit) {
    std::vector<uint32_t> block_of;
    const std::vector<Block> blocks = activation_blocks(plan, alignment, block_of);
    const Placement placement = place_blocks(blocks, limit);
    const auto first = static_cast<uint32_t>(plan.buffers.size());
    for (size_t i = 0; i < placement.sizes.size(); ++i)
        plan.buffers.push_back({placement.sizes[i], Storage::Kind::activation, "activations " + std::to_string(i)});
    for (StorageId id = 0; id < plan.storages.size(); ++id) {
        if (block_of[id] == no_block) continue;
        plan.storages[id].buffer = first + placement.arena[block_of[id]];
        plan.storages[id].offset = placement.offset[block_of[id]];
    }
    plan.arena_bytes = placement.total();
    plan.live_set_bytes = live_set_bytes(blocks);
}

void place_weights(Plan &plan, uint64_t alignment, uint64_t limit) {
    size_t count = 0;
    for (Storage &storage : plan.storages) {
        if (storage.kind != Storage::Kind::weights) continue;
        const bool fits = count && plan.buffers.back().bytes + storage.bytes <= limit;
        if (!fits) plan.buffers.push_back({0, Storage::Kind::weights, "weights " + std::to_string(count++)});
        Plan::BufferSpec &buffer = plan.buffers.back();
        storage.buffer = static_cast<uint32_t>(plan.buffers.size() - 1);
        storage.offset = buffer.bytes;
        buffer.bytes = align_up(buffer.bytes + storage.bytes, alignment);
    }
}

void place_externals(Plan &plan) {
    for (Storage &storage : plan.storages) {
        if (storage.kind != Storage::Kind::external) continue;
        storage.buffer = static_cast<uint32_t>(plan.buffers.size());
        storage.offset = 0;
        plan.buffers.push_back({storage.bytes, Storage::Kind::external, storage.name});
    }
}

/// Externals that no value has any more: a graph output whose producer aliased it to its input.
void drop_unused_externals(Plan &plan) {
    std::vector<bool> used(plan.storages.size(), false);
    for (const StorageId id : plan.value_storage)
        if (id != UINT32_MAX) used[id] = true;
    for (size_t i = 0; i < plan.storages.size(); ++i)
        if (!used[i] && plan.storages[i].kind == Storage::Kind::external)
            plan.storages[i].kind = Storage::Kind::activation;  // never dispatched, so never placed
}

}  // namespace

Status plan_memory(Plan &plan, const vk::Caps &caps) {
    const VkPhysicalDeviceLimits &limits = caps.limits;
    const uint64_t alignment =
        std::max<uint64_t>({16, limits.minStorageBufferOffsetAlignment, limits.minTexelBufferOffsetAlignment});
    const uint64_t range = limits.maxStorageBufferRange;
    for (const Storage &storage : plan.storages)
        if (storage.bytes > range || storage.bytes > caps.max_allocation)
            return Error(Code::unsupported, plan.graph.source + ": tensor '" + storage.name + "' takes " +
                                                std::to_string(storage.bytes) + " bytes, more than the device's " +
                                                std::to_string(std::min(range, caps.max_allocation)));
    const uint64_t limit = std::min(range, caps.max_allocation);
    plan.buffers.clear();
    plan.arena_bytes = plan.live_set_bytes = 0;
    drop_unused_externals(plan);
    place_activations(plan, alignment, limit);
    place_weights(plan, alignment, limit);
    place_externals(plan);
    place_barriers(plan);
    return {};
}

}  // namespace sac
