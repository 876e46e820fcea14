// Phase plan_memory: offsets of activations by liveness, weights in few buffers, a buffer for each input and output.

#include <algorithm>
#include <numeric>

#include "compute/graph/passes.h"

namespace sac {

namespace {

constexpr size_t most_ordered = 4096;  // activations for which orders are tried that take quadratic time

/// When an activation is alive, in dispatches, both ends included.
struct Interval {
    size_t first = SIZE_MAX, last = 0;
    bool used() const { return first != SIZE_MAX; }
    bool meets(const Interval &other) const { return first <= other.last && other.first <= last; }
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

struct Placement {
    std::vector<uint32_t> arena;   ///< by storage
    std::vector<uint64_t> offset;  ///< by storage
    std::vector<uint64_t> sizes;   ///< of the arenas
    uint64_t total() const { return std::accumulate(sizes.begin(), sizes.end(), uint64_t{0}); }
};

class Arenas {
public:
    Arenas(const Plan &plan, const std::vector<Interval> &intervals, uint64_t alignment, uint64_t limit)
        : plan_(plan), intervals_(intervals), alignment_(alignment), limit_(limit) {}

    /// Places storages one after the other, each in the smallest gap that holds it among those alive at the same time.
    /// Quadratic, but where the order is `by_use`: what has died before one of them begins is no matter to the rest.
    Placement place(const std::vector<StorageId> &order, bool by_use) const {
        Placement placement;
        placement.arena.assign(plan_.storages.size(), 0);
        placement.offset.assign(plan_.storages.size(), 0);
        std::vector<std::vector<StorageId>> placed;  // by arena, ordered by offset
        for (const StorageId id : order) {
            size_t arena = 0;
            uint64_t offset = 0;
            for (;; ++arena) {
                if (arena == placed.size()) {
                    placed.emplace_back();
                    placement.sizes.push_back(0);
                }
                if (by_use)
                    std::erase_if(placed[arena],
                                  [&](StorageId other) { return intervals_[other].last < intervals_[id].first; });
                offset = best_gap(placement, placed[arena], id);
                if (offset + size_of(id) <= limit_ || placed[arena].empty()) break;
            }
            placement.arena[id] = static_cast<uint32_t>(arena);
            placement.offset[id] = offset;
            placement.sizes[arena] = std::max(placement.sizes[arena], offset + size_of(id));
            auto &list = placed[arena];
            list.insert(
                std::upper_bound(list.begin(), list.end(), id,
                                 [&](StorageId a, StorageId b) { return placement.offset[a] < placement.offset[b]; }),
                id);
        }
        return placement;
    }

    uint64_t size_of(StorageId id) const { return align_up(plan_.storages[id].bytes, alignment_); }

private:
    uint64_t best_gap(const Placement &placement, const std::vector<StorageId> &placed, StorageId id) const {
        const uint64_t size = size_of(id);
        uint64_t end = 0, best = UINT64_MAX, best_waste = UINT64_MAX;
        for (const StorageId other : placed) {
            if (!intervals_[other].meets(intervals_[id])) continue;
            const uint64_t offset = placement.offset[other];
            if (offset >= end + size && offset - end - size < best_waste) {
                best = end;
                best_waste = offset - end - size;
            }
            end = std::max(end, offset + size_of(other));
        }
        return best == UINT64_MAX ? end : best;
    }

    const Plan &plan_;
    const std::vector<Interval> &intervals_;
    uint64_t alignment_, limit_;
};

/// The largest sum of what is alive at one dispatch: no placement is smaller.
uint64_t live_set(const Plan &plan, const std::vector<Interval> &intervals, const std::vector<StorageId> &ids,
                  const Arenas &arenas) {
    std::vector<uint64_t> born(plan.dispatches.size(), 0), gone(plan.dispatches.size() + 1, 0);
    for (const StorageId id : ids) {
        born[intervals[id].first] += arenas.size_of(id);
        gone[intervals[id].last + 1] += arenas.size_of(id);
    }
    uint64_t alive = 0, most = 0;
    for (size_t i = 0; i < plan.dispatches.size(); ++i) {
        alive += born[i];
        alive -= gone[i];
        most = std::max(most, alive);
    }
    return most;
}

void place_activations(Plan &plan, uint64_t alignment, uint64_t limit) {
    const auto intervals = live_intervals(plan);
    std::vector<StorageId> ids;
    for (StorageId id = 0; id < plan.storages.size(); ++id)
        if (plan.storages[id].kind == Storage::Kind::activation && intervals[id].used()) ids.push_back(id);
    if (ids.empty()) return;

    const Arenas arenas(plan, intervals, alignment, limit);
    plan.live_set_bytes = live_set(plan, intervals, ids, arenas);

    // No one order is best for every network; they cost little, so take the best of three.
    const auto length = [&](StorageId id) { return intervals[id].last - intervals[id].first + 1; };
    std::vector<StorageId> by_use = ids, by_size = ids, by_area = ids;
    std::stable_sort(by_use.begin(), by_use.end(),
                     [&](StorageId a, StorageId b) { return intervals[a].first < intervals[b].first; });
    std::stable_sort(by_size.begin(), by_size.end(),
                     [&](StorageId a, StorageId b) { return arenas.size_of(a) > arenas.size_of(b); });
    std::stable_sort(by_area.begin(), by_area.end(), [&](StorageId a, StorageId b) {
        return arenas.size_of(a) * length(a) > arenas.size_of(b) * length(b);
    });
    Placement best = arenas.place(by_use, true);
    if (ids.size() <= most_ordered)
        for (const auto *order : {&by_size, &by_area})
            if (Placement other = arenas.place(*order, false); other.total() < best.total()) best = std::move(other);

    const auto first = static_cast<uint32_t>(plan.buffers.size());
    for (size_t i = 0; i < best.sizes.size(); ++i)
        plan.buffers.push_back({best.sizes[i], Storage::Kind::activation, "activations " + std::to_string(i)});
    for (const StorageId id : ids) {
        plan.storages[id].buffer = first + best.arena[id];
        plan.storages[id].offset = best.offset[id];
    }
    plan.arena_bytes = best.total();
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
